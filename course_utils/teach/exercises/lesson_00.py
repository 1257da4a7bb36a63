"""The checked exercises of the start notebook, `00_start_here`."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from course_utils.teach.exercises.compare import expect
from course_utils.teach.exercises.exercise import Exercise, Wrong

LESSON = "00_start_here"


class Gap(Exercise):
    """The difference of two accuracies, in points."""

    lesson, title, minutes, difficulty = LESSON, "The gap in points", 2, 1
    hints = (
        "An accuracy is a share: hits / images. In per cent it is 100 times that.",
        "A *point* is one per cent of all images, so the gap is the difference of two percentages, A minus B.",
    )

    @staticmethod
    def reference(hits_a: np.ndarray, hits_b: np.ndarray, images: int) -> np.ndarray:
        return 100 * (hits_a - hits_b) / images

    def example(self) -> tuple[object, ...]:
        return np.array([45, 40]), np.array([44, 43]), 50

    def test(self, answer: object) -> None:
        a, b, n = np.array([170, 150, 200]), np.array([150, 160, 200]), 200
        got, want = answer(a, b, n), self.reference(a, b, n)
        try:
            got = np.asarray(got, float)
        except (TypeError, ValueError, RuntimeError):
            got = np.array(np.nan)
        if got.shape != want.shape:
            raise Wrong(
                f"`hits_a` and `hits_b` are arrays, a pair each: give back an array of {len(a)} gaps for {len(a)}."
            )
        mistakes = {
            "The sign is turned round: it is A − B, so that a better A gives a plus.": -want,
            "You took the absolute value: then nobody sees which one was better. Leave the sign.": np.abs(want),
            "Those are shares; in points it is 100 times as much.": want / 100,
            "Those are images. Divide by how many there are, and take them in per cent.": a - b,
            "That is per cent *of B's hits*. A point is one per cent of all images.": 100 * (a - b) / b,
            "That is A's accuracy alone: take B's from it.": 100 * a / n,
            "That is per cent *of A's hits*. A point is one per cent of all images.": 100 * (a - b) / a,
            "Each has its own images, as many as the other: divide by `images` once.": 50 * (a - b) / n,
        }
        expect(got, want, mistakes, "The gap in points")


class BestD(Exercise):
    """What the best of all discriminators says: p / (p + q) (Goodfellow et al. 2014, proposition 1)."""

    lesson, title, minutes, difficulty = LESSON, "The best discriminator", 4, 2
    hints = (
        "Think of a place where real points are three times as frequent as fakes. Of four points that fall there, how "
        "many are real?",
        "It is a share: real points there, over all points there.",
    )

    @staticmethod
    def reference(p: Tensor, q: Tensor) -> Tensor:
        return p / (p + q)

    def example(self) -> tuple[object, ...]:
        return torch.tensor([0.5, 0.2]), torch.tensor([0.5, 0.6])

    def test(self, answer: object) -> None:
        p, q = torch.tensor([0.3, 0.1, 0.2, 0.4]), torch.tensor([0.1, 0.3, 0.2, 0.0])
        got, want = torch.as_tensor(answer(p, q)), self.reference(p, q)
        if got.shape != want.shape:
            raise Wrong(f"p and q hold {len(p)} places along the line: give back an answer for each of them.")
        mistakes = {
            "That is the probability that a point is *fake*. D gives that of real.": q / (p + q),
            "That is how many times as frequent real points are. A probability lies between 0 and 1.": p / q,
            "That forgets the fakes: where real points are rare, but fakes rarer still, D may be sure.": p,
            "A difference can be negative; a probability cannot. Take a share.": p - q,
            "That is what D should *guess*. How sure can it be?": (p > q).float(),
            "A sigmoid makes a probability of a logit; here p and q are known, and their share is the answer.": (
                p - q
            ).sigmoid(),
            "A difference, moved to lie between 0 and 1, is no share: 0.02 and 0.01 make D as sure as 0.2 and 0.1.": (
                1 + p - q
            )
            / 2,
            "Shares of the *squares*: D would be surer than it may be.": p**2 / (p**2 + q**2),
        }
        expect(got, want, mistakes, "What D says")
