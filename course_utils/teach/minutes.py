"""Read how long a lesson takes a learner, section by section, as `course notebooks` measured it at the last build."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from course_utils.core.errors import CourseError

WORDS_A_MINUTE = 200
LINES_A_MINUTE = 12


@dataclass(frozen=True)
class Section:
    """Hold the minutes of one section. deeper: it may be left unread; its cells run all the same.

    reading at 200 words a minute; code at 12 visible lines a minute; exercises as each states; waiting for all cells,
    as measured, and for the longest of them.
    """

    title: str
    deeper: bool = False
    reading: float = 0.0
    code: float = 0.0
    exercises: float = 0.0
    waiting: float = 0.0
    longest: float = 0.0

    @property
    def total(self) -> float:
        """Add up the section's minutes."""
        return self.reading + self.code + self.exercises + self.waiting

    @property
    def core(self) -> float:
        """Give what it takes of the core path: of a deeper section, the waiting."""
        return self.waiting if self.deeper else self.total


def read(notebook: Path) -> list[Section]:
    """Read the sections of a stored notebook, [] where it was not built yet. Raises CourseError where it is damaged."""
    if not notebook.is_file():
        return []
    try:
        nb = json.loads(notebook.read_text(encoding="utf-8"))
        return [Section(**section) for section in nb.get("metadata", {}).get("course", {}).get("minutes", [])]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(f"{notebook}: is damaged ({error}); get it anew with: git checkout -- {notebook}") from None


def whole(minutes: float) -> int:
    """Round to minutes, at least one."""
    return max(1, round(minutes))
