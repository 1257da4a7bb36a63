"""Figures of paper 4's grid: capacity F, depth D of the discriminator, batch size B, several seeds each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils import experiment
from course_utils.evaluate.statistics import Interval
from course_utils.teach.plots.figures import LOOKS, draw_interval, drawable, heat_map, style

Setting = tuple[int, int, int]  # F, D, B
SHARES = ("conditional accuracy", "coverage")


def swept(table: pd.DataFrame | None, measures: Sequence[str]) -> dict[str, list[dict]]:
    """Read `Lesson.swept`'s table: where a grid was computed → its settings, as the lesson's results hold them.

    A setting is {"setting": [F, D, B], measure: `experiment.entry`}. One that lacks a seed, as while a sweep is under
    way, is left out, because its values would be paired with those of other seeds.
    """
    grids: dict[str, list[dict]] = {}
    if table is None:
        return grids
    for (profile, source), rows in table[~table["smoothed"]].groupby(["profile", "data_source"]):
        seeds = sorted(rows["seed"].unique())
        found = grids[f"stored sweep, profile {profile}, {source} data"] = []
        for setting, mine in rows.groupby(["F", "D", "B"]):
            values = mine.pivot(index="seed", columns="metric", values="value").sort_index()
            if list(values.index) == seeds and len(seeds) > 1:
                entries = {m: experiment.entry(values[m], share=m in SHARES) for m in measures}
                found.append({"setting": [int(number) for number in setting], **entries})
    return grids


@style()
def heat_maps(
    cells: Mapping[Setting, Interval], axes: Sequence[Sequence[int]], label: str, scale: float = 100
) -> Figure:
    """Draw one map a batch size: capacity F to the right, depth D downwards; in each cell its mean and interval.

    axes: all values of F, of D and of B. A setting that `cells` lacks is hatched, and says so; the one with the highest
    mean has a frame.
    """
    capacities, depths, batches = axes
    means = {setting: scale * interval.mean for setting, interval in cells.items()}
    low, high = min(means.values()), max(means.values())
    fig = Figure(figsize=(1.5 + 3.1 * len(batches), 1.4 + 0.95 * len(depths)), layout="constrained")
    maps = np.atleast_1d(fig.subplots(1, len(batches), sharey=True))

    def text(setting: Setting) -> str:
        return cells[setting].text(scale).replace(" ", "\n", 1) if setting in cells else ""

    for ax, batch in zip(maps, batches, strict=True):
        values = np.array([[means.get((f, d, batch), np.nan) for f in capacities] for d in depths])
        heat_map(
            ax,
            values,
            [[text((f, d, batch)) for f in capacities] for d in depths],
            capacities,
            depths,
            (low - 0.4 * (high - low), high),
            square=False,
        )
        for row, col in np.argwhere(np.isnan(values)):
            ax.add_patch(Rectangle((col, row), 1, 1, facecolor="white", edgecolor="0.8", hatch="//", linewidth=0))
            ground = {"facecolor": "white", "edgecolor": "none", "pad": 1}
            ax.text(col + 0.5, row + 0.5, "not run", ha="center", va="center", color="0.3", fontsize=10, bbox=ground)
        for row, col in np.argwhere(values == high):
            frame = {"fill": False, "edgecolor": LOOKS[1].colour, "linewidth": 3}
            ax.add_patch(Rectangle((col + 0.04, row + 0.04), 0.92, 0.92, **frame))
        ax.set(title=f"B = {batch}", xlabel="capacity F")
    maps[0].set_ylabel("depth D")
    fig.colorbar(maps[0].collections[0], ax=list(maps), shrink=0.85, label=drawable(label))
    return fig


@style()
def setting(
    measures: Mapping[str, Mapping[Setting, Interval]], chosen: Setting, base: Setting, run_in: str = ""
) -> Figure:
    """Draw one setting beside another, a panel a measure: means on their intervals, or "not run"."""
    fig = Figure(figsize=(2.6 * len(measures), 2.6), layout="constrained")
    for ax, (name, cells) in zip(
        np.atleast_1d(fig.subplots(1, len(measures), sharey=True)), measures.items(), strict=True
    ):
        for y, (look, where) in enumerate(zip(LOOKS, (chosen, base), strict=False)):
            interval = cells.get(where)
            if interval is None:
                ax.text(0.5, y, "not run", ha="center", va="center", color="0.35", transform=ax.get_yaxis_transform())
                continue
            draw_interval(ax, y, interval, look)
        ax.set_yticks(range(2), ["F = {}, D = {}, B = {}".format(*where) for where in (chosen, base)])
        ax.set_ylim(1.6, -0.6)
        ax.set_title(name)
        ax.margins(x=0.15)
        ax.locator_params(axis="x", nbins=3)
        ax.grid(axis="y", visible=False)
    fig.supxlabel(f"mean with 95 % interval over seeds{run_in and f', {run_in}'}", fontsize=12)
    return fig
