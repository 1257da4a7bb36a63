"""Is a verdict right where the answer is known? Real pictures, planted synthetic ones, and the whole tool each time.

New real pictures must help, about as much as the positive control does; copies of training pictures must not, and
must be called copies; noise and wrong labels must harm. Where the synthetic pictures bring nothing new, at most one in
twenty verdicts may see a gain.
"""

import sys
from pathlib import Path

import pytest
import torch

from course_utils.classify.networks import SmallCNN
from course_utils.core.seeds import generator
from course_utils.data import sample
from course_utils.data.cards import CARDS
from course_utils.data.images import Images
from course_utils.evaluate import statistics
from course_utils.verdict import api, work
from course_utils.verdict.findings import HARMS, HELPS, UNCLEAR
from course_utils.verdict.work import Data, parts

sys.path.append(str(Path(__file__).parents[1] / "verdict"))
from planted import plan

pytestmark = pytest.mark.reliability("verdicts")

SEEDS, UPDATES, KNOWN = 5, 150, 130


@pytest.fixture(scope="module")
def real():
    """Fashion-MNIST's sample: (to draw from, test)."""
    splits = sample.read("fashion", CARDS["fashion"].classes)
    return splits["train"], splits["test"]


@pytest.fixture
def small(monkeypatch):
    """A small classifier and a plan that takes seconds."""
    made = plan([], SEEDS, UPDATES, synthetic=True)
    made.settings["rate"] = 2e-3
    for arm in ("more_real", "classic", "classic+synthetic"):
        del made.settings["arms"][arm]
    monkeypatch.setattr(api, "plan", lambda data, hours, **options: made)
    monkeypatch.setattr(work, "network", lambda kind, images, weights="": SmallCNN(1, len(images.classes), maps=8))
    return made


def others(known, pool, rng):
    """New real pictures, at least as many as a classifier trains on."""
    return pool.sample(round(len(known) * (1 - work.held_back(Data(known, known, known)))), rng)


def copies(known, pool, rng):
    """Copies of pictures that every seed trains on."""
    own = [parts(Data(known, known, known), seed)[0].pixels.numpy() for seed in range(SEEDS)]
    in_all = set.intersection(*(set(map(bytes, pixels)) for pixels in own))
    mine = known.subset([k for k, picture in enumerate(known.pixels.numpy()) if bytes(picture) in in_all])
    return mine.subset(torch.randint(len(mine), (len(known),), generator=rng))


def noise(known, pool, rng):
    """Noise under the right number of labels."""
    return known.with_pixels(torch.randint(0, 256, known.pixels.shape, generator=rng, dtype=torch.uint8))


def mislabelled(known, pool, rng):
    """New real pictures, each under another label."""
    new = others(known, pool, rng)
    wrong = (new.labels + torch.randint(1, 10, new.labels.shape, generator=rng)) % 10
    return Images(new.pixels, wrong, new.classes)


def verdict(real, make, repetition, known=KNOWN):
    """What the tool finds of synthetic pictures made by `make`."""
    train, test = real
    mixed = train.sample(len(train), generator("assay", repetition))
    known, pool = mixed.subset(range(known)), mixed.subset(range(known, len(mixed)))
    made = make(known, pool, generator("planted", repetition))
    return api.run(known, test, made).found


def says(found, other="real"):
    return next(q["says"] for q in found["questions"] if (q["arm"], q["other"]) == ("synthetic", other))


@pytest.mark.parametrize(
    ("make", "usual", "never"),
    [(others, HELPS, HARMS), (copies, UNCLEAR, HELPS), (noise, HARMS, HELPS), (mislabelled, HARMS, HELPS)],
)
def test_the_answer_is_the_planted_one(make, usual, never, real, small, amount, figure):
    repetitions = amount(0, 5)
    if not repetitions:
        pytest.skip("five verdicts take minutes; `make reliability` tries them")
    found = [verdict(real, make, k) for k in range(repetitions)]
    answers, flagged = [says(one) for one in found], [one["samples"]["synthetic"]["copies"] for one in found]
    figure("planted verdicts", repetitions)
    figure(f"{make.__name__}: {usual}", answers.count(usual))
    figure(f"{make.__name__}: said to be copies", flagged.count(True))
    assert answers.count(usual) > repetitions / 2 and never not in answers
    assert flagged == [make is copies] * repetitions
    if make is copies:
        assert HELPS not in {says(one, "repeat") for one in found}


def test_new_real_pictures_gain_what_the_positive_control_does(real, small, amount, figure, monkeypatch):
    """Beside the user's own pictures nothing is held back; here half is, so that both are tried in the same run."""
    repetitions = amount(0, 5)
    if not repetitions:
        pytest.skip("five verdicts take minutes; `make reliability` tries them")
    monkeypatch.setattr(work, "held_back", lambda data: 0.5)
    small.settings["arms"]["more_real"] = {"source": "held"}
    gains = {arm: [] for arm in ("more_real", "synthetic")}
    for k in range(repetitions):
        arms = verdict(real, others, 200 + k, 2 * KNOWN)["arms"]
        for arm, values in gains.items():
            values.append(arms[arm]["interval"][0] - arms["real"]["interval"][0])
    for arm, values in gains.items():
        figure(f"gain of {arm}", [round(value, 4) for value in values])
        assert statistics.t_interval(values).lo > 0
    assert 0 in statistics.t_interval(statistics.paired_differences(*gains.values()))


def test_nothing_new_is_seldom_called_a_gain(real, small, amount, figure):
    repetitions = amount(0, 20)
    if not repetitions:
        pytest.skip("twenty verdicts take minutes; `make reliability` tries them")
    gains = sum(says(verdict(real, copies, 100 + k)) == HELPS for k in range(repetitions))
    figure("verdicts on nothing new", repetitions)
    figure("of them called a gain", gains)
    assert statistics.proportion_interval(gains, repetitions).lo <= 0.05 and gains <= 1
