"""Files are written whole or not at all; where that cannot be, the message names the file and what to do."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from course_utils.core.errors import CourseError

FULL, CLOSED = "free some space there", "make its folder writable"
REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), FULL),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), CLOSED),
    **dict.fromkeys((errno.ENOTDIR, errno.EEXIST), "remove the file that lies where a folder is expected"),
}
"""What to do where the system refuses to write, by the number of its error."""

OTHER_FOLDER = "name another folder with --out (make: OUT=folder)"


class NotWritten(CourseError):
    """A file cannot be written; names it, why, and what to do."""


def write(path: Path, content: str | bytes, elsewhere: str = OTHER_FOLDER) -> None:
    """Write a file, and its folder: beside its name first, down to the disk, then moved onto it. Whatever ends the
    process, or the machine, leaves the old file or the new one.

    elsewhere: for the message, how to have it written to another folder. Raises NotWritten; the old file is as it was.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")  # another process may write the same file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())  # or a power cut leaves the new name with nothing in it
        os.replace(part, path)
    except OSError as error:
        raise NotWritten(refused(error, path, elsewhere)) from error
    finally:
        with suppress(OSError):
            part.unlink()


def refused(error: OSError, path: Path | str, elsewhere: str = OTHER_FOLDER, use: str = "written") -> str:
    """What to say of an error in writing `path`, or another `use` of it."""
    return f"{path} cannot be {use}: {error.strerror}; {REMEDIES.get(error.errno, FULL)}, or {elsewhere}"
