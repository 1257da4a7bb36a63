"""Arms × seeds: paired, equal, repeatable, the same on any number of workers; and a results file that is whole."""

import json
import os
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

import course_utils
from course_utils import experiment
from course_utils.classify.networks import LeNet
from course_utils.classify.train import adam
from course_utils.core.errors import CourseError, SealedError
from course_utils.core.precision import resolve
from course_utils.data.augment import PAPER_1
from course_utils.data.images import Images

RECIPE = experiment.Recipe(LeNet, adam(), updates=6, batch_size=16, precision="float32")


def digits(n, seed, name="train"):
    labels = torch.arange(n) % 10
    pixels = torch.randint(0, 80, (n, 1, 28, 28), generator=torch.Generator().manual_seed(seed)).byte()
    for k in range(10):
        pixels[labels == k, :, :, 2 + 2 * k : 6 + 2 * k] = 240
    return Images(pixels, labels, tuple("0123456789"), name)


TRAIN, TESTS = digits(120, 0), {"test": digits(50, 1, "test").seal(), "odd": digits(30, 2, "odd").seal()}


def ends(n, train, rng):
    """n pictures that are black on one half, the same for every class."""
    pixels = torch.zeros(n, *train.shape, dtype=torch.uint8)
    pixels[..., 14:] = torch.randint(0, 256, (n, 1, 28, 14), generator=rng, dtype=torch.uint8)
    return pixels


ARMS = {
    "real": experiment.real,
    "again": lambda train, rng: train,
    "classic": experiment.classic(PAPER_1),
    "noise": experiment.placebo_noise(20),
    "repeat": experiment.placebo_repeat(40),
    "weighted": experiment.weighted,
}


def run(arms, seeds, recipe=RECIPE, **settings):
    return experiment.run({"": experiment.Plan(arms, recipe, tuple(TESTS))}, TRAIN, TESTS, seeds, **settings)[""]


@pytest.fixture(scope="module")
def outcome():
    return run(ARMS, [3, 4], workers=1)


def answers(found):
    """((arm, seed), test set) → predictions."""
    return {(key, name): said for key, tests in found.predictions.items() for name, said in tests.items()}


def same(one, other):
    one, other = answers(one), answers(other)
    return all(torch.equal(said, other[place]) for place, said in one.items())


def known(images):
    """The pictures of a set, to look others up in."""
    return {picture.numpy().tobytes() for picture in images.pixels}


def test_the_table_has_a_row_for_everything(outcome):
    assert len(outcome.table) == len(ARMS) * 2 * len(TESTS) * 2
    assert outcome.table["value"].between(0, 1).all()
    assert outcome.predictions["real", 3]["odd"].shape == (30,)
    with pytest.raises(CourseError, match="arms: real, again"):
        outcome.values("gan", "test")


def test_arms_are_paired(outcome):
    for seed in (3, 4):  # same data, same seed: the same network to the last answer
        assert torch.equal(outcome.predictions["real", seed]["test"], outcome.predictions["again", seed]["test"])
    assert not torch.equal(outcome.predictions["real", 3]["test"], outcome.predictions["real", 4]["test"])


def test_workers_change_no_number(outcome, tmp_path):
    arms = {arm: ARMS[arm] for arm in ("real", "classic", "noise", "weighted")}
    two, kept = (run(arms, [3, 4], workers=2, cache=tmp_path) for _ in range(2))
    assert (two.cached, kept.cached) == (0, 8)
    assert same(two, outcome) and same(two, kept)


def test_stacks_change_no_number(outcome):  # LeNet drops no units; elsewhere other units are dropped
    assert same(outcome, run(ARMS, [3, 4], together=3))


@pytest.mark.parametrize("how", [{"workers": 1}, {"workers": 2}, {"together": 3}])
def test_an_arm_may_not_hand_out_a_test_set_and_the_first_run_that_fails_ends_them_all(how):
    with pytest.raises(SealedError, match="sealed test set"):
        run({"cheat": lambda train, rng: TESTS["test"], **ARMS}, range(20), **how)


def test_an_arm_that_returns_nothing_is_named():
    with pytest.raises(CourseError, match=r"arm 'forgot' returned NoneType, expected Images"):
        run({"forgot": lambda train, rng: None}, [0])


