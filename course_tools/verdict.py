"""`course verdict FOLDER`: would generated pictures help a classifier of these? Reads, plans, computes, reports.

The pieces lie in the folder of the report, and the same call goes on from them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_tools.full.compute import computed
from course_tools.sweep.dask_client import default_workers
from course_utils.core import files
from course_utils.core.errors import CourseError
from course_utils.core.seeds import generator
from course_utils.data import folder
from course_utils.data.audit import audit, copied
from course_utils.data.splits import split
from course_utils.verdict import Report
from course_utils.verdict.api import TEST, Verdict
from course_utils.verdict.work import Data


@dataclass(frozen=True)
class Where:
    """Where the pieces are computed: a running Dask cluster's address, SLURM's settings, or processes here."""

    scheduler: str | None = None
    slurm: Path | None = None
    workers: int | None = None


def run(
    path: Path,
    out: Path,
    hours: float,
    where: Where,
    *,
    size: int = 32,
    labels: Path | None = None,
    groups: str | None = None,
    synthetic: Path | None = None,
    **options: Any,
) -> bool:
    """Find out and write `out`/verdict.html, verdict.json and table.csv; options: those of `verdict.plan`.

    Returns False where a piece failed. Raises CourseError on a user's mistake. Ctrl-C leaves a report of what is
    finished.
    """
    if not options.get("train", True) and synthetic is None:
        raise CourseError("--no-train trains no generator, so it needs pictures to judge; add --synthetic FOLDER")
    deadline = time.time() + 3600 * hours
    data, lines = read(path, size, labels, groups, synthetic)
    print("\n".join(lines), flush=True)
    with files.locked(out / ".lock", f"a verdict in {out} is under way already"):
        workers = where.workers or default_workers()
        whole = Verdict(data, out, hours, {"name": path.name, "notes": lines}, workers=workers, **options)
        print(whole.plan.text(), flush=True)
        with reported(whole, out):
            return _computed(whole, deadline, where)


def read(
    path: Path, size: int, labels: Path | None, groups: str | None, synthetic: Path | None
) -> tuple[Data, list[str]]:
    """Read and split the pictures; give them, and what there is to say of them."""
    own = folder.load(path, size, labels=labels, groups=groups)
    found = audit(own)
    parted = split(own, found, generator("test"), test=TEST)
    known = parted.train.merge(parted.val)
    counts = f"split: {len(known):,} to learn from, {len(parted.test):,} sealed for the test"
    lines = [*found.lines(), counts, *parted.lines[1:]]  # the first tells of train and val, which are one here
    made = None
    if synthetic is not None:
        made = folder.load(synthetic, like=known).all
        lines.append(f"synthetic: {len(made):,} pictures from {synthetic.name}")
        if n := int(copied(made.pixels, parted.test.pixels).sum()):
            lines.append(
                f"WARNING: {n:,} synthetic pictures are near duplicates of test pictures, which their generator saw; "
                "accuracies will be too high: keep test/ apart before you train it"
            )
    return Data(known, parted.test, made), lines


@contextmanager
def reported(whole: Verdict, out: Path) -> Iterator[None]:
    """Write the report at the end, after Ctrl-C too."""
    try:
        yield
    finally:
        report: Report = whole.report()
        report.save(out)
        print(f"{out / 'verdict.html'}\n{report.verdict}", flush=True)


def _computed(whole: Verdict, deadline: float, where: Where) -> bool:
    failed = []
    if whole.pieces.todo():
        with computed(whole.pieces, deadline, where.scheduler, where.slurm, where.workers) as ends:
            for job, ended in ends:
                if ended.error:
                    failed.append(job.name)
                    print(f"{job.name}: failed: {ended.error.strip().splitlines()[-1]}", flush=True)
                elif ended.done:
                    left = len(whole.pieces.todo())
                    print(f"{job.name}: done, {left} of {len(whole.pieces.jobs)} left", flush=True)
    if whole.pieces.todo() and not failed:
        print("time is up; the same command goes on from here")
    return not failed
