"""The course's figures: they read on a projector and without colour, and change no global setting.

Arms are told apart by marker, line and hatch as well as by colour (Okabe and Ito's palette, safe for colour-blind
eyes, with its orange and sky blue darkened until they stand out from white). Every function returns a Matplotlib
`Figure`; `show.figure(fig, alt)` displays it.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont
from matplotlib.ft2font import FT2Font
from PIL import Image
from torch import Tensor

from course_utils.core.errors import CourseError
from course_utils.evaluate.statistics import Interval
from course_utils.teach.show import DPI

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 13,
    "axes.titlesize": 14,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "0.9",
    "lines.linewidth": 2.2,
    "lines.markersize": 8,
    "legend.frameon": False,
    "hatch.linewidth": 1.2,
}


class Look(NamedTuple):
    """Say how one arm is drawn, in every figure."""

    colour: str
    marker: str
    line: Any
    hatch: str


LOOKS = (
    Look("#0072B2", "o", "-", ""),
    Look("#D55E00", "s", "--", "//"),
    Look("#009E73", "^", "-.", "\\\\"),
    Look("#CC79A7", "D", ":", "xx"),
    Look("#9C871C", "v", (0, (6, 1)), ".."),
    Look("#2296C3", "P", (0, (3, 1, 1, 1)), "++"),
    Look("#000000", "X", (0, (1, 1)), "oo"),
    Look("#7F7F7F", "*", (0, (9, 3)), "--"),
    Look("#882255", "p", (0, (5, 1, 1, 1, 1, 1)), "**"),
)


def style() -> AbstractContextManager[None]:
    """Set the course's style within `with style():` or under `@style()`, and put the old one back."""
    return matplotlib.rc_context(STYLE)


