import json

import numpy as np
import pytest
from small_course import SWEEP, add, add_sweep

from course_tools import cli
from course_tools.author import verify
from course_tools.run import run
from course_tools.sweep import sweep

EXPERIMENT = """\
# %% tags=["parameters"]
PROFILE = None
SEED = 0

# %%
import time

import torch

from course_utils import experiment
from course_utils.core import profiles
from course_utils.classify import train as classifier
from course_utils.classify.networks import LeNet
from course_utils.data.images import Images

rng = torch.Generator().manual_seed(3)
pixels = torch.randint(256, (60, 1, 28, 28), generator=rng, dtype=torch.uint8)
images = Images(pixels, torch.arange(60) % 10, tuple("0123456789"))
recipe = experiment.Recipe(LeNet, classifier.adam(), 2, 8, "float32")
arms = {"real": experiment.real, "placebo_repeat": experiment.placebo_repeat(8)}
seeds = [SEED, SEED + 1, SEED + 2]

# %%
other = {"other": experiment.Plan({"real": experiment.real}, recipe, ("test",))}
experiment.run(other, images, {"test": images.seal()}, seeds[:1], workers=1)

# %%
plans = {"wanted": experiment.Plan(arms, recipe, ("test",))}
outcome = experiment.run(plans, images, {"test": images.seal()}, seeds, workers=1)["wanted"]
assert len(outcome.values("real", "test")) == 3, "this cell is not reached when one seed is computed anew"

# %%
experiment.save({
    "lesson": "01_small", "title": "Small", "profile": profiles.resolve(PROFILE), "seeds": seeds,
    "data": {"name": "none", "source": "drawn", "sha256": {}}, "updates": {}, "verdict": "None.",
    **experiment.summary(outcome, "real"), **experiment.provenance("cpu", time.monotonic() - 2),
}, profiles.results_folder(PROFILE))
"""


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """The text of results that a small lesson has written."""
    root = tmp_path_factory.mktemp("small")
    lesson = add(root, "01_small", EXPERIMENT)
    outcome = run.run([lesson], "smoke", root / "out", kernel="none")[0]
    assert not outcome.error, outcome.error
    return lesson, (root / "out" / "smoke" / "results" / "01_small.json").read_text()


@pytest.fixture
def committed(computed):
    """The lesson, the path of its committed results, and those."""
    lesson, text = computed
    path = lesson.root / "results" / lesson.slug / "smoke.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return lesson, path, json.loads(text)


def test_a_lessons_first_seed_comes_out_as_it_was_and_a_forgery_is_found(committed, capsys):
    lesson, path, results = committed
    results["arms"]["real"]["accuracy"]["test"]["values"][0] += 0.5
    path.write_text(json.dumps(results))
    sentence, agrees = verify.verify(lesson, path)
    assert not agrees and "3 of 4 values are the same; 1 DIFFER: accuracy of real on test is 0." in sentence

    results["arms"]["unheard_of"] = results["arms"]["real"]
    path.write_text(json.dumps(results))
    assert not verify.report_on(lesson, path, anew=True)
    assert "not computed: the lesson did not come to its experiment" in capsys.readouterr().out


def test_other_data_are_not_compared(committed):
    lesson, path, results = committed
    results["data"] = {"name": "mnist", "source": "local", "sha256": {"train": "0"}}
    path.write_text(json.dumps(results))
    assert "the data here are others than mnist was" in verify.verify(lesson, path)[0]


def test_the_command_lists_origins_and_fails_where_one_is_missing(committed, monkeypatch, capsys):
    from course_tools.run import lessons

    lesson, path, results = committed
    monkeypatch.setattr(lessons, "resolve", lambda names: [lesson])
    results["data"]["sha256"] = {"train": "0"}
    path.write_text(json.dumps(results))
    assert cli.main(["results"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("01_small/smoke.json: profile: smoke; data: none drawn; seeds: 0, 1, 2; device: cpu")
    assert "MISSING" not in out
    path.write_text(json.dumps({**results, "commit": None, "data": {**results["data"], "sha256": {}}}))
    assert cli.main(["results"]) == 1
    assert "; MISSING: commit; MISSING: data hashes" in capsys.readouterr().out


def test_a_sweeps_quickest_task_comes_out_as_it_was_and_a_forgery_is_found(tmp_path, capsys):
    lesson = add_sweep(tmp_path)
    folder = tmp_path / "results" / "01_tiny"
    assert sweep.run(lesson, {"a": [1]}, 3, "smoke", folder, workers=1) == {}
    (path,) = verify.committed(lesson)
    assert verify.verify(lesson, path) == ("2 of 2 values are the same", True)
    told, missing = verify.origin(path)
    assert told.startswith("3 tasks; data: ; device: cpu; commit: ") and not missing
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line.replace(",product,", ",product,9") for line in lines) + "\n")
    sentence, agrees = verify.verify(lesson, path)
    assert not agrees and "1 of 2 values are the same; 1 DIFFER: product at a=1 b=0.5, seed " in sentence
    (lesson.folder / "sweep.py").write_text(SWEEP.replace("b: float = 0.5", "b: float = 0.5, c: int = 1"))
    assert "no longer a task with {'a': 1, 'b': 0.5}" in verify.verify(lesson, path)[0]


def test_rounding_elsewhere_may_move_a_value_as_far_as_another_seed_would():
    others = [[0.92, 0.88, 0.91], [0.81, 0.82, 0.79]]
    for anew, known, agrees in (
        (0.9 + 1e-7, others, True),
        (0.93, others, True),
        (0.5, others, False),
        (0.91, [[]], False),  # where one seed was run only the same will do
    ):
        sentence, found = verify.judge([verify.Value("v0", 0.9, 0.9, others), verify.Value("v1", anew, 0.9, known)])
        assert found == agrees and (agrees or "v1 is 0." in sentence), anew


def test_two_runs_are_as_far_apart_as_the_level_says():
    rng = np.random.default_rng(0)
    draws = rng.normal(0.7, 0.02, (4000, 14))  # a value, the same one elsewhere, and three arms of four other seeds
    likely = [verify.Value("v", a, b, np.split(np.array(others), 3)).is_likely(0.9) for a, b, *others in draws]
    assert 0.88 < np.mean(likely) < 0.92
