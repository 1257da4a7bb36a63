"""Draw what generators are fed. Without a `torch.Generator`, the device's default one is used, which works in a CUDA
graph. With one, numbers are drawn on that generator's device, and moved."""

from __future__ import annotations

import torch
from torch import Tensor


def normal(shape: tuple[int, ...], device: torch.device, generator: torch.Generator | None) -> Tensor:
    """Independent N(0, 1): float32 of `shape`."""
    return torch.randn(shape, generator=generator, device=_where(device, generator)).to(device)


def any_class(n: int, classes: int, device: torch.device, generator: torch.Generator | None) -> Tensor:
    """n labels, int64, uniform over 0 … classes − 1."""
    return torch.randint(classes, (n,), generator=generator, device=_where(device, generator)).to(device)


def _where(device: torch.device, generator: torch.Generator | None) -> torch.device:
    return device if generator is None else generator.device
