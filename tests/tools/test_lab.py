"""A learner's own copies of the notebooks: without outputs, made once, never overwritten."""

import json

import pytest

from course_tools.run import lab
from course_tools.run.lessons import Lesson
from course_utils.core import profiles
from course_utils.core.errors import CourseError

MARKDOWN = {"cell_type": "markdown", "metadata": {}, "source": "# x"}
CODE = {
    "cell_type": "code",
    "metadata": {"tags": ["a"]},
    "source": "1",
    "execution_count": 3,
    "outputs": [{"output_type": "stream", "name": "stdout", "text": "spoiler"}],
}


@pytest.fixture
def lesson(tmp_path):
    made = Lesson("01_a", tmp_path)
    made.notebook.parent.mkdir()
    store(made, "one")
    return made


def store(lesson, source):
    lesson.notebook.write_text(
        json.dumps({"cells": [MARKDOWN, CODE], "metadata": {"course": {"source_sha256": source}}})
    )


def test_a_copy_has_every_cell_and_no_output(lesson, tmp_path):
    lab.copies([lesson], tmp_path / "mine", [])
    markdown, code = json.loads((tmp_path / "mine" / "01_a.ipynb").read_text())["cells"]
    assert markdown == MARKDOWN and code == {**CODE, "execution_count": None, "outputs": []}
    assert "spoiler" in lesson.notebook.read_text()


def test_a_copy_is_kept_until_a_fresh_one_is_asked_for_and_then_beside_it(lesson, tmp_path):
    copy = tmp_path / "mine" / "01_a.ipynb"
    lab.copies([lesson], copy.parent, [])
    lab.copies([lesson], copy.parent, [lesson])
    assert [path.name for path in copy.parent.iterdir()] == ["01_a.ipynb"], "nothing was in it to be kept"
    bare = copy.read_text()
    for n in (1, 2):
        work = bare.replace("# x", f"# my notes {n}")
        copy.write_text(work)
        assert len(lab.copies([lesson], copy.parent, [])) == 1 and copy.read_text() == work
        said = lab.copies([lesson], copy.parent, [lesson])
        assert copy.read_text() == bare and copy.with_stem(f"01_a-old-{n}").read_text() == work
        assert f"01_a-old-{n}.ipynb" in said[-1]


def test_a_copy_of_an_older_lesson_is_kept_and_said_to_be_one(lesson, tmp_path):
    lab.copies([lesson], tmp_path / "mine", [])
    store(lesson, "two")
    assert "course lab --fresh 01" in lab.copies([lesson], tmp_path / "mine", [])[-1]


def test_a_damaged_stored_notebook_is_named(lesson, tmp_path):
    lesson.notebook.write_text("{")
    with pytest.raises(CourseError, match=r"01_a\.ipynb is damaged; get it anew with: git checkout"):
        lab.copies([lesson], tmp_path / "mine", [])


def test_who_has_a_home_has_the_copies_there(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_HOME", raising=False)
    assert profiles.working_folder() == profiles.ROOT / "my_notebooks"
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    assert profiles.working_folder() == tmp_path / "notebooks"
