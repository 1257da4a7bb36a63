"""Download the official files of a data set into a folder; whole files stay, damaged ones are moved aside."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import zipfile
import zlib
from pathlib import Path

from course_utils.core import files
from course_utils.core.errors import DataError
from course_utils.data import idx, store
from course_utils.data.cards import Card, File
from course_utils.data.download import Job, download
from course_utils.data.store import Store


def into(card: Card, folder: Path) -> None:
    """Download what the folder lacks of the set's first edition. Raises DataError; no empty folder is left."""
    official = Store.at(card, folder, card.editions[0])
    try:
        sums, todo = _take_stock(official)
        if todo and official.edition.archive:
            sums |= _from_archive(official)
        elif todo:
            sums |= _one_by_one(official, todo)
        _record(official, sums)
    except idx.Unreadable:
        raise
    except DataError as error:
        raise DataError(f"{card.title} cannot be downloaded: {error}") from None
    except OSError as error:
        remedy = "set COURSE_CACHE to another folder"
        raise DataError(f"{card.title}: {files.refused(error, folder, remedy, 'kept')}") from None
    finally:
        _prune(folder)


def _prune(folder: Path) -> None:
    """Remove the folder and its subfolders where they are empty."""
    for path in (*sorted(folder.rglob("*/"), reverse=True), folder):
        with contextlib.suppress(OSError):
            path.rmdir()


def _take_stock(here: Store) -> tuple[dict[str, str], list[File]]:
    """List the sha256 of the files that are there and whole, and the files to fetch; move damaged ones aside."""
    sums, todo = {}, []
    for file in here.edition.files:
        path = here.find(file)
        if path:
            try:
                _, sums[file.path] = here.read(file, path)
                continue
            except idx.Unreadable:  # it may be whole
                raise
            except DataError:
                with contextlib.suppress(FileNotFoundError):  # another process has done it
                    os.replace(path, path.with_name(f"{path.name}.damaged"))
        todo.append(file)
    return sums, todo


def _one_by_one(here: Store, todo: list[File]) -> dict[str, str]:
    sums = {}

    def job(file: File) -> Job:
        def check(path: Path, url: str) -> None:
            _, sums[file.path] = here.read(file, path, url)

        suffix = ".gz" if file.urls[0].endswith(".gz") else ""
        return Job(file.urls, here.folder / f"{file.path}{suffix}", check)

    download([job(file) for file in todo], here.card.title)
    return sums


def _from_archive(here: Store) -> dict[str, str]:
    archive = here.edition.archive
    target = here.folder / "archive.zip"
    sums = {}

    def check(path: Path, url: str) -> None:
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != archive.sha256:
            raise DataError(f"{url}: sha256 {found} found, {archive.sha256} expected")
        try:
            with zipfile.ZipFile(path) as members:
                for file in here.edition.files:  # only the members that are named, to places that we name
                    sums[file.path] = _member(here, file, members, archive.members[file.path])
        except _NOT_THAT_ARCHIVE as error:
            raise DataError(f"{url}: the archive does not hold what it should: {error}") from None

    try:
        download([Job(archive.urls, target, check)], here.card.title)
    finally:
        target.unlink(missing_ok=True)
    return sums


_NOT_THAT_ARCHIVE = (KeyError, EOFError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, RuntimeError)
"""What comes of an archive that lacks a member, is cut off, no zip, packed otherwise, damaged, or encrypted."""


def _member(here: Store, file: File, members: zipfile.ZipFile, member: str) -> str:
    """Unpack one member to its place, and return the sha256 of its content."""
    part = here.folder / f"{file.path}.{os.getpid()}.part"
    try:
        with members.open(member) as packed, gzip.open(packed) as content:
            part.write_bytes(content.read(idx.LIMIT + 1))  # `read` refuses more, and a bomb would fill the disk
        _, sha256 = here.read(file, part, member)
        os.replace(part, here.folder / file.path)
    finally:
        part.unlink(missing_ok=True)
    return sha256


def _record(here: Store, sums: dict[str, str]) -> None:
    """Write down what nobody publishes, so that later damage is found."""
    ours = {file.path: sums[file.path] for file in here.edition.files if file.sha256 is None}
    if ours:
        part = here.folder / f"{store.SUMS}.{os.getpid()}.part"
        part.write_text("".join(f"{sha256}  {path}\n" for path, sha256 in ours.items()))
        os.replace(part, here.folder / store.SUMS)
