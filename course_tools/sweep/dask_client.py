"""Where tasks of a sweep and jobs of a full run are computed: on Dask here, on a running cluster, or as SLURM jobs."""

from __future__ import annotations

import logging
import signal
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_tools.sweep import task
from course_utils.core.errors import CourseError
from course_utils.core.parallel import ONE_THREAD

if TYPE_CHECKING:
    from distributed import Client

DEATHS = 1
"""So often a task's worker may die on a cluster of ours before Dask gives the task up; it is then tried alone."""

SETTINGS = {
    # a worker gets one task at a time, so that its death is blamed on no other
    "distributed.scheduler.worker-saturation": 1.0,
    # without Dask's MALLOC_TRIM_THRESHOLD_, under which 40 % of a training is page faults
    "distributed.nanny.pre-spawn-environ": ONE_THREAD,
    # a killed worker that takes longer to come back is given up for good; on a busy machine that is all of them
    "distributed.deploy.lost-worker-timeout": "10 minutes",
}
"""Of Dask, for a cluster on this machine."""


@contextmanager
def client(scheduler: str | None, slurm: Path | None, workers: int | None, most: int) -> Iterator[Client]:
    """Connect to the cluster at the address `scheduler`; else to SLURM jobs; else to at most `most` processes here.

    Raises CourseError where nobody answers, or Dask is not installed.
    """
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        raise CourseError("this needs Dask; install it with: pip install -e '.[sweep]'") from None
    if scheduler:
        try:
            client = Client(scheduler)
        except (OSError, ValueError) as error:
            raise CourseError(f"no Dask scheduler answers at {scheduler} ({error})") from None
        with client:
            yield client
        return
    ours = ExitStack()
    if slurm:
        cluster = slurm_cluster(slurm)
        cluster.scale(jobs=workers or 1)
    else:
        ours.enter_context(dask.config.set(SETTINGS))
        cluster = LocalCluster(
            n_workers=min(workers or default_workers(), most),
            threads_per_worker=1,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
            scheduler_kwargs={"allowed_failures": DEATHS},
            preload=[task.__name__],
        )
    ours.enter_context(cluster)
    try:
        with Client(cluster) as client:
            yield client
    finally:
        # All is in by now; Dask may fail so while it starts a worker anew that a task killed.
        with suppress(AssertionError):
            ours.close()


@contextmanager
def interruptible() -> Iterator[None]:
    """End on SIGTERM as on Ctrl-C: workers are closed."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def default_workers() -> int:
    """Count a process a core; one where there is a GPU, which several would have to share."""
    import torch

    from course_utils.core import parallel

    return 1 if torch.cuda.is_available() else parallel.default_workers()


def slurm_cluster(path: Path) -> Any:
    """Set up a cluster of SLURM jobs; the TOML file holds what dask-jobqueue's SLURMCluster takes (queue …)."""
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError:
        raise CourseError("--slurm needs dask-jobqueue; install it with: pip install -e '.[slurm]'") from None
    try:
        settings = tomllib.loads(path.read_text("utf-8"))
        return SLURMCluster(
            **{"cores": 1, "processes": 1, "scheduler_options": {"dashboard_address": ":0"}, **settings}
        )
    except (OSError, TypeError, ValueError) as error:
        raise CourseError(f"{path}: {str(error).splitlines()[0]}") from None