@style()
def image_grid(
    pixels: Tensor,
    cols: int = 10,
    titles: Sequence[str] | None = None,
    row_titles: Sequence[str] | None = None,
) -> Figure:
    """Show pictures side by side, each pixel a crisp square.

    pixels: uint8, N × C × H × W; rows follow from N and `cols`. titles: one above each picture; row_titles: one left
    of each row. Raises CourseError for no pictures.
    """
    if not len(pixels):
        raise CourseError("image_grid got no pictures; there is nothing to show")
    cols = min(cols, len(pixels))
    rows = -(-len(pixels) // cols)
    scale = max(1, min(6, 760 // (cols * pixels.shape[-1])))
    size, head, gap = pixels.shape[-1] * scale, 22 if titles else 0, 4
    canvas = mosaic(pixels, cols, scale, gap, head)
    height, width = canvas.shape[:2]
    margin = 16 + max((9 * len(text) for text in row_titles or ()), default=-16)

    fig = Figure(figsize=((margin + width) / DPI, height / DPI), dpi=DPI)
    ax = fig.add_axes((margin / (margin + width), 0, width / (margin + width), 1))
    ax.imshow(canvas, interpolation="nearest", aspect="auto")
    ax.axis("off")
    longest = max(map(len, titles or [""]))
    points = min(11, max(6, 72 / DPI * (size + gap) / (0.62 * max(1, longest))))
    for i, title in enumerate(titles or ()):
        x = (i % cols) * (size + gap) + size / 2
        y = (i // cols) * (canvas.shape[0] + gap) / rows + head / 2
        ax.text(x, y, drawable(title), ha="center", va="center", fontsize=points)
    for row, title in enumerate(row_titles or ()):
        y = (row + 0.5) * (canvas.shape[0] + gap) / rows + (head - gap) / 2
        ax.text(-10, y, drawable(title), ha="right", va="center", fontsize=11)
    return fig


@style()
def loss_curves(losses: Mapping[str, Sequence[float]], every: float) -> Figure:
    """Draw one curve a loss; its values were reported every `every` steps."""
    fig = Figure(figsize=(8, 3.6), layout="constrained")
    _draw_losses(fig.subplots(), losses, every)
    return fig


@style()
def training(pixels: Tensor | None, losses: Mapping[str, Sequence[float]], every: float) -> Figure:
    """Show samples (uint8, N × C × H × W, or None) beside the loss curves, as a GAN trains."""
    fig = Figure(figsize=(9, 3.6), layout="constrained")
    if pixels is None:
        _draw_losses(fig.subplots(), losses, every)
        return fig
    left, right = fig.subplots(1, 2, width_ratios=(2, 3))
    cols = math.ceil(math.sqrt(len(pixels)))
    left.imshow(mosaic(pixels, cols, scale=max(1, 400 // (cols * pixels.shape[-1])), gap=3), interpolation="nearest")
    left.axis("off")
    _draw_losses(right, losses, every)
    return fig


@style()
def confusion(matrix: Any, classes: Sequence[str], title: str) -> Figure:
    """Draw a confusion matrix: K × K counts, rows the true classes, columns the predicted; shaded by row shares."""
    counts = np.asarray(matrix)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    names = [drawable(name) or str(i) for i, name in enumerate(classes)]
    side = max(4.5, 0.5 * len(names) + 1.5)
    fig = Figure(figsize=(side + 0.8, side), layout="constrained")
    ax = fig.subplots()
    heat_map(ax, share, [[f"{count:g}" for count in row] for row in counts], names, names, (0, 1))
    ax.set(xlabel="predicted", ylabel="true", title=drawable(title))
    fig.colorbar(ax.collections[0], ax=ax, shrink=0.8, label="share of the true class")
    return fig


def heat_map(
    ax: Axes,
    values: np.ndarray,
    texts: Sequence[Sequence[str]],
    columns: Sequence[Any],
    rows: Sequence[Any],
    ends: tuple[float, float],
    square: bool = True,
) -> None:
    """Draw values, R × C, as shades of blue from one of the `ends` to the other, a text in each cell. The cell of row r
    and column c reaches from r to r + 1 and from c to c + 1; where the value is NaN it stays empty."""
    import seaborn

    seaborn.heatmap(
        values,
        vmin=ends[0],
        vmax=ends[1],
        cmap="Blues",
        annot=np.array(texts),
        fmt="",
        annot_kws={"fontsize": 10},
        cbar=False,
        square=square,
        xticklabels=False,
        yticklabels=False,
        ax=ax,
    )
    slanted = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    ax.set_xticks(np.arange(len(columns)) + 0.5, columns, **(slanted if max(len(str(c)) for c in columns) > 3 else {}))
    ax.set_yticks(np.arange(len(rows)) + 0.5, rows)
    ax.grid(visible=False)


def draw_interval(ax: Axes, y: float, interval: Interval, look: Look) -> None:
    """Draw a mean on its interval, across the panel at height `y`, in the axis's units."""
    ax.plot([interval.lo, interval.hi], [y, y], color=look.colour, linewidth=3, solid_capstyle="butt")
    ax.plot(interval.mean, y, look.marker, color=look.colour, markersize=10, markeredgecolor="white", **ABOVE)


def draw_claim(ax: Axes, y: float, claim: float, inside: bool) -> None:
    """Draw a paper's value as a square, filled where it lies `inside` what one further run of ours could give."""
    face = "black" if inside else "white"
    ax.plot(claim, y, "s", color="black", markerfacecolor=face, markeredgewidth=1.6, **ABOVE)


ABOVE: dict[str, Any] = {"clip_on": False, "zorder": 3}
"""How a marker is drawn that may lie at the end of an axis: whole, and over its line."""


def end_axis(ax: Axes, lo: float, hi: float, vertical: bool = False) -> None:
    """End an axis where the measure on it ends: nothing lies below `lo` or above `hi`."""
    low, high = ax.get_ylim() if vertical else ax.get_xlim()
    (ax.set_ylim if vertical else ax.set_xlim)(max(low, lo), min(high, hi))


def mosaic(pixels: Tensor, cols: int, scale: int = 1, gap: int = 2, head: int = 0) -> np.ndarray:
    """Lay pictures, uint8 N × C × H × W, on a white ground, uint8 H × W × 3, a tile each.

    A pixel becomes `scale` × `scale`; `head` pixels stay free above each tile.
    """
    tiles = pixels.detach().cpu().numpy().transpose(0, 2, 3, 1)
    tiles = np.broadcast_to(tiles, (*tiles.shape[:3], 3)).repeat(scale, axis=1).repeat(scale, axis=2)
    n, height, width, _ = tiles.shape
    rows, high, wide = -(-n // cols), head + height + gap, width + gap
    canvas = np.full((rows * high - gap, cols * wide - gap, 3), 255, np.uint8)
    for i, tile in enumerate(tiles):
        top, left = i // cols * high + head, i % cols * wide
        canvas[top : top + height, left : left + width] = tile
    return canvas


def enlarged(pixels: Tensor, side: int = 280) -> bytes:
    """Encode one picture, uint8 C × H × W, as a PNG about `side` wide, its pixels crisp."""
    buffer = io.BytesIO()
    Image.fromarray(mosaic(pixels[None], cols=1, scale=max(1, side // pixels.shape[-1]))).save(buffer, format="png")
    return buffer.getvalue()


def drawable(text: str) -> str:
    """Remove signs that the figures' font lacks (Kannada digits, emoji: they would be boxes), and escape dollars."""
    return "".join(sign for sign in text if sign == "\n" or ord(sign) in _signs()).strip().replace("$", r"\$")


@cache
def _signs() -> frozenset[int]:
    return frozenset(FT2Font(findfont(STYLE["font.family"])).get_charmap())


def _draw_losses(ax: Axes, losses: Mapping[str, Sequence[float]], every: float) -> None:
    for look, (name, values) in zip(LOOKS, losses.items(), strict=False):
        steps = [every * (i + 1) for i in range(len(values))]
        marks = {"marker": look.marker, "markevery": max(1, len(values) // 8)}
        ax.plot(steps, values, color=look.colour, linestyle=look.line, label=name, **marks)
    ax.set(xlabel="step", ylabel="loss")
    if losses:
        ax.legend(loc="best")
