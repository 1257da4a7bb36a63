"""Ratios and peaks. Two contenders take turns, so that whatever else the machine does meets both."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from course_utils.core import files

Contender = Iterator[float]
"""Each `next` trains on the same number of images and tells the seconds it took; the first one warms up."""


@dataclass(frozen=True)
class Row:
    """One line of the table. kind: 'matrix' or 'convolution', where most of its work lies; images: of one turn;
    flops: of one turn of ours, where they cannot be counted as it runs (a CUDA graph replays unseen)."""

    name: str
    goal: float
    kind: str
    images: int
    ours: Contender
    plain: Contender
    flops: int | None = None


def turns(steps: Iterator, n: int = 1) -> Contender:
    """A loop as a contender: n of its steps a turn."""
    while True:
        start = time.perf_counter()
        for _ in range(n):
            next(steps)
        yield time.perf_counter() - start


def one_after_another(contenders: Sequence[Contender]) -> Contender:
    """Several contenders as one, whose turn is a turn of each."""
    while True:
        yield sum(next(contender) for contender in contenders)


def measured(row: Row, rounds: int, peak: dict[str, dict[str, float]]) -> dict:
    """The row of the JSON: images/s of ours and plain (medians), their ratio, and the share of the machine's peak that
    ours reaches.

    The peak is that of the fastest precision, whichever precision the row computes in: the way to more is in it.
    """
    # Worker processes compute where nothing is counted; their networks and updates are those of plain.
    work = counted(row.ours), counted(row.plain)
    flops = row.flops or work[0] or work[1]
    seconds = [(next(row.ours), next(row.plain)) for _ in range(rounds)]
    ours, plain = (statistics.median(column) for column in zip(*seconds, strict=True))
    ratios = [slow / fast for fast, slow in seconds]
    return {
        "name": row.name,
        "ours": float(f"{row.images / ours:.4g}"),
        "plain": float(f"{row.images / plain:.4g}"),
        "ratio": {of.__name__: round(of(ratios), 3) for of in (statistics.median, min, max)},
        "utilisation": round(flops / ours / 1e9 / max(peak[row.kind].values()), 4),
        "goal": row.goal,
    }


def peaks(size: int, repeats: int, device: str = "cpu") -> dict[str, dict[str, float]]:
    """Kind of product → precision → GFLOP/s of the fastest of `repeats` large products.

    Where a small product is ten times slower than float32's large ones, its own rate is given: large ones would take
    minutes on a processor that computes bfloat16 in software.
    """
    found: dict[str, dict[str, float]] = {"matrix": {}, "convolution": {}}
    for dtype in (torch.float32, torch.bfloat16):
        for kind, product in (("matrix", _matrices), ("convolution", _convolution)):
            rate = _peak(product(max(16, size // 8), dtype, device), 1)
            if rate > found[kind].get("float32", 0.0) / 10:
                rate = _peak(product(size, dtype, device), repeats)
            found[kind][str(dtype).removeprefix("torch.")] = rate
    return found


def _matrices(size: int, dtype: torch.dtype, device: str) -> Callable[[], torch.Tensor]:
    a, b = torch.randn(2, size, size).to(device, dtype)
    return lambda: a @ b


def _convolution(size: int, dtype: torch.dtype, device: str) -> Callable[[], torch.Tensor]:
    maps = max(1, size // 16)
    x = torch.randn(64, maps, 28, 28).to(device, dtype).contiguous(memory_format=torch.channels_last)
    w = torch.randn(maps, maps, 3, 3).to(device, dtype).contiguous(memory_format=torch.channels_last)
    return lambda: F.conv2d(x, w, padding=1)


def _peak(product: Callable[[], torch.Tensor], repeats: int) -> float:
    def waited() -> torch.Tensor:
        result = product()
        if result.is_cuda:
            torch.cuda.synchronize()
        return result

    contender = turns(iter(waited, None))
    flops = counted(contender)
    return round(flops / min(next(contender) for _ in range(repeats)) / 1e9, 1)


def counted(contender: Contender) -> int:
    """Multiplications and additions in the matrix products and convolutions of the next turn."""
    with FlopCounterMode(display=False) as counter:
        next(contender)
    return counter.get_total_flops()


def table(rows: Iterable[dict]) -> Iterator[str]:
    """The lines of the printed table, each as soon as its row is there; a row that misses its goal, or may, says so."""
    yield f"{'':24}{'images/s':>10}{'plain':>10}{'ratio':>8}{'(min–max)':>16}{'of peak':>10}{'goal':>7}"
    for row in rows:
        if "error" in row:
            yield f"{row['name']:24}  broke: {row['error']}"
            continue
        ratio = row["ratio"]
        spread = f"({ratio['min']:.2f}–{ratio['max']:.2f})"
        verdict = ""
        if ratio["median"] < row["goal"]:
            verdict = "  below its goal"
        elif ratio["min"] < row["goal"]:
            verdict = "  goal within the spread"
        yield (
            f"{row['name']:24}{_rate(row['ours'])}{_rate(row['plain'])}{ratio['median']:8.2f}{spread:>16}"
            f"{row['utilisation']:10.1%}{row['goal']:7.1f}{verdict}"
        )


def _rate(images: float) -> str:
    return f"{images:10,.0f}" if images >= 10 else f"{images:10.2f}"


def write(found: dict, path: Path) -> None:
    """Write the JSON, whole or not at all."""
    files.write(path, json.dumps(found, indent=1, allow_nan=False) + "\n")
    print(f"written to {path}")
