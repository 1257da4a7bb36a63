"""`python -m benchmarks.diffusion`: the diffusion model against conditional GANs, each trained for the same time.

Time is that of one processor, so that a busy machine does not change the result; the few steps from which a method's
speed is measured do not count, nor does drawing, which is told apart. Writes build/diffusion.json: methods {name:
{steps [one a seed], train_s, draw_s (of n pictures), fd_lenet, coverage, conditional_accuracy, gan_train {values, mean,
ci95}}}, real {the same measures of n training pictures}, n, seconds, images, judge, load, data, and where it was
measured. gan_train: accuracy on test pictures of a LeNet trained on n fakes. Data as in `python -m benchmarks`.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch

from benchmarks.measure import write
from benchmarks.quality import Judge
from course_tools import output
from course_utils.classify.networks import LeNet
from course_utils.classify.train import adam, logits, train
from course_utils.core.parallel import one_thread
from course_utils.core.profiles import ROOT
from course_utils.core.seeds import generator
from course_utils.data import sources
from course_utils.data.images import Images
from course_utils.evaluate.class_scores import conditional_accuracy, gan_train
from course_utils.evaluate.samples import density_and_coverage, fd_lenet, features
from course_utils.evaluate.statistics import t_interval
from course_utils.experiment import provenance
from course_utils.gan.recipes import Training, train_acgan, train_ccgan, train_diffusion, train_projection_gan
from course_utils.gan.train import sample

METHODS: dict[str, Callable[..., Training]] = {
    "diffusion": train_diffusion,
    "verdict's projection GAN": partial(train_projection_gan, width=0.5),
    "paper 4's CCGAN": train_ccgan,
    "paper 5's ACGAN": train_acgan,
}
MEASURES = ("fd_lenet", "coverage", "conditional_accuracy", "gan_train")


def affordable(recipe: Callable[..., Training], images: Images, seconds: float) -> int:
    """Count the steps that take `seconds`, from two short runs, whose difference is free of start and end."""
    few, more = (2, 12)
    taken = []
    for steps in (few, few, more):  # the first warms up
        start = time.process_time()
        recipe(images, steps, 0, reports=1, stop_on_collapse=False).finish()
        taken.append(time.process_time() - start)
    return max(1, round(seconds * (more - few) / (taken[2] - taken[1])))


def scores(judge: Judge, fake: Images, test: Images, updates: int) -> dict[str, float]:
    """Measure pictures, generated or real, against the test set; GAN-train: a LeNet with that many updates."""

    def classifier(lessons: Images) -> Callable[[Images], torch.Tensor]:
        torch.manual_seed(0)
        model = train(LeNet(), lessons, adam(), updates=updates, batch_size=64, generator=generator(0, "gan-train"))
        return lambda exam: logits(model, exam).argmax(dim=1)

    seen = (features(judge.lenet, part[: judge.n]) for part in (judge.real, fake.pixels))
    values = (
        fd_lenet(judge.lenet, judge.real, fake.pixels, judge.n),
        density_and_coverage(*seen)[1],
        conditional_accuracy(judge.lenet, fake.pixels, fake.labels),
        gan_train(classifier, fake, test),
    )
    return dict(zip(MEASURES, values, strict=True))


def contest(
    recipe: Callable[..., Training], images: Images, seed: int, steps: int, score: Callable[[Images], dict], n: int
) -> dict[str, float]:
    """Train one generator, draw n pictures and measure them."""
    start = time.process_time()
    G = recipe(images, steps, seed, reports=1, stop_on_collapse=False).finish().generator
    trained = time.process_time()
    z, c = G.prior(n, generator(seed, "judged"))
    fake = Images(sample(G, z, c), c, images.classes, "fakes")
    spent = {"train_s": trained - start, "draw_s": time.process_time() - trained}
    return {"steps": steps, **spent, **score(fake)}


def told(runs: list[dict[str, float]]) -> dict:
    """Put the runs of one method together: values of each seed, and of measures mean and 95 % interval too."""
    found = {name: [round(run[name], 4) for run in runs] for name in runs[0]}
    for name in MEASURES:
        interval = t_interval([run[name] for run in runs])
        ends = [round(interval.lo, 4), round(interval.hi, 4)]
        found[name] = {"values": found[name], "mean": round(interval.mean, 4), "ci95": ends}
    return found


def row(name: str, found: dict) -> str:
    """One line of the table: the means."""
    values = (found[measure] if name == "real" else found[measure]["mean"] for measure in MEASURES)
    steps = "" if name == "real" else f"{found['steps'][0]:,}"
    return f"{name:26}{steps:>8}" + "".join(f"{value:>22.3f}" for value in values)


def main() -> None:
    """Train and measure method by method, printing each; then write the JSON whole."""
    output.prepare()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diffusion", description=__doc__.partition("\n")[0])
    parser.add_argument("--data", choices=("mnist", "fashion"), default="fashion", help="default: fashion")
    parser.add_argument("--images", type=int, default=0, help="train on that many of its pictures; 0 for all")
    parser.add_argument("--seconds", type=float, default=60, help="of training, for each method and seed; default: 60")
    parser.add_argument("--seeds", type=int, default=2, help="default: 2, the fewest that have an interval")
    parser.add_argument("--n", type=int, default=1000, help="pictures to draw and measure; default: 1000")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "diffusion.json", help="where the JSON goes")
    options = parser.parse_args()

    started = time.monotonic()
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    data = sources.load(options.data, "auto" if "COURSE_DATA" in os.environ else "standin")
    print(data.announce())
    images, test = data["train"], data["test"]
    judge = Judge.trained(images, test, 3000, options.n)
    real = images.sample(options.n, generator("real"))
    if options.images:
        images = images.sample(options.images, generator("few"))
    score = partial(scores, judge, test=test, updates=1000)
    found = {"methods": {}, "real": {name: round(value, 4) for name, value in score(real).items()}}

    def lines() -> Iterator[str]:
        yield f"{'':26}{'steps':>8}" + "".join(f"{measure:>22}" for measure in MEASURES)
        yield row("real", found["real"])
        for name, recipe in METHODS.items():
            steps = affordable(recipe, images, options.seconds)
            runs = [contest(recipe, images, seed, steps, score, options.n) for seed in range(options.seeds)]
            found["methods"][name] = told(runs)
            yield row(name, found["methods"][name])

    with one_thread():
        for line in lines():
            print(line, flush=True)
    about = {"n": options.n, "seconds": options.seconds, "images": len(images), "judge": judge.facts, "load": load}
    write(found | about | {"data": {data.name: data.source}} | provenance("cpu", started), options.out)


if __name__ == "__main__":
    main()
