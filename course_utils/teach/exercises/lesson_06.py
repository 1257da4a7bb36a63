"""The checked exercises of lesson 6, `06_your_data`."""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from course_utils.teach.exercises.compare import Mistakes, expect, scalar
from course_utils.teach.exercises.exercise import Exercise, Wrong

LESSON = "06_your_data"


class GroupSplit(Exercise):
    """A test part of whole groups, drawn at random."""

    lesson, title, minutes, difficulty = LESSON, "A split that does not leak", 8, 2
    hints = (
        "What is drawn at random is a *group*, not a picture. First list the groups: `groups.unique()`.",
        "`torch.randperm(len(names), generator=rng)` shuffles the positions of the groups; keep the first "
        "`round(share * len(names))` of them.",
        "Then ask of every picture whether its group is among those drawn: `torch.isin(groups, drawn)`.",
    )

    @staticmethod
    def reference(groups: Tensor, share: float, rng: torch.Generator) -> Tensor:
        names = groups.unique()
        drawn = names[torch.randperm(len(names), generator=rng)[: round(share * len(names))]]
        return torch.isin(groups, drawn)

    def example(self) -> tuple[object, ...]:
        return torch.tensor([3, 3, 8, 8, 8, 8]), 0.5, torch.Generator().manual_seed(0)

    def describe(self, value: Tensor) -> str:
        return "a mask, True for all pictures of group 3 and for no other, or for all of group 8 and no other"

    def test(self, answer: object) -> None:
        # Twelve groups of 2 to 13 pictures, mixed; no group's number is a position.
        sizes = torch.arange(2, 14)
        groups = torch.repeat_interleave(100 + 7 * torch.arange(12), sizes)
        groups = groups[torch.randperm(len(groups), generator=torch.Generator().manual_seed(3))]
        share = 0.25

        def part(share: float, seed: int) -> Tensor:
            mask = self._mask(answer(groups, share, torch.Generator().manual_seed(seed)), len(groups))
            self._check(mask, groups, share)
            return mask

        masks = [part(share, seed) for seed in range(8)]
        if not torch.equal(masks[0], part(share, 0)):
            raise Wrong("Two generators with one seed give different parts: pass `generator=rng` on.")
        if all(torch.equal(masks[0], mask) for mask in masks):
            raise Wrong("The part is the same whatever the generator says: shuffle the groups with it.")
        part(0.5, 9)

    @staticmethod
    def _mask(value: object, n: int) -> Tensor:
        if isinstance(value, Tensor) and value.dtype != torch.bool and value.shape != (n,):
            raise Wrong("Give back a mask, true or false for each picture: `torch.isin(groups, drawn)`.")
        if not isinstance(value, Tensor) or value.shape != (n,) or value.dtype != torch.bool:
            raise Wrong(f"It should be a tensor with true or false for each of the {n} pictures.")
        return value

    @staticmethod
    def _check(mask: Tensor, groups: Tensor, share: float) -> None:
        """Raise Wrong for groups on both sides, or for another number of them than the share."""
        names, of = groups.unique(), set(groups[mask].tolist())
        both = of & set(groups[~mask].tolist())
        if len(both) > len(names) // 2:
            raise Wrong(
                f"It leaks: {len(both)} of {len(names)} groups are on both sides. You drew single pictures; draw "
                "groups."
            )
        if both:
            raise Wrong(f"It leaks: group {min(both)} is on both sides. A group goes to the test whole, or not at all.")
        want = round(share * len(names))
        if not of:
            raise Wrong(
                "No picture is in the test part. Are the group numbers taken for positions? `names[…]` gives the "
                "numbers."
            )
        if len(of) == len(names) - want and len(of) != want:
            raise Wrong("It is turned round: True should be the *test* part, which has `share` of the groups.")
        if len(of) != want:
            raise Wrong(
                f"With a share of {share:g}, {want} of {len(names)} groups should be drawn; yours has {len(of)}."
            )


