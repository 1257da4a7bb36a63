"""What a verdict found: differences with intervals for other seeds and other test pictures, and what they are worth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from course_utils.evaluate import gates, statistics
from course_utils.evaluate.statistics import Crossed, Interval, crossed, holm
from course_utils.experiment.full import Answer
from course_utils.verdict.work import UNEVEN, Data, made_by, measures, parts

Answers = dict[str, Answer]

CONTROLS = ("more_real", "real_50", "repeat", "noise", "wrong_labels")
"""Arms of known effect. A run can judge if it sees that more real pictures help, or that half of them are worse."""

CURVE = ("real_25", "real_50", "real", "more_real")
"""Arms of the learning curve of the real pictures."""

COPIED = 0.25
"""The share of near copies, by `samples.near_copies`, above which a source is said to copy; usual is 0.05."""

HELPS, HARMS, UNCLEAR, NOT_JUDGED = "helps", "harms", "we cannot tell", "not judged"


def findings(S: dict[str, Any], data: Data, answers: Answers) -> dict[str, Any]:
    """Put together what a run that is complete, or as far as it is, has found; the content of verdict.json.

    Only seeds of which every arm is there count; with fewer than two of them there is nothing to say.
    """
    scores = Scores(S, data, answers)
    found: dict[str, Any] = {"settings": S, "classes": list(data.known.classes), "seeds": scores.seeds}
    found["metric"] = "mean recall of the classes" if scores.balanced else "accuracy"
    if len(scores.seeds) < 2:
        return found | {"verdict": "Too little is finished to say anything: fewer than two seeds."}
    gate = _gates(S, answers, scores)
    table = {arm: _row(scores, arm) for arm in S["arms"]}
    questions = _questions(S, scores, gate)
    controls = {name: _difference(scores, name, "real") for name in CONTROLS if name in S["arms"]}
    more_help = "more_real" in controls and controls["more_real"]["interval"][0] > 0
    seen = more_help or controls["real_50"]["interval"][1] < 0
    return found | {
        "images": {"train": len(parts(data, 0)[0]), "more": len(parts(data, 0)[1]), "test": len(data.test)},
        "gate": gate,
        "arms": table,
        "questions": questions,
        "controls": controls,
        "assay": seen,
        "worth": {q["arm"]: _worth(scores, table, q) for q in questions if q["other"] == "real"},
        "by_class": {arm: scores.by_class(arm) for arm in table},
        "by_updates": {arm: scores.by_budget(arm) for arm in table},
        "samples": _samples(S, data, answers, scores.seeds),
        "verdict": _verdict(questions, seen),
    }


class Scores:
    """Which test pictures each classifier got right, by arm: seeds × pictures, at the last of its budgets."""

    def __init__(self, S: dict[str, Any], data: Data, answers: Answers) -> None:
        self.labels = data.test.labels.numpy()
        self.groups = None if data.test.groups is None else _alone(data.test.groups.numpy())
        self.classes = data.known.classes
        counts = np.bincount(self.labels, minlength=len(self.classes))
        self.balanced = counts.max() > UNEVEN * max(1, counts.min())
        present = max(1, int((counts > 0).sum()))
        # with these weights the mean over pictures is the mean over classes
        self.weights = (
            len(self.labels) / (present * counts[self.labels]) if self.balanced else np.ones(len(self.labels))
        )
        self.seeds = [s for s in range(S["seeds"]) if all(f"{arm}/{s}" in answers for arm in S["arms"])]
        self.answers, self.data = answers, data

    def right(self, arm: str, budget: int = -1) -> np.ndarray:
        """Bool as float, seeds × test pictures."""
        said = [self.answers[f"{arm}/{seed}"][0]["test"][budget].numpy() for seed in self.seeds]
        return (np.stack(said) == self.labels).astype(float)

    def crossed(self, arm: str, other: str | None = None, budget: int = -1) -> Crossed:
        """The metric of an arm, or its difference from another one."""
        values = self.right(arm, budget) - (0 if other is None else self.right(other, budget))
        return crossed(values * self.weights, self.groups)

    def by_class(self, arm: str) -> list[float]:
        """Recall of each class, the mean over seeds; 0 for a class without test pictures."""
        right = self.right(arm).mean(axis=0)
        return [
            round(float(right[self.labels == k].mean()), 4) if (self.labels == k).any() else 0.0
            for k in range(len(self.classes))
        ]

    def by_budget(self, arm: str) -> list[list[float]]:
        """[mean, lo, hi] of the metric at each budget."""
        return [_ends(self.crossed(arm, budget=k).interval()) for k in range(self._budgets(arm))]

    def validation(self, arm: str) -> tuple[list[int], list[list[float]]]:
        """(updates, accuracy on validation pictures seeds × budgets)."""
        accuracy = []
        for seed in self.seeds:
            labels = parts(self.data, seed)[2].labels
            tensors, facts = self.answers[f"{arm}/{seed}"]
            accuracy.append([float((said == labels).float().mean()) for said in tensors["validation"]])
        return facts["budgets"], accuracy

    def _budgets(self, arm: str) -> int:
        return len(self.answers[f"{arm}/{self.seeds[0]}"][1]["budgets"])


def _alone(groups: np.ndarray) -> np.ndarray:
    """Give pictures of an unknown group, −1, a group of their own."""
    return np.where(groups < 0, groups.max() + 1 + np.arange(len(groups)), groups)


def _ends(interval: Interval) -> list[float]:
    return [round(v, 6) for v in (interval.mean, interval.lo, interval.hi)]


def _row(scores: Scores, arm: str) -> dict[str, Any]:
    right = scores.right(arm) * scores.weights
    facts = scores.answers[f"{arm}/{scores.seeds[0]}"][1]
    interval = scores.crossed(arm).interval().within(0, 1)
    return {"values": [round(float(v), 6) for v in right.mean(axis=1)], "interval": _ends(interval), **facts_of(facts)}


def facts_of(facts: dict[str, Any]) -> dict[str, Any]:
    """What of a classifier's facts the table holds: how many pictures it saw, and whether mirrored ones."""
    return {name: facts[name] for name in ("images", "flip") if name in facts}


