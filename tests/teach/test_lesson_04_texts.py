"""Lesson 4's texts: the paper's numbers fit together, and what quiz and teaching notes conclude is what they give."""

import math
import re
import tomllib

import torch

from course_utils.core.profiles import ROOT
from course_utils.evaluate.class_scores import inception_score
from course_utils.evaluate.statistics import proportion_interval
from course_utils.gan.networks import ClassPCA, PPCAGenerator
from course_utils.teach.exercises import lesson_04
from course_utils.teach.exercises.lesson_04 import Cheat, ConditionalAccuracy
from course_utils.teach.widgets import quiz

FOLDER = ROOT / "lessons" / "04_mnist_gan_vs_pca"
NUMBERS = {n["key"]: n for n in tomllib.loads((FOLDER / "paper.toml").read_text("utf-8"))["number"]}
PAPER = {key: number["value"] for key, number in NUMBERS.items()}
QUIZ = {question.key: question for question in quiz.load(FOLDER / "quiz.toml")}
TEACHING = " ".join((FOLDER / "TEACHING.md").read_text("utf-8").split())
GRID = [[PAPER[f"{name}_{k}"] for k in (1, 2, 3)] for name in ("capacity", "depth", "batch")]
SETTINGS = math.prod(map(len, GRID))


def holds(key, value):
    right = QUIZ[key].right
    return right.lo <= value <= right.hi


def test_the_papers_numbers_fit_together():
    assert PAPER["side"] ** 2 == PAPER["pixels"] == PAPER["label_plane"]
    for value, name in zip(("best_capacity", "best_depth", "best_batch_ccgan"), GRID, strict=True):
        assert PAPER[value] in name
    assert PAPER["best_batch_dcgan"] in GRID[2] and PAPER["hybrid_batch"] in GRID[2]
    assert PAPER["best_capacity"] == min(GRID[0]) and PAPER["best_depth"] == min(GRID[1])
    gain = PAPER["best_ccgan_smoothed"] - PAPER["best_ccgan"]
    assert round(gain) == PAPER["smoothing_gain"] and PAPER["pca_limit"] == PAPER["best_ccgan_smoothed"]
    assert PAPER["judge_train"] > PAPER["judge_test"] > PAPER["best_ccgan_smoothed"]
    assert PAPER["epochs_lo"] < PAPER["epochs_hi"] and PAPER["others_real"] == PAPER["hybrid_least_real"]


def test_the_grid_has_27_settings_as_the_texts_say():
    assert SETTINGS == 27
    for said in (
        "27 settings",
        f"1 in {SETTINGS}, or {100 / SETTINGS:.1f} %",
        f"pairs there are with the winner ({SETTINGS - 1})",
    ):
        assert said in TEACHING
    assert "best-of-27" in QUIZ and holds("best-of-27", 100 / SETTINGS) and "1 in 27" in QUIZ["best-of-27"].right.why


def test_the_cheats_scores_are_what_a_computation_gives():
    labels = torch.arange(10).repeat(20)
    pixels = (labels * 20).to(torch.uint8)[:, None, None, None].expand(-1, 1, 28, 28).contiguous()
    handed = Cheat.reference(labels, pixels, labels)
    sure = torch.nn.functional.one_hot(handed[:, 0, 0, 0].long() // 20, 10).float()
    assert holds("cheat", 100 * ConditionalAccuracy.reference(sure, labels))
    score = inception_score(sure, torch.Generator().manual_seed(0), splits=1)
    assert holds("inception-score", round(score, 6))
    swapped = sure.roll(1, dims=1)
    assert ConditionalAccuracy.reference(swapped, labels) == 0
    assert abs(inception_score(swapped, torch.Generator().manual_seed(0), splits=1) - 10) < 1e-6
    (right,) = [option.text for option in QUIZ["swapped"].options if option.right]
    assert right == "Conditional accuracy: it falls to 0"


def length(share, n):
    interval = proportion_interval(round(share / 100 * n), n)
    return 100 * (interval.hi - interval.lo), interval


def test_the_quizs_interval_is_the_judges():
    long, interval = length(PAPER["judge_test"], PAPER["test_images"])
    assert holds("judge-interval", long)
    assert f"From {100 * interval.lo:.1f} to {100 * interval.hi:.1f} %" in QUIZ["judge-interval"].right.why
    (fewer,) = [wrong for wrong in QUIZ["judge-interval"].wrong if "1,000 images" in wrong.why]
    assert fewer.lo <= length(PAPER["judge_test"], 1000)[0] <= fewer.hi


def test_the_quizs_column_is_that_of_the_model():
    spectrum = torch.tensor([[5.0, 0.9, 0.4, 0.2]])
    pca = ClassPCA(torch.zeros(1, 4), torch.eye(4)[None, :, :1], spectrum)
    assert abs(float(pca.noise) - 0.5) < 1e-6
    W = PPCAGenerator(pca).W[0]
    assert holds("column", float(W.norm())) and f"{float(W.norm()):.2f}" in QUIZ["column"].right.why


def test_the_quizs_back_door_is_that_of_the_paper():
    real = PAPER["train_images"] * PAPER["hybrid_least_real"] // 100
    for said in (
        f"{real:,} are real",
        f"{PAPER['train_images'] - real:,} come from a GAN",
        f"all {PAPER['train_images']:,}",
    ):
        assert said in QUIZ["back-door"].text
    assert holds("back-door", PAPER["train_images"])


def test_teachings_intervals_are_what_a_computation_gives():
    for share in (PAPER["best_ccgan"], PAPER["best_ccgan_smoothed"]):
        _, interval = length(share, 1000)
        assert f"{share} %" in TEACHING
        assert re.search(rf"between {100 * interval.lo:.1f} and {100 * interval.hi:.1f} %", TEACHING)


def test_teachings_shares_and_counts_are_what_a_computation_gives():
    raised, others = PAPER["class_0_real"], PAPER["others_real"]
    assert f"real zeros by {raised // others}, and" in TEACHING
    assert f"from {others} to {(raised + 9 * others) // 10} %" in TEACHING
    n, pixels = PAPER["components_saturated"], PAPER["pixels"]
    assert f"{n}; {pixels} + {n} · {pixels} = {pixels + n * pixels:,}" in TEACHING
    assert "deviation of 0.7 points" in TEACHING and round(0.5 * math.sqrt(2), 1) == 0.7


def rows(title):
    """The cells of the table below a heading of TEACHING.md, without its head."""
    text = (FOLDER / "TEACHING.md").read_text("utf-8").split(f"## {title}\n")[1].split("\n## ")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")
    ][2:]


def test_the_plans_add_up():
    for column, minutes in ((1, 90), (2, 120)):
        assert sum(int(row[column].split(",")[0]) for row in rows("Two plans")) == minutes


def test_the_exercises_are_those_of_the_lesson_with_their_minutes():
    kinds = [
        lesson_04.ConditionalAccuracy,
        lesson_04.Cheat,
        lesson_04.JoinToNoise,
        lesson_04.JoinToImage,
        lesson_04.PPCASample,
    ]
    expected = [[f"{k} {kind.title[0].lower()}{kind.title[1:]}", str(kind.minutes)] for k, kind in enumerate(kinds, 1)]
    assert [row[:2] for row in rows("The exercises")] == expected
