"""Load a data set: from a local folder, the cache, its official source, or else a sample or stand-in that says so."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from course_utils.core.errors import DataError
from course_utils.data import fetching, sample, store
from course_utils.data.cards import CARDS, Card, File, card_of
from course_utils.data.idx import Unreadable
from course_utils.data.images import Images
from course_utils.data.store import Store

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("auto", "real", "standin")
REPLACE = "replace it by a good copy, or unset COURSE_DATA"  # what is wrong in $COURSE_DATA no download mends


@dataclass(frozen=True)
class Dataset:
    """A data set in memory.

    source: "local" (a folder in $COURSE_DATA), "cache", "download", "sample" (a small part of the real data) or
    "standin" (drawn). sha256: path of an IDX file → that of its uncompressed content; split of single pictures → that
    of their sorted `sha256sum` lines; split of a sample or stand-in → its digest. why: why these took its place.
    """

    name: str
    title: str
    source: str
    sha256: dict[str, str]
    splits: dict[str, Images]
    why: str = ""

    def __getitem__(self, split: str) -> Images:
        """Look up the pictures of one split. Raises DataError, listing the splits, if there is none of that name."""
        if split not in self.splits:
            raise DataError(f"{self.title} has no split {split!r}; it has {', '.join(self.splits)}")
        return self.splits[split]

    def announce(self) -> str:
        """Say what was loaded, from where, and how much of it; a sample and a stand-in say that they are one."""
        folder = card_of(self.name).folder
        pictures = "pictures: " + ", ".join(f"{split} {len(images):,}" for split, images in self.splits.items())
        if self.source in ("sample", "standin"):
            what = {
                "sample": f"A SAMPLE of {self.title}: real pictures, but not the whole data set",
                "standin": f"STAND-IN for {self.title}, not the real data",
            }[self.source]
            return (
                f"{what} ({self.why}); {pictures}. No scientific claim may rest on it: get the whole real data with "
                f"`course data fetch {self.name}`, or set COURSE_DATA to a folder that holds {folder}/."
            )
        place = {
            "local": f"the local folder $COURSE_DATA/{folder}",
            "cache": f"the download kept in data/{folder}",
            "download": f"its official source, kept from now on in data/{folder}",
        }[self.source]
        return f"{self.title}, from {place}; {pictures}."


@dataclass(frozen=True)
class Checked:
    """What `verify` found of one file; state: "ok", "damaged", "unreadable" or "missing"."""

    path: Path
    state: str
    detail: str = ""


@dataclass(frozen=True)
class Place:
    """Where a data set would come from now.

    source: "local", "cache" or "download". size: of what is there, or to be fetched. lacking: the files that are
    missing there, or are not of the right size. substitute: what takes the set's place without a network.
    """

    title: str
    source: str
    size: str
    lacking: tuple[Path, ...]
    substitute: str


def load(name: str, source: str = "auto", *, scale: float = 1.0) -> Dataset:
    """Load a data set from $COURSE_DATA, else the cache, else its official source, else the package's own pictures.

    source: "auto"; "real", which never falls back; or "standin", the package's own: a sample of the real data where
    its licence allows it, else a drawn stand-in. scale: the share of these to take. Pictures are upright, 1×28×28 or
    3×256×256; all splits but train, extra and objects are sealed.

    Raises DataError for an unknown name or source, for a $COURSE_DATA that does not exist or holds a damaged copy (it
    is never silently replaced), and, with "real", if the data cannot be had.
    """
    card = card_of(name)
    if source not in SOURCES:
        raise DataError(f"unknown source {source!r}; known are {', '.join(SOURCES)}")
    if source == "standin":
        return _substitute(card, scale, "as asked for")
    if folder := local_folder(card):
        try:
            return _real(card, folder, "local")
        except Unreadable:
            raise
        except DataError as error:
            raise DataError(f"{error}; {REPLACE} and run `course data fetch {name}`") from None
    folder = cache_folder(card)
    if folder.is_dir():
        with contextlib.suppress(DataError):  # it is incomplete or damaged: to be mended by the download
            return _real(card, folder, "cache")
    try:
        fetching.into(card, folder)
        return _real(card, folder, "download")
    except DataError as error:
        if source == "auto":
            return _substitute(card, scale, str(error))
        raise _with_advice(error, card) from None


def fetch(name: str) -> Path:
    """Download the official files of a data set into the cache, and return their folder; whole files are kept.

    A damaged file is moved aside, to `<file>.damaged`. Raises DataError if a file cannot be had.
    """
    card = card_of(name)
    folder = cache_folder(card)
    try:
        fetching.into(card, folder)
    except DataError as error:
        raise _with_advice(error, card) from None
    return folder


def verify(name: str) -> list[Checked]:
    """Read and check every file of a data set, in $COURSE_DATA and in the cache, wherever it lies."""
    card = card_of(name)
    cache = cache_folder(card)
    places = [folder for folder in (local_folder(card), cache) if folder and folder.is_dir()]
    stores = [Store.at(card, folder) for folder in places or [cache]]
    return [_verify(here, file) for here in stores for file in here.edition.files]


def place(name: str) -> Place:
    """Find where a data set would come from now, without reading its files."""
    card = card_of(name)
    local = local_folder(card)
    here = Store.at(card, local or cache_folder(card))
    lacking = tuple(here.folder / file.path for file in here.lacking)
    substitute = "sample" if name in sample.NAMES else "stand-in"
    if lacking and not local:
        return Place(card.title, "download", f"about {card.download_mb} MB", lacking, substitute)
    size = sum(path.stat().st_size for path in here.present) / 1e6
    words = f"{size:.0f} MB" if size >= 1 else "under 1 MB"
    return Place(here.edition.title, "local" if local else "cache", words, lacking, substitute)


def table(names: Sequence[str] = ()) -> str:
    """Describe each data set (all of them if none is named) in one line: where it would come from, size, licence."""
    rows = [("name", "data set", "comes from", "size", "licence")]
    for card in [card_of(name) for name in names] or CARDS.values():
        found = place(card.name)
        source = f"download, or {found.substitute}" if found.source == "download" else found.source
        if found.source == "local" and found.lacking:
            source = f"local, but {len(found.lacking)} files missing or incomplete, such as {found.lacking[0]}"
        rows.append((card.name, found.title, source, found.size, card.licence))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def cache_folder(card: Card) -> Path:
    """Name the folder where downloads of a set are kept: data/ of the repository, or $COURSE_CACHE, and its name."""
    return (_named("COURSE_CACHE") or ROOT / "data") / card.folder


def local_folder(card: Card) -> Path | None:
    """Find the set's folder in $COURSE_DATA, in our layout or torchvision's; None without the variable or the folder.

    A relative $COURSE_DATA is taken from the working directory or, failing that, from the repository, because a
    notebook's working directory is not that of `make`. Raises DataError if it does not exist or may not be read.
    """
    named = _named("COURSE_DATA")
    if not named:
        return None
    layouts = [card.folder, f"{card.torchvision}/raw"] if card.torchvision else [card.folder]
    for root in (named, ROOT / named):
        try:
            if root.is_dir():
                folders = [root / layout for layout in layouts if (root / layout).is_dir()]
                return max(folders, key=lambda folder: len(Store.at(card, folder).present), default=None)
        except PermissionError as error:
            raise Unreadable(root, error) from None
    raise DataError(
        f"COURSE_DATA is {str(named)!r}, which is no folder; set it to one that holds {card.folder}/, or unset it"
    )


def _named(variable: str) -> Path | None:
    """Read a folder's path from a variable of the environment; `~` is the home folder."""
    value = os.environ.get(variable)
    try:
        return Path(value).expanduser() if value else None
    except RuntimeError as error:
        raise DataError(f"{variable} is {value!r}: {error}; write the path without ~") from None


