"""What measures ask of their input, so that a mistake is named where it is made and not as a strange number later."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from course_utils.core.errors import CourseError


def feature_sets(least: int = 1, **sets: Tensor) -> list[Tensor]:
    """Check named sets of features, N × F; return them in double precision, so that near-equal rows keep a distance.

    Raises CourseError for a set of fewer than `least` rows, of another width than the first, or with NaN.
    """
    first = next(iter(sets))
    for name, x in sets.items():
        if x.ndim != 2:
            raise CourseError(f"{name} is of shape {tuple(x.shape)}, expected N × F; take features(judge, pixels)")
        if x.shape[1] != (width := sets[first].shape[1]):
            raise CourseError(f"{name} has {x.shape[1]} features, {first} has {width}; take both from one judge")
        if len(x) < least:
            raise CourseError(f"{name} holds {len(x)} pictures, expected at least {least}; give or sample more")
        bad = int((~x.isfinite()).any(dim=1).sum())
        if bad:
            raise CourseError(
                f"{name}: {bad} of {len(x)} pictures have features that are NaN or infinite, expected finite numbers; "
                "the judge has diverged, so train it again at a lower learning rate"
            )
    return [_double(x) for x in sets.values()]


def answers(labels: Tensor, predictions: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Check true and predicted labels, N each, and return them as arrays. Raises CourseError unless they pair."""
    if labels.ndim != 1 or labels.shape != predictions.shape or not len(labels):
        raise CourseError(
            f"labels are of shape {tuple(labels.shape)}, predictions of {tuple(predictions.shape)}, expected one of "
            "each for every picture; turn logits into labels with argmax(1)"
        )
    return labels.cpu().numpy(), predictions.cpu().numpy()


def class_probabilities(probabilities: Tensor) -> Tensor:
    """Check class probabilities, N × K; return them in double precision.

    Raises CourseError unless rows are ≥ 0 and sum to 1, K ≥ 2.
    """
    if probabilities.ndim != 2 or not len(probabilities) or probabilities.shape[1] < 2:
        raise CourseError(
            f"probabilities are of shape {tuple(probabilities.shape)}, expected N × K with at least one picture and "
            "two classes; take softmax(1) of a classifier's logits"
        )
    p = _double(probabilities)
    off = float((p.sum(dim=1) - 1).abs().max())
    if not (off < 1e-2 and float(p.min()) >= 0):  # so written, NaN is caught too; bfloat16 rounds to 1 in 256
        raise CourseError(
            f"probabilities reach down to {float(p.min()):.3g} and rows miss the sum 1 by up to {off:.3g}; "
            "take softmax(1) of the logits, once"
        )
    return p


def _double(x: Tensor) -> Tensor:
    return (x.cpu() if x.device.type == "mps" else x).double()  # Apple's GPUs have no double precision
