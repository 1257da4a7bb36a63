"""Lesson 4's texts: the paper's numbers fit together, and what the quiz concludes is what they give."""

import math

import torch
from texts import Texts

from course_utils.evaluate.class_scores import inception_score
from course_utils.evaluate.statistics import proportion_interval
from course_utils.gan.networks import ClassPCA, PPCAGenerator
from course_utils.teach.exercises.lesson_04 import Cheat, ConditionalAccuracy

TEXTS = Texts("04_mnist_gan_vs_pca")
PAPER = TEXTS.paper
GRID = [[PAPER[f"{name}_{k}"] for k in (1, 2, 3)] for name in ("capacity", "depth", "batch")]


def test_the_quizs_counts_and_intervals_are_those_of_the_paper():
    assert TEXTS.holds("best-of-27", 100 / math.prod(map(len, GRID)))
    assert TEXTS.holds("back-door", PAPER["train_images"])
    assert TEXTS.holds("judge-interval", length(PAPER["test_images"]))
    (fewer,) = [wrong for wrong in TEXTS.quiz["judge-interval"].wrong if "1,000 images" in wrong.why]
    assert fewer.lo <= length(1000) <= fewer.hi


def length(images):
    interval = proportion_interval(round(PAPER["judge_test"] / 100 * images), images)
    return 100 * (interval.hi - interval.lo)


def test_the_cheats_scores_are_what_a_computation_gives():
    labels = torch.arange(10).repeat(20)
    pixels = (labels * 20).to(torch.uint8)[:, None, None, None].expand(-1, 1, 28, 28).contiguous()
    handed = Cheat.reference(labels, pixels, labels)
    sure = torch.nn.functional.one_hot(handed[:, 0, 0, 0].long() // 20, 10).float()
    assert TEXTS.holds("cheat", 100 * ConditionalAccuracy.reference(sure, labels))
    score = inception_score(sure, torch.Generator().manual_seed(0), splits=1)
    assert TEXTS.holds("inception-score", round(score, 6))


def test_the_quizs_column_is_that_of_the_model():
    spectrum = torch.tensor([[5.0, 0.9, 0.4, 0.2]])
    pca = ClassPCA(torch.zeros(1, 4), torch.eye(4)[None, :, :1], spectrum)
    assert abs(float(pca.noise) - 0.5) < 1e-6
    assert TEXTS.holds("column", float(PPCAGenerator(pca).W[0].norm()))
