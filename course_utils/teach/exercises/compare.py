"""How an exercise's test compares an answer with the right one, and with the mistakes it knows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from course_utils.teach.exercises.exercise import Wrong


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


def must_hold(deep: Any, reason: str) -> None:
    """Raises Wrong where a loss of the right value breaks as soon as D is sure and wrong.

    deep: its value for logits of 200 and −200, near 400 if it is right. reason: why the usual one breaks there.
    """
    if not 300 < scalar(deep) < math.inf:
        raise Wrong(f"Right for small logits, but where D is sure and wrong it breaks: the logarithm of a {reason}")


def must_train(value: Any, right: Tensor, *inputs: Tensor) -> None:
    """Raises Wrong where an answer of the right value would not train as the reference does.

    value, right: what the answer and the reference make of `inputs`, which require gradients.
    """
    if not (isinstance(value, Tensor) and value.requires_grad):
        raise Wrong(
            "The value is right, but no gradient reaches the networks: leave out `.item()`, `float()`, `.detach()` and "
            "`no_grad`."
        )
    got, want = (torch.autograd.grad(v.sum(), inputs, materialize_grads=True) for v in (value, right))
    if not all(close(*pair) for pair in zip(got, want, strict=True)):
        raise Wrong(
            "The value is right, but part of the gradient is cut off: leave out `.detach()`, `.data` and `no_grad`."
        )