class Worth(Exercise):
    """A gain in accuracy as a number of further real pictures, by the learning curve."""

    lesson, title, minutes, difficulty = LESSON, "Worth how many real pictures?", 8, 2
    hints = (
        "Two readings of one curve. First from a number of pictures to an accuracy: where are you now? "
        "`np.interp(own, numbers, accuracy)`.",
        "Then back: from the accuracy that you would have, `now + gain`, to a number of pictures. The curve is "
        "straight in the *logarithm* of the number: `np.interp(now + gain, accuracy, np.log(numbers))`, and `np.exp`.",
        "`np.interp` stops at both ends of the curve, and so should you. The answer counts *further* pictures: take "
        "`own` away.",
    )

    @staticmethod
    def reference(gain: float, own: int, numbers: np.ndarray, accuracy: np.ndarray) -> float:
        now = np.interp(own, numbers, accuracy)
        there = np.exp(np.interp(now + gain, accuracy, np.log(numbers)))
        return there - own

    def example(self) -> tuple[object, ...]:
        return 0.08, 100, np.array([100, 400]), np.array([0.6, 0.76])

    def test(self, answer: object) -> None:
        numbers, accuracy = np.array([50, 100, 200, 400]), np.array([0.62, 0.70, 0.75, 0.78])
        for gain, own in ((0.03, 100), (0.07, 100), (-0.04, 200)):
            args = (gain, own, numbers, accuracy)
            got, want = scalar(answer(*args), "The number of pictures"), float(self.reference(*args))
            what = f"What a gain of {gain:g} at {own} pictures is worth, in further ones,"
            expect(got, want, self._mistakes(*args), what, rtol=1e-3, atol=0.01)
        for gain, end in ((0.5, 400), (-0.5, 50)):
            got = scalar(answer(gain, 100, numbers, accuracy), "The number of pictures")
            if not math.isclose(got, end - 100, abs_tol=0.01):
                raise Wrong(
                    f"A gain of {gain:g} lies beyond the curve, which ends at {end} pictures: all that it can tell is "
                    f"{end - 100:+d}. Yours says {got:.1f}."
                )

    def _mistakes(self, gain: float, own: int, numbers: np.ndarray, accuracy: np.ndarray) -> Mistakes:
        now, logs = np.interp(own, numbers, accuracy), np.log(numbers)
        want = self.reference(gain, own, numbers, accuracy)
        return {
            "That is how many you would need *in all*. Count the further ones: take `own` away.": want + own,
            "You read the curve straight in the number of pictures. From 100 to 200 is as far as from 200 to 400: "
            "take the logarithm of the numbers, and `np.exp` of what you read.": np.interp(
                now + gain, accuracy, numbers
            )
            - own,
            "You looked up the gain itself. It comes on top of the accuracy that you have now: `now + gain`.": np.exp(
                np.interp(gain, accuracy, logs)
            )
            - own,
            "Those are logarithms: take `np.exp` of what you read.": [
                np.interp(now + gain, accuracy, logs),
                np.interp(now + gain, accuracy, logs) - own,
                np.interp(now + gain, accuracy, logs) - np.log(own),
            ],
            "You gave it a factor, not a number of pictures.": (want + own) / own,
            "The sign is turned round: a gain is worth further pictures.": -want,
        }


HELPS, HARMS, UNCLEAR, NO_JUDGE = "helps", "harms", "we cannot tell", "cannot judge"