def _real(card: Card, folder: Path, source: str) -> Dataset:
    here = Store.at(card, folder)
    splits, sha256 = here.splits()
    return Dataset(card.name, here.edition.title, source, sha256, _sealed(card, splits))


def _substitute(card: Card, scale: float, why: str) -> Dataset:
    """Take the sample of a set or, where the package has none, its stand-in."""
    if card.name in sample.NAMES:
        source, splits = "sample", sample.read(card.name, card.classes, scale)
    else:
        from course_utils.data import standins  # SciPy takes a while to import

        source, splits = "standin", standins.draw(card.name, scale)
    if not card.idx:
        splits["objects"] = store.objects(splits, f"{card.name} stand-in objects", encoded=set())
    digests = {split: images.digest() for split, images in splits.items()}
    return Dataset(card.name, card.title, source, digests, _sealed(card, splits), why)


def _sealed(card: Card, splits: dict[str, Images]) -> dict[str, Images]:
    return {split: images if split in card.open_splits else images.seal() for split, images in splits.items()}


def _verify(here: Store, file: File) -> Checked:
    path = here.find(file)
    if path is None:
        return Checked(here.folder / file.path, "missing")
    try:
        _, sha256 = here.read(file, path)
    except Unreadable as error:
        return Checked(path, "unreadable", str(error))
    except DataError as error:
        return Checked(path, "damaged", str(error))
    return Checked(path, "ok", f"sha256 {sha256}, {'as expected' if here.sha256(file) else 'nowhere published'}")


def _with_advice(error: DataError, card: Card) -> DataError:
    if isinstance(error, Unreadable):
        return error
    return DataError(f"{error}; try again later, or set COURSE_DATA to a folder that holds {card.folder}/")
