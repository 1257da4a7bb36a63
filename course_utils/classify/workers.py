"""Many classifiers at once: on the CPU processes of one thread each, up to twice as fast as one of two threads; on a
GPU stacks that are trained together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context

import numpy as np
import torch
from torch import Tensor, nn

from course_utils.classify.together import train_together
from course_utils.classify.train import Optimizer, Transform, logits, train
from course_utils.core.seeds import generator
from course_utils.core.side_by_side import ByValue, one_thread
from course_utils.data.images import Images

PIXELS = 2**20  # of all pictures in one update of a stack: large batches keep a GPU busy alone, and fill its memory


@dataclass(frozen=True)
class Recipe:
    """How a classifier is trained: `network()` gives a fresh one, `optimizer(parameters)` its optimiser.

    precision: 'float32', 'bfloat16', or 'auto' for the faster one here. It speaks of training; answers are float32.
    """

    network: Callable[[], nn.Module]
    optimizer: Optimizer
    updates: int
    batch_size: int
    precision: str = "auto"


@dataclass(frozen=True)
class Job:
    """One classifier to train, and the test sets to try it on. Its seed fixes weights, dropout and batches.

    probabilities: answer with those of all classes, float32, N × K, and not with the likeliest class, int64, N.
    """

    recipe: Recipe
    images: Images
    transform: Transform | None
    seed: int
    tests: tuple[str, ...]
    class_weights: Tensor | None = None
    probabilities: bool = False


Keyed = tuple[Hashable, Job]
Answer = tuple[Hashable, dict[str, Tensor]]


def predictions(
    keys: Sequence[Hashable],
    job: Callable[[Hashable], Job | None],
    tests: dict[str, Images],
    workers: int,
    together: int = 1,
) -> Iterator[Answer]:
    """(key, answers by test set, see `Job`) of each key's job, in the order in which they are done.

    One worker is this process itself, with the same numbers. `together` > 1 trains up to so many jobs of one recipe
    and transform in one stack, here (fewer where batches are large, see `PIXELS`), with the same numbers up to
    rounding and dropped units. Jobs are made just before they are needed, so that only a few training sets are in
    memory; None is a job that needs no doing. Networks and transforms of a notebook travel to the workers by value.
    Whatever ends the loop early, Ctrl-C too, ends the workers.
    """
    jobs = ((key, made) for key in keys if (made := job(key)) is not None)
    if together > 1:
        yield from _in_stacks(jobs, tests, together)
    elif workers > 1:
        yield from _in_processes(jobs, tests, workers)
    else:
        with one_thread():
            for key, made in jobs:
                yield key, predict(made, tests)


def _in_processes(jobs: Iterator[Keyed], tests: dict[str, Images], workers: int) -> Iterator[Answer]:
    running: dict[Future, Hashable] = {}
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start, (tests,))
    try:
        while True:
            for key, job in islice(jobs, workers + 1 - len(running)):  # one more than workers, so that none idles
                running[pool.submit(_work, ByValue(job))] = key
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), {name: unpacked(a) for name, a in future.result().items()}
    finally:
        if running:  # interrupted or failed: nobody wants what is still being trained
            for process in list((pool._processes or {}).values()):
                process.terminate()
        pool.shutdown(cancel_futures=True)


def _in_stacks(jobs: Iterator[Keyed], tests: dict[str, Images], together: int) -> Iterator[Answer]:
    stacks: dict[Hashable, dict[Hashable, Job]] = {}
    for key, job in jobs:
        stack = stacks.setdefault((job.recipe, id(job.transform), job.images.shape), {})
        stack[key] = job
        _, height, width = job.images.shape
        if len(stack) >= min(together, PIXELS // (job.recipe.batch_size * height * width)):
            yield from zip(stack, predict_together(list(stack.values()), tests), strict=True)
            stack.clear()
    for stack in filter(None, stacks.values()):
        yield from zip(stack, predict_together(list(stack.values()), tests), strict=True)


def predict(job: Job, tests: dict[str, Images]) -> dict[str, Tensor]:
    """Train the job's classifier and give its answers by test set."""
    with _own_randomness(job.images.device):
        model = train(
            _network(job),
            job.images,
            job.recipe.optimizer,
            updates=job.recipe.updates,
            batch_size=job.recipe.batch_size,
            generator=generator(job.seed, "batches"),
            transform=job.transform,
            class_weights=job.class_weights,
            precision=job.recipe.precision,
        )
    return _answers(model, job, tests)


def predict_together(jobs: Sequence[Job], tests: dict[str, Images]) -> list[dict[str, Tensor]]:
    """What `predict` gives for each job, up to rounding and dropped units; recipe and transform are the first job's."""
    recipe = jobs[0].recipe
    with _own_randomness(jobs[0].images.device):
        models = [_network(job) for job in jobs]
        train_together(
            models,
            [job.images for job in jobs],
            recipe.optimizer,
            updates=recipe.updates,
            batch_size=recipe.batch_size,
            generators=[generator(job.seed, "batches") for job in jobs],
            transform=jobs[0].transform,
            class_weights=[job.class_weights for job in jobs],
            precision=recipe.precision,
        )
    return [_answers(model, job, tests) for model, job in zip(models, jobs, strict=True)]


def _network(job: Job) -> nn.Module:
    torch.manual_seed(generator(job.seed, "network").initial_seed())
    return job.recipe.network()


def _answers(model: nn.Module, job: Job, tests: dict[str, Images]) -> dict[str, Tensor]:
    answers = {name: logits(model, tests[name]) for name in job.tests}
    return {name: a.softmax(dim=1) if job.probabilities else a.argmax(dim=1) for name, a in answers.items()}


def _own_randomness(device: torch.device) -> AbstractContextManager:
    return torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])


def _start(tests: dict[str, Images]) -> None:
    global _tests
    torch.set_num_threads(1)
    _tests = tests


def _work(job: Job) -> dict[str, np.ndarray]:
    return {name: packed(answers) for name, answers in predict(job, _tests).items()}


def packed(answers: Tensor) -> np.ndarray:
    """Labels as single bytes, probabilities as they are; `unpacked` is the way back."""
    return (answers if answers.is_floating_point() else answers.to(torch.uint8)).cpu().numpy()


def unpacked(answers: np.ndarray) -> Tensor:
    """What `packed` was given."""
    whole = torch.from_numpy(answers)
    return whole if whole.is_floating_point() else whole.long()
