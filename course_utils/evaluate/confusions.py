"""Which confusion matrices can lie behind printed scores: none, if the scores cannot be true."""

from __future__ import annotations

import numpy as np


def confusions(
    accuracy: float, precision: float, recall: float, positives: int, negatives: int, decimals: int = 1
) -> list[tuple[int, int]]:
    """List all (true positives, false positives) whose scores, shares 0..1, round to the given ones.

    decimals: to how many places the scores were printed. An empty list: no classifier can have scored so on so many
    positive and negative images.
    """
    half = 0.5 * 10**-decimals + 1e-9
    tp, fp = np.meshgrid(np.arange(positives + 1), np.arange(negatives + 1), indexing="ij")
    called = np.maximum(tp + fp, 1)  # a classifier that never says "positive" has a precision of 0, as in scikit-learn
    scored = ((tp + negatives - fp) / (positives + negatives), tp / called, tp / positives)
    fits = [abs(own - printed) <= half for own, printed in zip(scored, (accuracy, precision, recall), strict=True)]
    return [(int(t), int(f)) for t, f in np.argwhere(np.all(fits, axis=0))]
