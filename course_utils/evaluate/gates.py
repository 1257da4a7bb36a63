"""Gates: was a generator, was a classifier trained for long enough that a verdict may rest on it?

Their limits are fixed before a full run and stored with it. A gate that is missed gives the verdict *not judged*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

LIMITS = {"fd_ratio": 3.0, "fd_moved": 0.1, "accuracy_moved": 0.005}
"""fd_lenet over its floor between two real samples; by which share it may still move over the last third of the steps;
by how much, as a share of the images, validation accuracy may still move over the last third of the updates."""


def generator_gate(
    steps: Sequence[int],
    fd: Sequence[Sequence[float]],
    floor: float,
    accuracy: Sequence[Sequence[float]],
    at_least: float | None = None,
    limits: Mapping[str, float] = LIMITS,
) -> dict[str, Any]:
    """Whether the generators of several seeds are finished, from their curves against the steps of their training.

    steps: K, at which the others were measured. fd, accuracy: seeds × K, fd_lenet and conditional accuracy. floor: the
    fd_lenet of two samples of real images of the same size. at_least: the conditional accuracy that is asked for, where
    the paper gives one. What counts is the mean over seeds.
    """
    fd, accuracy = np.mean(fd, axis=0), np.mean(accuracy, axis=0)
    found = {
        "fd_ratio": float(fd[-1] / floor),
        "fd_moved": float(abs(fd[-1] / _at_two_thirds(steps, fd) - 1)),
    }
    checks = {name: _check(value, limits[name], value <= limits[name]) for name, value in found.items()}
    if at_least is not None:
        checks["conditional_accuracy"] = _check(float(accuracy[-1]), at_least, accuracy[-1] >= at_least)
    return {"passed": all(check["passed"] for check in checks.values()), "checks": checks}


def classifier_gate(
    updates: Sequence[int], accuracy: Sequence[Sequence[float]], limits: Mapping[str, float] = LIMITS
) -> dict[str, Any]:
    """Whether classifiers have converged: by how much the mean over seeds of their validation accuracy moved over the
    last third of the updates. updates: K; accuracy: seeds × K, shares."""
    mean = np.mean(accuracy, axis=0)
    moved = float(abs(mean[-1] - _at_two_thirds(updates, mean)))
    check = _check(moved, limits["accuracy_moved"], moved < limits["accuracy_moved"])
    return {"passed": check["passed"], "checks": {"accuracy_moved": check}}


def loss_gate(loss: Sequence[Sequence[float]], at_most: float) -> dict[str, Any]:
    """Whether classifiers have learned their training pictures: the mean over seeds of their last loss on those is not
    above the one that is asked for. loss: seeds × K."""
    found = float(np.mean([one[-1] for one in loss]))
    check = _check(found, at_most, found <= at_most)
    return {"passed": check["passed"], "checks": {"train_loss": check}}


def _check(found: float, limit: float, passed: bool) -> dict[str, Any]:
    return {"found": round(found, 5), "limit": limit, "passed": bool(passed)}


def _at_two_thirds(at: Sequence[int], values: np.ndarray) -> float:
    return float(np.interp(2 / 3 * at[-1], at, values))
