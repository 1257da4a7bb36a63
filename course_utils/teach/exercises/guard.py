"""What a learner's code may do while it is checked: so much time, so many printed lines, and nothing that outlasts it.

`run` is meant for mistakes, not for an attacker: code in a kernel can do whatever the person before it can. What nobody
can stop from inside the process is one endless operation in C (`sum(iter(int, 1))`), a crash and a kill from outside.
"""

from __future__ import annotations

import builtins
import ctypes
import io
import math
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn
from unittest.mock import patch

import numpy as np
import torch
import torch.nn.functional

LINES, CHARACTERS = 100, 20_000
"""So much of what is printed is shown."""

AGAIN = 0.05
"""Seconds until code that swallowed one interruption gets the next."""


class TimeUp(BaseException):
    """Ends code that ran too long; no Exception, so that `except Exception` in a loop does not swallow it."""


@dataclass(frozen=True)
class Ran:
    """What came of a call: its value, or the error that left it; whether it was `late`, and told to stop; the names of
    what it `changed` for others, which was put back."""

    value: Any
    error: BaseException | None
    late: bool
    changed: tuple[str, ...]


def run(work: Callable[[], Any], limit: float) -> Ran:
    """Call `work`, for at most `limit` seconds.

    Only the person's own interrupt (Ctrl-C, the Stop button) is raised: KeyboardInterrupt.
    """
    changed: list[str] = []
    with ExitStack() as stack:
        stack.enter_context(_put_back(changed))
        stack.enter_context(warnings.catch_warnings())
        for redirect, stream in ((redirect_stdout, sys.stdout), (redirect_stderr, sys.stderr)):
            short = _Short(stream)
            stack.callback(short.end)
            stack.enter_context(redirect(short))
        stack.enter_context(_no_exit())
        names = _Names()
        stack.callback(names.put_back, changed)  # again, where the time was up in the midst of it

        def tried() -> Any:
            try:
                return work()
            finally:
                names.put_back(changed)

        value, error, late = _limited(tried, limit)
    return Ran(value, error, late, tuple(changed))


# ------------------------------------------------------------------ time


def _limited(work: Callable[[], Any], limit: float) -> tuple[Any, BaseException | None, bool]:
    """(value, error, whether time was up) of work().

    A second thread raises TimeUp in this one, again and again until it is through. That happens between two steps of
    Python; where signals are to be had, one ends waiting as well (`time.sleep`, a lock). Its KeyboardInterrupt comes
    first, TimeUp at the next step: a bare `except:` that swallows the one runs into the other. In other threads and on
    Windows, code that waits for ever, or swallows everything while it waits, goes on.
    """
    here, finished = threading.get_ident(), threading.Event()
    value, error, late = None, None, False
    with _signals() as (wake, interrupted):

        def watch() -> None:
            nonlocal late
            pause = limit
            while not finished.wait(pause):
                late, pause = True, AGAIN
                _raise_in(here, TimeUp)
                wake()

        watcher = threading.Thread(target=watch, name="limit of a check", daemon=True)
        watcher.start()
        try:
            value = work()
        except BaseException as caught:
            error = caught
        while True:
            try:
                finished.set()
                watcher.join()
                break
            except BaseException:  # the last interruption, which came when all was done
                pass
        _raise_in(here, None)
    if interrupted:
        raise KeyboardInterrupt
    return value, error, late


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    """Let a thread's next step raise `kind`; None takes back what has not been raised yet."""
    what = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)


@contextmanager
def _signals() -> Iterator[tuple[Callable[[], None], list[bool]]]:
    """(a function that ends whatever this thread waits for, a list that is not empty once the person interrupted).

    Signals reach the main thread only, and Windows has none to wake it: elsewhere that function does nothing.
    """
    interrupted: list[bool] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None, interrupted
        return
    here, stop = threading.get_ident(), signal.getsignal(signal.SIGINT)

    def noted(number: int, frame: Any) -> NoReturn:
        interrupted.append(True)
        stop(number, frame)
        raise KeyboardInterrupt  # in an async cell Jupyter's own handler waits for the next `await`

    handlers = {signal.SIGINT: noted} if callable(stop) else {}  # a process in the background may ignore it
    wake = None
    if hasattr(signal, "SIGALRM"):
        handlers[signal.SIGALRM] = signal.default_int_handler
        wake = partial(signal.pthread_kill, here, signal.SIGALRM)
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield wake or (lambda: None), interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


