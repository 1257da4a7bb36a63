"""Serve real data to a training run as a function from n to batch n.

Batch n depends on the key and on n alone, not on the batches before it: a run that is resumed at step n sees the same
data as one that was never interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils.core.seeds import generator
from course_utils.data.images import Images

Batches = Callable[[int], tuple[Tensor, ...]]


@dataclass(frozen=True)
class Gathered:
    """Batches of pictures that lie on the device: n → what `gather` makes of the positions of batch n.

    A recorded step gathers its batch itself, so that only positions are copied into it.
    """

    positions: Batches
    gather: Callable[..., tuple[Tensor, ...]]

    def __call__(self, n: int) -> tuple[Tensor, ...]:
        return self.gather(*self.positions(n))


def unlabelled(images: Images, size: int, *key: int | str) -> Gathered:
    """Return n → (x,): x float32 in [-1, 1], size × C × H × W. All batches are full; the rest of a pass is dropped."""
    pick = _Shuffled(images, size, *key)
    return Gathered(lambda n: (pick(n),), lambda positions: images.at(positions)[:1])


def labelled(images: Images, size: int, *key: int | str) -> Gathered:
    """Return n → (x, y): pictures as in `unlabelled`, and their labels, int64, size."""
    pick = _Shuffled(images, size, *key)
    return Gathered(lambda n: (pick(n),), images.at)


def flat(sets: Sequence[Images], size: int, *key: int | str) -> Gathered:
    """Return n → (x,): K × size × pixels, one flat batch of each of K sets, for K stacked fully connected networks."""
    picks = [_Shuffled(images, size, *key, k) for k, images in enumerate(sets)]
    return Gathered(
        lambda n: (torch.stack([pick(n) for pick in picks]),),
        lambda rows: (torch.stack([images.at(row)[0].flatten(1) for images, row in zip(sets, rows, strict=True)]),),
    )


def unpaired(a: Images, b: Images, size: int, *key: int | str) -> Gathered:
    """Return n → (x_a, x_b), each as in `unlabelled`, from two sets without a correspondence (CycleGAN)."""
    of_a, of_b = _Shuffled(a, size, *key, "a"), _Shuffled(b, size, *key, "b")
    return Gathered(lambda n: (of_a(n), of_b(n)), lambda here, there: (a.at(here)[0], b.at(there)[0]))


class _Shuffled:
    """Map n to the positions of batch n in a set that is reshuffled in each pass."""

    def __init__(self, images: Images, size: int, *key: int | str) -> None:
        self.images, self.size, self.key = images, size, key
        self.current = -1, self._pass(0)  # now, so that a sealed or empty set raises its error before training starts

    def _pass(self, number: int) -> Tensor:
        return self.images.shuffled(self.size, generator(*self.key, number))

    def __call__(self, n: int) -> Tensor:
        number, place = divmod(n, len(self.current[1]))
        if number != self.current[0]:
            self.current = number, self._pass(number)
        return self.current[1][place]
