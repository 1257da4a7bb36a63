"""Recording a step: three calls as they are, then one recording, then replays on the buffers of the recording."""

import contextlib
import warnings

import pytest
import torch

from course_utils.core import capture
from course_utils.core.errors import CourseError


@pytest.fixture
def graphs(monkeypatch):
    """CUDA's graphs in plain Python: replaying calls the function again on the tensors that were recorded."""
    made = []

    class Graph:
        def __init__(self):
            self.replays = 0
            made.append(self)

        def replay(self):
            self.replays += 1
            self.captured.result.copy_(self.captured.function(*self.captured.batch))

    class Stream:
        def wait_stream(self, other):
            pass

    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda side: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "graph", lambda graph: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "set_stream", lambda stream: None)
    mode = ["default"]
    monkeypatch.setattr(torch.cuda, "get_sync_debug_mode", lambda: mode[-1])
    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", mode.append)
    return made


def test_each_call_answers_for_its_own_batch(graphs):
    seen = capture.Captured(lambda a, b: 2 * a + b)
    for n in range(8):
        if seen.graph is not None:
            seen.graph.captured = seen
        elif n == capture.WARM_UP:
            torch.cuda.CUDAGraph.captured = seen
        a, b = torch.tensor([float(n)]), torch.tensor([0.5])
        assert float(seen(a, b)) == 2 * n + 0.5
    (graph,) = graphs
    assert graph.replays == 8 - capture.WARM_UP


def test_a_step_that_cannot_be_recorded_names_the_remedy(graphs, monkeypatch):
    @contextlib.contextmanager
    def refusing(graph):
        raise RuntimeError("operation not permitted when stream is capturing\nand much more")
        yield

    monkeypatch.setattr(torch.cuda, "graph", refusing)
    step = capture.Captured(lambda a: a)
    for _ in range(capture.WARM_UP):
        step(torch.ones(1))
    with pytest.raises(CourseError, match=r"\(operation not permitted when stream is capturing\).*capture=False"):
        step(torch.ones(1))


def test_a_step_that_waits_for_the_gpu_is_named_by_its_line_and_goes_on_unrecorded(graphs, recwarn):
    def waiting(a):
        if torch.cuda.get_sync_debug_mode() == "warn":
            warnings.warn("called a synchronizing CUDA operation", stacklevel=1)  # as PyTorch does in .item()
        return 2 * a

    step, following = capture.Captured(waiting), capture.Captured(lambda a: 3 * a)
    assert [float(step(torch.tensor(float(n)))) for n in range(6)] == [0, 2, 4, 6, 8, 10]
    (said,) = recwarn.list
    assert f"test_capture.py, line {waiting.__code__.co_firstlineno + 2}, waits" in str(said.message)
    assert not graphs and torch.cuda.get_sync_debug_mode() == "default"
    for n in range(capture.WARM_UP):
        assert float(following(torch.tensor(float(n)))) == 3 * n
    assert len(recwarn.list) == 1
