"""`course student`: the lessons for a class. build/student/ is to be handed out, build/teacher/ is not.

student/    the notebooks with stubs in place of solutions; README.md: how to start, what to hand in
teacher/    the notebooks with solutions in folded cells below the stubs, TEACHING.md beside each; index.md, README.md;
            nbgrader/, a course folder for nbgrader: its configuration, and what it makes assignments from

No notebook in them has any output. A student writes a prediction down before the result can be seen, and outputs of a
solved lesson would tell both. Whoever wants to see a finished run has notebooks/ in the course itself.
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
from course_utils.core import files
from course_utils.core.errors import CourseError

WRITTEN = ".written.json"
"""In each folder: what was written, so that nothing else is ever deleted."""

STUDENT = """\
# Lessons to work through

{lessons}

## Start

The notebooks need the course, once on each machine: {where}.
Run `make setup` in its folder. Then start its JupyterLab *here*, in the folder of this file:
`PATH/TO/COURSE/.venv/bin/jupyter lab`. Your teacher may have done all that for you.

Where several people use one copy of the course, each first names folders of their own, or all would share one record:
`export COURSE_HOME=$HOME/my-course COURSE_RESULTS=$HOME/my-course/results COURSE_RUNS=$HOME/my-course/runs`.

{colab}## Work

Run a notebook from the top. Write where it says `# your code here`; `check` tells at once whether you are right, `hint`
helps, and what you leave open, the lesson fills in and goes on. Record each prediction before you run what follows:
that is why no results are shown yet.

## Hand in

Restart the kernel and run all cells, save, and hand in the notebooks, under the names that they have. Leave the cells
with `check` as they are: points are given by them.
"""

TEACHER = """\
# GANs for data augmentation: for the teacher

[index.md](index.md) lists the lessons. In each notebook here a solution stands in a folded cell below its stub: show
the stub, unfold when the class is ready. `TEACHING.md` beside it has minutes, misconceptions, discussion keys and exam
questions. Hand out the folder `student` that lies beside this one. Finished runs, with all figures, are the course's
own `notebooks/`.

`make student` writes both folders anew, from the lessons' sources, and refuses where you have changed something in
them: copy what you want to work on.

## nbgrader

It lives in an environment of its own, and finds the course's Python as a kernel. In the folder of the course:

```sh
python -m venv nbgrader-env && . nbgrader-env/bin/activate && pip install nbgrader
.venv/bin/python -m ipykernel install --user --name {kernel}
cp -r build/teacher/nbgrader grading && cd grading
nbgrader generate_assignment {slug}
nbgrader autograde {slug}
```

The fourth line writes `release/{slug}/`, which you may hand out in place of `student`; both are graded
alike. Before the fifth, put what was handed in under `submitted/NAME/{slug}/{slug}.ipynb`. After it,
`nbgrader export` writes all points to `grades.csv`, and `nbgrader generate_feedback {slug}` a page for each student.

- Each exercise has as many points as its difficulty, 1 to 3. It is right or wrong; a lesson's points are the sum.
- A notebook is graded in the profile `smoke`, in less than a minute: what an exercise checks does not depend on the
  profile. A student who has set `PROFILE` in the notebook's first lines is graded in that one.
- Quizzes and predictions are not graded. They are there to be wrong in.
- The course is open, and `solution()` shows a way to write each exercise. Points tell who has worked through a lesson;
  for an exam there are questions in `TEACHING.md`.
"""

KERNEL = "gan-course"
"""The name under which nbgrader finds the course's Python."""

CONFIG = f'''\
"""nbgrader's configuration for the course. nbgrader reads it in the folder where it is started."""

import os

c = get_config()
c.CourseDirectory.course_id = "gan-augmentation"
c.ClearSolutions.code_stub = {{"python": "...  # your code here"}}
c.Execute.kernel_name = "{KERNEL}"
c.Execute.timeout = 600  # seconds a cell may take

# Enough to grade: what an exercise checks is the same in every profile.
os.environ.setdefault("COURSE_PROFILE", "smoke")
'''


def write(lessons: list[Lesson], out: Path) -> None:
    """Write `out`/student and `out`/teacher with these lessons; what lies there is replaced when both are whole.

    Raises CourseError, before anything is touched, where they hold files that an earlier call did not write so.
    """
    targets = {out / "student": _student, out / "teacher": _teacher}
    for folder in targets:
        if kept := _changed(folder):
            raise CourseError(f"{folder} holds work that would be lost ({', '.join(kept[:3])}); move it away first")
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
    """The learner's notebook, with each exercise's solution in a folded cell of its own below the stub."""
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
    listed = "\n".join(f"- [{_title(nb)}]({slug}.ipynb)" for slug, nb in notebooks.items())
    address = online.repository(lessons[0].root)
    where = f"`git clone {address}`" if address else "a copy of it, which your teacher has"
    colab = "On Google Colab, upload a notebook and run it: its first cell fetches the course.\n\n" if address else ""
    files.write(folder / "README.md", STUDENT.format(lessons=listed, where=where, colab=colab))


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
    files.write(folder / "nbgrader" / "nbgrader_config.py", CONFIG)
    files.write(folder / "index.md", "# The lessons\n\n" + "\n".join(rows) + "\n")
    files.write(folder / "README.md", TEACHER.format(kernel=KERNEL, slug=lessons[-1].slug))


def _title(nb: NotebookNode) -> str:
    return nb.cells[0].source.splitlines()[0].removeprefix("# ")


def _hashes(folder: Path) -> dict[str, str]:
    """Relative path → SHA-256 of each file in a folder, but for WRITTEN."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != WRITTEN)
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _changed(folder: Path) -> list[str]:
    """The files of a folder that `write` did not leave there as they are now."""
    record = folder / WRITTEN
    written = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    return [path for path, digest in _hashes(folder).items() if written.get(path) != digest]
