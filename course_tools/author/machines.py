"""How far the same seeds come apart on another machine: committed results beside runs of theirs elsewhere.

results/machines.json keeps those runs: lesson → {"device", "precision", "commit", "values": arm → test set → accuracy,
one value a seed}. They had the same settings and data.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course_tools.author.verify import SAME, Value
from course_utils.core.profiles import ROOT


@dataclass(frozen=True)
class Apart:
    """One lesson on two machines.

    formats: the number formats that they computed in, there and here. values: how many were compared; same: how many
    are equal; likely: how many as close as two runs that differ in their seed alone, the equal ones among them.
    farthest, mean: the largest difference of one value, and of an arm's mean over seeds, in points of accuracy.
    """

    lesson: str
    formats: tuple[str, str]
    values: int
    same: int
    likely: int
    farthest: float
    mean: float


def kept(root: Path = ROOT) -> dict[str, dict]:
    """The runs elsewhere that are kept, by lesson."""
    path = root / "results" / "machines.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def apart(lesson: str, there: dict, root: Path = ROOT) -> Apart:
    """A kept run beside the lesson's committed results. `verify` says how far apart two seeds may be."""
    here = json.loads((root / "results" / lesson / "cpu.json").read_text("utf-8"))
    pairs = {
        (arm, test): (np.array(theirs), np.array(here["arms"][arm]["accuracy"][test]["values"]))
        for arm, by_test in there["values"].items()
        for test, theirs in by_test.items()
    }
    values = []
    for (arm, test), (theirs, ours) in pairs.items():
        arms = [values for (_, other), (_, values) in pairs.items() if other == test]
        for k in range(len(ours)):
            values.append(Value(arm, theirs[k], ours[k], [np.delete(values, k).tolist() for values in arms]))
    equal = [abs(value.anew - value.committed) <= SAME for value in values]
    level = 1 - 0.05 / len(values)
    return Apart(
        lesson,
        (there["precision"], here["precision"]),
        len(values),
        int(sum(equal)),
        sum(bool(same or value.is_likely(level)) for same, value in zip(equal, values, strict=True)),
        max(100 * float(abs(theirs - ours).max()) for theirs, ours in pairs.values()),
        max(100 * float(abs(theirs.mean() - ours.mean())) for theirs, ours in pairs.values()),
    )


def table(root: Path = ROOT) -> str:
    """A Markdown table, a row a lesson: what README shows."""
    lines = [
        "| lesson | number formats | equal accuracies | as close as two seeds | farthest | means of an arm |",
        "|---|---|---|---|---|---|",
    ]
    for lesson, there in kept(root).items():
        a = apart(lesson, there, root)
        counts = f"{a.same} of {a.values} | {a.likely} of {a.values}"
        points = f"{a.farthest:.1f} points | {a.mean:.1f} points"
        lines.append(f"| {lesson[:2]} | {', '.join(a.formats)} | {counts} | {points} |")
    return "\n".join(lines)
