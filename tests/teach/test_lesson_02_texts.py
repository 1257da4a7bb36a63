"""Lesson 2's texts: the paper's numbers fit together, and the quiz's answers are what the numbers say."""

import json
import math
import tomllib
from fractions import Fraction

import pytest
import torch

from course_utils.core.profiles import ROOT
from course_utils.evaluate import statistics
from course_utils.evaluate.statistics import proportion_interval
from course_utils.teach.exercises.lesson_02 import AccuracyAndRecall, ClassGaussian
from course_utils.teach.widgets import quiz

FOLDER = ROOT / "lessons" / "02_emnist_bagan"
NUMBERS = {n["key"]: n for n in tomllib.loads((FOLDER / "paper.toml").read_text("utf-8"))["number"]}
PAPER = {key: number["value"] for key, number in NUMBERS.items()}
QUIZ = {question.key: question for question in quiz.load(FOLDER / "quiz.toml")}
ARMS = ("balanced", "starved", "bagan", "manual")
SUBSETS = ("1", "20", "100")
SCORES = [(arm, s, c) for arm in ARMS for s in SUBSETS for c in (range(10) if s == "1" else [0])]


def accuracies(subset):
    return [Fraction(str(PAPER[f"accuracy_{arm}_{subset}"])) for arm in ARMS]


@pytest.mark.parametrize("subset", SUBSETS)
def test_the_test_sizes_are_the_common_denominators_of_the_accuracies(subset):
    assert math.lcm(*(a.denominator for a in accuracies(subset))) == PAPER[f"tested_{subset}"]


def test_sizes_fit_together():
    for subset in SUBSETS:
        assert PAPER[f"images_{subset}"] * 100 == PAPER["train_images"] * int(subset)
        assert PAPER[f"tested_{subset}"] * 100 == PAPER["test_images"] * int(subset)
    assert PAPER["kept"] + PAPER["removed"] == 100
    assert PAPER["shown_after_4"] + 1 == PAPER["gan_epochs"]


@pytest.mark.parametrize("arm", ARMS)
def test_at_1_percent_the_recalls_are_whole_images_that_add_up_to_the_accuracy(arm):
    per_class = PAPER["tested_1"] // PAPER["classes"]
    recalls = [PAPER[f"recall_{arm}_1_class_{c}"] for c in range(10)]
    right = [round(recall * per_class) for recall in recalls]
    assert all(abs(k / per_class - recall) <= 0.0051 for k, recall in zip(right, recalls, strict=True))
    assert sum(right) == PAPER[f"accuracy_{arm}_1"] * PAPER["tested_1"]


@pytest.mark.parametrize(("arm", "subset", "c"), SCORES)
def test_each_f1_is_that_of_its_precision_and_recall(arm, subset, c):
    precision, recall, f1 = (PAPER[f"{m}_{arm}_{subset}_class_{c}"] for m in ("precision", "recall", "f1"))
    known = [
        2 * p * r / (p + r) for p in (precision - 0.005, precision + 0.005) for r in (recall - 0.005, recall + 0.005)
    ]
    assert min(known) - 0.005 <= f1 <= max(known) + 0.005


def test_each_sentence_calls_a_lead_what_is_not_significant_after_holm():
    results = json.loads((ROOT / "results" / "02_emnist_bagan" / "cpu.json").read_text("utf-8"))
    sentences = iter(results["verdicts"])
    for metric in ("accuracy", "recall_0"):
        known = [pair[metric] for pair in results["pairs"].values()]
        adjusted = statistics.holm([statistics.paired_p(entry["values"]) for entry in known])
        for entry, p in zip(known, adjusted, strict=True):
            said = statistics.lead(statistics.t_interval(entry["values"]), p)
            assert next(sentences).endswith(said) if said else "lead only" not in next(sentences)


def test_the_claims_second_half_is_not_in_the_table():
    assert PAPER["accuracy_bagan_20"] > PAPER["accuracy_manual_20"]
    assert PAPER["accuracy_bagan_100"] < PAPER["accuracy_starved_100"] < PAPER["accuracy_manual_100"]
    assert PAPER["recall_bagan_1_class_0"] < PAPER["recall_manual_1_class_0"]


def holds(key, value):
    right = QUIZ[key].right
    return right.lo <= value <= right.hi


def test_the_quizs_numbers_are_those_of_the_paper():
    n = PAPER["tested_1"]
    bagan, manual = (round(PAPER[f"accuracy_{arm}_1"] * n) for arm in ("bagan", "manual"))
    assert holds("one-image", bagan - manual)
    interval = proportion_interval(bagan, n)
    length = 100 * (interval.hi - interval.lo)
    assert holds("interval", length)
    for said in (f"{100 * interval.lo:.1f} to {100 * interval.hi:.1f} %", f"{length:.1f} points"):
        assert said in QUIZ["interval"].right.why
    assert round(length / (100 * (bagan - manual) / n)) == 18 and "eighteen" in QUIZ["interval"].right.why
    found = [round(PAPER[f"recall_{arm}_1_class_0"] * n / PAPER["classes"]) for arm in ("bagan", "manual")]
    assert holds("zeros-found", found[1] - found[0])


def test_the_quizs_rank_and_accuracy_are_what_a_computation_gives():
    zeros = PAPER["images_1"] // PAPER["classes"] * PAPER["kept"] // 100
    _, factor = ClassGaussian.reference(torch.randn(zeros, 64, generator=torch.Generator().manual_seed(0)))
    assert holds("rank", int(torch.linalg.matrix_rank(factor, atol=1e-2)))
    labels = torch.arange(10).repeat(40)
    accuracy, recall = AccuracyAndRecall.reference(labels, torch.where(labels == 0, 6, labels), 0)
    assert holds("never-0", round(100 * accuracy, 3)) and recall == 0


def lead(arm, other, subset):
    return round((PAPER[f"accuracy_{arm}_{subset}"] - PAPER[f"accuracy_{other}_{subset}"]) * PAPER[f"tested_{subset}"])


def test_teachings_counts_are_those_of_the_paper():
    teaching = " ".join((FOLDER / "TEACHING.md").read_text("utf-8").split())
    right = [round(PAPER[f"accuracy_{arm}_1"] * PAPER["tested_1"]) for arm in ARMS]
    zeros = [round(PAPER[f"recall_{arm}_1_class_0"] * PAPER["tested_1"] / PAPER["classes"]) for arm in ARMS]
    for counts, of in ((right, PAPER["tested_1"]), (zeros, PAPER["tested_1"] // PAPER["classes"])):
        assert "{}, {}, {} and {} of {}".format(*counts, of) in teaching
    assert f"{zeros[0] - zeros[1]} of the {right[0] - right[1]} images that were lost are zeros" in teaching
    assert f"by {lead('bagan', 'manual', '20')} images of {PAPER['tested_20']:,}" in teaching
    assert f"augmentation leads by {lead('manual', 'bagan', '100')}, far more" in teaching
    assert f"*below* the starved set, by {lead('starved', 'bagan', '100')}, " in teaching
    assert PAPER["removed"] / PAPER["kept"] == 19 and "Nineteen generated zeros for each real one" in teaching
    all_zeros = [PAPER[f"images_{s}"] // PAPER["classes"] for s in SUBSETS]
    kept = [n * PAPER["kept"] // 100 for n in all_zeros]
    for whole, rest in zip(all_zeros, kept, strict=True):
        assert f"of {whole:,}" in teaching and f"{rest:,}" in teaching
