"""README's table of the full runs: what each found, and whether its generators and classifiers were finished."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from course_utils.core.profiles import ROOT

EMPTY = "No full run is stored yet."


def table(root: Path = ROOT) -> str:
    """One row for each results/<lesson>/full.json."""
    rows = [_row(json.loads(path.read_text("utf-8"))) for path in sorted(root.glob("results/*/full.json"))]
    return "\n".join(["| lesson | what came out | gates |", "|---|---|---|", *rows]) if rows else EMPTY


def _row(found: dict[str, Any]) -> str:
    slug, hours = found["lesson"], found["wall_s"] / 3600
    link = f"[{slug[:2]} · {found['title']}](notebooks/{slug}.ipynb)"
    made = f"{len(found['seeds'])} seeds, {hours:.1f} hours of one core, {found['device']}"
    gates = "; ".join(f"{who}: {_checks(gate)}" for who, gate in found["gate"].items())
    return f"| {link} | {found['verdict']} ({made}) | {gates} |"


def _checks(gate: dict[str, Any]) -> str:
    checks = [
        f"{name.replace('_', ' ')} {check['found']:.3g} (limit {check['limit']:g})"
        for name, check in gate["checks"].items()
    ]
    return ("passed, " if gate["passed"] else "**missed**, ") + ", ".join(checks)
