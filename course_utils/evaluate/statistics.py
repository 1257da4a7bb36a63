"""Intervals: what a handful of seeds can say, and what it cannot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from course_utils.core.errors import CourseError

T = TypeVar("T")


@dataclass(frozen=True)
class Interval:
    """Hold a mean over seeds with its confidence interval, in the units of the values."""

    mean: float
    lo: float
    hi: float

    def __contains__(self, value: float) -> bool:
        return self.lo <= value <= self.hi

    def side(self, above: T, below: T, unclear: T, of: float = 0.0) -> T:
        """Choose: `above` where the whole interval lies above `of`, `below` where it lies below, else `unclear`."""
        return above if self.lo > of else below if self.hi < of else unclear

    def times(self, scale: float) -> Interval:
        """Change the unit: 100 turns shares into per cent."""
        return Interval(scale * self.mean, scale * self.lo, scale * self.hi)

    def within(self, lo: float, hi: float) -> Interval:
        """Cut off both ends at the least and the greatest value that the measure can have."""
        return Interval(self.mean, max(lo, self.lo), min(hi, self.hi))

    def text(self, scale: float = 1.0, digits: int = 1, unit: str = "") -> str:
        """Write it as '71.3 [69.0, 73.6]'; `scale` 100 turns shares into per cent."""
        mean, lo, hi = (f"{scale * value:z.{digits}f}" for value in (self.mean, self.lo, self.hi))  # z: no "-0.0"
        return f"{mean} [{lo}, {hi}]{unit}".replace("-", "−")

    def ends(self, scale: float = 1.0, digits: int = 1, unit: str = "") -> str:
        """Write both ends: '69.0 to 73.6'."""
        return f"{scale * self.lo:z.{digits}f} to {scale * self.hi:z.{digits}f}{unit}".replace("-", "−")


def t_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Compute Student's t interval of the mean; values are independent runs. Raises CourseError for fewer than two."""
    x = _runs(values)
    half = stats.t.ppf((1 + level) / 2, len(x) - 1) * x.std(ddof=1) / math.sqrt(len(x))
    return Interval(float(x.mean()), float(x.mean() - half), float(x.mean() + half))


def prediction_interval(values: Sequence[float], level: float = 0.95, *, images: int | None = None) -> Interval:
    """Compute where *one further run* of the same experiment falls, in `level` of cases: mean ± t · s · √(1 + 1/n).

    It is wider than the interval of the mean, and the one to hold somebody else's single run against. images: that run
    was tested on so many images drawn anew, and its value is a share of them; their variance p (1 − p) / images, with p
    as if one more image were right and one more wrong, joins that of the runs, with Welch and Satterthwaite's degrees
    of freedom. Raises CourseError for fewer than two values.
    """
    x = _runs(values)
    runs = x.var(ddof=1) * (1 + 1 / len(x))
    p = (x.mean() * images + 1) / (images + 2) if images else 0.0
    drawn = p * (1 - p) / images if images else 0.0
    freedom = (len(x) - 1) * ((runs + drawn) / runs) ** 2 if runs > 0 else math.inf
    half = stats.t.ppf((1 + level) / 2, freedom) * math.sqrt(runs + drawn)
    return Interval(float(x.mean()), float(x.mean() - half), float(x.mean() + half))


def proportion_interval(successes: int, n: int, level: float = 0.95) -> Interval:
    """Compute Wilson's interval of a share, such as the accuracy of *one* network on n test images.

    It holds what another draw of test images would change, and nothing of what another seed would.
    """
    if not 0 <= successes <= n or n == 0:
        raise CourseError(f"{successes} of {n} is no share; expected 0 to n successes of at least one image")
    return _wilson(successes / n, n, float(stats.norm.ppf((1 + level) / 2)))


