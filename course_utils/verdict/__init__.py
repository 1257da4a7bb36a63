"""Would generated pictures help a classifier of *these* pictures? `verdict.run(images)` finds out and reports."""

from course_utils.verdict.api import Report, run

__all__ = ["Report", "run"]
