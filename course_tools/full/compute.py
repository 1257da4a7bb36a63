"""Compute the jobs of a long run side by side on Dask: in processes here, on a running cluster, or as SLURM jobs.

On a GPU of this machine they are computed in this process, one after the other, without Dask: several processes would
have to share it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from course_tools.sweep import dask_client
from course_utils.experiment.full import Job
from course_utils.experiment.pieces import Ended, Pieces, compute

if TYPE_CHECKING:
    from distributed import Client, Future


@contextmanager
def computed(
    pieces: Pieces,
    deadline: float | None,
    scheduler: str | None = None,
    slurm: Path | None = None,
    workers: int | None = None,
    device: str | None = None,
) -> Iterator[Iterator[tuple[Job, Ended]]]:
    """Compute what is not done; give each job with how it ended, as they end. deadline: of time.time().

    device: "cpu" or "cuda"; None is a GPU where the machine that computes has one.
    """
    here = not scheduler and not slurm and (device == "cuda" or (device is None and torch.cuda.is_available()))
    with dask_client.interruptible():
        if here:
            yield pieces.computed(deadline, device)
            return
        with dask_client.client(scheduler, slurm, workers, len(pieces.todo())) as client:
            yield _computed(client, pieces, deadline, device)


def _computed(
    client: Client, pieces: Pieces, deadline: float | None, device: str | None
) -> Iterator[tuple[Job, Ended]]:
    """Start each job when all that it needs is there and a process is free."""
    from distributed import as_completed

    waiting, running = pieces.todo(), {}
    ended = as_completed()
    while True:
        if deadline is None or time.time() < deadline:
            for job in list(pieces.ready(waiting)):
                if len(running) >= max(1, len(client.scheduler_info()["workers"])):
                    break
                waiting.remove(job)
                args = (pieces.load, job, pieces.store, deadline, device)
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