def test_placebos():
    rng = torch.Generator().manual_seed(0)
    noisy = experiment.placebo_noise(20)(TRAIN, rng)
    assert int((noisy.pixels != TRAIN.pixels).flatten(1).any(1).sum()) == 20 and torch.equal(noisy.labels, TRAIN.labels)
    more = experiment.placebo_repeat(40)(TRAIN, rng)
    assert len(more) == 160 and known(more) <= known(TRAIN)


def starved():
    return TRAIN.subsample_class(3, 0.25, torch.Generator().manual_seed(0))  # 3 of 12 pictures of class 3 are left


def test_oversampling_repeats_what_is_there_until_classes_are_equal():
    more = experiment.oversample(starved(), torch.Generator().manual_seed(0))
    assert more.counts().tolist() == [12] * 10
    assert known(more.of_class(3)) <= known(starved().of_class(3))
    assert torch.equal(more.pixels[: len(starved())], starved().pixels)
    none = starved().subset(starved().labels != 3)  # a class that is not there cannot be repeated
    assert experiment.oversample(none, torch.Generator().manual_seed(0)).counts()[3] == 0


@pytest.mark.parametrize("make", [ends, experiment.noise])
def test_a_class_is_topped_up_to_the_size_of_the_others(make):
    rng = torch.Generator().manual_seed(0)
    more = experiment.top_up(3, make)(starved(), rng)
    assert more.counts().tolist() == [12] * 10 and torch.equal(more.pixels[: len(starved())], starved().pixels)
    assert torch.equal(more.pixels[len(starved()) :], make(9, TRAIN, torch.Generator().manual_seed(0)))
    assert experiment.top_up(4, make)(starved(), rng).counts()[4] == 12  # large enough: nothing is added
    with pytest.raises(CourseError, match="9 pictures made for class 3"):
        experiment.top_up(3, lambda n, train, rng: make(n - 1, train, rng))(starved(), rng)


def by_label(labels, kept, rng):
    """A flat picture for each label, of its own grey."""
    return (20 * labels).byte()[:, None, None, None].expand(-1, *TRAIN.shape)


