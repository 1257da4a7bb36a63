"""The start notebook's exercises: each mistake gets the message that names it."""

import numpy as np
import pytest
import torch

from course_utils.teach.exercises.lesson_00 import BestD, Gap


def said(exercise, answer, capsys):
    exercise.check(answer)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda a, b, n: 100 * (b - a) / n, "The sign is turned round"),
        (lambda a, b, n: abs(100 * (a - b) / n), "absolute value"),
        (lambda a, b, n: (a - b) / n, "Those are shares"),
        (lambda a, b, n: a - b, "Those are images"),
        (lambda a, b, n: 100 * (a - b) / b, "of B's hits"),
        (lambda a, b, n: 100 * a / n, "A's accuracy alone"),
        (lambda a, b, n: 50 * (a - b) / n, "170 and 150 hits on 200 images are 10 points apart, not 5."),
        (lambda a, b, n: 10.0, "give back an array"),
        (lambda a, b, n: "ten", "give back an array"),
    ],
)
def test_wrong_gaps_are_named(answer, message, capsys):
    told = said(Gap(), answer, capsys)
    assert "Incorrect" in told and message in told


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda p, q: q / (p + q), "is *fake*"),
        (lambda p, q: p / q, "between 0 and 1"),
        (lambda p, q: p, "forgets the fakes"),
        (lambda p, q: p - q, "cannot. Take a share"),
        (lambda p, q: (p > q).float(), "How sure"),
        (lambda p, q: torch.full_like(p, 0.5), "D should say 0.75; yours says 0.50"),
        (lambda p, q: 0.5, "an answer for each"),
    ],
)
def test_wrong_best_ds_are_named(answer, message, capsys):
    told = said(BestD(), answer, capsys)
    assert "Incorrect" in told and message in told


def test_another_way_to_write_it_is_right_too(capsys):
    assert "Correct" in said(Gap(), lambda a, b, n: 100 * np.divide(a, n) - 100 * np.divide(b, n), capsys)
    assert "Correct" in said(BestD(), lambda p, q: 1 - q / (p + q), capsys)
