"""A whole training step as one CUDA graph: a hundred small launches become one."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.core.errors import CourseError

WARM_UP = 3  # steps before recording, in which optimisers and libraries allocate what they keep


class Captured:
    """A function of tensors on a GPU that is recorded at its fourth call and replayed from then on.

    Every call is a real one: the first three run as they are. Later calls must bring tensors of the same shapes, and
    the result is overwritten by the next call. Random numbers come from the device's default generator, which the graph
    advances as the function itself would.
    """

    def __init__(self, function: Callable[..., Tensor]) -> None:
        self.function, self.calls, self.graph = function, 0, None

    def __call__(self, *batch: Tensor) -> Tensor:
        self.calls += 1
        if self.calls <= WARM_UP:
            return self._aside(batch)
        if self.graph is None:
            self._record(batch)
        for mine, given in zip(self.batch, batch, strict=True):
            mine.copy_(given)
        self.graph.replay()
        return self.result

    def _aside(self, batch: tuple[Tensor, ...]) -> Tensor:
        side = torch.cuda.Stream()  # work that is to be captured must not have run on the default stream
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            result = self.function(*batch)
        torch.cuda.current_stream().wait_stream(side)
        return result

    def _record(self, batch: tuple[Tensor, ...]) -> None:
        self.batch = tuple(torch.empty_like(given) for given in batch)
        self.graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(self.graph):
                self.result = self.function(*self.batch)
        except RuntimeError as error:
            raise CourseError(
                f"this step cannot be recorded as a CUDA graph ({str(error).splitlines()[0]}): it must not read a "
                "value back from the device (.item(), if loss > …); mend it, or pass capture=False"
            ) from error
