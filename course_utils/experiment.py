"""Arms × seeds → one tidy table → the results JSON.

An *arm* is one way to train: a function `(train, rng)` that returns the training `Images`, or `(Images, transform)`
where the transform changes each batch afresh, or a `Training`, which can also weigh the classes. Arms of one seed
share the classifier's initial weights and the number of optimiser updates, and are scored on the same sealed test
images: that is what makes their differences paired.
"""

from __future__ import annotations

import json
import platform
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from course_utils import __version__
from course_utils.cache import Cache
from course_utils.classify.train import Transform, balanced_weights
from course_utils.classify.workers import Job, Recipe, predictions
from course_utils.core import files
from course_utils.core.errors import CourseError
from course_utils.core.precision import resolve
from course_utils.core.seeds import generator
from course_utils.core.side_by_side import cores, default_workers
from course_utils.data.images import Images
from course_utils.evaluate.classification import scores
from course_utils.evaluate.statistics import paired_differences, t_interval

Key = tuple[str, int]  # (arm, seed)
Scores = Callable[[Tensor, Tensor], dict[str, float]]
STACK = 16  # classifiers trained together on a GPU


@dataclass(frozen=True)
class Training:
    """What an arm trains with: pictures, what changes each batch afresh, and the loss's weights, float32, one a
    class."""

    images: Images
    transform: Transform | None = None
    class_weights: Tensor | None = None


