"""Finished generators that lessons take from the full run."""

import json

import pytest
import torch

from course_utils.core.errors import CourseError
from course_utils.core.profiles import ROOT
from course_utils.experiment import weights

FACTS = {"images": 5, "width": 0.5, "commit": "c", "device": "cpu", "seconds": 1.0, "memorisation": 1.0}
CURVE = {"steps": [1, 2], "fd_lenet": [3.0, 2.0], "conditional accuracy": [0.5, 0.9]}


def answer(trained_on):
    return {"w": torch.ones(3).half()}, {**FACTS, "trained_on": trained_on, "curve": CURVE, "losses": [1.0] * 9}


def test_a_generator_is_found_by_its_name_and_the_pictures_that_it_saw(tmp_path):
    weights.keep(tmp_path, {"gan/0": answer("a")})
    manifest = weights.keep(tmp_path, {"gan/1": answer("b")})
    assert [(about["trained_on"], about["steps"], about["fd_lenet"]) for about in manifest.values()] == [
        ("a", 2, 2.0),
        ("b", 2, 2.0),
    ]
    tensors, facts = weights.find(tmp_path, "gan/1", "b")
    assert tensors["w"].dtype == torch.float16 and facts["width"] == 0.5 and "losses" not in facts
    assert weights.find(tmp_path, "gan/1", "a") is None and weights.find(tmp_path, "gan/2", "a") is None


def test_another_file_and_a_damaged_manifest_are_refused(tmp_path):
    weights.keep(tmp_path, {"gan/0": answer("a")})
    path = tmp_path / "gan-0.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(CourseError, match="git checkout"):
        weights.find(tmp_path, "gan/0", "a")
    (tmp_path / weights.MANIFEST).write_text("{")
    with pytest.raises(CourseError, match="damaged"):
        weights.read(tmp_path)


def test_the_stored_weights_are_those_of_their_manifests_and_small():
    files = sorted(ROOT.glob("results/*/weights/*.safetensors"))
    named = [
        folder / name
        for folder in ROOT.glob("results/*/weights")
        for name in json.loads((folder / weights.MANIFEST).read_text())
    ]
    assert files == sorted(named) and sum(path.stat().st_size for path in files) < 25e6
    for path in files:
        about = weights.read(path.parent)[path.name]
        assert weights.find(path.parent, path.stem.replace("-", "/"), about["trained_on"]) is not None
