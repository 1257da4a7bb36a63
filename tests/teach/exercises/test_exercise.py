"""The exercise framework: correct, incorrect with a message, not attempted; a lesson can always go on."""

import sys
import warnings

import numpy as np
import pytest
import torch

from course_utils.teach import progress
from course_utils.teach.exercises.exercise import WIDTH, Exercise, Wrong, brief, cloud


class Double(Exercise):
    lesson, title, minutes, difficulty = "01_x", "Double it", 3, 1
    hints = ("Think of a sum.", "x + x")

    @staticmethod
    def reference(x):
        return 2 * x

    def test(self, answer):
        if answer(3) == 9:
            raise Wrong("That is the square.")
        if answer(3) != 6:
            raise Wrong(f"For 3 it gives {answer(3)}, expected 6.")


class Rate(Exercise):
    lesson, title, minutes, difficulty = "01_x", "A learning rate", 1, 1

    @staticmethod
    def reference():
        return 2e-4

    def test(self, answer):
        if answer != 2e-4:
            raise Wrong("Look at the paper again.")


def diverge():
    raise ValueError("first line\nsecond line")


def missing_operation():
    raise NotImplementedError("aten::mean")


def checked(answer, capsys, exercise=None):
    exercise = exercise or Double()
    exercise.check(answer)
    return capsys.readouterr().out, exercise


def test_a_right_answer_is_what_the_lesson_goes_on_with_until_a_later_one_is_wrong(capsys):
    def mine(x):
        return x + x

    said, exercise = checked(mine, capsys)
    assert said.startswith("**✔ Correct.**") and "your version" in said
    assert exercise.answer_or_reference is mine
    assert progress.entry("01_x", "exercises", "Double")["outcome"] == "correct"

    said, exercise = checked(lambda x: x * x, capsys, exercise)
    assert said.startswith("**✘ Incorrect.** That is the square.") and "reference" in said
    assert exercise.answer_or_reference is Double.reference
    done = progress.entry("01_x", "exercises", "Double")
    assert (done["outcome"], done["tries"]) == ("correct", 2), "the record keeps the best"


def raise_stub(x):
    """Raises."""
    raise NotImplementedError()


@pytest.mark.parametrize(
    "answer",
    [
        None,
        ...,
        raise_stub,
        lambda x: None,
        lambda x: (x, ...),
        lambda x: x + ...,
        lambda x: torch.mean(...),
    ],
)
def test_a_stub_counts_as_not_attempted(answer, capsys):
    said, exercise = checked(answer, capsys)
    assert said.startswith("**… Not attempted.**")
    assert exercise.answer_or_reference is Double.reference
    assert progress.read() == {}


@pytest.mark.parametrize(
    "answer, line",
    [
        (lambda x: 1 / 0, "`ZeroDivisionError: division by zero`"),
        (lambda x: sys.exit("bye"), "`SystemExit: bye`"),
        (lambda: 3, "`TypeError:"),
        (lambda x: diverge(), "`ValueError: first line`"),
        (7, "`TypeError: 'int' object is not callable`"),
        (lambda x: missing_operation(), "`NotImplementedError: aten::mean`"),  # no stub
    ],
)
def test_what_the_learner_s_code_raises_is_reported_in_a_line(answer, line, capsys):
    said, exercise = checked(answer, capsys)
    assert said.startswith("**✘ Incorrect.** Your code raised")
    assert line in said
    assert said.count("\n") == 1
    assert exercise.answer_or_reference is Double.reference


def test_what_the_hidden_test_gave_is_told_and_no_warning_stands_above_the_verdict(capsys, recwarn):
    def warned(x):
        warnings.warn("hot", stacklevel=1)
        return x * x

    for answer in (warned, lambda x: 1 / 0):
        assert "The hidden test gave it `x = 3`." in checked(answer, capsys)[0]
    assert not any(str(warning.message) == "hot" for warning in recwarn)


