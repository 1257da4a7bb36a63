"""Run a learner's code with a time limit and limited output, and put random states and global settings back after it.

This is for mistakes, not for an attacker: code in a kernel can do whatever the person who wrote it can. One endless
operation in C (`sum(iter(int, 1))`) cannot be stopped from inside the process.
"""

from __future__ import annotations

import io
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from types import FrameType
from typing import Any, TypeVar

import matplotlib.pyplot as plt
import numpy as np
import torch

CHARACTERS = 2_000
"""How many characters of each output stream are shown."""

T = TypeVar("T")


class TimeUp(BaseException):
    """Ends code that ran too long; not an Exception, so that `except Exception` in a loop does not catch it."""


def run(work: Callable[[], T], limit: float) -> tuple[T | None, list[str]]:
    """Call `work`, for at most `limit` seconds.

    Returns (its value, or None where the time was up; the names of global settings that it changed).
    Whatever else `work` raises is raised here.
    """
    changed: list[str] = []
    with _limited_output(), warnings.catch_warnings(), plt.rc_context(), _forked_random(), _restored_settings(changed):
        value = _within(work, limit)
    return value, changed


def _within(work: Callable[[], T], limit: float) -> T | None:
    """Call `work`; None where it took longer than `limit` seconds. In the main thread an alarm signal stops it.

    Other threads get no signals, and Windows has no alarm: there the code is not stopped.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        return work()
    running, late, tracing = True, False, sys.gettrace()

    def at_next_line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            raise TimeUp
        return at_next_line

    def time_up(_: int, frame: FrameType) -> None:
        nonlocal late
        if running:
            late = True
            frame.f_trace = at_next_line  # for a bare `except:`, which catches the first TimeUp: the next line raises
            sys.settrace(at_next_line)
            raise TimeUp

    before = signal.signal(signal.SIGALRM, time_up)
    try:
        signal.setitimer(signal.ITIMER_REAL, limit, 0.05)  # again and again, for a loop that catches everything
        value = work()
        running = False
    except BaseException:
        running = False
        sys.settrace(tracing)
        if not late:
            raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return None if late else value


@contextmanager
def _limited_output() -> Iterator[None]:
    """Show the beginning of what is written to stdout and stderr, and say how much is left out."""
    out, err = _Beginning(sys.stdout), _Beginning(sys.stderr)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            yield
    finally:
        for part in (out, err):
            if part.left_out:
                part.stream.write(f"\n… {part.left_out:,} more characters are not shown.\n")


class _Beginning(io.TextIOBase):
    """A stream that passes on the first characters written to it, and counts the others."""

    def __init__(self, stream: Any) -> None:
        self.stream, self.room, self.left_out = stream, CHARACTERS, 0

    def write(self, text: str) -> int:
        if self.room:
            self.stream.write(text[: self.room])
        self.left_out += max(0, len(text) - self.room)
        self.room = max(0, self.room - len(text))
        return len(text)

    def flush(self) -> None:
        self.stream.flush()


@contextmanager
def _forked_random() -> Iterator[None]:
    """Put the random states of Python, NumPy and PyTorch back."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002, the global one is meant
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


_SETTINGS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "PyTorch's default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "PyTorch's default device": (
        torch.get_default_device,
        lambda device: torch.set_default_device(None if device.type == "cpu" else device),
    ),
    "whether PyTorch computes gradients": (torch.is_grad_enabled, torch.set_grad_enabled),
    "whether PyTorch is deterministic": (
        torch.are_deterministic_algorithms_enabled,
        torch.use_deterministic_algorithms,
    ),
    "PyTorch's number of threads": (torch.get_num_threads, torch.set_num_threads),
    "NumPy's error settings": (np.geterr, lambda settings: np.seterr(**settings)),
}
"""Name → how the setting is read, and how it is set."""


@contextmanager
def _restored_settings(changed: list[str]) -> Iterator[None]:
    """Put the settings back, and add to `changed` the names of those that had to be."""
    settings = {name: read() for name, (read, _) in _SETTINGS.items()}
    try:
        yield
    finally:
        for name, before in settings.items():
            read, write = _SETTINGS[name]
            if read() != before:
                write(before)
                changed.append(name)