# ------------------------------------------------------------------ printing and leaving


class _Short(io.TextIOBase):
    """A stream that passes on the first lines of what is written to it, and counts the others."""

    def __init__(self, stream: Any) -> None:
        self.stream, self.lines, self.characters, self.left_out = stream, LINES, CHARACTERS, [0, 0]

    def write(self, text: str) -> int:
        shown = ""
        if self.lines > 0 and self.characters > 0:
            shown = "".join(text[: self.characters].splitlines(keepends=True)[: self.lines])
            self.stream.write(shown)
        self.lines -= shown.count("\n")
        self.characters -= len(shown)
        self.left_out[0] += text.count("\n", len(shown))
        self.left_out[1] += len(text) - len(shown)
        return len(text)

    def flush(self) -> None:
        self.stream.flush()

    def end(self) -> None:
        """Say how much was left out."""
        lines, characters = self.left_out
        if characters:
            self.stream.write(f"\n… {lines:,} more lines ({characters:,} characters) are not shown.\n")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def _no_exit() -> Iterator[None]:
    """Here `os._exit`, and IPython's own `exit` and `quit`, raise SystemExit, as `sys.exit` does."""
    process, leave = os.getpid(), os._exit

    def exit_(code: int) -> NoReturn:
        if os.getpid() != process:  # a worker that was forked off ends like this
            leave(code)
        raise SystemExit(code)

    with ExitStack() as stack:
        stack.enter_context(patch.object(os, "_exit", exit_))
        ipython = sys.modules.get("IPython")
        if ipython is not None and (shell := ipython.get_ipython()) is not None:
            stack.enter_context(patch.object(shell, "ask_exit", sys.exit))
        yield


# ------------------------------------------------------------------ global state


@dataclass(frozen=True)
class _Setting:
    """Something global: its name, how it is read, and how it is set."""

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], Any]


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # somebody removed it
        return None


def _environment(before: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(before)


_SETTINGS = (
    _Setting("PyTorch's default dtype", torch.get_default_dtype, torch.set_default_dtype),
    _Setting(
        "PyTorch's default device",
        torch.get_default_device,
        lambda before: torch.set_default_device(None if before.type == "cpu" else before),
    ),
    _Setting("whether PyTorch computes gradients", torch.is_grad_enabled, torch.set_grad_enabled),
    _Setting(
        "whether PyTorch is deterministic",
        torch.are_deterministic_algorithms_enabled,
        torch.use_deterministic_algorithms,
    ),
    _Setting("PyTorch's number of threads", torch.get_num_threads, torch.set_num_threads),
    _Setting("NumPy's error settings", np.geterr, lambda before: np.seterr(**before)),
    _Setting("the environment variables", lambda: dict(os.environ), _environment),
    _Setting("the working folder", _folder, lambda before: before and os.chdir(before)),
    _Setting("sys.path", lambda: list(sys.path), lambda before: setattr(sys, "path", before)),
    _Setting("Python's recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
)

_MODULES = (builtins, math, os, random, np, torch, torch.nn.functional)
"""Whose names are looked after, against `torch.relu = …`."""

_THEIR_OWN = ("_", "Storage")
"""Names that change by themselves: Python's last result, and a companion of torch's default dtype."""


class _Names:
    """What those modules' names stand for. Those that come later stay: most are modules, imported on first use."""

    def __init__(self) -> None:
        self.before = [(module, dict(vars(module))) for module in _MODULES]

    def put_back(self, changed: list[str]) -> None:
        """Note the names that have changed in `changed`, and put them back."""
        for module, before in self.before:
            for name, value in before.items():
                if vars(module).get(name, before) is not value and name not in _THEIR_OWN:
                    setattr(module, name, value)
                    changed.append(f"{module.__name__}.{name}")


@contextmanager
def _put_back(changed: list[str]) -> Iterator[None]:
    """Afterwards settings are what they were, and those that had to be put back are in `changed`.

    So are random states, without a word: to draw is no fault.
    """
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    settings = [(setting, setting.read()) for setting in _SETTINGS]
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002, the global one is meant
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        for setting, before in settings:
            if setting.read() != before:
                changed.append(setting.name)
                with suppress(OSError):  # a folder that is gone
                    setting.write(before)
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
