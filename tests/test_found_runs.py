"""What was trained is not trained again; what changed is; and no number depends on it."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from course_utils import experiment
from course_utils.classify.jobs import predictions
from course_utils.classify.networks import SmallCNN
from course_utils.classify.train import adam, rmsprop
from course_utils.core.errors import SealedError
from course_utils.data.augment import PAPER_1, PAPER_2
from course_utils.data.images import Images, scaled


def network(maps=2):
    return SmallCNN(1, 10, maps)


def digits(n, seed, name="train"):
    pixels = torch.randint(0, 256, (n, 1, 28, 28), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    return Images(pixels, torch.arange(n) % 10, tuple("0123456789"), name)


RECIPE = experiment.Recipe(network, adam(), updates=2, batch_size=8, precision="float32")
TRAIN, TESTS = digits(40, 0), {"test": digits(30, 1, "test").seal(), "odd": digits(20, 2, "odd").seal()}
ARMS = {"real": experiment.real, "classic": experiment.classic(PAPER_1), "weighted": experiment.weighted}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """An experiment of three arms and two seeds, in which a test changes one thing: (outcome, networks trained)."""
    answered = []  # not noted by the network itself: what a recipe reaches is part of what it is found by

    def noting(*args):
        for answer in predictions(*args):
            answered.append(answer)
            yield answer

    monkeypatch.setattr("course_utils.experiment.pipeline.predictions", noting)

    def run(recipe=RECIPE, arms=ARMS, seeds=(0, 1), tests=TESTS, train=TRAIN, scored_on=("test", "odd"), **settings):
        settings = {"cache": tmp_path / "cache", "workers": 1, **settings}
        answered.clear()
        outcome = experiment.run({"": experiment.Plan(arms, recipe, scored_on)}, train, tests, seeds, **settings)[""]
        assert outcome.cached + len(answered) == len(arms) * len(seeds)
        return outcome, len(answered)

    return run


def same(one, other):
    assert one.table.equals(other.table) and one.predictions.keys() == other.predictions.keys()
    for key, answers in one.predictions.items():
        assert list(answers) == list(other.predictions[key])
        for name, answer in answers.items():
            found = other.predictions[key][name]
            assert torch.equal(answer, found) and answer.dtype == found.dtype == torch.int64
    return True


@pytest.mark.parametrize("how", [{}, {"together": 4}])
def test_a_second_run_trains_nothing_and_gives_the_same(run, tmp_path, how):
    calls = []
    plain, trained = run(cache=None, **how)
    assert trained == 6 and not list(tmp_path.iterdir())
    first, trained = run(**how)
    assert trained == 6
    second, trained = run(on_progress=lambda *done: calls.append(done), **how)
    assert trained == 0 and second.cached == 6 and calls == [(6, 6)]
    assert same(plain, first) and same(plain, second)


def test_only_what_is_new_is_trained(run):
    run()
    with pytest.raises(SealedError):  # though its pictures were trained on
        run(arms={"cheat": lambda train, rng: train.seal()})
    assert run(seeds=(1, 2))[1] == 3
    assert run(arms={**ARMS, "noise": experiment.placebo_noise(5)})[1] == 2
    assert run(scored_on=("odd",))[1] == 6
    assert run(scored_on=("odd",))[1] == 0


def changed(images):
    pixels = images.pixels.clone()
    pixels[7, 0, 3, 3] ^= 1
    return replace(images, pixels=pixels)


def other_weights(train, rng):
    return experiment.Training(train, class_weights=torch.arange(10.0))


@pytest.mark.parametrize(
    "change",
    [
        *({"recipe": replace(RECIPE, **one)} for one in ({"updates": 3}, {"batch_size": 9}, {"precision": "bfloat16"})),
        *({"recipe": replace(RECIPE, optimizer=optimizer)} for optimizer in (adam(1), rmsprop(1e-3))),
        *({"recipe": replace(RECIPE, network=make)} for make in (partial(network, 3), lambda: network())),
        {"train": changed(TRAIN)},
        {"tests": {**TESTS, "odd": changed(TESTS["odd"])}},
        {"arms": {"classic": experiment.classic(PAPER_2), "weighted": other_weights}},
        {"seeds": (2, 3)},
        {"together": 2},
    ],
)
def test_a_change_is_trained_anew(run, change):
    before, _ = run()
    after, trained = run(**change)
    assert trained == len(after.predictions)
    assert same(before, run()[0])


def test_changed_code_is_trained_anew(run, monkeypatch):
    run()
    monkeypatch.setattr("course_utils.data.images.scaled", lambda pixels: scaled(pixels) / 2)
    assert run()[1] == 6
    monkeypatch.undo()
    assert run()[1] == 0


def test_an_arm_is_known_by_what_it_makes(run):
    run(arms={"a": experiment.placebo_noise(5)})
    same_set = {"b": lambda train, rng: experiment.placebo_noise(5)(train, rng)}
    assert run(arms=same_set)[1] == 0
    assert run(arms={"c": lambda train, rng: experiment.placebo_noise(6)(train, rng)})[1] == 2


@pytest.mark.reliability("faults")
def test_an_interrupted_run_keeps_what_is_finished(run):
    def interrupt(done, of):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(on_progress=interrupt)
    assert run()[1] == 2


def test_runs_of_several_plans_are_counted_each(tmp_path):
    plans = {"all": experiment.Plan(ARMS, RECIPE, ("test",))}
    plans["again"] = experiment.Plan({"real": experiment.real}, RECIPE, ("test",))
    for expected in ({"all": 0, "again": 1}, {"all": 3, "again": 1}):
        outcomes = experiment.run(plans, TRAIN, TESTS, [0], workers=1, cache=tmp_path)
        assert {name: outcome.cached for name, outcome in outcomes.items()} == expected
