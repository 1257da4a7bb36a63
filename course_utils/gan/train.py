"""Train G and D step by step: number format, learning rate, pauses, averaging, checks, checkpoints and reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from course_utils.core import precision as formats
from course_utils.core.capture import recorded
from course_utils.core.errors import CourseError
from course_utils.data.images import to_pixels
from course_utils.gan.batches import Batches, Gathered
from course_utils.gan.callbacks import (
    Checkpointer,
    TrainingFailed,
    average_weights,
    batch_dim,
    check_collapse,
    check_losses,
    identify,
)
from course_utils.gan.state import TrainState

__all__ = ["Progress", "Settings", "TrainingFailed", "fit", "lower_pauses", "sample", "training"]

PIXELS = 2**22  # of all pictures that `sample` draws at a time: a thousand of 128 × 128 would take 8 GB

Step = Callable[..., tuple[Tensor, ...]]
Gate = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(kw_only=True)
class Settings:
    """The keyword arguments of `training` and `fit`.

    steps: number of updates. seed: fixes everything random in the run; PyTorch's default generators are restored. lr,
    betas: of Adam. schedule: share of the run done (0..1) → factor of `lr`. gate: (loss of D, loss of G) of a step,
    scalars on the device → (D trains, G trains) in the next step, bools on the device; True stands for `lower_pauses`.
    average: decay of the moving average of G. precision: 'auto', 'float32' or 'bfloat16'. capture: on a GPU, record the
    step once as a CUDA graph and replay it.

    reports: a report is made every `steps // reports` steps, but at least one step apart, and at the end. fixed: the
    inputs of G for `Progress.samples`, by default ten draws of `G.prior`, or the first batch for a G without one.
    stop_on_collapse: raise TrainingFailed when G draws the same picture for every z.

    checkpoint: a .safetensors file, written at a report when `checkpoint_s` seconds have passed, at the end, and when
    the caller stops early; or a folder, in which each run has a file of its own. If the file exists, the run continues
    from it, with the numbers of an uninterrupted run.
    """

    steps: int
    seed: int
    lr: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    schedule: Callable[[float], float] | None = None
    gate: Gate | bool = False
    average: float = 0.995
    precision: str = "auto"
    capture: bool = True
    fixed: tuple[Tensor, ...] | None = None
    reports: int = 40
    stop_on_collapse: bool = True
    checkpoint: Path | None = None
    checkpoint_s: float = 20.0

    def __post_init__(self) -> None:
        if self.reports < 1:
            raise CourseError(f"reports is {self.reports}, expected 1 or more; leave it out for 40")
        if self.gate is True:
            self.gate = lower_pauses


@dataclass
class Progress:
    """The state of a training run at a report: step, averaged generator, and losses (one mean a report)."""

    step: int
    steps: int
    generator: nn.Module
    fixed: tuple[Tensor, ...]
    losses: dict[str, list[float]]

    def samples(self) -> Tensor:
        """Draw fakes of the same latent points at each call: uint8, N × C × H × W."""
        return sample(self.generator, *self.fixed)


def training(step: Step, G: nn.Module, D: nn.Module | None, batches: Batches, **settings: object) -> Iterator[Progress]:
    """Train G and D in place by Adam, on the device of the data; yield a `Progress` at each report.

    step: a function of `gan.steps`, or one like them. D: None for an autoencoder. batches: n → the real data of step n.
    settings: those of `Settings`, of which `steps` and `seed` are required. Raises TrainingFailed when a loss is not
    finite or G has collapsed; CheckpointError when the checkpoint is damaged or another run's.
    """
    run = Settings(**settings)
    device = batches(0)[0].device
    run.precision = formats.resolve(run.precision, device)
    state = TrainState(G, D, device, run.seed, run.lr, run.betas)
    with state.random:
        state.fixed = (_latents(G, 10) or batches(0)) if run.fixed is None else tuple(t.to(device) for t in run.fixed)
    saver = None
    if run.checkpoint is not None:
        saver = Checkpointer(state, run.checkpoint, _about(step, batches, run), run.checkpoint_s)
    update = _update(step, state, batches, run)
    progress = Progress(state.step, run.steps, state.mean_G, state.fixed, state.losses)
    if state.step == run.steps:  # the checkpoint is that of the finished run
        yield progress
    every = max(1, run.steps // run.reports)
    while state.step < run.steps:
        first, end = state.step, min(run.steps, (state.step // every + 1) * every)
        sums = torch.zeros(len(state.losses), device=device)
        with state.random:
            for n in range(first, end):
                if run.schedule is not None:
                    state.rate.fill_(run.lr * run.schedule(n / run.steps))
                sums += update(n)  # nothing is read back from the device before the report
                average_weights(state, n, first, end, run.average)
        state.report(end, (sums / (end - first)).tolist())
        check_losses(state, run.lr)
        check_collapse(state, run.stop_on_collapse)
        progress.step = end
        try:
            yield progress
        except GeneratorExit:  # the caller stops early
            if saver is not None:
                saver.save()
            raise
        if saver is not None:  # only now: a resumed run does not report this step again
            saver.after_report(last=end == run.steps)


def fit(step: Step, G: nn.Module, D: nn.Module | None, batches: Batches, **settings: object) -> Progress:
    """Run `training` to its end and return the last report."""
    *_, progress = training(step, G, D, batches, **settings)
    return progress


def lower_pauses(d_loss: Tensor, g_loss: Tensor) -> tuple[Tensor, Tensor]:
    """Let the network with the higher loss train, both at equal losses (paper 5, section V): (D trains, G trains)."""
    return d_loss >= g_loss, g_loss >= d_loss


@torch.no_grad()
def sample(G: nn.Module, *latents: Tensor, shape: tuple[int, int, int] = (1, 28, 28), batch_size: int = 1000) -> Tensor:
    """Draw pictures from `latents`, such as `G.prior(n)`, `batch_size` at a time: uint8, N × C × H × W.

    Fewer at a time where they are large, as `G.size`, their side in pixels, or latents that are pictures themselves
    tell. The output of a fully connected G, K × B × pixels, becomes K·B pictures of `shape`, network by network.
    """
    if hasattr(G, "models"):
        return to_pixels(G(*latents).reshape(-1, *shape))
    side = latents[0].shape[-1] if latents[0].ndim == 4 else getattr(G, "size", shape[-1])
    batch_size = max(1, min(batch_size, PIXELS // side**2))
    return torch.cat([to_pixels(G(*part)) for part in zip(*(t.split(batch_size) for t in latents), strict=True)])


def _update(step: Step, state: TrainState, batches: Batches, run: Settings) -> Callable[[int], Tensor]:
    """A function of n that takes step n and returns its losses as one tensor, D's first."""
    opt_G, opt_D = state.optimizers["G"], state.optimizers.get("D")
    given, gather = batches, lambda *batch: batch
    if isinstance(batches, Gathered):
        given, gather = batches.positions, batches.gather
    if run.gate:
        state.allow_pauses()
    # On the CPU, all committed results of BAGAN have the products of its prior in the step's number format.
    drawn_in = run.precision if state.device.type == "cpu" else "float32"

    def update(*given: Tensor) -> Tensor:
        batch = gather(*given)
        with formats.autocast(state.device, drawn_in):
            latents = _latents(state.G, batch[0].shape[batch_dim(state.G)])
        with formats.autocast(state.device, run.precision):
            losses = step(state.G, state.D, opt_G, opt_D, *batch, *latents)
        losses = torch.stack(losses).float()
        if run.gate:
            state.paused.copy_(~torch.stack(run.gate(*losses)))
        return losses

    if run.capture:
        update = recorded(update, state.device)
    return lambda n: update(*given(n))


def _about(step: Step, batches: Batches, run: Settings) -> dict[str, object]:
    """What distinguishes a run from others in its checkpoint: settings, step, data and the code of the loop."""
    about = {name: getattr(run, name) for name in ("steps", "seed", "lr", "betas", "average", "precision", "reports")}
    parts = {"schedule": run.schedule, "gate": run.gate, "step": step, "data": batches, "fixed": run.fixed}
    return about | {name: identify(part) for name, part in (parts | {"loop": training}).items()}


def _latents(G: nn.Module, n: int) -> tuple[Tensor, ...]:
    return G.prior(n) if hasattr(G, "prior") else ()
