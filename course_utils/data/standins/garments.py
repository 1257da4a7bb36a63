"""Ten garments in the manner of Fashion-MNIST: drawn silhouettes with seams, shading and patterns."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter, zoom

from course_utils.data.images import Images
from course_utils.data.standins.common import assemble, per_class, stream

SIDE, FINE = 28, 4  # a picture in pixels, and the finer grid it is drawn on

Points = list[tuple[float, float]]
Part = tuple[
    str, Points, float
]  # "polygon", "line" or "ellipse" (its box); points in pixels; tone, 1 = the cloth's own
Uniform = Callable[[float, float], float]


def draw_garments(seed: int, scale: float) -> dict[str, Images]:
    """Splits "train" (6,000 at scale 1) and "test" (1,000, sealed): 1 × 28 × 28, grey on black; groups are −1."""
    splits = {}
    for split, size in (("train", 600), ("test", 100)):
        rng = stream(seed, "fashion", split)
        n = per_class(size, scale)
        pixels = [
            _dye(rng, np.stack([_cut(garment(rng.uniform), rng.uniform) for _ in range(n)]), patterned)
            for garment, patterned in GARMENTS.values()
        ]
        groups = [np.full(n, -1)] * len(GARMENTS)
        images = assemble(f"fashion stand-in {split}", tuple(GARMENTS), pixels, groups)
        splits[split] = images if split == "train" else images.seal()
    return splits


def _cut(parts: Iterator[Part], u: Uniform) -> np.ndarray:
    """A garment's parts, each drawn over the ones before it, as tones in [0, 1.3]: float32, 28 × 28.

    Its fit and place are drawn by lot, and how plainly its details show: faint ones leave a coat much like a pullover.
    """
    sheet = Image.new("L", (SIDE * FINE, SIDE * FINE))
    pen = ImageDraw.Draw(sheet)
    wide, high, right, down, plain = u(0.82, 1.04), u(0.84, 1.02), u(-0.8, 0.8), u(-0.8, 0.8), u(0.05, 1)
    for kind, points, tone in parts:
        points = [(FINE * (14 + wide * (x - 14) + right), FINE * (14 + high * (y - 14) + down)) for x, y in points]
        grey = round(190 * (1 + plain * (tone - 1))) if tone else 0
        if kind == "polygon":
            pen.polygon(points, fill=grey)
        elif kind == "ellipse":
            pen.ellipse(points, fill=grey)
        else:
            pen.line(points, fill=grey, width=3, joint="curve")
    return np.asarray(sheet.reduce(FINE), np.float32) / 190


def _dye(rng: np.random.Generator, tones: np.ndarray, patterned: float) -> np.ndarray:
    """Give n garments a colour, soft folds and, to a share of them, a pattern: uint8, n × 1 × 28 × 28."""
    n = len(tones)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    folds = zoom(rng.normal(0, 0.09, (n, 7, 5)), (1, SIDE / 7, SIDE / 5), order=1)
    rounded = 0.75 + 0.25 * gaussian_filter((tones > 0.3).astype(np.float32), (0, 1.5, 1.5))
    wave = rng.uniform(3, 9, (n, 1, 1)), rng.uniform(0, 2 * np.pi, (n, 1, 1))
    across = np.sin(2 * np.pi * wave[0] * y + wave[1])
    down = np.sin(2 * np.pi * wave[0] * x + wave[1])
    speckled = gaussian_filter(rng.normal(0, 1.8, (n, SIDE, SIDE)), (0, 0.8, 0.8))
    patterns = np.stack([np.sign(across), (across + down) / 1.4, speckled])[rng.integers(3, size=n), np.arange(n)]
    strength = rng.uniform(0.1, 0.4, (n, 1, 1)) * (rng.random((n, 1, 1)) < patterned)
    colour = rng.beta(2.5, 1.5, (n, 1, 1)) * 0.75 + 0.25
    cloth = tones * colour * rounded * (1 + folds) * (1 + strength * patterns).clip(0.3)
    return (255 * cloth[:, None]).clip(0, 255).round().astype(np.uint8)


# ---------------------------------------------------------------- how each is cut: x to the right, y downwards, 0..28


def _both(half: Points) -> Points:
    """A symmetric outline from its right half, given as (distance from the middle, y)."""
    return [(14 + x, y) for x, y in half] + [(14 - x, y) for x, y in reversed(half)]


def _sleeves(wide: float, end: tuple[float, float], cuff: float, tone: float) -> Iterator[Part]:
    """From shoulders `wide` off the middle to `end` (distance from the middle, y), `cuff` pixels across there."""
    x, y = end
    right = [(14 + wide - 1.5, 2.8), (14 + wide + 0.8, 4.5), (14 + x, y), (14 + x - cuff, y + 0.5), (14 + wide - 1, 10)]
    yield "polygon", right, tone
    yield "polygon", [(28 - px, py) for px, py in right], tone


def _top(u: Uniform, wide: float, waist: float, hem: float, neck: float, deep: float) -> Iterator[Part]:
    """A torso with shoulders, armholes and a round neckline."""
    yield "polygon", _both([(neck, 1.6), (wide, 3.4), (wide - 0.3, 9), (waist, 17), (waist + u(0, 0.8), hem)]), 1.0
    yield "ellipse", [(14 - neck, 1.6 - deep), (14 + neck, 1.6 + deep)], 0.0


def _t_shirt(u: Uniform) -> Iterator[Part]:
    wide, hem = u(5.8, 7.2), u(25, 27.5)
    end = (wide + u(3.2, 5), u(9, 12)) if u(0, 1) < 0.9 else (wide + u(3, 4.6), hem - u(0, 3))
    yield from _sleeves(wide, end, u(2.4, 3.6), u(0.85, 1))
    yield from _top(u, wide, wide - u(0, 0.8), hem, u(2, 3.2), u(1.4, 3))
    if u(0, 1) < 0.35:  # a print on the chest
        x, y, tone = u(1.5, 3.5), u(2, 4), u(0.3, 1.3)
        yield "ellipse", [(14 - x, 11 - y / 2), (14 + x, 11 + y)], tone


def _trouser(u: Uniform) -> Iterator[Part]:
    waist, hip, knee, ankle, apart = u(3.4, 4.6), u(4.4, 5.6), u(4.2, 5.6), u(3.6, 6.6), u(0.3, 1.2)
    crotch = u(9, 12)
    right = [(14, 1), (14 + waist, 1), (14 + hip, 7), (14 + knee, 17), (14 + ankle, 27.3)]
    right += [(14 + apart + max(ankle - 4, 0) / 2, 27.3), (14 + apart, 17), (14, crotch)]
    yield "polygon", right, 1.0
    yield "polygon", [(28 - x, y) for x, y in right], 0.94
    yield "line", [(14 - waist, 2.6), (14 + waist, 2.6)], 0.7
    yield "line", [(14, 2.6), (14, crotch - 1)], 0.75


def _pullover(u: Uniform) -> Iterator[Part]:
    wide, hem = u(5.6, 6.8), u(24, 27)
    yield from _sleeves(wide, (wide + u(3, 4.8), hem - u(0, 2.5)), u(2.2, 3), u(0.85, 0.95))
    yield from _top(u, wide - 0.4, wide - u(0.4, 1.2), hem, u(2, 3.2), u(1, 2.2))
    yield "line", [(14 - wide + 1, hem - 1.8), (14 + wide - 1, hem - 1.8)], 0.75  # ribbed hem
    yield "line", _both([(wide - 0.7, 7), (wide - 0.9, hem - 2)])[:2], 0.45
    yield "line", _both([(wide - 0.7, 7), (wide - 0.9, hem - 2)])[2:], 0.45


def _dress(u: Uniform) -> Iterator[Part]:
    wide, waist, skirt, neck = u(3.4, 4.6), u(2.6, 3.6), u(4, 7.5), u(1.6, 2.4)
    if u(0, 1) < 0.4:
        yield from _sleeves(wide, (wide + u(1.5, 3), u(8, 13)), u(1.8, 2.4), 0.9)
    yield "polygon", _both([(neck, 0.8), (wide, 1.6), (wide - 0.4, 6), (waist, 11), (skirt, 27.3)]), 1.0
    yield "ellipse", [(14 - neck, -u(1.5, 3)), (14 + neck, u(2.2, 4.5))], 0.0
    yield "line", [(14 - waist, 11), (14 + waist, 11)], u(0.5, 0.9)
    for x in (-0.4, 0.3):  # pleats
        yield "line", [(14 + x * waist, 13), (14 + x * skirt, 26.5)], 0.85


def _coat(u: Uniform) -> Iterator[Part]:
    wide, hem, neck = u(5.8, 7), u(25.5, 27.6), u(1.8, 2.6)
    yield from _sleeves(wide, (wide + u(2.8, 4.2), hem - u(2, 5)), u(2.8, 3.6), u(0.82, 0.92))
    yield from _top(u, wide, wide - u(0, 0.8), hem, neck, u(0.6, 1.2))
    yield "polygon", [(14 - neck - 1, 1.2), (14, 10), (14 - neck + 0.6, 10.5), (14 - neck - 2.4, 4)], 0.7  # lapels
    yield "polygon", [(14 + neck + 1, 1.2), (14, 10), (14 + neck - 0.6, 10.5), (14 + neck + 2.4, 4)], 0.7
    yield "polygon", [(14 - neck + 0.4, 1.4), (14 + neck - 0.4, 1.4), (14, 8.5)], 0.25
    yield "polygon", [(13.7, 9), (14.4, 9), (14.6, hem), (13.6, hem)], 0.15  # it opens in front
    for side in (-1, 1):
        yield "line", [(14 + side * 2.4, 18.5), (14 + side * (wide - 1.2), 17.5)], 0.55  # pockets
        yield "line", [(14 + side * (wide - 0.6), 8), (14 + side * (wide - 1), hem - 5)], 0.5


def _shirt(u: Uniform) -> Iterator[Part]:
    wide, hem, neck = u(5.4, 6.8), u(25, 27), u(1.8, 2.5)
    end = (wide + u(2.4, 4), hem - u(0, 3)) if u(0, 1) < 0.7 else (wide + u(3, 4.4), u(9, 12))
    yield from _sleeves(wide, end, u(2.2, 2.8), u(0.85, 0.95))
    yield from _top(u, wide - 0.2, wide - u(0.4, 1.4), hem - 1.6, neck, 0.8)
    yield "ellipse", [(14 - wide + 0.6, hem - 4), (14 + wide - 0.6, hem)], 0.97  # a rounded hem
    for side in (-1, 1):
        yield (
            "polygon",
            [(14 + side * neck, 0.8), (14, 3.2), (14 + side * 1.8, 5.4), (14 + side * (neck + 1.2), 2.6)],
            1.2,
        )
        yield "line", [(14 + side * (wide - 0.8), 8), (14 + side * (wide - 1.2), hem - 3)], 0.55
    yield "line", [(14, 3.5), (14, hem - 0.6)], 0.72
    for y in np.arange(6.5, hem - 2, 3.4):
        yield "ellipse", [(13.5, y), (14.6, y + 1.1)], 0.2  # buttons
    if u(0, 1) < 0.5:
        yield "line", [(16, 9.6), (18.6, 9.6), (18.6, 12.6), (16, 12.6), (16, 9.6)], 0.7  # a pocket


def _sandal(u: Uniform) -> Iterator[Part]:
    ball, heel, back, thick = u(19.5, 22), u(0, 7), u(24.5, 26.5), u(1.5, 4.5)
    arch, ground = ball - heel, ball + u(1.4, 2.6)
    yield (
        "polygon",
        [(1, ball), (10, ball), (back, arch), (back, arch + 2), (17, ball - heel / 3 + 2), (10, ground), (2, ground)],
        1.0,
    )
    yield "polygon", [(back - thick - 1, arch + 1), (back, arch), (back - 0.2, ground), (back - thick, ground)], 0.85
    tone, ankle = u(0.7, 1.25), arch - u(3.5, 6.5)
    yield "polygon", [(3, ball), (5.5, ball - 4.4), (8, ball - 4.6), (6.5, ball)], tone  # straps over the toes
    if u(0, 1) < 0.6:
        yield "polygon", [(8, ball), (9.5, ball - 5), (11.5, ball - 5), (11, ball)], tone
    yield "polygon", [(back - 2.2, arch + 0.5), (back - 1.6, ankle), (back, ankle), (back, arch + 0.5)], tone
    yield "polygon", [(back, ankle), (back, ankle + 1.5), (17.5, ankle + 2.6), (17, ankle + 1)], tone  # round the ankle
    if u(0, 1) < 0.5:
        yield "polygon", [(17, ankle + 1), (18.4, ankle + 2), (11, ball - 3), (9.5, ball - 4.6)], tone
    else:
        yield (
            "polygon",
            [(17, ankle + 1), (18.6, ankle + 2), (17.6, arch + heel / 2.6), (15.6, arch + heel / 2.4)],
            tone,
        )


def _sneaker(u: Uniform) -> Iterator[Part]:
    ground, high, toe = u(19, 21), u(7, 9), u(2.6, 3.8)
    yield (
        "polygon",
        [
            (1, ground - 2),
            (2.5, ground - toe - 0.6),
            (8, ground - toe - 1.8),
            (15, ground - high),
            (17, ground - high + 0.6),
            (22, ground - high + 1.4),
            (25.5, ground - high - 0.6),
            (27, ground - 4),
            (27, ground - 1.6),
        ],
        1.0,
    )
    yield "polygon", [(0.6, ground - 2), (27.2, ground - 2), (26.8, ground), (1.6, ground)], u(0.4, 1.3)  # sole
    yield "line", [(1, ground - 2.2), (27, ground - 2.2)], 0.4
    for x in (9.5, 11.5, 13.5):  # laces
        y = ground - toe - 1.8 - (x - 8) * (high - toe - 1.8) / 7
        yield "line", [(x - 0.4, y), (x + 1.6, y + 1.4)], 0.35
    if u(0, 1) < 0.6:
        x, tone = u(13, 16), u(0.2, 1.3)  # the maker's stripes
        for shift in (0, 2.2):
            yield (
                "polygon",
                [
                    (x + shift, ground - 2.4),
                    (x + shift + 1.2, ground - 2.4),
                    (x + shift + 3, ground - 6),
                    (x + shift + 1.8, ground - 6),
                ],
                tone,
            )


def _bag(u: Uniform) -> Iterator[Part]:
    wide, top, bottom, narrow = u(9, 13), u(9, 14), u(23, 27), u(0, 3)
    grip, high = u(3.5, 7), top - u(6, 8.5)
    yield "ellipse", [(14 - grip, max(high, 0.6)), (14 + grip, 2 * top - high)], u(0.7, 1.1)
    yield "ellipse", [(14 - grip + 1.3, max(high, 0.6) + 1.4), (14 + grip - 1.3, 2 * top - high)], 0.0
    yield "polygon", _both([(wide - narrow, top), (wide, top + 2.5), (wide, bottom - 1), (wide - 1, bottom)]), 1.0
    if u(0, 1) < 0.6:
        flap = top + (bottom - top) * u(0.3, 0.55)
        yield "polygon", _both([(wide - narrow, top), (wide - 0.4, flap - 2), (wide - 2.5, flap)]), u(0.75, 0.9)
        yield "ellipse", [(12.9, flap - 1.2), (15.1, flap + 1)], u(0.2, 1.3)
    else:
        yield "line", [(14 - wide + 1, top + 2.8), (14 + wide - 1, top + 2.8)], 0.55


def _ankle_boot(u: Uniform) -> Iterator[Part]:
    ground, top, front = u(25, 27), u(3, 8), u(13, 15)
    heel = u(0, 4)
    yield (
        "polygon",
        [
            (1, ground - 2),
            (2.5, ground - 5.5),
            (9, ground - 8),
            (front, ground - 12),
            (front + u(-0.6, 0.6), top),
            (25.6, top + u(-0.5, 0.5)),
            (25.2, ground - 9),
            (26.6, ground - 5),
            (26.4, ground - 1 - heel),
            (18, ground - 1 - heel),
            (13, ground - 1),
        ],
        1.0,
    )
    yield (
        "polygon",
        [
            (0.8, ground - 2),
            (13, ground - 2),
            (18, ground - 2 - heel),
            (26.6, ground - 2 - heel),
            (26.2, ground),
            (21, ground),
            (20, ground - heel),
            (12, ground),
            (1.8, ground),
        ],
        u(0.35, 0.7),
    )
    if u(0, 1) < 0.5:  # laces, or an elastic side
        for y in np.arange(top + 2, ground - 9, 2.2):
            yield "line", [(front - 0.4, y), (front + 2.6, y + 0.8)], 0.4
    else:
        yield "polygon", [(17.5, top + 0.6), (22, top + 0.6), (20.5, ground - 9)], 0.6
    yield "line", [(front, top + 1.2), (25.4, top + 1.2)], 0.7


GARMENTS: dict[str, tuple[Callable[[Uniform], Iterator[Part]], float]] = {  # in Fashion-MNIST's order; share patterned
    "T-shirt/top": (_t_shirt, 0.35),
    "Trouser": (_trouser, 0.15),
    "Pullover": (_pullover, 0.4),
    "Dress": (_dress, 0.45),
    "Coat": (_coat, 0.2),
    "Sandal": (_sandal, 0.0),
    "Shirt": (_shirt, 0.5),
    "Sneaker": (_sneaker, 0.0),
    "Bag": (_bag, 0.2),
    "Ankle boot": (_ankle_boot, 0.0),
}
