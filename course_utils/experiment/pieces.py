"""Compute work of hours in pieces: job by job, until it is done or time is up.

What is finished is a file and stays finished; a training that is stopped leaves a checkpoint, from which the next call
goes on and ends with the numbers of an unbroken one.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

import torch

from course_utils.core.errors import CourseError
from course_utils.experiment.answers import Store
from course_utils.experiment.full import Answer, Given, Job, Work
from course_utils.experiment.record import provenance

ONE_AT_A_TIME = Lock()  # threads of one worker would share PyTorch's random numbers

Loaded = tuple[Mapping[str, Callable[..., Work]], Any]  # the functions that do the work, by name, and their data


@dataclass(frozen=True)
class Ended:
    """Tell how the computing of a job ended: done, stopped because time was up, or with an error."""

    done: bool = False
    error: str = ""


@dataclass(frozen=True)
class Pieces:
    """The jobs of a long run and the folder of their answers.

    load: gives functions and data in the process that computes, where it raises CourseError if they are not those of
    this run; it travels there, so it is small and keeps what it has loaded.
    """

    jobs: list[Job]
    store: Store
    load: Callable[[], Loaded]

    def todo(self) -> list[Job]:
        """Give the jobs that are not done, in order."""
        return [job for job in self.jobs if not self.store.has(job)]

    def answers(self) -> dict[str, Answer]:
        """Give the answers of the jobs that are done, by name."""
        return {job.name: self.store.find(job) for job in self.jobs if self.store.has(job)}

    def seconds(self) -> dict[str, float]:
        """Give the seconds that a job of each kind takes here, the mean of those that are done or under way."""
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
        """Give the seconds that the rest takes with so many processes; None where a kind of job was never measured."""
        per_job, left = self.seconds(), 0.0
        for job in self.todo():
            if job.work not in per_job:
                return None
            left += per_job[job.work] * (1 - self.store.progress(job)[0])
        return left / workers

    def counts(self) -> dict[str, tuple[int, int]]:
        """Count (done, all) of each kind of job."""
        done = {kind: [0, 0] for kind in dict.fromkeys(job.work for job in self.jobs)}
        for job in self.jobs:
            done[job.work][0] += self.store.has(job)
            done[job.work][1] += 1
        return {kind: (n, of) for kind, (n, of) in done.items()}

    def ready(self, waiting: list[Job]) -> Iterator[Job]:
        """Yield those of the jobs that wait for no other."""
        return (job for job in waiting if all(map(self.store.has, job.needs)))

    def computed(self, deadline: float | None = None, device: str | None = None) -> Iterator[tuple[Job, Ended]]:
        """Compute what is not done, here, one job after the other; yield each with how it ended.

        deadline: of time.time(); None is no limit. device: None is a GPU where there is one.
        """
        waiting = self.todo()
        while job := next(self.ready(waiting), None):
            if deadline is not None and time.time() >= deadline:
                return
            waiting.remove(job)
            yield job, compute(self.load, job, self.store, deadline, device)


def compute(
    load: Callable[[], Loaded], job: Job, store: Store, deadline: float | None, device: str | None = None
) -> Ended:
    """Do a job until it is done or the deadline (time.time()) has passed; called in the process that computes.

    device: None is a GPU where that process has one.
    """
    with ONE_AT_A_TIME:
        try:
            on = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
            return _compute(*load(), job, store, deadline, on)
        except CourseError as error:
            return Ended(error=str(error))
        except Exception:
            return Ended(error=traceback.format_exc())


def _compute(
    functions: Mapping[str, Callable[..., Work]],
    data: Any,
    job: Job,
    store: Store,
    deadline: float | None,
    device: torch.device,
) -> Ended:
    began, (_, before) = time.monotonic(), store.progress(job)
    given = Given(data, [store.needed(need) for need in job.needs], store.checkpoint(job), device)
    work = functions[job.work](given, **job.arguments)
    while True:
        try:
            share = next(work)
        except StopIteration as stop:
            tensors, facts = stop.value
            made = provenance(device, began)
            own = {"seconds": round(before + time.monotonic() - began, 1)}
            own |= {name: made[name] for name in ("device", "commit", "versions")}
            store.keep(job, tensors, {**facts, **own})
            return Ended(done=True)
        seconds = before + time.monotonic() - began
        store.stopped(job, share, seconds)
        if deadline is not None and time.time() >= deadline and share < 1:  # what is done only has to be written
            work.close()  # a training writes its checkpoint when it is left
            return Ended()
