"""Draw the map of the course, for the start notebook and README: lessons, their minutes, what came out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from course_utils.core.profiles import ROOT
from course_utils.core.results import read as read_results
from course_utils.teach import minutes, show

NOT_JUDGED = "Not judged yet: only a five-minute run exists, which judges no paper."


def slugs(root: Path = ROOT) -> list[str]:
    """Name all lessons, the start notebook (00) first."""
    return [source.parent.name for source in sorted(root.glob("lessons/[0-9][0-9]_*/lesson.py"))]


def table(root: Path = ROOT, folder: str = "notebooks/") -> str:
    """Write a Markdown table with a row for each lesson with an experiment: all but the start notebook.

    A row has a learner's minutes, in all and of the core path, as `course notebooks` counted them; how many of them the
    computer needs in the `quick` profile, and how fast one of its threads was; and what came out of the committed
    `full` run: a quick one judges no paper.
    folder: where the notebooks lie, as seen from the page that holds the table. Raises CourseError on damaged results.
    """
    lines = ["| lesson | minutes | core path | of them computing | what came out |", "|---|---|---|---|---|"]
    for slug in slugs(root):
        if slug.startswith("00_"):
            continue
        title, computing, came_out = _heading(root, slug), "–", "not run yet"
        sections = minutes.read(root / "notebooks" / f"{slug}.ipynb")
        counted = (sum(getattr(section, part) for section in sections) for part in ("total", "core"))
        cells = " | ".join(str(minutes.whole(number)) if sections else "–" for number in counted)
        if found := _results(root / "results" / slug / "quick.json"):
            title, computing = found["title"], f"{found['wall_s'] / 60:.1f}"
            if speed := found.get("gigaflops"):  # machines of two cores differ fivefold
                computing += f" at {speed:.0f} GFLOP/s"
            came_out = NOT_JUDGED if (root / "lessons" / slug / "paper.toml").exists() else found["verdict"]
        if found := _results(root / "results" / slug / "full.json"):
            came_out = f"{found['verdict']} ({len(found['seeds'])} seeds, {found['wall_s'] / 3600:.1f} hours)"
        link = f"[{slug[:2]} · {title}]({folder}{slug}.ipynb)"
        lines.append(show.without_html(f"| {link} | {cells} | {computing} | {came_out} |"))
    return "\n".join(lines)


def _results(path: Path) -> dict[str, Any] | None:
    return read_results(path, "title", "wall_s", "verdict", "seeds") if path.is_file() else None


def _heading(root: Path, slug: str) -> str:
    """Find the title in a lesson's source; a lesson without one is called by its slug."""
    source = (root / "lessons" / slug / "lesson.py").read_text(encoding="utf-8")
    heading = re.search(r"^# # (?:Lesson \d+ · )?(.+)$", source, re.MULTILINE)
    return heading[1] if heading else slug
