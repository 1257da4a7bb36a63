"""What a learner does in the page, brought to the kernel in the order it was done.

JupyterLab has a widget's messages handled by a thread of their own (a kernel subshell), so that a click is taken while
a cell runs. Two things must be seen to, then: that all messages take that way, and that what draws does not do so
beside a cell.
"""

from __future__ import annotations

import asyncio
import html
import threading
import traceback
from collections.abc import Callable
from typing import Any

PATIENCE_S = 0.5
BUSY = "A cell is running; this picture follows when it has ended."


def show(form: Any) -> None:
    """Display a form, all of whose messages go to the thread that the page names.

    ipykernel 7.4 sends a widget's messages to the thread which that widget last spoke from. A choice and the click on
    the button beside it then go to two threads, in no order; and a slider moved while a cell awaits gets no answer,
    whereupon ipywidgets holds back all its later moves. A comm without `_reply_subshell_for` is left alone.
    """
    from IPython.display import display

    _leave_alone(form)
    display(form)


def _leave_alone(widget: Any) -> None:
    widget.comm._reply_subshell_for = None
    for child in getattr(widget, "children", ()):
        _leave_alone(child)


def in_turn(act: Callable[[], None], busy: Callable[[str], None]) -> Callable[..., None]:
    """`act`, which draws or computes, as a callback that waits for its turn in the kernel's main thread: beside a cell
    it would take from that cell's random numbers.

    However often it is called while it waits, it acts once. busy: is given a sentence where the wait grows long.
    Outside a kernel, and from the main thread, it acts at once.
    """
    try:
        main = asyncio.get_running_loop()
    except RuntimeError:
        return lambda *_: act()
    waits = threading.Event()

    def turn() -> None:
        waits.clear()
        act()

    def call(*_: Any) -> None:
        if threading.current_thread() is threading.main_thread():
            act()
        elif not waits.is_set():
            waits.set()
            main.call_soon_threadsafe(turn)
            asyncio.get_running_loop().call_later(PATIENCE_S, lambda: waits.is_set() and busy(BUSY))

    return call


def guarded(act: Callable[..., None], error: Any, meanwhile: str) -> Callable[..., None]:
    """`act`, a callback of a widget, whose error is shown in `error`, an HTML widget; Jupyter would hide it in a log.

    meanwhile: what the learner sees now. A call that succeeds empties `error`.
    """

    def call(*args: Any) -> None:
        try:
            act(*args)
            error.value = ""
        except Exception as problem:
            trace = html.escape(traceback.format_exc())
            line = html.escape(f"{type(problem).__name__}: {problem}")
            error.value = (
                f'<div role="alert" style="color:#B00020"><b>Error</b> {line}<br>{meanwhile}'
                f"<details><summary>where it happened</summary><pre>{trace}</pre></details></div>"
            )

    return call
