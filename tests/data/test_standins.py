"""The stand-ins are balanced, sealed, repeatable, and mean what their labels say."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier
from torch.nn.functional import avg_pool2d

from course_utils.core.errors import DataError, SealedError
from course_utils.data.standins import DRAWN, draw
from course_utils.data.standins.animals import VIEWS, _views

SPLITS = {  # pictures a class at scale 1
    "kannada": {"train": 600, "test": 100, "dig": 100},
    "emnist": {"train": 600, "test": 200},
    "cows-horses": {"train": 41, "test": 41, "extra": 328},
    "mnist": {"train": 600, "test": 100},
    "fashion": {"train": 600, "test": 100},
}
DIGITS = tuple("0123456789")
CLASSES = {
    "kannada": DIGITS,
    "emnist": DIGITS,
    "cows-horses": ("horse", "cow"),
    "mnist": DIGITS,
    "fashion": (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
}  # fmt: skip

every = pytest.mark.parametrize("name", SPLITS)


def accuracy(train, test, vectors):
    """Of three nearest neighbours."""
    model = KNeighborsClassifier(3).fit(vectors(train), train.labels)
    return model.score(vectors(test), test.labels)


def greys(images):
    return images.pixels.flatten(1).float()


def silhouettes(images):
    red, green, blue = images.pixels.float().unbind(1)
    return avg_pool2d((blue < 1.5 * torch.maximum(red, green)).float()[:, None], 8).flatten(1)


def test_all_five_sets_are_drawn():
    assert set(DRAWN) == set(SPLITS)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(DataError, match=r"'cifar'.*kannada, emnist, cows-horses, mnist, fashion"):
        draw("cifar")


@every
def test_format(name):
    splits = draw(name, scale=0.02)
    assert list(splits) == list(SPLITS[name])
    for split, images in splits.items():
        assert images.shape == ((3, 256, 256) if name == "cows-horses" else (1, 28, 28))
        assert images.pixels.is_contiguous()
        assert images.classes == CLASSES[name]
        assert images.name == f"{name} stand-in {split}"
        assert images.groups.dtype == torch.int64


@every
def test_only_what_is_trained_on_is_open(name):
    for split, images in draw(name, scale=0.01).items():
        assert images.sealed == (split not in ("train", "extra"))
        if images.sealed:
            with pytest.raises(SealedError):
                images.merge(images)


def test_sizes_at_full_scale():
    for split, images in draw("kannada").items():
        assert images.counts().tolist() == [SPLITS["kannada"][split]] * 10


@every
@settings(max_examples=5, deadline=None)
@given(scale=st.floats(0, 0.04), seed=st.integers(0, 2**32))
def test_classes_are_balanced_at_any_scale(name, scale, seed):
    for split, images in draw(name, seed=seed, scale=scale).items():
        n = max(2, round(SPLITS[name][split] * scale))
        assert images.counts().tolist() == [n] * len(images.classes)
        spread = images.pixels.flatten(1).float().std(1)
        assert spread.min() > 5, "an empty picture"


@every
def test_the_seed_decides_everything(name):
    one, again, other = (draw(name, seed=seed, scale=0.01) for seed in (3, 3, 4))
    for split in one:
        assert one[split].digest() == again[split].digest() != other[split].digest()
        assert torch.equal(one[split].groups, again[split].groups)


@pytest.mark.parametrize("name", ["kannada", "emnist", "mnist", "cows-horses"])
def test_no_writer_digit_or_animal_is_in_two_splits(name):
    groups = [set(images.groups.tolist()) for images in draw(name, scale=0.03).values()]
    assert len(set.union(*groups)) == sum(map(len, groups))


def test_emnist_and_mnist_differ():
    assert draw("emnist", scale=0.02)["train"].digest() != draw("mnist", scale=0.02)["train"].digest()


def test_pictures_of_one_digit_differ_when_it_is_used_again():
    train = draw("mnist", scale=0.4)["train"]
    pixels = train.pixels[train.groups == train.groups[0]].flatten(1)
    assert len(pixels) > 1
    assert len(pixels.unique(dim=0)) == len(pixels)


def test_a_kannada_writer_writes_every_digit_in_one_hand():
    train = draw("kannada", scale=0.2)["train"]
    assert len(train.groups.unique()) == 60
    for writer in train.groups.unique():
        assert set(train.labels[train.groups == writer].tolist()) == set(range(10))
    ink = train.pixels.float().mean((1, 2, 3)).numpy()
    of_writer = [ink[train.groups.numpy() == w].mean() for w in range(60)]
    shuffled = np.random.default_rng(0).permutation(ink).reshape(60, -1).mean(1)
    assert np.std(of_writer) > 2 * np.std(shuffled), "writers' pens should differ more than chance makes them"


def test_animals_keep_their_numbers():
    splits = draw("cows-horses", scale=0.03)
    for split, numbers in (("train", {0}), ("test", {1}), ("extra", set(range(2, 10)))):
        images = splits[split]
        assert set(images.groups[images.labels == 1].tolist()) == numbers
        assert set(images.groups[images.labels == 0].tolist()) == {10 + n for n in numbers}


def test_an_animal_is_seen_from_each_direction_once():
    assert sorted(_views(41)) == sorted(VIEWS)
    for n in (2, 10, 41, 100):
        assert len(set(_views(n))) == n


def test_animals_stand_on_blue():
    corners = draw("cows-horses", scale=0.02)["train"].pixels[:, :, :20, :20].float().mean((2, 3))
    assert (corners[:, 2] > 1.5 * corners[:, :2].max(1).values).all()


@pytest.mark.parametrize("name", ["kannada", "emnist", "mnist", "fashion"])
def test_labels_can_be_learned(name):
    splits = draw(name, scale=0.2)
    assert accuracy(splits["train"], splits["test"], greys) > 0.75


def test_a_cow_is_told_from_a_horse_by_its_outline():
    splits = draw("cows-horses", scale=0.15)
    assert accuracy(splits["extra"], splits["test"], silhouettes) > 0.85


def test_dig_is_harder_than_test_but_far_from_hopeless():
    splits = draw("kannada", scale=0.4)
    test, dig = (accuracy(splits["train"], splits[split], greys) for split in ("test", "dig"))
    assert 0.4 < dig < test - 0.1
