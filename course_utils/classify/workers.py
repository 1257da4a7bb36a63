"""Many classifiers at once: processes of one thread each, on the CPU up to twice as fast as one of two threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import torch
from torch import Tensor, nn

from course_utils.classify.train import Optimizer, Transform, logits, train
from course_utils.data.images import Images
from course_utils.seeds import generator


@dataclass(frozen=True)
class Recipe:
    """How a classifier is trained: `network()` gives a fresh one, `optimizer(parameters)` its optimiser."""

    network: Callable[[], nn.Module]
    optimizer: Optimizer
    updates: int
    batch_size: int


@dataclass(frozen=True)
class Job:
    """One classifier to train, and the test sets to try it on. Its seed fixes weights, dropout and batches."""

    recipe: Recipe
    images: Images
    transform: Transform | None
    seed: int
    tests: tuple[str, ...]


def default_workers() -> int:
    """A process a core that this process may use, 8 at most (each holds PyTorch and one training set in memory)."""
    if "OMP_NUM_THREADS" in os.environ:
        return max(1, int(os.environ["OMP_NUM_THREADS"]))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, 8)


def predictions(
    keys: Sequence[Hashable], job: Callable[[Hashable], Job], tests: dict[str, Images], workers: int
) -> Iterator[tuple[Hashable, dict[str, Tensor]]]:
    """(key, predicted labels by test set: int64, N) of each key's job, in the order in which they are done.

    One worker is this process itself, with the same numbers. Jobs are made just before they are needed, so that only a
    few training sets are in memory. Whatever ends the loop early, Ctrl-C too, ends the workers.
    """
    if workers == 1:
        with _one_thread():
            for key in keys:
                yield key, _predict(job(key), tests)
        return
    waiting, running = list(reversed(keys)), {}
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start, (tests,))
    try:
        while waiting or running:
            while waiting and len(running) <= workers:  # one more than workers, so that none idles
                key = waiting.pop()
                running[pool.submit(_work, job(key))] = key
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                answers = {name: torch.from_numpy(labels).long() for name, labels in future.result().items()}
                yield running.pop(future), answers
    finally:
        if waiting or running:  # interrupted or failed: nobody wants what is still being trained
            for process in list((pool._processes or {}).values()):
                process.terminate()
        pool.shutdown(cancel_futures=True)


def _predict(job: Job, tests: dict[str, Images]) -> dict[str, Tensor]:
    device = job.images.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(generator(job.seed, "network").initial_seed())
        model = train(
            job.recipe.network(),
            job.images,
            job.recipe.optimizer,
            updates=job.recipe.updates,
            batch_size=job.recipe.batch_size,
            generator=generator(job.seed, "batches"),
            transform=job.transform,
        )
    return {name: logits(model, tests[name]).argmax(dim=1) for name in job.tests}


def _start(tests: dict[str, Images]) -> None:
    global _tests
    torch.set_num_threads(1)
    _tests = tests


def _work(job: Job) -> dict[str, np.ndarray]:
    return {name: labels.to(torch.uint8).numpy() for name, labels in _predict(job, _tests).items()}


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
