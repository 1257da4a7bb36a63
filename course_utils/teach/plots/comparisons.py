"""Figures that compare: arms with each other, and a paper's claims with our own spread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from course_utils.evaluate.comparisons import readable
from course_utils.evaluate.statistics import Interval, share_interval, t_interval
from course_utils.experiment import Outcome
from course_utils.teach.plots.figures import LOOKS, draw_interval, drawable, end_axis, style

Row = tuple[str, Sequence[float], float, float, float]  # label, values a seed, mean, lo, hi


@style()
def runs_and_intervals(
    panels: Mapping[str, Sequence[Row]],
    reference: float | None = None,
    xlabel: str = "",
    order: Sequence[str] | None = None,
    ends: tuple[float, float] | Mapping[str, tuple[float, float]] = (-np.inf, np.inf),
) -> Figure:
    """Draw one panel a title: each row is a mean on its interval, over a tick a seed. See `rows`.

    order: all labels, in the order that gives each its look, where a panel shows only some of them. ends: what the
    measure can be at least and at most, of all panels or for each title.
    """
    most = max(map(len, panels.values()))
    fig = Figure(figsize=(10, 1.2 + 0.55 * most), layout="constrained")
    axes = np.atleast_1d(fig.subplots(1, len(panels), sharey=True))
    for ax, (title, entries) in zip(axes, panels.items(), strict=True):
        for y, (label, values, mean, lo, hi) in enumerate(entries):
            look = LOOKS[order.index(label) if order else y]
            ax.plot(values, np.full(len(values), y + 0.22), "|", color="0.35", markersize=9, markeredgewidth=1.6)
            draw_interval(ax, y, Interval(mean, lo, hi), look)
        if reference is not None:
            ax.axvline(reference, color="0.3", linestyle="--", linewidth=1.5, zorder=0)
        ax.set_yticks(range(len(entries)), [drawable(readable(entry[0])) for entry in entries])
        ax.set_title(title)
        ax.grid(axis="y", visible=False)
        end_axis(ax, *(ends[title] if isinstance(ends, Mapping) else ends))
    axes[0].set_ylim(most - 0.5, -0.5)
    fig.supxlabel(xlabel, fontsize=13)
    return fig


def rows(
    found: Mapping[str, Sequence[float]],
    scale: float = 100,
    interval: Callable[[Sequence[float]], Interval] = t_interval,
) -> list[Row]:
    """Make rows of `runs_and_intervals` from label → values, one a seed; `scale` 100 turns shares into per cent."""
    out = []
    for label, values in found.items():
        mean = interval(values)
        out.append((label, scale * np.asarray(values), *(scale * v for v in (mean.mean, mean.lo, mean.hi))))
    return out


def arm_rows(outcome: Outcome, test_set: str = "test", metric: str = "accuracy") -> list[Row]:
    """Make a row of `runs_and_intervals` of each arm, in per cent; the metric is a share."""
    return rows({arm: outcome.values(arm, test_set, metric) for arm in _arms(outcome)}, interval=share_interval)


def difference_rows(outcome: Outcome, baseline: str, test_set: str = "test", metric: str = "accuracy") -> list[Row]:
    """Make a row of `runs_and_intervals` of each arm minus the baseline, in points."""
    others = (arm for arm in _arms(outcome) if arm != baseline)
    return rows({arm: outcome.paired(arm, baseline, test_set, metric) for arm in others})


def _arms(outcome: Outcome) -> list[str]:
    return list(outcome.table["arm"].unique())


@style()
def point_clouds(real: Tensor, shots: Mapping[int, Tensor]) -> Figure:
    """Draw points in the plane, n × 2: the real ones, then a generator's after each number of steps over them."""
    fig = Figure(figsize=(2.3 * (1 + len(shots)), 2.7), layout="constrained")
    axes = fig.subplots(1, 1 + len(shots), sharex=True, sharey=True)
    for ax, (title, points) in zip(axes, {"real": None, **shots}.items(), strict=True):
        ax.plot(*real.T.cpu(), ".", color=LOOKS[0].colour if points is None else "0.85", markersize=3)
        if points is not None:
            ax.plot(*points.T.cpu(), LOOKS[1].marker, color=LOOKS[1].colour, markersize=2.5, alpha=0.8)
        ax.set(title=title if points is None else f"step {title:,}", xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal")
    return fig


@style()
def claims_over_spread(rows: Sequence[Mapping[str, Any]], title: str, unit: str) -> Figure:
    """Draw a paper's before → after pairs over the spread of *our* unchanged runs.

    Each row: label; before, after (the paper's); runs (ours, nothing changed, or None where not run); spread (how far
    apart two such runs lie in 95 % of cases). Left: the values. Right: the paper's change, and that of any two of ours.
    """
    fig = Figure(figsize=(11, 1.6 + 0.75 * len(rows)), layout="constrained")
    left, right = fig.subplots(1, 2, sharey=True)
    ours, paper = LOOKS[0], LOOKS[1]
    for y, row in enumerate(rows):
        change = row["after"] - row["before"]
        for ax, start, end in ((left, row["before"], row["after"]), (right, 0, change)):
            ax.annotate("", (end, y), (start, y), arrowprops={"arrowstyle": "-|>", "color": paper.colour, "lw": 2.5})
            ax.plot([start, end], [y, y], color=paper.colour)  # an arrow alone would not widen the axes
        left.plot(row["before"], y, paper.marker, color=paper.colour, markerfacecolor="white", markeredgewidth=2)
        right.text(change, y - 0.2, f"{change:+.1f}".replace("-", "−"), color=paper.colour, ha="center", va="bottom")
        if row["runs"] is None:
            right.text(0, y + 0.3, "not run in this profile", ha="center", va="center", color="0.35", fontsize=11)
            continue
        runs = np.asarray(row["runs"])
        left.plot(runs, np.full(len(runs), y + 0.28), ours.marker, color=ours.colour, alpha=0.75)
        pairs = (runs[:, None] - runs[None, :])[~np.eye(len(runs), dtype=bool)]
        right.barh(y, 2 * row["spread"], left=-row["spread"], height=0.75, color=ours.colour, alpha=0.18)
        right.plot(pairs, np.full(len(pairs), y + 0.28), "|", color=ours.colour, markersize=10, markeredgewidth=1.6)
    right.axvline(0, color="0.3", linewidth=1.5, zorder=0)
    left.set_yticks(range(len(rows)), [row["label"] for row in rows])
    left.set_ylim(len(rows) - 0.4, -0.6)
    left.set(xlabel=f"accuracy, {unit}", title=f"□→ the paper   ● our runs, one a seed\n{title}")
    right.set(
        xlabel=f"difference of two runs, {unit}",
        title="→ the paper's change   | two of our unchanged runs\nband: 95 % of such pairs",
    )
    for ax in (left, right):
        ax.grid(axis="y", visible=False)
    return fig