def _difference(scores: Scores, arm: str, other: str) -> dict[str, Any]:
    found = scores.crossed(arm, other)
    interval = found.interval().within(-1, 1)
    return {
        "arm": arm,
        "other": other,
        "mean": round(found.mean, 6),
        "interval": [round(interval.lo, 6), round(interval.hi, 6)],
        "p": found.p(),
        "visible": round(found.visible(), 6),
    }


# ------------------------------------------------------------------ gates


def _gates(S: dict[str, Any], answers: Answers, scores: Scores) -> dict[str, dict[str, Any]]:
    """Whether generators and classifiers were finished, with limits as in `evaluate.gates`.

    Few validation pictures move by themselves: classifiers may move by twice the standard error of their mean.
    """
    found = {}
    for method in S["methods"]:
        facts = [answers[made_by(method, seed)][1] for seed in scores.seeds]
        fd = [one["curve"]["fd"] for one in facts]
        floor = float(np.mean([one["floor"] for one in facts]))
        found[method] = gates.generator_gate(facts[0]["curve"]["steps"], fd, floor, np.ones_like(fd))
    updates, accuracy = scores.validation("real")
    p, n = float(np.mean(accuracy)), len(parts(scores.data, 0)[2]) * len(scores.seeds)
    limit = max(gates.LIMITS["accuracy_moved"], 2 * (p * (1 - p) / n) ** 0.5)
    found["classifier"] = gates.classifier_gate(updates, accuracy, {"accuracy_moved": limit})
    return found


# ------------------------------------------------------------------ questions


