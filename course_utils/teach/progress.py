"""What a learner has done, lesson by lesson: predictions, exercises, quizzes and games, in one local JSON file.

The file is `$COURSE_HOME/progress.json`, else `.course/progress.json` in the repository:
{lesson: {"predictions" | "exercises" | "quiz" | "games": {key: {..., "when": ISO time}}}}. Headless runs write
only where a `COURSE_HOME` is named, never to a learner's own file.
"""

from __future__ import annotations

import json
import os
import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

from course_utils.errors import CourseError
from course_utils.profiles import ROOT
from course_utils.teach import show

KINDS = ("predictions", "exercises", "quiz", "games")


def home() -> Path:
    """The folder of the learner's own files."""
    return Path(os.environ.get("COURSE_HOME") or ROOT / ".course")


def record(lesson: str, kind: str, key: str, entry: dict[str, Any]) -> None:
    """Set `entry` (JSON values) for one thing done, with the time; headless without `COURSE_HOME` nothing."""
    if kind not in KINDS:
        raise CourseError(f"progress of kind {kind!r} is unknown; it is one of {', '.join(KINDS)}")
    if not (show.interactive() or os.environ.get("COURSE_HOME")):
        return
    done = read()
    when = datetime.now().astimezone().isoformat(timespec="seconds")
    done.setdefault(lesson, {}).setdefault(kind, {})[key] = {**entry, "when": when}
    _write(done, home() / "progress.json")


def read() -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    """All that is recorded, {} if nothing is; a damaged file is moved aside with a warning."""
    path = home() / "progress.json"
    if not path.exists():
        return {}
    try:
        done = json.loads(path.read_text(encoding="utf-8"))
        if not all(set(kinds) <= set(KINDS) for kinds in done.values()):
            raise ValueError("unknown kinds")
    except (ValueError, AttributeError, TypeError):
        aside = path.with_name(f"progress.damaged-{datetime.now():%Y%m%d-%H%M%S}.json")
        os.replace(path, aside)
        warnings.warn(f"{path} was damaged; it is kept as {aside.name} and progress starts anew", stacklevel=2)
        return {}
    return done


def entry(lesson: str, kind: str, key: str) -> dict[str, Any]:
    """What is recorded of one thing, {} if nothing is."""
    return read().get(lesson, {}).get(kind, {}).get(key, {})


def export(path: str | Path) -> Path:
    """A copy of the record, to hand in or keep; returns where it lies."""
    _write(read(), Path(path))
    return Path(path)


def reset(lesson: str | None = None) -> None:
    """Forget one lesson, or all of them."""
    done = read() if lesson else {}
    done.pop(lesson, None)
    _write(done, home() / "progress.json")


def _write(done: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")  # two kernels may write at once
    part.write_text(json.dumps(done, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(part, path)
