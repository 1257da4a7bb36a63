"""`course run`: executes lessons, each in a process of its own, and gathers their results into one page."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import course_utils
from course_tools.run import failure, finished, lessons, process, report
from course_tools.run.failure import Failure
from course_tools.run.lessons import Lesson
from course_tools.run.outcome import Outcome, duration
from course_tools.run.progress import Progress
from course_utils.core import files
from course_utils.core.errors import CourseError
from course_utils.core.machine import cores
from course_utils.core.profiles import FOLDERS
from course_utils.core.results import read as read_results

ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
"""Terminal colours and other escape sequences."""

KERNELS = ("python3", "none")
PACKAGE = str(Path(course_utils.__file__).parents[1])

PERSONAL = {
    *("JUPYTER_PATH", "PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONOPTIMIZE", "PYTHONINSPECT", "PYTHONHOME"),
    "MATPLOTLIBRC",
}
"""Settings of a person's own environment that a lesson without a person does not take: a start-up file, warnings as
errors, another kernel, text set by LaTeX."""


@dataclass(frozen=True)
class How:
    """Says how a lesson is executed: in `folder`, with a `kernel`, on `threads` cores (None: all).

    timeout: seconds after which it is ended, and has failed.
    """

    profile: str
    folder: Path
    kernel: str
    parameters: dict[str, Any]
    threads: int | None = None
    timeout: float | None = None


def run(
    chosen: list[Lesson],
    profile: str,
    out: Path,
    jobs: int = 1,
    kernel: str = "python3",
    parameters: dict[str, Any] | None = None,
    again: bool = False,
    timeout: float | None = None,
) -> list[Outcome]:
    """Execute the chosen lessons' notebooks, `jobs` at a time, and write `out`/<profile>/index.html.

    Per lesson it leaves <slug>.ipynb, <slug>.html and results/<slug>.json in `out`/<profile> (with `kernel` "none" only
    the last). A lesson that is finished there, with the same parameters, code and data, is not run, unless `again`. One
    that fails, or takes more than `timeout` seconds, does not stop the others. Raises CourseError, before anything is
    touched, on a kernel that is not to be had, an unbuilt lesson, an unknown parameter, or a lesson that another
    process runs into the same folder.
    """
    parameters = {"PROFILE": profile, **(parameters or {})}
    _check_kernel(kernel)
    for lesson in chosen:
        lessons.check_parameters(lesson, parameters)
    folder = out.resolve() / profile
    with ExitStack() as locks:
        for lesson in chosen:
            locks.enter_context(locked(lesson, folder))
        found = {} if again else {lesson: finished.find(lesson, folder, kernel, parameters) for lesson in chosen}
        left = [lesson for lesson in chosen if not found.get(lesson)]
        ran = asyncio.run(_run_all(left, jobs, How(profile, folder, kernel, parameters, timeout=timeout)))
        by_slug = {outcome.slug: outcome for outcome in ran}
        outcomes = [by_slug.get(lesson.slug) or _found(lesson, found[lesson]) for lesson in chosen]
        page = report.write(folder, profile, outcomes)
    for outcome in outcomes:
        print(outcome.line)
    if len(left) < len(chosen):
        print("found: finished earlier, with the same parameters, code and data; --again (AGAIN=1) runs it anew")
    print(f"report: {page}" if page else f"results: {folder / 'results'} (the report needs jinja2: pip install jinja2)")
    return outcomes


def locked(lesson: Lesson, folder: Path) -> Any:
    """Lock what a run of a lesson writes in `folder`. Raises CourseError where another process is running it there."""
    return files.locked(folder / f".{lesson.slug}.lock", f"{lesson.slug} is being run into {folder} already")


def _found(lesson: Lesson, results: dict[str, Any]) -> Outcome:
    return Outcome(lesson.slug, results["run"]["wall_s"], results, None, found=True)


def _check_kernel(kernel: str) -> None:
    if kernel not in KERNELS:
        raise CourseError(f"unknown kernel {kernel!r}; choose one of {', '.join(KERNELS)}")
    missing = [name for name in ("papermill", "nbconvert", "ipykernel") if not importlib.util.find_spec(name)]
    if kernel != "none" and missing:
        raise CourseError(
            f"{missing[0]} is not installed; install it with `pip install -e .`, or run with --kernel none"
        )


async def _run_all(chosen: list[Lesson], jobs: int, how: How) -> list[Outcome]:
    if os.name == "posix":  # a job that is cancelled ends its kernels too
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    turn = asyncio.Semaphore(jobs)
    if jobs > 1 and chosen:
        how = replace(how, threads=max(1, cores() // min(jobs, len(chosen))))
    with Progress() as progress:

        async def one(lesson: Lesson) -> Outcome:
            async with turn:
                return await execute(lesson, lesson.notebook, how, progress)

        return list(await asyncio.gather(*map(one, chosen)))


async def execute(lesson: Lesson, notebook: Path, how: How, progress: Progress) -> Outcome:
    """Execute one notebook in a process of its own, and read the results that it wrote in the folder.

    What an earlier run of the lesson left there is removed first, and a half-written file whatever happens. The results
    are marked as finished last of all.
    """
    slug, folder, results = lesson.slug, how.folder, how.folder / "results" / f"{lesson.slug}.json"
    results.parent.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob(f"{slug}.*"), *results.parent.glob(f"{slug}.*")):
        old.unlink()
    mark = finished.mark(lesson, notebook, how.parameters)  # of the code as it is now, not as it is at the end
    started = time.monotonic()
    try:
        failed = await _process(lesson, notebook, how, progress)
    finally:
        progress.done(slug)
        for part in (*folder.glob(f"{slug}.*part*"), *results.parent.glob(f"{slug}.*part")):
            part.unlink()
    found = None
    if not failed:
        found, failed = _read(results, slug, how.profile)
    wall_s = time.monotonic() - started
    if failed:
        results.unlink(missing_ok=True)
        if how.kernel != "none" or failed.kind != failure.CELL:  # there the cell's own words were printed as they came
            progress.say(f"{slug}  {failed.text}")
        return Outcome(slug, wall_s, None, failed.text, failed.kind)
    finished.keep(results, found, mark, wall_s)
    return Outcome(slug, wall_s, found, None)


async def _process(lesson: Lesson, notebook: Path, how: How, progress: Progress) -> Failure | None:
    """Run the lesson's process to its end, show how far it is, and say what went wrong in it."""
    slug = lesson.slug
    plain = how.kernel == "none"
    module, paths = ("plain", [notebook]) if plain else ("kernel", [notebook, how.folder / f"{slug}.ipynb"])
    command = [sys.executable, "-m", f"course_tools.run.{module}", *map(str, paths), json.dumps(how.parameters)]
    environment = environment_of(lesson, how.profile, how.folder / "results", how.kernel, how.threads)
    killed_before = failure.memory_kills()
    log: list[str] = []

    def hear(line: str) -> None:
        if cell := re.fullmatch(r"\[cell (\d+)/(\d+)\]", line):
            progress.cell(slug, int(cell[1]), int(cell[2]))
            return
        log.append(ANSI.sub("", line))
        if plain:
            progress.say(f"{slug}  {line}" if how.threads else line)  # side by side, a line tells whose it is

    try:
        async with asyncio.timeout(how.timeout):
            code = await process.converse(command, lesson.notebook.parent, environment, hear)
    except TimeoutError:
        return Failure(failure.TIME, f"ended after {duration(how.timeout)}: {progress.at.get(slug, slug)}")
    return failure.of_process(code, log, failure.memory_kills() - killed_before)


