"""Read the tables beside a lesson's source, settings.toml, paper.toml and ledger.toml, and validate them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from course_utils.core.errors import CourseError

SCHEMAS = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
"""Name of a file → the JSON schema of what stands in it."""


def read(path: Path) -> dict[str, Any]:
    """Read a table; {} where there is no such file. Raises CourseError where it is not what its schema says."""
    if not path.is_file():
        return {}
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CourseError(f"{path.name} of {path.parent.name} is no TOML: {error}") from None
    if fault := best_match(Draft202012Validator(SCHEMAS[path.name]).iter_errors(found)):
        raise CourseError(f"{path.name} of {path.parent.name}, {fault.json_path}: {fault.message}")
    return found
