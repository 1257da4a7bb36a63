"""Errors that are the user's to mend: one line that names the value, what was expected, and what to do."""


class CourseError(Exception):
    """A mistake in what the user gave: the command line prints its message on one line and exits with code 2."""


class DataError(CourseError):
    """A data set is unknown, missing, damaged or cannot be fetched."""


class SealedError(CourseError):
    """A sealed test set was about to be trained on, tuned on or merged."""
