"""Real data for a training run: a function from n to its batch n.

What batch n holds depends on the key and on n alone, not on the batches before it. A run that starts again at step n
therefore sees what an unbroken one would have seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from course_utils.core.seeds import generator
from course_utils.data.images import Images, scaled

Batches = Callable[[int], tuple[Tensor, ...]]


def unlabelled(images: Images, size: int, *key: int | str) -> Batches:
    """n → (x,): x float32 in [-1, 1], size × C × H × W. Every batch is full; what is left over of a pass is dropped."""
    pick = _Shuffled(images, size, *key)
    return lambda n: (scaled(images.pixels.index_select(0, pick(n))),)


def labelled(images: Images, size: int, *key: int | str) -> Batches:
    """n → (x, y): the pictures as in `unlabelled`, and their labels, int64, size."""
    pick = _Shuffled(images, size, *key)

    def batch(n: int) -> tuple[Tensor, Tensor]:
        positions = pick(n)
        return scaled(images.pixels.index_select(0, positions)), images.labels.index_select(0, positions)

    return batch


def flat(sets: Sequence[Images], size: int, *key: int | str) -> Batches:
    """n → (x,): x K × size × pixels, one flat batch of each of K sets; for K fully connected networks side by side."""
    streams = [unlabelled(images, size, *key, k) for k, images in enumerate(sets)]
    return lambda n: (torch.stack([stream(n)[0].flatten(1) for stream in streams]),)


def unpaired(a: Images, b: Images, size: int, *key: int | str) -> Batches:
    """n → (x_a, x_b), each as in `unlabelled`: pictures of two sets that do not belong together (CycleGAN)."""
    of_a, of_b = unlabelled(a, size, *key, "a"), unlabelled(b, size, *key, "b")
    return lambda n: (*of_a(n), *of_b(n))


class _Shuffled:
    """n → the positions of batch n in a set that is shuffled anew in each pass."""

    def __init__(self, images: Images, size: int, *key: int | str) -> None:
        self.images, self.size, self.key = images, size, key
        self.current = -1, self._pass(0)  # made now, so that a sealed or empty set is refused before anything runs

    def _pass(self, number: int) -> Tensor:
        return self.images.shuffled(self.size, generator(*self.key, number))

    def __call__(self, n: int) -> Tensor:
        number, place = divmod(n, len(self.current[1]))
        if number != self.current[0]:
            self.current = number, self._pass(number)
        return self.current[1][place]
