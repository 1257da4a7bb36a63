"""Kannada digits ೦ – ೯, written by invented writers along stroke skeletons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

from course_utils.data.images import Images
from course_utils.data.standins.common import assemble, per_class, stream

CLASSES = tuple("0123456789")
SIDE, BOX = 28, 20  # a picture, and the box its digit is fitted to: Kannada-MNIST's, in pixels
POINTS = 80  # on each pen path

# Where the pen passes, as "x,y" in hundredths of the glyph's height, y downwards; a writer keeps to one of the forms.
SKELETONS: dict[int, tuple[str, ...]] = {
    0: (
        "29,4 11,16 2,48 11,84 29,98 48,86 56,50 48,16 29,2 19,8",
        "32,3 11,20 3,55 16,92 36,98 54,78 58,42 46,12 30,6 24,20",
    ),
    1: (
        "6,100 5,60 10,22 27,2 45,20 51,60 50,100",
        "2,98 10,55 24,15 34,2 44,8 46,50 45,98",
    ),
    2: (
        "0,86 35,86 75,82 100,60 102,25 82,3 62,14 56,45 68,72 88,76",
        "0,88 30,88 70,80 96,55 98,22 76,2 52,14 50,42 66,48 74,34",
    ),
    3: (
        "10,32 6,14 22,1 37,12 39,38 26,62 7,86 1,76 10,62 26,72 48,98",
        "22,26 12,32 6,18 17,2 33,6 39,28 32,54 13,90 3,90 3,70 17,64 30,78 49,90",
    ),
    4: (
        "2,3 6,26 22,50 34,72 36,90 26,100 15,90 18,70 34,42 51,4",
        "22,20 18,5 8,4 4,20 14,42 27,60 36,80 28,98 16,96 14,82 26,58 40,36 56,10",
    ),
    5: (
        "4,30 3,14 16,2 30,16 28,46 18,84 6,96 1,82 9,62 32,54 54,48 68,24 63,4 54,10 51,50 52,78 56,100",
        "16,26 6,28 6,8 22,2 30,22 26,60 14,92 3,92 3,72 21,58 46,52 58,34 60,6 57,4 56,40 54,70 62,98",
    ),
    6: (
        "39,10 22,1 7,14 13,32 37,41 38,44 15,54 2,76 17,95 44,96 85,84",
        "33,4 18,6 13,26 29,42 30,46 11,58 4,82 22,98 52,96 79,94",
    ),
    7: (
        "9,24 17,5 39,2 50,18 42,44 22,72 5,94 6,96 37,94 74,88",
        "13,20 26,3 42,8 42,34 31,66 20,92 22,96 46,95 68,84",
    ),
    8: (
        "30,46 42,26 34,6 16,6 4,34 6,70 28,98 54,94 68,66 66,34 68,14 71,13 86,10 104,9",
        "8,20 26,14 34,28 20,42 6,36 4,56 16,92 42,99 62,78 66,40 68,12 71,11 86,8 102,4",
    ),
    9: (
        "98,4 62,6 24,12 8,28 22,46 42,50 42,53 18,60 6,78 22,96 58,90",
        "86,6 50,8 16,6 15,9 16,34 38,46 38,50 18,58 12,76 30,98 52,96",
    ),
}


@dataclass(frozen=True)
class Population:
    """How a group of people writes: (mean, spread) over its writers, lengths in pixels."""

    writers: int
    radius: tuple[float, float]  # half the pen's width
    slant: tuple[float, float]  # shear: > 0 leans to the right
    width: tuple[float, float]  # log of the factor on a glyph's width
    size: tuple[float, float]  # log of the factor on the 20-pixel box
    form: float = 0.03  # how far a writer's form of a digit is off the skeleton, in glyph heights
    hand: float = 0.018  # how far one digit is off its writer's form, in glyph heights
    shift: float = 0.5  # spread of the place, in pixels
    dry: float = 0.25  # relative spread of the pen's width along a stroke
    ruled: float = 0.0  # share of digits that keep a trace of the page's grid


KANNADA = {"radius": (0.78, 0.18), "slant": (0.05, 0.13), "width": (0.0, 0.18), "size": (0.0, 0.0)}
POPULATIONS = {
    "train": (600, Population(writers=60, **KANNADA)),
    "test": (100, Population(writers=10, **KANNADA)),
    "dig": (
        100,
        Population(
            writers=10,
            radius=(1.05, 0.3),
            slant=(0.15, 0.18),
            width=(0.4, 0.22),
            size=(-0.1, 0.15),
            form=0.032,
            hand=0.024,
            shift=1.2,
            ruled=0.2,
        ),
    ),
}


def draw_kannada(seed: int, scale: float) -> dict[str, Images]:
    """train (6,000 at scale 1), and the sealed test (1,000, other writers) and dig (1,000, writers of another kind).

    1 × 28 × 28, white ink on black, upright; groups are writers.
    """
    splits, first_writer = {}, 0
    for split, (n, people) in POPULATIONS.items():
        rng = stream(seed, "kannada", split)
        n = per_class(n, scale)
        writer = np.arange(n) * people.writers // n
        pixels = _write(rng, people, writer)
        images = assemble(f"kannada stand-in {split}", CLASSES, pixels, [first_writer + writer] * len(CLASSES))
        splits[split] = images if split == "train" else images.seal()
        first_writer += people.writers
    return splits


def _write(rng: np.random.Generator, people: Population, writer: np.ndarray) -> list[np.ndarray]:
    """For each digit, one picture by each of `writer` (n ids below people.writers): uint8, n × 1 × 28 × 28."""

    def style(mean_spread: tuple[float, float]) -> np.ndarray:
        return rng.normal(*mean_spread, people.writers)[writer]

    radius = style(people.radius).clip(0.6)
    slant, width, size = style(people.slant), np.exp(style(people.width)), np.exp(style(people.size))
    pixels = []
    for forms in SKELETONS.values():
        form = rng.integers(len(forms), size=people.writers)
        path = np.stack([_pen_path(skeleton) for skeleton in forms])[form]
        room = np.ptp(path, axis=1, keepdims=True).clip(max=1)  # a narrow glyph's detours to the side are small
        path = (path + room * _waves(rng, people.form, people.writers))[writer]
        path += room[writer] * _waves(rng, people.hand, len(writer))
        path = _place(rng, people, path, slant, width, size)
        dryness = gaussian_filter1d(rng.normal(size=path.shape[:2]), 4, axis=1) * 4**0.5 * 1.9  # of spread 1
        ink = _ink(path, radius[:, None] * (1 + people.dry * dryness).clip(0.1, 1.4))
        _rule(rng, people, ink)
        pixels.append((255 * ink[:, None]).round().astype(np.uint8))
    return pixels


def _pen_path(skeleton: str) -> np.ndarray:
    """The smooth curve through a skeleton's points: POINTS × 2, in glyph heights."""
    passes = np.array([xy.split(",") for xy in skeleton.split()], float) / 100
    time = np.append(0, np.linalg.norm(np.diff(passes, axis=0), axis=1).cumsum())
    return CubicSpline(time, passes)(np.linspace(0, time[-1], POINTS))


