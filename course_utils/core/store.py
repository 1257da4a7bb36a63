"""Finished work, found again by everything it depends on, so that nothing is computed twice."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor

from course_utils import __version__
from course_utils.core import checkpoint, files
from course_utils.core.checkpoint import CheckpointError
from course_utils.core.fingerprint import Unknown, fingerprint


class Store:
    """A folder of finished work: one file of tensors a piece, named by its key.

    Files are never deleted; the folder can be at any time. Without a folder nothing is found or kept. Where a file is
    damaged or cannot be written, a warning says so, and the work goes on.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def path(self, *depends: object) -> Path | None:
        """Name the file of the work that depends on these things: data, settings, functions with all they reach, and
        also the versions of the course and of PyTorch.

        None without a folder, and where nothing tells what one of the things does.
        """
        if self.folder is None:
            return None
        try:
            return self.folder / f"{fingerprint([__version__, torch.__version__, *depends])}{checkpoint.SUFFIX}"
        except Unknown:
            return None

    def find(self, path: Path | None) -> dict[str, Tensor] | None:
        """Load the tensors that were kept under `path`, by name; None where there are none."""
        if path is None or not path.exists():
            return None
        try:
            return checkpoint.load(path)[0]
        except CheckpointError as error:
            warnings.warn(f"{error}; what it held is computed again", stacklevel=2)
            return None

    def keep(self, path: Path | None, tensors: dict[str, Tensor]) -> None:
        """Write tensors to `path`, for `find`."""
        if path is None:
            return
        try:
            checkpoint.save(path, tensors, {})
        except files.NotWritten as error:  # what was computed is not lost for want of a place to keep it
            warnings.warn(f"{error}; the work goes on, and is not found again", stacklevel=2)
