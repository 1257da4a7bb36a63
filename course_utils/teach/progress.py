"""Record what a learner has done: predictions, exercises, quizzes and games, in one local JSON file.

The file is `$COURSE_HOME/progress.json`, else `.course/progress.json` in the repository:
{lesson: {"predictions" | "exercises" | "quiz" | "games": {key: {..., "when": ISO time}}}}. Headless runs write
only where a `COURSE_HOME` is named, never to a learner's own file.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import os
import threading
import tomllib
import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

from course_utils.core import files
from course_utils.core.errors import CourseError
from course_utils.core.profiles import ROOT, folder
from course_utils.teach import show

KINDS = ("predictions", "exercises", "quiz", "games")
ELSEWHERE = "set COURSE_HOME to another folder"
GAME = "real-or-fake"  # the key of a game that is given none
_writing = threading.Lock()  # the page's thread records clicks while a cell may record a check


def home() -> Path:
    """Give the folder of the learner's own files."""
    return folder("COURSE_HOME") or ROOT / ".course"


def record(lesson: str, kind: str, key: str, entry: dict[str, Any]) -> None:
    """Call `write`, and warn instead of raising where the file cannot be written, so that the cell goes on."""
    try:
        write(lesson, kind, key, entry)
    except files.NotWritten as error:  # other errors get through
        warnings.warn(f"{error}; what you have just done is not recorded", stacklevel=2)


def write(lesson: str, kind: str, key: str, entry: dict[str, Any]) -> None:
    """Store `entry` (JSON values) for one thing done, with the time; not in a headless run without `COURSE_HOME`.

    Raises NotWritten where the file cannot be written; what was recorded stays.
    """
    if kind not in KINDS:
        raise CourseError(f"progress of kind {kind!r} is unknown; it is one of {', '.join(KINDS)}")
    if not _has_learner():
        return
    when = datetime.now().astimezone().isoformat(timespec="seconds")
    with _writing:
        done = read()
        done.setdefault(lesson, {}).setdefault(kind, {})[key] = {**entry, "when": when}
        files.write(home() / "progress.json", _json(done), ELSEWHERE)


def read() -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    """Read the whole record, {} if there is none; a damaged file is moved aside with a warning."""
    path = home() / "progress.json"
    if not path.exists():
        return {}
    try:
        done = json.loads(path.read_text(encoding="utf-8"))
        if not all(set(kinds) <= set(KINDS) for kinds in done.values()):
            raise ValueError("unknown kinds")
    except (ValueError, AttributeError, TypeError):
        aside = path.with_name(f"progress.damaged-{datetime.now():%Y%m%d-%H%M%S-%f}.json")
        os.replace(path, aside)
        warnings.warn(f"{path} was damaged; it is kept as {aside.name} and progress starts anew", stacklevel=2)
        return {}
    return done


def entry(lesson: str, kind: str, key: str) -> dict[str, Any]:
    """Read the record of one thing, {} if there is none; always {} in a headless run without `COURSE_HOME`."""
    return read().get(lesson, {}).get(kind, {}).get(key, {}) if _has_learner() else {}


def asked(lesson: str) -> dict[str, list[str]]:
    """List the keys of all that a lesson asks, by kind, from its lesson.py and quiz.toml."""
    folder = ROOT / "lessons" / lesson
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for node in ast.walk(ast.parse((folder / "lesson.py").read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id="predict"), args=[_, ast.Constant(value=key), *_]):
                found["predictions"].append(key)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="exercises"), attr=key)):
                found["exercises"].append(key)
            case ast.Call(func=ast.Name(id="real_or_fake"), keywords=named):
                keys = [word.value.value for word in named if word.arg == "key"]
                found["games"].append(*keys or [GAME])
    if (quiz := folder / "quiz.toml").is_file():
        found["quiz"] = [question["key"] for question in tomllib.loads(quiz.read_text(encoding="utf-8"))["question"]]
    return found


def is_done(kind: str, entry: dict[str, Any]) -> bool:
    """Does this entry of the record mean *done*? A prediction counts once it is made, right or wrong."""
    match kind:
        case "predictions":
            return "answer" in entry
        case "exercises":
            return entry.get("outcome") == "correct"
        case "quiz":
            return bool(entry.get("right"))
        case _:
            return len(entry.get("choices", ())) == entry.get("of")


def still_open(lesson: str) -> dict[str, list[str]]:
    """List the keys that a lesson asks and that are not done yet, by kind."""
    return {
        kind: [key for key in keys if not is_done(kind, entry(lesson, kind, key))]
        for kind, keys in asked(lesson).items()
    }


def export(path: str | Path) -> Path:
    """Write a copy of the record, to hand in, and return its path.

    A path that ends in .csv gets a table with a line a thing done: lesson, kind, key, done (1 or 0), when, and what
    else is recorded, as JSON. Any other path gets the record itself, as JSON.
    """
    path = Path(path)
    files.write(path, _table(read()) if path.suffix == ".csv" else _json(read()), "give another path")
    return path


def reset() -> Path | None:
    """Clear the record. Returns the file that holds the old one, None if there was none."""
    path = home() / "progress.json"
    if not read():
        return None
    aside = path.with_name(f"progress.until-{datetime.now():%Y%m%d-%H%M%S-%f}.json")
    files.write(aside, path.read_bytes(), ELSEWHERE)
    path.unlink()
    return aside


def _has_learner() -> bool:
    """Is there a learner to record? A headless run has none, unless it names a `COURSE_HOME`."""
    return show.interactive() or bool(os.environ.get("COURSE_HOME"))


def _json(done: dict[str, Any]) -> str:
    return json.dumps(done, indent=1, ensure_ascii=False) + "\n"


def _table(done: dict[str, Any]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["lesson", "kind", "key", "done", "when", "more"])
    for lesson, kinds in done.items():
        for kind, entries in kinds.items():
            for key, known in entries.items():
                more = {name: value for name, value in known.items() if name != "when"}
                line = [lesson, kind, key, int(is_done(kind, known)), known.get("when", "")]
                rows.writerow([*line, json.dumps(more, ensure_ascii=False)])
    return text.getvalue()
