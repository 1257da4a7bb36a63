"""Curves with their intervals: a measure against a quantity, one line an arm."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from course_utils.evaluate.comparisons import readable
from course_utils.evaluate.statistics import Interval
from course_utils.teach.plots.figures import LOOKS, drawable, end_axis, style


@style()
def bands(
    lines: Mapping[str, Mapping[float, Interval]],
    xlabel: str,
    ylabel: str,
    *,
    levels: Mapping[str, Interval] | None = None,
    order: Sequence[str] | None = None,
    at: Sequence[float] | None = None,
    ends: tuple[float, float] = (-math.inf, math.inf),
) -> Figure:
    """Draw a line through means on a band of their intervals; a marker on its interval where a name has one x only.

    lines: name → x → mean with its interval. levels: name → interval, drawn in grey across the whole figure, as what
    the lines are held against; an interval without extent is a bare line. order: all names, in the order that gives
    each its look. at: evenly spaced places of the x axis, in this order, in place of a linear axis.
    ends: what the measure can be at least and at most.
    """
    order, places = list(order or lines), None if at is None else {x: k for k, x in enumerate(at)}
    fig = Figure(figsize=(9, 5), layout="constrained")
    ax = fig.subplots()
    for dash, (name, level) in zip(("--", ":", "-."), (levels or {}).items(), strict=False):
        ax.axhspan(level.lo, level.hi, color="0.5", alpha=0.15, linewidth=0)
        ax.axhline(level.mean, color="0.35", linestyle=dash, linewidth=1.8, label=drawable(readable(name)))
    for name, points in lines.items():
        look = LOOKS[order.index(name)]
        xs = [x if places is None else places[x] for x in points]
        means, lows, highs = zip(*((p.mean, p.lo, p.hi) for p in points.values()), strict=True)
        if len(xs) > 1:
            ax.fill_between(xs, lows, highs, color=look.colour, alpha=0.15, linewidth=0)
            ax.plot(xs, means, look.marker, color=look.colour, linestyle=look.line, label=drawable(readable(name)))
        else:
            ax.plot([*xs, *xs], [lows[0], highs[0]], color=look.colour, linewidth=3, solid_capstyle="butt")
            ax.plot(xs, means, look.marker, color=look.colour, markersize=10, label=drawable(readable(name)))
    if places is not None:
        ax.set_xticks(range(len(places)), [f"{x:g}" for x in places])
    ax.set(xlabel=xlabel, ylabel=ylabel)
    end_axis(ax, *ends, vertical=True)
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=12)
    return fig


@style()
def histories(runs: Mapping[str, Mapping[str, Sequence[float]]], steps: int, levels: Mapping[str, float]) -> Figure:
    """Draw measures along a training: one panel a measure, one line a run.

    runs: run → measure → its values, evenly spread over `steps` steps. levels: measure → the value of a dotted line.
    """
    measures = list(next(iter(runs.values())))
    fig = Figure(figsize=(10, 3.6), layout="constrained")
    for ax, measure in zip(fig.subplots(1, len(measures)), measures, strict=True):
        for look, (name, run) in zip(LOOKS, runs.items(), strict=False):
            values = run[measure]
            at = [steps * (k + 1) / len(values) for k in range(len(values))]
            ax.plot(at, values, look.marker, color=look.colour, linestyle=look.line, markersize=6, label=drawable(name))
        if measure in levels:
            ax.axhline(levels[measure], color="0.3", linestyle=":", linewidth=1.5, zorder=0)
        ax.set(title=measure, xlabel="step")
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=len(runs))
    return fig
