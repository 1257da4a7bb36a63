"""The start notebook's exercises: mistakes get the message that names them."""

import numpy as np
import pytest
import torch

from course_utils.teach.exercises.exercise import Wrong
from course_utils.teach.exercises.lesson_00 import BestD, Gap


@pytest.mark.parametrize(
    ("kind", "answer", "message"),
    [
        (Gap, lambda a, b, n: 100 * (b - a) / n, "The sign is turned round"),
        (Gap, lambda a, b, n: abs(100 * (a - b) / n), "absolute value"),
        (Gap, lambda a, b, n: a - b, "Those are images"),
        (Gap, lambda a, b, n: 50 * (a - b) / n, "Each has its own images"),
        (Gap, lambda a, b, n: 10.0, "give back an array"),
        (Gap, lambda a, b, n: "ten", "give back an array"),
        (BestD, lambda p, q: q / (p + q), "is *fake*"),
        (BestD, lambda p, q: p / q, "between 0 and 1"),
        (BestD, lambda p, q: p, "forgets the fakes"),
        (BestD, lambda p, q: torch.full_like(p, 0.5), "yours is [0.5, "),
        (BestD, lambda p, q: 0.5, "an answer for each"),
    ],
)
def test_wrong_answers_are_named(kind, answer, message):
    with pytest.raises(Wrong) as caught:
        kind().test(answer)
    assert message in str(caught.value)


def test_another_way_to_write_it_is_right_too():
    Gap().test(lambda a, b, n: 100 * np.divide(a, n) - 100 * np.divide(b, n))
    BestD().test(lambda p, q: 1 - q / (p + q))
