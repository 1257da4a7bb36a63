"""Samples and stand-ins are balanced, sealed, the same each time, and mean what their labels say."""

import hashlib
from pathlib import Path

import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier
from torch.nn.functional import avg_pool2d

from course_utils.core.errors import DataError
from course_utils.data import sample
from course_utils.data.cards import CARDS
from course_utils.data.sources import load
from course_utils.data.standins import DRAWN, draw

every = pytest.mark.parametrize("name", list(CARDS))
README = Path(__file__).resolve().parents[2] / "data" / "README.md"


def accuracy(train, test, vectors):
    """Of three nearest neighbours."""
    model = KNeighborsClassifier(3).fit(vectors(train), train.labels)
    return model.score(vectors(test), test.labels)


def greys(images):
    return images.pixels.flatten(1).float()


def silhouettes(images):
    red, green, blue = images.pixels.float().unbind(1)
    return avg_pool2d((blue < 1.5 * torch.maximum(red, green)).float()[:, None], 8).flatten(1)


def test_every_set_has_a_sample_or_a_stand_in():
    assert sorted([*sample.NAMES, *DRAWN]) == sorted(CARDS)
    with pytest.raises(DataError, match=r"'mnist'.*kannada, cows-horses"):
        draw("mnist")


@every
@pytest.mark.parametrize("scale", [0, 0.03, 0.2])
def test_form_balance_seal_and_repetition(name, scale):
    card = CARDS[name]
    data, again = (load(name, "standin", scale=scale) for _ in range(2))
    assert data.source == ("sample" if name in sample.NAMES else "standin")
    assert set(data.splits) == ({"train", "test"} if data.source == "sample" else {*card.editions[0].counts} | (
        set() if card.idx else {"objects"}
    ))  # fmt: skip
    for split, images in data.splits.items():
        assert images.classes == card.classes and images.shape == card.shape and images.pixels.is_contiguous()
        assert images.sealed == (split not in card.open_splits)
        assert len(images.counts().unique()) == 1 and images.counts()[0] >= 2
        assert greys(images).std(1).min() > 5, "an empty picture"
        assert images.digest() == again[split].digest() == data.sha256[split]


@pytest.mark.parametrize("name", sample.NAMES)
def test_a_sample_is_whole_disjoint_documented_and_announced_as_one(name):
    data = load(name, "standin")
    assert {split: len(images) for split, images in data.splits.items()} == {"train": 3000, "test": 1000}
    pictures = [picture.numpy().tobytes() for images in data.splits.values() for picture in images.pixels]
    assert len(set(pictures)) == 4000, "a picture is there twice, or in both splits"
    assert "SAMPLE" in data.announce() and "No scientific claim" in data.announce()
    content = (sample.FOLDER / f"{name}.npz").read_bytes()
    assert hashlib.sha256(content).hexdigest() in README.read_text("utf-8") and len(content) < 2e6


@pytest.mark.parametrize("name", list(DRAWN))
def test_no_writer_or_animal_is_in_two_splits(name):
    groups = [set(images.groups.tolist()) for images in draw(name, 0.1).values()]
    assert len(set.union(*groups)) == sum(map(len, groups))


@pytest.mark.parametrize("name", ["kannada", *sample.NAMES])
def test_labels_can_be_learned(name):
    splits = load(name, "standin", scale=0.4).splits
    assert accuracy(splits["train"], splits["test"], greys) > 0.7


def test_cow_and_horse_differ_in_their_outlines_on_blue():
    splits = draw("cows-horses", 0.15)
    assert accuracy(splits["extra"], splits["test"], silhouettes) > 0.85
    corners = splits["train"].pixels[:, :, :20, :20].float().mean((2, 3))
    assert (corners[:, 2] > 1.5 * corners[:, :2].max(1).values).all()
