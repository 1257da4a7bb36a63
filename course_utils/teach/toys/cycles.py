"""Show in the plane translators that are perfectly cycle-consistent, and all but one of them wrong.

Side A has five clusters, the corners of a pentagon; side B is side A, turned. The true translation of a point is its
own cluster on side B. A picture takes well under 150 ms, so that it can follow a slider.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from course_utils.core.errors import CourseError
from course_utils.teach.exercises.lesson_03 import CycleLoss
from course_utils.teach.plots.figures import LOOKS, style

CORNERS, EACH, REACH = 5, 16, 0.2
TURN = 40  # degrees from side A to side B
TURNS = (-64, 288, 8)  # for a slider: it begins in the middle, where all points land on side B and none on its own
KINDS = ("rotation", "reflection", "swaps", "all onto one")

Loss = Callable[[Tensor, Tensor, Callable, Callable], Tensor]


@dataclass(frozen=True)
class Translation:
    """Hold what a pair of translators does to the two clouds.

    fake_b: AB(a), n × 2. back: BA(AB(a)), n × 2. cycle_loss: of both directions, in units of the plane. on_b: share of
    fake_b, 0..1, that lies in some cluster of side B, all that a critic of B can ask. right: share in its own cluster.
    """

    fake_b: Tensor
    back: Tensor
    cycle_loss: float
    on_b: float
    right: float


def clouds(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Draw (a n × 2, b n × 2, cluster n): points of both sides, independently, cluster by cluster."""
    rng = torch.Generator().manual_seed(seed)
    cluster = torch.arange(CORNERS).repeat_interleave(EACH)
    a, b = (_corners()[cluster] + 0.05 * torch.randn(len(cluster), 2, generator=rng) for _ in range(2))
    return a, b @ _rotation(TURN).T, cluster


def translators(kind: str, turn: float) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    """Make (AB, BA). AB changes side A as `kind` says and then turns it by `turn` degrees; BA undoes it.

    kind: 'rotation' changes nothing first; 'reflection' mirrors the pentagon; 'swaps' exchanges clusters in pairs;
    'all onto one' moves every point to one corner, which nothing can undo. Raises CourseError on another kind.
    """
    changes = {"rotation": lambda x: x, "reflection": _mirrored, "swaps": _swapped, "all onto one": _onto_one}
    if kind not in changes:
        raise CourseError(f"unknown kind of translator {kind!r}; choose one of {', '.join(KINDS)}")
    change = changes[kind]  # each but the last is its own inverse
    return lambda a: change(a) @ _rotation(turn).T, lambda b: change(b @ _rotation(turn))


def translation(kind: str, turn: float, seed: int = 0, cycle_loss: Loss = CycleLoss.reference) -> Translation:
    """Translate the clouds and measure the result; cycle_loss: the learner's function."""
    a, b, cluster = clouds(seed)
    AB, BA = translators(kind, turn)
    fake_b = AB(a)
    distance = torch.cdist(fake_b, _corners() @ _rotation(TURN).T)
    own = distance.gather(1, cluster[:, None])[:, 0]
    return Translation(
        fake_b,
        BA(fake_b),
        float(cycle_loss(a, b, AB, BA)),
        float((distance.min(dim=1).values < REACH).float().mean()),
        float((own < REACH).float().mean()),
    )


@style()
def picture(kind: str, turn: float, seed: int = 0, cycle_loss: Loss = CycleLoss.reference) -> Figure:
    """Draw side A, its translation over side B, and the way back over side A, coloured by the cluster of origin."""
    a, b, cluster = clouds(seed)
    seen = translation(kind, turn, seed, cycle_loss)
    fig = Figure(figsize=(9, 3.6))
    fig.subplots_adjust(0.005, 0.01, 0.995, 0.84, wspace=0.03)  # a constrained layout would take as long as the rest
    left, middle, right = fig.subplots(1, 3)
    _draw(left, a, cluster)
    left.set_title("side A", fontsize=12)
    _draw(middle, b, cluster, faint=True)
    _draw(middle, seen.fake_b, cluster)
    middle.set_title(f"AB(a) over side B\non B {100 * seen.on_b:.0f} %, right {100 * seen.right:.0f} %", fontsize=12)
    _draw(right, a, cluster, faint=True)
    _draw(right, seen.back, cluster)
    right.set_title(f"BA(AB(a)) over side A\ncycle loss {seen.cycle_loss:.3f}", fontsize=12)
    return fig


def _draw(ax: Axes, points: Tensor, cluster: Tensor, faint: bool = False) -> None:
    size, alpha = (9, 0.25) if faint else (4, 0.9)
    for k, look in enumerate(LOOKS[:CORNERS]):
        ax.plot(
            *points[cluster == k].T, look.marker, color=look.colour, markersize=size, alpha=alpha, markeredgewidth=0
        )
    ax.set(xlim=(-1.15, 1.15), ylim=(-1.05, 1.05), aspect="equal", xticks=[], yticks=[])


def _corners() -> Tensor:
    """Give the centres of side A's clusters, 5 × 2."""
    angle = 2 * torch.pi * torch.arange(CORNERS) / CORNERS
    return 0.75 * torch.stack([angle.cos(), angle.sin()], dim=1)


def _rotation(degrees: float) -> Tensor:
    """Make the 2 × 2 rotation R: x @ R.T turns points x by so many degrees."""
    angle = torch.deg2rad(torch.tensor(float(degrees)))
    return torch.stack([torch.stack([angle.cos(), -angle.sin()]), torch.stack([angle.sin(), angle.cos()])])


def _mirrored(x: Tensor) -> Tensor:
    return x * torch.tensor([1.0, -1.0])


def _swapped(x: Tensor) -> Tensor:
    """Move each point with its cluster: 0 and 1 change places, 2 and 3 do, 4 stays."""
    corners = _corners()
    nearest = torch.cdist(x, corners).argmin(1)
    return x - corners[nearest] + corners[torch.tensor([1, 0, 3, 2, 4])[nearest]]


def _onto_one(x: Tensor) -> Tensor:
    return _corners()[:1].expand_as(x)
