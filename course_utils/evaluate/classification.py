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


def balanced_accuracy(labels: Tensor, predictions: Tensor) -> float:
    """Average the recalls of the classes that `labels` hold (int64, N); 0..1. Rare classes weigh as much as others.

    One answer for ever scores 1 over the number of classes, whatever their shares. Raises CourseError for one class.
    """
    y, p = checks.answers(labels, predictions)
    classes = np.unique(y)
    if len(classes) < 2:
        raise CourseError(f"all {len(y)} labels are {classes[0]}: one class has no balance; score on a fuller set")
    return float(np.mean([(p[y == label] == label).mean() for label in classes]))


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


def calibration(labels: Tensor, probabilities: Tensor, bins: int = 10) -> tuple[float, pd.DataFrame]:
    """Compute (expected calibration error, reliability table) of probabilities, N × K (Guo et al. 2017).

    Pictures are binned by the confidence of their answer, the largest probability, in `bins` equal parts of 0..1
    (each without its lower edge). Table: a row a bin with `lower` and `upper` edge, mean `confidence`, `accuracy`
    (NaN where the bin is empty) and `share` of the pictures. The error, 0..1, is the mean of |accuracy − confidence|
    over pictures. It depends on `bins`: compare only like with like.
    """
    if bins < 1:
        raise CourseError(f"{bins} bins, expected at least 1; 10 is usual")
    confidence, predictions = (part.cpu() for part in checks.class_probabilities(probabilities).max(dim=1))
    y, p = checks.answers(labels, predictions)
    edges = np.linspace(0, 1, bins + 1)
    where = np.searchsorted(edges[1:-1], confidence.numpy())
    pictures = pd.DataFrame({"confidence": confidence.numpy(), "accuracy": (y == p).astype(float)})
    table = pictures.groupby(where).mean().reindex(range(bins))
    table.insert(0, "lower", edges[:-1])
    table.insert(1, "upper", edges[1:])
    table["share"] = np.bincount(where, minlength=bins) / len(y)
    error = ((table["accuracy"] - table["confidence"]).abs() * table["share"]).sum()
    return float(error), table.rename_axis("bin")
