"""Average G, check its losses and its samples, and save the run: what the loop in `train.py` does beside the steps."""

from __future__ import annotations

import math
import time
import warnings
from pathlib import Path

import torch

from course_utils.core.checkpoint import SUFFIX
from course_utils.core.errors import CourseError
from course_utils.core.files import NotWritten
from course_utils.core.fingerprint import Unknown, fingerprint
from course_utils.core.store import Store
from course_utils.gan.state import TrainState

AVERAGE_EVERY = 5  # steps; averaging after each one would take a tenth of a DCGAN's time without a visible gain
MIN_SPREAD = 1 / 255  # spread of fakes over z, in units of G's output, below which all fakes look the same
PATIENCE = 3  # reports in a row at which G must have collapsed before the run stops


class TrainingFailed(CourseError):
    """A loss is not finite, or G draws the same picture for every z. Names the step and the losses."""


def average_weights(state: TrainState, n: int, first: int, end: int, decay: float) -> None:
    """Update the moving average of G after step n: every few steps since `first`, and at the last one before `end`."""
    steps = (n - first) % AVERAGE_EVERY + 1  # since the last update
    if steps == AVERAGE_EVERY or n + 1 == end:
        warm_up = (n + 1) / (n + 11)  # a smaller decay at first, or the initial weights would remain in the average
        state.average(min(decay, warm_up) ** steps)


def check_losses(state: TrainState, lr: float) -> None:
    """Raise TrainingFailed if the last loss of D or G is not finite."""
    for name, (*_, value) in state.losses.items():
        if not math.isfinite(value):
            raise TrainingFailed(f"step {state.step}: the loss of {name} is {value}; lower the learning rate {lr}")


@torch.no_grad()
def check_collapse(state: TrainState, stop: bool) -> None:
    """Measure how much fakes vary over z, and raise TrainingFailed if G has collapsed to one picture and `stop`.

    The spread of fakes is their standard deviation at the pixel where it is largest; of K stacked networks, that of the
    network with the smallest. Many generators draw nothing but grey at first, so that a small spread counts as a
    collapse only after ten times as much has been seen.
    """
    dim = batch_dim(state.G)
    spread = float(state.mean_G(*state.fixed).flatten(dim + 1).std(dim=dim).amax(dim=-1).min())
    state.max_spread = max(state.max_spread, spread)
    collapsed = spread < MIN_SPREAD < state.max_spread / 10
    state.collapsed_reports = state.collapsed_reports + 1 if collapsed else 0
    if stop and state.collapsed_reports == PATIENCE:
        losses = ", ".join(f"{name} {values[-1]:.3f}" for name, values in state.losses.items())
        raise TrainingFailed(
            f"step {state.step}: G has collapsed, it draws the same picture for every z; losses {losses}. "
            "Change the learning rate or the networks, or pass stop_on_collapse=False to continue anyway"
        )


class Checkpointer:
    """Save a training run at its reports, every `seconds`, and resume it if its file exists.

    path: a .safetensors file; or a folder, in which each run has a file of its own, named by a hash of its settings and
    initial weights. about: the settings of the run (JSON), by which its file is recognised. Raises CheckpointError when
    the file is damaged or of another run.
    """

    def __init__(self, state: TrainState, path: Path, about: dict, seconds: float) -> None:
        if path.suffix != SUFFIX:
            path = Store(path).path(about, state.G, state.D, state.device.type)
        self.state, self.path, self.about, self.seconds = state, path, about, seconds
        if path.exists():
            state.resume(path, about)
        self.saved_step, self.saved_at = state.step, time.monotonic()

    def after_report(self, last: bool) -> None:
        """Save if `seconds` have passed since the last time, or if this is the last report."""
        if last or time.monotonic() - self.saved_at >= self.seconds:
            self.save()

    def save(self) -> None:
        """Write the checkpoint unless this step's was written already.

        A disk that refuses must not cost what was trained: the run only warns, and tries again at a later report.
        """
        if self.saved_step == self.state.step:
            return
        try:
            self.state.save(self.path, self.about)
        except NotWritten as error:
            warnings.warn(f"{error}; the training goes on, but cannot be resumed later", stacklevel=2)
        self.saved_step, self.saved_at = self.state.step, time.monotonic()


def identify(thing: object) -> str:
    """Fingerprint `thing`; if what it does cannot be read, fingerprint its code or else its type."""
    try:
        return fingerprint(thing)
    except Unknown:
        return fingerprint(getattr(thing, "__code__", repr(type(thing))))


def batch_dim(G: torch.nn.Module) -> int:
    """Return the dimension of the batch in G's tensors: K stacked networks take K × B × …."""
    return 1 if hasattr(G, "models") else 0
