"""One seed of a lesson's experiment, computed anew: what `course results --verify` starts as a process of its own.

    python -m course_tools.author.first_seed NOTEBOOK RESULTS.json OUT.json

The notebook runs with the profile and first seed of its committed RESULTS.json, up to the experiment that gave them.
There the first seed alone is asked for, its values are written as {arm: {metric: {test set: value}}}, and it ends.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

from course_tools.run import plain
from course_tools.run.orphan import end_with_parent
from course_utils import experiment
from course_utils.core import files
from course_utils.core.results import read as read_results
from course_utils.teach.lesson import Lesson


def main(notebook: Path, committed: Path, out: Path) -> int:
    """Exit code 1 if a cell failed, or if no experiment came that has the committed arms; it does not return else."""
    results = read_results(committed, "profile", "seeds", "arms")
    whole, everything = experiment.run, Lesson.seeds.fget
    tests = {test for metrics in results["arms"].values() for by_test in metrics.values() for test in by_test}

    def run(plans: dict[str, experiment.Plan], train: Any, test_sets: Any, seeds: Any, **more: Any) -> Any:
        for name, plan in plans.items():
            if set(plan.arms) == set(results["arms"]) and tests <= set(plan.tests):
                outcome = whole({name: plan}, train, test_sets, seeds[:1], **more)[name]
                files.write(out, json.dumps(values(outcome)))
                _end()
        return whole(plans, train, test_sets, seeds, **more)

    experiment.run = run
    # The GANs of all seeds are not needed; cells on the way that compare seeds need two.
    Lesson.seeds = property(lambda lesson: everything(lesson)[:2])
    plain.main([str(notebook), json.dumps({"PROFILE": results["profile"], "SEED": results["seeds"][0]})])
    return 1


def values(outcome: experiment.Outcome) -> dict[str, dict[str, dict[str, float]]]:
    """Arm → metric → test set → value, of an outcome of one seed."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for row in outcome.table.itertuples():
        found.setdefault(row.arm, {}).setdefault(row.metric, {})[row.test_set] = float(row.value)
    return found


def _end() -> NoReturn:
    """What follows in the lesson would need all seeds."""
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    end_with_parent()
    raise SystemExit(main(*map(Path, sys.argv[1:])))
