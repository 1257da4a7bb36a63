"""Files are written whole or not at all; where that cannot be, the message names the file and what to do."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

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
            _to_disk(file)  # or a power cut leaves the new name with nothing in it
        os.replace(part, path)
    except OSError as error:
        raise NotWritten(refused(error, path, elsewhere)) from error
    finally:
        with suppress(OSError):
            part.unlink()


def _to_disk(file: IO[bytes]) -> None:
    try:
        os.fsync(file.fileno())
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):  # FUSE, 9p and vboxsf may not know it
            raise


@contextmanager
def locked(path: Path, busy: str) -> Iterator[None]:
    """Hold a lock file while the block runs; whatever ends the process frees it.

    busy: for the message, what another process does while it holds the file; CourseError is raised then. Raises
    NotWritten where the folder takes no file. A file system without locks locks nothing.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        raise NotWritten(refused(error, path)) from error
    with file:
        if not _lock(file, path):
            raise CourseError(f"{busy}, by another process; wait for its end, or {OTHER_FOLDER}")
        try:
            yield
        finally:
            with suppress(OSError):
                path.unlink()


def _lock(file: IO[bytes], path: Path) -> bool:
    """Lock a file; False where another process holds it, or has just removed it."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            return True
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
    except OSError as error:
        return error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK)


def refused(error: OSError, path: Path | str, elsewhere: str = OTHER_FOLDER, use: str = "written") -> str:
    """Say what went wrong in writing `path`, or another `use` of it, and what to do."""
    return f"{path} cannot be {use}: {error.strerror}; {REMEDIES.get(error.errno, FULL)}, or {elsewhere}"
