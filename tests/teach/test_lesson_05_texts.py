"""Lesson 5's texts: the paper's numbers fit together, and quiz and teaching notes say what follows from them."""

import ast
import copy
import math
import re
import tomllib
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats

from course_utils.core.profiles import ROOT
from course_utils.core.seeds import generator
from course_utils.data.images import Images
from course_utils.evaluate import statistics
from course_utils.evaluate.statistics import proportion_interval
from course_utils.gan import losses, train
from course_utils.teach.exercises.lesson_05 import Leakage
from course_utils.teach.toys import borders
from course_utils.teach.widgets import quiz

FOLDER = ROOT / "lessons" / "05_fashion_acgan"
NUMBERS = {n["key"]: n for n in tomllib.loads((FOLDER / "paper.toml").read_text("utf-8"))["number"]}
PAPER = {key: number["value"] for key, number in NUMBERS.items()}
QUIZ = {question.key: question for question in quiz.load(FOLDER / "quiz.toml")}
TEACHING = " ".join((FOLDER / "TEACHING.md").read_text("utf-8").split())
ROWS = range(0, PAPER["plain_steps"] + 1, PAPER["table_every"])
D, G = ([PAPER[f"{player}_loss_{step}"] for step in ROWS] for player in "dg")
TRAINED = PAPER["images"] * PAPER["train_share"] // 100
EPOCH = TRAINED // PAPER["batch_size"]
UNDECIDED = torch.zeros(8)


def holds(key, value):
    right = QUIZ[key].right
    return right.lo <= value <= right.hi


def names_wrong(key, value):
    return any(wrong.lo <= value <= wrong.hi for wrong in QUIZ[key].wrong)


def test_the_loss_table_is_whole():
    assert sum(number["where"] == "section V, loss table" for number in NUMBERS.values()) == 2 * len(ROWS) == 22
    assert all(isinstance(value, float) and 0 < value < 2 for value in D + G)


def test_sizes_fit_together():
    assert PAPER["train_share"] + PAPER["test_share"] == 100
    assert PAPER["neurons"] == PAPER["side"] ** 2
    shown = [PAPER[key] for key in PAPER if key.startswith("shown_")]
    assert shown[0] == 0 and shown[-1] == PAPER["epochs"] and shown == sorted(shown)
    assert all(epoch % PAPER["sample_interval"] == 0 for epoch in shown)
    assert all(key == f"shown_{PAPER[key]}" for key in PAPER if key.startswith("shown_"))
    assert PAPER["abstract_images"] not in (PAPER["images"], TRAINED)


def test_what_the_paper_leaves_open_is_said_where_the_number_stands():
    for key in ("test_share", "neurons", "epochs", "accuracy"):
        assert "not stat" in NUMBERS[key]["means"] or "does not say" in NUMBERS[key]["means"]
    assert f"{PAPER['abstract_images']:,}" in NUMBERS["images"]["means"]


def test_the_gate_would_pause_g_at_each_moment_of_the_table():
    paused = [not bool(train.lower_pauses(torch.tensor(d), torch.tensor(g))[1]) for d, g in zip(D, G, strict=True)]
    assert holds("gate-rows", sum(paused)) and "in all eleven rows" in TEACHING
    for step in (0, 2000, 10000):
        for player in "dg":
            assert f"{PAPER[f'{player}_loss_{step}']:.4f}".removeprefix("0") in QUIZ["gate-rows"].text


def test_an_undecided_d_has_twice_the_loss_of_its_g():
    d_loss, g_loss = (
        float(value) for value in (losses.discriminator_loss(UNDECIDED, UNDECIDED), losses.generator_loss(UNDECIDED))
    )
    assert d_loss == pytest.approx(2 * g_loss)
    assert (
        holds("two-ln-2", d_loss) and f"{d_loss:.3f}" in QUIZ["two-ln-2"].right.why and names_wrong("two-ln-2", g_loss)
    )
    assert f"the two are {d_loss:.3f} and {g_loss:.3f}" in TEACHING
    assert f"2 log 2 = {d_loss:.3f} and log 2 = {g_loss:.3f}" in TEACHING
    later = D[3:]
    assert ROWS[3] == 3000 and "From step 3,000 on D's loss lies between 1.25 and 1.45" in TEACHING
    assert (round(min(later), 2), round(max(later), 2)) == (1.25, 1.45) and max(D[:3]) < 1.1


