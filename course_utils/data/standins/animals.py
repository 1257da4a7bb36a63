"""Toy cows and horses on a blue cloth, modelled in balls and seen from ETH-80's 41 directions."""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
import torch

from course_utils.data.images import Images
from course_utils.data.standins.animal_models import Animal, cow, horse
from course_utils.data.standins.common import per_class, stream

CLASSES = ("horse", "cow")
SIDE = 256  # of a picture, in pixels
FINE = 2 * SIDE  # of the grid that it is drawn on
ZOOM = 0.43 * FINE  # fine pixels to a unit of length; a cow is 1 unit high
TABLE = 1.35  # radius of the round table the toy stands on
MIDDLE = np.array([0, 0.54, 0], np.float32)  # what the camera looks at: forwards, up, to the right
FAR = 3  # farther than anything
STEPS, BITS = 4096, 10  # depth steps to a unit of length; bits for a ball's number
VIEWS = [  # (polar angle, azimuth) in degrees: 0 is from above and 90 level; azimuth 0 has the animal face the camera
    *((90, azimuth) for azimuth in (270, 90, 315, 45, 292, 68, 248, 112, 225, 135, 22, 338, 0, 158, 202, 180)),
    *((66, azimuth) for azimuth in (297, 63, 243, 117, 333, 27, 207, 153)),
    *((68, azimuth) for azimuth in (270, 90, 0, 180)),
    *((45, azimuth) for azimuth in (270, 90, 0, 180)),
    *((35, azimuth) for azimuth in (315, 45, 225, 135)),
    *((22, azimuth) for azimuth in (270, 90, 0, 180)),
    (0, 0),
]
SPLITS = {"train": (41, range(1)), "test": (41, range(1, 2)), "extra": (328, range(2, 10))}  # pictures, objects


def draw_animals(seed: int, scale: float) -> dict[str, Images]:
    """Splits "train" (41 views of one horse and of one cow at scale 1), "test" (sealed; of another two) and "extra"
    (of the other eight of each).

    3 × 256 × 256; label 0 is horse, 1 is cow. groups are objects: cows 0 … 9, horses 10 … 19.
    """
    splits = {}
    for split, (size, objects) in SPLITS.items():
        n = per_class(size, scale)
        pixels, labels, groups = [], [], []
        for label, (model, first) in enumerate(((horse, 10), (cow, 0))):
            for k, number in enumerate(objects[:n]):
                views = _views(len(range(k, n, len(objects))))
                animal = model(stream(seed, model.__name__, str(number)))
                pixels += [_photograph(animal, view) for view in views]
                labels += [label] * len(views)
                groups += [first + number] * len(views)
        images = Images(
            torch.from_numpy(np.stack(pixels)),
            torch.tensor(labels),
            CLASSES,
            f"cows-horses stand-in {split}",
            False,
            torch.tensor(groups),
        )
        splits[split] = images.seal() if split == "test" else images
    return splits


