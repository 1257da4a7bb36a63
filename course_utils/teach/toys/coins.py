"""Simulate pairs of equally good classifiers: how far apart are their scores by chance?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from course_utils.teach.exercises.lesson_00 import Gap
from course_utils.teach.plots.figures import LOOKS, style

PAIRS = 20_000

GapOf = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


def gaps(images: int, accuracy: float, gap: GapOf = Gap.reference, seed: int = 0) -> np.ndarray:
    """Simulate the gaps, in points of accuracy, of `PAIRS` pairs of classifiers, each with test images of its own.

    accuracy: the expected accuracy of every classifier, in per cent. gap: the learner's, of two counts of hits.
    """
    rng = np.random.default_rng(seed)
    hits = rng.binomial(images, accuracy / 100, size=(2, PAIRS))
    return np.asarray(gap(*hits, images), float)


def spread(found: np.ndarray) -> float:
    """Give the size that 95 % of the gaps do not exceed, in either direction."""
    return float(np.quantile(np.abs(found), 0.95))


@style()
def picture(images: int, accuracy: float, gap: GapOf = Gap.reference) -> Figure:
    """Draw the gaps of many pairs as a histogram, and the range that holds 95 % of them."""
    found = gaps(images, accuracy, gap)
    wide = spread(found)
    look = LOOKS[0]
    fig = Figure(figsize=(8, 3.2))
    fig.subplots_adjust(0.03, 0.2, 0.98, 0.88)  # a constrained layout would take as long as the rest
    ax = fig.subplots()
    step = (
        100 / images * (2 * (images // 400) + 1)
    )  # as many counts of hits in every bar, an odd number, 0 in the middle
    edge = (np.floor(40 / step) + 0.5) * step
    ax.hist(found, np.arange(-edge, edge + step, step), facecolor=look.colour, alpha=0.35, edgecolor=look.colour)
    ax.axvspan(-wide, wide, facecolor="none", edgecolor=LOOKS[1].colour, linestyle="--", linewidth=2)
    ax.set(xlim=(-25, 25), yticks=[], xlabel="A − B, points of accuracy")
    ax.set_title(f"95 % of the pairs lie within ±{wide:.1f} points (dashed)")
    return fig
