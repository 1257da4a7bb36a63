"""One task of a sweep. It travels by value to whatever machine computes it, and what it finds travels back by value.

A machine needs this package and, where the task asks for data, the data: no checkout, no disk shared with others.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
import platform
import signal
import tempfile
import time
import tomllib
import traceback
import types
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from course_tools.run import lessons
from course_tools.run.lessons import Lesson
from course_tools.run.version import COUNTED, version
from course_utils.core import files
from course_utils.core.errors import CourseError
from course_utils.core.profiles import data_source, standin_scale
from course_utils.experiment.pieces import ONE_AT_A_TIME

Row = dict[str, Any]

GIVEN = ("seed", "profile", "settings", "data", "device")
"""What `cell` of a lesson's sweep.py may ask for by parameters without a default; those with one are the grid's."""


@dataclass(frozen=True)
class Answer:
    """What a task found: rows of measures (`metric`, `value`, and what else tells them apart), or the error.

    data: {"name", "source", "sha256"} of what it computed on. seconds: its own, without waiting for others.
    """

    rows: list[Row]
    error: str | None = None
    data: dict[str, Any] | None = None
    device: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Task:
    """A point of the grid and a seed.

    files: the texts of the lesson that it needs, by name, with its sweep.py or, without one, its notebook. code: their
    version; data_sha256: of the data that the sweep is to be computed on. A machine with others refuses the task.
    """

    lesson: str
    profile: str
    grid: dict[str, Any]
    seed: int
    files: dict[str, str]
    code: str
    data_sha256: dict[str, str] | None = None

    @property
    def id(self) -> str:
        """Give twelve hexadecimal digits of lesson, profile, grid and seed."""
        key = [self.lesson, self.profile, sorted(self.grid.items()), self.seed]
        return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:12]

    def __str__(self) -> str:
        """Write the task for people: `F=1 D=2, seed 0`."""
        return ", ".join(filter(None, [" ".join(f"{k}={v}" for k, v in self.grid.items()), f"seed {self.seed}"]))

    def compute(self) -> Answer:
        """Compute the task, on whatever machine; an error is part of the answer: its class may be known there only."""
        with ONE_AT_A_TIME:
            started = time.perf_counter()
            try:
                self._check_code()
                answer = _run_cell(self) if "sweep.py" in self.files else _run_lesson(self)
            except CourseError as error:
                answer = Answer([], f"{platform.node()}: {error}")
            except Exception:
                answer = Answer([], traceback.format_exc())
            return replace(answer, seconds=round(time.perf_counter() - started, 3))

    def _check_code(self) -> None:
        if (here := code_of(self.files, self.profile)) != self.code:
            raise CourseError(f"its course_utils or PyTorch differs ({here}, not {self.code}); install the same there")


def code_of(files: dict[str, str], profile: str) -> str:
    """Give the version of a lesson's files; of a function's settings only the profile's count, as it gets no others."""
    if "sweep.py" in files:
        return version([files["sweep.py"]], json.dumps(_settings(files, profile), sort_keys=True))
    cells = [cell for cell in json.loads(files["notebook"])["cells"] if cell["cell_type"] == "code"]
    return version(["".join(cell["source"]) for cell in cells], *(files[name] for name in COUNTED if name in files))


def _settings(files: dict[str, str], profile: str) -> dict[str, Any]:
    return tomllib.loads(files.get("settings.toml", "")).get(profile, {})


def dask_setup(worker: object) -> None:
    """Ignore Ctrl-C in a worker of ours, which Dask sets up by this: the process that started the sweep closes it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


# ------------------------------------------------------------------ a function of the lesson


def loaded(source: str) -> types.ModuleType:
    """Load a lesson's sweep.py as a module; raise CourseError where it has no fitting function `cell`."""
    module = lessons.module(source, "sweep.py")
    if not callable(getattr(module, "cell", None)):
        raise CourseError("sweep.py has no function cell(*, seed, …) that measures one point of the grid")
    unknown = [p.name for p in inspect.signature(module.cell).parameters.values() if p.default is p.empty]
    if unknown := [name for name in unknown if name not in GIVEN]:
        raise CourseError(f"cell asks for {', '.join(unknown)}; it may ask for {', '.join(GIVEN)}; give a default")
    return module


def grid_names(cell: Callable[..., Any]) -> dict[str, Any]:
    """Give the names that a grid may take, and their defaults."""
    return {p.name: p.default for p in inspect.signature(cell).parameters.values() if p.default is not p.empty}


def _run_cell(task: Task) -> Answer:
    module = loaded(task.files["sweep.py"])
    asked = [name for name in inspect.signature(module.cell).parameters if name in GIVEN]
    given: dict[str, Any] = {
        "seed": task.seed,
        "profile": task.profile,
        "settings": _settings(task.files, task.profile),
    }
    data, device = None, "cpu"
    if "data" in asked:
        given["data"] = _data(module.DATASET, task.profile)
        data = {"name": given["data"].name, "source": given["data"].source, "sha256": given["data"].sha256}
        if data["sha256"] != task.data_sha256:
            raise CourseError(f"its data of {module.DATASET} differ ({data['source']}); set COURSE_DATA there")
    if "device" in asked:
        import torch

        given["device"] = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        device = _device(given["device"])
    measured = module.cell(**{name: given[name] for name in asked}, **task.grid)
    return Answer([{"metric": name, "value": float(value)} for name, value in measured.items()], None, data, device)


@lru_cache(maxsize=1)
def _data(name: str, profile: str) -> Any:
    from course_utils.data.sources import load

    return load(name, data_source(None, profile), scale=standin_scale(profile))


def _device(device: Any) -> str:
    from course_utils.experiment import provenance

    return provenance(device, 0)["device"]


# ------------------------------------------------------------------ a whole lesson


def _run_lesson(task: Task) -> Answer:
    """Execute the notebook in a process of its own, with the grid as its parameters; a row a value that it saved."""
    from course_tools.run import run

    with tempfile.TemporaryDirectory() as folder:
        lesson = Lesson(task.lesson, Path(folder))
        files.write(lesson.notebook, task.files["notebook"])
        for name, text in task.files.items():
            if name != "notebook":
                files.write(lesson.folder / name, text)
        parameters = {**task.grid, "PROFILE": task.profile, "SEED": task.seed}
        progress, out = run.Progress(quiet=True), Path(folder) / "out"
        how = run.How(task.profile, out, "none", parameters)
        outcome = asyncio.run(run.execute(lesson, lesson.notebook, how, progress))
    if outcome.error:
        return Answer([], outcome.error)
    found = outcome.results
    rows = [
        {"arm": arm, "test_set": test, "metric": metric, "seed": seed, "value": value}
        for arm, metrics in found["arms"].items()
        for metric, tests in metrics.items()
        for test, estimate in tests.items()
        for seed, value in zip(found["seeds"], estimate["values"], strict=True)
    ]
    return Answer(rows, None, found["data"], found["device"])
