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


def checked(answer, capsys, exercise=None):
    exercise = exercise or Double()
    exercise.check(answer)
    return capsys.readouterr().out, exercise


def test_a_right_answer_is_what_the_lesson_goes_on_with(capsys):
    def mine(x):
        return x + x

    said, exercise = checked(mine, capsys)
    assert said.startswith("**✔ Correct.**")
    assert "your version" in said
    assert exercise.answer_or_reference is mine
    assert progress.entry("01_x", "exercises", "Double")["outcome"] == "correct"


def test_a_wrong_answer_is_told_its_mistake_and_the_reference_takes_over(capsys):
    said, exercise = checked(lambda x: x * x, capsys)
    assert said.startswith("**✘ Incorrect.** That is the square.")
    assert "reference" in said
    assert exercise.answer_or_reference is Double.reference
    assert progress.entry("01_x", "exercises", "Double")["outcome"] == "incorrect"


@pytest.mark.parametrize(
    "answer",
    [None, ..., lambda x: None, lambda x: ..., lambda x: (x, ...), lambda x: x + ..., lambda x: torch.mean(...)],
)
def test_a_stub_counts_as_not_attempted(answer, capsys):
    said, exercise = checked(answer, capsys)
    assert said.startswith("**… Not attempted.**")
    assert "The lesson goes on with the reference solution." in said
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
        (lambda x: x.mean(), "`AttributeError: 'int' object has no attribute 'mean'`"),
    ],
)
def test_what_the_learner_s_code_raises_is_reported_in_a_line(answer, line, capsys):
    said, exercise = checked(answer, capsys)
    assert said.startswith("**✘ Incorrect.** Your code raised")
    assert line in said
    assert said.count("\n") == 1
    assert exercise.answer_or_reference is Double.reference


def raise_stub(x):
    """Raises."""
    raise NotImplementedError()


def raise_more(x):
    raise NotImplementedError("aten::mean")


def test_nbgraders_stub_is_not_attempted_but_a_missing_operation_is_a_mistake(capsys):
    assert "Not attempted.** There is still a `raise NotImplementedError`" in checked(raise_stub, capsys)[0]
    assert "Incorrect.** Your code raised `NotImplementedError: aten::mean`" in checked(raise_more, capsys)[0]


@pytest.mark.parametrize("execution", ["autograde", "validate"])
def test_under_nbgrader_whatever_is_not_correct_fails_its_cell_and_the_lesson_goes_on(monkeypatch, capsys, execution):
    monkeypatch.setenv("NBGRADER_EXECUTION", execution)
    exercise = Double()
    with pytest.raises(Wrong, match="That is the square"):
        exercise.check(lambda x: x * x)
    for stub in (..., lambda x: None, raise_stub):
        with pytest.raises(Wrong, match="reference solution"):
            exercise.check(stub)
    assert exercise.answer_or_reference is Double.reference
    assert "That is the square" in capsys.readouterr().out, "what the learner is told is told here too"
    exercise.check(lambda x: x + x)
    assert "Correct" in capsys.readouterr().out


def test_under_nbgrader_a_warning_does_not_cost_a_right_answer_its_points(monkeypatch, recwarn):
    def warned(x):
        warnings.warn("slow", stacklevel=1)
        return 2 * x

    Double().check(warned)
    assert len(recwarn) == 1, "a learner sees it"
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    Double().check(warned)
    assert len(recwarn) == 1


def test_a_later_failure_takes_the_learner_s_version_back_but_not_the_record(capsys):
    _, exercise = checked(lambda x: x + x, capsys)
    exercise.check(lambda x: 0)
    assert exercise.answer_or_reference is Double.reference
    done = progress.entry("01_x", "exercises", "Double")
    assert (done["outcome"], done["tries"]) == ("correct", 2)


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


def test_it_says_what_it_asks_of_a_learner():
    assert repr(Double()) == "Exercise: Double it · 3 minutes · difficulty ●○○"


class Noisy(Double):
    def example(self):
        return (torch.randn(2).round() * 0 + torch.tensor([1.5, -0.25]),)


class Many(Double):
    def example(self):
        return (torch.arange(24.0),)


def test_it_shows_the_target_output_of_its_example():
    assert repr(Noisy()).splitlines() == [repr(Double()), "Target output: for x = [1.5, -0.25] it gives [3, -0.5]"]


def test_a_long_target_output_stands_on_lines_of_its_own():
    given, gives = repr(Many()).splitlines()[1:]
    assert given == f"Target output: for x = {list(range(24))}" and len(given) <= WIDTH
    assert gives == f"it gives {list(range(0, 48, 2))}" and len(gives) <= WIDTH


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
        (torch.zeros(5, 6), "5 × 6 numbers"),
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
