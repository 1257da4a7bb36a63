"""`python -m course_tools.author.samples` draws the package's samples anew from the whole sets in $COURSE_DATA."""

from __future__ import annotations

import numpy as np

from course_utils.data.images import Images
from course_utils.data.sample import FOLDER, NAMES, SIZES
from course_utils.data.sources import load


def draw(images: Images, size: int) -> np.ndarray:
    """Draw `size` pictures of each class at random, the classes in turn: uint8, N × H × W."""
    rng = np.random.default_rng(0)
    chosen = [rng.permutation(np.flatnonzero(images.labels == label))[:size] for label in range(len(images.classes))]
    return images.pixels[np.stack(chosen, axis=1).ravel(), 0].numpy()


def main() -> None:
    """Draw all samples from the whole sets and write them to the package."""
    for name in NAMES:
        data = load(name, "real")
        np.savez_compressed(FOLDER / f"{name}.npz", **{split: draw(data[split], n) for split, n in SIZES.items()})


if __name__ == "__main__":
    main()
