"""Where data comes from: a local folder, the cache, the official download, or an announced stand-in."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from course_utils.core import files
from course_utils.core.errors import DataError
from course_utils.data import idx, store
from course_utils.data.cards import CARDS, Card, File, card_of
from course_utils.data.download import Job, download
from course_utils.data.images import Images
from course_utils.data.store import Store

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("auto", "real", "standin")
REPLACE = "replace it by a good copy, or unset COURSE_DATA"  # what is wrong in $COURSE_DATA no download mends


@dataclass(frozen=True)
class Dataset:
    """A data set in memory.

    source: "local" (a folder in $COURSE_DATA), "cache", "download" or "standin". sha256: path of an IDX file → that of
    its uncompressed content; split of single pictures → that of their sorted `sha256sum` lines; split of a stand-in →
    its digest. why: why a stand-in stands in.
    """

    name: str
    title: str
    source: str
    sha256: dict[str, str]
    splits: dict[str, Images]
    why: str = ""

    def __getitem__(self, split: str) -> Images:
        """The pictures of one split. Raises DataError, listing the splits, if there is none of that name."""
        if split not in self.splits:
            raise DataError(f"{self.title} has no split {split!r}; it has {', '.join(self.splits)}")
        return self.splits[split]

    def announce(self) -> str:
        """What was loaded, from where, and how much of it; a stand-in says that it is one."""
        folder = card_of(self.name).folder
        pictures = "pictures: " + ", ".join(f"{split} {len(images):,}" for split, images in self.splits.items())
        if self.source == "standin":
            return (
                f"STAND-IN for {self.title}, not the real data ({self.why}); {pictures}. No scientific claim may rest "
                f"on it: get the real data with `course data fetch {self.name}`, or set COURSE_DATA to a folder that "
                f"holds {folder}/."
            )
        place = {
            "local": f"the local folder $COURSE_DATA/{folder}",
            "cache": f"the download kept in data/{folder}",
            "download": f"its official source, kept from now on in data/{folder}",
        }[self.source]
        return f"{self.title}, from {place}; {pictures}."


@dataclass(frozen=True)
class Checked:
    """What `verify` found of one file; state: "ok", "damaged" or "missing"."""

    path: Path
    state: str
    detail: str = ""


def load(name: str, source: str = "auto", *, scale: float = 1.0) -> Dataset:
    """A data set, from $COURSE_DATA, else the cache, else its official source, else the stand-in.

    source: "auto"; "real", which never falls back to the stand-in; or "standin". scale: size of a stand-in, relative
    to its standard size. Pictures are upright, 1×28×28 or 3×256×256; all splits but train, extra and objects are
    sealed.

    Raises DataError for an unknown name or source, for a $COURSE_DATA that does not exist or holds a damaged copy (it
    is never silently replaced), and, with "real", if the data cannot be had.
    """
    card = card_of(name)
    if source not in SOURCES:
        raise DataError(f"unknown source {source!r}; known are {', '.join(SOURCES)}")
    if source == "standin":
        return _standin(card, scale, "as asked for")
    if folder := local_folder(card):
        try:
            return _real(card, folder, "local")
        except DataError as error:
            raise DataError(f"{error}; {REPLACE} and run `course data fetch {name}`") from None
    folder = cache_folder(card)
    if folder.is_dir():
        with contextlib.suppress(DataError):  # it is incomplete or damaged: to be mended by the download
            return _real(card, folder, "cache")
    try:
        _fetch(card)
        return _real(card, folder, "download")
    except DataError as error:
        if source == "auto":
            return _standin(card, scale, str(error))
        raise _advised(error, card) from None


def fetch(name: str) -> Path:
    """Download the official files of a data set into the cache, and return their folder; whole files are kept.

    A damaged file is moved aside, to `<file>.damaged`. Raises DataError if a file cannot be had.
    """
    card = card_of(name)
    try:
        _fetch(card)
    except DataError as error:
        raise _advised(error, card) from None
    return cache_folder(card)


def verify(name: str) -> list[Checked]:
    """The state of every file of a data set, in $COURSE_DATA and in the cache, wherever it lies; reads them all."""
    card = card_of(name)
    cache = cache_folder(card)
    places = [folder for folder in (local_folder(card), cache) if folder and folder.is_dir()]
    return [checked for folder in places or [cache] for checked in _verify(Store.at(card, folder))]


def table(names: Sequence[str] = ()) -> str:
    """One line a data set (all of them if none is named): name, title, where it would come from now, size, licence."""
    rows = [("name", "data set", "comes from", "size", "licence")]
    for card in [card_of(name) for name in names] or CARDS.values():
        local = local_folder(card)
        here = Store.at(card, local or cache_folder(card))
        if local or here.complete:
            size = f"{sum(path.stat().st_size for path in here.present) / 1e6:.0f} MB"
            rows.append((card.name, here.edition.title, "local" if local else "cache", size, card.licence))
        else:
            rows.append((card.name, card.title, "download, or stand-in", f"about {card.download_mb} MB", card.licence))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def cache_folder(card: Card) -> Path:
    """Where downloads of a set are kept: `data/<folder>` of the repository, or $COURSE_CACHE/<folder>."""
    return Path(os.environ.get("COURSE_CACHE") or ROOT / "data") / card.folder


def local_folder(card: Card) -> Path | None:
    """`$COURSE_DATA/<folder>`, or None where the variable is not set or its folder does not hold this set.

    A relative $COURSE_DATA is taken from the working directory or, failing that, from the repository, because a
    notebook's working directory is not that of `make`. Raises DataError if it does not exist.
    """
    value = os.environ.get("COURSE_DATA")
    if not value:
        return None
    for root in (Path(value).expanduser(), ROOT / value):
        if root.is_dir():
            return root / card.folder if (root / card.folder).is_dir() else None
    raise DataError(
        f"COURSE_DATA is {value!r}, which is no folder; set it to one that holds {card.folder}/, or unset it"
    )


def _real(card: Card, folder: Path, source: str) -> Dataset:
    here = Store.at(card, folder)
    splits, sha256 = here.splits()
    return Dataset(card.name, here.edition.title, source, sha256, _sealed(card, splits))


def _standin(card: Card, scale: float, why: str) -> Dataset:
    from course_utils.data import standins

    splits = standins.draw(card.name, scale=scale)
    if not card.idx:
        splits["objects"] = store.objects(splits, f"{card.name} stand-in objects", encoded=set())
    digests = {split: images.digest() for split, images in splits.items()}
    return Dataset(card.name, card.title, "standin", digests, _sealed(card, splits), why)


def _sealed(card: Card, splits: dict[str, Images]) -> dict[str, Images]:
    return {split: images if split in card.open_splits else images.seal() for split, images in splits.items()}


def _verify(here: Store) -> list[Checked]:
    results = []
    for file in here.edition.files:
        path = here.find(file)
        if path is None:
            results.append(Checked(here.folder / file.path, "missing"))
            continue
        try:
            _, sha256 = here.read(file, path)
            known = here.sha256(file) is not None
            results.append(Checked(path, "ok", f"sha256 {sha256}, {'as expected' if known else 'nowhere published'}"))
        except DataError as error:
            results.append(Checked(path, "damaged", str(error)))
    return results


# ---------------------------------------------------------------------- downloading


def _advised(error: DataError, card: Card) -> DataError:
    return DataError(f"{error}; try again later, or set COURSE_DATA to a folder that holds {card.folder}/")


def _fetch(card: Card) -> None:
    folder = cache_folder(card)
    official = Store.at(card, folder, card.editions[0])
    try:
        sums, todo = _take_stock(official)
        if todo and official.edition.archive:
            sums |= _from_archive(official)
        elif todo:
            sums |= _one_by_one(official, todo)
        _record(official, sums)
    except DataError as error:
        raise DataError(f"{card.title} cannot be downloaded: {error}") from None
    except OSError as error:
        remedy = files.REMEDIES.get(error.errno, files.FULL)
        raise DataError(
            f"{card.title} cannot be kept in {folder}: {error}; {remedy}, or set COURSE_CACHE to another folder"
        ) from None
    finally:
        _prune(folder)


def _prune(folder: Path) -> None:
    """Remove the folder and its subfolders where they are empty."""
    for path in (*sorted(folder.rglob("*/"), reverse=True), folder):
        with contextlib.suppress(OSError):
            path.rmdir()


def _take_stock(here: Store) -> tuple[dict[str, str], list[File]]:
    """sha256 of the files that are there and whole, and the files to fetch; damaged ones are moved aside."""
    sums, todo = {}, []
    for file in here.edition.files:
        path = here.find(file)
        if path:
            try:
                _, sums[file.path] = here.read(file, path)
                continue
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
    """Unpack one member to its place; the sha256 of its content."""
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
