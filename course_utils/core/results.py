"""A lesson's results JSON, read: what is damaged or was written by somebody else is refused, by the file's name."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from course_utils.core.errors import CourseError

KINDS = {
    **dict.fromkeys(("lesson", "title", "profile", "verdict", "device"), (str, "a text")),
    **dict.fromkeys(("data", "versions", "settings", "figure", "run", "arms", "differences"), (dict, "an object")),
    **dict.fromkeys(("seeds",), (list, "a list")),
    **dict.fromkeys(("wall_s",), (int | float, "a number")),
}
"""What the values of known keys have to be, and how to say it."""


def read(path: Path, *needed: str, renewal: str = "") -> dict[str, Any]:
    """The results in a file; what is there of the keys of `KINDS`, and of `arms` and `differences` below, has the right
    type, and every number is finite.

    renewal: for the message, the command that writes the file anew; else that which brings the committed one back.
    Raises CourseError where the file is damaged, or lacks a key that is `needed`.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse, parse_float=_finite)
        fault = next(_faults(found, needed), None)
    except OSError as error:
        fault = str(error)
    except (ValueError, RecursionError) as error:  # a file of brackets alone goes too deep
        fault = f"it is not JSON: {error}"
    if fault:
        renewal = renewal or f"git checkout -- {path}"
        raise CourseError(f"{path}: is damaged, or holds no results ({fault}); get it anew with: {renewal}")
    return found


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    return value if math.isfinite(value := float(text)) else _refuse(text)


def _faults(found: Any, needed: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(found, dict):
        yield f"an object was expected, not {_short(found)}"
        return
    yield from (f"{key} is missing" for key in needed if key not in found)
    for key, (kind, said) in KINDS.items():
        if key in found and (not isinstance(found[key], kind) or isinstance(found[key], bool)):
            yield f"{key} is {_short(found[key])}, expected {said}"
    if not all(type(seed) is int for seed in _listed(found.get("seeds"))):
        yield f"seeds are {_short(found['seeds'])}, expected whole numbers"
    if isinstance(data := found.get("data"), dict) and not isinstance(data.get("sha256", {}), dict):
        yield f"data.sha256 is {_short(data['sha256'])}, expected an object"
    for key in ("arms", "differences"):
        yield from _table(found.get(key, {}), key, 3)


def _table(found: Any, place: str, depth: int) -> Iterator[str]:
    """What is wrong with objects nested `depth` deep, in which there are estimates."""
    if not isinstance(found, dict):
        yield f"{place} is {_short(found)}, expected an object"
    elif depth:
        for key, value in found.items():
            yield from _table(value, f"{place}.{key}", depth - 1)
    else:
        values, interval, mean = (found.get(key) for key in ("values", "ci95", "mean"))
        if not isinstance(values, list) or not values:
            yield f"{place} has no list of values, one a seed"
        elif interval is not None and not (isinstance(interval, list) and len(interval) == 2):
            yield f"{place}.ci95 is {_short(interval)}, expected two numbers"
        elif not all(isinstance(n, int | float) for n in (*values, *(n for n in (*_listed(interval), mean) if n))):
            yield f"{place} holds what is no number"


def _listed(value: Any) -> list:
    return value if isinstance(value, list) else []


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
