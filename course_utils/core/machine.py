"""What this machine has, and what a container or a batch system lets this process use of it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

CGROUPS, OWN_CGROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
GIB = 2**30


def cores() -> int:
    """Count the cores that this process may use, as its affinity and its cgroups allow; 1 or more."""
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = (quota / period for quota, period in _limits("cpu", "cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us"))
    return max(1, int(min([mine, *quotas])))


def memory() -> float:
    """Give the bytes of memory that this process and its workers may use, as the machine and its cgroups allow."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else math.inf
    return min([machine, *(limit for (limit,) in _limits("memory", "memory.max", "memory.limit_in_bytes"))])


def _limits(controller: str, unified: str, *old: str) -> Iterator[list[float]]:
    """Give the numbers that limit this process's cgroup and those around it: in the file `unified` of cgroup 2, or in
    the files `old` of cgroup 1, which hold one number each."""
    for line in OWN_CGROUPS.read_text().splitlines() if OWN_CGROUPS.exists() else ():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root, files = (CGROUPS / controller, old) if controllers else (CGROUPS, [unified])
        own = root / path.lstrip("/")
        for folder in (own, *own.parents):
            if not folder.is_relative_to(root):
                break
            with suppress(OSError, ValueError):  # no such file, or "max"
                numbers = [float(word) for file in files for word in (folder / file).read_text().split()]
                if min(numbers) > 0:  # -1: no limit
                    yield numbers
