"""Toys in the plane and on the line, which train in seconds."""
