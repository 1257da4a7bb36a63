"""Read a data set from a folder: find its files, check that they are whole, and decode the pictures."""

from __future__ import annotations

import hashlib
import io
import math
import struct
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course_utils.core.errors import DataError
from course_utils.data import idx
from course_utils.data.cards import Card, Edition, File, animal
from course_utils.data.images import Images

SUMS = "SHA256SUMS"  # written beside downloads whose sha256 nobody publishes, so that later damage is found
FORMATS = ("PNG", "JPEG")  # of single pictures
JPEG = {"quality": 90, "subsampling": 0}  # the encoding of the JPEG files in our copy of ETH-80
MOST_PIXELS = 2**24  # of a picture; the largest that the course uses has 2¹⁶


@dataclass(frozen=True)
class Store:
    """One edition of a data set in a folder. Its files may be packed (.gz) or not.

    recorded: path → sha256 from the folder's SHA256SUMS, used where the card knows none.
    """

    card: Card
    folder: Path
    edition: Edition
    recorded: dict[str, str]

    @classmethod
    def at(cls, card: Card, folder: Path, edition: Edition | None = None) -> Store:
        """Take that edition, or else the one of which the folder holds the most files, the official one if none.

        Raises Unreadable.
        """
        try:
            stores = [cls(card, folder, each, _recorded(folder)) for each in ([edition] if edition else card.editions)]
            return max(stores, key=lambda store: len(store.present))
        except PermissionError as error:
            raise idx.Unreadable(folder, error) from None

    @property
    def present(self) -> list[Path]:
        """The files that are there."""
        return [path for file in self.edition.files if (path := self.find(file))]

    @property
    def lacking(self) -> list[File]:
        """The files that are missing or cannot be whole by their size; none of them is read."""
        return [file for file in self.edition.files if not self._has_its_size(file)]

    def _has_its_size(self, file: File) -> bool:
        path = self.find(file)
        if path is None or not self.card.idx:
            return path is not None and path.stat().st_size > 0
        shape = self._shape(file)
        try:
            return idx.unpacked_size(path) == 4 + 4 * len(shape) + math.prod(shape)
        except PermissionError as error:
            raise idx.Unreadable(path, error) from None

    def find(self, file: File) -> Path | None:
        """Find a file, packed (.gz) or not, also with the dot that 7-Zip and Kaggle write (train-images.idx3-ubyte)."""
        names = (file.path, f"{file.path}.gz", dotted := file.path.replace("-idx", ".idx"), f"{dotted}.gz")
        return next((path for name in names if (path := self.folder / name).is_file()), None)

    def sha256(self, file: File) -> str | None:
        """Look up the sha256 that the file's uncompressed content has to have; None if nobody knows."""
        return file.sha256 or self.recorded.get(file.path)

    def read(self, file: File, path: Path, name: str = "") -> tuple[np.ndarray, str]:
        """Read the array in `path` (uint8; N × H × W, N, or H × W × 3) and the sha256 of its uncompressed content.

        Raises DataError, beginning with `name` (the path if it is not given), unless it is the file of the card.
        """
        name = name or str(path)
        content = idx.unpack(path, name)
        found, expected = hashlib.sha256(content).hexdigest(), self.sha256(file)
        array = fault = None
        try:
            array = idx.parse(content, name) if self.card.idx else decode(content, name)
            if array.shape != self._shape(file):
                fault = f"{name}: is an array of shape {array.shape}, expected {self._shape(file)}"
        except DataError as error:
            fault = str(error)
        if expected and found != expected:
            fault = f"{fault or f'{name}: is damaged or another file'}; sha256 {found} found, {expected} expected"
        if fault:
            raise DataError(fault)
        return array, found

    def splits(self) -> tuple[dict[str, Images], dict[str, str]]:
        """Read all splits, not sealed, and the sha256 of what they were read from, as `Dataset.sha256` describes it.

        Raises DataError naming the first file that is missing or not what the card describes.
        """
        read = {file.path: self._read_here(file) for file in self.edition.files}
        splits = {split: self._images(split, [read[file.path][0] for file in files]) for split, files in self._items()}
        if self.card.idx:
            return splits, {path: sha256 for path, (_, sha256) in read.items()}
        lists = {
            split: "".join(sorted(f"{read[file.path][1]}  {file.path}\n" for file in files))
            for split, files in self._items()
        }
        encoded = {split for split, files in self._items() if files[0].path.endswith(".jpg")}
        splits["objects"] = objects(splits, f"{self.edition.title} objects", encoded)
        return splits, {split: hashlib.sha256(lines.encode()).hexdigest() for split, lines in lists.items()}

    def _items(self) -> list[tuple[str, tuple[File, ...]]]:
        return list(self.edition.splits.items())

    def _read_here(self, file: File) -> tuple[np.ndarray, str]:
        path = self.find(file)
        if path is None:
            raise DataError(f"{self.folder / file.path}: there is no such file, nor one with .gz")
        return self.read(file, path)

    def _shape(self, file: File) -> tuple[int, ...]:
        channels, *size = self.card.shape
        if not self.card.idx:
            return *size, channels
        split, (images, _) = next((split, files) for split, files in self._items() if file in files)
        return (self.edition.counts[split], *size) if file == images else (self.edition.counts[split],)

    def _images(self, split: str, arrays: list[np.ndarray]) -> Images:
        tensors = [torch.from_numpy(array) for array in arrays]
        if self.card.idx:
            pixels, labels, groups = tensors[0][:, None], tensors[1].long(), self._writers(split)
        else:
            pixels = torch.stack(tensors).permute(0, 3, 1, 2)
            labels, groups = self._animals(split)
        if self.edition.transposed:
            pixels = pixels.transpose(2, 3)
        return Images(pixels.contiguous(), labels, self.card.classes, f"{self.edition.title} {split}", groups=groups)

    def _writers(self, split: str) -> Tensor | None:
        """Number the writer of each picture: the writers of train, then those of test, who are other persons."""
        if self.card.per_writer is None or split not in ("train", "test"):
            return None
        first = -(-self.edition.counts["train"] // self.card.per_writer) if split == "test" else 0
        return first + torch.arange(self.edition.counts[split]) // self.card.per_writer

    def _animals(self, split: str) -> tuple[Tensor, Tensor]:
        """List the label of each picture, and the number of its animal: cow k is k − 1, horse k is 9 + k."""
        animals = [animal(file.path) for file in self.edition.splits[split]]
        labels = [self.card.classes.index(kind) for kind, _ in animals]
        groups = [number - 1 if kind == "cow" else 9 + number for kind, number in animals]
        return torch.tensor(labels), torch.tensor(groups)


def _recorded(folder: Path) -> dict[str, str]:
    if not (folder / SUMS).is_file():
        return {}
    lines = (folder / SUMS).read_text(errors="replace").splitlines()
    return {path: sha256 for sha256, _, path in (line.partition("  ") for line in lines)}


def decode(content: bytes, name: str) -> np.ndarray:
    """Decode the content of a PNG or JPEG file as uint8, H × W × 3.

    Raises DataError, beginning with `name`, if it is no whole picture.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:  # a small file may unpack to gigabytes
                raise DataError(
                    f"{name}: is a picture of {picture.width} × {picture.height} pixels, which is too large"
                )
            return np.array(picture.convert("RGB"))
    except UnidentifiedImageError:  # its own text names an object in memory
        raise DataError(f"{name}: is not a whole picture in one of the formats {', '.join(FORMATS)}") from None
    except (OSError, SyntaxError, ValueError, struct.error, zlib.error, Image.DecompressionBombError) as error:
        raise DataError(f"{name}: is not a whole picture ({error})") from None


def objects(splits: dict[str, Images], name: str, encoded: set[str]) -> Images:
    """Merge all animals of train, test and extra into one open set, for leaving one out at a time.

    Every picture goes through the same JPEG encoding exactly once, else a model could tell animals by their encoding;
    `encoded` names the splits that come as JPEG files.
    """
    parts = []
    for split in ("train", "test", "extra"):
        part = replace(splits[split], sealed=False, name=name)
        parts.append(part if split in encoded else part.with_pixels(_jpeg(part.pixels)))
    return parts[0].merge(*parts[1:])


def _jpeg(pixels: Tensor) -> Tensor:
    """Encode pictures, uint8 N × 3 × H × W, as JPEG and decode them again."""
    from PIL import Image

    pictures = []
    for picture in pixels.permute(0, 2, 3, 1).numpy():
        encoded = io.BytesIO()
        Image.fromarray(picture).save(encoded, "JPEG", **JPEG)
        pictures.append(torch.from_numpy(decode(encoded.getvalue(), "JPEG")))
    return torch.stack(pictures).permute(0, 3, 1, 2).contiguous()
