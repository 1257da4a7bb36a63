"""Load pictures of your own: a folder of class folders, a folder with a list of labels, an .npz, or IDX files.

What is read, and how it is brought to one shape, is said by `load`; `reading.square` keeps the whole picture.
"""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course_utils.core.errors import DataError
from course_utils.core.machine import GIB, cores, memory
from course_utils.data import idx, listing, reading
from course_utils.data.idx import Unreadable
from course_utils.data.images import Images
from course_utils.data.listing import PARTS, Entry, Listing

SIZES = range(28, 129)
MOST_BAD = 0.05  # the share of files that may be no whole picture
PART_OF_THE_MEMORY = 0.5  # that pictures may fill: the rest is for the audit, the training set and the networks
KINDS = "a folder of class folders, a folder with a list of labels, a MedMNIST-style .npz, or IDX files"
CHUNK = 64  # files that a thread reads at a time

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures of one's own in memory.

    all: those of train, val and test one after the other, sealed where a test set is among them. sizes: how many each
    part has. files: the name of each picture. shapes: width and height of each as it was, int64, N × 2. notes: what was
    changed or passed over → how often. bad: (file, reason) of what could not be read. group_names: what `all.groups`
    numbers.
    """

    all: Images
    sizes: dict[str, int]
    files: tuple[str, ...]
    shapes: Tensor
    notes: dict[str, int]
    bad: tuple[tuple[str, str], ...]
    group_names: tuple[str, ...] = ()

    @property
    def images(self) -> Images:
        """All pictures, or those of train/ where there are parts: what may be split and trained on."""
        return self.cut(self.all)["train"]

    @property
    def val(self) -> Images | None:
        """The pictures of val/, if there are any."""
        return self.cut(self.all).get("val")

    @property
    def test(self) -> Images | None:
        """The pictures of test/, sealed, if there are any."""
        return self.cut(self.all).get("test")

    def cut(self, images: Images) -> dict[str, Images]:
        """Cut pictures in the order of `files` into the parts that there are: train, val, test (sealed), as views."""
        parts, first = {}, 0
        for part, n in self.sizes.items():
            of = slice(first, first := first + n)
            groups = None if images.groups is None else images.groups[of]
            name = f"{images.name} {part}"
            parts[part] = Images(images.pixels[of], images.labels[of], images.classes, name, part == "test", groups)
        return parts


def load(
    path: Path | str,
    size: int = 32,
    *,
    labels: Path | str | None = None,
    groups: str | None = None,
    like: Images | None = None,
    on_progress: Progress | None = None,
) -> Pictures:
    """Load the pictures of a folder, an .npz or IDX files as squares of `size` (28 … 128) pixels.

    path: a folder of class folders, which may lie in train/, val/ and test/; an .npz with train_images and
    train_labels, perhaps val_… and test_… (MedMNIST); an IDX file of pictures beside its labels, or a folder of such.
    labels: a CSV file with the columns file, label and perhaps group, for a folder. groups: a regular expression that
    finds in a file's name whom or what a picture comes from, as '(patient\\d+)'. like: pictures whose size, channels
    and classes these must have. on_progress(done, of) is called while files are read.

    Files of any format that Pillow reads become upright, 8 bits, white where transparent, of several frames the first.
    The whole picture is kept, filled up to a square with the colour of its border. Where all are grey, one channel.
    Files that are no whole picture are left out, and listed. Order: part, class, name, in natural order (2 before 10);
    that of the CSV file, .npz or IDX. Raises DataError where 5 % or more are bad, or nothing can be read.
    """
    path = Path(path).expanduser()
    size = like.shape[1] if like is not None else size
    if size not in SIZES:
        raise DataError(f"size {size} is not between {SIZES[0]} and {SIZES[-1]} pixels; 32 is usual, 64 shows more")
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder; expected {KINDS}")
    if path.is_dir() and (labels is not None or not _idx_files(path)):
        found = listing.class_folders(path) if labels is None else listing.listed(path, _beside(path, Path(labels)))
        if groups is not None:
            if any(entry.group for entry in found.entries):
                raise DataError(f"{labels} has groups, and groups {groups!r} was given as well; leave one of them out")
            found.entries = listing.with_groups(found.entries, groups)
        pixels, shapes = _read(found, size, on_progress)
    else:
        if labels is not None or groups is not None:
            raise DataError(f"{path} brings its labels and has no file names: labels and groups are for picture files")
        found, pixels, shapes = _from_arrays(path, size)
    return _assembled(path, found, torch.from_numpy(pixels), torch.from_numpy(shapes), like)


def _beside(root: Path, labels: Path) -> Path:
    return root / labels if not labels.exists() and (root / labels).exists() else labels


# ---------------------------------------------------------------------- files


def _read(found: Listing, size: int, on_progress: Progress | None) -> tuple[np.ndarray, np.ndarray]:
    """Read all files in threads: uint8, N × 3 × size × size, and shapes; takes what is bad out of `found.entries`."""
    entries, formats = found.entries, reading.formats()
    pixels, shapes = _room(len(entries), size), np.zeros((len(entries), 2), np.int64)

    def read(first: int) -> tuple[list[int], list[tuple[str, str]], Counter[str]]:
        good, bad, notes = [], [], Counter()
        for k in range(first, min(first + CHUNK, len(entries))):
            try:
                picture = reading.read(entries[k].path, size, formats)
            except DataError as error:
                bad.append((entries[k].name, str(error)))
                continue
            pixels[k], shapes[k] = picture.pixels, (picture.width, picture.height)
            good.append(k)
            notes.update(picture.notes)
        return good, bad, notes

    kept: list[int] = []
    pool = ThreadPoolExecutor(cores())  # Pillow decodes and resizes without Python's lock
    try:
        with warnings.catch_warnings(action="ignore"):  # of damaged EXIF and the like
            for done, (good, bad, notes) in enumerate(pool.map(read, range(0, len(entries), CHUNK)), 1):
                kept += good
                found.bad += bad
                found.notes += notes
                if on_progress is not None:
                    on_progress(min(done * CHUNK, len(entries)), len(entries))
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C nobody needs the others
    _not_too_bad(found.bad, len(kept))
    for new, old in enumerate(kept):  # in place: a selection would take the memory twice
        if new != old:
            pixels[new] = pixels[old]
    found.entries = [entries[k] for k in kept]
    return pixels[: len(kept)], shapes[kept]


def _room(n: int, size: int) -> np.ndarray:
    need, have = 3 * n * size**2, PART_OF_THE_MEMORY * memory()
    if need > have:
        raise DataError(
            f"{n:,} pictures of {size} × {size} pixels take {need / GIB:.1f} GiB, and {have / GIB:.1f} can be given to "
            "them here; choose a smaller size, or fewer pictures"
        )
    return np.empty((n, 3, size, size), np.uint8)


def _not_too_bad(bad: list[tuple[str, str]], good: int) -> None:
    if bad and len(bad) >= MOST_BAD * (len(bad) + good):
        some = "; ".join(f"{name}: {reason}" for name, reason in bad[:3])
        raise DataError(
            f"{len(bad):,} of {len(bad) + good:,} files are no whole picture, and fewer than {MOST_BAD:.0%} may be: "
            f"{some}{'; …' * (len(bad) > 3)}; repair them, or move them out of the folder"
        )


# --------------------------------------------------------------------- arrays


def _from_arrays(path: Path, size: int) -> tuple[Listing, np.ndarray, np.ndarray]:
    """Read the arrays of an .npz or of IDX files: their pictures as entries, pixels and shapes."""
    found, pixels, shapes = Listing(), [], []
    npz = path.suffix.lower() == ".npz"
    if not npz and not _idx_files(path):
        raise DataError(f"{path} is a single file of another kind; expected {KINDS}")
    for name, part, pictures, labels in _npz(path) if npz else _idx(path):
        grey, coloured = pictures.ndim == 3, pictures.ndim == 4 and pictures.shape[3] == 3
        if pictures.dtype != np.uint8 or not (grey or coloured) or 0 in pictures.shape:
            raise DataError(
                f"{path}: {name} is {pictures.dtype} of shape {pictures.shape}, expected uint8 N × H × W or "
                "N × H × W × 3; convert pixels in 0 … 1 by (255 * x).round().astype('uint8')"
            )
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if labels.shape != pictures.shape[:1] or labels.dtype.kind not in "iuU":
            raise DataError(
                f"{path}: the labels of {name} are {labels.dtype} of shape {labels.shape}, expected one whole number "
                f"or name for each of {len(pictures):,} pictures; a set with several labels a picture cannot be judged"
            )
        found.entries += [Entry(part, str(label), f"{name}[{k}]", "") for k, label in enumerate(labels)]
        pixels.append(_squares(pictures, size))
        if pixels[0].shape[1] != pixels[-1].shape[1]:
            raise DataError(f"{path}: {name} is {'grey' if grey else 'coloured'}, and the pictures before it are not")
        shapes.append(np.tile([pictures.shape[2], pictures.shape[1]], (len(pictures), 1)))
    return found, np.concatenate(pixels), np.concatenate(shapes)


def _squares(pictures: np.ndarray, size: int) -> np.ndarray:
    """Bring uint8 pictures, N × H × W or N × H × W × 3, to N × C × size × size."""
    from PIL import Image

    if pictures.ndim == 3:
        pictures = pictures[..., None]
    if pictures.shape[1:3] == (size, size):
        return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))
    squares = _room(len(pictures), size)[:, : pictures.shape[3]]
    for k, picture in enumerate(pictures):
        coloured = np.broadcast_to(picture, (*picture.shape[:2], 3))
        squares[k] = reading.square(Image.fromarray(np.ascontiguousarray(coloured)), size)[: pictures.shape[3]]
    return squares


Arrays = Iterator[tuple[str, str, np.ndarray, np.ndarray]]  # name, part, pictures, labels


def _npz(path: Path) -> Arrays:
    """Read train, val and test of an .npz. Raises DataError where it is damaged or has no train_images."""
    try:
        with np.load(path) as arrays:
            if not {"train_images", "train_labels"} <= set(arrays):
                raise DataError(
                    f"{path} holds {', '.join(arrays) or 'nothing'}; expected train_images and train_labels, perhaps "
                    "val_images, val_labels, test_images, test_labels"
                )
            for part in PARTS:
                if f"{part}_images" in arrays:
                    yield f"{part}_images", part, arrays[f"{part}_images"], arrays[f"{part}_labels"]
    except PermissionError as error:
        raise Unreadable(path, error) from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, MemoryError) as error:
        raise DataError(f"{path} cannot be read as .npz: {error}; save it anew by numpy.savez_compressed") from None


def _idx(path: Path) -> Arrays:
    """Read the IDX files of pictures in a folder, or this one, each with the labels beside it."""
    for images in _idx_files(path):
        labels = images.with_name(images.name.replace("images", "labels").replace("idx3", "idx1"))
        if not labels.is_file():
            raise DataError(f"{images}: there is no {labels.name} beside it, which would hold the labels")
        yield images.name, _part(images), *(idx.parse(idx.unpack(file), str(file)) for file in (images, labels))


def _part(images: Path) -> str:
    part = re.search("train|val|test|t10k", images.name.lower())
    return "test" if part and part[0] == "t10k" else part[0] if part else "train"


def _idx_files(path: Path) -> list[Path]:
    """Find IDX files of pictures, this one or those in a folder, in the order of PARTS."""
    try:
        files = [path] if path.is_file() else [file for file in path.iterdir() if file.is_file()]
    except PermissionError as error:
        raise Unreadable(path, error) from None
    files = [file for file in files if "images" in file.name and "idx3" in file.name and file.name[0] != "."]
    return sorted(files, key=lambda file: (PARTS.index(_part(file)), file.name))


# --------------------------------------------------------------------- result


def _assembled(path: Path, found: Listing, pixels: Tensor, shapes: Tensor, like: Images | None) -> Pictures:
    """Number classes and groups, settle the channels, and part train, val and test."""
    entries = found.entries
    pixels = _channels(pixels, None if like is None else like.shape[0])
    present = {entry.label for entry in entries}
    classes = tuple(sorted(present, key=listing.natural)) if like is None else like.classes
    if unknown := present - set(classes):
        raise DataError(f"{path}: class {min(unknown)!r} is none of {', '.join(classes)}; rename or remove it")
    number = {label: k for k, label in enumerate(classes)}
    labels = torch.tensor([number[entry.label] for entry in entries])
    names = tuple(sorted({entry.group for entry in entries} - {""}, key=listing.natural))
    group = {name: k for k, name in enumerate(names)}
    groups = torch.tensor([group.get(entry.group, -1) for entry in entries]) if names else None
    sizes = Counter(entry.part for entry in entries)
    if "train" not in sizes:
        raise DataError(f"{path} has pictures for {', '.join(sizes)} but none to train on; expected {KINDS}")
    return Pictures(
        all=Images(pixels, labels, classes, path.name, "test" in sizes, groups),
        sizes={part: sizes[part] for part in PARTS if part in sizes},
        files=tuple(entry.name for entry in entries),
        shapes=shapes,
        notes=dict(sorted(found.notes.items())),
        bad=tuple(sorted(found.bad, key=lambda pair: listing.natural(pair[0]))),
        group_names=names,
    )


def _channels(pixels: Tensor, wanted: int | None) -> Tensor:
    """Give pixels 1 channel where all of them are grey or 1 is wanted, else 3."""
    if pixels.shape[1] == 3 and wanted != 3:
        coloured = wanted is None and any(bool((part[:, :1] != part[:, 1:]).any()) for part in pixels.split(1024))
        return pixels if coloured else reading.greyed(pixels)
    return pixels.expand(-1, wanted, -1, -1).contiguous() if wanted == 3 else pixels
