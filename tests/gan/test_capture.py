"""Recording a step: three calls as they are, then one recording, then replays on the buffers of the recording."""

import contextlib

import pytest
import torch
from small_gans import METHODS

from course_utils.core.errors import CourseError
from course_utils.gan import capture, train


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


needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@needs_gpu
@pytest.mark.parametrize("name", METHODS)
def test_the_recorded_step_gives_what_the_eager_one_gives(name):
    method, found = METHODS[name], []
    for recorded in (False, True):
        G, D, stream = method.build()
        on_gpu = lambda n, stream=stream: tuple(t.cuda() for t in stream(n))  # noqa: E731
        last = train.fit(method.step, G, D, on_gpu, steps=12, seed=0, reports=2, precision="float32", capture=recorded)
        found.append((last.losses, [p.cpu() for p in G.parameters()]))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-4)
    for eager, replayed in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(eager, replayed, rtol=1e-3, atol=1e-5)