def hybrid(share, seed=0, make=by_label):
    return experiment.hybrid(share, make)(TRAIN, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("share", [1.0, 0.75, 0.5, 0.0, [0.5] + [0.25] * 9])
def test_a_hybrid_set_has_the_size_the_classes_and_the_share_of_real_pictures(share):
    mixed = hybrid(share)
    assert mixed.counts().tolist() == [12] * 10
    flat = (mixed.pixels == (20 * mixed.labels).byte()[:, None, None, None]).flatten(1).all(1)
    kept = torch.bincount(mixed.labels[~flat], minlength=10).tolist()
    shares = share if isinstance(share, list) else [share] * 10
    assert kept == [round(12 * part) for part in shares]
    assert known(mixed.subset(~flat)) <= known(TRAIN)


def test_hybrid_sets_of_one_seed_share_their_real_pictures_and_smaller_shares_are_nested():
    def kept(*how):
        seen = []
        hybrid(*how, make=lambda labels, kept, rng: seen.append(kept) or by_label(labels, kept, rng))
        return known(seen[0])

    assert kept(0.25, 1) == kept(0.25, 1) < kept(0.5, 1) and not kept(0.25, 2) <= kept(0.5, 1)


@pytest.mark.parametrize("ratio", [0.25, 1, 2.5])
def test_pictures_are_added_for_classes_as_frequent_as_in_the_training_set(ratio):
    few = starved()
    larger = experiment.added(by_label, ratio)(few, torch.Generator().manual_seed(0))
    n = round(ratio * len(few))
    assert torch.equal(larger.pixels[: len(few)], few.pixels) and len(larger) == len(few) + n
    made = larger.subset(torch.arange(len(few), len(larger)))
    assert (made.pixels == (20 * made.labels).byte()[:, None, None, None]).all()
    whole = int(ratio)  # a class of k pictures gets ratio · k, up to what an incomplete round leaves to chance
    assert ((made.counts() >= whole * few.counts()) & (made.counts() <= (whole + 1) * few.counts())).all()
    with pytest.raises(SealedError):
        experiment.added(by_label)(few.seal(), torch.Generator())


def test_repeats_are_pictures_of_the_class_and_name_one_that_is_missing():
    few = starved()
    labels = torch.tensor([3, 0, 3, 9, 3])
    pixels = experiment.repeats(labels, few, torch.Generator().manual_seed(0))
    for label, picture in zip(labels, pixels, strict=True):
        assert (few.of_class(int(label)).pixels == picture).flatten(1).all(1).any()
    many = experiment.repeats(torch.full((60,), 3), few, torch.Generator().manual_seed(0))
    assert len(many.flatten(1).unique(dim=0)) == 3  # all three of that class serve
    with pytest.raises(CourseError, match="no picture of class 3 to repeat"):
        experiment.repeats(labels, few.subset(few.labels != 3), torch.Generator())


def test_weights_come_from_the_arms_own_training_set(outcome):
    weights = experiment.weighted(starved(), torch.Generator()).class_weights
    assert int(weights.argmax()) == 3 and weights[3] == pytest.approx(4 * weights[0])
    arms = {"real": lambda train, rng: starved(), "weighted": lambda train, rng: experiment.weighted(starved(), rng)}
    found = run(arms, [3], workers=1).predictions
    assert not torch.equal(found["real", 3]["test"], found["weighted", 3]["test"])
    # in a balanced set all weights are 1
    assert torch.equal(outcome.predictions["real", 3]["test"], outcome.predictions["weighted", 3]["test"])


@pytest.fixture
def results(outcome):
    own = {"lesson": "99_x", "title": "x", "profile": "smoke", "data": {}, "seeds": [3, 4], "updates": {}}
    found = {**experiment.summary(outcome, "real"), **experiment.provenance("cpu", time.monotonic())}
    return {**own, "verdict": "none", **found}


def test_the_summary_is_what_the_table_says(outcome, results):
    assert results["precision"] == resolve("auto", torch.device("cpu"))
    cell = results["arms"]["classic"]["accuracy"]["odd"]
    np.testing.assert_allclose(cell["values"], outcome.values("classic", "odd"), atol=1e-6)
    assert cell["ci95"][0] <= cell["mean"] <= cell["ci95"][1]
    difference = results["differences"]["classic - real"]["accuracy"]["odd"]["values"]
    np.testing.assert_allclose(difference, outcome.values("classic", "odd") - outcome.values("real", "odd"), atol=1e-6)
    assert results["differences"]["again - real"]["macro_f1"]["test"]["ci95"] == [0, 0]


@pytest.mark.reliability("faults")
def test_results_are_written_whole_or_not_at_all(results, tmp_path):
    path = experiment.save(results, tmp_path)
    assert json.loads(path.read_text("utf-8")) == results and list(tmp_path.iterdir()) == [path]
    with pytest.raises(CourseError, match="lack verdict"):
        experiment.save({k: v for k, v in results.items() if k != "verdict"}, tmp_path / "other")
    with pytest.raises(ValueError, match="JSON"):
        experiment.save({**results, "arms": {"x": float("nan")}}, tmp_path)
    assert json.loads(path.read_text("utf-8")) == results


def test_plans_share_seeds_and_keep_their_own_tests():
    longer = experiment.Recipe(partial(LeNet, classes=10), adam(), updates=12, batch_size=16)
    plans = {
        "short": experiment.Plan({"real": experiment.real}, RECIPE, ("test", "odd")),
        "long": experiment.Plan({"real": experiment.real, "noise": ARMS["noise"]}, longer, ("odd",)),
    }
    outcomes = experiment.run(plans, TRAIN, TESTS, [0, 1], workers=1)
    assert len(outcomes["short"].table) == 8 and set(outcomes["long"].table["test_set"]) == {"odd"}
    assert not torch.equal(*(outcomes[name].predictions["real", 0]["odd"] for name in plans))


@pytest.mark.parametrize("how", [{"workers": 1}, {"workers": 2}, {"together": 3}])
def test_a_plan_may_ask_for_probabilities(outcome, tmp_path, how):
    def sure(labels, predictions):
        return {"confidence": float(predictions.amax(1).mean())}

    plan = experiment.Plan({"real": experiment.real}, RECIPE, tuple(TESTS), probabilities=True)
    found, kept = (
        experiment.run({"": plan}, TRAIN, TESTS, [3, 4], cache=tmp_path, scores=sure, **how)[""] for _ in range(2)
    )
    assert (found.cached, kept.cached) == (0, 2) and found.table.equals(kept.table) and same(found, kept)
    for place, said in answers(found).items():
        assert said.shape == (len(TESTS[place[1]]), 10) and said.dtype == torch.float32
        assert torch.allclose(said.sum(1), torch.ones(len(said)))
        assert torch.equal(said.argmax(1), answers(outcome)[place])


NOTEBOOK = """
import torch
from torch import nn
from course_utils import experiment
from course_utils.classify.train import adam
from course_utils.data.images import Images

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(16, SIZE))
    def forward(self, x):
        return self.body(x)

SIZE = 2
images = Images(torch.randint(0, 256, (40, 1, 4, 4)).byte(), torch.arange(40) % 2, ("a", "b"))
tests = {"test": images.seal()}
plans = {
    name: experiment.Plan({"real": arm}, experiment.Recipe(network, adam(), 3, 8, "float32"), ("test",), True)
    for name, network in (("lambda", lambda: nn.Sequential(nn.Flatten(), nn.Linear(16, SIZE))), ("class", Net))
    for arm in (lambda train, rng: (train, lambda x, rng: x.flip(-1)),)
}
def sure(labels, found):
    return {"sure": float(found.amax(1).mean())}

one, two = (experiment.run(plans, images, tests, [0, 1], workers=n, scores=sure) for n in (1, 2))
for name in plans:
    for key, answer in one[name].predictions.items():
        assert torch.equal(answer["test"], two[name].predictions[key]["test"])
print("the same")
"""


def test_networks_and_transforms_of_a_notebook_go_to_workers(tmp_path):
    """As one without Jupyter has them; tests/core/test_parallel.py has those of a kernel."""
    script = (
        "import sys, types\nlesson = types.ModuleType('lesson')\nsys.modules['lesson'] = lesson\n"
        f"exec({NOTEBOOK!r}, vars(lesson))\n"
    )
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=env, cwd=tmp_path)
    assert done.stdout == "the same\n", done.stderr


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository that holds a copy of one file of course_utils, in whose place `provenance` looks for its commit."""
    if not shutil.which("git"):
        pytest.skip("no git here")
    package = tmp_path / "course_utils"
    package.mkdir()
    (tmp_path / "lessons").mkdir()
    (tmp_path / "lessons" / "lesson.py").write_text("")
    (package / "__init__.py").write_text("")
    monkeypatch.setattr(course_utils, "__file__", str(package / "__init__.py"))

    def git(*args):
        who = ("-c", "user.name=x", "-c", "user.email=x@y")
        subprocess.run(["git", *who, *args], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    return tmp_path, git


def commit():
    return experiment.provenance("cpu", time.monotonic())["commit"]


def test_a_commit_is_clean_where_nothing_else_is_needed_to_repeat_the_run(repository):
    root, git = repository
    git("add", ".")
    git("commit", "-m", "all")
    clean = commit()
    assert len(clean) == 12
    for changed in ("course_utils/new.py", "course_utils/__init__.py", "lessons/new.py"):
        (root / changed).write_text("1")
        assert commit() == f"{clean}+", changed
        git("clean", "-d", "--force")
        git("checkout", ".")
        assert commit() == clean
    (root / "notes.txt").write_text("mine")  # reaches no result
    assert commit() == clean


def test_a_repository_that_only_lies_around_the_package_is_not_its_own(repository):
    root, git = repository
    (root / "README").write_text("somebody's")
    git("add", "README")
    git("commit", "-m", "somebody's")
    assert commit() is None


def test_cores_are_those_of_the_machine_not_of_a_setting(monkeypatch):
    before = experiment.provenance("cpu", 0)["device"]
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert experiment.provenance("cpu", 0)["device"] == before
