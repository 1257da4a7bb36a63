"""What the drawn sets share: how many pictures, in which order, from which random stream."""

from __future__ import annotations

import numpy as np
import torch

from course_utils.data.images import Images


def stream(seed: int, *names: str) -> np.random.Generator:
    """A random generator of its own for each named part, so that no part's size changes another's pictures."""
    return np.random.default_rng([seed, *"/".join(names).encode()])


def per_class(n: int, scale: float) -> int:
    """Pictures of each class: `n` times `scale`, at least 2."""
    return max(2, round(n * scale))


def assemble(name: str, classes: tuple[str, ...], pixels: list[np.ndarray], groups: list[np.ndarray]) -> Images:
    """Pictures given class by class (uint8, n × C × H × W, the same n for each) → `Images`, labels cycling 0, 1, 2 …"""
    n = len(pixels[0])
    return Images(
        pixels=torch.from_numpy(np.stack(pixels, 1).reshape(-1, *pixels[0].shape[1:])),
        labels=torch.arange(len(classes)).repeat(n),
        classes=classes,
        name=name,
        groups=torch.from_numpy(np.stack(groups, 1).reshape(-1).astype(np.int64)),
    )
