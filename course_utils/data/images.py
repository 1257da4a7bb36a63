"""`Images`, the one data type of the course: uint8 pictures with labels, in memory, on the device."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.core.errors import DataError, SealedError


def scaled(pixels: Tensor) -> Tensor:
    """uint8 pixels of 0..255, any shape → float32 in [-1, 1], the range of a generator's tanh."""
    return pixels.to(torch.float32).div_(127.5).sub_(1.0)


def to_pixels(x: Tensor) -> Tensor:
    """Float images in [-1, 1], any shape → uint8 pixels of 0..255; the inverse of `scaled` up to rounding."""
    return x.detach().float().add(1.0).mul(127.5).round().clamp_(0, 255).to(torch.uint8)


def resized(pixels: Tensor, side: int) -> Tensor:
    """The same pictures, side × side pixels, smoothed before they are made smaller: uint8, N × C × H × W."""
    parts = [
        F.interpolate(part.float(), (side, side), mode="bilinear", antialias=True).round().clamp(0, 255).to(torch.uint8)
        for part in pixels.split(64)  # as floats they take four times the memory
    ]
    return torch.cat(parts)


@dataclass(frozen=True, eq=False)
class Images:
    """Labelled pictures.

    pixels: uint8, N × C × H × W. labels: int64, N, values 0 … len(classes) − 1. groups: int64, N: who or what a picture
    comes from (writer, animal), −1 where unknown, or None. A *sealed* set is a test set: it can be looked at and
    scored on, and raises `SealedError` where it would be trained on, changed or merged.

    Every method returns a new `Images`; randomness comes only from the generator that is passed in.
    """

    pixels: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    name: str = "images"
    sealed: bool = False
    groups: Tensor | None = None

    def __post_init__(self) -> None:
        if self.pixels.dtype != torch.uint8 or self.pixels.ndim != 4:
            raise DataError(
                f"{self.name}: pixels are {self.pixels.dtype} of shape {tuple(self.pixels.shape)}, "
                "expected uint8 N × C × H × W; convert floats in [-1, 1] with to_pixels"
            )
        if self.pixels.shape[1] not in (1, 3):
            raise DataError(
                f"{self.name}: pixels of shape {tuple(self.pixels.shape)} have {self.pixels.shape[1]} channels, "
                "expected 1 or 3 in N × C × H × W; if the channels come last, use pixels.permute(0, 3, 1, 2)"
            )
        if self.labels.dtype != torch.int64 or self.labels.shape != self.pixels.shape[:1]:
            raise DataError(
                f"{self.name}: labels are {self.labels.dtype} of shape {tuple(self.labels.shape)}, "
                f"expected int64 of shape ({len(self.pixels)},)"
            )
        if len(self.labels) and not 0 <= int(self.labels.min()) <= int(self.labels.max()) < len(self.classes):
            raise DataError(
                f"{self.name}: labels reach from {int(self.labels.min())} to {int(self.labels.max())}, "
                f"expected 0 to {len(self.classes) - 1}"
            )
        if self.groups is not None and self.groups.shape != self.labels.shape:
            raise DataError(f"{self.name}: {len(self.groups)} groups for {len(self.labels)} images, expected one each")

    def __reduce__(self) -> tuple:
        # Plain arrays through a pipe: the shared memory that tensors would take is 64 MiB in many containers.
        groups = None if self.groups is None else self.groups.numpy()
        return _from_arrays, (self.pixels.numpy(), self.labels.numpy(), self.classes, self.name, self.sealed, groups)

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        c, h, w = self.shape
        seal = ", sealed" if self.sealed else ""
        return f"Images({self.name}: {len(self):,} of {c}×{h}×{w}, {len(self.classes)} classes{seal})"

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one picture."""
        return tuple(self.pixels.shape[1:])

    @property
    def device(self) -> torch.device:
        """Where pixels and labels lie."""
        return self.pixels.device

    def to(self, device: torch.device | str) -> Images:
        """The same set on another device."""
        groups = None if self.groups is None else self.groups.to(device)
        return replace(self, pixels=self.pixels.to(device), labels=self.labels.to(device), groups=groups)

    def counts(self) -> Tensor:
        """int64, one count a class."""
        return torch.bincount(self.labels, minlength=len(self.classes))

    def digest(self) -> str:
        """sha256 of pixels and labels, as hexadecimal digits: what results record and caches are keyed by."""
        h = hashlib.sha256(repr(tuple(self.pixels.shape)).encode())
        h.update(self.pixels.cpu().contiguous().numpy())
        h.update(self.labels.cpu().contiguous().numpy())
        return h.hexdigest()

    # ------------------------------------------------------------------ looking

    def subset(self, index: Tensor | Sequence[int]) -> Images:
        """The pictures at `index` (positions or a boolean mask), in that order; a part of a sealed set is sealed."""
        index = torch.as_tensor(index, device=self.device)
        if not index.numel():
            index = index.long()  # an empty list comes as floats
        groups = None if self.groups is None else self.groups[index]
        return replace(self, pixels=self.pixels[index], labels=self.labels[index], groups=groups)

    def of_class(self, label: int) -> Images:
        """The pictures of one class."""
        return self.subset(self.labels == label)

    def sample(self, n: int, generator: torch.Generator) -> Images:
        """`n` different pictures drawn at random; all of them, shuffled, when n is their number."""
        if not 0 <= n <= len(self):
            raise DataError(f"{self.name}: cannot draw {n} different images from {len(self)}")
        return self.subset(_permutation(len(self), generator).to(self.device)[:n])

    def in_order(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """(x, labels) in stored order, x float32 in [-1, 1], for scoring; allowed on sealed sets."""
        for start in range(0, len(self), size):
            yield scaled(self.pixels[start : start + size]), self.labels[start : start + size]

    # ------------------------------------------------------------------ training

    def batches(self, size: int, generator: torch.Generator, forever: bool = False) -> Iterator[tuple[Tensor, Tensor]]:
        """Shuffled (x, labels), x float32 in [-1, 1]; every batch is full, what is left over of a pass is dropped.

        One pass, or pass after pass with `forever`. A set smaller than one batch is repeated until it fills one.
        Raises SealedError on a test set.
        """
        for positions in self.picks(size, generator, forever):
            yield self.at(positions)

    def picks(self, size: int, generator: torch.Generator, forever: bool = False) -> Iterator[Tensor]:
        """The positions of the pictures of each batch of `batches`, int64, size."""
        while True:
            yield from self.shuffled(size, generator)
            if not forever:
                return

    def at(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """(x, labels) of the pictures at these positions, int64, N; x float32 in [-1, 1]."""
        return scaled(self.pixels.index_select(0, positions)), self.labels.index_select(0, positions)

    def shuffled(self, size: int, generator: torch.Generator) -> Tensor:
        """Positions of one shuffled pass in full batches, int64, batches × size; as `batches` goes through the set."""
        self._open("train on")
        if not len(self):
            raise DataError(f"{self.name}: it is empty; there is nothing to train on")
        repeats = -(-size // len(self))  # 1 unless the set is smaller than a batch
        order = torch.cat([_permutation(len(self), generator) for _ in range(repeats)])
        return order[: len(order) // size * size].reshape(-1, size).to(self.device)

    def seal(self) -> Images:
        """The same pictures as a test set."""
        return replace(self, sealed=True)

    def subsample_class(self, label: int, share: float, generator: torch.Generator) -> Images:
        """All other classes whole, and a random `share` (0..1) of class `label`, at least one picture."""
        self._open("subsample a class of")
        if not 0 <= share <= 1:
            raise DataError(f"{self.name}: share {share} is not between 0 and 1")
        mine = torch.nonzero(self.labels == label).flatten()
        keep = mine[_permutation(len(mine), generator).to(self.device)[: max(1, round(share * len(mine)))]]
        kept = torch.cat([torch.nonzero(self.labels != label).flatten(), keep])
        return self.subset(kept.sort().values)

    def split(
        self, share: float | Sequence[float], generator: torch.Generator, *, by_group: bool = True
    ) -> tuple[Images, Images]:
        """Split into two disjoint parts, both shuffled, the first with `share` (0..1, or one a class) of each class.

        Where groups are known, no group is on both sides, and the shares are met as well as whole groups allow;
        by_group=False splits by single pictures, which leaks from one part into the other. A share between 0 and 1
        gives both parts pictures of the class. Raises DataError, naming the class, where it has too few for that.
        """
        self._open("split")
        shares = list(share) if isinstance(share, Sequence) else [share] * len(self.classes)
        if len(shares) != len(self.classes) or not all(0 <= part <= 1 for part in shares):
            raise DataError(f"{self.name}: share {share} is not between 0 and 1, or not one a class")
        whole_groups = by_group and self.groups is not None and bool((self.groups >= 0).any())
        first = (self._split_groups if whole_groups else self._split_pictures)(shares, generator)
        one, two = self.subset(first), self.subset(~first)
        for name, part, n_one, n_two in zip(self.classes, shares, one.counts(), two.counts(), strict=True):
            if 0 < part < 1 and min(n_one, n_two) == 0 < max(n_one, n_two):
                few = "too few groups" if whole_groups else "a single picture"
                raise DataError(
                    f"{self.name}: class {name!r} has {few}, and cannot be on both sides of a split at {part}; "
                    "add some, or leave the class out"
                )
        return one.sample(len(one), generator), two.sample(len(two), generator)

    def _split_pictures(self, shares: list[float], generator: torch.Generator) -> Tensor:
        """Choose `shares` of each class at random: bool, N."""
        first = torch.zeros(len(self), dtype=torch.bool, device=self.device)
        for label, part in enumerate(shares):
            mine = torch.nonzero(self.labels == label).flatten()
            n = round(part * len(mine))
            if 0 < part < 1 and len(mine) > 1:
                n = min(max(n, 1), len(mine) - 1)
            first[mine[_permutation(len(mine), generator).to(self.device)[:n]]] = True
        return first

    def _split_groups(self, shares: list[float], generator: torch.Generator) -> Tensor:
        """Choose whole groups at random, each if it brings the classes nearer to their shares: bool, N.

        Of a class with several groups, at least one is chosen and one is not. A picture of an unknown group (−1) is a
        group of its own.
        """
        groups, labels, share = self.groups.cpu(), self.labels.cpu(), torch.tensor(shares)
        alone = groups < 0
        names, number = torch.where(alone, groups.max() + alone.cumsum(0), groups).unique(return_inverse=True)
        counts = torch.zeros(len(names), len(self.classes))
        counts.index_put_((number, labels), torch.ones(()), accumulate=True)
        missing, has, share = share * counts.sum(0), (counts > 0).numpy(), share.numpy()
        chosen = np.zeros(len(names), bool)
        inside, outside = np.zeros(len(self.classes), int), has.sum(0)  # groups that have pictures of each class
        for k in _permutation(len(names), generator).tolist():
            left = missing - counts[k]
            nearer = bool(left.square().sum() < missing.square().sum())
            first = (has[k] & (share > 0) & (inside == 0)).any()
            last = (has[k] & (share < 1) & (outside == 1)).any()
            if (nearer or first) and not last:
                chosen[k], missing = True, left
                inside, outside = inside + has[k], outside - has[k]
        return torch.from_numpy(chosen)[number].to(self.device)

    def merge(self, *others: Images) -> Images:
        """These pictures followed by those of `others`; same shape and classes, none of them sealed."""
        parts = (self, *others)
        for part in parts:
            part._open("merge")
            if part.shape != self.shape or part.classes != self.classes:
                raise DataError(f"cannot merge {part!r} into {self!r}: shapes and classes must be the same")
        groups = None
        if any(part.groups is not None for part in parts):
            groups = torch.cat([torch.full_like(p.labels, -1) if p.groups is None else p.groups for p in parts])
        return replace(
            self,
            pixels=torch.cat([part.pixels for part in parts]),
            labels=torch.cat([part.labels for part in parts]),
            groups=groups,
        )

    def with_pixels(self, pixels: Tensor, name: str | None = None) -> Images:
        """The same labels with other pictures (noise, denoised, augmented)."""
        self._open("change the pixels of")
        return replace(self, pixels=pixels, name=name or self.name)

    def _open(self, what: str) -> None:
        if self.sealed:
            raise SealedError(
                f"{self.name} is a sealed test set: you may look at it and score on it, but not {what} it; "
                "use the training set, or split it for validation"
            )


def _from_arrays(
    pixels: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], name: str, sealed: bool, groups: np.ndarray | None
) -> Images:
    groups = None if groups is None else torch.from_numpy(groups)
    return Images(torch.from_numpy(pixels), torch.from_numpy(labels), classes, name, sealed, groups)


def _permutation(n: int, generator: torch.Generator) -> Tensor:
    return torch.randperm(n, generator=generator, device=generator.device)
