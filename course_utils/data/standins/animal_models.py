"""The toy animals: chains of balls, in units of a cow's height, with coats and markings drawn by lot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RGB = tuple[float, float, float]
Knot = tuple[float, float, float, float]  # forwards, up from the ground, to the right, radius

IVORY, HOOF, PINK, BLACK, WHITE = (226, 215, 185), (52, 44, 40), (214, 150, 140), (22, 20, 20), (236, 232, 224)
BROWN, BAY, CREAM, GREY, CHESTNUT = (142, 84, 46), (104, 62, 38), (212, 186, 140), (150, 142, 132), (158, 92, 50)


@dataclass(frozen=True)
class Animal:
    """Balls and their colours.

    balls: float32, B × 4: forwards, up, right, radius. axes: float32, B × 3: the unit vector along which a chain of
    balls runs, 0 at its ends. paint: float32, B × 3: RGB of 0..255. coat: bool, B: where markings show. marks: float32,
    M × 4, balls in space: what coat they hold is coloured `mark`.
    """

    balls: np.ndarray
    axes: np.ndarray
    paint: np.ndarray
    coat: np.ndarray
    marks: np.ndarray
    mark: RGB

    def colour(self, place: np.ndarray, ball: np.ndarray) -> np.ndarray:
        """RGB of 0..255, 3 × N, at N places (3 × N) on the balls numbered `ball` (N)."""
        centres, radii = self.marks[:, :3], self.marks[:, 3:]
        square = (place**2).sum(0) - 2 * centres @ place + (centres**2).sum(1, keepdims=True)
        x, y, z = place
        ragged = 1 + 0.4 * np.sin(30 * x + 9 * z) * np.sin(26 * y)
        marked = (square < radii**2 * ragged).any(0) & self.coat.take(ball)
        return np.where(marked, np.array(self.mark, np.float32)[:, None], self.paint.T.take(ball, 1))


class _Toy:
    """An animal being put together."""

    def __init__(self, coat: RGB, mark: RGB) -> None:
        self.balls: list[np.ndarray] = []
        self.axes: list[np.ndarray] = []
        self.paint: list[RGB] = []
        self.shows_coat: list[bool] = []
        self.coat, self.mark = coat, mark

    def chain(self, *knots: Knot, paint: RGB | None = None) -> None:
        """Balls along a line of knots, close enough to look smooth; in the coat's colour where no paint is given."""
        start = len(self.balls)
        for one, two in zip(np.array(knots), np.array(knots)[1:], strict=False):
            length = np.linalg.norm(two[:3] - one[:3])
            steps = max(1, round(length / (0.3 * max(one[3], two[3]))))
            self.balls += [one + (two - one) * k / steps for k in range(steps)]
            self.axes += [(two[:3] - one[:3]) / length] * steps
        self.balls.append(np.array(knots[-1]))
        self.axes.append(np.zeros(3))
        self.axes[start] = np.zeros(3)
        self.paint += [paint or self.coat] * (len(self.balls) - start)
        self.shows_coat += [paint is None] * (len(self.balls) - start)

    def pair(self, *knots: Knot, paint: RGB | None = None) -> None:
        """A chain on the right, and its mirror image on the left."""
        self.chain(*knots, paint=paint)
        self.chain(*[(x, y, -z, r) for x, y, z, r in knots], paint=paint)

    def animal(self, marks: list[Knot]) -> Animal:
        return Animal(
            np.array(self.balls, np.float32),
            np.array(self.axes, np.float32),
            np.array(self.paint, np.float32),
            np.array(self.shows_coat),
            np.array(marks, np.float32).reshape(-1, 4),
            self.mark,
        )


def _blob(
    rng: np.random.Generator, x: tuple[float, float], y: tuple[float, float], radius: tuple[float, float]
) -> Knot:
    """A mark somewhere on the left or right flank."""
    return (rng.uniform(*x), rng.uniform(*y), rng.choice([-1, 1]) * rng.uniform(0.05, 0.25), rng.uniform(*radius))


