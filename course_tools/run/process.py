"""Runs a lesson's process and reads what it prints, line by line; the process ends when its runner is gone."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

GRACE = 10.0
"""Seconds a lesson's process has to end itself, and its kernel, before it is killed."""


async def converse(command: list[str], cwd: Path, environment: dict[str, str], hear: Callable[[str], None]) -> int:
    """Run a process, pass each line it prints to `hear`, return its exit code; end it when cancelled."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C reaches only us; we then end it in an orderly way
    )
    try:
        async for line in _lines(process.stdout):
            hear(line)
        return await process.wait()
    finally:
        if process.returncode is None:
            _signal(process, "SIGINT")
            try:
                await asyncio.wait_for(process.wait(), GRACE)
            except TimeoutError:
                _signal(process, "SIGKILL")
                await process.wait()


def _signal(process: asyncio.subprocess.Process, name: str) -> None:
    """Send a signal to the process and what it started; on Windows, which has no such signals, end the process."""
    with suppress(ProcessLookupError):
        if os.name == "posix":
            os.killpg(process.pid, getattr(signal, name))
        else:
            process.terminate()


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Yield lines, however long; a carriage return, as progress bars print it, ends one too."""
    rest = b""
    while chunk := await stream.read(65536):
        *whole, rest = re.split(rb"\r\n|\r|\n", rest + chunk)
        for line in whole:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")


def end_with_parent() -> None:
    """End this process, from now on, within a second once the one that started it is gone.

    A runner that is killed cannot end its lessons. On Windows a process does not notice, and goes on to its end.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