def _views(n: int) -> list[tuple[int, int]]:
    """`n` of the 41 directions, evenly spread; more than 41 are seen from 5° further round."""
    if n <= len(VIEWS):
        return [VIEWS[k * len(VIEWS) // n] for k in range(n)]
    return [(VIEWS[k % 41][0], VIEWS[k % 41][1] + 5 * (k // 41)) for k in range(n)]


def _photograph(animal: Animal, view: tuple[int, int]) -> np.ndarray:
    """One animal from one direction: uint8, 3 × 256 × 256.

    Camera coordinates are x to the right, y up and z towards the camera, in units of length, parallel perspective.
    """
    to_camera = _rotation(*view)
    centres = to_camera @ (animal.balls[:, :3] - MIDDLE).T
    buffer = _nearest(centres, animal.balls[:, 3])
    pixel = np.flatnonzero(buffer)
    key, row, column = buffer.take(pixel), pixel // FINE, pixel % FINE
    ball, depth = key & (2**BITS - 1), key >> BITS

    x, y = (column + 0.5 - FINE / 2) / ZOOM, (FINE / 2 - row - 0.5) / ZOOM
    point = np.stack([x, y, depth / STEPS - FAR], dtype=np.float32)  # 3 × N, as all that follows
    normal = (point - centres.take(ball, 1)) / animal.balls[:, 3].take(ball)
    axis = (to_camera @ animal.axes.T).take(ball, 1)  # without the part along it, a chain is a tube without grooves
    normal -= (normal * axis).sum(0) * axis
    light = to_camera[:, 1] + np.array([-0.45, 0.1, 0.6], np.float32)  # from above, the left and the camera
    facing = (light / np.linalg.norm(light) @ normal).clip(0, 1)
    colour = animal.colour(to_camera.T @ point + MIDDLE[:, None], ball)
    colour *= 0.42 + 0.68 * facing
    colour += 350 * (facing - 0.9).clip(0)

    paint = np.zeros((4, FINE, FINE), np.float32)  # red, green, blue, and how much of a pixel is covered
    paint[:3].reshape(3, -1)[:, pixel] = colour.clip(0, 255)
    paint[3].reshape(-1)[pixel] = 1
    top, bottom, left, right = row[0] // 2, row[-1] // 2 + 1, column.min() // 2, column.max() // 2 + 1
    part = paint[:, 2 * top : 2 * bottom, 2 * left : 2 * right]
    part = (part[:, ::2, ::2] + part[:, ::2, 1::2] + part[:, 1::2, ::2] + part[:, 1::2, 1::2]) / 4
    picture = _cloth(*view).copy()
    behind = picture[:, top:bottom, left:right]
    behind[:] = (behind * (1 - part[3]) + part[:3]).round()
    return picture


def _rotation(polar: int, azimuth: int) -> np.ndarray:
    """From the animal's axes (forwards, up, to its right) to the camera's: float32, 3 × 3."""
    tilt, turn = np.deg2rad(_tilt(polar)), np.deg2rad(azimuth)
    return np.array(
        [
            [np.sin(turn), 0, -np.cos(turn)],
            [-np.cos(turn) * np.sin(tilt), np.cos(tilt), -np.sin(turn) * np.sin(tilt)],
            [np.cos(turn) * np.cos(tilt), np.sin(tilt), np.sin(turn) * np.cos(tilt)],
        ],
        np.float32,
    )


def _tilt(polar: int) -> int:
    """Degrees the camera looks down by; a few in "level" views too, as else the table would be a line."""
    return max(90 - polar, 9)


def _nearest(centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Which of B balls at `centres` (3 × B) each fine pixel shows, and how near: int32, FINE × FINE; 0 where none.

    The upper bits are the depth (in STEPS, from −FAR) and the lower ones the ball, so "nearest wins" is a maximum.
    """
    buffer = np.zeros((FINE, FINE), np.int32)
    reach = (radii * ZOOM).astype(int)
    edge = FINE - 1 - reach  # nothing sticks out of the picture
    column = np.clip(FINE / 2 + centres[0] * ZOOM, reach, edge).astype(int)
    row = np.clip(FINE / 2 - centres[1] * ZOOM, reach, edge).astype(int)
    keys = (((centres[2] + FAR) * STEPS).astype(np.int32) << BITS) + np.arange(len(radii), dtype=np.int32)
    for i, j, by, key, radius in zip(row.tolist(), column.tolist(), reach.tolist(), keys, radii.tolist(), strict=True):
        part = buffer[i - by : i + by + 1, j - by : j + by + 1]
        np.maximum(part, _dome(radius) + key, out=part)
    return buffer


@lru_cache(512)  # the balls of one animal
def _dome(radius: float) -> np.ndarray:
    """A ball's height over its centre in a square of fine pixels, as keys to add, far below 0 outside: int32."""
    reach = int(radius * ZOOM)
    square = (np.arange(-reach, reach + 1) / ZOOM) ** 2
    height = radius**2 - square[:, None] - square
    return np.where(height > 0, (np.sqrt(height.clip(0)) * STEPS).astype(np.int32) << BITS, -(2**30)).astype(np.int32)


@cache
def _cloth(polar: int, azimuth: int) -> np.ndarray:
    """The blue surroundings with the animal's soft shadow: uint8, 3 × 256 × 256."""
    tilt, turn = np.deg2rad(_tilt(polar)), np.deg2rad(azimuth)
    axis = (np.arange(SIDE) + 0.5 - SIDE / 2) * (FINE / SIDE) / ZOOM
    x, y = axis, -axis[:, None]
    near = -(y + MIDDLE[1] * np.cos(tilt)) / np.sin(tilt)  # towards the camera, on the table
    edge = np.sqrt((TABLE**2 - x**2).clip(0))
    within = ((edge - abs(near)) * np.sin(tilt) / (axis[1] - axis[0]) + 0.5).clip(0, 1)[..., None]
    side = ((near > edge) & (abs(x) < TABLE))[..., None]
    forwards, sideways = x * np.sin(turn) + near * np.cos(turn), near * np.sin(turn) - x * np.cos(turn)
    shadow = np.exp(-((forwards / 0.55) ** 4) - (sideways / 0.3) ** 2)[..., None]
    wall = np.array([58.0, 74.0, 172.0]) * (1.05 - 0.22 * (x**2 + 0.5 * y**2))[..., None] * (1 - 0.25 * side)
    top = np.array([84.0, 108.0, 205.0]) * (1.03 - 0.09 * (near / TABLE) ** 2)[..., None] * (1 - 0.45 * shadow)
    return (wall * (1 - within) + top * within).clip(0, 255).round().astype(np.uint8).transpose(2, 0, 1)