def cow(rng: np.random.Generator) -> Animal:
    """Stocky, short-legged, with horns, an udder, a thin tail with a tuft; most have large patches."""
    coat, mark = [(BROWN, WHITE), (WHITE, BLACK), (CHESTNUT, WHITE), (GREY, CREAM), (WHITE, BROWN)][rng.integers(5)]
    stout, leg = rng.uniform(0.94, 1.1), rng.uniform(-0.03, 0.04)
    toy = _Toy(coat, mark)

    def up(y: float) -> float:
        return y + leg

    toy.pair((-0.47, up(0.66), 0.035, 0.165), (-0.1, up(0.62), 0.05, 0.19), (0.3, up(0.67), 0.03, 0.18))
    toy.pair((-0.44, up(0.62), 0.05, 0.17), (0.0, up(0.53), 0.06, 0.205 * stout), (0.3, up(0.58), 0.05, 0.18))
    toy.chain((0.36, up(0.5), 0, 0.12), (0.48, up(0.58), 0, 0.1))  # dewlap

    dip = rng.uniform(-0.28, 0.06)  # of the head: a cow looks ahead, or grazes
    top = (0.66, up(0.84) + dip)
    toy.chain((0.36, up(0.69), 0, 0.16), (top[0] - 0.06, top[1] - 0.02, 0, 0.105))
    toy.chain((*top, 0, 0.105), (top[0] + 0.19, top[1] - 0.17, 0, 0.068))
    toy.chain((top[0] + 0.2, top[1] - 0.18, 0.012, 0.07), (top[0] + 0.2, top[1] - 0.18, -0.012, 0.07), paint=PINK)
    toy.pair((top[0] + 0.06, top[1] + 0.02, 0.085, 0.022), paint=BLACK)
    toy.pair((top[0] - 0.04, top[1] + 0.04, 0.1, 0.036), (top[0] - 0.06, top[1] + 0.02, 0.21, 0.026))
    horn = rng.uniform(0.7, 1.3)
    toy.pair(
        (top[0], top[1] + 0.09, 0.05, 0.032),
        (top[0] + 0.02, top[1] + 0.12, 0.05 + 0.09 * horn, 0.027),
        (top[0] + 0.06, top[1] + 0.12 + 0.09 * horn, 0.05 + 0.11 * horn, 0.014),
        paint=IVORY,
    )

    _legs(
        rng,
        toy,
        front=0.31,
        hind=-0.44,
        hip=up(0.5),
        apart=0.12,
        thick=0.05,
        sock=WHITE if rng.random() < 0.5 else None,
    )
    toy.pair((-0.2, up(0.34), 0.04, 0.085), (-0.26, up(0.36), 0.03, 0.075), paint=PINK)
    toy.pair((-0.19, up(0.27), 0.05, 0.022), (-0.27, up(0.28), 0.05, 0.022), paint=PINK)
    toy.chain((-0.6, up(0.76), 0, 0.035), (-0.67, up(0.66), 0, 0.026), (-0.68, up(0.36), 0.01, 0.02))
    toy.chain((-0.68, up(0.35), 0.01, 0.03), (-0.68, up(0.24), 0.01, 0.036), paint=HOOF)

    marks = [_blob(rng, (-0.55, 0.4), (0.45, 0.85), (0.1, 0.21)) for _ in range(rng.integers(4, 9))]
    if rng.random() < 0.6:
        marks.append((top[0] + 0.13, top[1] + 0.0, 0.0, 0.13))  # a pale or dark face
    return toy.animal(marks)


