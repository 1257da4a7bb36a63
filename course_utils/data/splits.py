"""Split pictures of one's own so that nothing leaks: groups and near duplicates stay on one side."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from course_utils.core.errors import DataError
from course_utils.data.audit import Audit, joined, star
from course_utils.data.folder import Pictures
from course_utils.data.images import Images
from course_utils.data.listing import PARTS

TRIES = 20  # with large groups, one order of them may leave a part without a class, and another not


@dataclass(frozen=True)
class Split:
    """Three parts that share no group and no near duplicate, test sealed; lines: what was done, and what leaks.

    groups of the three: pictures that stay together, by their own group or as near duplicates; every later split by
    `Images.split` honours them. None where every picture is on its own, or by_group was False.
    """

    train: Images
    val: Images
    test: Images
    lines: tuple[str, ...]


def split(
    own: Pictures,
    found: Audit,
    generator: torch.Generator,
    *,
    test: float = 0.2,
    val: float = 0.2,
    by_group: bool = True,
) -> Split:
    """Split pictures, each class by the same shares: `test` of all, then `val` of the rest.

    The user's own test/ and val/ are taken as they are, and a line warns where they leak. by_group=False parts groups
    and near duplicates, which leaks. Raises DataError, naming the class, where one class is all there is, or a class
    has too few pictures, or groups, to be in all three parts.
    """
    together = _together(own.all.groups, found.alike)
    parts = own.cut(replace(own.all, groups=together if by_group else None))
    shares = {part: share for part, share in (("test", test), ("val", val)) if part not in parts}
    lines = _leaks(own, found)
    if together is not None and not by_group:
        lines.append("WARNING: groups and near duplicates were parted, as asked for; accuracies will be too high")
    _check(own.all.name, parts["train"], 1 + len(shares))
    parts |= _drawn(parts["train"], shares, generator)
    train, val_, test_ = (replace(parts[part], name=f"{own.all.name} {part}") for part in PARTS)
    sizes = [f"{part} {len(parts[part]):,}{' (your own)' * (part in own.sizes and part != 'train')}" for part in PARTS]
    return Split(train, val_, test_.seal(), (f"split: {', '.join(sizes)}", *lines))


def _together(groups: Tensor | None, alike: Tensor) -> Tensor | None:
    """Number what must stay together: int64, N; None where every picture is on its own."""
    n = len(alike)
    pairs = [star(alike.numpy())]
    if groups is not None:
        alone = torch.where(groups < 0, int(groups.max()) + 1 + torch.arange(n), groups)
        pairs.append(star(alone.numpy()))
    number = torch.from_numpy(joined(n, *pairs))
    return number if int(number.max()) + 1 < n else None


def _leaks(own: Pictures, found: Audit) -> list[str]:
    """Say where the user's own val and test are not what they should be."""
    lines, parts = [], own.cut(own.all)
    if n := found.near.across_parts:
        lines.append(
            f"WARNING: {n:,} pictures of your own val and test are near duplicates of one in a part before; accuracies "
            "will be too high: remove them, or put all pictures in one folder and have the split drawn"
        )
    trained = parts["train"]
    for part in list(own.sizes)[1:]:
        if trained.groups is not None:
            shared = torch.isin(parts[part].groups, trained.groups[trained.groups >= 0])
            if n := int(shared.sum()):
                group = own.group_names[int(parts[part].groups[shared][0])]
                lines.append(
                    f"WARNING: {n:,} of {len(shared):,} pictures of your own {part} are of a group that is in train as "
                    f"well, such as {group}; accuracies will be too high"
                )
        if missing := [c for c, n in zip(trained.classes, parts[part].counts(), strict=True) if not n]:
            lines.append(f"WARNING: your own {part} has no picture of {', '.join(missing)}")
    return lines


def _check(name: str, images: Images, sides: int) -> None:
    """Refuse fewer than two classes, and a class with fewer pictures or groups than there are sides to be on."""
    if len(images.classes) < 2:
        raise DataError(f"{name}: {images.classes[0]!r} is the only class; expected two or more, a folder for each")
    for label, (of, n) in enumerate(zip(images.classes, images.counts().tolist(), strict=True)):
        if n < sides:
            raise DataError(
                f"{name}: class {of!r} has {n} {'picture' if n == 1 else 'pictures'} to train on, expected {sides} or "
                "more, one for each part; add some, or leave the class out"
            )
        if images.groups is not None and (k := len(images.groups[images.labels == label].unique())) < sides:
            raise DataError(
                f"{name}: the {n:,} pictures of class {of!r} are of {k} {'group' if k == 1 else 'groups'}, near "
                f"duplicates counted as one; expected {sides} or more, one for each part; check the groups, add "
                "pictures of other ones, or leave the class out"
            )


def _drawn(images: Images, shares: dict[str, float], generator: torch.Generator) -> dict[str, Images]:
    """Draw each part in `shares` from what is left: these parts, and train."""
    for left in reversed(range(TRIES)):
        parts = {"train": images}
        try:
            for part, share in shares.items():
                parts["train"], parts[part] = parts["train"].split(1 - share, generator)
            return parts
        except DataError:
            if not left:
                raise