def share_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Compute the interval of a mean *share* over independent runs, such as accuracies of several seeds, 0 to 1.

    It asks Wilson's question of runs: which true shares q have our mean p within t standard errors *of q*? The error is
    the one seen over the runs, s / √n at p, and goes with √(q (1 − q)) as that of every share does: it is Wilson's
    interval of p (1 − p) n / s² images, with Student's t for z. So it holds all that a seed changes, is `t_interval` in
    the middle, and never leaves 0 to 1. Raises CourseError for fewer than two values and for values that are no shares.
    """
    x = _runs(values)
    if x.min() < 0 or x.max() > 1:
        raise CourseError(f"shares lie between 0 and 1; got {x.tolist()}")
    p, error = float(x.mean()), float(x.std(ddof=1)) / math.sqrt(len(x))
    if error == 0:
        return Interval(p, p, p)
    return _wilson(p, p * (1 - p) / error**2, float(stats.t.ppf((1 + level) / 2, len(x) - 1)))


def _wilson(p: float, n: float, z: float) -> Interval:
    """Solve |p − q| = z √(q (1 − q) / n) for q: Wilson's interval of a share p of n images."""
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return Interval(p, max(0.0, centre - half), min(1.0, centre + half))


def paired_differences(values: Sequence[float], baseline: Sequence[float]) -> np.ndarray:
    """Subtract seed by seed: entry i of both must come from the same seed and the same test images."""
    a, b = np.asarray(values, float), np.asarray(baseline, float)
    if a.shape != b.shape:
        raise CourseError(f"cannot pair {len(a)} values with {len(b)} of the baseline: run both on the same seeds")
    return a - b


