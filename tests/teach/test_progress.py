"""The learner's record: kept, exported, reset, and never written by a headless run."""

import csv
import json
import threading

import pytest

from course_utils.core import files
from course_utils.core.errors import CourseError
from course_utils.teach import progress, show


@pytest.mark.reliability("faults")
def test_what_cannot_be_written_is_raised_for_a_form_and_a_warning_for_a_cell(course_home):
    course_home.write_text("a file where the folder should be")
    with pytest.raises(files.NotWritten, match="set COURSE_HOME"):
        progress.write("01_a", "quiz", "spread", {"right": True})
    with pytest.warns(UserWarning, match=r"set COURSE_HOME to another folder; what you have just done is not recorded"):
        progress.record("01_a", "quiz", "spread", {"right": True})


def test_what_is_recorded_is_read_back_and_exported_as_it_is_or_as_a_table(tmp_path):
    progress.record("01_a", "quiz", "q", {"right": True, "tries": 2})
    progress.record("02_b", "exercises", "Loss", {"outcome": "incorrect"})
    assert progress.entry("01_a", "quiz", "q")["right"] is True and progress.entry("02_b", "quiz", "q") == {}
    with pytest.raises(CourseError, match="'songs' is unknown"):
        progress.record("01_a", "songs", "q", {})
    assert json.loads(progress.export(tmp_path / "mine.json").read_text()) == progress.read()
    rows = list(csv.DictReader(progress.export(tmp_path / "mine.csv").read_text().splitlines()))
    assert [(row["lesson"], row["kind"], row["key"], row["done"]) for row in rows] == [
        ("01_a", "quiz", "q", "1"),
        ("02_b", "exercises", "Loss", "0"),
    ]
    assert json.loads(rows[0]["more"]) == {"right": True, "tries": 2} and rows[0]["when"].startswith("20")


def test_starting_anew_moves_the_record_aside(course_home):
    progress.record("01_a", "quiz", "q", {"right": True})
    before = progress.read()
    first = progress.reset()
    assert progress.read() == {} and json.loads(first.read_text()) == before
    progress.record("02_b", "quiz", "q", {"right": False})
    second = progress.reset()
    assert set(json.loads(second.read_text())) == {"02_b"}
    assert first != second and first.parent == second.parent == course_home
    assert progress.reset() is None


@pytest.mark.parametrize(
    ("kind", "entry", "done"),
    [
        ("predictions", {"answer": 0, "hit": False}, True),
        ("predictions", {}, False),
        ("exercises", {"outcome": "correct", "tries": 3}, True),
        ("exercises", {"outcome": "incorrect"}, False),
        ("exercises", {"hints": 1}, False),
        ("quiz", {"right": True}, True),
        ("quiz", {"right": False, "tries": 1}, False),
        ("games", {"choices": [0, 1], "of": 2}, True),
        ("games", {"choices": [0], "of": 2}, False),
        ("games", {}, False),
    ],
)
def test_what_counts_as_done(kind, entry, done):
    assert progress.is_done(kind, entry) is done


LESSON = """
predict(lesson.slug, "gain", "How much?", low=0, high=1, step=1)
predict(
    lesson.slug,
    "winner",
    "Which?",
    options=["a", "b"],
)
first = exercises.Loss()
first.check(loss)
run = await watch(training())
real_or_fake(lesson.slug, a, b, c, d, "A digit.")
real_or_fake(lesson.slug, a, b, c, d, "A digit.", key="again", seed=1)
"""
QUIZ = '[[question]]\nkey = "noise"\n[[question]]\nkey = "spread"\n'


def test_a_lesson_s_source_says_what_it_asks(monkeypatch, tmp_path):
    monkeypatch.setattr(progress, "ROOT", tmp_path)
    folder = tmp_path / "lessons" / "01_a"
    folder.mkdir(parents=True)
    (folder / "lesson.py").write_text(LESSON)
    found = {"predictions": ["gain", "winner"], "exercises": ["Loss"], "games": ["real-or-fake", "again"]}
    assert progress.asked("01_a") == {**found, "quiz": []}
    (folder / "quiz.toml").write_text(QUIZ)
    assert progress.asked("01_a") == {**found, "quiz": ["noise", "spread"]}
    progress.record("01_a", "quiz", "noise", {"right": True})
    progress.record("01_a", "quiz", "of another version", {"right": True})
    progress.record("01_a", "predictions", "gain", {"answer": 1})
    rest = {"predictions": ["winner"], "exercises": ["Loss"], "quiz": ["spread"], "games": found["games"]}
    assert progress.still_open("01_a") == rest


@pytest.mark.reliability("faults")
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


def test_a_headless_run_without_a_home_neither_writes_nor_reads(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_HOME")
    monkeypatch.setattr(progress, "ROOT", tmp_path)
    progress.record("01_a", "quiz", "q", {"right": True})
    assert not list(tmp_path.rglob("*.json"))
    with monkeypatch.context() as lab:
        lab.setattr(show, "interactive", lambda: True)
        progress.record("01_a", "quiz", "q", {"right": True})
        assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.json")] == [".course/progress.json"]
        assert progress.entry("01_a", "quiz", "q")["right"]
    assert progress.entry("01_a", "quiz", "q") == {}  # or it would be stored in a notebook for all to read


def test_what_two_threads_record_at_once_is_all_kept():
    def both(thread):
        for n in range(20):
            progress.record("01_x", "quiz", f"{thread} {n}", {"right": True})

    threads = [threading.Thread(target=both, args=[thread]) for thread in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(progress.read()["01_x"]["quiz"]) == 40
