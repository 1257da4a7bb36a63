"""Samples of a training by step, kept when it ends, so that a finished run that is found again has them too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from torch import Tensor

from course_utils.core.store import Store
from course_utils.gan.train import Progress


def noted(training: Iterable[Progress], shots: dict[int, Tensor], folder: Path | None) -> Iterator[Progress]:
    """Run the same training, and note its samples, uint8, N × C × H × W, in `shots`, by step.

    folder: where they are kept at the end, known by the last of them; None: nowhere. A run that is found finished
    yields its last report only: what its first run noted comes back from there. After a run that was broken off and
    went on, the samples from before are missing.
    """
    progress = None
    for progress in training:
        shots[progress.step] = progress.samples()
        yield progress
    if progress is None:
        return
    store, last = Store(folder), shots[progress.step]
    path = store.path("samples by step", last)
    kept = store.find(path)
    if kept is None:
        store.keep(path, {str(step): pixels for step, pixels in shots.items()})
    else:
        found = shots | {int(step): pixels.to(last.device) for step, pixels in kept.items()}
        shots.clear()
        shots |= dict(sorted(found.items()))
