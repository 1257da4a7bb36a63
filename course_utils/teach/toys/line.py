"""Train a GAN on a line: one number in place of a picture, so that one figure shows the whole game."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from course_utils.core.seeds import generator
from course_utils.gan.networks import prior
from course_utils.gan.train import Progress
from course_utils.teach.plots.figures import LOOKS, style

CENTRES, SPREADS, WEIGHTS = (-2.0, 2.0), (0.6, 0.4), (0.6, 0.4)
"""The real points: two bumps, the left one wider and with more points in it."""

LOW, HIGH = -5.0, 5.0
X = torch.linspace(LOW, HIGH, 201)
N_FAKES = 2000
BLUR = 0.15  # width of the kernel that makes a density of the fakes; that of the real points is blurred alike

Judge = Callable[[Tensor, Tensor], Tensor]


class LineNetwork(nn.Sequential):
    """Map one number to one number, N × 1 → N × 1: as G, latent numbers → points; as D, points → logits."""

    def __init__(self, hidden: int) -> None:
        activation = nn.LeakyReLU(0.2)
        super().__init__(nn.Linear(1, hidden), activation, nn.Linear(hidden, hidden), activation, nn.Linear(hidden, 1))

    def prior(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor]:
        """Draw (z,): z n × 1, N(0, 1)."""
        return (prior.normal((n, 1), self[0].weight.device, generator),)


@dataclass(frozen=True)
class Moment:
    """Hold one moment of the game.

    fakes: N numbers of G, for the same z each time. said: D's P(real) along `X`. losses: by name.
    """

    step: int
    fakes: Tensor
    said: Tensor
    losses: dict[str, float]

    @property
    def left(self) -> float:
        """Measure the share of the fakes, 0..1, in the left half."""
        return float((self.fakes < 0).float().mean())

    @property
    def certainty(self) -> float:
        """Measure how far D is from one half, on average over real points: 0 (cannot tell) to 1/2 (sure)."""
        p = density(X)
        return float(((self.said - 0.5).abs() * p).sum() / p.sum())


def points(n: int, rng: torch.Generator) -> Tensor:
    """Draw real points, n × 1."""
    bump = torch.multinomial(torch.tensor(WEIGHTS), n, replacement=True, generator=rng)
    x = torch.tensor(CENTRES)[bump] + torch.tensor(SPREADS)[bump] * torch.randn(n, generator=rng)
    return x[:, None]


def density(x: Tensor, blur: float = 0.0) -> Tensor:
    """Compute the real points' density at each x; blur: width of a Gaussian that each point is smeared by."""
    widths = (math.hypot(spread, blur) for spread in SPREADS)
    return sum(w * _normal(x - c, s) for w, c, s in zip(WEIGHTS, CENTRES, widths, strict=True))


def noted(training: Iterable[Progress], G: nn.Module, D: nn.Module, moments: list[Moment]) -> Iterator[Progress]:
    """Pass a training of G and D on, and append its moments to `moments`, from before the first step on."""
    (z,) = G.prior(N_FAKES, generator(0, "line"))
    moments.append(_moment(0, G, D, z, {}))
    for progress in training:
        losses = {name: values[-1] for name, values in progress.losses.items()}
        moments.append(_moment(progress.step, progress.generator, D, z, losses))
        yield progress


@style()
def picture(moment: Moment, best: Judge | None = None) -> Figure:
    """Draw the real density and the fakes, and below them what D says along the line, from 0 (fake) to 1 (real).

    best: (p, q), the densities of real points and fakes along the line → what the best of all Ds would say there.
    """
    real, fake, d, ideal = LOOKS[:4]
    fig = Figure(figsize=(8, 4.4))
    fig.subplots_adjust(0.1, 0.13, 0.985, 0.91, hspace=0.12)  # a constrained layout would take as long as the rest
    above, below = fig.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    above.plot(X, density(X), color=real.colour, linestyle=real.line, label="real points")
    above.fill_between(X, density(X), color=real.colour, alpha=0.15)
    bins = torch.linspace(LOW, HIGH, 101)
    looks = {"facecolor": "none", "edgecolor": fake.colour, "hatch": fake.hatch}
    looks |= {"density": True, "histtype": "stepfilled", "label": "G's fakes"}
    heights, *_ = above.hist(moment.fakes.clamp(LOW, HIGH), bins, **looks)
    above.set(ylabel="density", ylim=(0, max(0.9, 1.05 * heights.max())), yticks=[])  # the same but for tall bumps
    above.legend(loc="upper right")
    below.axhline(0.5, color="0.3", linewidth=1.5, zorder=0)
    marks = {"marker": d.marker, "markevery": 20}
    below.plot(X, moment.said, color=d.colour, linestyle=d.line, label="D(x)", **marks)
    if best is not None:
        p, q = density(X, BLUR), _normal(X[:, None] - moment.fakes, BLUR).mean(dim=1)
        curve = torch.as_tensor(best(p, q))
        below.plot(X, curve, color=ideal.colour, linestyle=ideal.line, label="the best D", zorder=1)
    below.set(ylabel="P(real)", ylim=(-0.05, 1.55), yticks=[0, 0.5, 1], xlim=(LOW, HIGH), xlabel="x")
    below.legend(loc="upper right", ncols=2)
    losses = ", ".join(f"{name} pays {value:.2f}" for name, value in moment.losses.items())
    above.set_title(f"step {moment.step:,}{': ' if losses else ''}{losses}")
    return fig


@torch.no_grad()
def _moment(step: int, G: nn.Module, D: nn.Module, z: Tensor, losses: dict[str, float]) -> Moment:
    device = next(D.parameters()).device
    fakes, said = G(z.to(device)), D(X.to(device)[:, None]).sigmoid()
    return Moment(step, fakes.float().flatten().cpu(), said.float().flatten().cpu(), losses)


def _normal(distance: Tensor, width: float) -> Tensor:
    return (-((distance / width) ** 2) / 2).exp() / (width * math.sqrt(2 * math.pi))
