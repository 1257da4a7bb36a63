"""`course run`: executes lessons, each in a process of its own, and gathers their results into one page."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import course_utils
from course_tools.run import failure, finished, lessons, report
from course_tools.run.lessons import Lesson
from course_utils.core.errors import CourseError
from course_utils.core.results import read as read_results

ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
"""Terminal colours and other escape sequences."""

KERNELS = ("python3", "none")
PACKAGE = str(Path(course_utils.__file__).parents[1])

GRACE = 10.0
"""Seconds a lesson's process has to end itself, and its kernel, before it is killed."""


# The last line of a traceback that ended in a CourseError; IPython leaves the module's name away.
MISTAKE = re.compile(
    r"(?:course_utils[\w.]*\.)?(?:(?:Course|Data|Sealed|Checkpoint)Error|NotWritten|TrainingFailed): (.*)"
)


@dataclass(frozen=True)
class Outcome:
    """What one run of a lesson came to: its results JSON, or the error (a traceback, plain text) and its kind, see
    `failure`. found: an earlier run was found finished, in `wall_s`."""

    slug: str
    wall_s: float
    results: dict[str, Any] | None
    error: str | None
    kind: str = failure.CELL
    found: bool = False

    @property
    def mistake(self) -> str | None:
        """What the user can mend, in one line: the message of a CourseError that ended the lesson."""
        last = (self.error or "").strip().splitlines()[-1:]
        found = MISTAKE.fullmatch(last[0]) if last else None
        return found[1] if found else None

    @property
    def line(self) -> str:
        """For the terminal: slug, ok or failed, time, data source, verdict or the error's last line."""
        state = f"failed, {self.kind}" if self.error else "found, it ran earlier" if self.found else "ok"
        said = self.error.strip().splitlines()[-1] if self.error else str(self.results.get("verdict", ""))
        said = self.mistake or said
        source = f"data: {report.data_source(self.results)}" if self.results else ""
        return "  ".join(part for part in (self.slug, state, report.duration(self.wall_s), source, said) if part)


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
    """Executes the chosen lessons' notebooks, `jobs` at a time, and writes `out`/<profile>/index.html.

    Per lesson it leaves <slug>.ipynb, <slug>.html and results/<slug>.json in `out`/<profile> (with `kernel` "none" only
    the last). A lesson that is finished there, with the same parameters, code and data, is not run, unless `again`. One
    that fails, or takes more than `timeout` seconds, does not stop the others. Raises CourseError, before anything is
    touched, on a kernel that is not to be had, an unbuilt lesson or an unknown parameter.
    """
    parameters = {"PROFILE": profile, **(parameters or {})}
    _check_kernel(kernel)
    for lesson in chosen:
        lessons.check_parameters(lesson, parameters)
    folder = out.resolve() / profile
    found = {} if again else {lesson: finished.find(lesson, folder, kernel, parameters) for lesson in chosen}
    left = [lesson for lesson in chosen if not found.get(lesson)]
    ran = asyncio.run(_run_all(left, profile, folder, jobs, kernel, parameters, timeout))
    by_slug = {outcome.slug: outcome for outcome in ran}
    outcomes = [
        by_slug.get(lesson.slug)
        or Outcome(lesson.slug, found[lesson]["run"]["wall_s"], found[lesson], None, found=True)
        for lesson in chosen
    ]
    report.write(folder, profile, outcomes)
    for outcome in outcomes:
        print(outcome.line)
    if len(left) < len(chosen):
        print("found: finished earlier, with the same parameters, code and data; --again (AGAIN=1) runs it anew")
    print(f"report: {folder / 'index.html'}")
    return outcomes


def _check_kernel(kernel: str) -> None:
    if kernel not in KERNELS:
        raise CourseError(f"unknown kernel {kernel!r}; choose one of {', '.join(KERNELS)}")
    missing = [name for name in ("papermill", "nbconvert", "ipykernel") if not importlib.util.find_spec(name)]
    if kernel != "none" and missing:
        raise CourseError(
            f"{missing[0]} is not installed; install it with `pip install -e .`, or run with --kernel none"
        )


