"""Finds the lessons, and reads their stored notebooks with nothing but the json module."""

from __future__ import annotations

import ast
import json
import re
import sys
import types
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from course_utils.core.errors import CourseError
from course_utils.core.profiles import ROOT

KINDS = {int: "a whole number", float: "a number", str: "a text", bool: "True or False"}


@dataclass(frozen=True)
class Lesson:
    """One lesson of the course that lies at `root`."""

    slug: str
    root: Path = ROOT

    @property
    def folder(self) -> Path:
        """Give the folder that maintainers edit: lesson.py, paper.toml, quiz.toml, TEACHING.md."""
        return self.root / "lessons" / self.slug

    @property
    def notebook(self) -> Path:
        """Give the file with all outputs, to be read; built from `folder`. Learners work in copies of it."""
        return self.root / "notebooks" / f"{self.slug}.ipynb"

    @property
    def study(self) -> bool:
        """Are its results kept? Those of all but number 00, the start notebook, which has no data."""
        return not self.slug.startswith("00_")


def find(root: Path = ROOT) -> list[Lesson]:
    """Find all lessons, in the order of their numbers. A copy that a file manager made ("01_name copy") is none."""
    folders = [source.parent.name for source in sorted(root.glob("lessons/*/lesson.py"))]
    return [Lesson(name, root) for name in folders if re.fullmatch(r"[0-9]{2}_[a-z0-9_]+", name)]


def resolve(names: list[str], root: Path = ROOT) -> list[Lesson]:
    """Find the lessons named by number (`1`, `01`) or slug, each once; all of them if none is named.

    Raises CourseError, listing the lessons there are, on an unknown name, and where two lessons have the number.
    """
    lessons = find(root)
    if not lessons:
        raise CourseError(
            f"no lessons in {root / 'lessons'}; run from a checkout of the course, or set COURSE_ROOT to one"
        )
    return list(dict.fromkeys(_named(name, lessons) for name in names)) or lessons


def _named(name: str, lessons: list[Lesson]) -> Lesson:
    number = int(name) if re.fullmatch(r"[0-9]+", name) else None
    found = [lesson for lesson in lessons if name == lesson.slug or number == int(lesson.slug[:2])]
    if not found:
        raise CourseError(f"unknown lesson {name!r}; there are {', '.join(lesson.slug for lesson in lessons)}")
    if len(found) > 1:
        slugs = " and ".join(lesson.slug for lesson in found)
        raise CourseError(f"number {name} is that of {slugs}; name one of them, or give one another number")
    return found[0]


@lru_cache(maxsize=1)  # what the file keeps between calls, such as a judge, stays for the process's next task
def module(text: str, name: str) -> types.ModuleType:
    """Load the text of a lesson's Python file, such as its full.py, as a module; `name` is that of the file."""
    loaded = types.ModuleType(f"lesson_{name.removesuffix('.py')}")
    sys.modules[loaded.__name__] = loaded
    exec(compile(text, name, "exec"), vars(loaded))
    return loaded


@dataclass(frozen=True)
class Cell:
    """A code cell: its number among the notebook's code cells, from 1, its id, source and tags."""

    number: int
    id: str
    source: str
    tags: tuple[str, ...]


def code_cells(notebook: Path) -> list[Cell]:
    """Read the code cells of a stored notebook. Raises CourseError where it is missing or damaged."""
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


def without_outputs(notebook: Path) -> str:
    """Read a stored notebook and leave its outputs out. Raises CourseError where it is damaged."""
    nb = read(notebook)
    if nb is None:
        raise CourseError(f"{notebook} is damaged; get it anew with: git checkout -- {notebook}")
    for cell in nb["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    return json.dumps(nb, indent=1, ensure_ascii=False) + "\n"


def read(notebook: Path) -> dict[str, Any] | None:
    """Read a notebook as JSON; None where it is none."""
    try:
        nb = json.loads(notebook.read_text(encoding="utf-8"))
        return nb if isinstance(nb["cells"], list) else None
    except (ValueError, KeyError, TypeError):
        return None


def parameter_defaults(notebook: Path) -> dict[str, Any]:
    """Read the names assigned in the cell tagged `parameters`, with their values; empty without such a cell."""
    for cell in code_cells(notebook):
        if "parameters" in cell.tags:
            assigned = [node for node in ast.parse(cell.source).body if isinstance(node, ast.Assign)]
            return {t.id: ast.literal_eval(a.value) for a in assigned for t in a.targets if isinstance(t, ast.Name)}
    return {}


def parse_parameters(pairs: list[str]) -> dict[str, Any]:
    """Turn `NAME=VALUE` texts into values, read as Python literals where they are one and as text where they are not.

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
    """Give the value of a Python literal; other texts stand for themselves."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def check_parameters(lesson: Lesson, parameters: dict[str, Any]) -> None:
    """Raise CourseError on a parameter that the lesson's parameters cell lacks, or whose type there is another.

    A parameter that is None there may be a text or None; a whole number may stand for a fraction.
    """
    defaults = parameter_defaults(lesson.notebook)
    for name, value in parameters.items():
        if name not in defaults:
            raise CourseError(f"{lesson.slug} has no parameter {name}; it has {', '.join(defaults) or 'none'}")
        default = defaults[name]
        if default is None:
            fits, wanted = value is None or isinstance(value, str), "a text or None"
        else:
            kind = type(default)
            fits = type(value) is kind or (kind is float and type(value) is int)
            wanted = f"{KINDS.get(kind, kind.__name__)} like {default!r}"
        if not fits or (name == "SEED" and value < 0):
            raise CourseError(f"{lesson.slug} has no use for {name}={value!r}; expected {wanted}")
