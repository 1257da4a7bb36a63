"""`python -m benchmarks.redraw`: what a slider costs. Each explorer's picture, computed, drawn and packed as while
somebody drags, beside a bare figure with as many panels, in turns.

The aim is that nobody feels a delay: 150 ms on two cores. Milliseconds are of this machine; the ratio travels.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle

import torch
from matplotlib.figure import Figure

from benchmarks.measure import Contender, turns
from course_utils.teach import show
from course_utils.teach.plots import figures
from course_utils.teach.toys import borders, coins, cycles, line, mixture, ring

ROUNDS = 9

PICTURES: dict[str, tuple[int, Callable[[float], Figure], tuple]] = {
    "coins (start)": (1, lambda images: coins.picture(images, 90), (100, 400)),
    "a game on a line (start)": (2, lambda height: line.picture(_moment(height), lambda p, q: p / (p + q)), (0.1, 0.2)),
    "ten digits (1, 2, 4)": (1, lambda shade: figures.image_grid(_pictures(10, shade)), (60, 200)),
    "rare class (2)": (3, lambda share: mixture.picture(share, "blob"), (0.05, 0.1)),
    "two translators (3)": (3, lambda turn: cycles.picture("rotation", turn), (40, 112)),
    "ring (4)": (3, lambda steps: ring.picture("ring", steps), ring.LENGTHS[-2:]),
    "border (5)": (3, lambda weight: borders.picture(weight, borders.HEADS[0]), (0.3, 1.0)),
    "forty garments (5)": (1, lambda shade: figures.image_grid(_pictures(40, shade)), (60, 200)),
}
"""Explorer, and the lesson it is of: panels, its picture at a setting, and two settings that take turns. What trains
does so in the first turns, which are not counted."""


def bare(panels: int) -> Figure:
    """What any figure costs here: axes with ticks, and a line."""
    with figures.style():
        fig = Figure(figsize=(3 * panels, 3.6))
        for ax in fig.subplots(1, panels, squeeze=False)[0]:
            ax.plot([0, 1])
        return fig


def _moment(height: float) -> line.Moment:
    fakes = torch.linspace(-3, 3, 500)
    return line.Moment(1, fakes, torch.full_like(line.X, height), {"D": 1.3, "G": 0.7})


def _pictures(n: int, shade: float) -> torch.Tensor:
    return torch.full((n, 1, 28, 28), int(shade), dtype=torch.uint8)


def packed(figure_of: Callable[[], Figure]) -> Contender:
    """Turns, each of which draws a figure and packs it for the page."""

    def drawn() -> Iterator[bytes]:
        while True:
            yield show.png(figure_of())

    return turns(drawn())


def main() -> None:
    """Measure and print, a line an explorer."""
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    print(f"{torch.get_num_threads()} threads, load {load}; medians of {ROUNDS} redraws\n")
    print(f"{'explorer':28}{'ms':>6}{'bare':>7}{'ratio':>8}")
    for name, (panels, picture, settings) in PICTURES.items():
        moved = cycle(settings)
        ours, plain = packed(lambda moved=moved, draw=picture: draw(next(moved))), packed(partial(bare, panels))
        for contender in (ours, ours, plain):  # every setting once, and the fonts
            next(contender)
        seconds = [(next(ours), next(plain)) for _ in range(ROUNDS)]
        median, floor = (1000 * statistics.median(column) for column in zip(*seconds, strict=True))
        print(f"{name:28}{median:6.0f}{floor:7.0f}{median / floor:8.2f}", flush=True)


if __name__ == "__main__":
    main()
