"""The table of a sweep, sweep.csv: tidy, a row a task and measure; sweep.json beside it says what its codes stand for.

Both are written beside and renamed after each finished task, so that whatever ends a sweep leaves them whole.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from pathlib import Path
from typing import Any

from course_tools.run.lessons import literal
from course_tools.sweep.task import Answer, Row, Task
from course_utils.core import files
from course_utils.core.errors import CourseError

FIRST, LAST = ("lesson", "profile"), ("seconds", "device", "data_source", "data", "code", "task")
MIDDLE = ("seed", "arm", "test_set", "metric", "value")


class Table:
    """Holds what earlier calls found and what this one adds. Raises CourseError where the file is no such table."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "sweep.csv"
        self.rows: dict[str, list[Row]] = {}  # task → its rows
        self.about: dict[str, Any] = {"code": {}, "data": {}}
        if not self.path.exists():
            return
        try:
            self.about |= json.loads(self.path.with_suffix(".json").read_text("utf-8"))
            for meaning in (self.about["code"], self.about["data"]):
                if not isinstance(meaning, dict) or not all(isinstance(value, dict) for value in meaning.values()):
                    raise ValueError("sweep.json does not say what codes stand for")
            with self.path.open(encoding="utf-8", newline="") as file:
                for row in csv.DictReader(file):
                    _check(row)
                    self.rows.setdefault(row["task"], []).append(row)
        except (OSError, ValueError, KeyError, TypeError, RecursionError, csv.Error) as error:
            raise CourseError(f"{self.path} cannot be read ({error!r}); move it away, or name another --out") from None

    def code_and_data(self, task: Task) -> tuple[str, dict[str, Any] | None] | None:
        """Tell with which code and data a task was computed; None where it was not."""
        if task.id not in self.rows:
            return None
        row = self.rows[task.id][0]
        return row["code"], self.about["data"].get(row["data"])

    def point(self, row: Row) -> dict[str, Any]:
        """Give the grid's values of a row that was read."""
        names = [name for name in row if name not in (*FIRST, *MIDDLE, *LAST)]
        return {name: literal(row[name]) for name in names if row[name]}

    def add(self, task: Task, answer: Answer, order: dict[str, int], provenance: dict[str, Any]) -> None:
        """Put a finished task in, in place of an older one of its id, and write. order: of tasks in the table."""
        data = answer.data or {"source": "", "sha256": {}}
        digest = hashlib.sha256(json.dumps(data["sha256"], sort_keys=True).encode()).hexdigest()[:12]
        common = {"lesson": task.lesson, "profile": task.profile, **task.grid, "seed": task.seed}
        known = {"seconds": answer.seconds, "device": answer.device, "data_source": data["source"]}
        known |= {"data": digest if answer.data else "", "code": task.code, "task": task.id}
        self.rows[task.id] = [{**common, **row, **known} for row in answer.rows]
        self.about["code"][task.code] = provenance
        if answer.data:
            self.about["data"][digest] = answer.data
        self.write(order)

    def write(self, order: dict[str, int]) -> None:
        """Write both files, first the one that explains the codes: one without meaning is worse than one too many."""
        rows = [row for task in sorted(self.rows, key=lambda task: order.get(task, -1)) for row in self.rows[task]]
        grid = [name for row in rows for name in row if name not in (*FIRST, *MIDDLE, *LAST)]
        used = {name for row in rows for name in row}
        columns = [name for name in (*FIRST, *dict.fromkeys(grid), *MIDDLE, *LAST) if name in used]
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        about = json.dumps(self.about, indent=1, ensure_ascii=False) + "\n"
        files.write(self.path.with_suffix(".json"), about)
        files.write(self.path, text.getvalue())


def _check(row: Row) -> None:
    """Raise ValueError or KeyError unless all columns are there, and numbers where they have to be."""
    if None in row or None in row.values():
        raise ValueError(f"a row has other columns than the first line: {', '.join(map(str, row.values()))[:80]}")
    for name in (*FIRST, "metric", *LAST):
        row[name]
    int(row["seed"]), float(row["value"])
    if not math.isfinite(float(row["seconds"])):
        raise ValueError(f"{row['seconds']} seconds")
