"""Predictions: recorded once, shown beside what came out."""

import pytest

from course_utils.core.errors import CourseError
from course_utils.teach import progress
from course_utils.teach.widgets import predict
from course_utils.teach.widgets.predict import Question

LESSON = "01_kannada_gan"
CHOICE = Question(LESSON, "winner", "Which arm wins?", ("real", "gan", "none"))
NUMBER = Question(LESSON, "gain", "How much?", (), -10.0, 10.0, 0.5, "points")


@pytest.fixture(autouse=True)
def nothing_asked(monkeypatch):
    monkeypatch.setattr(predict, "_asked", {})
    monkeypatch.setattr(predict, "_revealed", set())


def parts(question):
    row, button, status, _ = predict.form(question).children
    return row.children[0], button, status


def record(question, answer):
    field, button, status = parts(question)
    field.value = answer
    button.click()
    return field, button, status


def test_headless_the_question_is_text_with_its_options(capsys):
    predict.predict(LESSON, "winner", "Which arm wins?", ["real", "gan"])
    predict.predict(LESSON, "gain", "How much?", low=-10, high=10, step=0.5, unit="points")
    text = capsys.readouterr().out
    assert "Which arm wins?" in text
    assert "- real\n- gan" in text
    assert "A number from −10 to 10 points." in text
    assert progress.read() == {}


@pytest.mark.parametrize(
    "wrong", [{}, {"low": 1, "high": 0, "step": 1}, {"low": 0, "high": 1}, {"options": ["a"], "low": 0}]
)
def test_a_question_without_answers_to_give_is_refused(wrong):
    with pytest.raises(CourseError, match="needs either options"):
        predict.predict(LESSON, "k", "?", **wrong)


def test_the_form_records_once_and_stays_locked_when_the_cell_runs_again():
    field, button, status = parts(CHOICE)
    assert button.disabled  # until something is chosen
    field.value = "gan"
    assert not button.disabled
    button.click()
    assert field.disabled and button.disabled and "gan" in status.value
    assert progress.entry(LESSON, "predictions", "winner")["answer"] == "gan"
    field, button, status = parts(CHOICE)
    assert (field.value, field.disabled, button.disabled) == ("gan", True, True) and "gan" in status.value
    gone = Question(LESSON, "winner", "Which arm wins?", ("real", "none"))  # the option is no longer there
    field, _, status = parts(gone)
    assert field.value is None and field.disabled and "gan" in status.value


@pytest.mark.reliability("faults")
def test_what_cannot_be_recorded_is_not_locked_and_the_form_says_what_to_do(course_home):
    row, button, status, error = predict.form(NUMBER).children
    field = row.children[0]
    field.value = 2.5
    course_home.write_text("a file where the folder should be")
    button.click()
    assert not field.disabled and not button.disabled and status.value == ""
    assert "not recorded yet" in error.value and "set COURSE_HOME to another folder" in error.value
    course_home.unlink()
    button.click()
    assert field.disabled and "Recorded: <b>2.5 points</b>" in status.value and error.value == ""
    assert progress.entry(LESSON, "predictions", "gain")["answer"] == 2.5


def test_a_move_of_the_slider_that_the_click_overtook_still_counts():
    field, button, status = parts(NUMBER)
    button.click()
    field.value = 3.5  # the browser sends moves late and clicks at once
    assert "3.5 points" in status.value
    assert progress.entry(LESSON, "predictions", "gain")["answer"] == 3.5
    assert field.disabled and button.disabled


def test_reveal_shows_both_and_records_the_hit(capsys):
    predict.predict(LESSON, "gain", "How much?", low=-10, high=10, step=0.5, unit="points")
    record(NUMBER, 2.5)
    predict.reveal(LESSON, "gain", (1.0, 3.0), "Because *it is so*.")
    text = capsys.readouterr().out
    assert all(said in text for said in ("2.5 points", "1 to 3 points", "Because *it is so*."))
    assert progress.entry(LESSON, "predictions", "gain")["hit"] is True


def test_reveal_without_a_prediction_says_so_and_a_later_one_is_marked(capsys):
    predict.predict(LESSON, "winner", "Which arm wins?", CHOICE.options)
    predict.reveal(LESSON, "winner", "none", "No gain.")
    assert "You recorded no prediction" in capsys.readouterr().out
    record(CHOICE, "none")
    predict.reveal(LESSON, "winner", "none", "No gain.")
    assert "(recorded after the result was shown)" in capsys.readouterr().out


@pytest.mark.parametrize(
    "answer, truth, hit, words",
    [
        (2.0, 2.0, True, "saw it coming"),
        (2.0, 2.2, True, "saw it coming"),  # within half a step
        (2.0, (1.0, 2.0), True, "Inside the interval"),
        (2.5, (1.0, 2.0), False, "Close: 0.5 points above it."),
        (0.5, 2.0, False, "Close: 1.5 points below it."),
        (-9.0, (1.0, 2.0), False, "You were 10 points below it. A surprise"),
    ],
)
def test_numbers_are_scored_kindly(answer, truth, hit, words):
    got, sentence = predict.score(NUMBER, answer, truth)
    assert got is hit
    assert words in sentence


def test_reveal_finds_the_author_s_slips():
    with pytest.raises(CourseError, match="no such prediction was asked"):
        predict.reveal(LESSON, "winer", "none", "")
    predict.predict(LESSON, "winner", "Which arm wins?", CHOICE.options)
    with pytest.raises(CourseError, match="'nobody' is none of the options"):
        predict.reveal(LESSON, "winner", "nobody", "")


@pytest.mark.reliability("security")
@pytest.mark.parametrize("answer", [None, [1], {"a": 1}, True])
def test_a_record_that_holds_no_answer_to_the_question_counts_as_none(answer, capsys):
    for question, truth in ((CHOICE, "gan"), (NUMBER, 3)):
        predict._asked[LESSON, question.key] = question
        progress.record(LESSON, "predictions", question.key, {"question": "?", "answer": answer, "late": False})
        predict.reveal(LESSON, question.key, truth, "So it is.")
        assert "You recorded no prediction for this one." in capsys.readouterr().out


def test_a_run_that_was_stopped_scores_no_prediction(capsys):
    predict.predict("01_x", "early", "Which?", ["a", "b"])
    predict.reveal("01_x", "early", None, "Stopped at step 75.")
    said = capsys.readouterr().out
    assert "too early to tell" in said and "Stopped at step 75." in said and ("01_x", "early") not in predict._revealed
