"""How good a classifier is, from its answers alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn import metrics
from torch import Tensor

from course_utils.core.errors import CourseError
from course_utils.evaluate import checks

METRICS = ("accuracy", "macro_f1")


def scores(labels: Tensor, predictions: Tensor) -> dict[str, float]:
    """Compute accuracy and macro F1, both 0..1, of predicted against true labels (int64, N)."""
    y, p = checks.answers(labels, predictions)
    return {"accuracy": float((y == p).mean()), "macro_f1": float(metrics.f1_score(y, p, average="macro"))}


def report(labels: Tensor, predictions: Tensor, classes: tuple[str, ...]) -> pd.DataFrame:
    """Tabulate precision, recall, F1 (0..1) and support, a row a class; 0 where a class is never predicted."""
    y, p = checks.answers(labels, predictions)
    columns = metrics.precision_recall_fscore_support(y, p, labels=np.arange(len(classes)), zero_division=0)
    table = pd.DataFrame(dict(zip(("precision", "recall", "f1", "support"), columns, strict=True)))
    return table.set_axis(pd.Index(classes, name="class"))


def confusion(labels: Tensor, predictions: Tensor, classes: int) -> np.ndarray:
    """Count answers, classes × classes: row = true, column = predicted."""
    y, p = checks.answers(labels, predictions)
    return metrics.confusion_matrix(y, p, labels=np.arange(classes))


def constant_answer(predictions: Tensor) -> int | None:
    """Return the one label that a classifier gives to everything; None where it gives more than one.

    predictions: int64, N, for test images of several classes. Raises CourseError for none.
    """
    if not len(predictions):
        raise CourseError("no predictions, expected at least one; predict on a test set first")
    first = int(predictions[0])
    return first if bool((predictions == first).all()) else None
