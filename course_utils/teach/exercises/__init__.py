"""The checked exercises, one module a lesson."""
