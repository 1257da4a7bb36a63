"""The pieces of a full run, and the folder in which finished ones are found again.

A lesson with a full run has a file full.py beside its lesson.py. It defines

    DATASET     the data set's name
    jobs        settings → the list of its jobs, those that others need first
    results     (settings, data, answers by the jobs' names) → what results/<lesson>/full.json holds beside provenance

and a function for each kind of job, named by `Job.work`: (data, needed, checkpoint, device, **arguments), a Python
generator that yields the share of its work that is done, 0..1, at least every minute, and returns (tensors, facts).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from course_utils.core import checkpoint, files

Answer = tuple[dict[str, Tensor], dict[str, Any]]
Work = Generator[float, None, Answer]


@dataclass(frozen=True, eq=False)
class Job:
    """One piece: the function of full.py that does the work, its arguments, and the jobs whose answers it needs.

    name: for people and for `results`, such as "ccgan/0"; unique in a run. arguments: what JSON can hold.
    """

    name: str
    work: str
    arguments: dict[str, Any] = field(default_factory=dict)
    needs: tuple[Job, ...] = ()

    @cached_property
    def key(self) -> str:
        """Twelve hexadecimal digits of the work, its arguments and all that it rests on.

        The code is not part of it: hours of training do not lapse because a comment moved. It is recorded beside the
        answer; a change of method gets another `work` or another argument.
        """
        content = json.dumps([self.work, self.arguments, [need.key for need in self.needs]], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:12]


class Store:
    """The folder of a full run: an answer is one file, tensors as safetensors and facts in its header.

    data: sha256 of the data by file. Answers that were computed on other data are not found.
    """

    def __init__(self, folder: Path, data: dict[str, str]) -> None:
        self.folder = folder
        self.data = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:8]

    def path(self, job: Job) -> Path:
        """Where the answer to a job lies, or will."""
        return self.folder / f"{job.name.replace('/', '-')}-{job.key}-{self.data}.safetensors"

    def has(self, job: Job) -> bool:
        """Whether the job is done."""
        return self.path(job).exists()

    def checkpoint(self, job: Job) -> Path:
        """Where a training that is under way keeps its state."""
        return self.folder / "running" / self.path(job).name

    def find(self, job: Job) -> Answer:
        """The answer to a job that is done; raises CheckpointError where the file is damaged."""
        return checkpoint.load(self.path(job))

    def keep(self, job: Job, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Write an answer, whole or not at all, and remove what was kept on the way to it."""
        checkpoint.save(self.path(job), tensors, facts)
        for left in self.checkpoint(job).parent.glob(f"{self.path(job).stem}.*"):
            left.unlink()

    def note(self, job: Job) -> Path:
        """Where it is noted how far an unfinished job has come: {"share", "seconds"}."""
        return self.checkpoint(job).with_suffix(".json")

    def stopped(self, job: Job, share: float, seconds: float) -> None:
        """Note how far a job had come when it was stopped, and what it had taken."""
        files.write(self.note(job), json.dumps({"share": round(share, 4), "seconds": round(seconds, 1)}))

    def progress(self, job: Job) -> tuple[float, float]:
        """(share done, seconds it took) of a job that is not finished; (0, 0) where nothing is noted."""
        try:
            noted = json.loads(self.note(job).read_text("utf-8"))
            return float(noted["share"]), float(noted["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0.0, 0.0


class Curve:
    """What is measured while a training goes on, kept beside its checkpoint, so that a resumed run has the whole of it.

    A point is written before the checkpoint of its step, so that none is missing; what a killed run had measured beyond
    its checkpoint is measured again, with the same values.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.path = checkpoint.with_suffix(".curve.json")
        self.points: dict[int, dict[str, float]] = {}
        with suppress(FileNotFoundError):
            self.points = {int(step): point for step, point in json.loads(self.path.read_text("utf-8")).items()}

    def add(self, step: int, point: dict[str, float]) -> None:
        """Note what was measured at a step, rounded to five places."""
        self.points[step] = {name: round(value, 5) for name, value in point.items() if math.isfinite(value)}
        files.write(self.path, json.dumps(self.points))

    def columns(self) -> dict[str, list[float]]:
        """{"steps": K numbers, and K values of each measure}."""
        steps = sorted(self.points)
        return {"steps": steps} | {name: [self.points[step][name] for step in steps] for name in self.points[steps[0]]}
