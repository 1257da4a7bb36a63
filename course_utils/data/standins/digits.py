"""scikit-learn's 1,797 real handwritten digits of 8 × 8 pixels, enlarged to MNIST's format."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from course_utils.data.images import Images
from course_utils.data.standins.common import assemble, per_class, stream

CLASSES = tuple("0123456789")
SIDE, BOX = 28, 20  # a picture, and the box of its 8 × 8 digit, in pixels
TRAIN_SHARE = 0.75  # of the digits; the others are the test set's


def draw_digits(name: str, sizes: dict[str, int], seed: int, scale: float) -> dict[str, Images]:
    """Splits "train" and "test" (sealed) of `sizes` pictures a class at scale 1; no digit is in both.

    1 × 28 × 28, white on black. A digit that is used again is turned, scaled and moved differently; groups are the
    digits' indices in `sklearn.datasets.load_digits`.
    """
    from sklearn.datasets import load_digits  # takes a second to import, and most sets do without

    source = load_digits()
    rng = stream(seed, name)
    halves: dict[str, list[np.ndarray]] = {"train": [], "test": []}
    for label in range(len(CLASSES)):
        mine = rng.permutation(np.flatnonzero(source.target == label))
        cut = round(TRAIN_SHARE * len(mine))
        halves["train"].append(mine[:cut])
        halves["test"].append(mine[cut:])
    splits = {}
    for split, digits in halves.items():
        rng = stream(seed, name, split)
        chosen = [np.resize(mine, per_class(sizes[split], scale)) for mine in digits]
        pixels = [_enlarge(rng, source.images[index]) for index in chosen]
        images = assemble(f"{name} stand-in {split}", CLASSES, pixels, chosen)
        splits[split] = images if split == "train" else images.seal()
    return splits


def _enlarge(rng: np.random.Generator, small: np.ndarray) -> np.ndarray:
    """8 × 8 pictures of 0..16 → uint8, n × 1 × 28 × 28: bicubic, slightly turned, sheared, scaled and moved."""
    n = len(small)
    turn, shear = rng.normal(0, 0.08, n), rng.normal(0, 0.1, n)
    zoom = SIDE / BOX * np.exp(rng.normal(0, 0.06, (2, n)))
    move = rng.normal(0, 1.0, (2, n)) / (SIDE / 2)
    theta = np.stack(
        [
            np.stack([zoom[0] * np.cos(turn), zoom[0] * (shear - np.sin(turn)), move[0]], 1),
            np.stack([zoom[1] * np.sin(turn), zoom[1] * np.cos(turn), move[1]], 1),
        ],
        1,
    )
    grid = functional.affine_grid(torch.from_numpy(theta), [n, 1, SIDE, SIDE], align_corners=False)
    large = functional.grid_sample(torch.from_numpy(small)[:, None] / 16, grid, "bicubic", align_corners=False)
    crisp = (large - 0.25) / 0.6  # pixels of 8 × 8 are grey at strokes' edges; enlarged, these are to be narrow again
    return (crisp.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
