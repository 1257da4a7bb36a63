"""The IDX reader: reads what is right, and answers anything else with a DataError that names the file."""

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from course_utils.core.errors import DataError
from course_utils.data import idx

pytestmark = pytest.mark.reliability("damaged inputs")


def packed(array: np.ndarray) -> bytes:
    """The content of the IDX file that holds a uint8 array."""
    return struct.pack(f">HBB{array.ndim}I", 0, idx.UINT8, array.ndim, *array.shape) + array.tobytes()


LABELS = packed(np.arange(10, dtype=np.uint8))
uint8_arrays = arrays(np.uint8, array_shapes(min_dims=1, max_dims=3, max_side=9))


@given(uint8_arrays)
def test_reads_what_the_format_describes(array):
    read = idx.parse(packed(array), "f")
    np.testing.assert_array_equal(read, array)
    assert read.dtype == np.uint8 and read.flags.writeable


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["unpacked", "gzip"])
def test_unpacks_by_content_not_by_name(tmp_path, pack):
    for name in ("labels", "labels.gz"):
        (tmp_path / name).write_bytes(pack(LABELS))
        assert idx.unpack(tmp_path / name) == LABELS


@given(st.one_of(st.binary(max_size=64), st.builds(lambda tail: b"\0\0\x08" + tail, st.binary(max_size=40))))
def test_parse_survives_any_bytes(content):
    try:
        array = idx.parse(content, "some.file")
    except DataError as error:
        assert str(error).startswith("some.file: ") and "\n" not in str(error)
    else:
        assert packed(array) == content


@given(st.data())
def test_unpack_survives_any_damage(tmp_path_factory, data):
    good = gzip.compress(LABELS * 20)
    cut = data.draw(st.integers(0, len(good)))
    at = data.draw(st.integers(0, len(good) - 1))
    bad = bytearray(good)
    bad[at] ^= data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("idx") / "damaged.gz"
    path.write_bytes(bytes(bad[:cut]))
    try:
        idx.unpack(path)
    except DataError as error:
        assert str(path) in str(error) and "\n" not in str(error)


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


def test_refuses_a_gzip_bomb_without_unpacking_it(tmp_path, monkeypatch):
    monkeypatch.setattr(idx, "LIMIT", 2**20)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(2**24)))
    with pytest.raises(DataError, match=r"bomb\.gz: unpacks to more than 1 MiB"):
        idx.unpack(tmp_path / "bomb.gz")


def test_names_the_file_that_is_cut_off_or_missing(tmp_path):
    (tmp_path / "short.gz").write_bytes(gzip.compress(LABELS)[:-9])
    with pytest.raises(DataError, match=r"short\.gz: the file is cut off"):
        idx.unpack(tmp_path / "short.gz")
    with pytest.raises(DataError, match=r"nowhere: cannot be read"):
        idx.unpack(tmp_path / "nowhere")