def _questions(S: dict[str, Any], scores: Scores, gate: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Each source of made pictures against real ones alone, copies of them and classic augmentation, with Holm's p."""
    asked = []
    for source in [*S["methods"], *(["synthetic"] if "synthetic" in S["arms"] else [])]:
        asked += [(source, "real"), (source, "repeat"), (source, "classic"), (f"classic+{source}", "classic")]
    asked = [(a, b) for a, b in asked if a in S["arms"] and b in S["arms"]]
    found = [_difference(scores, a, b) for a, b in asked]
    if not found:
        return []
    for question, p in zip(found, holm([q["p"] for q in found]), strict=True):
        source = question["arm"].removeprefix("classic+")
        unfinished = [who for who in (source, "classifier") if who in gate and not gate[who]["passed"]]
        question |= {"p_holm": round(float(p), 5), "unfinished": unfinished, "says": _says(question, p, unfinished)}
        needed = scores.crossed(question["arm"], question["other"])
        question |= {
            "seeds_needed": needed.seeds_for(S["matters"] / 100),
            "pictures_needed": needed.pictures_for(S["matters"] / 100),
        }
    return found


def _says(question: dict[str, Any], p_holm: float, unfinished: Sequence[str]) -> str:
    """One of four answers: a gain counts whatever was unfinished; for the others the run must have been long enough."""
    if p_holm < 0.05 and question["mean"] > 0:
        return HELPS
    if unfinished:
        return NOT_JUDGED
    return HARMS if p_holm < 0.05 else UNCLEAR


def _worth(scores: Scores, table: dict[str, dict[str, Any]], question: dict[str, Any]) -> dict[str, Any]:
    """How many further real pictures give the gain over `real`: mean and interval, placed on the learning curve.

    The curve goes through the means of the arms with fewer and with more real pictures, straight in the logarithm of
    their number, and never falls. An end beyond the curve is given as the curve's end.
    """
    points = sorted((table[arm]["images"], table[arm]["interval"][0]) for arm in CURVE if arm in table)
    numbers, accuracy = np.array([p[0] for p in points], float), np.maximum.accumulate([p[1] for p in points])
    rising = np.concatenate([[True], np.diff(accuracy) > 0])
    own = table["real"]["images"]
    base = float(np.interp(own, numbers, accuracy))

    def pictures(gain: float) -> int:
        at = np.interp(base + gain, accuracy[rising], np.log(numbers[rising]))
        return int(np.clip(round(float(np.exp(at))), numbers[0], numbers[-1])) - own

    return {
        "pictures": [pictures(gain) for gain in (question["mean"], *question["interval"])],
        "curve": [[int(n), round(float(a), 6)] for n, a in zip(numbers, accuracy, strict=True)],
        "ends": [int(numbers[0]) - own, int(numbers[-1]) - own],
    }


def _samples(S: dict[str, Any], data: Data, answers: Answers, seeds: Sequence[int]) -> dict[str, dict[str, Any]]:
    """By source of made pictures: measures with intervals over seeds, whether it copies, and curves of its training."""
    facts = {method: [answers[made_by(method, seed)][1] for seed in seeds] for method in S["methods"]}
    if data.synthetic is not None:
        made = data.synthetic
        facts["synthetic"] = [measures(data, answers["judge"], made.pixels, made.labels, seed) for seed in seeds]
    return {source: _over_seeds(of) for source, of in facts.items()}


def _over_seeds(facts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    most = {"fd": math.inf, "floor": math.inf, "agreement": 1, "density": math.inf, "coverage": 1}
    most |= {"memorisation": math.inf, "copies": 1}
    found = {
        name: _ends(statistics.t_interval([one[name] for one in facts]).within(0, end)) for name, end in most.items()
    }
    copies = found["copies"][1] > COPIED
    return {"measures": found, "copies": copies, "curves": [one["curve"] for one in facts if "curve" in one]}


def _verdict(questions: list[dict[str, Any]], seen: bool) -> str:
    """The sentence that comes first."""
    if not questions:
        return "Nothing was asked: there are no made pictures."
    if not seen and HELPS not in {question["says"] for question in questions}:
        return (
            "This run cannot judge: neither more nor fewer real pictures made a difference that it could see, "
            "so it would not have seen what made pictures do either. Use more test pictures, or more --hours for more "
            "seeds."
        )
    best = max(questions, key=lambda q: (q["says"] == HELPS, q["other"] == "classic", q["mean"]))
    against_classic = [q for q in questions if q["other"] == "classic"]
    helps = [q for q in against_classic if q["says"] == HELPS]
    if helps:
        best = max(helps, key=lambda q: q["mean"])
        return f"Yes: {sentence(best)}"
    if best["says"] == HELPS:
        return f"Only without classic augmentation: {sentence(best)} Beside classic augmentation no gain was seen."
    kinds = {q["says"] for q in questions}
    if NOT_JUDGED in kinds:
        who = sorted({name for q in questions for name in q["unfinished"]})
        why = "not finished when time was up; with more --hours they are trained anew, for longer"
        return f"Not judged: {', '.join(who)} {why}."
    lead = max(against_classic or questions, key=lambda q: q["mean"])
    return f"No gain was seen. The best: {sentence(lead)}"


def sentence(question: dict[str, Any]) -> str:
    """What was found on one question, in one sentence with its interval."""
    lo, hi = question["interval"]
    text = Interval(question["mean"], lo, hi).text(100, 1, " points")
    says = {HELPS: "helps", HARMS: "harms", UNCLEAR: "we cannot tell", NOT_JUDGED: "not judged"}[question["says"]]
    return f"{question['arm']} against {question['other']}: {says}, {text}."
