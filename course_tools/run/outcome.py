"""What a run of a lesson came to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from course_tools.run import failure

MISTAKE = re.compile(
    r"(?:course_utils[\w.]*\.)?(?:(?:Course|Data|Sealed|Checkpoint)Error|NotWritten|TrainingFailed): (.*)"
)
"""The last line of a traceback that ended in a CourseError; IPython leaves the module's name out."""


@dataclass(frozen=True)
class Outcome:
    """What one run of a lesson came to: its results, or the error (plain text) and its kind, see `failure`.

    found: nothing was run, because an earlier run was finished, in `wall_s` seconds.
    """

    slug: str
    wall_s: float
    results: dict[str, Any] | None
    error: str | None
    kind: str = failure.CELL
    found: bool = False

    @property
    def mistake(self) -> str | None:
        """Give the message of the CourseError that ended the lesson, which the user can mend; None without one."""
        last = (self.error or "").strip().splitlines()[-1:]
        found = MISTAKE.fullmatch(last[0]) if last else None
        return found[1] if found else None

    @property
    def line(self) -> str:
        """Give slug, state, time, data source, and the verdict or the error's last line, for the terminal."""
        state = f"failed, {self.kind}" if self.error else "found, it ran earlier" if self.found else "ok"
        message = self.error.strip().splitlines()[-1] if self.error else str(self.results.get("verdict", ""))
        source = f"data: {data_source(self.results)}" if self.results else ""
        return "  ".join(filter(None, (self.slug, state, duration(self.wall_s), source, self.mistake or message)))


def duration(seconds: float) -> str:
    """Write seconds as `48 s`, `4 min 12 s` or `2 h 05 min`."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours} h {m:02} min" if hours else f"{m} min {s:02} s" if m else f"{s} s"


def data_source(results: dict[str, Any]) -> str:
    """Tell the `Dataset.source` of a lesson's data; `unknown` if its results do not say."""
    return str((results.get("data") or {}).get("source", "unknown"))