def horse(rng: np.random.Generator) -> Animal:
    """Slender, long-legged, with an arched neck, a mane and a full tail; few have marks."""
    coat = [BAY, CHESTNUT, (70, 54, 48), CREAM, (176, 168, 160), (120, 72, 40)][rng.integers(6)]
    hair = CREAM if coat == CHESTNUT and rng.random() < 0.5 else (38, 30, 28)
    toy = _Toy(coat, mark=(70, 54, 44) if coat in (CREAM, (176, 168, 160)) else WHITE)
    leg, slim = rng.uniform(-0.04, 0.05), rng.uniform(0.95, 1.08)

    def up(y: float) -> float:
        return y + leg

    toy.pair((-0.38, up(0.77), 0.03, 0.155), (-0.05, up(0.73), 0.03, 0.15), (0.26, up(0.77), 0.025, 0.155))
    toy.pair((-0.38, up(0.75), 0.045, 0.15), (-0.05, up(0.69), 0.035, 0.15 * slim), (0.26, up(0.7), 0.04, 0.15))

    reach, rise = rng.uniform(0.0, 0.12), rng.uniform(-0.1, 0.06)  # of the head
    poll = (0.56 + reach, up(1.17) + rise)
    middle = (0.45 + reach / 2, up(1.0) + rise / 2)
    toy.chain((0.28, up(0.82), 0, 0.15), (*middle, 0, 0.105), (poll[0] - 0.02, poll[1], 0, 0.075))
    toy.chain((*poll, 0, 0.08), (poll[0] + 0.1, poll[1] - 0.08, 0, 0.074), (poll[0] + 0.25, poll[1] - 0.22, 0, 0.05))
    toy.pair((poll[0] + 0.09, poll[1] - 0.03, 0.062, 0.02), paint=BLACK)
    toy.pair((poll[0] - 0.01, poll[1] + 0.07, 0.04, 0.028), (poll[0] + 0.01, poll[1] + 0.15, 0.045, 0.01))
    mane = [
        (0.2, up(0.97), 0.0, 0.05),
        (middle[0] - 0.1, middle[1] + 0.05, 0.0, 0.055),
        (poll[0] - 0.06, poll[1] + 0.07, 0, 0.045),
    ]
    toy.chain(*mane, (poll[0] + 0.07, poll[1] + 0.06, 0, 0.03), paint=hair)
    toy.pair(*[(x + 0.03, y - 0.05, z + 0.05, r) for x, y, z, r in mane], paint=hair)

    _legs(
        rng,
        toy,
        front=0.28,
        hind=-0.4,
        hip=up(0.66),
        apart=0.1,
        thick=0.042,
        sock=WHITE if rng.random() < 0.4 else None,
    )
    toy.chain(
        (-0.53, up(0.86), 0, 0.045),
        (-0.63, up(0.76), 0, 0.055),
        (-0.67, up(0.5), 0, 0.065),
        (-0.66, up(0.24), 0, 0.03),
        paint=hair,
    )

    marks = []
    if rng.random() < 0.3:  # an appaloosa's spots
        marks = [_blob(rng, (-0.5, 0.1), (0.6, 0.95), (0.03, 0.06)) for _ in range(24)]
    if rng.random() < 0.5:
        marks.append((poll[0] + 0.2, poll[1] - 0.06, 0.0, 0.085))  # a blaze
    return toy.animal(marks)


def _legs(
    rng: np.random.Generator,
    toy: _Toy,
    *,
    front: float,
    hind: float,
    hip: float,
    apart: float,
    thick: float,
    sock: RGB | None,
) -> None:
    """Four legs in mid-step from the hips' height to the ground, with hooves."""
    for side in (-apart, apart):
        for x, bend, thigh in ((front, 0.02, 1.8), (hind, -0.05, 2.6)):
            foot = x + rng.uniform(-0.09, 0.09)
            knee = ((x + foot) / 2 + bend, hip * 0.52, side, thick * 1.2)
            shin = (foot + bend / 4, hip * 0.24, side, thick)
            toy.chain((x, hip, side * 0.9, thick * thigh), knee, shin)
            toy.chain(shin, (foot, 0.07, side, thick), paint=sock)
            toy.chain((foot + 0.01, 0.045, side, thick * 1.15), (foot + 0.025, 0.03, side, thick * 1.15), paint=HOOF)
