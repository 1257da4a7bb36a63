"""Serve real data to a training run as a function from n to batch n.

Batch n depends on the key and on n alone, not on the batches before it: a run that is resumed at step n sees the same
data as one that was never interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from course_utils.core.seeds import generator
from course_utils.data.images import Images, scaled

Batches = Callable[[int], tuple[Tensor, ...]]


def unlabelled(images: Images, size: int, *key: int | str) -> Batches:
    """Return n → (x,): x float32 in [-1, 1], size × C × H × W. All batches are full; the rest of a pass is dropped."""
    pick = _Shuffled(images, size, *key)
    return lambda n: (scaled(images.pixels.index_select(0, pick(n))),)


def labelled(images: Images, size: int, *key: int | str) -> Batches:
    """Return n → (x, y): pictures as in `unlabelled`, and their labels, int64, size."""
    pick = _Shuffled(images, size, *key)

    def batch(n: int) -> tuple[Tensor, Tensor]:
        positions = pick(n)
        return scaled(images.pixels.index_select(0, positions)), images.labels.index_select(0, positions)

    return batch


def flat(sets: Sequence[Images], size: int, *key: int | str) -> Batches:
    """Return n → (x,): K × size × pixels, one flat batch of each of K sets, for K stacked fully connected networks."""
    streams = [unlabelled(images, size, *key, k) for k, images in enumerate(sets)]
    return lambda n: (torch.stack([stream(n)[0].flatten(1) for stream in streams]),)


def unpaired(a: Images, b: Images, size: int, *key: int | str) -> Batches:
    """Return n → (x_a, x_b), each as in `unlabelled`, from two sets without a correspondence (CycleGAN)."""
    of_a, of_b = unlabelled(a, size, *key, "a"), unlabelled(b, size, *key, "b")
    return lambda n: (*of_a(n), *of_b(n))


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