def test_steps_are_counted_from_the_papers_numbers():
    assert holds("steps", EPOCH * PAPER["epochs"])
    assert f"{TRAINED:,} images are {EPOCH} batches" in QUIZ["steps"].right.why
    assert f"factor of {EPOCH}" in QUIZ["steps"].right.why
    for images, epochs in ((PAPER["abstract_images"], 1400), (PAPER["images"], 1400), (TRAINED, 1)):
        assert names_wrong("steps", images // PAPER["batch_size"] * epochs)
    seen = PAPER["epochs"] * PAPER["batch_size"]
    assert 2.5 < seen / TRAINED < 3 and f"{seen:,} images, less than three passes over {TRAINED:,}" in TEACHING
    assert f"{PAPER['epochs']:,} epochs of {EPOCH} batches are {EPOCH * PAPER['epochs']:,} steps" in TEACHING
    assert f"{TRAINED:,} and {PAPER['images'] - TRAINED:,}" in TEACHING
    assert f"about {10_000 * PAPER['train_share'] // 100:,} of the official 10,000" in TEACHING


def test_the_floor_of_the_double_softmax_is_what_the_texts_say():
    floors = {}
    for K in (10, 2):
        sure = 100 * F.one_hot(torch.tensor([0]), K).float()
        floors[K] = float(F.cross_entropy(sure.softmax(1), torch.tensor([0])))
        assert floors[K] == pytest.approx(math.log(1 + (K - 1) / math.e))
    assert holds("double-softmax", floors[10]) and f"= {floors[10]:.3f}" in QUIZ["double-softmax"].right.why
    assert names_wrong("double-softmax", math.log(10))
    assert f"{floors[10]:.3f} and {floors[2]:.3f}" in TEACHING


def test_the_interval_is_what_a_computation_gives():
    interval = proportion_interval(10 * PAPER["accuracy"], 1000)
    length = 100 * (interval.hi - interval.lo)
    assert holds("interval", length) and f"{length:.1f} points" in QUIZ["interval"].right.why
    assert f"{100 * interval.lo:.1f} to {100 * interval.hi:.1f} %" in QUIZ["interval"].right.why
    assert names_wrong("interval", length / 2)
    of_hundred = proportion_interval(PAPER["accuracy"], 100)
    assert names_wrong("interval", 100 * (of_hundred.hi - of_hundred.lo))
    assert names_wrong("one-picture", PAPER["accuracy"])


def test_the_exams_leak_is_what_the_exercise_finds():
    # coats 0, pullovers 1, shirts 2, T-shirts 3
    asked = torch.tensor([0] * 200 + [2] * 50)
    seen = torch.tensor([1] * 30 + [0] * 170 + [3] * 12 + [2] * 38)
    assert Leakage.reference(asked, seen, 4) == (2, 3, pytest.approx(0.24))
    assert f"({100 * 12 / 50:.0f} % against {100 * 30 / 200:.0f} %" in TEACHING.replace("*", "")
    assert f"about {100 * 12 / 50 - 10:.0f} points" in TEACHING


def test_the_exams_two_classes_lose_a_fifth_of_their_spread():
    x = np.linspace(0, 12, 200_001)
    density = stats.norm.pdf(x, 1) + stats.norm.pdf(x, -1)  # the right half of the mixture, folded
    mean, square = (np.trapezoid(density * x**power, x) for power in (1, 2))
    assert f"100 %; {100 * stats.norm.cdf(1):.0f} %; {math.sqrt(square - mean**2):.2f}." in TEACHING.replace("*", "")
    assert float(borders.CENTRES[1, 0]) == borders.SPREAD and "On the toy a sixth of the real points" in TEACHING


def test_the_two_plans_take_as_long_as_they_say():
    table = (FOLDER / "TEACHING.md").read_text("utf-8").split("## Two plans")[1].split("\n\n")[1]
    rows = [row.split("|")[2:4] for row in table.splitlines()[2:]]
    minutes = [[int(cell.split(",")[0]) for cell in row] for row in rows]
    assert [sum(column) for column in zip(*minutes, strict=True)] == [90, 120]


# ------------------------------------------------------------------ the source: its settings, and what its functions do

SOURCE = (FOLDER / "lesson.py").read_text("utf-8")
SETTINGS = tomllib.loads((FOLDER / "settings.toml").read_text("utf-8"))


def defined(name, **world):
    """A function of the lesson, among these names."""
    tree = ast.parse(SOURCE, feature_version=(3, 11))
    (node,) = (n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name)
    exec(compile(ast.Module([node], []), str(FOLDER), "exec"), world)
    return world[name]


@pytest.mark.parametrize("profile", SETTINGS)
def test_the_main_acgan_has_a_report_where_others_are_held_beside_it(profile):
    S, reports = SETTINGS[profile], int(re.search(r"^REPORTS = (\d+)", SOURCE, re.MULTILINE)[1])
    every, left = divmod(S["gan_steps"], reports)
    assert left == 0 and S["broken_steps"] % every == 0 and S["broken_steps"] <= S["gan_steps"]
    assert {int(share) for share in S["few_steps"]} == {share for share in S["shares"] if share < 100}
    for steps in S["few_steps"].values():
        assert min(abs(steps - n * every) for n in range(1, reports + 1)) <= every / 2 and steps >= every / 2
    assert {int(share) for share in S["updates"]} == set(S["shares"])


def test_five_draws_of_test_images_need_none_of_them_twice():
    draws = int(re.search(r"^DRAWS = (\d+)", SOURCE, re.MULTILINE)[1])
    of_class = (PAPER["images"] - TRAINED) // PAPER["classes"]
    assert all(draws * S["judged"] / PAPER["classes"] < 0.97 * of_class for S in SETTINGS.values())


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
        exercise_5=SimpleNamespace(chosen=lambda pixels, asked, least: pixels[:, 0] == passes),
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
    gains = defined(
        "gains",
        PLANS={1: "1 %"},
        statistics=statistics,
        adjusted={("1 %", "a", "real"): p},
        gap=lambda arm, other, plan: np.array(differences),
    )
    assert gains(["a"], "real") == says


def test_every_gain_that_is_looked_for_is_one_of_the_questions():
    questions = ast.literal_eval(re.search(r"^QUESTIONS = (\[.*?^\])", SOURCE, re.MULTILINE | re.DOTALL)[1])
    looked_for = re.findall(r"\+ gains\((\[.*?\]), \"(.*?)\"\)", SOURCE)
    assert len(looked_for) == 2
    for arms, other in looked_for:
        assert {(arm, other) for arm in ast.literal_eval(arms)} <= set(questions)


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
