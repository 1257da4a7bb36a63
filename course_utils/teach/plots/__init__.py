"""The course's figures."""
