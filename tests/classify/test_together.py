"""Classifiers trained in one stack are those trained one by one: weights, running statistics, answers."""

from functools import partial

import pytest
import torch

from course_utils.classify import jobs as stacks
from course_utils.classify import train
from course_utils.classify.jobs import Job, Recipe, predictions
from course_utils.classify.networks import KannadaCNN, LeNet, SmallCNN
from course_utils.classify.together import train_together
from course_utils.core.errors import SealedError
from course_utils.data.augment import PAPER_1
from course_utils.data.images import Images, scaled

SETTINGS = {"updates": 8, "batch_size": 16, "precision": "float32"}
WEIGHTS = (torch.linspace(0.1, 2, 10), None, torch.ones(10))


def digits(n, seed):
    rng = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 10
    pixels = torch.randint(0, 120, (n, 1, 28, 28), generator=rng).byte()
    for k in range(10):
        pixels[labels == k, :, :, 2 + 2 * k : 6 + 2 * k] = 240
    return Images(pixels, labels, tuple("0123456789"), f"digits {seed}")


SETS = [digits(60, 0), digits(90, 1), digits(10, 2)]  # of different sizes, one smaller than a batch
TEST = digits(50, 3).seal()


def networks(make):
    models = []
    for seed in range(len(SETS)):
        torch.manual_seed(seed)
        models.append(make())
    return models


def generators():
    return [torch.Generator().manual_seed(seed) for seed in range(len(SETS))]


@pytest.fixture
def in_double(monkeypatch):
    """Batches in double precision: RMSprop blows the rounding of small gradients up, and would hide mistakes in it."""
    monkeypatch.setattr("course_utils.data.images.scaled", lambda pixels: scaled(pixels).double())


@pytest.mark.parametrize("optimizer", [train.rmsprop(0.002), train.adam(), train.adadelta()])
@pytest.mark.parametrize("make", [LeNet, partial(SmallCNN, 1, 10, 4), partial(KannadaCNN, 1 / 16, dropout=0.0)])
def test_a_stack_is_its_members_one_by_one(make, optimizer, in_double):
    settings = {**SETTINGS, "transform": PAPER_1}
    before, stacked, alone = ([model.double() for model in networks(make)] for _ in range(3))
    train_together(stacked, SETS, optimizer, generators=generators(), class_weights=WEIGHTS, **settings)
    for model, images, rng, weights in zip(alone, SETS, generators(), WEIGHTS, strict=True):
        train.train(model, images, optimizer, generator=rng, class_weights=weights, **settings)
    for start, one, other in zip(before, stacked, alone, strict=True):
        start, one, other = start.state_dict(), one.state_dict(), other.state_dict()
        for name, value in one.items():  # running statistics are among them
            torch.testing.assert_close(value, other[name], rtol=1e-4, atol=1e-5)
            assert not torch.equal(value, start[name]), f"{name} was not trained"


def test_members_drop_other_units():
    twins = [KannadaCNN(1 / 16, dropout=0.5), KannadaCNN(1 / 16, dropout=0.5)]
    twins[1].load_state_dict(twins[0].state_dict())
    same = [torch.Generator().manual_seed(0) for _ in twins]
    train_together(twins, SETS[:1] * 2, train.rmsprop(0.002), generators=same, **SETTINGS)
    assert not torch.allclose(*(train.logits(twin, TEST) for twin in twins))


def test_bfloat16_in_a_stack_is_near_and_keeps_weights_in_float32():
    exact, rough = networks(partial(SmallCNN, 1, 10, 4)), networks(partial(SmallCNN, 1, 10, 4))
    train_together(exact, SETS, train.adam(), generators=generators(), **SETTINGS)
    train_together(rough, SETS, train.adam(), generators=generators(), **{**SETTINGS, "precision": "bfloat16"})
    one, other = (train.logits(models[0], TEST) for models in (exact, rough))
    assert one.dtype == other.dtype == torch.float32 and not torch.equal(one, other)
    torch.testing.assert_close(one, other, rtol=0.2, atol=0.2)


def test_a_sealed_set_is_refused_in_a_stack():
    with pytest.raises(SealedError, match="train on"):
        sets = [*SETS[:2], TEST]
        train_together(networks(LeNet), sets, train.adam(), generators=generators(), **SETTINGS)


def test_jobs_are_stacked_by_recipe_and_transform():
    short = Recipe(LeNet, train.adam(), 4, 16, "float32")
    long = Recipe(partial(SmallCNN, 1, 10, 4), train.adam(), 9, 16, "float32")
    jobs = {}
    for seed in range(3):
        jobs["short", seed] = Job(short, SETS[seed], None, seed, ("test",))
        jobs["classic", seed] = Job(short, SETS[seed], PAPER_1, seed, ("test",))
        jobs["long", seed] = Job(long, SETS[seed], None, seed, ("test",), WEIGHTS[seed])
    outside = torch.get_rng_state()
    stacked = dict(predictions(jobs.items(), {"test": TEST}, workers=1, together=2))
    assert torch.equal(torch.get_rng_state(), outside)
    alone = dict(predictions(jobs.items(), {"test": TEST}, workers=1))
    assert stacked.keys() == alone.keys() == jobs.keys()
    for key, answer in alone.items():
        assert torch.equal(answer["test"], stacked[key]["test"]), key


@pytest.mark.parametrize(("pixels", "sizes"), [(10**9, [4, 2]), (2 * 16 * 28 * 28, [2, 2, 2]), (1, [1] * 6)])
def test_stacks_are_smaller_where_batches_fill_the_memory(monkeypatch, pixels, sizes):
    seen = []
    monkeypatch.setattr(stacks, "PIXELS", pixels)
    monkeypatch.setattr(stacks, "predict_together", lambda jobs, tests: seen.append(len(jobs)) or [{}] * len(jobs))
    job = Job(Recipe(LeNet, train.adam(), 1, 16), SETS[0], None, 0, ())
    done = [key for key, _ in predictions(((key, job) for key in range(6)), {}, workers=1, together=4)]
    assert seen == sizes and done == list(range(6))
