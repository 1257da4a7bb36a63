"""`course run LESSON --profile full`: computes what a lesson's full run still lacks, until it is done or time is up.

Each job is computed in a process of one thread, on Dask: here, on a running cluster, or as SLURM jobs, which share the
run's folder. On a GPU of this machine the jobs are computed in this process, one after the other, without Dask: several
processes would have to share it. What is finished is a file there and stays finished; a training that is stopped leaves
a checkpoint, from which the next call goes on and ends with the numbers of an unbroken one.
"""

from __future__ import annotations

import json
import sys
import time
import tomllib
import traceback
import types
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_tools.full.store import Store
from course_tools.run.lessons import Lesson
from course_tools.run.outcome import duration
from course_tools.sweep import cluster, sweep
from course_tools.sweep.task import ONE_AT_A_TIME
from course_utils.core import files
from course_utils.core.errors import CourseError
from course_utils.experiment.full import Job

if TYPE_CHECKING:
    from distributed import Client, Future

PROFILE = "full"


@dataclass(frozen=True)
class Ended:
    """How the computing of a job ended: done, stopped because time was up, or with an error."""

    done: bool = False
    error: str = ""


def has(lesson: Lesson) -> bool:
    """Tell whether a lesson has a full run."""
    return (lesson.folder / "full.py").is_file()


class FullRun:
    """A lesson's jobs, the folder of their answers, and what can be said of both.

    source: of the data; evidence rests on real ones, whatever is at hand. settings: those of the profile `full` in
    settings.toml, unless others are given.
    """

    def __init__(self, lesson: Lesson, out: Path, source: str = "real", settings: dict[str, Any] | None = None) -> None:
        if not has(lesson):
            raise CourseError(
                f"{lesson.slug} has no full run (its folder has no full.py); its profiles: smoke, cpu, gpu"
            )
        self.lesson, self.text, self.source = lesson, (lesson.folder / "full.py").read_text("utf-8"), source
        self.module = _loaded(self.text)
        self.settings = _settings(lesson) if settings is None else settings
        self.data = _data(self.module.DATASET, source)
        self.store = Store(out.resolve() / PROFILE / lesson.slug, self.data.sha256)
        self.jobs: list[Job] = self.module.jobs(self.settings)

    def todo(self) -> list[Job]:
        """The jobs that are not done, in order."""
        return [job for job in self.jobs if not self.store.has(job)]

    def seconds(self) -> dict[str, float]:
        """Seconds that a job of each kind takes here, as measured: the mean of those that are done or under way."""
        taken: dict[str, list[float]] = {}
        for job in self.jobs:
            if self.store.has(job):
                taken.setdefault(job.work, []).append(self.store.find(job)[1]["seconds"])
            else:
                share, seconds = self.store.progress(job)
                if share > 0:
                    taken.setdefault(job.work, []).append(seconds / share)
        return {work: sum(values) / len(values) for work, values in taken.items()}

    def left(self, workers: int) -> float | None:
        """Seconds that the rest will take with so many processes; None where a kind of job was never measured."""
        per_job, left = self.seconds(), 0.0
        for job in self.todo():
            if job.work not in per_job:
                return None
            left += per_job[job.work] * (1 - self.store.progress(job)[0])
        return left / workers

    def status(self, workers: int = 1) -> str:
        """What is done of each kind of job, and how long the rest takes, in a line."""
        done = {kind: [0, 0] for kind in dict.fromkeys(job.work for job in self.jobs)}
        for job in self.jobs:
            done[job.work][0] += self.store.has(job)
            done[job.work][1] += 1
        parts = [f"{n} of {of} {kind}" for kind, (n, of) in done.items()]
        left = self.left(workers)
        rest = (
            "" if not self.todo() else f"; about {duration(left)} left here" if left is not None else "; rest unknown"
        )
        return f"{self.lesson.slug}: " + ", ".join(parts) + rest

    def results(self) -> dict[str, Any]:
        """The results JSON of a run that is complete, with its provenance."""
        from course_utils import experiment

        answers = {job.name: self.store.find(job) for job in self.jobs}
        facts = [answer[1] for answer in answers.values()]
        made = {
            "lesson": self.lesson.slug,
            "profile": PROFILE,
            "data": {"name": self.data.name, "source": self.data.source, "sha256": self.data.sha256},
            "settings": self.settings,
            **self.module.results(self.settings, self.data, answers),
        }
        provenance = experiment.provenance("cpu", time.monotonic())
        commits = sorted({str(fact["commit"]) for fact in facts})
        provenance |= {
            "wall_s": round(sum(fact["seconds"] for fact in facts), 1),  # of all processes together
            "device": ", ".join(sorted({fact["device"] for fact in facts})),
            "commit": commits[0] if len(commits) == 1 else ", ".join(commits),
        }
        return made | provenance


