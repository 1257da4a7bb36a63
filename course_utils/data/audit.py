"""Look at pictures of one's own before anything is made of them: classes, duplicates, sizes, what could not be read."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from course_utils.data.folder import Pictures
from course_utils.data.reading import greyed

FEW = 8  # pictures of a class, below which nothing can be said of it
NEAR = 0.99  # the correlation from which two pictures are near duplicates
THUMB = 8  # pixels; the side of the pictures that are compared first
BLOCK = 2**23  # pairs compared at a time: 32 MB
CHECKED = 2048  # pairs whose pixels are compared at a time
EXAMPLES = 10
KINDS = ("within", "across_classes", "across_parts")


@dataclass(frozen=True)
class Copies:
    """Pictures that are there more than once.

    within: how many could be left out, because another of their class is like them. across_classes: how many have one
    like them in another class. across_parts: how many of val and test have one like them in a part before. Examples of
    each: names of two pictures.
    """

    within: int
    across_classes: int
    across_parts: int
    examples: dict[str, tuple[tuple[str, str], ...]]

    def lines(self, what: str) -> list[str]:
        """Say how many there are, a line for each kind, with an example; `what` is "exact" or "near"."""
        words = {
            "within": f"pictures are {what} duplicates of another of their class",
            "across_classes": f"pictures are {what} duplicates of one in another class, so a label is wrong or unclear",
            "across_parts": f"pictures of val and test are {what} duplicates of one in a part before: they leak",
        }
        return [
            f"{'WARNING: ' * (kind != 'within')}{n:,} {words[kind]}, such as {' and '.join(self.examples[kind][0])}"
            for kind in KINDS
            if (n := getattr(self, kind))
        ]


@dataclass(frozen=True, eq=False)
class Audit:
    """What was found in pictures of one's own.

    classes: class → part (train, val, test) → how many. few: the classes with fewer than 8 in train. exact: the same in
    all pixels, as they were read. near: exact, or correlated by at least NEAR. groups: how many (patients, writers) and
    how many pictures have none. width, height: smallest, median, largest in the files. unreadable: the share of files.
    alike: the number of each picture's near duplicates, the same for all of them, int64, N.
    """

    name: str
    classes: dict[str, dict[str, int]]
    few: tuple[str, ...]
    exact: Copies
    near: Copies
    groups: dict[str, int]
    width: tuple[int, float, int]
    height: tuple[int, float, int]
    unreadable: float
    bad: tuple[tuple[str, str], ...]
    notes: dict[str, int]
    alike: Tensor

    def to_dict(self) -> dict:
        """Give all but `alike` as data for JSON."""
        plain = asdict(replace(self, alike=torch.empty(0)))
        del plain["alike"]
        return plain

    def lines(self) -> list[str]:
        """Say what was found, a line each; what may spoil a comparison begins with "WARNING: "."""
        parts = list(dict.fromkeys(part for counts in self.classes.values() for part in counts))
        total = {part: sum(counts.get(part, 0) for counts in self.classes.values()) for part in parts}
        lines = [f"{self.name}: " + ", ".join(f"{n:,} pictures in {part}" for part, n in total.items())]
        lines += [
            f"class {name}: " + ", ".join(f"{counts.get(part, 0):,} {part}" for part in parts)
            for name, counts in self.classes.items()
        ]
        if self.few:
            lines.append(f"WARNING: fewer than {FEW} pictures to train on: {', '.join(self.few)}")
        if self.groups:
            lines.append(f"{self.groups['number']:,} groups; {self.groups['without']:,} pictures without one")
        for what, copies in (("exact", self.exact), ("near", self.near)):
            lines += copies.lines(what)
        for side, (least, median, most) in (("width", self.width), ("height", self.height)):
            lines.append(f"{side} of the files: {least:,} to {most:,} pixels, median {median:,.6g}")
        lines += [f"{n:,} × {note}" for note, n in self.notes.items()]
        if self.bad:
            lines.append(f"WARNING: {len(self.bad):,} files ({self.unreadable:.2%}) are no whole picture and left out:")
            lines += [f"  {file}: {reason}" for file, reason in self.bad[:EXAMPLES]]
            lines += [f"  and {len(self.bad) - EXAMPLES:,} more"] * (len(self.bad) > EXAMPLES)
        return lines


def audit(own: Pictures) -> Audit:
    """Count the pictures, find those that are there more than once, and gather what was noted when they were read."""
    parts = own.cut(own.all)
    counts = {part: images.counts().tolist() for part, images in parts.items()}
    classes = {name: {part: counts[part][k] for part in parts} for k, name in enumerate(own.all.classes)}
    same = exact(own.all.pixels)
    alike = near(own.all.pixels, same)
    known = own.all.groups
    width, height = ((int(side.min()), float(np.median(side)), int(side.max())) for side in own.shapes.unbind(1))
    return Audit(
        name=own.all.name,
        classes=classes,
        few=tuple(name for name, of in classes.items() if of["train"] < FEW),
        exact=_copies(own, same),
        near=_copies(own, alike),
        groups={} if known is None else {"number": len(own.group_names), "without": int((known < 0).sum())},
        width=width,
        height=height,
        unreadable=len(own.bad) / (len(own.bad) + len(own.all)),
        bad=own.bad,
        notes=own.notes,
        alike=alike,
    )


def _copies(own: Pictures, number: Tensor) -> Copies:
    """Count the pictures that have the same number: within a class, across classes and across parts."""
    part = torch.repeat_interleave(torch.tensor(list(own.sizes.values()))).tolist()
    label, members = own.all.labels.tolist(), defaultdict(list)
    for k, mine in enumerate(number.tolist()):
        members[mine].append(k)
    counts, examples = Counter(), defaultdict(list)

    def note(kind: str, n: int, one: int, other: int) -> None:
        counts[kind] += n
        if len(examples[kind]) < EXAMPLES:
            examples[kind].append((own.files[one], own.files[other]))

    for copies in members.values():
        if len(copies) == 1:
            continue
        labels = {label[k]: k for k in reversed(copies)}  # of each class, the first
        if len(labels) < len(copies):
            extra = next(k for k in copies if labels[label[k]] != k)
            note("within", len(copies) - len(labels), labels[label[extra]], extra)
        if len(labels) > 1:
            note("across_classes", len(copies), *sorted(labels.values())[:2])
        later = [k for k in copies if part[k] > part[copies[0]]]
        if later:
            note("across_parts", len(later), copies[0], later[0])
    return Copies(*(counts[kind] for kind in KINDS), {kind: tuple(examples[kind]) for kind in KINDS})


# ----------------------------------------------------------------- duplicates


def exact(pixels: Tensor) -> Tensor:
    """Give each picture the position of the first that is the same in all pixels: int64, N."""
    first: dict[bytes, int] = {}
    digests = (hashlib.blake2b(picture, digest_size=16).digest() for picture in pixels.numpy())
    return torch.tensor([first.setdefault(digest, k) for k, digest in enumerate(digests)])


def near(pixels: Tensor, same: Tensor) -> Tensor:
    """Number the pictures so that near duplicates, and near duplicates of these, have the same number: int64, N.

    pixels: uint8, N × C × H × W. same: as `exact` gives it. Two pictures are near duplicates if their grey thumbnails
    of 8 × 8 pixels, a perceptual hash that keeps its 64 numbers, and then all of their pixels correlate by at least
    NEAR, each channel around its mean. So a copy that was resized, encoded anew, made brighter, darker or flatter is
    found; one that was cropped, shifted, mirrored or turned is not. All pairs are compared, BLOCK at a time.
    """
    kept, place = same.unique(return_inverse=True)
    thumbs = [
        F.interpolate(greyed(pixels[part]).float(), (THUMB, THUMB), mode="bilinear", antialias=True)
        for part in kept.split(CHECKED)
    ]
    thumbs = _normal(torch.cat(thumbs))
    number = torch.arange(len(kept))
    for top in range(0, len(kept), step := max(1, BLOCK // len(kept))):
        candidates = (thumbs[top : top + step] @ thumbs[top:].T >= NEAR).triu_(1).nonzero() + top
        candidates = candidates[number[candidates[:, 0]] != number[candidates[:, 1]]]
        pairs = [pair[_alike(*pixels[kept[pair]].unbind(1))] for pair in candidates.split(CHECKED)]
        if sum(map(len, pairs)):
            number = torch.from_numpy(joined(len(kept), star(number.numpy()), torch.cat(pairs).numpy()))
    return number[place]


def copied(pixels: Tensor, of: Tensor) -> Tensor:
    """Tell which pictures are near duplicates of one in `of`: bool, N. Both uint8, N × C × H × W, of one shape."""
    both = torch.cat([of, pixels])
    number = near(both, exact(both))
    return torch.isin(number[len(of) :], number[: len(of)])


def _alike(one: Tensor, other: Tensor) -> Tensor:
    return (_normal(one.float()) * _normal(other.float())).sum(1) >= NEAR


def _normal(x: Tensor) -> Tensor:
    """Bring pictures to mean 0 in each channel and length 1, so that their products are correlations: N × (C·H·W)."""
    x = (x - x.mean((2, 3), keepdim=True)).flatten(1)
    return x / x.norm(dim=1, keepdim=True).clamp_min(1e-6)  # of one colour: 0, which is like nothing


def star(number: np.ndarray) -> np.ndarray:
    """Link each of the things 0 … N − 1 to the first that has the same number: pairs, N × 2."""
    _, first, number = np.unique(number, return_index=True, return_inverse=True)
    return np.stack([np.arange(len(number)), first[number]], 1)


def joined(n: int, *pairs: np.ndarray) -> np.ndarray:
    """Number the things 0 … n − 1 so that those linked by pairs (M × 2), however far round, have the same number."""
    one, other = np.concatenate(pairs).T
    links = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(n, n))
    return connected_components(links, directed=False)[1].astype(np.int64)
