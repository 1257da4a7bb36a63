"""Show a training while it runs: samples beside losses in one display, and a Stop button that keeps the state."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from matplotlib.figure import Figure
from torch import Tensor

from course_utils.core.errors import CourseError
from course_utils.teach import show
from course_utils.teach.plots import figures


class Progress(Protocol):
    """Describe what a training yields at each report; `losses` holds one value per report so far."""

    step: int
    steps: int
    losses: Mapping[str, Sequence[float]]

    def samples(self) -> Tensor | None:
        """uint8, N × C × H × W, or None."""


P = TypeVar("P", bound=Progress)


def samples_and_losses(item: Progress) -> Figure:
    """Draw samples beside the curves of the losses, the default of `watch`."""
    reports = max(map(len, item.losses.values()), default=0)
    return figures.training(item.samples(), item.losses, every=item.step / max(1, reports))


async def watch(
    training: Iterable[P],
    *,
    title: str,
    every_s: float = 1.0,
    lasts_s: float = 0.0,
    draw: Callable[[P], Figure] = samples_and_losses,
    alt: str = "samples beside the curves of its losses.",
) -> P:
    """Run a training to its end, or until Stop or the kernel's interrupt, and return its last progress item.

    In JupyterLab the picture moves at most every `every_s` seconds, and drawing takes at most a third of the time, on
    however busy a machine; headless, one line and one figure at the end. What was stopped keeps its state, and a
    training that is an iterator goes on if it is watched again. draw: a progress item → its figure; alt: what that
    shows. lasts_s: in JupyterLab, the seconds over which a training is spread that would be over before anybody has
    looked; one that computes longer does not rest.

    Raises CourseError if the training yields nothing.
    """
    screen = _Screen(title, draw, alt) if show.interactive() else None
    start, due, last, how = time.monotonic(), 0.0, None, "finished"
    try:
        for last in training:
            if screen and (began := time.monotonic()) >= due:
                screen.draw(last)
                drawn = time.monotonic()
                due = drawn + max(every_s, 2 * (drawn - began))
            ahead = start + lasts_s * last.step / last.steps - time.monotonic()
            await asyncio.sleep(max(0, ahead) if screen else 0)  # lets the kernel take the click on Stop
            if screen and screen.stopped:
                how = "stopped"
                break
    except (KeyboardInterrupt, asyncio.CancelledError) as interrupt:
        if last is None:
            raise
        if isinstance(interrupt, asyncio.CancelledError):  # how ipykernel interrupts a cell that awaits
            asyncio.current_task().uncancel()
        how = "interrupted"
    if last is None:
        raise CourseError(f"{title}: the training gave no progress; was it watched to its end before?")
    data, metadata = show.picture(draw(last), f"{title}, step {last.step}: {alt}")
    line = f"{title}: {how} at step {last.step:,} of {last.steps:,}, {time.monotonic() - start:.0f} s; {_losses(last)}"
    if how != "finished":
        line += ". What was trained so far is kept. What the cells below say of it is too early to tell."
    print(line)
    if screen:
        screen.close(data, metadata)
    else:
        show.publish(data, metadata)
    return last


def too_early(*runs: Progress) -> str:
    """Say which of these trainings were stopped, and that they tell nothing yet; "" where all came to their end."""
    stopped = [f"step {run.step:,} of {run.steps:,}" for run in runs if run.step < run.steps]
    return f"*Stopped at {' and '.join(stopped)}: too early to tell.*\n\n" if stopped else ""


class _Screen:
    """Show one display with a moving picture and a Stop button; a still picture replaces it in the end."""

    def __init__(self, title: str, draw: Callable[[Any], Figure], alt: str) -> None:
        import ipywidgets as w
        from IPython.display import display

        self.stopped = False
        self._title, self._figure, self._alt = title, draw, f"{title}: {alt}"
        self._line = w.Label(f"{title}: starting …")
        self._picture = w.HTML()
        stop = w.Button(
            description="Stop",
            icon="stop",
            button_style="warning",
            tooltip="Stop and keep the state",
            layout=w.Layout(width="auto"),
        )
        stop.on_click(self._stop)
        self._box = w.VBox([w.HBox([stop, self._line]), self._picture])
        self._handle = display(self._box, display_id=True)

    def _stop(self, button: Any) -> None:
        self.stopped, button.disabled = True, True

    def draw(self, item: Progress) -> None:
        self._line.value = f"{self._title}: step {item.step:,} of {item.steps:,}; {_losses(item)}"
        self._picture.value = show.tag(show.png(self._figure(item)), self._alt)

    def close(self, data: dict[str, str], metadata: dict[str, Any]) -> None:
        self._handle.update(data, raw=True, metadata=metadata)
        for widget in (*self._box.children[0].children, *self._box.children, self._box):
            widget.close()  # not close_all(), which would close every widget of the notebook


def _losses(item: Progress) -> str:
    return ", ".join(f"{name} {values[-1]:.3f}" for name, values in item.losses.items() if values)
