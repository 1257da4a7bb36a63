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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from course_utils import __version__
from course_utils.classify import train as classifier
from course_utils.data.images import Images
from course_utils.errors import CourseError
from course_utils.evaluate.classification import scores
from course_utils.evaluate.statistics import paired_differences, t_interval

Arm = Callable[[Images, torch.Generator], Images | tuple[Images, classifier.Transform]]
Key = tuple[str, int]  # (arm, seed)


@dataclass(frozen=True)
class Recipe:
    """How the classifier of every arm is trained: `network()` gives a fresh one, `optimizer(parameters)` its
    optimiser."""

    network: Callable[[], nn.Module]
    optimizer: classifier.Optimizer
    updates: int
    batch_size: int


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
    arms: dict[str, Arm],
    train: Images,
    tests: dict[str, Images],
    recipe: Recipe,
    seeds: Sequence[int],
    *,
    workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Train and score one classifier for each arm and seed.

    workers: processes of one thread each on the CPU; None means a process a core, 1 means here, with the same
    numbers. On a GPU runs follow one another. on_progress(done, of) is called after each run. Ctrl-C ends the
    workers at once.
    """
    jobs = [(arm, seed) for seed, arm in product(seeds, arms)]
    tests = {name: images.to(train.device) for name, images in tests.items()}
    workers = min(len(jobs), default_workers() if workers is None else workers)
    if train.device.type != "cpu":
        workers = 1
    predictions: dict[Key, dict[str, Tensor]] = {}
    for key, answer in _answers(jobs, lambda key: _make(arms[key[0]], train, key[1]), tests, recipe, workers):
        predictions[key] = answer
        if on_progress is not None:
            on_progress(len(predictions), len(jobs))
    rows = [
        {"arm": arm, "seed": seed, "test_set": name, "metric": metric, "value": value}
        for arm, seed in jobs
        for name, images in tests.items()
        for metric, value in scores(images.labels, predictions[arm, seed][name]).items()
    ]
    return Outcome(pd.DataFrame(rows), predictions)


def default_workers() -> int:
    """A process a core that this process may use, 8 at most (each holds PyTorch and one training set in memory)."""
    if "OMP_NUM_THREADS" in os.environ:
        return max(1, int(os.environ["OMP_NUM_THREADS"]))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, 8)


def generator(*key: int | str, device: torch.device | str = "cpu") -> torch.Generator:
    """A random generator of its own for each key, e.g. generator(seed, "batches"): streams do not touch each other."""
    words = [k if isinstance(k, int) else int.from_bytes(k.encode(), "big") for k in key]
    state = int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0] >> 1)
    return torch.Generator(device).manual_seed(state)


def _make(arm: Arm, train: Images, seed: int) -> tuple[Images, classifier.Transform | None]:
    made = arm(train, generator(seed, "arm"))
    images, transform = made if isinstance(made, tuple) else (made, None)
    if images.sealed:
        images.batches(1, generator(seed))  # raises, naming the set
    return images, transform


def _answers(
    jobs: list[Key],
    make: Callable[[Key], tuple[Images, classifier.Transform | None]],
    tests: dict[str, Images],
    recipe: Recipe,
    workers: int,
) -> Iterator[tuple[Key, dict[str, Tensor]]]:
    if workers == 1:
        with _threads(1):
            for key in jobs:
                yield key, _train_and_predict(recipe, *make(key), key[1], tests)
        return
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (_packed(tests), recipe))
    try:
        waiting, running = list(reversed(jobs)), {}
        while waiting or running:
            while waiting and len(running) <= workers:  # one more than workers: nobody idles, memory stays small
                key = waiting.pop()
                images, transform = make(key)
                running[pool.submit(_work, _packed({"": images}), transform, key[1])] = key
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                answer = {name: torch.from_numpy(p).long() for name, p in future.result().items()}
                yield running.pop(future), answer
    finally:
        for process in list((pool._processes or {}).values()):
            if waiting or running:  # interrupted or failed: do not wait for what nobody wants
                process.terminate()
        pool.shutdown(cancel_futures=True)


def _train_and_predict(
    recipe: Recipe, images: Images, transform: classifier.Transform | None, seed: int, tests: dict[str, Images]
) -> dict[str, Tensor]:
    with torch.random.fork_rng(devices=[images.device] if images.device.type == "cuda" else []):
        torch.manual_seed(generator(seed, "network").initial_seed())  # initial weights and dropout
        model = classifier.train(
            recipe.network(),
            images,
            recipe.optimizer,
            updates=recipe.updates,
            batch_size=recipe.batch_size,
            generator=generator(seed, "batches"),
            transform=transform,
        )
    return {name: classifier.logits(model, test).argmax(dim=1) for name, test in tests.items()}


# Pictures cross to a worker as plain arrays through its pipe: shared memory would be faster, and is 64 MiB in many
# containers.
def _packed(sets: dict[str, Images]) -> dict[str, tuple]:
    return {k: (i.pixels.numpy(), i.labels.numpy(), i.classes, i.name, i.sealed) for k, i in sets.items()}


def _unpacked(sets: dict[str, tuple]) -> dict[str, Images]:
    return {k: Images(torch.from_numpy(x), torch.from_numpy(y), *rest) for k, (x, y, *rest) in sets.items()}


def _start_worker(tests: dict[str, tuple], recipe: Recipe) -> None:
    global _worker
    torch.set_num_threads(1)
    _worker = (_unpacked(tests), recipe)


def _work(images: dict[str, tuple], transform: classifier.Transform | None, seed: int) -> dict[str, np.ndarray]:
    tests, recipe = _worker
    answers = _train_and_predict(recipe, _unpacked(images)[""], transform, seed, tests)
    return {name: p.to(torch.uint8).numpy() for name, p in answers.items()}


@contextmanager
def _threads(n: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


# ------------------------------------------------------------------ ready-made arms


def real(train: Images, rng: torch.Generator) -> Images:
    """The training set as it is."""
    return train


def classic(ranges: classifier.Transform) -> Arm:
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
