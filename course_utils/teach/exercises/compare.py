"""Compare an exercise's answer with the right one and with known mistakes; a comparison that fails raises Wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.teach.exercises.exercise import Wrong

Mistakes = Mapping[str, Any]
"""The message that names a mistake → the value that the mistake gives, or a list of such values."""

PER_CENT = "Those are per cent. Give shares between 0 and 1."


def close(got: Any, want: Any, rtol: float = 1e-4, atol: float = 1e-6) -> bool:
    """Are two numbers, tuples or tensors equal in shape and, up to the tolerances, in value? NaN equals nothing."""
    got, want = (torch.as_tensor(value, dtype=torch.float64) for value in (got, want))
    return got.shape == want.shape and torch.allclose(got, want, rtol=rtol, atol=atol)


def expect(got: Any, want: Any, mistakes: Mistakes, what: str, **tolerance: float) -> None:
    """Raise Wrong where `got` is not close to `want`: it names the mistake made, or how `what` differs."""
    if close(got, want, **tolerance):
        return
    for message, values in mistakes.items():
        if any(close(got, value, **tolerance) for value in (values if isinstance(values, list) else [values])):
            raise Wrong(message)
    raise Wrong(difference(got, want, what, **tolerance))


def difference(got: Any, want: Any, what: str, rtol: float = 1e-4, atol: float = 1e-6) -> str:
    """Say in a sentence or two how an answer differs: in shape, or at the first place where it does; NaN is named."""
    got, want = (torch.as_tensor(value).detach() for value in (got, want))
    if got.shape != want.shape:
        return f"{what} should have the shape {tuple(want.shape)}; yours has {tuple(got.shape)}."
    wrong = ~torch.isclose(got.double(), want.double(), rtol=rtol, atol=atol)
    place = tuple(wrong.nonzero()[0].tolist())
    right, yours = _apart(want[place].item(), got[place].item())
    if not place:
        said = f"{what} should be {right}; yours is {yours}."
    elif want.numel() <= WHOLE:
        said = f"{what} should be {_few(want)}; yours is {_few(got)}. They differ first at place {list(place)}."
    else:
        said = f"{what}: the first place that differs is {list(place)}, where it should be {right}; yours is {yours}."
    return said + NAN * bool(got[place].isnan())


WHOLE = 9
"""Up to so many numbers are shown all."""

NAN = " NaN is *not a number*: 0/0, ∞ − ∞, or the logarithm or the root of something below 0."


def _apart(right: Any, yours: Any) -> tuple[str, str]:
    """Write two values that differ with as many digits as it takes to see it, four at least."""
    if isinstance(right, bool):
        return str(right), str(bool(yours))
    pairs = ((_number(right, digits), _number(yours, digits)) for digits in range(4, 16))
    return next((pair for pair in pairs if pair[0] != pair[1]), (repr(right), repr(yours)))


def _number(value: float, digits: int = 4) -> str:
    return "NaN" if math.isnan(value) else f"{value + 0.0:.{digits}g}"  # + 0.0: no -0


def _few(values: Tensor) -> str:
    """Write a few values as a list of lists."""

    def written(value: Any) -> str:
        if isinstance(value, list):
            return f"[{', '.join(map(written, value))}]"
        return str(value) if isinstance(value, bool) else _number(value)

    return written(values.tolist())


def parts(value: Any, names: str, what: str) -> tuple[Any, ...]:
    """Check that an answer is a tuple of as many parts as there are `names`, such as "accuracy, recall"."""
    wanted = len(names.split(","))
    if not isinstance(value, tuple) or len(value) != wanted:
        raise Wrong(f"Give back {wanted} {what}: `return {names}`.")
    return value


def numbers(value: Any, names: str) -> tuple[float, ...]:
    """Check that an answer is a tuple of plain numbers, one for each name, and return them as floats."""
    found = [_tensor(part) for part in parts(value, names, "numbers")]
    if any(part.numel() != 1 for part in found):
        raise Wrong(f"Each of the parts in `return {names}` must be one number.")
    return tuple(float(part) for part in found)


def _tensor(value: Any) -> Tensor:
    """Make a tensor without a gradient of a number of any kind, fractions too, or of several."""
    number = isinstance(value, (Fraction, Decimal, float))
    return torch.tensor(float(value), dtype=torch.float64) if number else torch.as_tensor(value).detach()


def scalar(value: Any, what: str = "The loss") -> float:
    """Check that a loss (or `what` else it is) is one number, and return it as a float."""
    value = _tensor(value)
    if value.numel() != 1:
        raise Wrong(f"{what} must be one number; yours has shape {tuple(value.shape)}. Did you forget the mean?")
    return float(value)


def check_loss(
    answer: Callable[..., Any],
    reference: Callable[..., Tensor],
    logits: tuple[Tensor, ...],
    *others: Any,
    mistakes: Mistakes,
    deep: tuple[Any, ...],
    reason: str,
) -> None:
    """Check a loss: its value, that it holds where D is sure and wrong, and that it trains.

    logits, others: the arguments, those with a gradient first. deep: arguments with logits of 200 and −200, for which
    the right value is near 400. reason: why the usual mistake breaks there.
    """
    given = tuple(part.clone().requires_grad_() for part in logits)
    loss, right = answer(*given, *others), reference(*given, *others)
    got, want = scalar(loss), scalar(right)
    expect(got, want, mistakes, "The loss")
    if not 300 < scalar(answer(*deep)) < math.inf:
        raise Wrong(f"Right for small logits, but where D is sure and wrong it breaks: the logarithm of a {reason}")
    must_train(loss, right, *given)


def must_train(value: Any, right: Tensor, *inputs: Tensor) -> None:
    """Check that an answer of the right value has the reference's gradient.

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


