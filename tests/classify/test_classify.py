"""The classifiers and their training: the papers' counts, equal updates, weights, and no test set in sight."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight

from course_utils.classify import train
from course_utils.classify.networks import EMNISTCNN, AnimalCNN, KannadaCNN, LeNet, SmallCNN, count_parameters
from course_utils.core.errors import CourseError, SealedError
from course_utils.data.augment import PAPER_1
from course_utils.data.images import Images


def bars(n=200, seed=0, channels=1):
    """Two classes that a classifier learns at once: a bar at the left, a bar at the right."""
    labels = torch.arange(n) % 2
    pixels = torch.randint(0, 60, (n, channels, 28, 28), generator=torch.Generator().manual_seed(seed)).byte()
    pixels[labels == 0, :, :, 6:10] = 250
    pixels[labels == 1, :, :, 18:22] = 250
    return Images(pixels, labels, ("left", "right"), "bars")


def test_the_papers_cnns_have_the_papers_parameters():
    assert count_parameters(KannadaCNN()) == (1_741_514, 2_304)
    assert count_parameters(EMNISTCNN()) == (1_199_882, 0)  # what Keras' model.summary() says of its example


@pytest.mark.parametrize(
    ("model", "shape", "classes"),
    [
        (AnimalCNN(64), (3, 64, 64), 2),
        (AnimalCNN(), (3, 128, 128), 2),
        (AnimalCNN(256), (3, 256, 256), 2),
        (SmallCNN(), (3, 128, 128), 2),
    ],
)
def test_logits_have_the_shape_that_is_told(model, shape, classes):
    assert model(torch.zeros(2, *shape)).shape == (2, classes)


def fit(model, images, optimizer=None, **settings):
    rng = torch.Generator().manual_seed(0)
    settings = {"updates": 40, "batch_size": 32, "generator": rng, "precision": "float32", **settings}
    return train.train(model, images, optimizer or train.adam(), **settings)


def accuracy(model, seed=1, channels=1):
    new = bars(100, seed, channels).seal()
    return float((train.logits(model, new).argmax(1) == new.labels).float().mean())


@pytest.mark.parametrize(
    ("make", "channels"),
    [
        (LeNet, 1),
        (partial(KannadaCNN, 1 / 16), 1),
        (partial(EMNISTCNN, 1 / 8), 1),
        (partial(SmallCNN, 1), 1),
        (partial(AnimalCNN, 28), 3),
    ],
)
def test_it_learns_what_can_be_learned(make, channels):
    torch.manual_seed(1)
    assert accuracy(fit(make(), bars(channels=channels)), channels=channels) > 0.95


def test_bfloat16_is_near_and_leaves_weights_and_loss_in_float32():
    first = {}
    for precision in ("bfloat16", "float32"):
        torch.manual_seed(0)
        model, rng = KannadaCNN(1 / 16), torch.Generator().manual_seed(0)
        run = train.training(model, bars(), train.adam(), updates=1, batch_size=32, generator=rng, precision=precision)
        (first[precision],) = run
        assert {t.dtype for t in (*model.parameters(), first[precision])} == {torch.float32}
    assert first["bfloat16"] != first["float32"]
    torch.testing.assert_close(first["bfloat16"], first["float32"], rtol=0.05, atol=0.05)


def test_an_unknown_precision_is_named():
    with pytest.raises(CourseError, match="'half'"):
        fit(LeNet(), bars(), precision="half")


def test_adadelta_is_zeilers_with_keras_constants():
    w = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    opt = train.adadelta()([w])
    expected, seen, moved = w.detach().clone(), torch.zeros(2), torch.zeros(2)
    for step in range(1, 4):
        gradient = step * expected
        seen = 0.95 * seen + 0.05 * gradient**2
        move = gradient * torch.sqrt(moved + 1e-7) / torch.sqrt(seen + 1e-7)
        moved = 0.95 * moved + 0.05 * move**2
        expected = expected - move
        w.grad = step * w.detach()
        opt.step()
    torch.testing.assert_close(w.detach(), expected)


def starved():
    return bars().subsample_class(0, 0.1, torch.Generator().manual_seed(0))


def test_weights_are_scikit_learns_balanced_ones():
    images = starved()
    weights = train.balanced_weights(images)
    expected = compute_class_weight("balanced", classes=np.arange(2), y=images.labels.numpy())
    np.testing.assert_allclose(weights.numpy(), expected, rtol=1e-6)
    assert weights[images.labels].mean() == pytest.approx(1)
    assert train.balanced_weights(images.of_class(1)).isfinite().all()  # a class that is not there at all


def test_class_weights_are_those_of_cross_entropy():
    torch.manual_seed(0)
    model, images, weights = LeNet(classes=2), starved(), torch.tensor([5.0, 0.5])
    x, labels = next(images.batches(32, torch.Generator().manual_seed(0)))
    expected = F.cross_entropy(model(x), labels, weight=weights)
    settings = {"updates": 1, "batch_size": 32, "generator": torch.Generator().manual_seed(0), "precision": "float32"}
    loss = next(train.training(model, images, train.adam(), class_weights=weights, **settings))
    torch.testing.assert_close(loss, expected.detach())
    assert not torch.isclose(expected, F.cross_entropy(model(x), labels))


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


def test_eval_mode_leaves_the_model_as_it_was():
    model = KannadaCNN(1 / 16).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    out = train.logits(model, bars(50))
    assert model.training and out.shape == (50, 10)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    torch.testing.assert_close(out, train.logits(model, bars(50), batch_size=7), rtol=1e-4, atol=1e-4)


def test_a_model_trains_on_after_an_error_in_eval_mode():
    model = torch.nn.Dropout().train()
    with pytest.raises(ValueError, match="broken"), train.eval_mode(model):
        assert not model.training and not torch.is_grad_enabled()
        raise ValueError("broken")
    assert model.training and torch.is_grad_enabled()
    model.eval()
    with train.eval_mode(model):
        pass
    assert not model.training
