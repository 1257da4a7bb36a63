"""Show how a verdict moves with the budget, from the full run of a lesson: results/<lesson>/full.json."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from course_utils.evaluate.statistics import Interval, t_interval
from course_utils.teach import show
from course_utils.teach.plots import curves


def show_full_run(full: Mapping[str, Any] | None, questions: Mapping[str, str], generators: Mapping[str, str]) -> None:
    """Show a full run's differences against the classifier's updates, its GANs against their steps, and its gates.

    full: the committed results, None where there are none. questions: an entry of `pairs`, such as "gan - real", → what
    to call it. generators: the kind of GAN, as `curves` names it, → what to call it.
    """
    if full is None:
        show.markdown("No full run of this lesson is stored, so there is nothing to compare.")
        return
    seeds, gans = len(full["seeds"]), len(runs_of(full, next(iter(generators))))
    commits = ", ".join(f"`{commit[:8]}`" for commit in full["commit"].split(", "))
    show.markdown(
        f"**The full run:** {seeds} seeds, {full['wall_s'] / 3600:.1f} hours of one core on {full['device']}, code of "
        f"{commits}; real data."
    )
    show.figure(
        curves.bands(
            {name: differences(full, pair) for pair, name in questions.items()},
            "updates of the classifier",
            "difference in accuracy, points",
            levels={"no difference": Interval(0, 0, 0)},
            at=[int(n) for n in full["pairs"][next(iter(questions))]["by_updates"]],
        ),
        f"Paired differences in accuracy against the classifier's updates: {', '.join(questions.values())}; means over "
        f"{seeds} seeds with 95 % bands; the dashed line is no difference.",
    )
    show.figure(
        curves.bands(
            {name: measure(full, kind, "fd_lenet") for kind, name in generators.items()},
            "step of the GAN",
            "fd_lenet (low is near to real)",
            levels={"two real samples": Interval(*3 * (full["floor"],))},
        ),
        f"Distance of generated from real images against the GAN's steps: {', '.join(generators.values())}; means over "
        f"{gans} GANs with 95 % bands; the dashed line is the distance of two samples of real images.",
    )
    show.table(gates(full), "The gates, fixed before the run: what misses one is not judged")


def differences(full: Mapping[str, Any], pair: str) -> dict[float, Interval]:
    """A paired difference in accuracy, in points, at each number of updates."""
    found = full["pairs"][pair]["by_updates"]
    return {int(n): Interval(*(100 * x for x in (d["mean"], *d["ci95"]))) for n, d in found.items()}


def runs_of(full: Mapping[str, Any], kind: str) -> list[Mapping[str, list[float]]]:
    """The curves of the GANs of one kind; there may be fewer of them than seeds."""
    curves_of = full["curves"]["generators"].items()
    return [curve for name, curve in curves_of if name.rpartition("/")[0] == kind]


def measure(full: Mapping[str, Any], kind: str, name: str) -> dict[float, Interval]:
    """A measure of the GANs of one kind at each report of their training, over seeds."""
    runs = runs_of(full, kind)
    at = enumerate(runs[0]["steps"])
    return {step: t_interval([run[name][k] for run in runs]).within(0, math.inf) for k, step in at}


def gates(full: Mapping[str, Any]) -> pd.DataFrame:
    """A row for each check of each gate: found, limit, passed."""
    rows = {
        (who, name.replace("_", " ")): {
            "found": f"{check['found']:.3g}",
            "limit": f"{check['limit']:g}",
            "passed": "yes" if check["passed"] else "no",
        }
        for who, gate in full["gate"].items()
        for name, check in gate["checks"].items()
    }
    return pd.DataFrame(rows).T.rename_axis(["of", "check"])
