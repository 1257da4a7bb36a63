"""The map of lessons in README.md, written from results/: its minutes and verdicts are measured, not typed."""

from __future__ import annotations

import json
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.profiles import PROFILES, ROOT
from course_utils.runner.lessons import find, write_text

BEGIN, END = "<!-- lessons: written by `course notebooks` -->", "<!-- end of lessons -->"


def table(root: Path = ROOT) -> str:
    """A Markdown table: each lesson, its measured minutes a profile, and what came out in the largest profile run."""
    profiles = PROFILES[1:]  # no result of smoke is kept
    lines = [f"| lesson | {' | '.join(f'minutes, `{p}`' for p in profiles)} | what came out |", "|---" * 4 + "|"]
    for lesson in find(root):
        results = {p: _results(root / "results" / lesson.slug / f"{p}.json") for p in profiles}
        minutes = [f"{found['wall_s'] / 60:.1f}" if found else "–" for found in results.values()]
        run = [(profile, found) for profile, found in results.items() if found]
        title, came_out = lesson.slug, "not run yet"
        if run:
            profile, last = run[-1]
            title = last["title"]
            came_out = f"{last['verdict']} (`{profile}`, {len(last['seeds'])} seeds, {_data(last)}, {last['device']})"
        link = f"[{lesson.slug[:2]} · {title}](notebooks/{lesson.slug}.ipynb)"
        lines.append(f"| {link} | {' | '.join(minutes)} | {came_out} |")
    return "\n".join(lines)


def update(root: Path = ROOT) -> None:
    """Write the table into README.md, between its marks; raises CourseError where they are missing."""
    before, after = _around(root)
    write_text(root / "README.md", f"{before}{BEGIN}\n{table(root)}\n{END}{after}")


def check(root: Path = ROOT) -> list[str]:
    """What is wrong with the table as it stands."""
    before, after = _around(root)
    if (root / "README.md").read_text(encoding="utf-8") != f"{before}{BEGIN}\n{table(root)}\n{END}{after}":
        return ["README.md: its map of lessons is not what results/ say; renew it with: course notebooks"]
    return []


def _around(root: Path) -> tuple[str, str]:
    if not (root / "README.md").is_file():
        raise CourseError(f"README.md is missing; add one with the lines {BEGIN} and {END}")
    text = (root / "README.md").read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise CourseError(f"README.md has no place for its map of lessons: add the lines {BEGIN} and {END}")
    return before, after


def _results(path: Path) -> dict | None:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _data(results: dict) -> str:
    return "stand-in data" if results["data"]["source"] == "standin" else "real data"
