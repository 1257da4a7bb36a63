"""The start notebook's exercises: mistakes get the message that names them."""

import numpy as np
import torch
from answers import each_mistake_is_named, right_answers_pass

from course_utils.teach.exercises.lesson_00 import BestD, Gap

WRONG = {
    Gap: [
        (lambda a, b, n: 100 * (b - a) / n, "The sign is turned round"),
        (lambda a, b, n: abs(100 * (a - b) / n), "absolute value"),
        (lambda a, b, n: a - b, "Those are images"),
        (lambda a, b, n: 50 * (a - b) / n, "Each has its own images"),
        (lambda a, b, n: 10.0, "give back an array"),
        (lambda a, b, n: "ten", "give back an array"),
    ],
    BestD: [
        (lambda p, q: q / (p + q), r"is \*fake\*"),
        (lambda p, q: p / q, "between 0 and 1"),
        (lambda p, q: p, "forgets the fakes"),
        (lambda p, q: torch.full_like(p, 0.5), r"yours is \[0.5, "),
        (lambda p, q: 0.5, "an answer for each"),
    ],
}
RIGHT = [
    (Gap, lambda a, b, n: 100 * np.divide(a, n) - 100 * np.divide(b, n)),
    (BestD, lambda p, q: 1 - q / (p + q)),
]

test_each_mistake_is_named = each_mistake_is_named(WRONG)
test_other_right_answers_pass = right_answers_pass(RIGHT)
