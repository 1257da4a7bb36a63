"""How good a classifier is, from its answers alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn import metrics
from torch import Tensor

METRICS = ("accuracy", "macro_f1")


def scores(labels: Tensor, predictions: Tensor) -> dict[str, float]:
    """Accuracy and macro F1, both 0..1, of predicted against true labels (int64, N)."""
    y, p = labels.cpu().numpy(), predictions.cpu().numpy()
    return {"accuracy": float((y == p).mean()), "macro_f1": float(metrics.f1_score(y, p, average="macro"))}


def report(labels: Tensor, predictions: Tensor, classes: tuple[str, ...]) -> pd.DataFrame:
    """Precision, recall, F1 (0..1) and support, a row a class, as in paper 1's Figure 9; 0 where a class is never
    said."""
    columns = metrics.precision_recall_fscore_support(
        labels.cpu().numpy(), predictions.cpu().numpy(), labels=np.arange(len(classes)), zero_division=0
    )
    table = pd.DataFrame(dict(zip(("precision", "recall", "f1", "support"), columns, strict=True)))
    return table.set_axis(pd.Index(classes, name="class"))


def confusion(labels: Tensor, predictions: Tensor, classes: int) -> np.ndarray:
    """Counts, classes × classes: row = true, column = predicted."""
    return metrics.confusion_matrix(labels.cpu().numpy(), predictions.cpu().numpy(), labels=np.arange(classes))
