"""Drawn stand-ins for the sets that may not be passed on: Kannada digits, and toy cows and horses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image, ImageDraw
from scipy.interpolate import CubicSpline

from course_utils.core.errors import DataError
from course_utils.data.images import Images

# ---------------------------------------------------------------------- Kannada digits

SIDE, BOX = 28, 20  # a picture, and the box its digit is fitted to, in pixels
POINTS = 60  # on each pen path
SKELETONS = (  # where the pen passes, as "x,y" in hundredths of the glyph's height, y downwards
    "29,4 11,16 2,48 11,84 29,98 48,86 56,50 48,16 29,2 19,8",
    "6,100 5,60 10,22 27,2 45,20 51,60 50,100",
    "0,86 35,86 75,82 100,60 102,25 82,3 62,14 56,45 68,72 88,76",
    "10,32 6,14 22,1 37,12 39,38 26,62 7,86 1,76 10,62 26,72 48,98",
    "2,3 6,26 22,50 34,72 36,90 26,100 15,90 18,70 34,42 51,4",
    "4,30 3,14 16,2 30,16 28,46 18,84 6,96 1,82 9,62 32,54 54,48 68,24 63,4 54,10 51,50 52,78 56,100",
    "39,10 22,1 7,14 13,32 37,41 38,44 15,54 2,76 17,95 44,96 85,84",
    "9,24 17,5 39,2 50,18 42,44 22,72 5,94 6,96 37,94 74,88",
    "30,46 42,26 34,6 16,6 4,34 6,70 28,98 54,94 68,66 66,34 68,14 71,13 86,10 104,9",
    "98,4 62,6 24,12 8,28 22,46 42,50 42,53 18,60 6,78 22,96 58,90",
)
WRITERS = {"train": (300, 30), "test": (100, 10), "dig": (100, 10)}  # pictures a class at scale 1, writers


def kannada(scale: float) -> dict[str, Images]:
    """Draw train and, by other writers, the sealed test and dig, whose writers lean and widen their digits more.

    1 × 28 × 28, white ink on black; groups are writers, each of whom writes every digit in one hand.
    """
    splits, first = {}, 0
    for split, (size, writers) in WRITERS.items():
        rng = _stream("kannada", split)
        n = _per_class(size, scale)
        writer = np.arange(n) * writers // n
        hands = _stream("kannada hands", split).normal(size=(3, writers, 1))[:, writer]
        pixels = np.stack([_write(rng, hands, skeleton, split == "dig") for skeleton in SKELETONS], axis=1)
        images = Images(
            torch.from_numpy(pixels.reshape(-1, 1, SIDE, SIDE)),
            torch.arange(10).repeat(n),
            tuple("0123456789"),
            f"kannada stand-in {split}",
            split != "train",
            torch.from_numpy(first + writer).repeat_interleave(10),
        )
        splits[split], first = images, first + writers
    return splits


def _write(rng: np.random.Generator, hands: np.ndarray, skeleton: str, wide: bool) -> np.ndarray:
    """Write one digit in each of n hands (3 × n × 1: slant, width and pen as normal deviates): uint8, n × 28 × 28."""
    slant, width, pen = hands
    slant, width = (0.15 + 0.18 * slant, 0.4 + 0.22 * width) if wide else (0.05 + 0.13 * slant, 0.18 * width)
    passes = np.array([xy.split(",") for xy in skeleton.split()], float) / 100
    time = np.append(0, np.linalg.norm(np.diff(passes, axis=0), axis=1).cumsum())
    path = CubicSpline(time, passes)(np.linspace(0, time[-1], POINTS))
    cosines = np.cos(np.pi * np.arange(1, 6)[:, None] * np.linspace(0, 1, POINTS))  # smooth detours of the pen
    path = path + np.einsum("nkc,kp->npc", rng.normal(0, 0.025, (len(pen), 5, 2)), cosines)
    x, y = path[..., 0], path[..., 1]
    path = np.stack([(x - slant * y) * np.exp(width), y], axis=-1)
    path *= BOX / np.ptp(path, axis=1).max(axis=1)[:, None, None]
    path += SIDE / 2 - 0.5 - path.mean(1, keepdims=True) + rng.normal(0, 1.2 if wide else 0.5, (len(pen), 1, 2))
    grid, ink = np.arange(SIDE), np.full((len(pen), SIDE, SIDE), np.inf)
    for point in path.transpose(1, 0, 2):  # the squared distance to the pen's path
        square = (grid - point[:, :1])[:, None, :] ** 2 + (grid - point[:, 1:])[:, :, None] ** 2
        np.minimum(ink, square, out=ink)
    radius = np.clip((1.05 if wide else 0.8) + 0.2 * pen, 0.6, None)[..., None]
    return (255 * np.clip(radius + 0.5 - np.sqrt(ink), 0, 1)).round().astype(np.uint8)


# ---------------------------------------------------------------------- toy cows and horses

PHOTO = 256  # of a picture, in pixels
ANIMALS = {"train": (41, range(1)), "test": (41, range(1, 2)), "extra": (328, range(2, 10))}  # pictures, animals
COATS = {"horse": ("#683e26", "#9e5c32", "#463630", "#784828"), "cow": ("#ece8e0", "#8e5430", "#968e84", "#d4ba8c")}


def cows_horses(scale: float) -> dict[str, Images]:
    """Draw train (41 views of one horse and of one cow at scale 1), the sealed test (of another two) and extra (of the
    other eight of each).

    3 × 256 × 256; label 0 is horse, 1 is cow. groups are animals: cows 0 … 9, horses 10 … 19.
    """
    splits = {}
    for split, (size, numbers) in ANIMALS.items():
        n = _per_class(size, scale)
        seen = [  # (kind, number of the animal, view, of how many)
            (kind, number, view, views)
            for kind in ("horse", "cow")
            for k, number in enumerate(numbers[:n])
            for views in [len(range(k, n, len(numbers)))]
            for view in range(views)
        ]
        pixels = np.stack([_photograph(kind, number, view / views) for kind, number, view, views in seen])
        splits[split] = Images(
            torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(),
            torch.tensor([int(kind == "cow") for kind, *_ in seen]),
            ("horse", "cow"),
            f"cows-horses stand-in {split}",
            split == "test",
            torch.tensor([number + 10 * (kind == "horse") for kind, number, *_ in seen]),
        )
    return splits


def _photograph(kind: str, number: int, turn: float) -> np.ndarray:
    """Draw one animal on blue cloth, `turn` (0..1) of the way round it: uint8, 256 × 256 × 3."""
    animal = _stream(kind, str(number))
    cow = kind == "cow"
    stout, tall = animal.uniform(0.9, 1.1), animal.uniform(0.95, 1.05)
    coat, mark = COATS[kind][animal.integers(4)], "#161414" if number % 2 else "#5a3218"
    patches = animal.uniform([-45, -16, 8], [45, 16, 20], (6, 3))
    picture = Image.new("RGB", (PHOTO, PHOTO), (58, 74, 172))
    pen = ImageDraw.Draw(picture)
    angle = 2 * np.pi * turn
    along, across = np.cos(angle), np.sin(angle)  # how much of its length, and of its width, is seen

    def at(forwards: float, up: float, side: float = 0) -> tuple[float, float]:
        return PHOTO / 2 + forwards * along + side * across, 222 - tall * up + 0.12 * (side * along - forwards * across)

    def ball(place: tuple[float, float], wide: float, high: float, paint: str) -> None:
        pen.ellipse((place[0] - wide, place[1] - high, place[0] + wide, place[1] + high), fill=paint)

    def limb(*places: tuple[float, float], thick: float, paint: str = coat) -> None:
        pen.line(places, fill=paint, width=round(thick), joint="curve")
        for place in places:
            ball(place, thick / 2, thick / 2, paint)

    hip = 62 if cow else 92
    back, girth = (hip + 38, 36 * stout) if cow else (hip + 26, 27 * stout)
    pen.ellipse((50, 205, 206, 240), fill=(84, 108, 205))  # the table
    for forwards in (-48, 44):
        for side in (-16, 16):
            limb(at(forwards, hip, side), at(forwards, 4, side), thick=14 if cow else 10)
    wide = np.hypot(66 * along, girth * across)
    ball(at(0, back - 10), wide, girth, coat)
    if cow:
        for forwards, up, size in patches:
            ball(at(forwards, back - 10 + up / 2), size * max(abs(along), 0.3), size * 0.8, mark)
        head = at(92, back + 2)
        limb(at(52, back + 6), head, thick=34)
        ball(head, 20, 17, coat)
        for side in (-16, 16):
            limb(head, at(94, back + 36, side * 1.6), thick=6, paint="#e2d7b9")  # horns
        ball(at(-14, hip - 6), 12, 10, "#d6968c")  # udder
        limb(at(-64, back), at(-72, 40), thick=5)
    else:
        head = at(100, back + 52)
        limb(at(48, back), at(74, back + 62), thick=30)
        limb(at(74, back + 62), head, thick=20)
        limb(at(38, back + 26), at(66, back + 76), thick=12, paint="#26201c")  # mane
        limb(at(-62, back), at(-78, 40), thick=14, paint="#26201c")  # tail
    return np.asarray(picture)


# ---------------------------------------------------------------------- both

DRAWN: dict[str, Callable[[float], dict[str, Images]]] = {"kannada": kannada, "cows-horses": cows_horses}


def draw(name: str, scale: float = 1.0) -> dict[str, Images]:
    """Draw the stand-in of `name` ("kannada" or "cows-horses"): its splits by name, always the same.

    scale: factor on the number of pictures, which is the same in each class and at least 2. Splits to test on are
    sealed. Raises DataError for another name.
    """
    if name not in DRAWN:
        raise DataError(f"there is no stand-in for data set {name!r}; expected one of {', '.join(DRAWN)}")
    return DRAWN[name](scale)


def _stream(*names: str) -> np.random.Generator:
    """A random generator of its own for each named part, so that no part's size changes another's pictures."""
    return np.random.default_rng([*"/".join(names).encode()])


def _per_class(n: int, scale: float) -> int:
    return max(2, round(n * scale))
