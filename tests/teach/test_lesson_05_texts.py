"""Lesson 5's texts: the paper's numbers fit together, and the quiz says what follows; what its functions do."""

import ast
import copy
import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from texts import Texts

from course_utils.core.seeds import generator
from course_utils.data.images import Images
from course_utils.evaluate.comparisons import Difference
from course_utils.evaluate.statistics import proportion_interval
from course_utils.gan import losses, train

TEXTS = Texts("05_fashion_acgan")
PAPER, SETTINGS = TEXTS.paper, TEXTS.settings
holds, names_wrong = TEXTS.holds, TEXTS.names_wrong
ROWS = range(0, PAPER["plain_steps"] + 1, PAPER["table_every"])
D, G = ([PAPER[f"{player}_loss_{step}"] for step in ROWS] for player in "dg")
TRAINED = PAPER["images"] * PAPER["train_share"] // 100
EPOCH = TRAINED // PAPER["batch_size"]


def test_the_quizs_numbers_are_what_a_computation_gives():
    paused = [not bool(train.lower_pauses(torch.tensor(d), torch.tensor(g))[1]) for d, g in zip(D, G, strict=True)]
    assert holds("gate-rows", sum(paused))
    undecided = torch.zeros(8)
    assert holds("two-ln-2", float(losses.discriminator_loss(undecided, undecided)))
    assert names_wrong("two-ln-2", float(losses.generator_loss(undecided)))
    assert holds("steps", EPOCH * PAPER["epochs"])
    for images, epochs in ((PAPER["abstract_images"], 1400), (PAPER["images"], 1400), (TRAINED, 1)):
        assert names_wrong("steps", images // PAPER["batch_size"] * epochs)
    sure = 100 * F.one_hot(torch.tensor([0]), 10).float()
    assert holds("double-softmax", float(F.cross_entropy(sure.softmax(1), torch.tensor([0]))))
    assert names_wrong("double-softmax", math.log(10))
    interval, of_hundred = (proportion_interval(PAPER["accuracy"] * n // 100, n) for n in (1000, 100))
    assert holds("interval", 100 * (interval.hi - interval.lo))
    assert names_wrong("interval", 50 * (interval.hi - interval.lo))
    assert names_wrong("interval", 100 * (of_hundred.hi - of_hundred.lo))
    assert names_wrong("one-picture", PAPER["accuracy"])


# ------------------------------------------------------------------ the source: its settings, and what its functions do

SOURCE = (TEXTS.folder / "lesson.py").read_text("utf-8")


def defined(name, **world):
    """A function of the lesson, among these names."""
    tree = ast.parse(SOURCE, feature_version=(3, 11))
    (node,) = (n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name)
    exec(compile(ast.Module([node], []), str(TEXTS.folder), "exec"), world)
    return world[name]


@pytest.mark.parametrize("profile", SETTINGS)
def test_settings_give_each_comparison_its_report_and_its_images(profile):
    S, reports = SETTINGS[profile], int(re.search(r"^REPORTS = (\d+)", SOURCE, re.MULTILINE)[1])
    every, left = divmod(S["gan_steps"], reports)
    assert left == 0 and S["broken_steps"] % every == 0 and S["broken_steps"] <= S["gan_steps"]
    assert {int(share) for share in S["few_steps"]} == {share for share in S["shares"] if share < 100}
    for steps in S["few_steps"].values():
        assert min(abs(steps - n * every) for n in range(1, reports + 1)) <= every / 2 and steps >= every / 2
    assert {int(share) for share in S["updates"]} == set(S["shares"])
    draws = int(re.search(r"^DRAWS = (\d+)", SOURCE, re.MULTILINE)[1])  # of test images, none of them twice
    assert draws * S["judged"] < 0.97 * (PAPER["images"] - TRAINED)


def test_a_copy_of_g_is_kept_at_the_steps_that_are_asked_for_and_no_later_step_changes_it():
    young = {}
    copying = defined("copying", copy=copy, young=young, YOUNG={1: 4, 10: 8})

    def training():
        G = torch.nn.Linear(1, 1)
        for step in (2, 4, 6, 8, 10):
            G.weight.data.fill_(step)
            yield SimpleNamespace(step=step, generator=G)

    assert [item.step for item in copying(training())] == [2, 4, 6, 8, 10]
    assert {step: G.weight.item() for step, G in young.items()} == {4: 4.0, 8: 8.0}


@pytest.mark.parametrize(("passes", "unchecked"), [(0, 1.0), (1, 0.0), (3, 0.0), (99, 1.0)])
def test_the_filter_counts_what_it_lets_in_without_a_check(passes, unchecked):
    """An ACGAN whose n-th pictures pass: never, at once, the third, or too late."""
    drawn = []

    def draw(G, labels, rng):
        drawn.append(len(labels))
        return torch.full((len(labels), 1), len(drawn))

    found, labels = {1: []}, torch.zeros(5, dtype=torch.int64)
    kept = defined(
        "kept",
        torch=torch,
        TRIES=6,
        LEAST=0.8,
        classes=("a",),
        unchecked=found,
        drawn=draw,
        made={"key": (None, None, (1, 0))},
        Images=lambda pixels, labels, classes: pixels,
        classifier=SimpleNamespace(logits=lambda sieve, pixels: pixels),
        exercise_5=SimpleNamespace(answer_or_reference=lambda pixels, asked, least: pixels[:, 0] == passes),
    )
    pixels = kept(labels, SimpleNamespace(digest=lambda: "key"), None)
    assert found == {1: [unchecked]} and pixels.shape == (5, 1)
    assert drawn == [5] * (7 if unchecked else passes)
    assert bool((pixels == passes).all()) == (not unchecked)


@pytest.mark.parametrize(
    ("differences", "p", "says"),
    [
        ([0.03, 0.02, 0.04], 0.01, "`a` at 1 %"),
        ([0.03, 0.02, 0.04], 0.3, "`a` at 1 % (a lead only)"),
        ([-0.03, -0.02, -0.04], 0.01, "nowhere that we could show"),
        ([0.03, -0.02, 0.0], 0.9, "nowhere that we could show"),
    ],
)
def test_a_gain_that_holm_does_not_bear_out_is_called_a_lead(differences, p, says):
    answer = Difference("a", "real", "accuracy at 1 %", np.array(differences), p, p)
    gains = defined("gains", PLANS={1: "1 %"}, answers={("a", "real", "accuracy at 1 %"): answer})
    assert gains(["a"], "real") == says


def test_draws_of_real_images_hold_as_many_of_each_class_and_no_image_twice():
    labels = torch.arange(10).repeat(12)
    pixels = torch.arange(120, dtype=torch.uint8)[:, None, None, None]
    images = Images(pixels, labels, tuple("abcdefghij"), "test").seal()
    equally = defined("equally", torch=torch, each=4, lesson=SimpleNamespace(generator=lambda *key: generator(0, *key)))
    draws = [equally(images, "new", draw) for draw in range(3)]
    for draw in draws:
        assert torch.equal(draw.flatten() % 10, torch.arange(10, dtype=torch.uint8).repeat(4))
    assert len(torch.cat(draws).unique()) == 120
    assert torch.equal(draws[0], equally(images, "new"))
