"""Standard output and error that no character and no reader ends a command with."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys

ERRORS = "course-plain"
PLAIN = str.maketrans(
    {"−": "-", "–": "-", "—": "-", "…": "...", "·": "-", "×": "x", "→": "->", "≥": ">=", "≤": "<=", "’": "'"}
    | {"✔": "+", "▲": "!", "✘": "x"}
)
"""What stands for a sign that an encoding lacks, so that −7 stays below zero."""


def _plain(error: UnicodeError) -> tuple[str, int]:
    text = error.object[error.start : error.end].translate(PLAIN)
    return "".join(sign if sign.isascii() else "?" for sign in text), error.end


codecs.register_error(ERRORS, _plain)


class _Raw(io.FileIO):
    """A file descriptor; what it cannot take any more, as when the reader of a pipe has closed it, is dropped."""

    failed: OSError | None = None

    def write(self, data: bytes) -> int | None:
        try:
            return super().write(data)
        except OSError as error:
            self.failed = error
            return len(data)


def prepare() -> None:
    """Set up standard output and error at a command's start: signs that the encoding lacks are replaced, and a reader
    that closes the pipe, as `head` does, ends no work.

    Streams that something else has put in their place, as a notebook or a test does, are left alone.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the shell, >&-
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 for as long as the process
        elif stream is getattr(sys, f"__{name}__"):
            stream.reconfigure(errors=ERRORS)
            if not stream.isatty():
                raw = _Raw(stream.fileno(), "w", closefd=False)
                more = {"line_buffering": stream.line_buffering, "write_through": stream.write_through}
                wrapped = io.TextIOWrapper(io.BufferedWriter(raw), stream.encoding, ERRORS, **more)
                setattr(sys, name, wrapped)


def lost() -> OSError | None:
    """Write out what is buffered; return the error by which standard output lost something, None if only its reader
    went away."""
    sys.stdout.flush()
    error = getattr(getattr(getattr(sys.stdout, "buffer", None), "raw", None), "failed", None)
    return None if error is None or error.errno in (errno.EPIPE, errno.EINVAL) else error
