"""Bring a learner's actions in the page to the kernel, in order.

JupyterLab handles a widget's messages in a thread of their own (a kernel subshell), so that clicks work while a cell
runs. So all messages must go to that thread, and callbacks that draw must wait for the main thread.
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


def show(form: Any, instead: dict[str, str]) -> None:
    """Display a form so that all its messages go to the thread that the page names.

    instead: by MIME type, what takes its place where nothing keeps the form alive, as in an exported notebook.

    ipykernel 7.4 sends a widget's messages to the thread which that widget last spoke from. A choice and the click on
    the button beside it then go to two threads, in no order; and a slider moved while a cell awaits gets no answer,
    whereupon ipywidgets holds back all its later moves. A comm with `_reply_subshell_for = None` is not redirected.
    """
    from IPython.display import display

    _unbind(form)
    display({**form._repr_mimebundle_(), **instead}, raw=True)


def _unbind(widget: Any) -> None:
    widget.comm._reply_subshell_for = None
    for child in getattr(widget, "children", ()):
        _unbind(child)


def in_main_thread(act: Callable[[], None], busy: Callable[[str], None]) -> Callable[..., None]:
    """Make a callback that runs `act` in the kernel's main thread, after the running cell.

    Beside a cell it would change that cell's random numbers.

    However often it is called while it waits, it acts once. busy: is called with a sentence after a long wait.
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


def show_errors(act: Callable[..., None], error: Any, meanwhile: str) -> Callable[..., None]:
    """Make a widget's callback `act` show its errors in `error`, an HTML widget; Jupyter would hide them in a log.

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
