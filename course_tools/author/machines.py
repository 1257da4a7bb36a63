"""Compare the committed accuracies with those that the same seeds gave on another machine.

results/machines.json holds the runs on the other machine: lesson → {"device", "precision", "commit", "values": arm →
test set → accuracies, one a seed}. They had the same settings and data as the committed ones.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from course_tools.author.verify import SAME, Value
from course_utils.core.profiles import ROOT


@dataclass(frozen=True)
class Comparison:
    """One lesson on two machines.

    formats: the number formats of the other machine and of ours. values: how many accuracies were compared; same: how
    many are equal; likely: how many are as close as two runs that differ in their seed alone, the equal ones among
    them. farthest: the largest difference of one accuracy; mean: that of an arm's mean; both in points of accuracy.
    """

    lesson: str
    formats: tuple[str, str]
    values: int
    same: int
    likely: int
    farthest: float
    mean: float


def load_runs(root: Path = ROOT) -> dict[str, dict[str, Any]]:
    """Read the runs on the other machine, by lesson; none where the file is missing."""
    path = root / "results" / "machines.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def compare(lesson: str, other: dict[str, Any], root: Path = ROOT) -> Comparison:
    """Compare a run on the other machine with the lesson's committed results; see `verify` for what is likely."""
    committed = json.loads((root / "results" / lesson / "quick.json").read_text("utf-8"))
    pairs = {
        (arm, test): (np.array(values), np.array(committed["arms"][arm]["accuracy"][test]["values"]))
        for arm, by_test in other["values"].items()
        for test, values in by_test.items()
    }
    values = []
    for (arm, test), (theirs, ours) in pairs.items():
        arms = [values for (_, its_test), (_, values) in pairs.items() if its_test == test]
        for k in range(len(ours)):
            values.append(Value(arm, theirs[k], ours[k], [np.delete(values, k).tolist() for values in arms]))
    level = 1 - 0.05 / len(values)
    same = [abs(value.anew - value.committed) <= SAME for value in values]
    likely = [equal or value.is_likely(level) for equal, value in zip(same, values, strict=True)]
    return Comparison(
        lesson,
        (other["precision"], committed["precision"]),
        len(values),
        int(sum(same)),
        int(sum(likely)),
        max(100 * float(abs(theirs - ours).max()) for theirs, ours in pairs.values()),
        max(100 * float(abs(theirs.mean() - ours.mean())) for theirs, ours in pairs.values()),
    )


def table(root: Path = ROOT) -> str:
    """Write README's Markdown table, a row a lesson."""
    lines = [
        "| lesson | number formats | equal accuracies | as close as two seeds | farthest | means of an arm |",
        "|---|---|---|---|---|---|",
    ]
    for lesson, other in load_runs(root).items():
        c = compare(lesson, other, root)
        counts = f"{c.same} of {c.values} | {c.likely} of {c.values}"
        lines.append(
            f"| {lesson[:2]} | {', '.join(c.formats)} | {counts} | {c.farthest:.1f} points | {c.mean:.1f} points |"
        )
    return "\n".join(lines)
