"""Fill the blocks of README.md that are computed: badges, map of the lessons, ledger, full runs, machines."""

from __future__ import annotations

from pathlib import Path

from course_tools.author import full_page, ledger_page, machines
from course_tools.run import online
from course_utils.core import files
from course_utils.core.errors import CourseError
from course_utils.core.profiles import ROOT
from course_utils.teach import course_map

BLOCKS = {
    "badges": ("course notebooks", online.badges),
    "lessons": ("course notebooks", course_map.table),
    "ledger": ("course ledger --write", ledger_page.block),
    "full runs": ("course ledger --write", full_page.table),
    "machines": ("course notebooks", machines.table),
}
"""Block of README.md → the command that writes it, and the function that gives its text."""


def marks(block: str) -> tuple[str, str]:
    """Give the two lines that a block stands between."""
    return f"<!-- {block}: written by `{BLOCKS[block][0]}` -->", f"<!-- end of {block} -->"


def update(root: Path = ROOT) -> None:
    """Write all blocks into README.md; raises CourseError where the marks of one are missing."""
    text = _read(root)
    for block in BLOCKS:
        text = _filled(text, block, root)
    files.write(root / "README.md", text)


def check(root: Path = ROOT) -> list[str]:
    """List the blocks that are out of date, with the command that renews each."""
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