async def _run_all(
    chosen: list[Lesson],
    profile: str,
    folder: Path,
    jobs: int,
    kernel: str,
    parameters: dict[str, Any],
    timeout: float | None,
) -> list[Outcome]:
    if os.name == "posix":  # a job that is cancelled ends its kernels too
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    turn = asyncio.Semaphore(jobs)
    threads = max(1, (os.cpu_count() or 1) // min(jobs, len(chosen))) if jobs > 1 and chosen else None
    async with Progress() as progress:

        async def one(lesson: Lesson) -> Outcome:
            async with turn:
                notebook = lesson.notebook
                return await execute(lesson, notebook, profile, folder, kernel, parameters, progress, threads, timeout)

        return list(await asyncio.gather(*map(one, chosen)))


async def execute(
    lesson: Lesson,
    notebook: Path,
    profile: str,
    folder: Path,
    kernel: str,
    parameters: dict[str, Any],
    progress: Progress,
    threads: int | None = None,
    timeout: float | None = None,
) -> Outcome:
    """Executes one notebook in a process of its own, on `threads` cores, and reads the results it wrote in `folder`.

    What an earlier run of the lesson left there is removed first, and a half-written file whatever happens. The results
    are marked as finished last of all. timeout: seconds after which the lesson is ended, and has failed.
    """
    slug, results = lesson.slug, folder / "results" / f"{lesson.slug}.json"
    results.parent.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob(f"{slug}.*"), *results.parent.glob(f"{slug}.*")):
        old.unlink()
    module, paths = ("plain", [notebook]) if kernel == "none" else ("kernel", [notebook, folder / f"{slug}.ipynb"])
    command = [sys.executable, "-m", f"course_tools.run.{module}", *map(str, paths), json.dumps(parameters)]
    environment = environment_of(lesson, profile, results.parent, kernel, threads)
    mark = finished.mark(lesson, notebook, parameters)  # of the code as it is now, not as it is at the end
    started, killed_before = time.monotonic(), failure.memory_kills()
    log: list[str] = []

    def hear(line: str) -> None:
        if cell := re.fullmatch(r"\[cell (\d+)/(\d+)\]", line):
            progress.cell(slug, int(cell[1]), int(cell[2]))
            return
        log.append(ANSI.sub("", line))
        if kernel == "none":
            progress.say(f"{slug}  {line}" if threads else line)  # side by side, a line tells whose it is

    try:
        async with asyncio.timeout(timeout):
            code = await _converse(command, lesson.notebook.parent, environment, hear)
        failed = failure.of_process(code, log, failure.memory_kills() - killed_before)
    except TimeoutError:
        failed = failure.Failure(failure.TIME, f"ended after {report.duration(timeout)}: {progress.at.get(slug, slug)}")
    finally:
        progress.done(slug)
        for part in (*folder.glob(f"{slug}.*part*"), *results.parent.glob(f"{slug}.*part")):
            part.unlink()
    found = None
    if not failed:
        found, failed = _read(results, slug, profile)
    wall_s = time.monotonic() - started
    if failed:
        results.unlink(missing_ok=True)
        if kernel != "none" or failed.kind != failure.CELL:  # there the cell's own words were said as they came
            progress.say(f"{slug}  {failed.text}")
        return Outcome(slug, wall_s, None, failed.text, failed.kind)
    finished.keep(results, found, mark, wall_s)
    return Outcome(slug, wall_s, found, None)


