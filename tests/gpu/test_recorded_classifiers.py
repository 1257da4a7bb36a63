"""What a GPU does with classifiers, as far as a CPU can tell: small ones in stacks, wide ones alone, all recorded."""

from functools import partial

import pytest
import torch

from course_utils.classify import jobs, together, train
from course_utils.classify.jobs import Job, Recipe, predictions
from course_utils.classify.networks import EMNISTCNN, LeNet
from course_utils.data.augment import PAPER_1
from course_utils.data.images import Images
from course_utils.gan import batches
from course_utils.gan.callbacks import identify


def digits(n, seed):
    rng = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (n, 1, 28, 28), generator=rng, dtype=torch.uint8)
    return Images(pixels, torch.arange(n) % 10, tuple("0123456789"))


def test_small_networks_are_stacked_and_wide_ones_trained_alone(monkeypatch):
    done = []
    monkeypatch.setattr(jobs, "predict", lambda job, tests: done.append(1) or {})
    monkeypatch.setattr(jobs, "predict_together", lambda some, tests: done.append(len(some)) or [{}] * len(some))
    for network, sizes in ((LeNet, [6]), (partial(EMNISTCNN, 1.0), [1] * 6)):
        job = Job(Recipe(network, train.adam(), 1, 16), digits(20, 0), None, 0, ())
        before = torch.get_rng_state()
        assert len(list(predictions(((key, job) for key in range(6)), {}, workers=1, together=400))) == 6
        assert done == sizes and torch.equal(torch.get_rng_state(), before)
        done.clear()


@pytest.mark.parametrize("transform", [None, PAPER_1])
def test_each_update_is_recorded_and_is_given_positions_only(monkeypatch, transform):
    given = []

    def recorded(update, device):
        return lambda *inputs: given.append(inputs) or update(*inputs)

    monkeypatch.setattr(train, "recorded", recorded)
    monkeypatch.setattr(together, "recorded", recorded)
    sets, rngs = [digits(30, 0), digits(20, 1)], [torch.Generator().manual_seed(k) for k in range(2)]
    settings = {"updates": 3, "batch_size": 8, "transform": transform, "precision": "float32"}
    train.train(LeNet(), sets[0], train.adam(), generator=rngs[0], **settings)
    assert [(x.dtype, x.shape) for (x,) in given] == [(torch.int64, (8,))] * 3
    given.clear()
    together.train_together([LeNet(), LeNet()], sets, train.adam(), generators=rngs, **settings)
    assert [(x.dtype, x.shape) for (x,) in given] == [(torch.int64, (2, 8))] * 3
    assert all(int(x[0].max()) < 30 <= int(x[1].min()) for (x,) in given)


def test_a_gpus_optimisers_count_their_steps_on_the_device():
    for make in (train.rmsprop(0.01), train.adam(), train.adadelta()):
        weights = [torch.nn.Parameter(torch.ones(2))]
        assert train.recordable(make(weights), torch.device("cuda")).param_groups[0]["capturable"]
        assert not train.recordable(make(weights), torch.device("cpu")).param_groups[0]["capturable"]


@pytest.mark.parametrize("make", [batches.unlabelled, batches.labelled])
def test_batches_that_are_gathered_later_are_known_by_their_data(make):
    one, same, other = make(digits(30, 0), 8, 0), make(digits(30, 0), 8, 0), make(digits(30, 1), 8, 0)
    assert identify(one) == identify(same) != identify(other)
    for mine, again in zip(one(5), one.gather(*one.positions(5)), strict=True):
        assert torch.equal(mine, again)
