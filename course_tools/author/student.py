"""Write the lessons for a class (`course student`): build/student/ to hand out, build/teacher/ for the teacher.

student/    the notebooks with stubs in place of solutions; README.md: how to start, what to hand in
teacher/    the notebooks with solutions in folded cells below the stubs, TEACHING.md beside each; index.md, README.md;
            nbgrader/, a course folder for nbgrader: its configuration, and what it makes assignments from

No notebook in them has any output, since a student predicts before a result can be seen. Finished runs are in the
course's own notebooks/.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_tools.author import build
from course_tools.run import online
from course_tools.run.lessons import Lesson
from course_tools.templates import render
from course_utils.core import files
from course_utils.core.errors import CourseError

WRITTEN = ".written.json"
"""In each folder: what was written, so that nothing else is ever deleted."""

KERNEL = "gan-course"
"""The name under which nbgrader finds the course's Python."""


def write(lessons: list[Lesson], out: Path) -> None:
    """Write `out`/student and `out`/teacher with these lessons; what lies there is replaced when both are whole.

    Raises CourseError, before anything is touched, where they hold files that an earlier call did not write so.
    """
    targets = {out / "student": _student, out / "teacher": _teacher}
    for folder in targets:
        if changed := _changed(folder):
            raise CourseError(f"{folder} holds work that would be lost ({', '.join(changed[:3])}); move it away first")
    parts = {folder: folder.with_name(f"{folder.name}.part") for folder in targets}
    try:
        for folder, fill in targets.items():
            shutil.rmtree(parts[folder], ignore_errors=True)
            fill(lessons, parts[folder])
            files.write(parts[folder] / WRITTEN, json.dumps(_hashes(parts[folder]), indent=1) + "\n")
        for folder, part in parts.items():
            if folder.exists():
                shutil.rmtree(folder)
            os.replace(part, folder)
    finally:
        for part in parts.values():
            shutil.rmtree(part, ignore_errors=True)


def with_folded_solutions(lesson: Lesson) -> NotebookNode:
    """Build the learner's notebook, with each exercise's solution in a folded cell of its own below the stub."""
    nb = build.notebook(lesson)
    cells = []
    for stub, solved in zip(nb.cells, build.notebook(lesson, "teacher").cells, strict=True):
        cells.append(stub)
        if stub.source != solved.source:
            lines = [line for line in solved.source.splitlines() if not line.strip().startswith("### ")]
            folded = {"tags": ["solution"], "jupyter": {"source_hidden": True}}
            source = "\n".join(["# Solution", *lines])  # a folded cell shows its first line
            cells.append(nbformat.v4.new_code_cell(source, id=f"{solved.id}-s", metadata=folded))
    nb.cells = cells
    return nb


def _student(lessons: list[Lesson], folder: Path) -> None:
    notebooks = {lesson.slug: build.notebook(lesson) for lesson in lessons}
    for slug, nb in notebooks.items():
        files.write(folder / f"{slug}.ipynb", nbformat.writes(nb) + "\n")
    titles = [(_title(nb), slug) for slug, nb in notebooks.items()]
    address = online.repository(lessons[0].root)
    files.write(folder / "README.md", render("for_students.md", lessons=titles, address=address))


def _teacher(lessons: list[Lesson], folder: Path) -> None:
    rows = ["| lesson | notes | exercises | points |", "|---|---|---|---|"]
    for lesson in lessons:
        slug, solved = lesson.slug, build.notebook(lesson, "teacher")
        files.write(folder / slug / f"{slug}.ipynb", nbformat.writes(with_folded_solutions(lesson)) + "\n")
        files.write(folder / "nbgrader" / "source" / slug / f"{slug}.ipynb", nbformat.writes(solved) + "\n")
        notes = lesson.folder / "TEACHING.md"
        if notes.is_file():
            shutil.copyfile(notes, folder / slug / notes.name)
        points = [cell.metadata.nbgrader.points for cell in solved.cells if "check" in cell.metadata.get("tags", [])]
        link = f"[TEACHING.md]({slug}/TEACHING.md)" if notes.is_file() else "–"
        rows.append(f"| [{_title(solved)}]({slug}/{slug}.ipynb) | {link} | {len(points)} | {sum(points)} |")
    files.write(folder / "nbgrader" / "nbgrader_config.py", render("nbgrader_config.py", kernel=KERNEL))
    files.write(folder / "index.md", "# The lessons\n\n" + "\n".join(rows) + "\n")
    files.write(folder / "README.md", render("for_teachers.md", kernel=KERNEL, slug=lessons[-1].slug))


def _title(nb: NotebookNode) -> str:
    return nb.cells[0].source.splitlines()[0].removeprefix("# ")


def _hashes(folder: Path) -> dict[str, str]:
    """Hash each file in a folder but WRITTEN: relative path → SHA-256."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != WRITTEN)
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _changed(folder: Path) -> list[str]:
    """List the files of a folder that `write` did not write, or that were changed since."""
    record = folder / WRITTEN
    written = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    return [path for path, digest in _hashes(folder).items() if written.get(path) != digest]
