"""Plan what a verdict can afford: measures this machine for a minute, and divides the hours among what is to be
computed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch

from course_utils.classify import train as classify
from course_utils.core.parallel import one_thread
from course_utils.core.seeds import generator
from course_utils.data.images import Images
from course_utils.verdict import work
from course_utils.verdict.work import BATCH, UNEVEN, VALIDATION, Data, held_back

RATIOS = (0.25, 0.5, 2.0, 4.0)
MOST_UPDATES, ENOUGH_UPDATES, FEWEST_UPDATES = 3000, 1000, 200
ENOUGH_PASSES = 40  # over a small training set
MOST_STEPS, FEWEST_STEPS = 20_000, 600
SEEDS, FEW_SEEDS = 5, 3
POOL = 2**28  # bytes of made pictures that one generator leaves
SHARES = {"generators": 0.5, "classifiers": 0.35}
"""How the time is divided; what is left is for the judge, the measures and a margin."""


@dataclass
class Plan:
    """What is computed, as `work.jobs` takes it, with the minutes of each part here and what is left out, and why."""

    settings: dict[str, Any]
    minutes: dict[str, float] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Write the plan, a line a part."""
        S = self.settings
        lines = [
            f"{S['seeds']} seeds; {len(S['arms'])} arms: {', '.join(S['arms'])}",
            *(f"{method}: {S['steps'][method]:,} steps a seed" for method in S["methods"]),
            f"classifier: {S['classifier']}, up to {S['most_updates']:,} updates of {BATCH}",
            *(f"{part}: about {minutes:.0f} min" for part, minutes in self.minutes.items()),
            *(f"left out: {what}" for what in self.left_out),
        ]
        return "\n".join(lines)


def plan(
    data: Data,
    hours: float,
    *,
    seeds: int = SEEDS,
    workers: int = 1,
    train: bool = True,
    classifier: str = "auto",
    weights: str = "",
    flip: str = "auto",
    matters: float = 1.0,
) -> Plan:
    """Measure this machine and plan a verdict of so many hours on so many processes.

    train: with generators of its own, not only with the user's synthetic pictures. classifier: "small", "resnet18" or
    "auto": the larger one for pictures of 64 pixels and more where it can be trained in the time. weights, flip: see
    `work`. matters: the smallest difference that matters, in points.
    """
    images, width = data.known, 1.0 if hours >= 4 or torch.cuda.is_available() else 0.5
    methods = list(work.GENERATORS) if train else []
    with one_thread():
        step = {method: _seconds_a_step(_generator(method, images, width)) for method in methods}
        names = _classifiers(classifier, images.shape[-1], weights)
        update = {name: _seconds_a_step(_classifier(name, images)) for name in names}
    seconds = {part: share * 3600 * hours * workers for part, share in SHARES.items()}
    if not methods:
        seconds["classifiers"] += seconds["generators"]
    chosen = Plan(
        {"seeds": seeds, "methods": methods, "width": width, "arms": _arms(data, methods), "weights": weights}
    )
    chosen.settings |= {"rate": 1e-3, "flip": flip, "tuned": 2, "matters": matters}
    _divide_generators(chosen, step, seconds["generators"])
    n = round(len(images) * (1 - VALIDATION) * (1 - held_back(data)))
    _divide_classifiers(chosen, update, seconds["classifiers"], n)
    _keep_few_pictures(chosen, images, n)
    chosen.minutes = {part: round(spent / workers / 60, 1) for part, spent in chosen.minutes.items()}
    return chosen


def _divide_generators(plan: Plan, step: dict[str, float], seconds: float) -> None:
    """Give each method an equal share of the time; leave diffusion out where that is too little for it."""
    S = plan.settings

    def steps() -> dict[str, int]:
        return {m: int(seconds / (len(S["methods"]) * S["seeds"] * step[m])) for m in S["methods"]}

    if "diffusion" in S["methods"] and steps()["diffusion"] < FEWEST_STEPS:
        S["methods"].remove("diffusion")
        _leave_out(plan, "diffusion: too few steps in the time; give more --hours", source="diffusion")
    S["steps"] = {method: max(50, min(MOST_STEPS, number)) for method, number in steps().items()}
    plan.minutes |= {method: S["steps"][method] * step[method] * S["seeds"] for method in S["methods"]}


