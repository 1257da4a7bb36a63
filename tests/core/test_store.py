"""Finished work is found by what it depends on, whole, or not at all."""

import pytest
import torch

from course_utils.core.store import Store
from course_utils.data.images import Images


def images(n):
    return Images(torch.zeros(n, 1, 2, 2, dtype=torch.uint8), torch.zeros(n, dtype=torch.int64), ("a",))


def scaled(factor):
    return lambda x: factor * x


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")


SAMPLES = {"100": torch.zeros(2, 1, 4, 4, dtype=torch.uint8), "G.weight": torch.arange(3.0), "step": torch.tensor(7)}


def test_what_is_kept_is_found_under_the_same_things_only(store, monkeypatch):
    path = store.path(images(3), scaled(2), {"lr": 0.1})
    assert store.find(path) is None
    store.keep(path, SAMPLES)
    found = store.find(store.path(images(3), scaled(2), {"lr": 0.1}))
    assert found.keys() == SAMPLES.keys()
    for name, tensor in SAMPLES.items():
        assert torch.equal(found[name], tensor) and found[name].dtype == tensor.dtype
    others = [(images(4), scaled(2), {"lr": 0.1}), (images(3), scaled(3), {"lr": 0.1}), (images(3), scaled(2), {})]
    assert all(store.find(store.path(*things)) is None for things in others)
    monkeypatch.setattr("course_utils.core.store.__version__", "another")
    assert store.find(store.path(images(3), scaled(2), {"lr": 0.1})) is None


def test_nothing_is_kept_without_a_folder_or_a_key(store):
    for path in (Store(None).path(1), store.path(iter([1]))):
        assert path is None
        store.keep(path, SAMPLES)
        assert store.find(path) is None
    assert not store.folder.exists()


def test_a_damaged_file_is_named_and_replaced(store):
    path = store.path(1)
    store.keep(path, SAMPLES)
    path.write_bytes(path.read_bytes()[:-1])  # tests/core/test_checkpoint.py damages it in other ways
    with pytest.warns(UserWarning, match=rf"{path.name} .*damaged") as caught:
        assert store.find(path) is None
    assert len(caught) == 1
    store.keep(path, SAMPLES)
    assert store.find(path) is not None
