"""Quizzes: marking, the file's faults, and no answers in what a headless run shows."""

import pytest

from course_utils.core.errors import CourseError
from course_utils.teach import progress
from course_utils.teach.widgets import quiz

GOOD = """
[[question]]
key = "table"
kind = "choice"
text = "What does the table show?"
[[question.option]]
text = "noise"
right = true
why = "Yes: one run each cannot tell."
[[question.option]]
text = "a gain"
why = "One run each cannot tell a gain from luck."

[[question]]
key = "images"
kind = "number"
text = "How much is one image of 400?"
unit = "points"
lo = 0.24
hi = 0.26
why = "1/400 is 0.25 points."
[[question.wrong]]
lo = 0.0024
hi = 0.0026
why = "That is the share; in points it is a hundred times as much."
"""


@pytest.fixture
def lesson(monkeypatch, tmp_path):
    """A lesson whose quiz.toml holds the text it is called with."""
    monkeypatch.setattr(quiz, "ROOT", tmp_path)

    def write(text):
        folder = tmp_path / "lessons" / "01_x"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "quiz.toml").write_text(text, encoding="utf-8")
        return folder / "quiz.toml"

    return write


def test_headless_it_lists_questions_and_no_answers(lesson, capsys):
    lesson(GOOD)
    quiz.quiz("01_x")
    text = capsys.readouterr().out
    assert "**Question 1.** What does the table show?" in text
    assert "- noise\n- a gain" in text
    assert "*A number of points.*" in text
    assert "0.2" not in text and "cannot tell" not in text and "right" not in text


def test_marking(lesson):
    table, images = quiz.load(lesson(GOOD))
    assert quiz.mark(table, "noise") == (True, "Yes: one run each cannot tell.")
    assert quiz.mark(table, "a gain") == (False, "One run each cannot tell a gain from luck.")
    assert quiz.mark(table, None)[0] is False
    for typed in (0.25, "0.25", " 0,25 ", "0.25 points", ".24", "+0.26", "0.25 %"):
        assert quiz.mark(images, typed) == (True, "1/400 is 0.25 points."), typed


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("60,000", 60_000),
        ("686,000 images", 686_000),
        *((f"60{space}000", 60_000) for space in " \u2009\u202f\u00a0'’"),
        ("1,234,567.5", 1_234_567.5),
        ("60 000,5", 60_000.5),
        ("−1,500", -1500),
        ("1/5", 0.2),
        ("−1 / 5 images", -0.2),
        ("1,500", 1500),  # as a question would write it
        ("0,250", 0.25),  # no thousands begin with 0
        ("1,50", 1.5),
        ("1,2345", 1.2345),
        ("  7 images  ", 7),
    ],
)
def test_thousands_and_decimals_are_told_apart(typed, read):
    assert quiz.numbers(typed, "images")[0] == read


@pytest.mark.parametrize("typed", ["1,23,456", "1,500,5", "0,1,2", "60 00", "1 500 images each", "1/0", ""])
def test_what_is_no_number_has_no_reading(typed):
    assert quiz.numbers(typed, "images") == []


@pytest.mark.parametrize(("right", "wrong", "hit"), [(1500, 1.5, True), (1.5, 7, True), (1.5, 1500, False)])
def test_a_number_with_two_readings_is_the_large_one_or_else_the_one_the_question_knows(right, wrong, hit):
    asked = quiz.Question("q", "?", (), quiz.Range(right, right, "yes"), (quiz.Range(wrong, wrong, "no"),))
    assert quiz.mark(asked, "1,500") == (hit, "yes" if hit else "no")
    assert quiz.mark(quiz.Question("q", "?", (), quiz.Range(2, 2, "yes")), "1,500")[1].startswith("Not 1500;")


@pytest.mark.parametrize(
    "typed, words",
    [
        ("0.0025", "That is the share"),
        ("7", "Not 7 points;"),
        ("−0.25", "Not -0.25 points;"),
        ("a lot", "is not a number"),
        ("nan", "Not nan"),
    ],
)
def test_wrong_numbers_are_told_why(lesson, typed, words):
    right, message = quiz.mark(quiz.load(lesson(GOOD))[1], typed)
    assert not right
    assert words in message


