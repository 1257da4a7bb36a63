"""The learner's record: kept, exported, reset, and never written by a headless run."""

import json

import pytest

from course_utils.errors import CourseError
from course_utils.teach import progress, show


def test_what_is_recorded_is_read_back():
    progress.record("01_a", "quiz", "spread", {"right": True})
    progress.record("01_a", "exercises", "Loss", {"outcome": "correct"})
    assert progress.entry("01_a", "quiz", "spread")["right"] is True
    assert progress.entry("01_a", "quiz", "spread")["when"].startswith("20")
    assert set(progress.read()["01_a"]) == {"quiz", "exercises"}
    assert progress.entry("02_b", "quiz", "spread") == {}


def test_nothing_half_written_is_left(course_home):
    progress.record("01_a", "quiz", "spread", {"right": True})
    assert [path.name for path in course_home.iterdir()] == ["progress.json"]


def test_export_and_reset(tmp_path):
    progress.record("01_a", "quiz", "q", {"right": True})
    progress.record("02_b", "quiz", "q", {"right": False})
    assert json.loads(progress.export(tmp_path / "mine.json").read_text()) == progress.read()
    progress.reset("01_a")
    assert set(progress.read()) == {"02_b"}
    progress.reset()
    assert progress.read() == {}


@pytest.mark.parametrize("text", ["{", "[1]", '"x"', '{"01_a": 3}', '{"01_a": {"songs": {}}}', "\x00"])
def test_a_damaged_file_is_moved_aside(course_home, text):
    course_home.mkdir()
    (course_home / "progress.json").write_text(text)
    with pytest.warns(UserWarning, match="damaged"):
        assert progress.read() == {}
    (aside,) = course_home.iterdir()
    assert aside.read_text() == text
    progress.record("01_a", "quiz", "q", {"right": True})
    assert progress.entry("01_a", "quiz", "q")["right"]


def test_a_headless_run_without_a_home_writes_nothing(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_HOME")
    monkeypatch.setattr(progress, "ROOT", tmp_path)
    progress.record("01_a", "quiz", "q", {"right": True})
    assert not list(tmp_path.rglob("*.json"))
    monkeypatch.setattr(show, "interactive", lambda: True)
    progress.record("01_a", "quiz", "q", {"right": True})
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.json")] == [".course/progress.json"]


def test_an_unknown_kind_is_refused():
    with pytest.raises(CourseError, match="'songs' is unknown"):
        progress.record("01_a", "songs", "q", {})
