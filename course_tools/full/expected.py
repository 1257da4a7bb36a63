"""`python -m course_tools.full.expected 4`: how long a full run should take on an H100, from what its updates compute.

A job of each kind is run on the CPU with two updates and with four; their difference is what an update computes, in
floating-point operations of its products and convolutions and in kernels (calls into PyTorch that are no views). On a
GPU an update takes as long as the slower of the two: `RATE` for its products, `KERNEL_S` for each kernel of a recorded
graph. What judging and sampling take between the updates is not in it, nor are jobs without updates.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from course_tools.full.run import FullRun
from course_tools.run import lessons
from course_utils.core.precision import fastest
from course_utils.experiment.full import Answer, Given, Job

RATE = 1e14  # operations a second: a tenth of what an H100 is said to reach in bfloat16, for products of middling size
KERNEL_S = 3e-6  # seconds from the start of a small kernel in a graph to that of the next one; both rates are assumed
FEW = {"images": 600, "validation": 100, "judged": 100, "components": 4, "reports": 1}


@dataclass(frozen=True)
class Kind:
    """The jobs of one kind: how many, their updates, and what one update computes."""

    work: str
    jobs: int
    updates: int
    flops: float
    kernels: float

    @property
    def minutes(self) -> float:
        """What all its jobs should take on an H100."""
        return self.jobs * self.updates * max(self.flops / RATE, self.kernels * KERNEL_S) / 60


class _Kernels(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def __torch_dispatch__(self, call: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        self.calls += not call.is_view
        return call(*args, **(kwargs or {}))


def kinds(whole: FullRun) -> Iterator[Kind]:
    """Each kind of job that has updates, in the order of the run."""
    fastest("cpu")  # now: it measures products, which would be counted with the first job's
    count, seen = Counter(job.work for job in whole.pieces.jobs), {}
    for job in whole.pieces.jobs:
        if job.work in seen:
            continue
        asked = job.arguments.get("steps", job.arguments.get("updates"))
        needed = [seen[need.work] for need in job.needs if need.work in seen]
        (seen[job.work], *two), (_, *four) = (_done(whole, job, needed, n) for n in (2, 4))
        if asked is not None:
            updates = asked[-1] if isinstance(asked, list) else asked
            yield Kind(job.work, count[job.work], updates, *((b - a) / 2 for a, b in zip(two, four, strict=True)))


def _done(whole: FullRun, job: Job, needed: Sequence[Answer], n: int) -> tuple[Answer, int, int]:
    """A job's answer with n updates on few pictures, and what it computed."""
    arguments = {name: FEW.get(name, value) for name, value in job.arguments.items()}
    for name in ("steps", "updates"):
        if name in arguments:
            arguments[name] = [n] if isinstance(arguments[name], list) else n
    work = getattr(whole.module, job.work)
    with tempfile.TemporaryDirectory() as folder, FlopCounterMode(display=False) as flops, _Kernels() as kernels:
        given = Given(whole.data, needed, Path(folder) / "run.safetensors", torch.device("cpu"))
        running = work(given, **arguments)
        while True:
            try:
                next(running)
            except StopIteration as stop:
                return stop.value, flops.get_total_flops(), kernels.calls


def table(whole: FullRun) -> Iterator[str]:
    """The lines to print: each kind, what it should take on an H100, and what its jobs took that are done."""
    measured, total = whole.pieces.seconds(), 0.0
    yield f"{'':14}{'jobs':>6}{'updates':>9}{'GFLOP':>9}{'kernels':>9}{'H100 min':>10}{'measured':>10}"
    for kind in kinds(whole):
        total += kind.minutes
        took = f"{kind.jobs * measured[kind.work] / 60:10.1f}" if kind.work in measured else f"{'–':>10}"
        yield (
            f"{kind.work:14}{kind.jobs:6}{kind.updates:9}{kind.flops / 1e9:9.2f}{kind.kernels:9.0f}"
            f"{kind.minutes:10.1f}{took}"
        )
    yield f"expected: {total:.0f} minutes of one H100 (GFLOP and kernels: of an update; measured: minutes, as stored)"


def main(name: str, out: Path) -> None:
    """Print the table of a lesson whose full run lies in `out`."""
    (lesson,) = lessons.resolve([name])
    for line in table(FullRun(lesson, out, source="standin")):
        print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else "build"))
