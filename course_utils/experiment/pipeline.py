"""Train and score every arm for every seed: jobs → found or to do → workers → store → scores → one tidy table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from torch import Tensor

from course_utils.classify.jobs import Answers, Job, Recipe, predict, predict_together, predictions
from course_utils.core.errors import CourseError
from course_utils.core.parallel import default_workers
from course_utils.core.precision import resolve
from course_utils.core.seeds import generator
from course_utils.core.store import Store
from course_utils.data.images import Images
from course_utils.evaluate.classification import scores
from course_utils.evaluate.statistics import paired_differences
from course_utils.experiment.arms import Arm, Training

Key = tuple[str, str, int]  # (plan, arm, seed)
Scores = Callable[[Tensor, Tensor], dict[str, float]]
STACK = 400  # classifiers trained together on a GPU, at most


@dataclass(frozen=True)
class Plan:
    """One experiment: its arms, how the classifier of each is trained, and the names of the test sets that score it.

    probabilities: keep and score the probabilities of all classes, float32, N × K, and not the likeliest class.
    """

    arms: dict[str, Arm]
    recipe: Recipe
    tests: tuple[str, ...]
    probabilities: bool = False


@dataclass(frozen=True)
class Outcome:
    """What an experiment gave.

    table: one row per arm, seed, test_set and metric, with its value. predictions: (arm, seed) → test set → int64
    labels, N, or the plan's probabilities. cached: how many of its runs were found finished, and not trained.
    """

    table: pd.DataFrame
    predictions: dict[tuple[str, int], Answers]
    cached: int = 0

    def values(self, arm: str, test_set: str, metric: str = "accuracy") -> np.ndarray:
        """Give one value a seed, in the order of the seeds."""
        t = self.table
        mine = t[(t["arm"] == arm) & (t["test_set"] == test_set) & (t["metric"] == metric)]
        if mine.empty:
            raise CourseError(f"no {metric} of arm {arm!r} on {test_set!r}; arms: {', '.join(t['arm'].unique())}")
        return mine.sort_values("seed")["value"].to_numpy()

    def paired(self, arm: str, other: str, test_set: str = "test", metric: str = "accuracy") -> np.ndarray:
        """Subtract `other` from `arm`, seed by seed: one difference a seed, in the order of the seeds."""
        return paired_differences(self.values(arm, test_set, metric), self.values(other, test_set, metric))


def run(
    plans: dict[str, Plan],
    train: Images,
    tests: dict[str, Images],
    seeds: Sequence[int],
    *,
    workers: int | None = None,
    together: int | None = None,
    cache: Path | None = None,
    scores: Scores = scores,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Outcome]:
    """Train and score one classifier for each plan, arm and seed; return an `Outcome` a plan.

    workers: processes of one thread each on the CPU; None means `default_workers()`, 1 means here, with the same
    numbers. together: classifiers trained in one stack, here; None means `STACK` on a GPU, else 1. cache: a folder in
    which finished runs are kept and found again, see `core.store`. scores: (labels, predictions) → metrics by name.
    on_progress(done, of) is called after each run that is trained, and at the end if some were found. Ctrl-C ends the
    workers at once. Raises CourseError where an arm returns no training set, or a worker dies.
    """
    device = train.device
    tests = {name: images.to(device) for name, images in tests.items()}
    count = len(seeds) * sum(len(plan.arms) for plan in plans.values())
    workers = 1 if device.type != "cpu" else min(count, default_workers() if workers is None else workers)
    together = (STACK if device.type == "cuda" else 1) if together is None else together
    report = on_progress or (lambda done, of: None)
    store = Store(cache)
    found: dict[Key, Answers] = {}
    trained: dict[Key, Answers] = {}

    todo = _split(_jobs(plans, train, seeds), store, tests, together > 1, found)
    with closing(predictions(todo, tests, workers, together)) as done:
        for (key, path), answers in done:
            store.keep(path, {name: a if a.is_floating_point() else a.short() for name, a in answers.items()})
            trained[key] = answers
            report(len(found) + len(trained), count)
    if found:
        report(count, count)
    answers = found | trained
    outcomes = {}
    for name, plan in plans.items():
        its_own = {(arm, seed): answers[name, arm, seed] for seed in seeds for arm in plan.arms}
        outcomes[name] = _score(its_own, tests, scores, cached=sum(key[0] == name for key in found))
    return outcomes


def _jobs(plans: dict[str, Plan], train: Images, seeds: Sequence[int]) -> Iterator[tuple[Key, Job]]:
    """Make the job of each plan, seed and arm when it is asked for, so that few training sets are in memory."""
    for name, plan in plans.items():
        recipe = replace(plan.recipe, precision=resolve(plan.recipe.precision, train.device))
        for seed in seeds:
            for arm, make in plan.arms.items():
                made = _training(arm, make(train, generator(seed, "arm")))
                images, transform, weights = made.images, made.transform, made.class_weights
                yield (name, arm, seed), Job(recipe, images, transform, seed, plan.tests, weights, plan.probabilities)


def _training(arm: str, made: object) -> Training:
    if isinstance(made, Images):
        return Training(made)
    if isinstance(made, tuple):
        return Training(*made)
    if isinstance(made, Training):
        return made
    raise CourseError(f"arm {arm!r} returned {type(made).__name__}, expected Images, (Images, transform) or Training")


def _split(
    jobs: Iterable[tuple[Key, Job]],
    store: Store,
    tests: dict[str, Images],
    stacked: bool,
    found: dict[Key, Answers],
) -> Iterator[tuple[tuple[Key, Path | None], Job]]:
    """Yield the jobs that are not finished, each with its key and the file to keep its answers in; put the answers of
    the others into `found`.

    A job is known by the pictures that its arm made, not by the arm; and by the test sets' pictures. stacked: whether
    it is trained in a stack, which rounds differently and drops other units.
    """
    code = predict_together if stacked else predict
    digests = {name: images.digest() for name, images in tests.items()}
    for key, job in jobs:
        device = job.images.device
        scored_on = [digests[name] for name in job.tests]
        # training refuses a sealed set, even where the same pictures were trained on before
        path = None if job.images.sealed else store.path(code, Images, job, device.type, scored_on)
        answers = store.find(path)
        if answers is None:
            yield (key, path), job
        else:
            both = ((name, answers[name].to(device)) for name in job.tests)
            found[key] = {name: a if a.is_floating_point() else a.long() for name, a in both}


def _score(answers: dict[tuple[str, int], Answers], tests: dict[str, Images], scores: Scores, cached: int) -> Outcome:
    rows = [
        {"arm": arm, "seed": seed, "test_set": name, "metric": metric, "value": value}
        for (arm, seed), by_test in answers.items()
        for name, predictions in by_test.items()
        for metric, value in scores(tests[name].labels, predictions).items()
    ]
    return Outcome(pd.DataFrame(rows), answers, cached)
