"""Ready-made arms: ways to train that experiments compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils.classify.train import Transform, balanced_weights
from course_utils.core.errors import CourseError
from course_utils.data.images import Images


@dataclass(frozen=True)
class Training:
    """What an arm trains with: pictures, what changes each batch afresh, and the loss's weights, float32, one a
    class."""

    images: Images
    transform: Transform | None = None
    class_weights: Tensor | None = None


Arm = Callable[[Images, torch.Generator], Images | tuple[Images, Transform] | Training]


def real(train: Images, rng: torch.Generator) -> Images:
    """Train on the training set as it is."""
    return train


def classic(ranges: Transform) -> Arm:
    """Augment every batch afresh with the given ranges."""
    return lambda train, rng: (train, ranges)


def placebo_noise(n: int) -> Arm:
    """Turn n random training pictures into uniform noise under their old labels."""

    def arm(train: Images, rng: torch.Generator) -> Images:
        pixels = train.pixels.clone()
        places = torch.randperm(len(train), generator=rng)[:n]
        pixels[places] = noise(len(places), train, rng).to(pixels)
        return train.with_pixels(pixels)

    return arm


def placebo_repeat(n: int) -> Arm:
    """Add n pictures that the training set already has: as many as a GAN adds, with nothing new in them."""

    def arm(train: Images, rng: torch.Generator) -> Images:
        return train.merge(train.subset(torch.randint(len(train), (n,), generator=rng)))

    return arm


def weighted(train: Images, rng: torch.Generator) -> Training:
    """Train on the training set as it is, under a loss that weighs each class inversely to its frequency."""
    return Training(train, class_weights=balanced_weights(train))


def oversample(train: Images, rng: torch.Generator) -> Images:
    """Make each class as large as the largest, by repeating pictures of its own, drawn at random."""
    counts = train.counts().tolist()
    extra = []
    for label, count in enumerate(counts):
        mine = torch.nonzero(train.labels == label).flatten()
        if count:
            extra.append(mine[torch.randint(count, (max(counts) - count,), generator=rng)])
    return train.merge(train.subset(torch.cat(extra)))


def top_up(label: int, make: Callable[[int, Images, torch.Generator], Tensor]) -> Arm:
    """Add pictures of one class until it is as large as the others are on average.

    make(n, train, rng) gives them: uint8, n × C × H × W. A class that is large enough stays as it is.
    """

    def arm(train: Images, rng: torch.Generator) -> Images:
        counts = train.counts().tolist()
        mine = counts.pop(label)
        n = round(sum(counts) / len(counts)) - mine
        if n <= 0:
            return train
        pixels = make(n, train, rng).to(train.device)
        labels = torch.full((n,), label, device=train.device)
        return train.merge(Images(pixels, labels, train.classes, f"{n} pictures made for class {label}"))

    return arm


def hybrid(share: float | Sequence[float], make: Callable[[Tensor, Images, torch.Generator], Tensor]) -> Arm:
    """Keep a `share` (0..1, or one a class) of each class, and make pictures in place of the others.

    make(labels, kept, rng) gives the pictures for those labels, uint8, n × C × H × W; `kept` are the real ones that
    stay. Arms of one share and seed keep the same ones, and a smaller share keeps a part of what a larger one keeps.
    """

    def arm(train: Images, rng: torch.Generator) -> Images:
        kept, gone = train.split(share, rng, by_group=False)  # both are trained on: nothing leaks
        if not len(gone):
            return kept
        pixels = make(gone.labels, kept, rng).to(train.device)
        return kept.merge(Images(pixels, gone.labels, train.classes, f"{len(gone)} pictures made"))

    return arm


def added(make: Callable[[Tensor, Images, torch.Generator], Tensor], ratio: float = 1.0) -> Arm:
    """Add `ratio` made pictures for each picture of the training set, of classes as frequent as there.

    make(labels, train, rng) gives the pictures for those labels, uint8, n × C × H × W.
    """

    def arm(train: Images, rng: torch.Generator) -> Images:
        n = round(ratio * len(train))
        labels = train.labels[torch.randperm(len(train), generator=rng).to(train.device)]
        labels = labels.repeat(-(-n // len(train)))[:n]
        pixels = make(labels, train, rng).to(train.device)
        return train.merge(Images(pixels, labels, train.classes, f"{n} pictures made"))

    return arm


def repeats(labels: Tensor, train: Images, rng: torch.Generator) -> Tensor:
    """Draw a picture of `train` for each label, int64, n, at random from its class: the placebo of `hybrid`.

    Raises CourseError where a class has none.
    """
    if missing := sorted(set(labels.tolist()) - set(train.labels.tolist())):
        raise CourseError(f"{train.name} has no picture of class {missing[0]} to repeat; keep a larger share of it")
    pick = torch.empty_like(labels)
    for label in labels.unique():
        places, mine = torch.nonzero(labels == label).flatten(), torch.nonzero(train.labels == label).flatten()
        pick[places] = mine[torch.randint(len(mine), (len(places),), generator=rng).to(mine.device)]
    return train.pixels[pick]


def noise(n: int, train: Images, rng: torch.Generator) -> Tensor:
    """Draw n pictures of uniform noise, uint8, n × C × H × W: what `top_up` makes a placebo of."""
    return torch.randint(0, 256, (n, *train.shape), generator=rng, dtype=torch.uint8)