def environment_of(lesson: Lesson, profile: str, results: Path, kernel: str, threads: int | None) -> dict[str, str]:
    """The environment of a lesson's process, which writes its results in `results`."""
    environment = os.environ | {
        "COURSE_ROOT": str(lesson.root),
        "COURSE_PROFILE": profile,
        "COURSE_RESULTS": str(results),
        "COURSE_HEADLESS": "1",  # from inside, papermill looks like JupyterLab with a person before it
        "PYTHONPATH": os.pathsep.join(filter(None, [PACKAGE, os.environ.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "TQDM_MININTERVAL": "10",
    }
    for name in ("COURSE_DATA", "COURSE_CACHE", "COURSE_RUNS"):  # the lesson works in another folder
        if Path(environment.get(name) or "-").is_dir():
            environment[name] = str(Path(environment[name]).resolve())
    if kernel != "none":
        environment.pop("MPLBACKEND", None)  # a kernel shows figures only with its own
    environment.setdefault("COURSE_RUNS", "off")
    if threads:
        environment.setdefault("OMP_NUM_THREADS", str(threads))
    return environment


async def _converse(command: list[str], cwd: Path, environment: dict[str, str], hear: Callable[[str], None]) -> int:
    """Runs a process, passes each line it prints to `hear`, returns its exit code; ends it when cancelled."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C reaches only us; we then end it in an orderly way
    )
    try:
        async for line in _lines(process.stdout):
            hear(line)
        return await process.wait()
    finally:
        if process.returncode is None:
            _signal(process, "SIGINT")
            try:
                await asyncio.wait_for(process.wait(), GRACE)
            except TimeoutError:
                _signal(process, "SIGKILL")
                await process.wait()


def _signal(process: asyncio.subprocess.Process, name: str) -> None:
    """To the process and what it started; on Windows, which has no such signals, the process is just ended."""
    with suppress(ProcessLookupError):
        if os.name == "posix":
            os.killpg(process.pid, getattr(signal, name))
        else:
            process.terminate()


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Lines, however long; a carriage return, as progress bars print it, ends one too."""
    rest = b""
    while chunk := await stream.read(65536):
        *whole, rest = re.split(rb"\r\n|\r|\n", rest + chunk)
        for line in whole:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")


def _read(results: Path, slug: str, profile: str) -> tuple[dict[str, Any] | None, failure.Failure | None]:
    """The results JSON that the lesson wrote, or what is wrong with it."""
    try:
        found = read_results(results, renewal=f"course run {slug} --again")
        if (found.get("lesson"), found.get("profile")) == (slug, profile):
            return found, None
        wrong = f"results/{results.name} does not say that it is of lesson {slug}, profile {profile}"
    except CourseError as error:
        missing = f"the lesson ran to its end but wrote no results/{results.name}"
        wrong = str(error) if results.exists() else missing
    return None, failure.Failure(failure.RESULTS, wrong)


class Progress:
    """How far each running lesson is: on a terminal one line that is kept up to date, elsewhere a line now and then."""

    EVERY = 15.0
    """Seconds between two lines about one lesson where there is no terminal."""

    def __init__(self) -> None:
        self.at: dict[str, str] = {}
        self.said: dict[str, float] = {}
        self.started = time.monotonic()
        self.terminal = sys.stdout.isatty()

    async def __aenter__(self) -> Progress:
        self.clock = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.clock.cancel()
        self._clear()

    def cell(self, slug: str, number: int, of: int) -> None:
        """A lesson has reached code cell `number` of `of`."""
        self.at[slug] = f"{slug}  cell {number} of {of}"
        now = time.monotonic()
        if self.terminal:
            self._draw()
        elif now - self.said.get(slug, -self.EVERY) >= self.EVERY:
            self.said[slug] = now
            print(self.at[slug], flush=True)

    def done(self, slug: str) -> None:
        """A lesson has ended, one way or another."""
        self.at.pop(slug, None)
        self._draw()

    def say(self, line: str) -> None:
        """A line that stays."""
        self._clear()
        print(line, flush=True)
        self._draw()

    async def _tick(self) -> None:
        while self.terminal:
            self._draw()
            await asyncio.sleep(1)

    def _draw(self) -> None:
        if self.terminal and self.at:
            line = f"{report.duration(time.monotonic() - self.started)}  {' · '.join(self.at.values())}"
            self._clear()
            print(line[: shutil.get_terminal_size().columns - 1], end="", flush=True)

    def _clear(self) -> None:
        if self.terminal:
            print("\r\x1b[K", end="", flush=True)


class Silent(Progress):
    """Says nothing: for a lesson that runs on another machine."""

    def cell(self, slug: str, number: int, of: int) -> None:
        """Not told."""

    def say(self, line: str) -> None:
        """Not told."""