def _waves(rng: np.random.Generator, spread: float, n: int) -> np.ndarray:
    """Smooth random detours of pen paths, n × POINTS × 2: five cosines of a path's time, each of that spread."""
    cosines = np.cos(np.pi * np.arange(1, 6)[:, None] * np.linspace(0, 1, POINTS))
    return np.einsum("nkc,kp->npc", rng.normal(0, spread, (n, 5, 2)), cosines)


def _place(
    rng: np.random.Generator,
    people: Population,
    path: np.ndarray,
    slant: np.ndarray,
    width: np.ndarray,
    size: np.ndarray,
) -> np.ndarray:
    """Slant and widen each path, fit it to the box, and put its centre of mass near the picture's: in pixels."""
    x, y = path[..., 0], path[..., 1]
    path = np.stack([(x - slant[:, None] * y) * width[:, None], y], -1)
    path *= BOX / np.ptp(path, axis=1).max(1)[:, None, None] * size.clip(0.6, 1.1)[:, None, None]
    path -= path.mean(1, keepdims=True)
    path += rng.normal(0, people.shift, (len(path), 1, 2))
    reach = SIDE / 2 - 1.5
    return SIDE / 2 - 0.5 + path + (np.clip(path.min(1), -reach, None) - path.min(1))[:, None] * 0.5


def _ink(path: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Coverage in [0, 1], n × 28 × 28, by a round pen of `radius` (n × POINTS) along `path` (n × POINTS × 2).

    The least *power* d² − r² to the path's points tells a pixel's place: it falls through 0 at the stroke's edge, with
    slope 2r. It is a sum of a row's and a column's part, which makes it cheap.
    """
    grid = np.arange(SIDE)
    across = (grid - path[..., :1]).astype(np.float32) ** 2
    down = (grid - path[..., 1:]).astype(np.float32) ** 2 - (radius**2)[..., None].astype(np.float32)
    ink = np.empty((len(path), SIDE, SIDE), np.float32)
    for start in range(0, len(path), 100):  # small enough to stay in the processor's cache
        part = slice(start, start + 100)
        power = np.full_like(ink[part], np.inf)
        for p in range(POINTS):
            np.minimum(power, down[part, p, :, None] + across[part, p, None, :], out=power)
        ink[part] = 0.5 - power / (2 * radius[part].mean(1)[:, None, None])
    return ink.clip(0, 1)


def _rule(rng: np.random.Generator, people: Population, ink: np.ndarray) -> None:
    """Leave a line of the page's grid near an edge of some pictures (in place)."""
    for i in np.flatnonzero(rng.random(len(ink)) < people.ruled):
        picture = ink[i].T if rng.random() < 0.5 else ink[i]
        line = rng.choice([2, 3, SIDE - 4, SIDE - 3])
        start, end = rng.integers(2, 6), rng.integers(SIDE - 6, SIDE - 2)
        picture[line, start:end] = np.maximum(picture[line, start:end], rng.uniform(0.6, 1))
