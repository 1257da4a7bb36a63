"""Reads a lesson's results JSON: what is damaged or was written by somebody else is refused, by the file's name."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

from course_utils.core.errors import CourseError

SCHEMA = Path(__file__).with_name("results.schema.json")


def read(path: Path, *needed: str, renewal: str = "") -> dict[str, Any]:
    """Read the results in a file: an object that has the keys `needed` and follows results.schema.json, in which every
    number is finite.

    renewal: for the message, the command that writes the file anew; by default that which restores the committed one.
    Raises CourseError, which names the file and the key, where the file is damaged or is no such object.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse, parse_float=_finite)
        fault = _fault(found, needed)
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


def _fault(found: Any, needed: tuple[str, ...]) -> str | None:
    if isinstance(found, dict) and (missing := [key for key in needed if key not in found]):
        return f"{missing[0]} is missing"
    validator = _validator()
    if validator is None:
        return None if isinstance(found, dict) else "an object was expected"
    error = min(validator.iter_errors(found), key=lambda error: len(error.path), default=None)
    if error is None:
        return None
    value = repr(error.instance)
    return f"{'.'.join(map(str, error.path)) or 'the file'} is {value[:40]}, expected {error.schema['description']}"


@cache
def _validator() -> Any:
    try:
        from jsonschema import Draft202012Validator
    except ModuleNotFoundError:  # `run --kernel none` does without it: lessons read results that were checked before
        return None
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