class Decide(Exercise):
    """The decision rule of a verdict."""

    lesson, title, minutes, difficulty = LESSON, "The decision rule", 6, 2
    hints = (
        "Was a difference seen at all? That is `p < 0.05`. If so, its sign says which it is.",
        "Only where nothing was seen does the control matter: could this run have seen anything?",
        'Nothing seen, and the control was seen: `"we cannot tell"`. Nothing seen, and the control neither: '
        '`"cannot judge"`.',
    )

    @staticmethod
    def reference(mean: float, p: float, control_seen: bool) -> str:
        if p < 0.05:
            return "helps" if mean > 0 else "harms"
        return "we cannot tell" if control_seen else "cannot judge"

    def example(self) -> tuple[object, ...]:
        return 0.02, 0.3, False

    def test(self, answer: object) -> None:
        cases = list(itertools.product((0.02, -0.02), (0.01, 0.2), (True, False)))  # mean, p, control seen
        said = {case: answer(*case) for case in (*cases, (0.01, 0.05, True))}
        # asked once more up to the first wrong case, which is then what the hidden test is said to have given
        wrong = next((case for case in said if answer(*case) != self.reference(*case)), None)
        if wrong is None:
            return
        words = (HELPS, HARMS, UNCLEAR, NO_JUDGE)
        if said[wrong] not in words:
            raise Wrong(f"{said[wrong]!r} is none of the four answers; they are {', '.join(map(repr, words))}.")
        mistakes = {
            "You ask the control first. A difference that *was* seen was seen: the control matters only where "
            "nothing was.": lambda m, p, seen: self.reference(m, p, seen) if seen else NO_JUDGE,
            "You never ask the control. A run that would not have seen more real pictures cannot say that it saw "
            "nothing.": lambda m, p, seen: self.reference(m, p, True),
            "You go by the sign alone, however unsure it is: ask `p` first.": lambda m, p, seen: (
                HELPS if m > 0 else HARMS
            ),
            "*Not seen* is not *harms*: without `p < 0.05` you cannot tell.": lambda m, p, seen: (
                self.reference(m, p, seen) if m > 0 and p < 0.05 else HARMS
            ),
            "A seen loss is no gain: look at the sign of the mean.": lambda m, p, seen: (
                HELPS if p < 0.05 else self.reference(m, p, seen)
            ),
            "It is turned round: a small `p` speaks for a difference.": lambda m, p, seen: self.reference(
                m, 0.21 - p, seen
            ),
            "The control is turned round: where it was seen, the run could judge.": lambda m, p, seen: self.reference(
                m, p, not seen
            ),
        }
        for message, rule in mistakes.items():
            if all(said[case] == rule(*case) for case in cases):
                raise Wrong(message)
        mean, p, seen = wrong
        if p == 0.05:
            raise Wrong("At p = 0.05 exactly it is not below: the rule says `p < 0.05`.")
        raise Wrong(
            f"For a mean of {mean:g}, p = {p:g} and a control that was {'seen' if seen else 'not seen'} it "
            f"should be {self.reference(*wrong)!r}; yours says {said[wrong]!r}."
        )