Arm = Callable[[Images, torch.Generator], Images | tuple[Images, Transform] | Training]


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
    labels, N, or the plan's probabilities. cached: how many of its runs were found in the cache and not trained.
    """

    table: pd.DataFrame
    predictions: dict[Key, dict[str, Tensor]]
    cached: int = 0

    def values(self, arm: str, test_set: str, metric: str = "accuracy") -> np.ndarray:
        """One value a seed, in the order of the seeds."""
        t = self.table
        mine = t[(t["arm"] == arm) & (t["test_set"] == test_set) & (t["metric"] == metric)]
        if mine.empty:
            raise CourseError(f"no {metric} of arm {arm!r} on {test_set!r}; arms: {', '.join(t['arm'].unique())}")
        return mine.sort_values("seed")["value"].to_numpy()


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
    """Train and score one classifier for each plan, arm and seed; an `Outcome` a plan.

    workers: processes of one thread each on the CPU; None means a process a core, 1 means here, with the same
    numbers. together: classifiers trained in one stack, here; None means `STACK` on a GPU, else 1. cache: a folder in
    which finished runs are kept and found again, see `course_utils.cache`. scores: (labels, predictions) → metrics by
    name. on_progress(done, of) is called after each
    run. Ctrl-C ends the workers at once. Raises CourseError where an arm returns no training set.
    """
    keys = [(name, arm, seed) for name, plan in plans.items() for seed in seeds for arm in plan.arms]
    device = train.device
    tests = {name: images.to(device) for name, images in tests.items()}
    workers = 1 if device.type != "cpu" else min(len(keys), default_workers() if workers is None else workers)
    together = (STACK if device.type == "cuda" else 1) if together is None else together
    store = Cache(cache, tests, stacked=together > 1)
    answers: dict[tuple[str, str, int], dict[str, Tensor]] = {}
    cached = dict.fromkeys(plans, 0)

    def done(key: tuple[str, str, int], answer: dict[str, Tensor]) -> None:
        answers[key] = answer
        if on_progress is not None:
            on_progress(len(answers), len(keys))

    def unfinished(key: tuple[str, str, int]) -> Job | None:
        name, arm, seed = key
        plan = plans[name]
        made = _training(arm, plan.arms[arm](train, generator(seed, "arm")))
        recipe = replace(plan.recipe, precision=resolve(plan.recipe.precision, device))
        job = Job(recipe, made.images, made.transform, seed, plan.tests, made.class_weights, plan.probabilities)
        answer = store.find(key, job)
        if answer is None:
            return job
        cached[name] += 1
        done(key, answer)
        return None

    for key, answer in predictions(keys, unfinished, tests, workers, together):
        store.keep(key, answer)
        done(key, answer)
    return {
        name: _outcome({(a, s): answers[name, a, s] for s in seeds for a in plan.arms}, tests, scores, cached[name])
        for name, plan in plans.items()
    }


def _training(arm: str, made: object) -> Training:
    if isinstance(made, Images):
        return Training(made)
    if isinstance(made, tuple):
        return Training(*made)
    if isinstance(made, Training):
        return made
    raise CourseError(f"arm {arm!r} returned {type(made).__name__}, expected Images, (Images, transform) or Training")


def _outcome(answers: dict[Key, dict[str, Tensor]], tests: dict[str, Images], scores: Scores, cached: int) -> Outcome:
    rows = [
        {"arm": arm, "seed": seed, "test_set": name, "metric": metric, "value": value}
        for (arm, seed), by_test in answers.items()
        for name, predictions in by_test.items()
        for metric, value in scores(tests[name].labels, predictions).items()
    ]
    return Outcome(pd.DataFrame(rows), answers, cached)


# ------------------------------------------------------------------ ready-made arms


def real(train: Images, rng: torch.Generator) -> Images:
    """The training set as it is."""
    return train


def classic(ranges: Transform) -> Arm:
    """Every batch augmented afresh with the given ranges."""
    return lambda train, rng: (train, ranges)


def placebo_noise(n: int) -> Arm:
    """n random training pictures turned into uniform noise under their old labels."""

    def arm(train: Images, rng: torch.Generator) -> Images:
        pixels = train.pixels.clone()
        places = torch.randperm(len(train), generator=rng)[:n]
        pixels[places] = noise(len(places), train, rng).to(pixels)
        return train.with_pixels(pixels)

    return arm


def placebo_repeat(n: int) -> Arm:
    """n pictures added that the training set already has: as many as a GAN adds, with nothing new in them."""

    def arm(train: Images, rng: torch.Generator) -> Images:
        return train.merge(train.subset(torch.randint(len(train), (n,), generator=rng)))

    return arm


def weighted(train: Images, rng: torch.Generator) -> Training:
    """The training set as it is, under a loss that weighs each class inversely to its frequency."""
    return Training(train, class_weights=balanced_weights(train))


def oversample(train: Images, rng: torch.Generator) -> Images:
    """Each class as large as the largest, by repeating pictures of its own, drawn at random."""
    counts = train.counts().tolist()
    extra = []
    for label, count in enumerate(counts):
        mine = torch.nonzero(train.labels == label).flatten()
        if count:
            extra.append(mine[torch.randint(count, (max(counts) - count,), generator=rng)])
    return train.merge(train.subset(torch.cat(extra)))


def top_up(label: int, make: Callable[[int, Images, torch.Generator], Tensor]) -> Arm:
    """Pictures of one class added until it is as large as the others are on average.

    make(n, train, rng) gives them: uint8, n × C × H × W. A class that is large enough stays as it is.
    """

    def arm(train: Images, rng: torch.Generator) -> Images:
        counts = train.counts().tolist()
        mine = counts.pop(label)
        n = round(sum(counts) / len(counts)) - mine
        if n <= 0:
            return train
        pixels = make(n, train, rng).to(train.device)
        labels = torch.full((n,), label, device=train.device)
        return train.merge(Images(pixels, labels, train.classes, f"{n} pictures made for class {label}"))

    return arm


def hybrid(share: float | Sequence[float], make: Callable[[Tensor, Images, torch.Generator], Tensor]) -> Arm:
    """As many pictures of each class as before, of which a `share` (0..1, or one a class) is real and the rest made.

    make(labels, kept, rng) gives the pictures for those labels, uint8, n × C × H × W; `kept` are the real ones that
    stay. Arms of one share and seed keep the same ones, and a smaller share keeps a part of what a larger one keeps.
    """

    def arm(train: Images, rng: torch.Generator) -> Images:
        kept, gone = train.split(share, rng)
        if not len(gone):
            return kept
        pixels = make(gone.labels, kept, rng).to(train.device)
        return kept.merge(Images(pixels, gone.labels, train.classes, f"{len(gone)} pictures made"))

    return arm


def added(make: Callable[[Tensor, Images, torch.Generator], Tensor], ratio: float = 1.0) -> Arm:
    """`ratio` made pictures added for each picture of the training set, of classes as frequent as there.

    make(labels, train, rng) gives the pictures for those labels, uint8, n × C × H × W.
    """

    def arm(train: Images, rng: torch.Generator) -> Images:
        n = round(ratio * len(train))
        labels = train.labels[torch.randperm(len(train), generator=rng).to(train.device)]
        labels = labels.repeat(-(-n // len(train)))[:n]
        pixels = make(labels, train, rng).to(train.device)
        return train.merge(Images(pixels, labels, train.classes, f"{n} pictures made"))

    return arm


def repeats(labels: Tensor, train: Images, rng: torch.Generator) -> Tensor:
    """A picture of `train` for each label, int64, n, drawn at random from its class: the placebo of `hybrid`.

    Raises CourseError where a class has none.
    """
    if missing := sorted(set(labels.tolist()) - set(train.labels.tolist())):
        raise CourseError(f"{train.name} has no picture of class {missing[0]} to repeat; keep a larger share of it")
    pick = torch.empty_like(labels)
    for label in labels.unique():
        places, mine = torch.nonzero(labels == label).flatten(), torch.nonzero(train.labels == label).flatten()
        pick[places] = mine[torch.randint(len(mine), (len(places),), generator=rng).to(mine.device)]
    return train.pixels[pick]


def noise(n: int, train: Images, rng: torch.Generator) -> Tensor:
    """n pictures of uniform noise, uint8, n × C × H × W: what `top_up` makes a placebo of."""
    return torch.randint(0, 256, (n, *train.shape), generator=rng, dtype=torch.uint8)


# ------------------------------------------------------------------ results


REQUIRED = (
    *("lesson", "title", "profile", "data", "seeds", "updates", "arms", "differences", "verdict"),
    *("wall_s", "device", "versions", "commit"),
)


def summary(outcome: Outcome, baseline: str) -> dict[str, dict]:
    """`arms` and `differences` of the results JSON: values a seed, mean and 95 % interval of each."""
    arms: dict[str, dict] = {}
    for (arm, metric, test_set), rows in outcome.table.groupby(["arm", "metric", "test_set"], sort=False):
        values = rows.sort_values("seed")["value"].to_numpy()
        arms.setdefault(arm, {}).setdefault(metric, {})[test_set] = entry(values)
    differences = {
        f"{arm} - {baseline}": {
            metric: {
                test_set: entry(paired_differences(cell["values"], arms[baseline][metric][test_set]["values"]))
                for test_set, cell in by_test.items()
            }
            for metric, by_test in metrics.items()
        }
        for arm, metrics in arms.items()
        if arm != baseline
    }
    return {"arms": arms, "differences": differences}


def entry(values: Sequence[float]) -> dict:
    """What the results JSON holds of one measure: its values, one a seed, their mean and 95 % interval."""
    interval = t_interval(values)
    return {
        "values": [round(float(v), 6) for v in values],
        "mean": round(interval.mean, 6),
        "ci95": [round(interval.lo, 6), round(interval.hi, 6)],
    }


def provenance(device: torch.device | str, started: float) -> dict:
    """wall_s since `started` (time.monotonic(), which no setting of the clock moves), device, the precision that `auto`
    means there, versions and commit: with '+' when course_utils or lessons differ from it, new files included; None
    where no repository holds course_utils."""
    device = torch.device(device)
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    else:
        name = f"{platform.processor() or platform.machine()}, {cores()} cores"
    return {
        "wall_s": round(time.monotonic() - started, 1),
        "device": f"{device.type} ({name})",
        "precision": resolve("auto", device),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "course_utils": __version__,
        },
        "commit": _commit(),
    }


def _commit() -> str | None:
    def git(*args: str) -> str:
        # A checkout of another user is trusted, as its Python is; no program that its settings name is started.
        trusting = ["git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false"]
        here = Path(__file__).parent
        return subprocess.run([*trusting, *args], cwd=here, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", Path(__file__).name)  # or it is installed within somebody else's repository
        changed = git("status", "--porcelain", "--untracked-files=normal", "--", ".", "../lessons")
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def save(results: dict, folder: Path) -> Path:
    """Write `results` to folder/<lesson>.json, whole or not at all; raises CourseError where a required key is
    missing, NotWritten where the folder takes no file."""
    if missing := [key for key in REQUIRED if key not in results]:
        raise CourseError(f"results of {results.get('lesson', '?')} lack {', '.join(missing)}")
    path = folder / f"{results['lesson']}.json"
    files.write(path, json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    return path
