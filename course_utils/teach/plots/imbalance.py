"""Figures of a starved class: single accuracies with their intervals, our arms beside a paper's, latents by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from scipy import stats
from torch import Tensor

from course_utils.core.errors import CourseError
from course_utils.evaluate.comparisons import AgainstPaper, readable
from course_utils.evaluate.statistics import proportion_interval
from course_utils.teach.plots.figures import LOOKS, draw_claim, draw_interval, drawable, end_axis, style


@style()
def single_accuracies(panels: Mapping[str, Mapping[str, tuple[float, int]]]) -> Figure:
    """Draw the interval of each *single* accuracy: what another draw of as many test images could give.

    panels: title → arm → (accuracy 0..1, test images). Each dot lies on Wilson's 95 % interval, in per cent, with the
    number of images that were right; each panel has a scale of its own. Raises CourseError where an accuracy is no
    whole number of images.
    """
    fig = Figure(figsize=(11, 1.6 + 0.6 * max(map(len, panels.values()))), layout="constrained")
    for ax, (title, arms) in zip(np.atleast_1d(fig.subplots(1, len(panels))), panels.items(), strict=True):
        for y, (look, (arm, (accuracy, n))) in enumerate(zip(LOOKS, arms.items(), strict=False)):
            right = round(accuracy * n)
            if abs(right - accuracy * n) > 1e-6:
                raise CourseError(f"{title}, {arm}: {accuracy} of {n} images is {accuracy * n:g}, not a whole number")
            interval = proportion_interval(right, n)
            draw_interval(ax, y, interval.times(100), look)
            ax.annotate(f"{right:,} right", (100 * interval.mean, y), (0, 9), textcoords="offset points", ha="center")
        tested = {n for _, n in arms.values()}
        ax.set_title(f"{title}\n{' / '.join(f'{n:,}' for n in tested)} test images")
        first = ax.get_subplotspec().is_first_col()
        ax.set_yticks(range(len(arms)), [drawable(readable(arm)) for arm in arms] if first else [])
        ax.set_ylim(len(arms) - 0.5, -0.7)
        ax.margins(x=0.12)
        end_axis(ax, 0, 100)
        ax.grid(axis="y", visible=False)
    fig.supxlabel("accuracy, %, with the 95 % interval of one accuracy", fontsize=13)
    return fig


@style()
def beside_paper(panels: Mapping[str, Sequence[AgainstPaper]], xlabel: str, order: Sequence[str]) -> Figure:
    """Hold arms against a paper: one panel a title.

    All values are shares, 0..1. A square is the paper's value, one run: filled where one further run of ours could
    fall, hollow elsewhere. order: all arms, in the order that gives each its look.
    """
    rows = max(map(len, panels.values()))
    fig = Figure(figsize=(max(6, 3.7 * len(panels)), 1.9 + 0.5 * rows), layout="constrained")
    axes = np.atleast_1d(fig.subplots(1, len(panels), sharey=True))
    for ax, (title, entries) in zip(axes, panels.items(), strict=True):
        for y, (arm, interval, further, claim) in enumerate(entries):
            look = LOOKS[order.index(arm)]
            ax.plot([100 * further.lo, 100 * further.hi], [y, y], color=look.colour, linewidth=1)
            draw_interval(ax, y, interval.times(100), look)
            if claim is not None:
                draw_claim(ax, y + 0.28, 100 * claim, claim in further)
        ax.set_yticks(range(len(entries)), [drawable(readable(arm)) for arm, *_ in entries])
        ax.set_title(title)
        ax.margins(x=0.1)
        end_axis(ax, 0, 100)
        ax.grid(axis="y", visible=False)
    axes[0].set_ylim(rows - 0.4, -0.5)
    legend = "━ our mean, 95 % interval    ─ one further run    ■ the paper, inside that    □ outside"
    fig.supxlabel(f"{xlabel}\n{legend}", fontsize=13)
    return fig


@style()
def latent_clouds(latents: Tensor, labels: Tensor, mean: Tensor, factor: Tensor, starved: int) -> Figure:
    """Draw encoded images as points, and for each class the ellipse that holds 95 % of its Gaussian's draws.

    latents: N × L, L ≥ 2; labels: N; mean: K × L; factor: K × L × L with factor @ factor.T the covariance. With L > 2
    everything is projected onto the two directions in which the latents spread most (their first two principal
    components). Class `starved` is drawn on top, in another colour and marker.
    """
    latents, labels, mean, factor = (t.detach().cpu() for t in (latents, labels, mean, factor))
    centre, plane = torch.zeros(2), torch.eye(2)
    if latents.shape[1] > 2:
        centre = latents.mean(0)
        plane = torch.linalg.svd(latents - centre, full_matrices=False).Vh[:2]
    points, middles = (latents - centre) @ plane.T, (mean - centre) @ plane.T
    angle = torch.linspace(0, 2 * torch.pi, 100)
    circle = float(stats.chi2.ppf(0.95, df=2)) ** 0.5 * torch.stack([angle.cos(), angle.sin()])

    fig = Figure(figsize=(8, 6.5), layout="constrained")
    ax = fig.subplots()
    for k in sorted(range(len(mean)), key=lambda k: k == starved):  # the starved class last, on top
        look = LOOKS[1] if k == starved else LOOKS[0]
        values, vectors = torch.linalg.eigh(plane @ factor[k] @ factor[k].T @ plane.T)
        ellipse = middles[k][:, None] + vectors * values.clamp(min=0).sqrt() @ circle
        size, alpha = (8, 1.0) if k == starved else (3, 0.25)
        ax.plot(*points[labels == k].T, look.marker, color=look.colour, markersize=size, alpha=alpha, markeredgewidth=0)
        ax.plot(*ellipse, color=look.colour, linestyle=look.line, linewidth=3 if k == starved else 1.5)
        badge = {"boxstyle": "circle,pad=0.25", "facecolor": "white", "edgecolor": look.colour, "linewidth": 1.5}
        ax.text(*middles[k], str(k), ha="center", va="center", bbox=badge, fontweight="bold")
    axis = "principal component" if latents.shape[1] > 2 else "latent dimension"
    ax.set(xlabel=f"{axis} 1", ylabel=f"{axis} 2", aspect="equal")
    ax.set_title("points: encoded images    ellipses: 95 % of a class's Gaussian")
    return fig
