"""Compare the scores of classifiers with those of a constant answer, to show which of them gave up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from course_utils.evaluate.comparisons import AgainstPaper, readable
from course_utils.teach.plots.figures import LOOKS, draw_claim, draw_interval, drawable, end_axis, style


@style()
def beside_constant(
    panels: Mapping[str, Sequence[AgainstPaper]],
    constant: Mapping[str, float],
    gave_up: Mapping[str, tuple[int, int]],
    highest: Mapping[str, float],
) -> Figure:
    """Hold arms against a constant answer and a paper: one panel a metric, in its own unit.

    panels: metric → rows of (arm, our mean with its interval, where one further run falls, the paper's value or None).
    constant: metric → what the constant answer scores, a dashed line. gave_up: arm → (runs that gave one answer to
    everything, runs), printed beside its name. highest: metric → what it can be at most; the least is 0. A square is
    the paper's value, one run: filled where one further run of ours could fall.
    """
    rows = max(map(len, panels.values()))
    fig = Figure(figsize=(1.6 + 2.3 * len(panels), 2.1 + 0.5 * rows), layout="constrained")
    axes = np.atleast_1d(fig.subplots(1, len(panels), sharey=True))
    for ax, (metric, entries) in zip(axes, panels.items(), strict=True):
        for y, ((_, interval, further, claim), look) in enumerate(zip(entries, LOOKS, strict=False)):
            ax.plot([further.lo, further.hi], [y, y], color=look.colour, linewidth=1)
            draw_interval(ax, y, interval, look)
            if claim is not None:
                draw_claim(ax, y + 0.3, claim, claim in further)
        ax.axvline(constant[metric], color="0.3", linestyle="--", linewidth=1.5, zorder=0)
        ax.set_yticks(range(len(entries)), [_name(arm, *gave_up[arm]) for arm, *_ in entries])
        ax.set_title(metric)
        ax.margins(x=0.1)
        end_axis(ax, 0, highest[metric])
        ax.locator_params(axis="x", nbins=3)
        ax.grid(axis="y", visible=False)
    axes[0].set_ylim(rows - 0.4, -0.5)
    fig.supxlabel(
        "━ our mean, 95 % interval    ─ one further run    ■ the paper, inside that    □ outside\n"
        "┆ a constant answer    beside each arm: its runs that gave one answer to everything",
        fontsize=12,
    )
    return fig


def _name(arm: str, constant: int, runs: int) -> str:
    return f"{drawable(readable(arm))}\n{constant} of {runs} gave up"
