"""Scores of generated pictures by class: against torchmetrics, and with classifiers whose answer is known."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.image.inception import InceptionScore

from course_utils.core.errors import CourseError, SealedError
from course_utils.data.images import Images
from course_utils.evaluate.class_scores import conditional_accuracy, gan_train, inception_score


class Brightness(torch.nn.Module):
    """A judge of two classes: dark pictures are 0, bright ones 1."""

    def forward(self, x):
        mean = x.mean(dim=(1, 2, 3))
        return torch.stack([-mean, mean], dim=1)


class AsTheyAre(torch.nn.Module):
    def forward(self, x):
        return x


def pictures(values, labels, name="pictures", classes=("dark", "bright")):
    pixels = torch.tensor(values, dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 4, 4)
    return Images(pixels, torch.tensor(labels), classes, name)


def nearest_mean(train):
    """A classifier as `gan_train` takes it: the label whose mean training brightness is nearest."""
    x, labels = next(iter(train.batches(len(train), torch.Generator())))
    means = torch.stack([x[labels == k].mean() for k in range(len(train.classes))])

    def classify(images):
        ((x, _),) = images.in_order(len(images))
        return (x.mean(dim=(1, 2, 3))[:, None] - means).abs().argmin(dim=1)

    return classify


def test_conditional_accuracy_counts_what_was_asked_for_over_all_batches():
    asked = pictures([0, 10, 250, 255, 240], [0, 1, 1, 1, 0])
    assert conditional_accuracy(Brightness(), asked.pixels, asked.labels, batch_size=2) == 3 / 5
    repeated = pictures([0, 255] * 20, [0, 1] * 20)
    assert conditional_accuracy(Brightness(), repeated.pixels, repeated.labels) == 1  # two pictures, for ever


@pytest.mark.parametrize("splits", [1, 5])
def test_inception_score_is_torchmetrics_over_the_same_splits(splits):
    logits = 3 * torch.randn(200, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    metric = InceptionScore(feature=AsTheyAre(), splits=splits).set_dtype(torch.float64)
    metric.update(logits)
    torch.manual_seed(4)  # torchmetrics draws its splits from the global generator
    exact = float(metric.compute()[0])
    ours = inception_score(logits.softmax(dim=1), torch.Generator().manual_seed(4), splits=splits)
    assert ours == pytest.approx(exact, rel=1e-4)


@given(st.integers(2, 12), st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_inception_score_lies_between_one_and_the_number_of_classes(classes, seed):
    g = torch.Generator().manual_seed(seed)
    p = (4 * torch.randn(60, classes, generator=g)).softmax(dim=1)
    assert 1 - 1e-9 <= inception_score(p, g, splits=3) <= classes
    sorted_by_class = torch.eye(classes).repeat_interleave(100, dim=0)
    assert inception_score(sorted_by_class, g) > 0.9 * classes  # split in order, it would be 1


def test_gan_train_sees_fakes_that_are_narrow_or_off_their_labels():
    real = pictures([10, 40, 210, 250], [0, 0, 1, 1], "real")
    test = pictures([20, 30, 90, 220, 240, 160], [0, 0, 0, 1, 1, 1], "test").seal()
    narrow = pictures([0, 0, 60, 60], [0, 0, 1, 1], "narrow")  # "bright" ones are all dark
    swapped = pictures([20, 30, 220, 230], [1, 1, 0, 0], "swapped")
    assert gan_train(nearest_mean, real, test) == 1
    assert gan_train(nearest_mean, narrow, test) == pytest.approx(5 / 6)  # 90 is nearer to 60 than to 0
    assert gan_train(nearest_mean, swapped, test) == 0
    with pytest.raises(SealedError):
        gan_train(nearest_mean, test, real)


real = pictures([10, 250], [0, 1], "real")
p = torch.full((4, 2), 0.5)


@pytest.mark.parametrize(
    ("measure", "says"),
    [
        (lambda: gan_train(nearest_mean, real.of_class(1), real), "real holds 1 class, expected at least two"),
        (lambda: gan_train(nearest_mean, real, pictures([1], [0], "fake", ("a", "b"))), "have other classes"),
        (lambda: gan_train(nearest_mean, real, real.subset(real.labels > 1)), "real is empty"),
        (lambda: conditional_accuracy(Brightness(), real.pixels, real.labels[:1]), r"shape \(1,\), predictions of"),
        (lambda: inception_score(p, torch.Generator()), "10 splits of 4 pictures, expected 1 to 4"),
        (lambda: inception_score(p.log(), torch.Generator()), "take softmax"),
        (lambda: inception_score(p * float("nan"), torch.Generator()), "take softmax"),
        (lambda: inception_score(p[:, :1], torch.Generator()), "two classes"),
    ],
)
def test_bad_input_is_named(measure, says):
    with pytest.raises(CourseError, match=says):
        measure()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_scores_on_a_gpu_are_those_on_the_cpu():
    p = torch.randn(200, 10, generator=torch.Generator().manual_seed(0)).softmax(dim=1)
    scores = [inception_score(x, torch.Generator().manual_seed(0)) for x in (p, p.cuda())]
    assert scores[1] == pytest.approx(scores[0], rel=1e-6)
    asked = pictures([0, 10, 250], [0, 1, 1]).to("cuda")
    assert conditional_accuracy(Brightness(), asked.pixels, asked.labels) == pytest.approx(2 / 3)
