"""Computing several things at once, in processes of one thread each.

Small networks gain little from a second thread and nearly all of a second process. The processes are joblib's (loky):
functions of a notebook, a learner's among them, travel to them by value. `joblib.Parallel` itself is not used: it takes
its work from an iterator in a thread of its own, where an error in making a training set is lost.
"""

from __future__ import annotations

import copyreg
import importlib
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, wait
from contextlib import closing, contextmanager
from itertools import islice
from types import ModuleType
from typing import TypeVar

import torch

from course_utils.core.errors import CourseError
from course_utils.core.machine import GIB, cores, memory

K = TypeVar("K")
R = TypeVar("R")

MOST = 8  # workers; more gain little, and each holds a training set
IDLE_S = 60  # then a worker without work ends
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def default_workers() -> int:
    """Give the number of processes to use: one a core, and one a GiB of memory beside this process; 8 at most.

    The first number of $OMP_NUM_THREADS ("4", or "4,2" for nested threads), where it is one above 0, takes the place of
    the cores.
    """
    threads = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    asked = int(threads) if threads.isdecimal() else 0
    room = memory() / GIB - 1  # a GiB for PyTorch and a training set in each, and in this process
    return max(1, int(min(asked or cores(), room, MOST)))


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute what is inside with one of PyTorch's threads, as a worker does."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def parallel_map(
    work: Callable[[K], R],
    keys: Iterable[K],
    *,
    workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[K, R]:
    """Compute {key: work(key)}, in the order of the keys, several at a time.

    workers: processes; None means `default_workers()`, and 1, as on a machine with a GPU, here one after the other.
    What `work` uses of its notebook travels with it, so let it use little; what it returns travels back.
    on_progress(done, of) is called after each. Raises what `work` raises, and CourseError where a worker dies.
    """
    keys = list(keys)
    if torch.cuda.is_available():
        workers = 1
    workers = min(len(keys), default_workers() if workers is None else workers)
    found: dict[K, R] = {}
    with closing(as_completed(lambda key: (key, work(key)), keys, workers)) as results:
        for key, result in results:
            found[key] = result
            if on_progress is not None:
                on_progress(len(found), len(keys))
    return {key: found[key] for key in keys}


def as_completed(work: Callable[[K], R], items: Iterable[K], workers: int) -> Iterator[R]:
    """Yield work(item) of each item as it is done; with one worker here, and in order.

    Items are taken when a worker is free for them, so that few are in memory at a time. Whatever ends the loop early,
    an error, Ctrl-C or `close`, ends the workers. Where no processes can be had, all is computed here, and a warning
    says so. Raises CourseError where a worker dies.
    """
    items = iter(items)
    if workers <= 1:
        yield from map(work, items)
        return
    pool = _pool(workers)
    if pool is None:
        with one_thread():
            yield from map(work, items)
        return
    running = set()
    try:
        while True:
            for item in islice(items, workers + 1 - len(running)):  # one more than workers, so that none is idle
                running.add(pool.submit(work, item))
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                running.remove(future)
                yield future.result()
    except BrokenExecutor as error:
        raise CourseError(
            f"a worker process ended before its work was done ({str(error).splitlines()[0]}); if memory was short, use "
            "fewer at a time: set OMP_NUM_THREADS=1"
        ) from error
    finally:
        if running:  # interrupted or failed: nobody needs what is still being computed
            pool.shutdown(kill_workers=True)


def _pool(workers: int) -> Executor | None:
    """Give loky's executor, which keeps its processes from call to call; warn and give None where it cannot start."""
    try:
        import cloudpickle  # noqa: F401, which carries functions to the processes

        with warnings.catch_warnings(action="ignore"):  # joblib's own, of the same fault
            from joblib.externals.loky import get_reusable_executor

        pool = get_reusable_executor(workers, timeout=IDLE_S, env=ONE_THREAD, initializer=_ignore_ctrl_c)
    except (ImportError, NotImplementedError, OSError) as error:  # no semaphores, as in a container without /dev/shm
        warnings.warn(
            f"no worker processes can be started here ({error}); all is computed in this process, which takes longer; "
            "to have them, make /dev/shm writable",
            stacklevel=4,
        )
        return None
    # loky ends a worker whose memory has grown and starts another one, which is no matter
    warnings.filterwarnings("ignore", "A worker stopped while some jobs were given to the executor", UserWarning)
    _let_notebooks_travel()
    _let_modules_travel()
    return pool


def _ignore_ctrl_c() -> None:
    """Leave Ctrl-C, which a terminal sends to workers as well, to the process that will end them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _let_notebooks_travel() -> None:
    """Tell cloudpickle that functions of a notebook run without Jupyter go by value: nobody could import its module."""
    import cloudpickle

    for name, module in list(sys.modules.items()):
        if not isinstance(module, ModuleType) or name in ("__main__", "__mp_main__"):
            continue
        if module.__spec__ is None and "__builtins__" in vars(module):  # made by hand, and code ran in it
            cloudpickle.register_pickle_by_value(module)


def _let_modules_travel() -> None:
    """Tell pickle that modules of a kind of their own, such as torch.classes, go by their names like all others.

    cloudpickle takes `torch` and `.classes` in one function, `images.classes` perhaps, for the module torch.classes.
    """
    for name, module in list(sys.modules.items()):
        kind = type(module)
        if name.startswith("torch.") and issubclass(kind, ModuleType) and kind is not ModuleType:
            copyreg.pickle(kind, lambda module: (importlib.import_module, (module.__name__,)))
