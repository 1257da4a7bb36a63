"""`python -m benchmarks.gpu`: what a GPU gains when a step is recorded, and when many seeds are trained at once.

Each row pits two ways of the course's own loop against each other, in turns: the step replayed as one CUDA graph
against the same step launch by launch (goal 4); bfloat16 against float32 as TF32; sixteen seeds in one stack against
one after the other (goal 8); last, many small classifiers. Writes results/benchmarks/gpu.json after each row, of the
form of build/bench.json; a row that breaks has an `error` in place of its figures. Without a GPU it says so and ends
with 2; `--device cpu --quick` tries all parts.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measure import Contender, Row, counted, measured, one_after_another, peaks, table, turns
from benchmarks.methods import METHODS, Method
from course_utils.classify.jobs import Job, Recipe, predictions
from course_utils.classify.networks import LeNet
from course_utils.classify.train import adam
from course_utils.classify.train import training as training_of
from course_utils.core import files
from course_utils.core.precision import fastest
from course_utils.core.profiles import ROOT
from course_utils.core.stacked import Stacked
from course_utils.data import sources
from course_utils.data.images import Images
from course_utils.experiment import provenance
from course_utils.gan.batches import Batches
from course_utils.gan.recipes import train_fc_gans
from course_utils.gan.train import Step, training

SEEDS = 16
NAMES = ("FC GAN B 64", "DCGAN-28 B 64", "ACGAN-28 B 100")
FOREVER = 1_000_000  # turns, more than any run takes


def rows(images: Images, quick: bool) -> Iterator[Row]:
    """Recorded against eager, then many seeds against one by one, for each method."""
    n, seeds = (1, 2) if quick else (50, SEEDS)
    methods = [method for method in METHODS if method.name in NAMES]
    fastest(images.device.type)  # now: its products would be counted with the first method's
    flops = {method.name: n * counted(run(method, images, 1, capture=False)) for method in methods}
    for method in methods:
        ways = (run(method, images, n, capture=capture) for capture in (True, False))
        work = {"images": n * method.batch, "flops": flops[method.name]}
        yield _row(f"{method.name}, recorded", 4, method, work, *ways)
    for method in methods:
        ways = (run(method, images, n, precision=number_format) for number_format in ("bfloat16", "float32"))
        work = {"images": n * method.batch, "flops": flops[method.name]}
        yield _row(f"{method.name}, bf16/TF32", 1, method, work, *ways)
    for method in methods:
        one_by_one = one_after_another([run(method, images, n, seed) for seed in range(seeds)])
        work = {"images": seeds * n * method.batch, "flops": seeds * flops[method.name]}
        yield _row(f"{method.name}, {seeds} seeds", 8, method, work, run_stacked(method, images, n, seeds), one_by_one)

    yield classifiers(images, 2 * n, 2 if quick else 64)


def classifiers(images: Images, updates: int, seeds: int) -> Row:
    """Small classifiers of many seeds, in one stack and one graph against a graph each; both with their recording."""
    recipe = Recipe(LeNet, adam(), updates, batch_size=64)
    jobs = [(seed, Job(recipe, images, None, seed, ())) for seed in range(seeds)]

    def turns(together: int) -> Contender:
        while True:
            start = time.perf_counter()
            list(predictions(jobs, {}, 1, together))
            if images.device.type == "cuda":
                torch.cuda.synchronize()
            yield time.perf_counter() - start

    settings = {"updates": 1, "batch_size": 64, "generator": torch.Generator()}
    with FlopCounterMode(display=False) as counter:
        next(training_of(LeNet(), images, adam(), **settings))
    pictures, flops = seeds * updates * 64, seeds * updates * counter.get_total_flops()
    return Row(f"LeNet, {seeds} seeds", 8, "convolution", pictures, turns(seeds), turns(1), flops)


def _row(name: str, goal: float, method: Method, work: dict[str, int], ours: Contender, plain: Contender) -> Row:
    return Row(name, goal, method.kind, work["images"], ours, plain, work["flops"])


def run(method: Method, images: Images, n: int, seed: int = 0, **settings: object) -> Contender:
    """One training run, n steps and a look at its losses a turn, which waits for the GPU."""
    ours = method.ours(images, seed)
    return _turns(ours.step, ours.G, ours.D, ours.batches, n, **settings)


def run_stacked(method: Method, images: Images, n: int, seeds: int) -> Contender:
    """As many runs in one stack: that of the networks themselves where they have one, or else vmap's."""
    if method.kind == "matrix":
        stack = train_fc_gans([images] * seeds, 1, 0, batch=method.batch, stop_on_collapse=False)
        return _turns(stack.step, stack.G, stack.D, stack.batches, n)
    ours = [method.ours(images, seed) for seed in range(seeds)]
    G, D = (Stacked([getattr(run, net) for run in ours]) for net in "GD")

    def together(n: int) -> tuple[torch.Tensor, ...]:
        return tuple(torch.stack(parts) for parts in zip(*(run.batches(n) for run in ours), strict=True))

    return _turns(ours[0].step, G, D, together, n)


def _turns(step: Step, G: torch.nn.Module, D: torch.nn.Module, data: Batches, n: int, **settings: object) -> Contender:
    run = {"steps": n * FOREVER, "reports": FOREVER, "seed": 0, "stop_on_collapse": False, **settings}
    return turns(training(step, G, D, data, **run))


def main(argv: list[str] | None = None) -> int:
    """Measure row by row, printing and writing each; exit code 1 if one broke, 2 without a GPU."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="cuda", help="cuda; cpu only to try all parts")
    parser.add_argument("--quick", action="store_true", help="a step a turn: tries all parts, measures nothing")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "benchmarks" / "gpu.json")
    options = parser.parse_args(argv)
    if options.device == "cuda" and not torch.cuda.is_available():
        print("benchmarks.gpu: no GPU here; run it on a machine with one, or try its parts: --device cpu --quick")
        return 2

    torch.set_float32_matmul_precision("high")  # so that float32 means TF32 in all products
    started, rounds = time.monotonic(), 1 if options.quick else 5
    source = "auto" if "COURSE_DATA" in os.environ else "standin"  # never a download
    digits = sources.load("mnist", source, scale=0.2 if options.quick else 1)
    print(digits.announce())
    peak = peaks(256, 2, options.device) if options.quick else peaks(8192, 10, options.device)
    results: list[dict] = []

    def each_row() -> Iterator[dict]:
        for row in rows(digits["train"].to(options.device), options.quick):
            results.append(_tried(row, rounds, peak))
            found = {"rows": results, "peak": peak, "quick": options.quick, "data": digits.source}
            found |= provenance(options.device, started)
            files.write(options.out, json.dumps(found, indent=1, allow_nan=False) + "\n")
            yield results[-1]

    for line in table(each_row()):
        print(line, flush=True)
    print(f"written to {options.out}")
    return int(any("error" in row for row in results))


def _tried(row: Row, rounds: int, peak: dict[str, dict[str, float]]) -> dict:
    """The row as measured, or with its error: what others found is not lost with it."""
    try:
        return measured(row, rounds, peak)
    except Exception as error:
        line = next(iter(str(error).splitlines()), "")
        return {"name": row.name, "error": f"{type(error).__name__}: {line}"}


if __name__ == "__main__":
    sys.exit(main())
