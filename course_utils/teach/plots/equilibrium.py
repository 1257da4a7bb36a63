"""Figures of a GAN whose D says one half to everything: equilibrium or surrender? Losses, and what they do not tell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from course_utils.teach.plots.figures import LOOKS, drawable, style

ONE_HALF = {"D": 2 * math.log(2), "G": math.log(2)}
"""What both lose where D says one half to everything, real or fake: −log ½ − log ½, and −log ½."""


@style()
def losses(panels: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Draw one run a title: the losses of D and G at even steps, over the share of the run that is done.

    Dashed and dotted lines mark what both lose where D says one half to everything.
    """
    fig = Figure(figsize=(1 + 3.5 * len(panels), 3.9), layout="constrained")
    axes = np.atleast_1d(fig.subplots(1, len(panels), sharey=True))
    for ax, (title, run) in zip(axes, panels.items(), strict=True):
        for look, (who, values), line in zip(LOOKS, run.items(), ("--", ":"), strict=False):
            share = np.linspace(0, 100, len(values))
            marks = {"marker": look.marker, "markevery": max(1, len(values) // 10), "markersize": 7}
            ax.plot(share, values, color=look.colour, linestyle=look.line, label=f"loss of {who}", **marks)
            ax.axhline(ONE_HALF[who], color="0.3", linestyle=line, linewidth=1.5, zorder=0)
        ax.set(title=drawable(title), xlabel="% of the run")
    axes[0].set_ylim(bottom=0)
    axes[0].set_ylabel("loss")
    for who, name in (("D", "2 log 2"), ("G", "log 2")):  # beside the last panel, where no curve runs through them
        place = {"transform": axes[-1].get_yaxis_transform(), "ha": "left", "va": "center"}
        axes[-1].text(1.02, ONE_HALF[who], name, fontsize=11, color="0.3", **place)
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=12)
    return fig


@style()
def distances(runs: Mapping[str, Mapping[int, float]], floor: float, name: str = "fd_lenet") -> Figure:
    """Draw a distance to the real pictures after each number of steps, one line a run, on a logarithmic scale.

    floor: that of new real pictures, as a dashed line.
    """
    fig = Figure(figsize=(8, 3.9), layout="constrained")
    ax = fig.subplots()
    for look, (title, by_step) in zip(LOOKS, runs.items(), strict=False):
        ax.plot(*zip(*by_step.items(), strict=True), look.marker, color=look.colour, linestyle=look.line, label=title)
    ax.axhline(floor, color="0.3", linestyle="--", linewidth=1.5, label="new real pictures")
    ax.set(xlabel="step", ylabel=f"{name}, lower is closer", yscale="log")
    ax.legend(fontsize=12, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return fig
