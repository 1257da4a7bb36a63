"""A comparison that fails says where: shape, first place, NaN; and as many digits as it takes to see a difference."""

import math
from fractions import Fraction

import pytest
import torch

from course_utils.teach.exercises import compare
from course_utils.teach.exercises.exercise import Wrong


@pytest.mark.parametrize(
    ("got", "want", "said"),
    [
        (0.7503, 0.75, r"It should be 0.75; yours is 0.7503\."),
        (0.750001, 0.75, r"It should be 0.75; yours is 0.750001\."),
        (math.nan, 0.75, r"yours is NaN\. NaN is \*not a number\*"),
        ([0.5, 0.1], [0.5, 0.2], r"\[0.5, 0.2\]; yours is \[0.5, 0.1\]\. They differ first at place \[1\]"),
        ([True, False], [True, True], r"\[True, True\]; yours is \[True, False\]"),
        (torch.zeros(2, 3), torch.zeros(3, 2), r"shape \(3, 2\); yours has \(2, 3\)"),
        (torch.zeros(3, 4), torch.eye(3, 4), r"first place that differs is \[0, 0\], where it should be 1; yours is 0"),
    ],
)
def test_it_says_how_an_answer_differs(got, want, said):
    with pytest.raises(Wrong, match=said):
        compare.expect(torch.as_tensor(got), want, {}, "It", rtol=1e-9, atol=1e-9)


def test_fractions_are_numbers():
    assert compare.numbers((Fraction(1, 5), torch.tensor(2.0, requires_grad=True)), "a, b") == (0.2, 2.0)
    assert compare.scalar(Fraction(1, 5)) == pytest.approx(0.2)
