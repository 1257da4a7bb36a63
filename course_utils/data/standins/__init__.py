"""Offline stand-ins: drawn, or in the case of the digits enlarged, pictures that take the place of a real data set."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from course_utils.core.errors import DataError
from course_utils.data.images import Images
from course_utils.data.standins.animals import draw_animals
from course_utils.data.standins.digits import draw_digits
from course_utils.data.standins.garments import draw_garments
from course_utils.data.standins.kannada import draw_kannada

DRAWN: dict[str, Callable[[int, float], dict[str, Images]]] = {
    "kannada": draw_kannada,
    "emnist": partial(draw_digits, "emnist", {"train": 600, "test": 200}),
    "cows-horses": draw_animals,
    "mnist": partial(draw_digits, "mnist", {"train": 600, "test": 100}),
    "fashion": draw_garments,
}


def draw(name: str, *, seed: int = 0, scale: float = 1.0) -> dict[str, Images]:
    """The stand-in of data set `name` ('kannada', 'emnist', 'cows-horses', 'mnist', 'fashion'): its splits by name.

    Deterministic in `seed` (≥ 0). `scale` multiplies the number of pictures, the same in each class and at least 2.
    Splits to test on are sealed. Raises DataError for an unknown name.
    """
    if name not in DRAWN:
        raise DataError(f"there is no stand-in for data set {name!r}; expected one of {', '.join(DRAWN)}")
    return DRAWN[name](seed, scale)
