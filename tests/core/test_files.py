"""A file is written whole or not at all."""

import errno
import os

import pytest

from course_utils.core import files
from course_utils.core.errors import CourseError

pytestmark = pytest.mark.reliability("faults")


@pytest.mark.parametrize(("content", "bytes_"), [("Zürich\n", "Zürich\n".encode()), (b"\x00\xff", b"\x00\xff")])
def test_texts_and_bytes_are_written_as_they_are_into_a_new_folder(tmp_path, content, bytes_):
    path = tmp_path / "new" / "folder" / "file"
    files.write(path, "an earlier one, which is longer")
    files.write(path, content)
    assert path.read_bytes() == bytes_ and list(path.parent.iterdir()) == [path]


def test_a_file_gets_its_name_once_its_content_is_on_the_disk(tmp_path, monkeypatch):
    done, path = [], tmp_path / "file"
    sync, rename = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (done.append(os.fstat(file).st_size), sync(file)))
    monkeypatch.setattr(os, "replace", lambda *names: (done.append(names[1]), rename(*names)))
    files.write(path, "1234567")
    assert done == [7, path] and path.read_text() == "1234567"


@pytest.mark.parametrize("moment", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("error", "told"), [(KeyboardInterrupt(), KeyboardInterrupt), (OSError(errno.ENOSPC, "full"), files.NotWritten)]
)
def test_what_ends_it_leaves_the_earlier_file(tmp_path, monkeypatch, moment, error, told):
    def end(*_):
        raise error

    files.write(tmp_path / "file", "old")
    monkeypatch.setattr(os, moment, end)
    with pytest.raises(told):
        files.write(tmp_path / "file", "new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "old")]


def test_an_error_names_the_file_and_what_to_do(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(files.NotWritten, match=r"in it cannot be written: .*remove the file .*, or give another path$"):
        files.write(tmp_path / "file" / "in it", "x", "give another path")


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_without_fsync_takes_the_file_all_the_same(tmp_path, monkeypatch, number):
    def refuse(file):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    files.write(tmp_path / "file", "new")
    assert (tmp_path / "file").read_text() == "new"


def test_a_lock_is_held_by_one_and_leaves_nothing(tmp_path):
    path = tmp_path / "new" / ".lock"
    with files.locked(path, "busy"), pytest.raises(CourseError, match="busy, by another process"):
        files.locked(path, "busy").__enter__()
    assert not path.exists()
    with files.locked(path, "busy"):
        assert path.exists()
