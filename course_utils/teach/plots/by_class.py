"""Figures of a conditional generator, class by class: what was asked for against what is seen, and variety inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.core.errors import CourseError
from course_utils.evaluate.statistics import Interval
from course_utils.teach.plots.figures import LOOKS, drawable, end_axis, heat_map, style

PRINTED = 0.005  # shares below are left away: half a per cent


@style()
def leakage(panels: Mapping[str, np.ndarray], classes: Sequence[str], group: Sequence[int]) -> Figure:
    """Draw one matrix a title: rows the class asked for, columns the class seen, K × K shares; rows sum to 1.

    The classes of `group` come first, in a frame. Cells hold per cent. Raises CourseError where a row does not sum to
    1.
    """
    order = [*group, *(k for k in range(len(classes)) if k not in group)]
    names = [drawable(classes[k]) for k in order]
    fig = Figure(figsize=(1.6 + 4.9 * len(panels), 5.9), layout="constrained")
    axes = np.atleast_1d(fig.subplots(1, len(panels), sharey=True))
    for ax, (title, shares) in zip(axes, panels.items(), strict=True):
        if not np.allclose(shares.sum(1), 1):
            raise CourseError(f"{title}: rows sum to {shares.sum(1).round(3).tolist()}, expected shares that sum to 1")
        shares = shares[np.ix_(order, order)]
        texts = [[f"{100 * share:.0f}" if share >= PRINTED else "" for share in row] for row in shares]
        heat_map(ax, shares, texts, names, names, (0, 1))
        frame = {"fill": False, "edgecolor": LOOKS[1].colour, "linewidth": 3}
        ax.add_patch(Rectangle((0.02, 0.02), len(group) - 0.04, len(group) - 0.04, **frame))
        ax.set(xlabel="seen", title=drawable(title))
    axes[0].set_ylabel("asked for")
    fig.colorbar(axes[0].collections[0], ax=list(axes), shrink=0.75, label="share of what was asked for")
    return fig


@style()
def beside_real(
    panels: Mapping[str, Mapping[str, Sequence[Interval]]], classes: Sequence[str], order: Sequence[str]
) -> Figure:
    """Draw one measure a title, in shares of what real pictures have (dashed, 100 %).

    panels: title → name → one interval a class. order: all names, in the order that gives each its look.
    """
    fig = Figure(figsize=(1.8 + 4.2 * len(panels), 1.9 + 0.44 * len(classes)), layout="constrained")
    axes = np.atleast_1d(fig.subplots(1, len(panels), sharey=True))
    for ax, (title, measured) in zip(axes, panels.items(), strict=True):
        for row, (name, intervals) in enumerate(measured.items()):
            look, shift = LOOKS[order.index(name)], 0.5 * ((row + 0.5) / len(measured) - 0.5)
            for k, interval in enumerate(intervals):
                ends = [100 * interval.lo, 100 * interval.hi]
                ax.plot(ends, [k + shift] * 2, color=look.colour, linewidth=2.5, solid_capstyle="butt")
                label = drawable(name) if k == 0 else None
                ax.plot(100 * interval.mean, k + shift, look.marker, color=look.colour, linestyle="none", label=label)
        ax.axvline(100, color="0.3", linestyle="--", linewidth=1.5, zorder=0)
        ax.set_yticks(range(len(classes)), [drawable(name) for name in classes])
        ax.set_ylim(len(classes) - 0.5, -0.5)
        ax.set(title=drawable(title), xlabel="% of real pictures")
        end_axis(ax, 0, np.inf)
    axes[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=12)
    return fig
