"""Samples of the real data that the package brings with it: 3,000 + 1,000 pictures each of three sets.

`python -m course_tools.author.samples` draws them anew. Origin and licences are in samples/README.md, the sha256 of
each file in data/README.md.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from course_utils.data.images import Images

FOLDER = Path(__file__).with_name("samples")
SIZES = {"train": 300, "test": 100}  # pictures a class
NAMES = ("emnist", "fashion", "mnist")  # the sets whose licence allows it


def read(name: str, classes: tuple[str, ...], scale: float = 1.0) -> dict[str, Images]:
    """Read the sample of a set, or the first `scale` of it (0..1, at least 2 pictures a class): its splits by name."""
    splits = {}
    with np.load(FOLDER / f"{name}.npz") as arrays:
        for split, size in SIZES.items():
            pixels = torch.from_numpy(arrays[split])[: len(classes) * max(2, round(scale * size))]
            labels = torch.arange(len(pixels)) % len(classes)
            splits[split] = Images(pixels[:, None], labels, classes, f"{name} sample {split}")
    return splits