def cross_entropy_mistakes(logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """List the usual mistakes in −mean log softmax(logits)[labels]; logits N × K, labels N."""
    want, K = F.cross_entropy(logits, labels), logits.shape[1]
    picked, p = logits.gather(1, labels[:, None]), logits.softmax(1).gather(1, labels[:, None])
    one_hot = F.one_hot(labels, K).float()
    floor = math.log(1 + (K - 1) / math.e)
    return {
        "You applied a softmax, and `cross_entropy` applies another. However sure and right D is, this loss cannot "
        f"fall below {floor:.2f} for {K} classes, and its gradient is small "
        "everywhere. Give it the logits.": F.cross_entropy(logits.softmax(1), labels),
        "The sign is turned round: the log-likelihood is *maximised*, a loss is made small.": -want,
        "That is the sum over the batch: take the mean.": len(labels) * want,
        "A logit is no probability yet: without the softmax D's other logits do not count.": -picked.mean(),
        "The logarithm is missing: the loss of one image is −log p, not −p.": -p.mean(),
        "First the logarithm, then the mean over the batch.": -p.mean().log(),
        "The target is the class given, not the one that D says now: it would only learn to be surer.": F.cross_entropy(
            logits, logits.argmax(1)
        ),
        "Your softmax runs over the *batch*: images would compete with each "
        "other. Classes should: `dim=1`.": -logits.softmax(0).gather(1, labels[:, None]).log().mean(),
        f"Those are {K} separate yes-or-no questions. An image has "
        "*one* class: softmax, not sigmoid.": F.binary_cross_entropy_with_logits(logits, one_hot),
        "Those are squared errors. The loss is −log of the probability of the right class.": F.mse_loss(
            logits.softmax(1), one_hot
        ),
        "That is in bits, the logarithm to base 2. Take the natural logarithm.": want / math.log(2),
    }


def check_draws(
    answer: Callable[[Tensor, Tensor, int, torch.Generator], Any],
    mean: Tensor,
    factor: Tensor,
    n: int,
    mistakes: Mistakes,
    **tolerance: float,
) -> None:
    """Check that an answer draws n × d from N(mean, factor factorᵀ), by the generator it is given.

    mistakes: covariances that known mistakes give. tolerance: of mean and covariance of n draws.
    """
    x, again, other = (answer(mean, factor, n, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    if not isinstance(x, Tensor) or x.shape != (n, len(mean)):
        shape = tuple(getattr(x, "shape", ()))
        raise Wrong(f"It should be a tensor of {n:,} × {len(mean)}, one row a draw; yours has shape {shape}.")
    if not torch.equal(x, again):
        raise Wrong("Two generators with one seed give different draws: pass `generator=generator` on.")
    if torch.equal(x, other):
        raise Wrong("The draws are the same whatever the generator says: use it.")
    covariance, spread = factor @ factor.T, torch.cov(x.T)
    mistakes = {
        "All draws are one point: each row needs random numbers of its own.": torch.zeros_like(covariance),
        "That is `rand`, uniform from 0 to 1: a Gaussian needs `randn`.": covariance / 12,
        **mistakes,
    }
    expect(spread, covariance, mistakes, "The covariance of many draws", **tolerance)
    places = {"Your draws lie around 0. Add the mean.": torch.zeros_like(mean)}
    if factor.shape[0] == factor.shape[1]:
        places["The mean went through the factor as well: add it after the noise is shaped."] = mean @ factor.T
    expect(x.mean(0), mean, places, "The mean of many draws", **tolerance)
