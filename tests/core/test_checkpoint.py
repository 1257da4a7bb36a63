"""A checkpoint gives back what was put in, and nothing else is taken for one."""

import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from course_utils.core import checkpoint
from course_utils.core.checkpoint import CheckpointError

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


def test_other_safetensors_numbers_that_are_not_finite_and_what_is_not_there_are_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file(TENSORS, path)
    with pytest.raises(CheckpointError, match="is not a checkpoint"):
        checkpoint.load(path)
    for dtype in (torch.float32, torch.float8_e4m3fn):  # for the second PyTorch itself has no test
        checkpoint.save(path, {"good": torch.tensor([0.5, 1.0]).to(dtype)}, FACTS)
        assert checkpoint.load(path)[0]["good"].dtype == dtype
        checkpoint.save(path, {"bad": torch.tensor([1.0, float("nan")]).to(dtype)}, FACTS)
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
