"""IDX, the file format of MNIST: a big-endian header (type, number of dimensions, sizes), then the bytes themselves."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from course_utils.core.errors import DataError

LIMIT = 256 * 2**20  # bytes, unpacked; the largest official file (EMNIST Digits train) has 188 million
UINT8 = 0x08


class Unreadable(DataError):
    """This user may not read a file or folder."""

    def __init__(self, path: Path | str, error: OSError) -> None:
        super().__init__(
            f"{path} cannot be read: {error.strerror}; make it readable for you (chmod -R u+rX, or its owner)"
        )


def unpacked_size(path: Path) -> int:
    """Look up the size of a file's uncompressed content in bytes: a gzip stream ends with it."""
    with open(path, "rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        size = raw.seek(0, 2)
        if not packed:
            return size
        raw.seek(max(0, size - 4))
        return int.from_bytes(raw.read(), "little")


def unpack(path: Path, name: str | None = None) -> bytes:
    """Read the uncompressed content of a file, gzip-compressed or not (its first bytes tell, not its name).

    Raises DataError, naming the file (or `name`), if it cannot be read, its gzip stream is damaged or ends early, or
    the content is larger than LIMIT bytes.
    """
    name = name or str(path)
    try:
        with open(path, "rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            content = (gzip.GzipFile(fileobj=raw) if packed else raw).read(LIMIT + 1)
    except EOFError:
        raise DataError(f"{name}: the file is cut off, its gzip stream ends early") from None
    except PermissionError as error:
        raise Unreadable(name, error) from None
    except (OSError, zlib.error) as error:  # gzip.BadGzipFile is an OSError
        raise DataError(f"{name}: cannot be read: {error}") from None
    if len(content) > LIMIT:
        raise DataError(f"{name}: unpacks to more than {LIMIT // 2**20} MiB, which no file of this course does")
    return content


def parse(content: bytes, name: str) -> np.ndarray:
    """Parse an IDX file into its array: uint8, 1 to 3 dimensions (N labels, or N × H × W pictures), writable.

    Raises DataError, beginning with `name`, if magic number, type, sizes and number of bytes do not fit together.
    """
    if content[:64].lstrip()[:1] == b"<":
        raise DataError(f"{name}: is a web page, not an IDX file (it begins with {content[:15]!r})")
    if len(content) < 4 or content[:2] != b"\0\0":
        raise DataError(f"{name}: is not an IDX file, it begins with {content[:4]!r}")
    kind, ndim = content[2:4]
    if kind != UINT8 or not 1 <= ndim <= 3:
        raise DataError(f"{name}: holds type 0x{kind:02x} in {ndim} dimensions, expected bytes (0x08) in 1 to 3")
    start = 4 + 4 * ndim
    if len(content) < start:
        raise DataError(f"{name}: is cut off within its header, after {len(content)} bytes")
    shape = struct.unpack(f">{ndim}I", content[4:start])
    if len(content) - start != math.prod(shape):
        promised = " × ".join(map(str, shape))
        raise DataError(f"{name}: its header promises {promised} bytes, but {len(content) - start:,} follow")
    if max(shape) > LIMIT:  # beside a size of 0, others may be beyond what an array can have
        raise DataError(f"{name}: its header gives the sizes {shape}, and {LIMIT} is the largest of any file")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()
