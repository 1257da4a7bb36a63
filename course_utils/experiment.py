"""Arms × seeds → one tidy table → the results JSON.

An *arm* is one way to make a training set: a function `(train, rng) -> Images`, or `-> (Images, transform)` where
the transform changes each batch afresh. Arms of one seed share the classifier's initial weights and the number of
optimiser updates, and are scored on the same sealed test images: that is what makes their differences paired.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from course_utils import __version__
from course_utils.classify.train import Transform
from course_utils.classify.workers import Job, Recipe, default_workers, predictions
from course_utils.data.images import Images
from course_utils.errors import CourseError
from course_utils.evaluate.classification import scores
from course_utils.evaluate.statistics import paired_differences, t_interval
from course_utils.seeds import generator

Arm = Callable[[Images, torch.Generator], Images | tuple[Images, Transform]]
Key = tuple[str, int]  # (arm, seed)


@dataclass(frozen=True)
class Plan:
    """One experiment: its arms, how the classifier of each is trained, and the names of the test sets that score it."""

    arms: dict[str, Arm]
    recipe: Recipe
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What an experiment gave.

    table: one row per arm, seed, test_set and metric, with its value. predictions: (arm, seed) → test set → int64
    labels, N.
    """

    table: pd.DataFrame
    predictions: dict[Key, dict[str, Tensor]]

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
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Outcome]:
    """Train and score one classifier for each plan, arm and seed; an `Outcome` a plan.

    workers: processes of one thread each on the CPU; None means a process a core, 1 means here, with the same
    numbers. On a GPU runs follow one another. on_progress(done, of) is called after each run. Ctrl-C ends the
    workers at once.
    """
    keys = [(name, arm, seed) for name, plan in plans.items() for seed in seeds for arm in plan.arms]
    tests = {name: images.to(train.device) for name, images in tests.items()}
    workers = min(len(keys), default_workers() if workers is None else workers)
    if train.device.type != "cpu":
        workers = 1

    def job(key: tuple[str, str, int]) -> Job:
        name, arm, seed = key
        plan = plans[name]
        made = plan.arms[arm](train, generator(seed, "arm"))
        images, transform = made if isinstance(made, tuple) else (made, None)
        return Job(plan.recipe, images, transform, seed, plan.tests)

    answers: dict[tuple[str, str, int], dict[str, Tensor]] = {}
    for key, answer in predictions(keys, job, tests, workers):
        answers[key] = answer
        if on_progress is not None:
            on_progress(len(answers), len(keys))
    return {
        name: _outcome({(arm, seed): answers[name, arm, seed] for seed in seeds for arm in plan.arms}, tests)
        for name, plan in plans.items()
    }


def _outcome(answers: dict[Key, dict[str, Tensor]], tests: dict[str, Images]) -> Outcome:
    rows = [
        {"arm": arm, "seed": seed, "test_set": name, "metric": metric, "value": value}
        for (arm, seed), by_test in answers.items()
        for name, labels in by_test.items()
        for metric, value in scores(tests[name].labels, labels).items()
    ]
    return Outcome(pd.DataFrame(rows), answers)


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
        pixels[places] = torch.randint(0, 256, (len(places), *train.shape), generator=rng, dtype=torch.uint8).to(pixels)
        return train.with_pixels(pixels)

    return arm


def placebo_repeat(n: int) -> Arm:
    """n pictures added that the training set already has: as many as a GAN adds, with nothing new in them."""

    def arm(train: Images, rng: torch.Generator) -> Images:
        return train.merge(train.subset(torch.randint(len(train), (n,), generator=rng)))

    return arm


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
        arms.setdefault(arm, {}).setdefault(metric, {})[test_set] = _cell(values)
    differences = {
        f"{arm} - {baseline}": {
            metric: {
                test_set: _cell(paired_differences(cell["values"], arms[baseline][metric][test_set]["values"]))
                for test_set, cell in by_test.items()
            }
            for metric, by_test in metrics.items()
        }
        for arm, metrics in arms.items()
        if arm != baseline
    }
    return {"arms": arms, "differences": differences}


def _cell(values: Sequence[float]) -> dict:
    interval = t_interval(values)
    return {
        "values": [round(float(v), 6) for v in values],
        "mean": round(interval.mean, 6),
        "ci95": [round(interval.lo, 6), round(interval.hi, 6)],
    }


def provenance(device: torch.device | str, started: float) -> dict:
    """wall_s since `started` (time.time()), device, versions and commit (with '+' when the tree has uncommitted
    changes)."""
    device = torch.device(device)
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    else:
        name = f"{platform.processor() or platform.machine()}, {default_workers()} cores"
    return {
        "wall_s": round(time.time() - started, 1),
        "device": f"{device.type} ({name})",
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
        here = Path(__file__).parent
        return subprocess.run(["git", *args], cwd=here, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", "../lessons")
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def save(results: dict, folder: Path) -> Path:
    """Write `results` to folder/<lesson>.json, beside first and renamed; raises CourseError where a required key
    is missing."""
    if missing := [key for key in REQUIRED if key not in results]:
        raise CourseError(f"results of {results.get('lesson', '?')} lack {', '.join(missing)}")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{results['lesson']}.json"
    part = path.with_suffix(".json.part")
    part.write_text(json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    os.replace(part, path)
    return path
