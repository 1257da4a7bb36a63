"""What a lesson's full.py is written with: jobs, of which a full run of hours consists.

The file stands beside lesson.py and defines

    DATASET     the data set's name
    jobs        settings → the list of its jobs, those that others need first
    results     (settings, data, answers by the jobs' names) → what results/<lesson>/full.json holds beside provenance
    scoring     (settings, data) → a function: the answer of a classifier, named arm/seed → {metric: one value a budget}
    WEIGHTS     where the lesson uses finished generators: their jobs' names before the "/"
    restored    there: the answer of such a job → its generator; none where the answer is images

and a function for each kind of job, named by `Job.work`: (given, **arguments), see `Given`. It is a Python generator
that yields the share of its work that is done, 0..1, at least every minute, and returns (tensors, facts).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from course_utils.core import files

Answer = tuple[dict[str, Tensor], dict[str, Any]]
Work = Generator[float, None, Answer]
Scoring = Callable[[Answer], dict[str, list[float]]]


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


@dataclass(frozen=True)
class Given:
    """What a job is done with, beside its arguments.

    data: of the run. needed: the answers of the jobs that it needs, in their order. checkpoint: the file from which a
    training goes on. device: where it computes.
    """

    data: Any
    needed: Sequence[Answer]
    checkpoint: Path
    device: torch.device


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
