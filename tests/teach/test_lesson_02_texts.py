"""Lesson 2's texts: the paper's numbers fit together, and the quiz's answers are what the numbers say."""

import math
from fractions import Fraction

import pytest
import torch
from texts import Texts

from course_utils.evaluate.statistics import proportion_interval
from course_utils.teach.exercises.lesson_02 import AccuracyAndRecall, ClassGaussian

TEXTS = Texts("02_emnist_bagan")
PAPER = TEXTS.paper
ARMS = ("balanced", "starved", "bagan", "manual")
SUBSETS = ("1", "20", "100")
HALF = (-0.005, 0.005)  # what printing two digits hides


@pytest.mark.parametrize("subset", SUBSETS)
def test_sizes_fit_together(subset):
    accuracies = [Fraction(str(PAPER[f"accuracy_{arm}_{subset}"])) for arm in ARMS]
    assert math.lcm(*(a.denominator for a in accuracies)) == PAPER[f"tested_{subset}"]
    assert PAPER[f"images_{subset}"] * 100 == PAPER["train_images"] * int(subset)
    assert PAPER[f"tested_{subset}"] * 100 == PAPER["test_images"] * int(subset)
    assert PAPER["kept"] + PAPER["removed"] == 100 and PAPER["shown_after_4"] + 1 == PAPER["gan_epochs"]


@pytest.mark.parametrize("arm", ARMS)
def test_at_1_percent_the_recalls_are_whole_images_that_add_up_to_the_accuracy(arm):
    per_class = PAPER["tested_1"] // PAPER["classes"]
    recalls = [PAPER[f"recall_{arm}_1_class_{c}"] for c in range(10)]
    right = [round(recall * per_class) for recall in recalls]
    assert all(abs(k / per_class - recall) <= 0.0051 for k, recall in zip(right, recalls, strict=True))
    assert sum(right) == PAPER[f"accuracy_{arm}_1"] * PAPER["tested_1"]


@pytest.mark.parametrize("arm", ARMS)
def test_each_f1_is_that_of_its_precision_and_recall(arm):
    for subset, c in [("1", c) for c in range(10)] + [("20", 0), ("100", 0)]:
        precision, recall, f1 = (PAPER[f"{m}_{arm}_{subset}_class_{c}"] for m in ("precision", "recall", "f1"))
        known = [2 * (precision + e) * (recall + d) / (precision + recall + e + d) for e in HALF for d in HALF]
        assert min(known) - 0.005 <= f1 <= max(known) + 0.005, (subset, c)


def test_the_quizs_numbers_are_those_of_the_paper():
    n = PAPER["tested_1"]
    bagan, manual = (round(PAPER[f"accuracy_{arm}_1"] * n) for arm in ("bagan", "manual"))
    assert TEXTS.holds("one-image", bagan - manual)
    interval = proportion_interval(bagan, n)
    assert TEXTS.holds("interval", 100 * (interval.hi - interval.lo))
    found = [round(PAPER[f"recall_{arm}_1_class_0"] * n / PAPER["classes"]) for arm in ("bagan", "manual")]
    assert TEXTS.holds("zeros-found", found[1] - found[0])


def test_the_quizs_rank_and_accuracy_are_what_a_computation_gives():
    zeros = PAPER["images_1"] // PAPER["classes"] * PAPER["kept"] // 100
    _, factor = ClassGaussian.reference(torch.randn(zeros, 64, generator=torch.Generator().manual_seed(0)))
    assert TEXTS.holds("rank", int(torch.linalg.matrix_rank(factor, atol=1e-2)))
    labels = torch.arange(10).repeat(40)
    accuracy, recall = AccuracyAndRecall.reference(labels, torch.where(labels == 0, 6, labels), 0)
    assert TEXTS.holds("never-0", round(100 * accuracy, 3)) and recall == 0