@pytest.mark.parametrize(
    "old, new, words",
    [
        ('kind = "choice"', 'kind = "essay"', r"\$.question\[0\].kind: 'essay' is not one of"),
        ('key = "images"', 'key = "table"', "key 'table' names two questions"),
        ("right = true", "right = false", r"\(table\): key 'right' must be true"),
        ("lo = 0.24", "lo = 0.9", "keys 'lo' and 'hi' are 0.9 and 0.26"),
        ("lo = 0.24", "lo = true", r"question\[1\].lo: True is not of type 'number'"),
        ('unit = "points"', 'units = "points"', "'units' was unexpected"),
        ('text = "a gain"', 'text = "noise"', "two options have the same 'text'"),
        ('text = "a gain"', 'text = "a *gain*"', r"option\[1\].text: 'a \*gain\*' does not match"),
        ("[[question]]", "[[question", "is no TOML"),
    ],
)
def test_a_malformed_file_is_named_with_its_key(lesson, old, new, words):
    assert old in GOOD
    with pytest.raises(CourseError, match=words) as caught:
        quiz.load(lesson(GOOD.replace(old, new)))
    assert "quiz.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_or_empty_file_is_named(lesson, tmp_path):
    with pytest.raises(CourseError, match=r"quiz\.toml is missing"):
        quiz.quiz("02_y")
    with pytest.raises(CourseError, match="'question' is a required property"):
        quiz.load(lesson("title = 'x'"))


def test_the_form_marks_and_records(lesson):
    table, images = quiz.load(lesson(GOOD))
    row, button, said, _ = quiz.form("01_x", table).children
    button.click()
    assert said.value == "Give an answer first." and progress.read() == {}
    row.children[0].value = "a gain"
    button.click()
    assert "✘ Not yet." in said.value and "luck" in said.value
    row.children[0].value = "noise"
    assert said.value == ""
    button.click()
    assert "✔ Right." in said.value
    done = progress.entry("01_x", "quiz", "table")
    assert (done["right"], done["tries"]) == (True, 2)
    row.children[0].value = "a gain"
    button.click()
    assert progress.entry("01_x", "quiz", "table")["right"]  # a question once answered stays answered
    assert "answered this one before" in quiz.form("01_x", table).children[2].value

    row, button, said, _ = quiz.form("01_x", images).children
    row.children[0].value = "0.25"
    button.click()
    assert "1/400" in said.value


def test_marks_in_what_is_said_are_shown_and_nothing_else_becomes_html(lesson):
    why = "`a_b*c*`, *one* run, **not** <b>two</b>; class_weights, 2 * 3 * 4, [x](javascript:y), ![x](y), <http://z>"
    table, _ = quiz.load(lesson(GOOD.replace("Yes: one run each cannot tell.", why)))
    row, button, said, _ = quiz.form("01_x", table).children
    row.children[0].value = "noise"
    button.click()
    assert said.value == (
        "<b>✔ Right.</b> <code>a_b*c*</code>, <em>one</em> run, <strong>not</strong> &lt;b&gt;two&lt;/b&gt;; "
        "class_weights, 2 * 3 * 4, [x](javascript:y), ![x](y), &lt;http://z&gt;"
    )


@pytest.mark.reliability("faults")
def test_an_answer_that_cannot_be_recorded_is_marked_and_the_form_says_so(lesson, course_home):
    table, _ = quiz.load(lesson(GOOD))
    row, button, said, error = quiz.form("01_x", table).children
    row.children[0].value = "noise"
    course_home.write_text("a file where the folder should be")
    button.click()
    assert "✔ Right." in said.value
    assert "not recorded" in error.value and "set COURSE_HOME to another folder" in error.value
    course_home.unlink()
    button.click()
    assert error.value == "" and progress.entry("01_x", "quiz", "table")["right"]


def test_a_fresh_form_holds_no_answer(lesson):
    forms = [quiz.form("01_x", question) for question in quiz.load(lesson(GOOD))]
    state = repr([[w.get_state() for w in (*form.children, *form.children[0].children)] for form in forms])
    assert "a gain" in state
    assert "0.24" not in state and "cannot tell" not in state and "why" not in state
