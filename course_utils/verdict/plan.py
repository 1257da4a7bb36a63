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
from course_utils.verdict.work import BATCH, HELD_BACK, VALIDATION, Data

RATIOS = (0.25, 0.5, 2.0, 4.0)
MOST_UPDATES = 3000
MOST_STEPS = {"gan": 20_000, "diffusion": 20_000}
FEWEST_STEPS = {"gan": 600, "diffusion": 600}
FEW_SEEDS = 3
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
    seeds: int = 5,
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
    images = data.known
    seconds = 3600 * hours * workers
    size = images.shape[-1]
    n = round(len(images) * (1 - VALIDATION) * (1 - HELD_BACK))
    left_out: list[str] = []
    methods = list(work.GENERATORS) if train else []
    width = 1.0 if hours >= 4 or torch.cuda.is_available() else 0.5
    with one_thread():
        step = {method: _seconds_a_step(_generators(method, images, width)) for method in methods}
        update = {name: _seconds_a_step(_classifier(name, images)) for name in _classifiers(classifier, size, weights)}

    arms = _arms(images, data.synthetic is not None, methods)
    updates = MOST_UPDATES
    chosen = list(update)[-1]
    time_of = {part: share * seconds for part, share in SHARES.items()}
    if not methods:
        time_of["classifiers"] = 0.85 * seconds

    def cost(name: str, runs: int, at_most: int) -> float:
        return update[name] * at_most * (runs * seeds + 2)

    if len(update) > 1 and cost("resnet18", len(arms), 1000) > time_of["classifiers"]:
        chosen = "small"
        left_out.append("resnet18: its classifiers would not converge in the time; give more --hours")
    if cost(chosen, len(arms), 1000) > time_of["classifiers"]:
        dose = [arm for arm in arms if "ratio" in arms[arm] and arms[arm].get("source") != "held"]
        arms = {arm: of for arm, of in arms.items() if arm not in dose}
        if dose:
            left_out.append(f"other ratios of made to real pictures ({', '.join(dose)}): too little time")
    if cost(chosen, len(arms), 600) > time_of["classifiers"] and seeds > FEW_SEEDS:
        left_out.append(f"{seeds - FEW_SEEDS} of {seeds} seeds: too little time")
        seeds = FEW_SEEDS
    updates = int(min(MOST_UPDATES, max(200, time_of["classifiers"] / (update[chosen] * (len(arms) * seeds + 2)))))

    share = time_of["generators"] / max(1, len(methods))
    steps = {method: int(share / (seeds * step[method])) for method in methods}
    if "diffusion" in methods and steps["diffusion"] < FEWEST_STEPS["diffusion"] <= 2 * steps["gan"]:
        methods.remove("diffusion")
        arms = {arm: of for arm, of in arms.items() if of.get("source") != "diffusion"}
        left_out.append("diffusion: too few steps in the time; give more --hours")
        steps = {"gan": 2 * steps["gan"]}
    steps = {method: max(50, min(MOST_STEPS[method], number)) for method, number in steps.items()}
    most = max([of.get("ratio", 1.0) for of in arms.values() if of.get("source") in methods] or [1.0])
    if n * images.pixels[0].numel() * most > POOL:
        arms = {arm: of for arm, of in arms.items() if of.get("source") not in methods or of.get("ratio", 1) <= 1}
        left_out.append("ratios above 1: too many pictures to keep")
        most = 1.0
    settings = {
        "seeds": seeds,
        "methods": methods,
        "steps": steps,
        "width": width,
        "most": most,
        "arms": arms,
        "classifier": chosen,
        "weights": weights,
        "most_updates": updates,
        "rate": 1e-3,
        "flip": flip,
        "tuned": 2,
        "matters": matters,
        "size": size,
    }
    minutes = {method: steps[method] * step[method] * seeds / workers / 60 for method in methods}
    minutes["classifiers"] = update[chosen] * updates * (len(arms) * seeds + 2) / workers / 60
    return Plan(settings, minutes, left_out)


def _arms(images: Images, synthetic: bool, methods: list[str]) -> dict[str, dict[str, Any]]:
    """The arms by name, as arguments of `work.classifier`."""
    sources = [*methods, *(["synthetic"] if synthetic else [])]
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
    counts = images.counts()
    if int(counts.max()) > 1.5 * int(counts.min()):
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


def _generators(method: str, images: Images, width: float) -> Iterator[Any]:
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
