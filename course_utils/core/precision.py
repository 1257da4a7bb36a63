"""Choose the number format that networks compute in: bfloat16 where it is clearly faster, else float32."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.core.errors import CourseError
from course_utils.core.parallel import one_thread

PRECISIONS = ("auto", "float32", "bfloat16")
MIN_SPEEDUP = 1.3  # of bfloat16; processors lie far on either side (0.5 without support for it, 2 and more with it)
# Seconds that this thread computed, where that clock is fine enough; else seconds that passed.
CLOCK = time.thread_time if time.get_clock_info("thread_time").resolution < 1e-6 else time.perf_counter


def resolve(precision: str, device: torch.device) -> str:
    """Return 'float32' or 'bfloat16': `precision` itself, or the faster for 'auto'. Raises CourseError otherwise."""
    if precision not in PRECISIONS:
        raise CourseError(f"unknown precision {precision!r}; choose one of {', '.join(PRECISIONS)}")
    return fastest(device.type) if precision == "auto" else precision


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Compute matrix products and convolutions inside `with` in `precision` ('float32' or 'bfloat16').

    Weights stay float32. Their casts are not cached: a step that updates D and then applies it again would use the
    old weights.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16", cache_enabled=False)


@contextmanager
def exact() -> Iterator[None]:
    """Compute float32 in all its digits inside: a GPU's convolutions round their inputs to 11 bits by default (TF32),
    which blurs how far apart a picture and its copy are."""
    before = torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    torch.backends.cudnn.allow_tf32 = False
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before[0]
        torch.set_float32_matmul_precision(before[1])


@cache
def fastest(device_type: str) -> str:
    """Return 'bfloat16' where this machine multiplies it at least `MIN_SPEEDUP` times as fast as float32.

    It is measured (about 20 ms, once a process), because several processors claim support and take twice as long. Other
    load must not change the answer, or the same seed would give other numbers on a busy machine: so a single thread is
    measured, by its own computing time. On a GPU float32 stands for TF32, its usual convolution.
    """
    if device_type == "cuda":
        if not torch.cuda.is_bf16_supported(including_emulation=False):
            return "float32"
        seconds = _seconds(2048, "cuda")
        return "bfloat16" if seconds[torch.float32] > MIN_SPEEDUP * seconds[torch.bfloat16] else "float32"
    for images in (2, 32):  # where bfloat16 is hopeless, two images say so, and 32 would take half a second
        seconds = _seconds(images)
        if seconds[torch.bfloat16] > 3 * seconds[torch.float32]:
            return "float32"
    return "bfloat16" if seconds[torch.float32] > MIN_SPEEDUP * seconds[torch.bfloat16] else "float32"


@cache
def gigaflops(device_type: str) -> float | None:
    """Measure how fast one thread convolves in the number format that 'auto' means here, in GFLOP/s; None on a GPU.

    The time that a lesson takes goes roughly with its inverse.
    """
    if device_type != "cpu":
        return None
    images = 32
    seconds = _seconds(images)[getattr(torch, fastest(device_type))]
    return 2 * images * 64 * 64 * 9 * 14 * 14 / seconds / 1e9


def _seconds(images: int, device: str = "cpu") -> dict[torch.dtype, float]:
    """Seconds that one thread, or a GPU, computes a small convolution in each number format."""
    x, w = torch.ones(images, 64, 14, 14, device=device), torch.ones(64, 64, 3, 3, device=device)
    seconds = {}
    with one_thread():
        for dtype in (torch.float32, torch.bfloat16):
            a, b = (t.to(dtype, memory_format=torch.channels_last) for t in (x, w))
            seconds[dtype] = _fastest_of(5, lambda a=a, b=b: F.conv2d(a, b, padding=1), device == "cuda")
    return seconds


def _fastest_of(n: int, product: Callable[[], Tensor], on_gpu: bool) -> float:
    clock, wait = (time.perf_counter, torch.cuda.synchronize) if on_gpu else (CLOCK, lambda: None)
    seconds = []
    for _ in range(n + 1):  # the first call prepares the kernels and is not counted
        start = clock()
        product()
        wait()
        seconds.append(clock() - start)
    return min(seconds[1:])
