"""Says on the terminal how far a run or a sweep is."""

from __future__ import annotations

import io
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

EVERY = 15.0
"""Seconds between two lines about one lesson or sweep where there is no terminal."""


def bar(total: int, unit: str, done: int = 0, **more: Any) -> tqdm:
    """Start a bar: on a terminal one line that is kept up to date, elsewhere a line now and then."""
    from tqdm import tqdm

    if sys.stdout.isatty():
        return tqdm(total=total, initial=done, unit=unit, file=sys.stdout, dynamic_ncols=True, **more)
    return tqdm(total=total, initial=done, unit=unit, file=_Lines(), mininterval=EVERY, ncols=100, ascii=True, **more)


class _Lines(io.TextIOBase):
    """A file for tqdm where there is no terminal: each state of the bar is a line."""

    def write(self, text: str) -> int:
        """Print the text, unless it only moves the cursor."""
        if line := text.strip():
            print(line, flush=True)
        return len(text)


class Progress:
    """Shows how far each running lesson is: a bar on a terminal with tqdm, elsewhere a line a lesson now and then.

    quiet: shows nothing, for a lesson that runs on another machine.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.at: dict[str, str] = {}  # lesson → where it is
        self.shown: dict[str, float] = {}  # lesson → when its last line was printed
        self.bar: tqdm | None = None

    def __enter__(self) -> Progress:
        if not self.quiet and sys.stdout.isatty():
            try:
                self.bar = bar(0, "cell", leave=False)
            except ModuleNotFoundError:  # `run --kernel none` does without tqdm
                self.bar = None
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def cell(self, slug: str, number: int, of: int) -> None:
        """Note that a lesson has reached code cell `number` of `of`."""
        new = slug not in self.at
        self.at[slug] = f"{slug}  cell {number} of {of}"
        if self.bar is not None:
            if new:
                self.bar.total += of
            self.bar.set_postfix_str(" · ".join(self.at.values()), refresh=False)
            self.bar.update()
        elif time.monotonic() - self.shown.get(slug, -EVERY) >= EVERY:
            self.shown[slug] = time.monotonic()
            self.say(self.at[slug])

    def done(self, slug: str) -> None:
        """Note that a lesson has ended, one way or another."""
        self.at.pop(slug, None)

    def say(self, line: str) -> None:
        """Print a line that stays, above the bar."""
        if self.bar is not None:
            self.bar.write(line, file=sys.stdout)
        elif not self.quiet:
            print(line, flush=True)
