"""What a verdict says of answers that are known: gains, losses, controls that fail, and runs that were too short."""

import numpy as np
import pytest
import torch
from planted import pictures, settings

from course_utils.evaluate.statistics import crossed
from course_utils.verdict.findings import HARMS, HELPS, NOT_JUDGED, UNCLEAR, findings
from course_utils.verdict.work import Data, made_by, parts

SEEDS = 5
ACCURACY = {"real_25": 0.60, "real_50": 0.70, "real": 0.80, "more_real": 0.85, "noise": 0.78, "wrong_labels": 0.6}


@pytest.fixture(scope="module")
def data():
    return Data(pictures(400, 0), pictures(1000, 1).seal())


def answers(S, data, accuracy, moved=0.0):
    """Answers of classifiers that are right as often as `accuracy` says, each on test pictures of its own."""
    found, rng = {}, np.random.default_rng(0)
    numbers = {"real_25": 50, "real_50": 100, "real": 200, "more_real": 270}
    for arm in S["arms"]:
        for seed in range(S["seeds"]):
            right = accuracy.get(arm, 0.8)
            said = [_said(data.test.labels, right - moved, rng), *[_said(data.test.labels, right, rng)] * 2]
            seen = [_said(parts(data, seed)[2].labels, 0.8, np.random.default_rng(1))] * 3
            facts = {"budgets": [2, 6, 9], "images": numbers.get(arm, 400)}
            found[f"{arm}/{seed}"] = ({"test": torch.stack(said), "validation": torch.stack(seen)}, facts)
    return found


def _said(labels, right, rng):
    wrong = torch.from_numpy(rng.permutation(len(labels)) >= round(right * len(labels)))
    return torch.where(wrong, 1 - labels, labels).to(torch.uint8)


def generators(S, fd, copies=0.05):
    facts = {"curve": {"steps": [1, 2, 3], "fd": fd}, "floor": 1.0, "agreement": 1.0, "density": 1.0}
    facts |= {"fd": fd[-1], "coverage": 1.0, "memorisation": 1.0, "copies": copies}
    return {made_by("gan", seed): ({}, facts) for seed in range(S["seeds"])}


def says(found):
    return {(q["arm"], q["other"]): q["says"] for q in found["questions"]}


@pytest.mark.parametrize(
    ("accuracy", "answer"),
    [({"synthetic": 0.9, "classic+synthetic": 0.9}, HELPS), ({"synthetic": 0.7}, HARMS), ({}, UNCLEAR)],
)
def test_made_pictures_help_harm_or_cannot_be_told(data, accuracy, answer):
    S = settings([], SEEDS, synthetic=True)
    found = findings(S, data, answers(S, data, ACCURACY | accuracy))
    assert found["assay"]
    assert says(found)["synthetic", "real"] == answer
    assert found["verdict"].startswith("Yes") == (answer == HELPS)


def test_a_gain_is_worth_the_real_pictures_that_give_the_same(data):
    S = settings([], SEEDS, synthetic=True)
    found = findings(S, data, answers(S, data, ACCURACY | {"synthetic": 0.825}))
    mean, lo, hi = found["worth"]["synthetic"]["pictures"]
    assert 20 <= mean <= 50  # half of the way from 200 to 270 pictures, in logarithms
    assert lo < mean < hi <= 70
    assert findings(S, data, answers(S, data, ACCURACY | {"synthetic": 0.9}))["worth"]["synthetic"]["pictures"][0] == 70


def test_where_neither_more_nor_half_of_the_real_pictures_are_seen_nothing_is_judged(data):
    S, same = settings([], SEEDS, synthetic=True), {"more_real": 0.8, "real_50": 0.8}
    found = findings(S, data, answers(S, data, ACCURACY | same))
    assert not found["assay"] and found["verdict"].startswith("This run cannot judge")
    gain = findings(S, data, answers(S, data, ACCURACY | same | {"classic+synthetic": 0.9}))
    assert gain["verdict"].startswith("Yes")  # what is seen is seen
    assert findings(S, data, answers(S, data, ACCURACY | {"more_real": 0.8}))["assay"]  # half of them are worse


@pytest.mark.parametrize(("fd", "answer"), [([9.0, 8.0, 2.0], NOT_JUDGED), ([9.0, 2.0, 2.0], UNCLEAR)])
def test_a_generator_that_was_still_improving_is_not_judged(data, fd, answer):
    S = settings(["gan"], SEEDS)
    found = findings(S, data, answers(S, data, ACCURACY) | generators(S, fd))
    assert says(found)["gan", "real"] == answer
    helped = findings(S, data, answers(S, data, ACCURACY | {"gan": 0.9}) | generators(S, fd))
    assert says(helped)["gan", "real"] == HELPS  # a gain is one, whatever more steps would have added


@pytest.mark.parametrize("copies", [0.1, 0.6])
def test_a_generator_whose_pictures_lie_on_training_pictures_is_said_to_copy(data, copies):
    S = settings(["gan"], SEEDS)
    found = findings(S, data, answers(S, data, ACCURACY) | generators(S, [9.0, 2.0, 2.0], copies))
    assert found["samples"]["gan"]["copies"] == (copies > 0.5)


def test_only_seeds_that_are_whole_count(data):
    S = settings([], SEEDS, synthetic=True)
    found = answers(S, data, ACCURACY)
    del found["repeat/4"]
    assert findings(S, data, found)["seeds"] == [0, 1, 2, 3]
    for seed in (1, 2, 3):
        del found[f"real/{seed}"]
    assert "fewer than two seeds" in findings(S, data, found)["verdict"]


def test_the_interval_holds_other_test_pictures_and_groups_count_once():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(1, 40)) + 0.01 * rng.normal(size=(4, 40))  # it is the pictures that differ
    alone = crossed(values)
    assert alone.interval().hi - alone.interval().lo == pytest.approx(2 * 2.02 / 40**0.5, rel=0.3)
    assert alone.seeds_for(0.01) is None and alone.pictures_for(0.5) == pytest.approx((2.8 / 0.5) ** 2, rel=0.5)
    twice = crossed(np.repeat(values, 2, axis=1), np.repeat(np.arange(40), 2))
    assert twice.error() == pytest.approx(alone.error()) and twice.mean == pytest.approx(alone.mean)


def test_its_intervals_hold_the_truth_as_often_as_they_say():
    rng, held = np.random.default_rng(0), 0
    for _ in range(400):
        values = 0.02 * rng.normal(size=(5, 1)) + 0.1 * rng.normal(size=(1, 50)) + 0.2 * rng.normal(size=(5, 50))
        held += 0 in crossed(values).interval()
    assert held >= 0.93 * 400
