"""The lessons for a class: no solution and no quiz answer for students, all of it for teachers."""

import ast
import importlib
import inspect
import json
import os
import pkgutil
import re
import subprocess
import sys
import textwrap

import nbformat
import pytest

from course_tools.author import build, student
from course_tools.run.lessons import Lesson, find
from course_utils.core.errors import CourseError
from course_utils.teach import exercises
from course_utils.teach.exercises.exercise import Exercise
from course_utils.teach.widgets import quiz

LESSONS = find()
BLOCK = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """The folders student and teacher of all lessons."""
    folder = tmp_path_factory.mktemp("class")
    student.write(LESSONS, folder)
    return folder


def bare(text):
    """A text without spaces and quotes, so that a line is found however it is broken or escaped."""
    return re.sub(r"[\s\"'\\#>]+", "", text)


def telling(code):
    """The lines of a piece of code that tell something: not `return factor`, not a lone bracket. Of what is returned
    the expression alone, too, for it may stand in a text without `return`."""
    lines = [line.split("  # ")[0].strip() for line in code.splitlines()]
    told = [line for line in lines if re.search(r"[-+*/@]|\w\(|==", line)]
    returned = [line.removeprefix("return ") for line in told if line.startswith("return ")]
    return [line for line in told if len(bare(line)) > 12] + [line for line in returned if len(bare(line)) > 6]


def body(function):
    """The source of a function below its signature."""
    source = textwrap.dedent(inspect.getsource(function))
    first = ast.parse(source).body[0].body[0]
    return "\n".join(source.splitlines()[first.lineno - 1 :])


def kinds():
    """Every kind of exercise of a lesson."""
    for found in pkgutil.iter_modules(exercises.__path__):
        if not found.name.startswith("lesson_"):
            continue
        module = importlib.import_module(f"{exercises.__name__}.{found.name}")
        for kind in vars(module).values():
            if inspect.isclass(kind) and issubclass(kind, Exercise) and kind.__module__ == module.__name__:
                yield kind


def solutions():
    """Every telling line of every solution, of the lessons and of the package."""
    for lesson in LESSONS:
        for block in BLOCK.findall((lesson.folder / "lesson.py").read_text(encoding="utf-8")):
            yield from telling(block)
    for kind in kinds():
        yield from telling(body(kind.reference))


def answers():
    """What a quiz says to whoever has answered: it names the right answer, or why another one is wrong."""
    for lesson in LESSONS:
        for question in quiz.load(lesson.folder / "quiz.toml"):
            yield from (option.why for option in question.options)
            yield from (known.why for known in (question.right, *question.wrong) if known)


def strings(value):
    """All texts in a JSON value."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    return "\n".join(map(strings, value)) if isinstance(value, list) else str(value)


def read(path):
    """What a person can read in a file: a notebook's texts without their JSON escapes."""
    text = path.read_text(encoding="utf-8")
    return bare(strings(json.loads(text)) if path.suffix in (".ipynb", ".json") else text)


def leaks(files, secrets):
    """Which secrets stand in which files."""
    texts = {path.name: read(path) for path in files}
    return [(secret, name) for secret in secrets for name, text in texts.items() if bare(secret) in text]


