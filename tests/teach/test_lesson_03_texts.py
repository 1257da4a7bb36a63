"""Lesson 3's texts: the paper's numbers and what the quiz and the teaching notes conclude from them."""

import math
import tomllib

import pytest

from course_utils.core.profiles import PROFILES, ROOT
from course_utils.evaluate.confusions import confusions
from course_utils.teach.exercises.lesson_03 import ConstantScores
from course_utils.teach.widgets import quiz

FOLDER = ROOT / "lessons" / "03_cows_horses"
NUMBERS = {n["key"]: n for n in tomllib.loads((FOLDER / "paper.toml").read_text("utf-8"))["number"]}
PAPER = {key: number["value"] for key, number in NUMBERS.items()}
SETTINGS = tomllib.loads((FOLDER / "settings.toml").read_text("utf-8"))
QUIZ = {question.key: question for question in quiz.load(FOLDER / "quiz.toml")}
TEACHING = " ".join((FOLDER / "TEACHING.md").read_text("utf-8").split())
ARMS = ("real", "cgan_250", "cgan_500", "cgan_1000")
SHARES = ("accuracy", "precision", "recall")
COWS = HORSES = PAPER["test_images"] // 2


def shares(arm, split="val"):
    return [PAPER[f"{metric}_{arm}_{split}"] for metric in SHARES]


def holds(key, value):
    right = QUIZ[key].right
    return right.lo <= value <= right.hi


def test_table_one_is_whole():
    table = [PAPER[f"{m}_{arm}_{s}"] for arm in ARMS for m in ("bce", *SHARES) for s in ("train", "val")]
    assert len(table) == 32 and all(value >= 0 for value in table)
    assert sum(number["where"].startswith("Table I,") for number in NUMBERS.values()) == 32


def test_sizes_fit_together():
    assert PAPER["train_cows"] + PAPER["train_horses"] == PAPER["train_images"]
    assert PAPER["outputs_written"] == PAPER["gan_side"] ** 2 and 3 * PAPER["outputs_written"] == 49152
    assert PAPER["shown_cows"] + PAPER["shown_horses"] == PAPER["gan_batch"]
    for arm in ARMS[1:]:
        assert PAPER[f"added_{arm.removeprefix('cgan_')}"] == int(arm.removeprefix("cgan_"))


@pytest.mark.parametrize("arm", ["cgan_500", "cgan_1000"])
def test_two_columns_are_what_a_constant_answer_scores(arm):
    printed = [PAPER[f"bce_{arm}_val"], *shares(arm)]
    assert printed == [round(value, 1) for value in ConstantScores.reference(COWS / (COWS + HORSES))]
    assert all(tp + fp > 0.9 * (COWS + HORSES) for tp, fp in confusions(*shares(arm), COWS, HORSES))


def test_two_columns_no_classifier_can_have_scored_on_these_photographs():
    assert confusions(*shares("real"), COWS, HORSES) == confusions(*shares("cgan_250"), COWS, HORSES) == []


def test_without_the_last_batch_the_second_of_them_could_and_the_first_could_not():
    left, batch = 64, 32
    assert PAPER["test_images"] // batch * batch == left and "leaves 64 of the 82" in TEACHING
    possible = {
        arm: any(confusions(*shares(arm), cows, left - cows) for cows in range(left - HORSES, COWS + 1))
        for arm in ("real", "cgan_250")
    }
    assert possible == {"real": False, "cgan_250": True}


def test_a_training_loss_of_8_is_a_constant_answer_that_is_sure():
    sure = -math.log(1e-7)
    assert round(sure / 2) == PAPER["bce_cgan_1000_train"] and shares("cgan_1000", "train") == [0.5, 0.5, 1.0]
    assert f"≈ {sure:.1f}" in TEACHING and f"{sure / 2:.2f} on average" in TEACHING


def test_the_quizs_numbers_are_what_a_computation_gives():
    bce, *scores = ConstantScores.reference(COWS / (COWS + HORSES))
    assert holds("constant-bce", bce) and f"{bce:.3f}" in QUIZ["constant-bce"].right.why
    (right,) = [option.text for option in QUIZ["constant-row"].options if option.right]
    assert right == "accuracy {}, precision {}, recall {}".format(*(str(s).removeprefix("0") for s in scores))
    found = [round(PAPER["recall_real_val"] * COWS), math.ceil(PAPER["recall_real_val"] * COWS)]
    assert all(holds("impossible", cows * (1 / PAPER["precision_real_val"] - 1)) for cows in found)
    assert f"{found[0]} of {found[0] + HORSES}" in " ".join(wrong.why for wrong in QUIZ["impossible"].wrong)


def test_the_exams_numbers_are_what_a_computation_gives():
    sure = -(math.log(0.9) + math.log(0.1)) / 2
    assert f"= {sure:.3f}, and the same three" in TEACHING
    found = [cows for cows in range(COWS + 1) if 0.45 <= cows / COWS < 0.55]
    assert f"Recall: {found[0]} to {found[-1]} found" in TEACHING
    assert f"≈ {found[0] * 0.85 / 0.15:.0f} negatives" in TEACHING


def test_each_setting_is_explained_and_the_profiles_have_the_same():
    text = (FOLDER / "settings.toml").read_text("utf-8")
    assert set(SETTINGS) == set(PROFILES)
    for name in SETTINGS["smoke"]:
        assert f"\n# {name} " in text, name
    assert set(SETTINGS["smoke"]) - {"workers"} == set(SETTINGS["cpu"]) == set(SETTINGS["gpu"])


def test_at_paper_scale_the_settings_are_the_papers():
    gpu = SETTINGS["gpu"]
    assert (gpu["side"], gpu["gan_steps"]) == (PAPER["gan_side"], PAPER["gan_steps"])
    assert gpu["cyclegan_epochs"] == PAPER["cyclegan_epochs"] and gpu["folds"] == 10
    batches = math.ceil((PAPER["train_images"] + PAPER["added_1000"]) / 32)
    assert gpu["updates"] == batches * PAPER["classifier_epochs"]
