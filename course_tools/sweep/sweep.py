"""`course sweep`: a lesson at every point of a grid and with every seed, on Dask, into one tidy table.

What is finished stays finished: the table is written after each task, and the next call computes only what is missing.
A task whose worker dies is given to another one; a task that always kills its worker is reported, and the rest goes on.
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_tools.run import finished, lessons
from course_tools.run.lessons import Lesson
from course_tools.run.progress import bar
from course_tools.sweep import dask_client
from course_tools.sweep import task as tasks
from course_tools.sweep.table import Table
from course_tools.sweep.task import Answer, Task
from course_utils.core import files
from course_utils.core.errors import CourseError
from course_utils.core.profiles import data_source, standin_scale

if TYPE_CHECKING:
    from distributed import Client

Grid = dict[str, list[Any]]


def run(
    lesson: Lesson,
    grid: Grid,
    seeds: int,
    profile: str,
    out: Path,
    scheduler: str | None = None,
    slurm: Path | None = None,
    workers: int | None = None,
) -> dict[str, str]:
    """Compute what `out`/sweep.csv lacks of a grid × seeds 0 … `seeds` − 1; return the tasks that failed, and why.

    A task is a call of `cell` in the lesson's sweep.py, or without that file a run of its notebook, the grid's values
    as its parameters. They run on the Dask cluster at the address `scheduler`; or on SLURM, with the settings of the
    TOML file `slurm`; or here, in `workers` processes of one thread each. Raises CourseError on a user's mistake, and
    where another process sweeps into the same folder.
    """
    wanted = plan(lesson, grid, seeds, profile)
    out = out.resolve()
    with files.locked(out / ".sweep.lock", f"a sweep into {out} is running already"):
        table = Table(out)
        missing = [task for task in wanted if not _is_finished(task, table.code_and_data(task))]
        found = len(wanted) - len(missing)
        print(f"{lesson.slug}, profile {profile}: {len(wanted)} tasks, {found} found in {table.path}")
        if not missing:
            print("nothing to do; move the table away to compute it anew")
            return {}
        with dask_client.interruptible(), dask_client.client(scheduler, slurm, workers, len(missing)) as client:
            failed = _compute(client, missing, wanted, table)
    print(f"{len(wanted) - len(failed)} of {len(wanted)} tasks are in {table.path}")
    for error in dict.fromkeys(failed.values()):
        print("failed: " + "; ".join(name for name in failed if failed[name] == error) + f"\n{error.strip()}")
    return failed


def _compute(client: Client, missing: list[Task], wanted: list[Task], table: Table) -> dict[str, str]:
    """Put each missing task's answer into the table as it comes; return the errors of those that failed, in order."""
    from course_utils import experiment

    provenance = {key: experiment.provenance("cpu", 0)[key] for key in ("commit", "versions")}
    order = {task.id: n for n, task in enumerate(wanted)}
    failed = {}
    with bar(len(wanted), "task", done=len(wanted) - len(missing)) as shown:
        for task, answer in _answers(client, missing):
            if answer.error:
                failed[str(task)] = answer.error
                shown.write(f"{task}: {answer.error.strip().splitlines()[-1]}", file=shown.fp)
            else:
                table.add(task, answer, order, provenance)
            shown.update()
    return {str(task): failed[str(task)] for task in wanted if str(task) in failed}


# ------------------------------------------------------------------ what is to be done


def parse_grid(texts: list[str]) -> Grid:
    """Turn `F=1,2,3` texts into names and values, Python literals where they can be. Raises CourseError on others."""
    grid: Grid = {}
    for text in texts:
        name, _, values = text.partition("=")
        if not name.isidentifier() or not all(values.split(",")):
            raise CourseError(f"grid {text!r} is not of the form NAME=VALUE,VALUE, for example: --grid F=1,2,3")
        if name in grid:
            raise CourseError(f"grid {name} is given twice; give its values once, as in {name}=1,2,3")
        grid[name] = [lessons.literal(value) for value in values.split(",")]
        if repeated := [value for n, value in enumerate(grid[name]) if value in grid[name][:n]]:
            raise CourseError(f"grid {name} has {repeated[0]!r} twice")
    return grid


