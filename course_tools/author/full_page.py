"""README's table of the full runs: how each was made, and whether its generators and classifiers were finished."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from scipy.stats import chi2

from course_utils.core.profiles import ROOT

EMPTY = "No full run is stored yet."


def table(root: Path = ROOT) -> str:
    """One row for each results/<lesson>/full.json."""
    rows = [_row(json.loads(path.read_text("utf-8"))) for path in sorted(root.glob("results/*/full.json"))]
    return "\n".join(["| lesson | made with | gates |", "|---|---|---|", *rows]) if rows else EMPTY


def made(found: dict[str, Any]) -> str:
    """Say with how many seeds, in how many hours and on what a full run was computed."""
    return f"{len(found['seeds'])} seeds, {found['wall_s'] / 3600:.1f} hours of one core, {found['device']}"


def gates(found: dict[str, Any]) -> str:
    """Say of each generator and classifier whether it was finished, by which figures."""
    return "; ".join(f"{who}: {_checks(gate)}" for who, gate in found["gate"].items())


def spread(found: dict[str, Any]) -> str:
    """Tell apart what varies from seed to seed: the GAN, the subset of real images, the classifier.

    found["spread"]: standard deviations of accuracy in points: of "all", then with more and more held still ("same GAN
    and subset"). What is held still in addition accounts for the difference of two variances, the classifier for the
    last one.
    """
    held = {name: set(name.removeprefix("same ").split(" and ")) - {"all"} for name in found["spread"]}
    variance = {name: sd**2 for name, sd in found["spread"].items()}
    parts = {
        " and ".join(sorted(held[less] - held[more])): max(0.0, variance[more] - variance[less]) ** 0.5
        for more, less in pairwise(held)
    }
    parts["classifier alone"] = list(found["spread"].values())[-1]
    n = len(found["seeds"])
    low, high = (((n - 1) / chi2.ppf(share, n - 1)) ** 0.5 for share in (0.975, 0.025))
    return (
        "What varies from seed to seed, as standard deviations of accuracy in points: "
        + ", ".join(f"{name} {sd:.2f}" for name, sd in parts.items())
        + f"; all together {found['spread']['all']:.2f}. From {n} seeds a standard deviation is known to a factor of "
        f"{low:.1f} to {high:.1f} only; a part is 0 where holding it still made nothing smaller."
    )


def _row(found: dict[str, Any]) -> str:
    slug = found["lesson"]
    return f"| [{slug[:2]} · {found['title']}](notebooks/{slug}.ipynb) | {made(found)} | {gates(found)} |"


def _checks(gate: dict[str, Any]) -> str:
    checks = [
        f"{name.replace('_', ' ')} {check['found']:.3g} (limit {check['limit']:g})"
        for name, check in gate["checks"].items()
    ]
    return ("passed, " if gate["passed"] else "**missed**, ") + ", ".join(checks)
