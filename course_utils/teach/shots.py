"""Samples of a training by step, kept when it ends, so that a finished run that is found again has them too."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from course_utils.core import files
from course_utils.gan.train import Progress


def noted(training: Iterable[Progress], shots: dict[int, Tensor], folder: Path | None) -> Iterator[Progress]:
    """The same training; its samples, uint8, N × C × H × W, are noted in `shots`, by step.

    folder: where they are kept at the end, under a key made of the last of them; None: nowhere. A run that is found
    finished yields its last report only: what its first run noted comes back from there. After a run that was broken
    off and went on, the samples from before are missing.
    """
    progress = None
    for progress in training:
        shots[progress.step] = progress.samples()
        yield progress
    if folder is None or progress is None:
        return
    last = shots[progress.step]
    path = folder / f"{hashlib.sha256(last.cpu().contiguous().numpy()).hexdigest()[:32]}.shots"
    if path.exists():
        try:
            shots |= {int(step): pixels.to(last.device) for step, pixels in load_file(path).items()}
            return
        except (SafetensorError, ValueError) as error:
            warnings.warn(f"{path} is damaged ({error}); the samples of before are missing", stacklevel=2)
    try:
        content = save({str(step): pixels.contiguous() for step, pixels in shots.items()})
        files.write(path, content, "set COURSE_RUNS to another folder")
    except files.NotWritten as error:  # they are here all the same, in `shots`
        warnings.warn(f"{error}; the samples are not found again", stacklevel=2)
