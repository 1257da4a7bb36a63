"""Write the files of a new lesson (`course new-lesson NAME`): a small one that runs, to be replaced part by part."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import nbformat

from course_tools.author import build
from course_tools.run.lessons import Lesson, find
from course_tools.templates import render
from course_utils.core import files
from course_utils.core.errors import CourseError
from course_utils.core.profiles import ROOT

PACKAGE = Path(__file__).parents[2]
"""The folder of course_utils/ and tests/."""

SOURCES = ("lesson.py", "settings.toml", "paper.toml", "ledger.toml", "quiz.toml", "TEACHING.md")


def write(name: str, root: Path = ROOT) -> list[Path]:
    """Write lesson NN_`name`, with the next free number NN, its exercises and their test; returns the files.

    The notebook is written, too, not executed, so that the lesson can be run. Raises CourseError where the name is not
    made of small letters, digits and `_`, or where a lesson or a file of that name exists; then nothing is written.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise CourseError(f"{name!r} cannot name a lesson; use small letters, digits and _, for example: mixup")
    slugs = [lesson.slug for lesson in find(root)]
    if taken := [slug for slug in slugs if slug[3:] == name]:
        raise CourseError(f"there is a lesson {taken[0]} already; choose another name")
    number = max((int(slug[:2]) for slug in slugs), default=0) + 1
    lesson = Lesson(f"{number:02}_{name}", root)
    module = f"lesson_{number:02}"
    paths = {source: lesson.folder / source for source in SOURCES}
    paths["exercises.py"] = PACKAGE / "course_utils" / "teach" / "exercises" / f"{module}.py"
    paths["test_exercises.py"] = PACKAGE / "tests" / "teach" / "exercises" / f"test_exercises_{module}.py"
    for path in (*paths.values(), lesson.notebook):
        if path.exists():
            raise CourseError(f"{path} exists already; move it away, or choose another name")
    values = {"slug": lesson.slug, "number": number, "title": name.replace("_", " ").capitalize(), "module": module}
    for template, path in paths.items():
        files.write(path, render(f"lesson/{template}", **values))
    importlib.invalidate_caches()  # the points of an exercise are read from its module
    files.write(lesson.notebook, nbformat.writes(build.notebook(lesson)) + "\n")
    return [*paths.values(), lesson.notebook]
