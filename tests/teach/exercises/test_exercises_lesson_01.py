"""Lesson 1's exercises: the reference passes, and each documented mistake is named."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from answers import each_mistake_is_named
from scipy import stats

from course_utils.teach.exercises import lesson_01 as lesson
from course_utils.teach.exercises.exercise import Wrong


def copy_over(at, keep_labels=False, clone=True):
    """replace_images with a mistake in it; at(n, k, rng) chooses the places."""

    def answer(pixels, labels, new_pixels, new_labels, rng):
        places = at(len(pixels), len(new_pixels), rng)
        if clone:
            pixels, labels = pixels.clone(), labels.clone()
        pixels[places] = new_pixels
        if not keep_labels:
            labels[places] = new_labels
        return pixels, labels

    return answer


def randperm(n, k, rng):
    return torch.randperm(n, generator=rng)[:k]


def half_width(half):
    def answer(after, before):
        d = after - before
        return d.mean(), d.mean() - half(d, after, before), d.mean() + half(d, after, before)

    return answer


WRONG = {
    lesson.DiscriminatorLoss: [
        (lambda r, f: F.softplus(f).mean(), "Only the fake half"),
        (lambda r, f: F.softplus(-r) + F.softplus(f), "forget the mean"),
        (lambda r, f: F.softplus(-r.sigmoid()).mean() + F.softplus(f.sigmoid()).mean(), "took a sigmoid"),
    ],
    lesson.GeneratorLoss: [
        (lambda f: -F.softplus(f).mean(), "minimax"),
        (lambda f: F.softplus(-f).sum(), "take the mean"),
        (lambda f: -(f.sigmoid() + 1e-8).log().mean(), "gradient has vanished"),
    ],
    lesson.ReplaceImages: [
        (lambda p, y, q, r, g: (torch.cat([p, q]), torch.cat([y, r])), "do not add"),
        (copy_over(randperm, keep_labels=True), "labels must move"),
        (copy_over(randperm, clone=False), "changed the training set it was given"),
        (copy_over(lambda n, k, g: torch.arange(k)), "sorted by writer"),
        (copy_over(lambda n, k, g: torch.arange(k) // 2), "two fell on one place"),
        (copy_over(lambda n, k, g: torch.randperm(n)[:k]), "same `rng` gives other places"),
        (lambda p, y, q, r, g: copy_over(randperm)(p, y, q[:1].expand_as(q), r, g), "not each of the 12 new ones"),
        (lambda p, y, q, r, g: copy_over(randperm)(p.float(), y, q.float(), r, g), "uint8"),
        (lambda p, y, q, r, g: p, "Give back 2 tensors"),
    ],
    lesson.PairedInterval: [
        (half_width(lambda d, a, b: stats.t.ppf(0.975, 4) * d.std() / 5**0.5), "ddof=1"),
        (half_width(lambda d, a, b: 1.96 * d.std(ddof=1) / 5**0.5), "many seeds"),
        (
            half_width(lambda d, a, b: stats.t.ppf(0.975, 8) * ((a.var(ddof=1) + b.var(ddof=1)) / 5) ** 0.5),
            "pair them first",
        ),
        (lambda a, b: (b - a).mean(), "Give back 3 numbers"),
        (lambda a, b: ((b - a).mean(), -1.0, 1.0), "sign is turned round"),
    ],
    lesson.GainOfChoosing: [
        (lambda c, r, t: 100 * (r.max(axis=1).mean() - t), "chose by the score that is reported"),
        (lambda c, r, t: 100 * (c.max(axis=1).mean() - t), "score by which they chose"),
        (lambda c, r, t: lesson.GainOfChoosing.reference(c, r, t) / 100, "times 100"),
        (lambda c, r, t: lesson.GainOfChoosing.reference(c, r, 0), r"from the \*truth\*"),
        (lambda c, r, t: 100 * (r[c.argmax(axis=0), np.arange(3)].mean() - t), r"One \*row\* is a study"),
        (lambda c, r, t: 100 * (r.mean() - t), "nobody has chosen"),
        (lambda c, r, t: 100 * (r.max() - t), "choose in each"),
        (lambda c, r, t: -lesson.GainOfChoosing.reference(c, r, t), "sign is turned round"),
        (lambda c, r, t: 1.0, "The gain in points should be"),
    ],
}


test_each_mistake_is_named = each_mistake_is_named(WRONG)


def test_an_unknown_mistake_says_what_was_expected():
    with pytest.raises(Wrong, match="should be"):
        lesson.GeneratorLoss().test(lambda f: f.mean() + 7)


def test_paired_reference_is_scipys_paired_t_interval():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=9), rng.normal(size=9)
    interval = stats.ttest_rel(a, b).confidence_interval(0.95)
    np.testing.assert_allclose(lesson.PairedInterval.reference(a, b)[1:], (interval.low, interval.high))
