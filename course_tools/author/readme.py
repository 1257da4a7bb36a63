"""What README.md shows of results/ (map of lessons, ledger, machines) and of the course's address; computed, never
typed."""

from __future__ import annotations

import re
from pathlib import Path

from course_tools.author import ledger_page, machines
from course_tools.run import online, report
from course_tools.run.lessons import Lesson, find
from course_utils.core import files
from course_utils.core.errors import CourseError
from course_utils.core.profiles import PROFILES, ROOT, SUBSTITUTES
from course_utils.core.results import read as read_results
from course_utils.teach import show


def table(root: Path = ROOT, folder: str = "notebooks/") -> str:
    """A Markdown table: each lesson that rebuilds a paper, its measured minutes a profile, and what came out in the
    largest profile run. folder: where the notebooks lie, as seen from the page that holds the table."""
    profiles = PROFILES[1:]  # no result of smoke is kept
    lines = [f"| lesson | {' | '.join(f'minutes, `{p}`' for p in profiles)} | what came out |", "|---" * 4 + "|"]
    for lesson in (lesson for lesson in find(root) if lesson.study):
        results = {p: _results(root / "results" / lesson.slug / f"{p}.json") for p in profiles}
        minutes = [f"{found['wall_s'] / 60:.1f}" if found else "–" for found in results.values()]
        run = [(profile, found) for profile, found in results.items() if found]
        title, came_out = _title(lesson), "not run yet"
        if run:
            profile, last = run[-1]
            title = last["title"]
            came_out = f"{last['verdict']} (`{profile}`, {len(last['seeds'])} seeds, {_data(last)}, {last['device']})"
        link = f"[{lesson.slug[:2]} · {title}]({folder}{lesson.slug}.ipynb)"
        lines.append(show.without_html(f"| {link} | {' | '.join(minutes)} | {came_out} |"))
    return "\n".join(lines)


BLOCKS = {
    "badges": ("course notebooks", online.badges),
    "lessons": ("course notebooks", table),
    "ledger": ("course ledger --write", ledger_page.block),
    "machines": ("course notebooks", machines.table),
}
"""Blocks of README.md: the command that writes each, and what gives its text."""


def marks(block: str) -> tuple[str, str]:
    """The lines that a block stands between."""
    return f"<!-- {block}: written by `{BLOCKS[block][0]}` -->", f"<!-- end of {block} -->"


def update(root: Path = ROOT) -> None:
    """Write the blocks into README.md, between their marks; raises CourseError where they are missing."""
    text = _read(root)
    for block in BLOCKS:
        text = _filled(text, block, root)
    files.write(root / "README.md", text)


def check(root: Path = ROOT) -> list[str]:
    """What is wrong with the blocks as they stand."""
    text = _read(root)
    return [
        f"README.md: its block of {block} is out of date; renew it with: {command}"
        for block, (command, _) in BLOCKS.items()
        if text != _filled(text, block, root)
    ]


def _read(root: Path) -> str:
    path = root / "README.md"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _filled(text: str, block: str, root: Path) -> str:
    begin, end = marks(block)
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise CourseError(f"README.md has no place for its block of {block}: add the lines {begin} and {end}")
    return f"{before}{begin}\n{BLOCKS[block][1](root)}\n{end}{after}"


def _title(lesson: Lesson) -> str:
    """The heading of a lesson without results, its slug where it has none."""
    source = (lesson.folder / "lesson.py").read_text(encoding="utf-8")
    heading = re.search(r"^# # (?:Lesson \d+ · )?(.+)$", source, re.MULTILINE)
    return heading[1] if heading else lesson.slug


def _results(path: Path) -> dict | None:
    return read_results(path, "title", "wall_s", "verdict", "seeds", "device", "data") if path.is_file() else None


def _data(results: dict) -> str:
    return SUBSTITUTES.get(report.data_source(results), "real data")
