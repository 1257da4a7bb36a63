"""Show in the plane what repeating or generating points of a rare class does to a classifier.

A fresh picture takes well under 150 ms, so that it can follow a slider.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from sklearn.svm import SVC
from torch import Tensor

from course_utils.core.errors import CourseError
from course_utils.core.seeds import generator
from course_utils.teach.exercises.lesson_02 import ClassGaussian, DrawLatents
from course_utils.teach.plots.figures import LOOKS, style

FREQUENT, RARE = 0, 1
SHAPES = ("blob", "arc")
N_FREQUENT, N_TEST = 200, 400

Fit = Callable[[Tensor], tuple[Tensor, Tensor]]
Draw = Callable[[Tensor, Tensor, int, torch.Generator], Tensor]


@dataclass(frozen=True)
class Trial:
    """Hold one way to fill up the rare class, and the classifier that learned from it.

    added: the points put in, M × 2. recall: of the frequent and of the rare class, 0..1, on fresh test points.
    """

    name: str
    added: Tensor
    classifier: Any
    recall: tuple[float, float]


def points(frequent: int, rare: int, shape: str, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw (points N × 2, labels N) of the mixture: a round frequent class, and beside it a rare one.

    shape: the rare class is a "blob", which a Gaussian fits, or an "arc" around the frequent class, which none fits.
    """
    if shape not in SHAPES:
        raise CourseError(f"the rare class cannot have the shape {shape!r}; choose one of {', '.join(SHAPES)}")
    noise = torch.randn(rare, 2, generator=rng)
    if shape == "blob":
        few = torch.tensor([1.6, 0.6]) + noise @ torch.tensor([[0.5, 0.35], [0.0, 0.35]])
    else:
        angle = 1.2 * torch.pi * (torch.rand(rare, generator=rng) - 0.5)
        few = 1.9 * torch.stack([angle.cos(), angle.sin()], dim=1) + 0.15 * noise
    labels = torch.tensor([FREQUENT, RARE]).repeat_interleave(torch.tensor([frequent, rare]))
    return torch.cat([torch.randn(frequent, 2, generator=rng), few]), labels


def trials(
    share: float, shape: str, seed: int, fit: Fit = ClassGaussian.reference, draw: Draw = DrawLatents.reference
) -> tuple[Tensor, Tensor, list[Trial]]:
    """Draw a mixture and try three ways to fill up its rare class: not at all, by repetition, by generation.

    share: rare points per frequent one, 0..1. Returns (points, labels, trials); in the last two trials both classes
    become equally frequent. fit, draw: the learner's Gaussian. The same seed gives the same test points for every share
    and trial.
    """
    if not 0 < share <= 1:
        raise CourseError(f"the rare class cannot have a share of {share}; choose one above 0 and up to 1")
    rng = generator(seed, "mixture")
    x, y = points(N_FREQUENT, max(2, round(share * N_FREQUENT)), shape, rng)
    few = x[y == RARE]
    missing = N_FREQUENT - len(few)
    added = {
        "nothing added": few[:0],
        "rare points repeated": few[torch.randint(len(few), (missing,), generator=rng)],
        "rare points generated": draw(*fit(few), missing, rng),
    }
    test_x, test_y = points(N_TEST, N_TEST, shape, generator(seed, "mixture", "test"))
    return x, y, [_trial(name, x, y, more, test_x, test_y) for name, more in added.items()]


@style()
def picture(
    share: float,
    shape: str,
    seed: int = 0,
    fit: Fit = ClassGaussian.reference,
    draw: Draw = DrawLatents.reference,
) -> Figure:
    """Draw one panel per trial: points, what was added, and the region in which the classifier says "rare"."""
    x, y, tried = trials(share, shape, seed, fit, draw)
    frequent, rare = LOOKS[0], LOOKS[1]
    mesh = np.stack(np.meshgrid(np.linspace(-3.2, 3.6, 44), np.linspace(-3.2, 3.2, 42)), axis=-1)
    fig = Figure(figsize=(9, 3.4))
    fig.subplots_adjust(0.005, 0.01, 0.995, 0.87, wspace=0.03)  # a constrained layout would take as long as the rest
    for ax, trial in zip(fig.subplots(1, 3), tried, strict=True):
        said = trial.classifier.predict(mesh.reshape(-1, 2)).reshape(mesh.shape[:2])
        ax.imshow(
            said, ListedColormap(["#DCEBF5", "#F9DFD0"]), vmin=0, vmax=1, extent=(-3.2, 3.6, -3.2, 3.2), origin="lower"
        )
        ax.plot(*trial.added.T, rare.marker, color=rare.colour, markerfacecolor="none", markersize=4, alpha=0.5)
        ax.plot(*x[y == FREQUENT].T, frequent.marker, color=frequent.colour, markersize=3, alpha=0.6)
        ax.plot(*x[y == RARE].T, rare.marker, color=rare.colour, markeredgecolor="black", markersize=7)
        often, seldom = (f"{100 * value:.0f} %" for value in trial.recall)
        ax.set_title(f"{trial.name}\nrecall: ■ rare {seldom}, ● frequent {often}", fontsize=10.5)
        ax.set(xlim=(-3.2, 3.6), ylim=(-3.2, 3.2), xticks=[], yticks=[])
        ax.grid(visible=False)
    return fig


def _trial(name: str, x: Tensor, y: Tensor, added: Tensor, test_x: Tensor, test_y: Tensor) -> Trial:
    labels = torch.cat([y, torch.full((len(added),), RARE)])
    classifier = SVC(gamma=1.0, C=10.0).fit(torch.cat([x, added]).numpy(), labels.numpy())
    right = torch.from_numpy(classifier.predict(test_x.numpy())) == test_y
    recall = (float(right[test_y == label].float().mean()) for label in (FREQUENT, RARE))
    return Trial(name, added, classifier, tuple(recall))