def environment_of(lesson: Lesson, profile: str, results: Path, kernel: str, threads: int | None) -> dict[str, str]:
    """Give the environment of a lesson's process, which writes its results in `results`."""
    environment = {name: value for name, value in os.environ.items() if name not in PERSONAL}
    environment |= {
        "COURSE_ROOT": str(lesson.root),
        "COURSE_PROFILE": profile,
        "COURSE_RESULTS": str(results),
        "COURSE_HEADLESS": "1",  # from inside, papermill looks like JupyterLab with a person before it
        "PYTHONPATH": os.pathsep.join(filter(None, [PACKAGE, os.environ.get("PYTHONPATH")])),
        "PYTHONSAFEPATH": "1",  # a random.py beside the notebooks is not Python's
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "PYTHONIOENCODING": "utf-8:replace",  # stands above PYTHONUTF8, and a person may have set another one
        "TQDM_MININTERVAL": "10",
    }
    if found := importlib.util.find_spec("matplotlib"):
        environment["MATPLOTLIBRC"] = str(Path(found.origin).parent / "mpl-data" / "matplotlibrc")  # its defaults
    for name in FOLDERS:  # the lesson works in another folder
        if name not in ("COURSE_ROOT", "COURSE_RESULTS") and environment.get(name):
            path = Path(environment[name]).expanduser()
            if path.is_dir():
                environment[name] = str(path.resolve())
    if kernel != "none":
        environment.pop("MPLBACKEND", None)  # a kernel shows figures only with its own
    environment.setdefault("COURSE_RUNS", "off")
    if threads:
        environment.setdefault("OMP_NUM_THREADS", str(threads))
    return environment


def _read(results: Path, slug: str, profile: str) -> tuple[dict[str, Any] | None, Failure | None]:
    """Read the results JSON that the lesson wrote, or say what is wrong with it."""
    try:
        found = read_results(results, renewal=f"course run {slug} --again")
        if (found.get("lesson"), found.get("profile")) == (slug, profile):
            return found, None
        wrong = f"results/{results.name} does not say that it is of lesson {slug}, profile {profile}"
    except CourseError as error:
        missing = f"the lesson ran to its end but wrote no results/{results.name}"
        wrong = str(error) if results.exists() else missing
    return None, Failure(failure.RESULTS, wrong)