def plan(lesson: Lesson, grid: Grid, seeds: int, profile: str) -> list[Task]:
    """Make one task a point of the grid and seed, seeds fastest; raise CourseError on names or values that misfit."""
    texts = {path.name: path.read_text("utf-8") for path in sorted(lesson.folder.glob("*.toml"))}
    source, step, data_sha256 = lesson.folder / "sweep.py", 1, None
    if source.is_file():
        texts = {name: texts[name] for name in texts if name == "settings.toml"}
        texts["sweep.py"] = source.read_text("utf-8")
        module = tasks.loaded(texts["sweep.py"])
        grid = _of_types(grid, tasks.grid_names(module.cell), lesson.slug)
        if dataset := getattr(module, "DATASET", None):
            from course_utils.data.sources import load

            data = load(dataset, data_source(None, profile), scale=standin_scale(profile))
            print(data.announce())
            data_sha256 = data.sha256
    else:
        lessons.check_parameters(lesson, {"PROFILE": profile})
        for name, value in ((name, value) for name, values in grid.items() for value in values):
            lessons.check_parameters(lesson, {name: value})
        if reserved := {"PROFILE", "SEED"} & set(grid):
            raise CourseError(f"the sweep itself sets {reserved.pop()}; use --profile and --seeds")
        texts["notebook"] = lessons.without_outputs(lesson.notebook)
        # A lesson uses the seeds from SEED on: two runs of it must share none.
        step = tomllib.loads(texts.get("settings.toml", "")).get(profile, {}).get("seeds", 1)
    code = tasks.code_of(texts, profile)
    points = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    return [
        Task(lesson.slug, profile, point, seed * step, texts, code, data_sha256)
        for point in points
        for seed in range(seeds)
    ]


def _of_types(grid: Grid, defaults: dict[str, Any], slug: str) -> Grid:
    """Convert the grid's values to the types of `cell`'s defaults, which stand for what the grid leaves out."""
    for name, values in grid.items():
        if name not in defaults:
            raise CourseError(f"sweep.py of {slug} has no parameter {name}; it has {', '.join(defaults) or 'none'}")
        kind = type(defaults[name])
        values[:] = [float(v) if kind is float and type(v) is int else v for v in values]
        if wrong := [value for value in values if type(value) is not kind]:
            raise CourseError(f"grid {name} has {wrong[0]!r}, expected a value like {defaults[name]!r}")
    return {name: grid.get(name, [default]) for name, default in defaults.items()}


def _is_finished(task: Task, found: tuple[str, dict[str, Any] | None] | None) -> bool:
    """Check that what was found is of the code and the data of today."""
    if found is None or found[0] != task.code:
        return False
    data = found[1]
    if task.data_sha256 is not None:
        return data is not None and data["sha256"] == task.data_sha256
    return data is None or finished.same_data(data, task.grid.get("DATA"), task.profile)


# ------------------------------------------------------------------ on Dask


def _answers(client: Client, wanted: list[Task]) -> Iterator[tuple[Task, Answer]]:
    """Yield each task's answer as it comes; last those of tasks that Dask gave up, each tried once more, alone.

    Dask blames every task that waits on a worker when it dies: alone, only the culprit dies.
    """
    from distributed import as_completed

    by_key = {("sweep", task.code, task.id): task for task in wanted}
    futures = client.map(Task.compute, list(by_key.values()), key=list(by_key), pure=False)
    suspects = []
    for future in as_completed(futures):
        task, answer = by_key[future.key], _answer(future)
        future.release()
        if answer is None:
            suspects.append(task)
        else:
            yield task, answer
    for task in suspects:
        future = client.submit(Task.compute, task, key=("alone", task.code, task.id), pure=False)
        died = "every worker that computed it died (a crash, or too little memory?)"
        yield task, _answer(future) or Answer([], died)


def _answer(future: Any) -> Answer | None:
    """Give what came back; None where the worker died too often."""
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker:
        return None
    except Exception as error:  # of Dask, on the way: those of the task are in its answer
        return Answer([], f"{type(error).__name__}: {error}")
