"""Record a training step as one CUDA graph, which replaces a hundred small kernel launches by one."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.core.errors import CourseError

WARM_UP = 3  # calls before recording, in which optimisers and libraries allocate their buffers


class Captured:
    """Record a function of tensors on a GPU at its fourth call, and replay the recording from then on.

    The first three calls run the function itself. All calls must pass tensors of the same shapes, and each overwrites
    the result of the one before. Random numbers come from the device's default generator, which a replay advances as
    the function itself does.
    """

    def __init__(self, function: Callable[..., Tensor]) -> None:
        self.function, self.calls, self.graph = function, 0, None

    def __call__(self, *batch: Tensor) -> Tensor:
        self.calls += 1
        if self.calls <= WARM_UP:
            return self._on_side_stream(batch)
        if self.graph is None:
            self._record(batch)
        for mine, given in zip(self.batch, batch, strict=True):
            mine.copy_(given)
        self.graph.replay()
        return self.result

    def _on_side_stream(self, batch: tuple[Tensor, ...]) -> Tensor:
        side = torch.cuda.Stream()  # CUDA requires that the warm-up does not run on the default stream
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
                "value back from the device (.item(), if loss > …); change it, or pass capture=False"
            ) from error