@pytest.mark.parametrize("execution", ["autograde", "validate"])
def test_under_nbgrader_what_is_not_correct_fails_its_cell(monkeypatch, capsys, recwarn, execution):
    def warned(x):
        warnings.warn("slow", stacklevel=1)
        return x + x

    def slow_warnings():  # and none of what an earlier test left open
        return sum(str(warning.message) == "slow" for warning in recwarn)

    exercise = Double()
    monkeypatch.setenv("NBGRADER_EXECUTION", execution)
    with pytest.raises(Wrong, match="That is the square"):
        exercise.check(lambda x: x * x)
    for stub in (..., lambda x: None, raise_stub):
        with pytest.raises(Wrong, match="reference solution"):
            exercise.check(stub)
    assert exercise.answer_or_reference is Double.reference
    assert "That is the square" in capsys.readouterr().out, "what the learner is told is told here too"
    exercise.check(warned)
    assert "Correct" in capsys.readouterr().out
    assert slow_warnings() == 0, "a warning would cost a right answer its points"


def test_an_answer_may_be_a_value(capsys):
    said, exercise = checked(2e-4, capsys, Rate())
    assert "Correct" in said
    assert exercise.answer_or_reference == 2e-4
    assert "Look at the paper" in checked(1.0, capsys, Rate())[0]


def test_hints_come_one_by_one_and_end(capsys):
    exercise = Double()
    for _ in range(3):
        exercise.hint()
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == "**Hint 1 of 2.** Think of a sum."
    assert second == "**Hint 2 of 2.** x + x"
    assert "No more hints" in third
    assert progress.entry("01_x", "exercises", "Double")["hints"] == 2


def test_the_solution_is_the_reference_s_source(capsys):
    Double().solution()
    assert capsys.readouterr().out == "```python\ndef reference(x):\n    return 2 * x\n```\n"
    assert progress.entry("01_x", "exercises", "Double")["solution_seen"]


@pytest.mark.parametrize(
    ("x", "lines"),
    [
        ([1.5, -0.25], ["Target output: for x = [1.5, -0.25] it gives [3, -0.5]"]),
        (list(range(24)), [f"Target output: for x = {list(range(24))}", f"it gives {list(range(0, 48, 2))}"]),
    ],
)
def test_it_shows_the_target_output_of_its_example_on_lines_of_its_own_where_it_is_long(x, lines, monkeypatch):
    monkeypatch.setattr(Double, "example", lambda self: (torch.tensor(x),))
    first, *rest = repr(Double()).splitlines()
    assert first == "Exercise: Double it · 3 minutes · difficulty ●○○"
    assert rest == lines and max(map(len, lines)) <= WIDTH


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (7, "7"),
        (0.123456, "0.123"),
        (-0.0, "0"),
        (np.float64(2), "2"),
        (torch.tensor(True), "True"),
        (torch.tensor([[1.0, -0.66666], [0.0, 200.0]], requires_grad=True), "[[1, -0.667], [0, 200]]"),
        ((0.5, torch.tensor([1, 2])), "(0.5, [1, 2])"),
        (torch.zeros(6, 7), "6 × 7 numbers"),
        (torch.zeros((), device="meta"), "a tensor without a value"),
        (torch.tensor([3, 4])[:, None, None, None].expand(2, 1, 8, 9), "[[3], [4]] (each 8 × 9 times)"),
        (torch.rand(2, 1, 8, 9), "2 × 1 × 8 × 9 numbers"),
        (torch.Generator(), "any"),
        (raise_stub, "Raises."),
    ],
)
def test_arguments_and_results_are_told_in_a_few_characters(value, said):
    assert brief(value) == said


def test_a_cloud_is_told_alike_whatever_the_seed():
    draws = (torch.randn(100_000, 2, generator=torch.Generator().manual_seed(seed)) + 3 for seed in range(3))
    said = "100000 × 2 random numbers, with mean ≈ [3, 3] and covariance ≈ [[1, 0], [0, 1]]"
    assert {cloud(x) for x in draws} == {said}
