"""The number format that networks compute in: bfloat16 where it is really faster, else float32."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.core.errors import CourseError
from course_utils.core.parallel import one_thread

PRECISIONS = ("auto", "float32", "bfloat16")
WORTH_IT = 1.3  # how much faster bfloat16 must be; processors lie far on either side (0.5 without, 2 and more with it)
# Seconds that this thread computed, where they are told finely; else seconds that passed.
CLOCK = time.thread_time if time.get_clock_info("thread_time").resolution < 1e-6 else time.perf_counter


def resolve(precision: str, device: torch.device) -> str:
    """'float32' or 'bfloat16': what `precision` names, or for 'auto' the faster one. Raises CourseError on another."""
    if precision not in PRECISIONS:
        raise CourseError(f"unknown precision {precision!r}; choose one of {', '.join(PRECISIONS)}")
    return fastest(device.type) if precision == "auto" else precision


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Matrix products and convolutions inside compute in `precision` ('float32' or 'bfloat16'); weights stay float32.

    Casts of weights are not cached: a step that updates D and then asks it again would be answered by the old D.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16", cache_enabled=False)


@cache
def fastest(device_type: str) -> str:
    """'bfloat16' where this machine multiplies it at least `WORTH_IT` times as fast as float32.

    A GPU is asked, a CPU is measured (about 20 ms, once a process): several say that they support bfloat16, and take
    twice as long with it. What else the machine does must not change the answer, or a seed would give other numbers
    on a busy day; so one thread is measured, which waits for no other, and its own seconds count.
    """
    if device_type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    x, w = torch.ones(32, 64, 14, 14), torch.ones(64, 64, 3, 3)
    seconds = {}
    with one_thread():
        for dtype in (torch.float32, torch.bfloat16):
            a, b = (t.to(dtype, memory_format=torch.channels_last) for t in (x, w))
            seconds[dtype] = _fastest_of(5, lambda a=a, b=b: F.conv2d(a, b, padding=1))
    return "bfloat16" if seconds[torch.float32] > WORTH_IT * seconds[torch.bfloat16] else "float32"


def _fastest_of(n: int, product: Callable[[], Tensor]) -> float:
    found = []
    for _ in range(n + 1):  # the first one prepares the kernels
        start = CLOCK()
        product()
        found.append(CLOCK() - start)
    return min(found[1:])
