"""Samples of a training by step, kept when it ends, so that a finished run that is found again has them too."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

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
        shots |= {int(step): pixels.to(last.device) for step, pixels in load_file(path).items()}
        return
    part = path.with_suffix(f".{os.getpid()}.part")
    folder.mkdir(parents=True, exist_ok=True)
    save_file({str(step): pixels.contiguous() for step, pixels in shots.items()}, part)
    os.replace(part, path)
