"""The classifiers and their training: the paper's count, equal updates, and no test set in sight."""

import pytest
import torch

from course_utils.classify import train
from course_utils.classify.networks import KannadaCNN, LeNet, count_parameters
from course_utils.data.augment import PAPER_1
from course_utils.data.images import Images
from course_utils.errors import SealedError


def bars(n=200, seed=0):
    """Two classes that a classifier learns at once: a bar at the left, a bar at the right."""
    labels = torch.arange(n) % 2
    pixels = torch.randint(0, 60, (n, 1, 28, 28), generator=torch.Generator().manual_seed(seed)).byte()
    pixels[labels == 0, :, :, 6:10] = 250
    pixels[labels == 1, :, :, 18:22] = 250
    return Images(pixels, labels, ("left", "right"), "bars")


def test_the_papers_cnn_has_the_papers_parameters():
    assert count_parameters(KannadaCNN()) == (1_741_514, 2_304)
    assert KannadaCNN(1 / 8)(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def fit(model, images, **settings):
    rng = torch.Generator().manual_seed(0)
    return train.train(model, images, train.adam(), **{"updates": 40, "batch_size": 32, "generator": rng, **settings})


@pytest.mark.parametrize("make", [LeNet, lambda: KannadaCNN(1 / 16)])
def test_it_learns_what_can_be_learned(make):
    torch.manual_seed(0)
    new = bars(seed=1).seal()
    assert (train.logits(fit(make(), bars()), new).argmax(1) == new.labels).float().mean() > 0.95


def test_a_sealed_set_is_refused():
    with pytest.raises(SealedError, match="train on"):
        fit(LeNet(), bars().seal())


@pytest.mark.parametrize("size", [7, 200])
def test_updates_are_equal_whatever_the_size_of_the_set(size):
    steps = train.training(
        LeNet(), bars(size), train.adam(), updates=11, batch_size=32, generator=torch.Generator().manual_seed(0)
    )
    assert len(list(steps)) == 11


def test_every_batch_is_transformed_afresh():
    seen = []

    def spy(x, generator):
        seen.append(PAPER_1(x, generator))
        return seen[-1]

    fit(LeNet(), bars(32), updates=2, transform=spy)
    assert len(seen) == 2 and not torch.equal(seen[0].sort().values, seen[1].sort().values)


def test_judging_leaves_the_model_as_it_was():
    model = KannadaCNN(1 / 16).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    out = train.logits(model, bars(50))
    assert model.training and out.shape == (50, 10)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    torch.testing.assert_close(out, train.logits(model, bars(50), batch_size=7), rtol=1e-4, atol=1e-4)
