"""Draw the map of the course, for the start notebook and README: lessons, measured minutes, what came out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from course_utils.core.profiles import PROFILES, ROOT, SUBSTITUTES
from course_utils.core.results import read as read_results
from course_utils.teach import show


def slugs(root: Path = ROOT) -> list[str]:
    """Name all lessons, the start notebook (00) first."""
    return [source.parent.name for source in sorted(root.glob("lessons/[0-9][0-9]_*/lesson.py"))]


def table(root: Path = ROOT, folder: str = "notebooks/") -> str:
    """Write a Markdown table with a row for each lesson that rebuilds a paper.

    A row has the measured minutes of each profile, and what came out in the largest profile that has committed results.
    folder: where the notebooks lie, as seen from the page that holds the table. Raises CourseError on damaged results.
    """
    profiles = PROFILES[1:]  # no result of smoke is committed
    lines = [f"| lesson | {' | '.join(f'minutes, `{p}`' for p in profiles)} | what came out |", "|---" * 4 + "|"]
    for slug in slugs(root):
        if slug.startswith("00_"):
            continue
        results = {p: _results(root / "results" / slug / f"{p}.json") for p in profiles}
        minutes = [f"{found['wall_s'] / 60:.1f}" if found else "–" for found in results.values()]
        title, came_out = _heading(root, slug), "not run yet"
        for profile, found in results.items():  # the largest profile comes last
            if found:
                data = SUBSTITUTES.get(found["data"].get("source"), "real data")
                title = found["title"]
                came_out = f"{found['verdict']} (`{profile}`, {len(found['seeds'])} seeds, {data}, {found['device']})"
        link = f"[{slug[:2]} · {title}]({folder}{slug}.ipynb)"
        lines.append(show.without_html(f"| {link} | {' | '.join(minutes)} | {came_out} |"))
    return "\n".join(lines)


def _results(path: Path) -> dict[str, Any] | None:
    return read_results(path, "title", "wall_s", "verdict", "seeds", "device", "data") if path.is_file() else None


def _heading(root: Path, slug: str) -> str:
    """Find the title in a lesson's source; a lesson without one is called by its slug."""
    source = (root / "lessons" / slug / "lesson.py").read_text(encoding="utf-8")
    heading = re.search(r"^# # (?:Lesson \d+ · )?(.+)$", source, re.MULTILINE)
    return heading[1] if heading else slug
