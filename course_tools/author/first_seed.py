"""Compute the first seed of a lesson's experiment anew; `course results --verify` starts this as a process of its own.

    python -m course_tools.author.first_seed NOTEBOOK RESULTS.json OUT.json

The notebook runs with the profile and first seed of its committed RESULTS.json, up to the experiment that gave them.
That is run with the first seed alone, its values are written as {arm: {metric: {test set: value}}}, and the process
ends: the cells that follow would need all seeds.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from course_tools.run import plain
from course_tools.run.process import end_with_parent
from course_utils import experiment
from course_utils.core import files
from course_utils.core.results import read as read_results
from course_utils.teach.lesson import Lesson


def main(notebook: Path, committed: Path, out: Path) -> int:
    """Run the notebook; returns 1 if a cell failed or no experiment has the committed arms, else ends with code 0."""
    results = read_results(committed, "profile", "seeds", "arms")
    run_experiment, all_seeds = experiment.run, Lesson.seeds.fget
    tests = {test for metrics in results["arms"].values() for by_test in metrics.values() for test in by_test}

    def run(plans: dict[str, experiment.Plan], train: Any, test_sets: Any, seeds: Any, **more: Any) -> Any:
        for name, plan in plans.items():
            if set(plan.arms) == set(results["arms"]) and tests <= set(plan.tests):
                outcome = run_experiment({name: plan}, train, test_sets, seeds[:1], **more)[name]
                files.write(out, json.dumps(values(outcome)))
                sys.stdout.flush()
                os._exit(0)
        return run_experiment(plans, train, test_sets, seeds, **more)

    experiment.run = run
    # The GANs of all seeds are not needed; cells on the way that compare seeds need two.
    Lesson.seeds = property(lambda lesson: all_seeds(lesson)[:2])
    plain.main([str(notebook), json.dumps({"PROFILE": results["profile"], "SEED": results["seeds"][0]})])
    return 1


def values(outcome: experiment.Outcome) -> dict[str, dict[str, dict[str, float]]]:
    """Arrange an outcome of one seed as arm → metric → test set → value."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for row in outcome.table.itertuples():
        found.setdefault(row.arm, {}).setdefault(row.metric, {})[row.test_set] = float(row.value)
    return found


if __name__ == "__main__":
    end_with_parent()
    raise SystemExit(main(*map(Path, sys.argv[1:])))
