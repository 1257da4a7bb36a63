"""Trainings that do not wait for each other, in processes of one thread each.

Small networks gain little from a second thread and nearly all of a second process. joblib's workers take functions of a
notebook as well, a learner's among them, because they travel by value.
"""

from __future__ import annotations

import copyreg
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TypeVar

import torch

K = TypeVar("K")
R = TypeVar("R")


def cores() -> int:
    """Cores that this process may use, 1 or more."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_workers() -> int:
    """A process a core that this process may use, 8 at most (each holds PyTorch and one training set in memory).

    The first number of $OMP_NUM_THREADS ("4", or "4,2" for nested threads), where it is one above 0, takes the place of
    the cores.
    """
    threads = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    asked = int(threads) if threads.isdecimal() else 0
    return min(asked or cores(), 8)


@contextmanager
def one_thread() -> Iterator[None]:
    """What is computed inside uses one thread of PyTorch's, as in a process of `each`."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def each(
    work: Callable[[K], R],
    keys: Iterable[K],
    *,
    workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[K, R]:
    """{key: work(key)}, in the order of the keys; several are computed at a time.

    workers: None means a process a core, and 1, as on a machine with a GPU, here one after the other. What `work` uses
    of its notebook travels with it, so let it use little; what it returns travels back. on_progress(done, of) is called
    after each. An error in `work` is raised here.
    """
    keys = list(keys)
    if torch.cuda.is_available():
        workers = 1
    workers = min(len(keys), default_workers() if workers is None else workers)
    found: dict[K, R] = {}
    for key, result in zip(keys, _results(work, keys, workers), strict=True):
        found[key] = result
        if on_progress is not None:
            on_progress(len(found), len(keys))
    return found


def _results(work: Callable[[K], R], keys: list[K], workers: int) -> Iterable[R]:
    if workers <= 1:
        return map(work, keys)
    from joblib import Parallel, delayed, parallel_config

    _let_notebooks_travel()
    _let_modules_travel()
    with parallel_config(backend="loky", inner_max_num_threads=1):
        # no memory maps: their arrays are read-only, and PyTorch warns of each
        return Parallel(n_jobs=workers, return_as="generator", max_nbytes=None)(delayed(work)(key) for key in keys)


class ByValue:
    """A thing on its way to another process, where it arrives as itself; functions and classes of a notebook travel by
    value."""

    def __init__(self, thing: object) -> None:
        self.thing = thing

    def __reduce__(self) -> tuple[Callable[[bytes], object], tuple[bytes]]:
        import cloudpickle

        _let_notebooks_travel()
        _let_modules_travel()
        return cloudpickle.loads, (cloudpickle.dumps(self.thing),)


def _let_notebooks_travel() -> None:
    """cloudpickle takes functions of a notebook run without Jupyter for those of a module; nobody could import it."""
    import cloudpickle

    for name, module in list(sys.modules.items()):
        if not isinstance(module, ModuleType) or name in ("__main__", "__mp_main__"):
            continue
        if module.__spec__ is None and "__builtins__" in vars(module):  # made by hand, and code ran in it
            cloudpickle.register_pickle_by_value(module)


def _let_modules_travel() -> None:
    """cloudpickle takes `torch` and `.classes` in one function, `images.classes` perhaps, for the module torch.classes;
    that and some others are modules of a kind of their own, which travel by their names like all others."""
    for name, module in list(sys.modules.items()):
        kind = type(module)
        if name.startswith("torch.") and issubclass(kind, ModuleType) and kind is not ModuleType:
            copyreg.pickle(kind, lambda module: (importlib.import_module, (module.__name__,)))
