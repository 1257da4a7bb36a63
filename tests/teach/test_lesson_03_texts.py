"""Lesson 3's texts: the paper's numbers and what the quiz concludes from them."""

import math

import pytest
from texts import Texts

from course_utils.core.profiles import PROFILES
from course_utils.evaluate.confusions import confusions
from course_utils.teach.exercises.lesson_03 import ConstantScores

TEXTS = Texts("03_cows_horses")
PAPER = TEXTS.paper
ARMS = ("real", "cgan_250", "cgan_500", "cgan_1000")
SHARES = ("accuracy", "precision", "recall")
COWS = HORSES = PAPER["test_images"] // 2


def shares(arm, split="val"):
    return [PAPER[f"{metric}_{arm}_{split}"] for metric in SHARES]


def test_table_one_is_whole_and_sizes_fit_together():
    table = [PAPER[f"{m}_{arm}_{s}"] for arm in ARMS for m in ("bce", *SHARES) for s in ("train", "val")]
    assert len(table) == sum(number["where"].startswith("Table I,") for number in TEXTS.numbers.values())
    assert PAPER["train_cows"] + PAPER["train_horses"] == PAPER["train_images"]
    assert PAPER["outputs_written"] == PAPER["gan_side"] ** 2 and 3 * PAPER["outputs_written"] == 49152
    assert PAPER["shown_cows"] + PAPER["shown_horses"] == PAPER["gan_batch"]
    for arm in ARMS[1:]:
        assert PAPER[f"added_{arm.removeprefix('cgan_')}"] == int(arm.removeprefix("cgan_"))


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


def test_each_setting_is_explained_and_the_profiles_have_the_same():
    text, settings = (TEXTS.folder / "settings.toml").read_text("utf-8"), TEXTS.settings
    assert set(settings) == set(PROFILES) and all(f"\n# {name} " in text for name in settings["smoke"])
    assert set(settings["smoke"]) - {"workers"} == set(settings["quick"]) == set(settings["full"])


def test_at_paper_scale_the_settings_are_the_papers():
    gpu = TEXTS.settings["full"]
    assert (gpu["side"], gpu["gan_steps"]) == (PAPER["gan_side"], PAPER["gan_steps"])
    assert gpu["cyclegan_epochs"] == PAPER["cyclegan_epochs"] and gpu["folds"] == 10
    batches = math.ceil((PAPER["train_images"] + PAPER["added_1000"]) / 32)
    assert gpu["updates"] == batches * PAPER["classifier_epochs"]
