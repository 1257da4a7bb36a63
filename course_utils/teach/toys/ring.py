"""Compare probabilistic PCA and a small GAN in the plane, on a ring and on a blob.

PPCA can draw the blob, which is a Gaussian, and no ring; the GAN may draw both, and may drop a part of either. A GAN
trains in about two seconds, once a shape and seed; after that a picture is fast enough to follow a slider.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from torch import Tensor, nn

from course_utils.core.errors import CourseError
from course_utils.core.seeds import generator
from course_utils.gan.steps import gan_step
from course_utils.gan.train import training
from course_utils.teach.exercises.lesson_04 import PPCASample
from course_utils.teach.plots.figures import LOOKS, style

LENGTHS = (150, 450, 1500)  # steps of the GAN after which it can be looked at
SHOWN, BATCH, CELLS = 400, 64, 36

Draw = Callable[[Tensor, Tensor, int, torch.Generator], Tensor]


class Shape(NamedTuple):
    """Describe where the points are: u A^T, with u in polar coordinates.

    Nearly all lie between the `radii` (of u), which CELLS equally likely cells divide.
    """

    A: Tensor
    radii: tuple[float, ...]


RADIUS, THICKNESS = 0.7, 0.05
_TILT = torch.tensor([[math.cos(0.5), -math.sin(0.5)], [math.sin(0.5), math.cos(0.5)]])
SHAPES = {
    "ring": Shape(torch.eye(2), (RADIUS - 3 * THICKNESS, RADIUS + 3 * THICKNESS)),
    "blob": Shape(_TILT * torch.tensor([0.42, 0.12]), (0.0, *(math.sqrt(2 * math.log(3 / k)) for k in (2, 1)), 3.0)),
}


class PlaneGenerator(nn.Sequential):
    """Map z, N × 2, to points, N × 2."""

    def __init__(self) -> None:
        super().__init__(*_dense(2))

    def prior(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor]:
        """Draw (z,): z n × 2, N(0, 1)."""
        return (torch.randn(n, 2, generator=generator),)


def points(n: int, shape: str, rng: torch.Generator) -> Tensor:
    """Draw n × 2 points: a ring of some thickness around 0, or an elongated Gaussian blob."""
    if shape not in SHAPES:
        raise CourseError(f"there is no shape {shape!r}; choose one of {', '.join(SHAPES)}")
    u = torch.randn(n, 2, generator=rng)
    if shape == "ring":
        angle = 2 * math.pi * torch.rand(n, generator=rng)
        u = (RADIUS + THICKNESS * u[:, :1]) * torch.stack([angle.cos(), angle.sin()], dim=1)
    return u @ SHAPES[shape].A.T


def cells(x: Tensor, shape: str) -> Tensor:
    """Find the cell, 0 … CELLS − 1, of each point of x, N × 2; −1 off the shape."""
    A, radii = SHAPES[shape]
    u = x @ torch.linalg.inv(A).T
    band = torch.bucketize(u.norm(dim=1), torch.tensor(radii)) - 1
    sectors = CELLS // (len(radii) - 1)
    sector = (torch.atan2(u[:, 1], u[:, 0]) / (2 * math.pi) * sectors).floor().long() % sectors
    return torch.where((band >= 0) & (band < len(radii) - 1), band * sectors + sector, -1)


def covered(x: Tensor, shape: str) -> float:
    """Measure the share, 0..1, of the shape's cells that hold at least one point of x."""
    found = cells(x, shape)
    return len(found[found >= 0].unique()) / CELLS


def off(x: Tensor, shape: str) -> float:
    """Measure the share, 0..1, of the points of x, N × 2, that lie off the shape; of real points 1 % do."""
    return float((cells(x, shape) < 0).float().mean())


def ppca(x: Tensor, n: int, rng: torch.Generator, draw: Draw = PPCASample.reference) -> Tensor:
    """Fit probabilistic PCA with one component to x, N × 2, and draw n × 2. draw: the learner's function.

    In the plane one component and noise are a full Gaussian: two variances and a direction. No other Gaussian fits
    better.
    """
    (noise, variance), directions = torch.linalg.eigh(torch.cov(x.T))
    W = directions[:, 1:] * (variance - noise).sqrt()
    return draw(x.mean(dim=0), W, n, rng) + noise.sqrt() * torch.randn(n, 2, generator=rng)