def paired_p(differences: Sequence[float]) -> float:
    """Compute p of the two-sided paired t test that the mean difference over seeds is 0.

    It is below 0.05 where `t_interval` leaves out 0. Raises CourseError for fewer than two differences.
    """
    x = _runs(differences)
    mean, error = abs(x.mean()), x.std(ddof=1) / math.sqrt(len(x))
    if error == 0:
        return 1.0 if mean == 0 else 0.0
    return float(2 * stats.t.sf(mean / error, len(x) - 1))


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Adjust the p values of several comparisons by Holm's step-down (1979), in the order given.

    Calling a gain where the adjusted p is below 0.05, the chance of *any* false call among all arms is below 0.05.
    """
    p = np.asarray(p_values, float)
    if p.ndim != 1 or not len(p) or not ((p >= 0) & (p <= 1)).all():
        raise CourseError(
            f"p values {p.tolist()}, expected at least one, each between 0 and 1; take them from paired_p"
        )
    order = p.argsort()
    adjusted = np.empty(len(p))
    adjusted[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)).clip(max=1)
    return adjusted


@dataclass(frozen=True)
class McNemar:
    """Count the test images that only a or only b has right, with the p of the exact test that neither is better."""

    only_a: int
    only_b: int
    p: float


def mcnemar(correct_a: Tensor, correct_b: Tensor) -> McNemar:
    """Run the exact two-sided McNemar test of *two networks* on one test set (Dietterich 1998): bool, N each.

    Both hold the same images in the same order. Those that both have right or both have wrong tell nothing; the others
    fall to either side like a coin. It holds what other test images would change, not what other seeds would.
    """
    pairs = correct_a.dtype == correct_b.dtype == torch.bool and correct_a.shape == correct_b.shape
    if not pairs or not len(correct_a):
        raise CourseError(
            f"got {correct_a.dtype} of shape {tuple(correct_a.shape)} and {correct_b.dtype} of shape "
            f"{tuple(correct_b.shape)}, expected one bool for every image in both; pass predictions == labels"
        )
    only_a, only_b = int((correct_a & ~correct_b).sum()), int((correct_b & ~correct_a).sum())
    p = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    return McNemar(only_a, only_b, float(p))


def two_run_spread(values: Sequence[float], level: float = 0.95) -> float:
    """Compute how far apart two *single* runs of the same experiment may lie, in `level` of cases.

    The difference of two runs has √2 times the standard deviation of one, which is estimated from `values`.
    """
    x = _runs(values)
    return float(stats.t.ppf((1 + level) / 2, len(x) - 1) * x.std(ddof=1) * math.sqrt(2))


def seeds_needed(differences: Sequence[float], effect: float, power: float = 0.8, level: float = 0.95) -> int:
    """Count the paired seeds, 2 or more, with which a two-sided t test sees a mean difference of `effect`.

    It sees it with probability `power`, at the spread of `differences`. Raises CourseError for an effect of 0, and for
    a power or a level outside 0..1.
    """
    if effect == 0:
        raise CourseError("a difference of 0 cannot be seen with any number of seeds; name the smallest that matters")
    for name, share in (("power", power), ("level", level)):
        if not 0 < share < 1:
            raise CourseError(f"{name} is {share}, expected between 0 and 1; 0.8 and 0.95 are usual")
    standardised = abs(effect) / max(_runs(differences).std(ddof=1), 1e-12)
    few = 1  # never enough
    enough = max(2, math.ceil(((stats.norm.ppf((1 + level) / 2) + stats.norm.ppf(power)) / standardised) ** 2))
    while _power(standardised, enough, level) < power:  # that was for the normal distribution; t needs some more
        few, enough = enough, 2 * enough
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (few, middle) if _power(standardised, middle, level) >= power else (middle, enough)
    return enough


def smallest_visible(differences: Sequence[float], power: float = 0.8, level: float = 0.95) -> float:
    """Compute the smallest mean difference that as many paired seeds see with probability `power`.

    At the spread of `differences`, by a two-sided t test. Raises CourseError for fewer than two differences.
    """
    x = _runs(differences)
    return _reach(len(x) - 1, power, level) * float(x.std(ddof=1)) / math.sqrt(len(x))


def equivalent(differences: Sequence[float], smallest: float, level: float = 0.95) -> bool:
    """Decide whether the mean difference is shown to be smaller than `smallest` in size: two one-sided t tests.

    An interval that holds 0 shows no such thing: it may be long (Schuirmann 1987). level: of each of the two tests.
    """
    return all(below(sign * np.asarray(differences), smallest, level) for sign in (1, -1))


def below(differences: Sequence[float], smallest: float, level: float = 0.95) -> bool:
    """Decide whether the mean difference is shown to lie below `smallest`, however far: a one-sided t test."""
    return t_interval(differences, 2 * level - 1).hi < smallest


def _reach(freedom: float, power: float, level: float) -> float:
    """Over how many standard errors a mean must lie to be seen with probability `power`."""
    return float(sum(stats.t.ppf(q, freedom) for q in ((1 + level) / 2, power)))


def _power(standardised: float, n: int, level: float) -> float:
    critical, shift = stats.t.ppf((1 + level) / 2, n - 1), standardised * math.sqrt(n)
    if shift > 37:  # the non-central t of scipy overflows beyond; the power is 1 there
        return 1.0
    below = stats.nct.cdf(-critical, n - 1, shift)  # scipy gives NaN for some that are smaller than 1e-13
    return float(stats.nct.sf(critical, n - 1, shift) + np.nan_to_num(below))


def _runs(values: Sequence[float]) -> np.ndarray:
    x = np.asarray(values, float)
    if x.ndim != 1 or len(x) < 2 or not np.isfinite(x).all():
        raise CourseError(f"an interval needs at least two finite values, one a seed; got {x.tolist()}")
    return x


def verdict(
    difference: Interval, name: str, baseline: str, metric: str = "accuracy", scale: float = 100, digits: int = 1
) -> str:
    """Say in one sentence what the interval of a paired difference supports: higher, lower, or that we cannot tell."""
    text = difference.text(scale, digits, " points" if scale == 100 else "")
    return difference.side(
        f"{name} scores higher than {baseline} in {metric}: {text}.",
        f"{name} scores lower than {baseline} in {metric}: {text}.",
        f"we cannot tell {name} from {baseline} by {metric}: {text}, an interval that includes 0.",
    )


def as_sentence(text: str) -> str:
    """Begin a text with a capital letter, unless its first word has capitals of its own ("ccGAN")."""
    first = text.partition(" ")[0]
    return text if first != first.lower() else text[0].upper() + text[1:]


def holm_caveat(difference: Interval, p: float) -> str:
    """Say, after the `verdict` on one of several comparisons, that it is a lead only; nothing where it is more.

    It is a lead where the interval leaves out 0, and `p`, corrected for the other comparisons (`holm`), is 0.05 or
    more.
    """
    left_out = 0 not in difference
    return f" As one of several comparisons it is a lead only (p = {p:.2f}, Holm)." if left_out and p >= 0.05 else ""


@dataclass(frozen=True)
class Crossed:
    """A mean over seeds × pictures, with what varies from seed to seed, from picture to picture, and from cell to cell.

    seeds, pictures: how many there were. between_seeds, between_pictures, rest: variances, not below 0.
    """

    mean: float
    seeds: int
    pictures: int
    between_seeds: float
    between_pictures: float
    rest: float
    freedom: float

    def error(self, seeds: int | None = None, pictures: int | None = None) -> float:
        """Compute the standard error of the mean, with as many seeds and pictures as there were or as are asked for."""
        s, n = seeds or self.seeds, pictures or self.pictures
        return math.sqrt(self.between_seeds / s + self.between_pictures / n + self.rest / (s * n))

    def interval(self, level: float = 0.95) -> Interval:
        """Compute the interval that holds what other seeds *and* other test pictures would change."""
        half = float(stats.t.ppf((1 + level) / 2, self.freedom)) * self.error()
        return Interval(self.mean, self.mean - half, self.mean + half)

    def p(self) -> float:
        """Compute p of the two-sided test that the mean is 0."""
        error = self.error()
        if error == 0:
            return 1.0 if self.mean == 0 else 0.0
        return float(2 * stats.t.sf(abs(self.mean) / error, self.freedom))

    def visible(self, power: float = 0.8, level: float = 0.95) -> float:
        """Compute the smallest mean that a run like this one sees with probability `power`."""
        return _reach(self.freedom, power, level) * self.error()

    def seeds_for(self, effect: float, power: float = 0.8, level: float = 0.95) -> int | None:
        """Count the seeds with which a mean of `effect` would be seen on as many pictures; None for over 1,000."""
        reach = abs(effect) / float(stats.norm.ppf((1 + level) / 2) + stats.norm.ppf(power))
        return next((n for n in range(2, 1001) if self.error(seeds=n) <= reach), None)

    def pictures_for(self, effect: float, power: float = 0.8, level: float = 0.95) -> int | None:
        """Count the test pictures with which a mean of `effect` would be seen with as many seeds; None if no number is
        enough."""
        reach = abs(effect) / float(stats.norm.ppf((1 + level) / 2) + stats.norm.ppf(power))
        left = reach**2 - self.between_seeds / self.seeds
        return None if left <= 0 else math.ceil((self.between_pictures + self.rest / self.seeds) / left)


def crossed(values: np.ndarray, groups: np.ndarray | None = None) -> Crossed:
    """Take apart what varies in values of S seeds × N pictures, where each seed saw the same pictures (S, N ≥ 2).

    It is the two-way analysis of variance with random seeds and pictures, one value a cell (Searle, Casella &
    McCulloch 1992, section 4.3), with Satterthwaite's degrees of freedom. groups: N numbers; pictures of one group
    (patient, writer, animal) count as one, weighted by its size. Raises CourseError for fewer than two seeds or groups.
    """
    x = np.asarray(values, float)
    if groups is not None:
        _, number = np.unique(groups, return_inverse=True)
        sums = np.zeros((len(x), number.max() + 1))
        np.add.at(sums, (slice(None), number), x)
        x = sums * sums.shape[1] / x.shape[1]  # so that the mean over groups is the mean over pictures
    if x.ndim != 2 or min(x.shape) < 2 or not np.isfinite(x).all():
        raise CourseError(f"expected finite values of at least 2 seeds × 2 pictures (or groups), got shape {x.shape}")
    s, n = x.shape
    mean, rows, columns = x.mean(), x.mean(axis=1), x.mean(axis=0)
    by_seed, by_picture = n * rows.var(ddof=1), s * columns.var(ddof=1)
    rest = float(np.square(x - rows[:, None] - columns + mean).sum() / ((s - 1) * (n - 1)))
    between_seeds, between_pictures = max(0.0, by_seed - rest) / n, max(0.0, by_picture - rest) / s
    whole = n * between_seeds + s * between_pictures + rest
    parts = (by_seed**2 / (s - 1), by_picture**2 / (n - 1), rest**2 / ((s - 1) * (n - 1)))
    freedom = whole**2 / sum(parts) if whole > 0 else math.inf
    return Crossed(float(mean), s, n, between_seeds, between_pictures, rest, max(1.0, freedom))