def every_file(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


# ------------------------------------------------------------------ students


@pytest.mark.parametrize("secrets", [solutions, answers])
def test_neither_students_nor_the_stored_notebooks_are_told_solutions_or_quiz_answers(out, secrets):
    found = set(secrets())
    assert len(found) >= 3 * len(LESSONS)
    there = every_file(out / "teacher") if secrets is solutions else [LESSONS[0].folder / "quiz.toml"]
    assert leaks(there, found), "the search finds them where they are"
    stored = [lesson.notebook for lesson in LESSONS if lesson.notebook.is_file()]
    assert stored and leaks(every_file(out / "student") + stored, found) == []


def test_students_get_every_stub_and_no_output(out):
    for lesson in LESSONS:
        nb = nbformat.read(out / "student" / f"{lesson.slug}.ipynb", as_version=4)
        nbformat.validate(nb)
        code = [cell for cell in nb.cells if cell.cell_type == "code"]
        assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
        stubs = [cell for cell in code if "exercise" in cell.metadata.get("tags", [])]
        assert all("...  # your code here" in cell.source for cell in stubs)
        assert len(stubs) == sum("check" in cell.metadata.get("tags", []) for cell in code) >= 1


def test_the_readme_of_students_links_each_notebook_and_names_the_address_where_there_is_one(out, course, tmp_path):
    text = (out / "student" / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\(([^)]+)\)", text) == [f"{lesson.slug}.ipynb" for lesson in LESSONS]
    assert all(f"{name}=$HOME/my-course" in text for name in ("COURSE_HOME", "COURSE_RESULTS", "COURSE_RUNS"))
    lessons = [Lesson("01_tiny", course)]
    student.write(lessons, tmp_path / "without")
    (course / "pyproject.toml").write_text('[project.urls]\nRepository = "https://github.com/a/b"\n')
    student.write(lessons, tmp_path / "with")
    without, named = ((tmp_path / name / "student" / "README.md").read_text() for name in ("without", "with"))
    assert "git clone https://github.com/a/b" in named and "Colab" in named
    assert "github" not in without and "Colab" not in without


# ------------------------------------------------------------------ teachers


def test_teachers_get_each_solution_folded_below_its_stub(out):
    for lesson in LESSONS:
        cells = nbformat.read(out / "teacher" / lesson.slug / f"{lesson.slug}.ipynb", as_version=4).cells
        stubs = [i for i, cell in enumerate(cells) if "exercise" in cell.metadata.get("tags", [])]
        blocks = BLOCK.findall((lesson.folder / "lesson.py").read_text(encoding="utf-8"))
        assert len(stubs) == len(blocks)
        for i, block in zip(stubs, blocks, strict=True):
            stub, solution = cells[i : i + 2]
            assert "...  # your code here" in stub.source and "jupyter" not in stub.metadata
            assert solution.metadata == {"tags": ["solution"], "jupyter": {"source_hidden": True}}
            assert block.rstrip() in solution.source and "###" not in solution.source
            assert solution.source.startswith(f"# Solution\n{stub.source.splitlines()[0]}\n")
        assert len({cell.id for cell in cells}) == len(cells)


def test_teachers_get_the_notes_and_an_index_that_leads_to_them(out):
    index = (out / "teacher" / "index.md").read_text(encoding="utf-8")
    linked = re.findall(r"\]\(([^)]+)\)", index)
    assert all((out / "teacher" / path).is_file() for path in linked)
    for lesson in LESSONS:
        assert f"{lesson.slug}/{lesson.slug}.ipynb" in linked
        notes = lesson.folder / "TEACHING.md"
        if notes.is_file():
            assert f"{lesson.slug}/TEACHING.md" in linked
            assert (out / "teacher" / lesson.slug / "TEACHING.md").read_bytes() == notes.read_bytes()


def test_each_exercise_has_as_many_points_as_its_difficulty(out, course, tmp_path):
    index = (out / "teacher" / "index.md").read_text(encoding="utf-8")
    for lesson in LESSONS:
        difficulties = [kind.difficulty for kind in kinds() if kind.lesson == lesson.slug]
        marks = [cell.metadata.get("nbgrader", {}) for cell in build.notebook(lesson).cells]
        points = [mark["points"] for mark in marks if "points" in mark]
        assert sorted(points) == sorted(difficulties)
        assert f"/{lesson.slug}.ipynb) " in index and f"| {len(points)} | {sum(points)} |" in index
    student.write([Lesson("02_broken", course)], tmp_path)  # it has neither notes nor exercises
    assert "| – | 0 | 0 |" in (tmp_path / "teacher" / "index.md").read_text(encoding="utf-8")


# ------------------------------------------------------------------ writing


@pytest.fixture
def tiny(course):
    return Lesson("01_tiny", course)


def test_the_folders_hold_the_lessons_named_last(course, tmp_path):
    student.write([Lesson("01_tiny", course), Lesson("02_broken", course)], tmp_path)
    student.write([Lesson("02_broken", course)], tmp_path)
    assert sorted(path.name for path in (tmp_path / "student").glob("*.ipynb")) == ["02_broken.ipynb"]
    assert not (tmp_path / "teacher" / "01_tiny").exists()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "course") == ["student", "teacher"]


@pytest.mark.parametrize("path", ["student/01_tiny.ipynb", "student/mine.csv", "teacher/01_tiny/TEACHING.md"])
def test_nothing_is_replaced_where_somebody_has_worked(tiny, tmp_path, path):
    student.write([tiny], tmp_path)
    with open(tmp_path / path, "a") as file:
        file.write("mine")
    before = {path: path.read_bytes() for path in every_file(tmp_path / "student") + every_file(tmp_path / "teacher")}
    with pytest.raises(CourseError, match=rf"{path.split('/')[-1]}.*move it away first"):
        student.write([tiny], tmp_path)
    after = {path: path.read_bytes() for path in every_file(tmp_path / "student") + every_file(tmp_path / "teacher")}
    assert after == before


def test_what_was_there_stays_until_both_are_whole(tiny, tmp_path, monkeypatch):
    student.write([tiny], tmp_path)
    before = every_file(tmp_path / "student") + every_file(tmp_path / "teacher")

    def fail(*_):
        raise KeyError("nobody")

    monkeypatch.setattr(student, "_teacher", fail)
    with pytest.raises(KeyError):
        student.write([tiny], tmp_path)
    assert every_file(tmp_path / "student") + every_file(tmp_path / "teacher") == before
    assert not list(tmp_path.glob("*.part"))


def test_the_command_writes_where_it_is_told(course, tmp_path):
    command = [sys.executable, "-m", "course_tools", "student", "1", "--out", str(tmp_path / "there")]
    env = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ} | {"COURSE_ROOT": str(course)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "there" / "student" / "01_tiny.ipynb").is_file() and "there/teacher" in done.stdout
