"""Samples of the real data that the package brings with it: 3,000 + 1,000 pictures each of three sets.

`python -m course_utils.data.sample` draws them anew from the whole sets in $COURSE_DATA. Origin and licences are in
samples/README.md, the sha256 of each file in data/README.md.
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


def draw(images: Images, size: int) -> np.ndarray:
    """Draw `size` pictures of each class at random, the classes in turn: uint8, N × H × W."""
    rng = np.random.default_rng(0)
    chosen = [rng.permutation(np.flatnonzero(images.labels == label))[:size] for label in range(len(images.classes))]
    return images.pixels[np.stack(chosen, axis=1).ravel(), 0].numpy()


def main() -> None:
    """Draw all samples from the whole sets and write them to the package."""
    from course_utils.data.sources import load

    for name in NAMES:
        data = load(name, "real")
        np.savez_compressed(FOLDER / f"{name}.npz", **{split: draw(data[split], n) for split, n in SIZES.items()})


if __name__ == "__main__":
    main()
