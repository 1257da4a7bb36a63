"""The loop around a step: device, precision, pauses, averaging, checkpoints, reports. A step knows none of it."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from course_utils.core import precision as formats
from course_utils.core.errors import CourseError
from course_utils.core.files import NotWritten
from course_utils.core.fingerprint import Unknown, fingerprint
from course_utils.data.images import to_pixels
from course_utils.gan.batches import Batches
from course_utils.gan.capture import Captured
from course_utils.gan.state import Players

Step = Callable[..., tuple[Tensor, ...]]
Gate = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
ONE_PICTURE = 1 / 255  # spread of fakes over z, in units of a generator's output: less than a grey level
SUFFIX = ".safetensors"
AVERAGE_EVERY = 5  # steps; more often would cost a tenth of a DCGAN's time and change nothing that can be seen
PATIENCE = 3  # reports in a row that must look collapsed


class TrainingFailed(CourseError):
    """The losses are no longer numbers, or G draws one picture whatever z is; names the step and the losses."""


@dataclass
class Progress:
    """What a training run shows of itself: the step it is at, its losses (one mean a report), its averaged
    generator."""

    step: int
    steps: int
    generator: nn.Module
    fixed: tuple[Tensor, ...]
    losses: dict[str, list[float]]

    def samples(self) -> Tensor:
        """Fakes of the same latent points at each call: uint8, N × C × H × W."""
        return sample(self.generator, *self.fixed)


def training(
    step: Step,
    G: nn.Module,
    D: nn.Module | None,
    batches: Batches,
    *,
    steps: int,
    seed: int,
    lr: float = 2e-4,
    betas: tuple[float, float] = (0.5, 0.999),
    schedule: Callable[[float], float] | None = None,
    gate: Gate | bool = False,
    average: float = 0.995,
    precision: str = "auto",
    capture: bool = True,
    fixed: tuple[Tensor, ...] | None = None,
    reports: int = 40,
    stop_on_collapse: bool = True,
    checkpoint: Path | None = None,
    checkpoint_s: float = 20.0,
) -> Iterator[Progress]:
    """Train G and D in place by Adam, where the data lies; yields a `Progress` at each report, the last at the end.

    step: a function of `gan.steps`, or of their form. D: None for an autoencoder, which has no opponent. batches: n →
    the real data of step n. seed: fixes all that is random in the run; PyTorch's default generators stay as they were.
    schedule: share of the run done (0..1) → factor of `lr`. gate: the last step's losses (of D, of G), scalars on the
    device → (D trains, G trains) in the next, bools there; True stands for `lower_pauses`. average: decay of the moving
    average of G, `Progress.generator`, which is what to sample from. precision: 'auto', 'float32' or 'bfloat16'.
    capture: on a GPU, record the step once as a CUDA graph and replay it. fixed: what `Progress.samples` draws from, by
    default ten draws of `G.prior`, or the first batch for a G without one. reports: one every `steps // reports` steps,
    but at least one step apart, and one at the end; so at least as many as asked for, given as many steps.

    checkpoint: a .safetensors file, written at a report when `checkpoint_s` seconds have passed, at the end, and when
    the run is left; or a folder, in which each run has a file of its own. If the file exists, the run goes on from it
    and ends with the numbers of an unbroken one. Raises TrainingFailed when a loss is not finite, or when G has
    collapsed and `stop_on_collapse`; CheckpointError when the file is damaged or another run's; CourseError for
    `reports` below 1.
    """
    if reports < 1:
        raise CourseError(f"reports is {reports}, expected 1 or more; leave it out for 40")
    device = batches(0)[0].device
    precision = formats.resolve(precision, device)
    run = Players(G, D, device, seed, lr, betas)
    opt_G, opt_D = run.optimizers["G"], run.optimizers.get("D")
    if gate is True:
        gate = lower_pauses
    if gate:
        run.gated()
    with run.random:
        run.fixed = (_latents(G, 10) or batches(0)) if fixed is None else tuple(part.to(device) for part in fixed)
    about: dict[str, object] = {}
    if checkpoint is not None:  # only then, because the fingerprint of the data reads all of it
        about |= {"steps": steps, "seed": seed, "lr": lr, "betas": betas, "average": average}
        about |= {"precision": precision, "reports": reports}
        about |= {"schedule": _told(schedule), "gate": _told(gate), "step": _told(step), "data": _told(batches)}
        about |= {"fixed": _told(fixed), "loop": _told(training)}  # no `fixed` draws it, from the run's random numbers
        if checkpoint.suffix != SUFFIX:
            checkpoint /= fingerprint([about, G, D, torch.__version__, device.type]) + SUFFIX
        if checkpoint.exists():
            run.resume(checkpoint, about)

    def one_step(*batch: Tensor) -> Tensor:
        """The losses as one tensor, D's first."""
        with formats.autocast(device, precision):
            losses = step(G, D, opt_G, opt_D, *batch, *_latents(G, batch[0].shape[_batch_dim(G)]))
        losses = torch.stack(losses).float()
        if gate:
            run.paused.copy_(~torch.stack(gate(*losses)))
        return losses

    advance = Captured(one_step) if capture and device.type == "cuda" else one_step
    progress = Progress(run.step, steps, run.mean_G, run.fixed, run.losses)
    if run.step == steps:
        yield progress
    every, saved_at = max(1, steps // reports), time.monotonic()
    while run.step < steps:
        sums, first, unseen = torch.zeros(len(run.losses), device=device), run.step, 0
        end = min(steps, (first // every + 1) * every)
        with run.random:
            for n in range(first, end):
                if schedule is not None:
                    run.rate.fill_(lr * schedule(n / steps))
                sums += advance(*batches(n))  # nothing is read back from the device before the report
                unseen += 1
                if unseen == AVERAGE_EVERY or n + 1 == end:
                    # a short memory at first, or the initial weights stay
                    run.average(min(average, (n + 1) / (n + 11)) ** unseen)
                    unseen = 0
        run.report(end, (sums / (end - first)).tolist())
        _watch_spread(run)
        _check(run, stop_on_collapse, lr)
        if due := checkpoint is not None and (run.step == steps or time.monotonic() - saved_at >= checkpoint_s):
            _keep(run, checkpoint, about)
            saved_at = time.monotonic()
        progress.step = run.step
        try:
            yield progress
        except GeneratorExit:  # whoever watched has left
            if checkpoint is not None and not due:
                _keep(run, checkpoint, about)
            raise


def fit(step: Step, G: nn.Module, D: nn.Module | None, batches: Batches, **settings: object) -> Progress:
    """`training` to its end; returns its last report."""
    *_, progress = training(step, G, D, batches, **settings)
    return progress


def lower_pauses(d_loss: Tensor, g_loss: Tensor) -> tuple[Tensor, Tensor]:
    """(D trains, G trains): whoever had the lower loss pauses; at equal losses both train (paper 5, section V)."""
    return d_loss >= g_loss, g_loss >= d_loss


@torch.no_grad()
def sample(G: nn.Module, *latents: Tensor, shape: tuple[int, int, int] = (1, 28, 28), batch_size: int = 1000) -> Tensor:
    """Pictures that G makes of `latents`, such as `G.prior(n)`: uint8, N × C × H × W, `batch_size` at a time.

    What a fully connected G draws, K × B × pixels, becomes (K·B) pictures of `shape`, network by network.
    """
    if hasattr(G, "models"):
        return to_pixels(G(*latents).reshape(-1, *shape))
    return torch.cat([to_pixels(G(*part)) for part in zip(*(t.split(batch_size) for t in latents), strict=True)])


def _told(thing: object) -> str:
    """The fingerprint of `thing`; where nothing tells what it does, that of its code alone, or its type has to do."""
    try:
        return fingerprint(thing)
    except Unknown:
        return fingerprint(getattr(thing, "__code__", repr(type(thing))))


def _keep(run: Players, path: Path, about: dict) -> None:
    """Write a checkpoint. A disk that refuses it must not cost what was trained: the run goes on, and tries again."""
    try:
        run.save(path, about)
    except NotWritten as error:
        warnings.warn(f"{error}; the training goes on, but would not be found again", stacklevel=2)


def _latents(G: nn.Module, n: int) -> tuple[Tensor, ...]:
    return G.prior(n) if hasattr(G, "prior") else ()


def _batch_dim(G: nn.Module) -> int:
    return 1 if hasattr(G, "models") else 0  # networks side by side take K × B × …


@torch.no_grad()
def _watch_spread(run: Players) -> None:
    """Note how much the average G's fakes vary over z: their standard deviation at the pixel where it is largest; of K
    networks, that of the least varied one."""
    dim = _batch_dim(run.G)
    spread = float(run.mean_G(*run.fixed).flatten(dim + 1).std(dim=dim).amax(dim=-1).min())
    run.widest = max(run.widest, spread)
    collapsed = spread < ONE_PICTURE < run.widest / 10  # at first many generators draw grey, which is no collapse
    run.one_picture = run.one_picture + 1 if collapsed else 0


def _check(run: Players, stop_on_collapse: bool, lr: float) -> None:
    for name, (*_, value) in run.losses.items():
        if not math.isfinite(value):
            raise TrainingFailed(f"step {run.step}: the loss of {name} is {value}; lower the learning rate {lr}")
    if stop_on_collapse and run.one_picture == PATIENCE:
        losses = ", ".join(f"{name} {values[-1]:.3f}" for name, values in run.losses.items())
        raise TrainingFailed(
            f"step {run.step}: G has collapsed, it draws one picture whatever z is; losses {losses}. "
            "Change the learning rate or the networks, or pass stop_on_collapse=False to look at it"
        )