def run(
    lesson: Lesson,
    out: Path,
    deadline: float | None = None,
    scheduler: str | None = None,
    slurm: Path | None = None,
    workers: int | None = None,
    source: str = "real",
    device: str | None = None,
) -> bool:
    """Compute what `out`/full/<slug> lacks, until `deadline` (time.time()); when all is there, write
    results/<slug>/full.json.

    device: "cpu" or "cuda"; None is a GPU where there is one. Returns False where a job failed; the others are computed
    all the same. Raises CourseError on a user's mistake, where the real data cannot be had, and where another process
    computes in the same folder.
    """
    device = device if scheduler or slurm else _device(device)  # the machines of a cluster choose for themselves
    whole = FullRun(lesson, out, source)
    with files.locked(whole.store.folder / ".lock", f"a full run in {whole.store.folder} is under way already"):
        return compute_all(whole, deadline, scheduler, slurm, workers, device)


def _device(name: str | None) -> str:
    import torch

    if name not in (None, "cpu", "cuda"):
        raise CourseError(f"--device is {name!r}; choose cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise CourseError("--device is cuda, and there is no GPU here; leave it out, or choose cpu")
    return name or ("cuda" if torch.cuda.is_available() else "cpu")


def compute_all(
    whole: FullRun,
    deadline: float | None,
    scheduler: str | None = None,
    slurm: Path | None = None,
    workers: int | None = None,
    device: str | None = None,
) -> bool:
    """Do what `run` does for a run whose folder is locked."""
    print(whole.data.announce())
    print(whole.status(workers or cluster.default_workers()))
    failed: dict[str, str] = {}
    if todo := whole.todo():
        with sweep.interruptible(), ExitStack() as stack:
            if device == "cuda":
                all_ended = one_by_one(whole, deadline, device)
            else:
                client = stack.enter_context(cluster.client(scheduler, slurm, workers, len(todo)))
                all_ended = _computed(client, whole, deadline, device)
            for job, ended in all_ended:
                if ended.error:
                    failed[job.name] = ended.error
                    print(f"{job.name}: failed: {ended.error.strip().splitlines()[-1]}", flush=True)
                elif ended.done:
                    print(f"{job.name}: done", flush=True)
        print(whole.status(workers or cluster.default_workers()))
    for error in dict.fromkeys(failed.values()):
        print("failed: " + ", ".join(name for name in failed if failed[name] == error) + f"\n{error.strip()}")
    if whole.todo():
        print(f"to go on: course run {whole.lesson.slug} --profile {PROFILE}")
        return not failed
    path = whole.lesson.root / "results" / whole.lesson.slug / f"{PROFILE}.json"
    results = whole.results()
    files.write(path, json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    print(f"{path}\n{results['verdict']}")
    return True


def one_by_one(whole: FullRun, deadline: float | None, device: str) -> Iterator[tuple[Job, Ended]]:
    """Compute what is to do in this process, those first that others need: each job with how it ended."""
    for job in whole.todo():
        if deadline is not None and time.time() >= deadline:
            return
        if all(map(whole.store.has, job.needs)):
            yield job, compute(whole.text, whole.source, whole.data.sha256, job, whole.store, deadline, device)


def _computed(
    client: Client, whole: FullRun, deadline: float | None, device: str | None
) -> Iterator[tuple[Job, Ended]]:
    """Each job with how it ended, as they end; one is started when all that it needs is there and a process is free."""
    from distributed import as_completed

    waiting, running = whole.todo(), {}
    ended = as_completed()
    while True:
        if deadline is None or time.time() < deadline:
            for job in [job for job in waiting if all(map(whole.store.has, job.needs))]:
                if len(running) >= max(1, len(client.scheduler_info()["workers"])):
                    break
                waiting.remove(job)
                args = (whole.text, whole.source, whole.data.sha256, job, whole.store, deadline, device)
                future = client.submit(compute, *args, key=f"{job.name}-{job.key}-{time.time_ns()}", pure=False)
                running[future.key] = job
                ended.add(future)
        if not running:
            return
        future = next(ended)
        yield running.pop(future.key), _ended(future)


def _ended(future: Future) -> Ended:
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker:
        return Ended(error="the process that computed it died twice (too little memory?)")
    except Exception as error:  # of Dask, on the way: those of the job are in its answer
        return Ended(error=f"{type(error).__name__}: {error}")


def compute(
    text: str,
    source: str,
    sha256: dict[str, str],
    job: Job,
    store: Store,
    deadline: float | None,
    device: str | None = None,
) -> Ended:
    """Do a job until it is done or the deadline (time.time()) has passed; called in the process that computes.

    device: None is a GPU where that process has one."""
    with ONE_AT_A_TIME:
        try:
            module = _loaded(text)
            data = _data(module.DATASET, source)
            if data.sha256 != sha256:
                raise CourseError(f"its data of {module.DATASET} differ ({data.source}); set COURSE_DATA there")
            return _compute(module, data, job, store, deadline, device)
        except CourseError as error:
            return Ended(error=str(error))
        except Exception:
            return Ended(error=traceback.format_exc())


def _compute(module: Any, data: Any, job: Job, store: Store, deadline: float | None, device: str | None) -> Ended:
    import torch

    from course_utils import experiment

    device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    began, (_, before) = time.monotonic(), store.progress(job)
    needed = [store.find(need) for need in job.needs]
    work = getattr(module, job.work)(data, needed, store.checkpoint(job), device, **job.arguments)
    while True:
        try:
            share = next(work)
        except StopIteration as stop:
            tensors, facts = stop.value
            provenance = experiment.provenance(device, began)
            own = {"seconds": round(before + time.monotonic() - began, 1)}
            own |= {name: provenance[name] for name in ("device", "commit", "versions")}
            store.keep(job, tensors, {**facts, **own})
            return Ended(done=True)
        seconds = before + time.monotonic() - began
        if deadline is not None and time.time() >= deadline and share < 1:  # what is done only has to be written
            work.close()  # a training writes its checkpoint when it is left
            store.stopped(job, share, seconds)
            return Ended()
        store.stopped(job, share, seconds)


@lru_cache(maxsize=1)
def _loaded(text: str) -> types.ModuleType:
    """A lesson's full.py as a module."""
    module = types.ModuleType("lesson_full")
    sys.modules[module.__name__] = module
    exec(compile(text, "full.py", "exec"), vars(module))
    return module


@lru_cache(maxsize=1)
def _data(name: str, source: str) -> Any:
    from course_utils.data.sources import load

    return load(name, source)


def _settings(lesson: Lesson) -> dict[str, Any]:
    path = lesson.folder / "settings.toml"
    try:
        return tomllib.loads(path.read_text("utf-8"))[PROFILE]
    except KeyError:
        raise CourseError(f"{path} has no table [{PROFILE}], the settings of the full run") from None
