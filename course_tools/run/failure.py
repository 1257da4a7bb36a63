"""Tells what ended a lesson too early: a failed cell, too little memory or disk, a process that died, a time limit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

CELL, MEMORY, DIED, TIME, RESULTS = "a cell failed", "out of memory", "its process died", "timed out", "no results"
DISK = "could not write"

REMEDY = "memory was short: run one lesson at a time (--jobs 1), close other programs, or take a smaller profile"

# The last line of a traceback where memory was refused: by Python and numpy, by PyTorch on a GPU, and on the CPU.
REFUSED = re.compile(r"(\w+\.)*_?(Array)?(MemoryError|OutOfMemoryError)\b.*|.*can't allocate memory.*")
UNWRITTEN = re.compile(r"([\w.]+\.)?NotWritten: .*|OSError: .*(No space left on device|Read-only file system).*")
ABRUPT = re.compile(r".*\b(BrokenProcessPool|a worker process ended before its work was done)\b.*")
"""A worker process of the lesson was killed; nothing tells by whom."""

COUNTERS = (
    Path("/sys/fs/cgroup/memory.events"),
    Path("/sys/fs/cgroup/memory/memory.oom_control"),
    Path("/proc/vmstat"),
)
"""Files of Linux that count processes killed for want of memory: in this container (cgroup 2, 1), in this machine."""


class Failure(NamedTuple):
    """Says why a lesson failed. kind: one of the constants above. text: the traceback, or what else is known."""

    kind: str
    text: str


def memory_kills() -> int:
    """Count the processes that were killed for want of memory so far, to compare two counts; 0 where nobody counts."""
    for counter in COUNTERS:
        try:
            if found := re.search(r"^oom_kill (\d+)$", counter.read_text(), re.MULTILINE):
                return int(found[1])
        except OSError:
            continue
    return 0


def of_process(code: int, log: list[str], memory_kills: int) -> Failure | None:
    """Find what went wrong in a lesson's process that ended with `code` and printed `log`, or None.

    It announces failures: `[failed] cell 3/20 (id …)` and the traceback, or `[died]` and what is known of its kernel.
    memory_kills: how many processes were killed for want of memory in the meantime.
    """
    if code == 0:
        return None
    for start, line in enumerate(log):
        if announced := re.match(r"\[(failed|died)\] ", line):
            before = log[max(0, start - 10) : start] if announced[1] == "died" else []  # what its kernel printed
            text = "\n".join([*before, line[announced.end() :], *log[start + 1 :]])
            if "Kernel didn't respond" in text:  # not even at the start
                return Failure(TIME, text)
            if announced[1] == "died":
                return _dead(text, memory_kills)
            last = text.strip().splitlines()[-1]
            short = REFUSED.fullmatch(last) or (memory_kills and ABRUPT.fullmatch(last))
            if short:
                return Failure(MEMORY, f"{text.rstrip()}\n{REMEDY}")
            return Failure(DISK if UNWRITTEN.fullmatch(last) else CELL, text)
    ended = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    text = "\n".join([*log[-30:], f"the lesson's process {ended}"])
    return _dead(text, memory_kills) if code in (-9, 137) else Failure(DIED, text)


def _dead(text: str, memory_kills: int) -> Failure:
    """Describe a process that was killed, or a kernel that is gone."""
    if memory_kills:
        return Failure(MEMORY, f"{text}\nthe system killed a process meanwhile because it was out of memory\n{REMEDY}")
    return Failure(DIED, f"{text} (nothing tells that memory was short)")
