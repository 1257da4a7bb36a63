"""`course new-lesson` in a copy of the course: what it writes passes the tests that go over every lesson."""

import os
import shutil
import subprocess
import sys

import pytest

from course_tools.author import new_lesson
from course_utils.core.errors import CourseError
from course_utils.core.profiles import ROOT


@pytest.mark.notebook
def test_a_new_lesson_runs_and_passes_the_tests_of_every_lesson(tmp_path):
    copy = tmp_path / "course"
    for name in ("course_utils", "course_tools", "lessons", "tests", "benchmarks"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "pyproject.toml", copy / "pyproject.toml")

    def python(*command):
        env = {name: value for name, value in os.environ.items() if not name.startswith("COURSE_ROOT")}
        env |= {"PYTHONPATH": str(copy), "COURSE_HEADLESS": "1"}
        done = subprocess.run([sys.executable, "-m", *command], cwd=copy, env=env, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    code, said = python("course_tools", "new-lesson", "trial")
    assert code == 0, said
    slug = next(path.name for path in (copy / "lessons").glob("*_trial"))
    module = f"lesson_{slug[:2]}"
    every = [
        "tests/test_every_lesson.py",
        "tests/teach/test_teaching_notes.py",
        "tests/teach/exercises/test_every_exercise.py",
    ]
    chosen = f"({slug} and not stored and not unsolved) or Blend or PairedGains or test_exercises_{module}"
    pytest_options = ["-q", "-p", "no:cacheprovider", "-k", chosen]
    code, said = python("pytest", *pytest_options, *every, f"tests/teach/exercises/test_exercises_{module}.py")
    assert code == 0 and "skipped" not in said.splitlines()[-1], said
    assert python("ruff", "check", "--select", "E,F,I", "lessons", "course_utils")[0] == 0


@pytest.mark.parametrize("name", ["Mixup", "a-b", "1st", ""])
def test_a_name_that_cannot_be_used_is_refused(course, name):
    with pytest.raises(CourseError, match="small letters"):
        new_lesson.write(name, course)


def test_what_exists_is_never_written_over(course, tmp_path, monkeypatch):
    monkeypatch.setattr(new_lesson, "PACKAGE", tmp_path / "package")
    with pytest.raises(CourseError, match="01_tiny already"):
        new_lesson.write("tiny", course)
    exercises = tmp_path / "package" / "course_utils" / "teach" / "exercises" / "lesson_03.py"
    exercises.parent.mkdir(parents=True)
    exercises.write_text("mine")
    with pytest.raises(CourseError, match="exists already"):
        new_lesson.write("trial", course)
    assert exercises.read_text() == "mine" and not (course / "lessons" / "03_trial").exists()
