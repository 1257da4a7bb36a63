"""Record a training step as one CUDA graph, which replaces a hundred small kernel launches by one."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.core.errors import CourseError

WARM_UP = 3  # calls before recording, in which optimisers and libraries allocate their buffers
WAITING = "called a synchronizing CUDA operation"  # PyTorch's warning


def recorded(function: Callable[..., Tensor], device: torch.device) -> Callable[..., Tensor]:
    """Give the function as it is, or where a GPU computes its recording."""
    return Captured(function) if device.type == "cuda" else function


class Captured:
    """Record a function of tensors on a GPU at its fourth call, and replay the recording from then on.

    The first three calls run the function itself. All calls must pass tensors of the same shapes. Random numbers come
    from the device's default generator, which a replay advances as the function itself does. A function that waits for
    the device, to read a value back, cannot be recorded: a warning names the line, and all calls run the function.
    """

    def __init__(self, function: Callable[..., Tensor]) -> None:
        self.function, self.calls, self.graph, self.waits = function, 0, None, False

    def __call__(self, *batch: Tensor) -> Tensor:
        self.calls += 1
        if self.waits:
            return self.function(*batch)
        if self.calls <= WARM_UP:
            return self._on_side_stream(batch) if self.calls < WARM_UP else self._watched(batch)
        if self.graph is None:
            self._record(batch)
        for mine, given in zip(self.batch, batch, strict=True):
            mine.copy_(given)
        self.graph.replay()
        return self.result.clone()  # the next replay overwrites it

    def _on_side_stream(self, batch: tuple[Tensor, ...]) -> Tensor:
        side = torch.cuda.Stream()  # CUDA requires that the warm-up does not run on the default stream
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            result = self.function(*batch)
        torch.cuda.current_stream().wait_stream(side)
        return result

    def _watched(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Run the last call before recording, and note whether it waits for the device.

        It is warned of, not stopped: a step that is stopped half-way and taken again would be another step.
        """
        before = torch.cuda.get_sync_debug_mode()
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                result = self._on_side_stream(batch)
            finally:
                torch.cuda.set_sync_debug_mode(before)
        for warning in seen:
            if WAITING in str(warning.message):
                self.waits = True
                warnings.warn(
                    f"{warning.filename}, line {warning.lineno}, waits for the GPU (.item(), if loss > …, a tensor "
                    "made on the CPU): the step is not recorded, and trains several times slower",
                    stacklevel=4,
                )
                break
        return result

    def _record(self, batch: tuple[Tensor, ...]) -> None:
        self.batch = tuple(torch.empty_like(given) for given in batch)
        self.graph, stream = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
        try:
            with torch.cuda.graph(self.graph):
                self.result = self.function(*self.batch)
        except RuntimeError as error:
            torch.cuda.set_stream(stream)  # where ending the recording fails as well, PyTorch's own stays current
            raise CourseError(
                f"this step cannot be recorded as a CUDA graph ({str(error).splitlines()[0]}): it must not wait for "
                "the device; change it, or pass capture=False; then start Python anew"
            ) from error