def _divide_classifiers(plan: Plan, update: dict[str, float], seconds: float, n: int) -> None:
    """Choose the classifier and its updates; where there is too little time, leave out ratios, mixup, and last seeds.

    n: training pictures. Seeds go last: three see little, because their own spread is hardly known.
    """
    S = plan.settings
    enough = min(ENOUGH_UPDATES, max(2 * FEWEST_UPDATES, ENOUGH_PASSES * n // BATCH))

    def affordable(name: str) -> float:
        return seconds / (update[name] * (len(S["arms"]) * S["seeds"] + 2 * S["tuned"] + 1))

    S["classifier"] = list(update)[-1]
    if affordable(S["classifier"]) < enough and "small" in update and S["classifier"] != "small":
        S["classifier"] = "small"
        plan.left_out.append("resnet18: its classifiers would not converge in the time; give more --hours")
    if affordable(S["classifier"]) < enough:
        _leave_out(plan, "other ratios of made to real pictures: too little time", other_ratios=True)
    if affordable(S["classifier"]) < enough and S["arms"].pop("mixup", None):
        plan.left_out.append("mixup: too little time")
    if affordable(S["classifier"]) < FEWEST_UPDATES and S["seeds"] > FEW_SEEDS:
        plan.left_out.append(
            f"{S['seeds'] - FEW_SEEDS} of {S['seeds']} seeds: too little time, and {FEW_SEEDS} see little"
        )
        S["seeds"] = FEW_SEEDS
    S["most_updates"] = int(min(MOST_UPDATES, max(FEWEST_UPDATES, affordable(S["classifier"]))))
    runs = len(S["arms"]) * S["seeds"] + 2 * S["tuned"] + 1
    plan.minutes["classifiers"] = update[S["classifier"]] * S["most_updates"] * runs


def _keep_few_pictures(plan: Plan, images: Images, n: int) -> None:
    """Say how many pictures each generator makes for each of n real ones; leave out what takes too much room."""
    S = plan.settings

    def most() -> float:
        return max([of.get("ratio", 1.0) for of in S["arms"].values() if of.get("source") in S["methods"]] or [1.0])

    if most() > 1 and n * images.pixels[0].numel() * most() > POOL:
        _leave_out(plan, "other ratios of made to real pictures: too many to keep", other_ratios=True)
    S["most"] = most()


def _leave_out(plan: Plan, why: str, source: str = "", other_ratios: bool = False) -> None:
    """Leave out the arms of a source, or those of other ratios than 1, and say why."""
    arms = plan.settings["arms"]
    gone = [arm for arm, of in arms.items() if of.get("source") == source or (other_ratios and "ratio" in of)]
    for arm in gone:
        del arms[arm]
    if gone:
        plan.left_out.append(why)


def _arms(data: Data, methods: list[str]) -> dict[str, dict[str, Any]]:
    """The arms by name, as arguments of `work.classifier`."""
    sources = [*methods, *(["synthetic"] if data.synthetic else [])]
    arms: dict[str, dict[str, Any]] = {
        "real": {},
        "real_25": {"share": 0.25},
        "real_50": {"share": 0.5},
        "more_real": {"source": "held"},
        "classic": {"classic": True},
        "mixup": {"mixup": True},
        "repeat": {"source": "repeat"},
        "noise": {"source": "noise"},
        "wrong_labels": {"source": "wrong_labels"},
    }
    if not held_back(data):
        del arms["more_real"]
    counts = data.known.counts()
    if int(counts.max()) > UNEVEN * int(counts.min()):
        arms |= {"oversample": {"source": "oversample"}, "smote": {"source": "smote"}}
    for source in sources:
        arms |= {source: {"source": source}, f"classic+{source}": {"source": source, "classic": True}}
    for source in sources:
        arms |= {f"{source}×{ratio:g}": {"source": source, "ratio": ratio} for ratio in RATIOS}
    return arms


# ------------------------------------------------------------------ this machine


def _seconds_a_step(steps: Iterator[Any], warm: int = 3, least_s: float = 4.0, most: int = 100) -> float:
    for _ in islice(steps, warm):
        pass
    began, n = time.perf_counter(), 0
    while n < most and time.perf_counter() - began < least_s:
        next(steps)
        n += 1
    return (time.perf_counter() - began) / n


def _generator(method: str, images: Images, width: float) -> Iterator[Any]:
    make: Callable[..., Any] = work.GENERATORS[method]
    return iter(make(images, 1000, 0, width=width, reports=1000, stop_on_collapse=False))


def _classifiers(asked: str, size: int, weights: str) -> list[str]:
    if weights or asked == "resnet18":
        return ["resnet18"]
    return ["small", "resnet18"] if asked == "auto" and size >= 64 else ["small"]


def _classifier(name: str, images: Images) -> Iterator[Any]:
    net = work.network(name, images)
    run = {"updates": 1000, "batch_size": BATCH, "generator": generator("speed")}
    return classify.training(net, images, classify.adam(), **run)
