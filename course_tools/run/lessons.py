"""Finds the lessons, and reads their stored notebooks with nothing but the json module."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_utils.core.errors import CourseError
from course_utils.core.profiles import ROOT


@dataclass(frozen=True)
class Lesson:
    """One lesson of the course that lies at `root`."""

    slug: str
    root: Path = ROOT

    @property
    def folder(self) -> Path:
        """What maintainers edit: lesson.py, paper.toml, quiz.toml, TEACHING.md."""
        return self.root / "lessons" / self.slug

    @property
    def notebook(self) -> Path:
        """What learners open; built from `folder`."""
        return self.root / "notebooks" / f"{self.slug}.ipynb"

    @property
    def study(self) -> bool:
        """Does it rebuild a paper? All do but number 00, the start notebook, of which no results are kept."""
        return not self.slug.startswith("00_")


def find(root: Path = ROOT) -> list[Lesson]:
    """All lessons, in the order of their numbers."""
    return [Lesson(source.parent.name, root) for source in sorted(root.glob("lessons/[0-9][0-9]_*/lesson.py"))]


def resolve(names: list[str], root: Path = ROOT) -> list[Lesson]:
    """The lessons named by number (`1`, `01`) or slug, each once; all of them if none is named.

    Raises CourseError, listing the lessons there are, on an unknown name.
    """
    lessons = find(root)
    if not lessons:
        raise CourseError(
            f"no lessons in {root / 'lessons'}; run from a checkout of the course, or set COURSE_ROOT to one"
        )
    known = {lesson.slug: lesson for lesson in lessons}
    known |= {str(int(lesson.slug[:2])): lesson for lesson in lessons}
    for name in names:
        if _key(name) not in known:
            raise CourseError(f"unknown lesson {name!r}; there are {', '.join(lesson.slug for lesson in lessons)}")
    return list(dict.fromkeys(known[_key(name)] for name in names)) or lessons


def _key(name: str) -> str:
    return str(int(name)) if re.fullmatch(r"[0-9]+", name) else name


@dataclass(frozen=True)
class Cell:
    """A code cell: its number among the notebook's code cells, from 1, its id, source and tags."""

    number: int
    id: str
    source: str
    tags: tuple[str, ...]


def code_cells(notebook: Path) -> list[Cell]:
    """The code cells of a stored notebook. Raises CourseError where it is missing or damaged."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        cells = [cell for cell in cells if cell["cell_type"] == "code"]
        return [
            Cell(n, c.get("id", "-"), "".join(c["source"]), tuple(c["metadata"].get("tags", ())))
            for n, c in enumerate(cells, 1)
        ]
    except FileNotFoundError:
        raise CourseError(
            f"{notebook.name} is missing from {notebook.parent}; build it with: course notebooks"
        ) from None
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        raise CourseError(f"{notebook} is not a readable notebook; rebuild it with: course notebooks") from None


def parameter_names(notebook: Path) -> list[str]:
    """The names assigned in the cell tagged `parameters`, in order; empty without such a cell."""
    for cell in code_cells(notebook):
        if "parameters" in cell.tags:
            targets = [t for node in ast.parse(cell.source).body if isinstance(node, ast.Assign) for t in node.targets]
            return [target.id for target in targets if isinstance(target, ast.Name)]
    return []


def parse_parameters(pairs: list[str]) -> dict[str, Any]:
    """`NAME=VALUE` texts → values, read as Python literals where they are one and as text where they are not.

    Raises CourseError where a text is no pair, or where it sets PROFILE, which has an option of its own.
    """
    parameters = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise CourseError(f"parameter {pair!r} is not of the form NAME=VALUE, for example: -p SEED=3")
        if name == "PROFILE":
            raise CourseError("the profile is set with --profile, not with -p PROFILE=…")
        parameters[name] = literal(value)
    return parameters


def literal(text: str) -> Any:
    """The value of a Python literal; other texts stand for themselves."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def check_parameters(lesson: Lesson, parameters: dict[str, Any]) -> None:
    """Raises CourseError on a parameter that the lesson's parameters cell does not name (papermill would only warn)."""
    known = parameter_names(lesson.notebook)
    for name in parameters:
        if name not in known:
            raise CourseError(f"{lesson.slug} has no parameter {name}; it has {', '.join(known) or 'none'}")