class SmallestSeen(Exercise):
    """The smallest effect that a run would have seen in four of five cases."""

    lesson, title, minutes, difficulty = LESSON, "What could this run have seen?", 6, 3
    hints = (
        "The standard error of a mean of n differences is their standard deviation over the root of n. A standard "
        "deviation that is estimated takes n − 1: `differences.std(ddof=1)`.",
        "To leave out 0, an interval needs the mean to be `stats.t.ppf(0.975, n - 1)` errors away from it.",
        "That alone is reached in one case of two, because the mean itself varies. For four of five add "
        "`stats.t.ppf(0.8, n - 1)` errors.",
    )

    @staticmethod
    def reference(differences: np.ndarray) -> float:
        n = len(differences)
        error = differences.std(ddof=1) / np.sqrt(n)
        return (stats.t.ppf(0.975, n - 1) + stats.t.ppf(0.8, n - 1)) * error

    def example(self) -> tuple[object, ...]:
        return (np.array([1.0, 3.0, 2.0]),)

    def test(self, answer: object) -> None:
        d = np.array([0.4, 1.9, -0.7, 2.2, 0.1])
        got, want = scalar(answer(d), "The effect"), float(self.reference(d))
        expect(got, want, self._mistakes(d), "The effect")
        if not math.isclose(scalar(answer(d + 5), "The effect"), want, rel_tol=1e-6):
            raise Wrong("It should not hang on the mean: the question is what *could* have been seen, not what was.")
        more = np.concatenate([d, d, d])
        if not math.isclose(scalar(answer(more), "The effect"), float(self.reference(more)), rel_tol=1e-6):
            raise Wrong("Right for five differences, not for fifteen: use their number, `len(differences)`.")

    def _mistakes(self, d: np.ndarray) -> Mistakes:
        n, s = len(d), d.std(ddof=1)
        edge, power = stats.t.ppf(0.975, n - 1), stats.t.ppf(0.8, n - 1)
        error = s / np.sqrt(n)
        return {
            "That is half the width of the interval. An effect of just that size is seen in one case of two: add "
            "`stats.t.ppf(0.8, n - 1)` errors.": edge * error,
            "`std()` divides by n. From five runs that is too small: `std(ddof=1)`.": (edge + power)
            * d.std()
            / np.sqrt(n),
            "That is how far *single* differences lie apart. The mean of n varies less: divide by the root of n.": (
                edge + power
            )
            * s,
            "You divided by n; the error of a mean falls with the *root* of n.": (edge + power) * s / n,
            "Those are the quantiles of the normal distribution. With so few runs, take Student's t.": (
                stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
            )
            * error,
            "0.95 leaves 5 % on *one* side. The interval leaves 2.5 % on each: 0.975.": (
                stats.t.ppf(0.95, n - 1) + power
            )
            * error,
            "n differences have n − 1 degrees of freedom.": (stats.t.ppf(0.975, n) + stats.t.ppf(0.8, n)) * error,
            "That is the variance, not the standard deviation: `std`.": (edge + power) * s**2 / np.sqrt(n),
        }


class Planned(Exercise):
    """A decision by a plan that was written down before: the smallest gain that matters, and the gate."""

    lesson, title, minutes, difficulty = LESSON, "The plan", 6, 2
    hints = (
        "Four cases, asked one after the other. First: does the *whole* interval lie at or above `matters`?",
        "An unfinished generator may become better: that its gain is small says nothing yet. A gain that is large "
        "enough already counts all the same.",
        "If it is finished, and the whole interval lies below `matters`, the gain is too small, even where it is one.",
    )

    @staticmethod
    def reference(lo: float, hi: float, matters: float, finished: bool) -> str:
        if lo >= matters:
            return "large enough"
        if not finished:
            return "not judged"
        return "too small" if hi < matters else "we cannot tell"

    def example(self) -> tuple[object, ...]:
        return 0.2, 0.6, 1.0, True

    def test(self, answer: object) -> None:
        cases = {
            (1.2, 3.0, 1.0, True): "The whole interval lies above what matters",
            (1.2, 3.0, 1.0, False): "A gain that is large enough counts, finished or not",
            (0.3, 0.8, 1.0, True): "A gain that is certain, and smaller than what matters, is",
            (-0.4, 0.5, 1.0, True): "The whole interval lies below what matters",
            (0.3, 0.8, 1.0, False): "The generator was not finished, and may become better",
            (0.5, 2.0, 1.0, True): "What matters lies inside the interval",
            (-1.0, 2.0, 1.0, True): "What matters lies inside the interval",
            (0.5, 2.0, 1.0, False): "The generator was not finished",
            (2.5, 4.0, 3.0, True): "`matters` is 3 here, and inside the interval",
            (1.0, 2.0, 1.0, True): "The interval begins just at what matters, and *at least* that much is enough",
        }
        said = {"large enough", "too small", "we cannot tell", "not judged"}
        for case, why in cases.items():
            got, want = answer(*case), self.reference(*case)
            if got not in said:
                raise Wrong(f"{got!r} is none of the four: give back one of {', '.join(sorted(said))}.")
            if got != want:
                raise Wrong(f"{why}: “{want}”; yours says “{got}”.")
