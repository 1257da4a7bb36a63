"""What lesson 6 says in its quiz and exam questions is what its own functions compute."""

import numpy as np
import pytest

from course_utils.core.profiles import ROOT
from course_utils.teach.exercises.lesson_06 import Decide, Worth
from course_utils.teach.widgets import quiz

QUIZ = {question.key: question for question in quiz.load(ROOT / "lessons" / "06_your_data" / "quiz.toml")}


def explained(key, value):
    return any(wrong.lo <= value <= wrong.hi for wrong in QUIZ[key].wrong)


def test_the_price_of_a_gain():
    numbers, accuracy = np.array([500, 1000]), np.array([0.80, 0.83])
    further = Worth.reference(0.015, 500, numbers, accuracy)
    assert QUIZ["price"].right.lo <= further <= QUIZ["price"].right.hi
    assert explained("price", 250) and explained("price", further + 500)
    assert Worth.reference(0.03, 200, np.array([200, 800]), np.array([0.70, 0.76])) == pytest.approx(200)  # exam 2


def test_half_the_effect_takes_four_times_the_seeds():
    assert QUIZ["seeds"].right.lo <= 4 * 10 <= QUIZ["seeds"].right.hi
    assert explained("seeds", 2 * 10) and explained("seeds", round(2**0.5 * 10))


def test_the_run_of_the_quiz_that_saw_nothing_cannot_judge():
    assert Decide.reference(mean=0.004, p=0.5, control_seen=False) == "cannot judge"
    (right,) = [option.text for option in QUIZ["assay"].options if option.right]
    assert "cannot judge" in right
