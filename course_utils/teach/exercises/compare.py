"""How an exercise's test compares an answer with the right one, and with the mistakes it knows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from course_utils.teach.exercise import Wrong


def close(got: Any, want: Any, rtol: float = 1e-4, atol: float = 1e-6) -> bool:
    """Are two numbers, tuples or tensors equal in shape and, up to the tolerances, in value? NaN equals nothing."""
    got, want = (torch.as_tensor(value, dtype=torch.float64) for value in (got, want))
    return got.shape == want.shape and torch.allclose(got, want, rtol=rtol, atol=atol)


def named(got: Any, mistakes: Iterable[tuple[Any, str]], otherwise: str, **tolerance: float) -> Wrong:
    """The error that says which of the known `mistakes`, pairs (its value, message), was made; else `otherwise`."""
    return Wrong(next((message for value, message in mistakes if close(got, value, **tolerance)), otherwise))


def numbers(value: Any, names: str) -> tuple[float, ...]:
    """A tuple of plain numbers, as many as there are `names`, such as "accuracy, recall"; raises Wrong otherwise."""
    wanted = len(names.split(","))
    if (
        not isinstance(value, tuple)
        or len(value) != wanted
        or any(torch.as_tensor(part).numel() != 1 for part in value)
    ):
        raise Wrong(f"Give back {wanted} numbers: `return {names}`.")
    return tuple(float(part) for part in value)


def scalar(value: Any, what: str = "The loss") -> float:
    """A loss, or whatever it is called, as a number; raises Wrong where it is not reduced to one."""
    value = torch.as_tensor(value).detach()
    if value.numel() != 1:
        raise Wrong(f"{what} must be one number; yours has shape {tuple(value.shape)}. Did you forget the mean?")
    return float(value)
