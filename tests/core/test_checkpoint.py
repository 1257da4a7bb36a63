"""A checkpoint gives back what was put in, and nothing else is taken for one."""

import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from course_utils.core import checkpoint
from course_utils.core.checkpoint import CheckpointError
from course_utils.core.files import NotWritten

pytestmark = pytest.mark.reliability("damaged inputs")
TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(3, dtype=torch.int64), "c": torch.zeros(0)}
FACTS = {"step": 7, "losses": {"D": [0.1, 1 / 3]}}


def test_tensors_and_facts_come_back_exactly(tmp_path):
    path = tmp_path / "new folder" / "run.safetensors"
    checkpoint.save(path, TENSORS, FACTS)
    tensors, facts = checkpoint.load(path)
    assert facts == FACTS and tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], t) and tensors[name].dtype == t.dtype for name, t in TENSORS.items())
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.reliability("faults")
def test_a_save_that_fails_leaves_the_old_file_and_nothing_beside(tmp_path, monkeypatch):
    path = tmp_path / "run.safetensors"
    checkpoint.save(path, TENSORS, FACTS)
    before = path.read_bytes()

    def full(file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(NotWritten, match=r"run\.safetensors cannot be written: No space left .*; free some space"):
        checkpoint.save(path, TENSORS, {"step": 8})
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_truncated_or_changed_file_is_refused_by_name(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damaged") / "run.safetensors"
    checkpoint.save(path, TENSORS, FACTS)
    whole = path.read_bytes()
    if data.draw(st.booleans()):
        damaged = whole[: data.draw(st.integers(0, len(whole) - 1))]
    else:
        place = data.draw(st.integers(0, len(whole) - 1))
        damaged = whole[:place] + bytes([whole[place] ^ data.draw(st.integers(1, 255))]) + whole[place + 1 :]
    path.write_bytes(damaged)
    with pytest.raises(CheckpointError, match=r"run\.safetensors .*delete it"):
        checkpoint.load(path)


class Trap:
    def __reduce__(self):
        return pytest.fail, ("a checkpoint was unpickled",)


def test_loading_executes_no_code(tmp_path):
    for name, content in (("a.pt", pickle.dumps(Trap())), ("b.safetensors", b"\x80\x04N."), ("c.json", b"{}")):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=name):
            checkpoint.load(path)


def test_other_safetensors_and_numbers_that_are_not_finite_are_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file(TENSORS, path)
    with pytest.raises(CheckpointError, match="is not a checkpoint"):
        checkpoint.load(path)
    checkpoint.save(path, TENSORS | {"bad": torch.tensor([1.0, float("nan")])}, FACTS)
    with pytest.raises(CheckpointError, match="not finite in bad"):
        checkpoint.load(path)
    with pytest.raises(CheckpointError, match="nowhere"):
        checkpoint.load(tmp_path / "nowhere")


def test_tensors_that_share_their_memory_are_kept_each(tmp_path):
    path, whole = tmp_path / "run.safetensors", torch.arange(6.0)
    given = {"one": whole, "same": whole, "part": whole[2:], "turned": whole.reshape(2, 3).T}
    checkpoint.save(path, given, FACTS)
    found, _ = checkpoint.load(path)
    assert all(torch.equal(found[name], tensor) for name, tensor in given.items())


def test_number_formats_that_pytorch_cannot_test_for_nan_are_tested_all_the_same(tmp_path):
    path = tmp_path / "run.safetensors"
    numbers = torch.tensor([0.5, 1.0]).to(torch.float8_e4m3fn)
    checkpoint.save(path, {"w": numbers}, FACTS)
    assert checkpoint.load(path)[0]["w"].dtype == torch.float8_e4m3fn
    checkpoint.save(path, {"w": torch.tensor([0.5, float("nan")]).to(torch.float8_e4m3fn)}, FACTS)
    with pytest.raises(CheckpointError, match="not finite in w"):
        checkpoint.load(path)