@cache
def gan(shape: str, seed: int) -> dict[int, Tensor]:
    """Train a small GAN on the shape. Returns what it draws from the same latent points after each of the LENGTHS:
    steps → SHOWN × 2."""
    with torch.random.fork_rng(()):
        torch.manual_seed(seed)
        G, D = PlaneGenerator(), nn.Sequential(*_dense(1))
    (z,) = G.prior(SHOWN, generator(seed, "ring", "latents"))
    runs = training(
        gan_step,
        G,
        D,
        lambda n: (points(BATCH, shape, generator(seed, "ring", n)),),
        steps=LENGTHS[-1],
        seed=seed,
        lr=1e-3,
        average=0.98,
        precision="float32",  # points, not pictures: a bfloat16 is a hundredth off
        reports=LENGTHS[-1] // LENGTHS[0],
        stop_on_collapse=False,
    )
    return {progress.step: progress.generator(z).detach() for progress in runs if progress.step in LENGTHS}


@style()
def picture(shape: str, steps: int, seed: int = 0, draw: Draw = PPCASample.reference) -> Figure:
    """Draw three panels: real points, draws of PPCA, draws of the GAN after `steps`, one of LENGTHS.

    In each, the cells of the shape that no draw lies in are hatched, and the title says how many there are, and which
    share of the draws is off the shape, as a cross.
    """
    if steps not in LENGTHS:
        raise CourseError(f"the GAN is not shown after {steps} steps; choose one of {', '.join(map(str, LENGTHS))}")
    real = points(SHOWN, shape, generator(seed, "ring", "real"))
    panels = {
        "real points": real,
        "probabilistic PCA": ppca(real, SHOWN, generator(seed, "ring", "ppca"), draw),
        f"GAN after {steps:,} steps": gan(shape, seed)[steps],
    }
    fig = Figure(figsize=(9, 3.7))
    fig.subplots_adjust(0.005, 0.09, 0.995, 0.87, wspace=0.03)  # a constrained layout would take as long as the rest
    for ax, (name, x) in zip(fig.subplots(1, 3), panels.items(), strict=True):
        found = cells(x, shape)
        outlines = _outlines(shape)
        empty = [outline for cell, outline in enumerate(outlines) if not (found == cell).any()]
        ax.add_collection(PolyCollection(outlines, facecolor="0.96", edgecolor="0.82", linewidth=0.8))
        ax.add_collection(PolyCollection(empty, facecolor="#F9DFD0", edgecolor="0.5", hatch="////", linewidth=0.8))
        for look, some, size in ((LOOKS[0], x[found >= 0], 3.2), (LOOKS[1]._replace(marker="x"), x[found < 0], 4.5)):
            ax.plot(*some.T, look.marker, color=look.colour, markersize=size, alpha=0.7, linestyle="none")
        ax.set_title(f"{name}\n{100 * covered(x, shape):.0f} % covered, {100 * off(x, shape):.0f} % off", fontsize=12)
        ax.set(xlim=(-1.3, 1.3), ylim=(-1.15, 1.15), aspect="equal")
        ax.axis("off")
    fig.text(0.5, 0.02, "● on the shape     × off it     ▨ a part that nothing is drawn in", ha="center", fontsize=12)
    return fig


@cache
def _outlines(shape: str) -> list[list[list[float]]]:
    """List the corners of each cell, along its outer arc and back along its inner one."""
    A, radii = SHAPES[shape]
    sectors = CELLS // (len(radii) - 1)
    outlines = []
    for inner, outer in itertools.pairwise(radii):
        for sector in range(sectors):
            angle = torch.linspace(sector, sector + 1, 9) * 2 * math.pi / sectors
            arc = torch.stack([angle.cos(), angle.sin()], dim=1)
            outlines.append((torch.cat([outer * arc, inner * arc.flip(0)]) @ A.T).tolist())
    return outlines


def _dense(outputs: int) -> list[nn.Module]:
    return [nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2), nn.Linear(32, outputs)]
