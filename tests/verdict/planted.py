"""Small pictures of two classes, and plans that take seconds."""

import torch

from course_utils.data.images import Images
from course_utils.verdict.plan import Plan

CLASSES = ("left", "right")


def pictures(n: int, seed: int, noise: float = 60.0, groups: int | None = None, side: int = 28) -> Images:
    """n grey pictures of side × side with a bright half, left or right, under noise of that standard deviation."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 2
    pixels = torch.full((n, 1, side, side), 100.0)
    pixels[labels == 0, :, :, : side // 2] += 30
    pixels[labels == 1, :, :, side // 2 :] += 30
    pixels += noise * torch.randn(pixels.shape, generator=rng)
    of = None if groups is None else torch.arange(n) // 2 % groups
    return Images(pixels.clamp(0, 255).to(torch.uint8), labels, CLASSES, "planted", groups=of)


ARMS = {
    "real": {},
    "real_25": {"share": 0.25},
    "real_50": {"share": 0.5},
    "more_real": {"source": "held"},
    "classic": {"classic": True},
    "repeat": {"source": "repeat"},
    "noise": {"source": "noise"},
    "wrong_labels": {"source": "wrong_labels"},
}


def settings(methods: list[str], seeds: int = 2, updates: int = 10, synthetic: bool = False) -> dict:
    """The settings of a small plan."""
    arms = dict(ARMS)
    for source in [*methods, *["synthetic"] * synthetic]:
        arms |= {source: {"source": source}, f"classic+{source}": {"source": source, "classic": True}}
    return {
        "seeds": seeds,
        "methods": methods,
        "steps": dict.fromkeys(methods, 6),
        "width": 1 / 8,
        "most": 1.0,
        "arms": arms,
        "classifier": "small",
        "weights": "",
        "most_updates": updates,
        "rate": 1e-3,
        "flip": "no",
        "tuned": 1,
        "matters": 1.0,
    }


def plan(*args, **options) -> Plan:
    """A small plan."""
    return Plan(settings(*args, **options))
