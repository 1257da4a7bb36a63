"""Train many classifiers at once: on the CPU in processes of one thread each, up to twice as fast as one of two
threads; on a GPU in stacks that are trained together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from course_utils.classify.together import train_together
from course_utils.classify.train import Optimizer, Transform, logits, train
from course_utils.core.parallel import as_completed, one_thread
from course_utils.core.seeds import generator
from course_utils.data.images import Images

PIXELS = 2**23  # of all pictures in one update of a stack: large batches keep a GPU busy alone, and fill its memory
SMALL = 100_000  # weights of a network, up to which many are trained in one stack; a wider one keeps a GPU busy alone

Answers = dict[str, Tensor]  # by test set: labels, int64, N, or probabilities, float32, N × K


@dataclass(frozen=True)
class Recipe:
    """How a classifier is trained: `network()` gives a fresh one, `optimizer(parameters)` its optimiser.

    precision: 'float32', 'bfloat16', or 'auto' for the faster one here, in training; answers are float32.
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


def predictions(
    jobs: Iterable[Keyed], tests: dict[str, Images], workers: int, together: int = 1
) -> Iterator[tuple[Hashable, Answers]]:
    """Yield (key, answers) of each job as it is done.

    workers: processes; 1 is this one, with the same numbers. together: train up to so many jobs of one recipe and
    transform in one stack, here (fewer where batches are large, see `PIXELS`, and one where networks are wide, see
    `SMALL`), with the same numbers up to rounding and dropped units. Jobs are taken when their turn comes, so that only
    a few training sets, or a stack's, are in memory.
    """
    if together > 1:
        yield from _in_stacks(jobs, tests, together)
        return
    here = one_thread() if workers == 1 else nullcontext()  # as in a worker
    with here, closing(as_completed(partial(_predict_keyed, tests), jobs, workers)) as done:
        yield from done


def _predict_keyed(tests: dict[str, Images], keyed: Keyed) -> tuple[Hashable, Answers]:
    key, job = keyed
    return key, predict(job, tests)


def _in_stacks(jobs: Iterable[Keyed], tests: dict[str, Images], together: int) -> Iterator[tuple[Hashable, Answers]]:
    stacks: dict[Hashable, dict[Hashable, Job]] = {}
    for key, job in jobs:
        if not _is_small(job):
            yield key, predict(job, tests)
            continue
        stack = stacks.setdefault((job.recipe, id(job.transform), job.images.shape), {})
        stack[key] = job
        _, height, width = job.images.shape
        if len(stack) >= min(together, PIXELS // (job.recipe.batch_size * height * width)):
            yield from zip(stack, predict_together(list(stack.values()), tests), strict=True)
            stack.clear()
    for stack in filter(None, stacks.values()):
        yield from zip(stack, predict_together(list(stack.values()), tests), strict=True)


def _is_small(job: Job) -> bool:
    with _own_randomness(job.images.device):
        return sum(weights.numel() for weights in job.recipe.network().parameters()) <= SMALL


def predict(job: Job, tests: dict[str, Images]) -> Answers:
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


def predict_together(jobs: Sequence[Job], tests: dict[str, Images]) -> list[Answers]:
    """Give what `predict` gives for each job, up to rounding and dropped units; recipe and transform are the first
    job's."""
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


def _answers(model: nn.Module, job: Job, tests: dict[str, Images]) -> Answers:
    answers = {name: logits(model, tests[name]) for name in job.tests}
    return {name: a.softmax(dim=1) if job.probabilities else a.argmax(dim=1) for name, a in answers.items()}


def _own_randomness(device: torch.device) -> AbstractContextManager:
    return torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])
