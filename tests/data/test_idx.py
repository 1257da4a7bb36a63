"""The IDX reader: reads what is right, names what is wrong; tests/reliability/test_fuzz.py damages files at random."""

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays

from course_utils.core.errors import DataError
from course_utils.data import idx

pytestmark = pytest.mark.reliability("damaged inputs")


def packed(array: np.ndarray) -> bytes:
    """The content of the IDX file that holds a uint8 array."""
    return struct.pack(f">HBB{array.ndim}I", 0, idx.UINT8, array.ndim, *array.shape) + array.tobytes()


LABELS = packed(np.arange(10, dtype=np.uint8))


@given(arrays(np.uint8, array_shapes(min_dims=1, max_dims=3, max_side=9)))
def test_reads_what_the_format_describes(array):
    read = idx.parse(packed(array), "f")
    np.testing.assert_array_equal(read, array)
    assert read.dtype == np.uint8 and read.flags.writeable


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["unpacked", "gzip"])
def test_unpacks_by_content_not_by_name(tmp_path, pack):
    for name in ("labels", "labels.gz"):
        (tmp_path / name).write_bytes(pack(LABELS))
        assert idx.unpack(tmp_path / name) == LABELS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (LABELS[:-1], "promises 10 bytes, but 9 follow"),
        (LABELS + b"x", "promises 10 bytes, but 11 follow"),
        (b"", "is not an IDX file"),
        (b"\0\0\x08\x03\0\0", "cut off within its header"),
        (b"\0\0\x0d\x01\0\0\0\0", "type 0x0d"),
        (b"\0\0\x08\x04" + bytes(16), "4 dimensions"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "4294967295 × 4294967295 × 4294967295 bytes, but 0 follow"),
        (b"\0\0\x08\x03" + bytes(4) + b"\xff" * 8, "gives the sizes"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"\n<html>not found", "is a web page"),
        (b"PK\x03\x04zip", "is not an IDX file"),
    ],
)
def test_says_what_is_wrong(content, message):
    with pytest.raises(DataError, match=rf"^the\.file: .*{message}"):
        idx.parse(content, "the.file")


@pytest.mark.parametrize(
    ("content", "says"),
    [(gzip.compress(bytes(2**24)), "unpacks to more than 1 MiB"), (gzip.compress(LABELS)[:-9], "the file is cut off")],
    ids=["bomb", "cut off"],
)
def test_a_packed_file_that_is_a_bomb_or_cut_off_is_named(tmp_path, monkeypatch, content, says):
    monkeypatch.setattr(idx, "LIMIT", 2**20)
    (tmp_path / "file.gz").write_bytes(content)
    with pytest.raises(DataError, match=rf"file\.gz: {says}"):
        idx.unpack(tmp_path / "file.gz")
