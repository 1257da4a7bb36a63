"""Lesson 3's texts: the paper's numbers and what the quiz concludes from them."""

import math

import pytest
from texts import Texts

from course_utils.evaluate.confusions import confusions
from course_utils.teach.exercises.lesson_03 import ConstantScores

TEXTS = Texts("03_cows_horses")
PAPER = TEXTS.paper
ARMS = ("real", "cgan_250", "cgan_500", "cgan_1000")
SHARES = ("accuracy", "precision", "recall")
COWS = HORSES = PAPER["test_images"] // 2


def shares(arm, split="val"):
    return [PAPER[f"{metric}_{arm}_{split}"] for metric in SHARES]


@pytest.mark.parametrize("arm", ["cgan_500", "cgan_1000"])
def test_two_columns_are_what_a_constant_answer_scores_and_two_nobodys(arm):
    printed = [PAPER[f"bce_{arm}_val"], *shares(arm)]
    assert printed == [round(value, 1) for value in ConstantScores.reference(COWS / (COWS + HORSES))]
    assert confusions(*shares(arm), COWS, HORSES)
    assert confusions(*shares("real"), COWS, HORSES) == confusions(*shares("cgan_250"), COWS, HORSES) == []


def test_the_quizs_numbers_are_what_a_computation_gives():
    bce, *scores = ConstantScores.reference(COWS / (COWS + HORSES))
    assert TEXTS.holds("constant-bce", bce)
    known = "accuracy {}, precision {}, recall {}".format(*(str(s).removeprefix("0") for s in scores))
    assert TEXTS.right_option("constant-row") == known
    found = [round(PAPER["recall_real_val"] * COWS), math.ceil(PAPER["recall_real_val"] * COWS)]
    assert all(TEXTS.holds("impossible", cows * (1 / PAPER["precision_real_val"] - 1)) for cows in found)
