"""Lesson 2's exercises: documented mistakes are named, and the references hold against other libraries."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from answers import each_mistake_is_named, right_answers_pass
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from course_utils.core.seeds import generator
from course_utils.evaluate.statistics import proportion_interval
from course_utils.teach.exercises import lesson_02 as lesson

# ---------------------------------------------------------------- answers with a mistake in them


def scored(accuracy=None, recall=None):
    """accuracy_and_recall with one of its two numbers replaced; each is called with (labels, predictions, starved)."""

    def answer(labels, predictions, starved):
        right = lesson.AccuracyAndRecall.reference(labels, predictions, starved)
        return tuple(
            value if wrong is None else float(wrong(labels, predictions, starved))
            for value, wrong in zip(right, (accuracy, recall), strict=True)
        )

    return answer


def precision(y, p, k):
    return (y[p == k] == k).float().mean()


def gaussian(factor=None, centre=True, covariance=None):
    """class_gaussian with a mistake in it: factor(covariance), or covariance(centred)."""

    def answer(latents):
        mean = latents.mean(0)
        x = latents - mean if centre else latents
        c = covariance(x) if covariance else x.T @ x / max(len(x) - 1, 1)
        return mean, (factor or clipped)(c)

    return answer


def clipped(covariance):
    values, vectors = torch.linalg.eigh(covariance)
    return vectors * values.clamp(min=0).sqrt()


def by_svd(covariance):
    vectors, values, _ = torch.linalg.svd(covariance)
    return vectors * values.sqrt()


def unclipped(covariance):
    values, vectors = torch.linalg.eigh(covariance)
    return vectors * values.sqrt()


def drawn(shape):
    """draw with shape(noise, mean, factor) in the place of the right one."""
    return lambda mean, factor, n, generator: shape(torch.randn(n, len(mean), generator=generator), mean, factor)


def wald(right, n, z=1.959964):
    p = right / n
    half = z * math.sqrt(p * (1 - p) / n)
    return p - half, p + half


def agresti_coull(right, n):
    return wald(right + 1.959964**2 / 2, n + 1.959964**2)


def jeffreys(right, n):
    return tuple(stats.beta(right + 0.5, n - right + 0.5).ppf([0.025, 0.975]))


wilson = lesson.BinomialInterval.reference


def around_p(right, n):
    lo, hi = wilson(right, n)
    return right / n - (hi - lo) / 2, right / n + (hi - lo) / 2


WRONG = {
    lesson.AccuracyAndRecall: [
        (scored(recall=precision), "That is \\*precision"),
        (scored(recall=lambda y, p, k: (p[y == 0] == 0).float().mean()), "use the argument"),
        (lambda y, p, k: tuple(reversed(lesson.AccuracyAndRecall.reference(y, p, k))), "swapped"),
        (lambda y, p, k: tuple(100 * v for v in lesson.AccuracyAndRecall.reference(y, p, k)), "per cent"),
        (lambda y, p, k: (p == y).float().mean(), "Give back 2 numbers"),
        (scored(recall=lambda y, p, k: 0.6 if (p == k).any() else math.nan), "never says 0"),
    ],
    lesson.ClassGaussian: [
        (gaussian(torch.linalg.cholesky), "singular"),
        (gaussian(unclipped), "clamp"),
        (gaussian(lambda c: torch.linalg.cholesky(c + 1e-3 * torch.eye(len(c)))), "jitter.*1e-03"),
        (gaussian(lambda c: torch.linalg.cholesky(c + 1e-5 * torch.eye(len(c)))), "jitter.*1e-05"),
        (gaussian(covariance=lambda x: x.T @ x / (len(x) - 1)), "single image"),
        (gaussian(covariance=lambda x: x.T @ x / len(x)), "divided by n"),
        (gaussian(centre=False), "Subtract the mean"),
        (gaussian(lambda c: clipped(c).T), "Transpose"),
        (lambda x: (torch.zeros(x.shape[1]), clipped(torch.cov(x.T))), "mean is zero"),
        (lambda x: (x.mean(0), x.std(0)), "factor must be 3 × 3"),
        (lambda x: x.mean(0), "2 tensors"),
        (lambda x: lesson.ClassGaussian.reference(x.double()), "float32"),
    ],
    lesson.DrawLatents: [
        (drawn(lambda z, m, f: m + z @ f), "transposed"),
        (drawn(lambda z, m, f: z @ f.T), "Add the mean"),
        (drawn(lambda z, m, f: (m + z @ f.T).T), "one row a draw"),
        (lambda m, f, n, g: m + torch.rand(n, 2, generator=g) @ f.T, "uniform"),
        (lambda m, f, n, g: m + torch.randn(n, 2) @ f.T, "pass `generator=generator`"),
        (
            lambda m, f, n, g: m + torch.randn(n, 2, generator=torch.Generator().manual_seed(0)) @ f.T,
            "whatever the generator says",
        ),
    ],
    lesson.ClassLoss: [
        (lambda x, y: F.cross_entropy(x, torch.full_like(y, x.shape[1] - 1)), "learn to be caught"),
        (lambda x, y: F.cross_entropy(x.softmax(1), y), "cannot fall below 0.74 for 4 classes"),
        (lambda x, y: F.nll_loss((x.softmax(1) + 1e-8).log(), y), "it breaks"),
    ],
    lesson.BinomialInterval: [
        (wald, "1.96 standard errors.*reaches 1.023"),
        (lambda k, n: wilson(k, n) if 0 < k < n else wald(k, n), "has no width"),
        (around_p, "the centre is not"),
        (lambda k, n: wilson(k, n)[::-1], "ends are swapped"),
        (lambda k, n: k / n, "return lo, hi"),
        (lambda k, n: (0.0, 1.0), r"yours is \[0, 1\]"),
        (lambda k, n: lesson._wilson(k / n, n, 2), "z = 2"),
        (agresti_coull, "Agresti and Coull"),
        (jeffreys, "Jeffreys"),
    ],
}


test_each_mistake_is_named = each_mistake_is_named(WRONG)


# ---------------------------------------------------------------- other ways that are right


test_other_right_answers_pass = right_answers_pass(
    [
        (lesson.AccuracyAndRecall, lambda y, p, k: (np.mean((p == y).numpy()), (p == y)[y == k].float().mean())),
        (lesson.ClassGaussian, gaussian(by_svd)),
        (lesson.DrawLatents, lambda m, f, n, g: (f @ torch.randn(len(m), n, generator=g)).T + m),
        (lesson.ClassLoss, lambda x, y: -x.log_softmax(1)[torch.arange(len(y)), y].mean()),
        (lesson.BinomialInterval, lambda k, n: tuple(stats.binomtest(k, n).proportion_ci(method="wilson"))),
    ]
)


# ---------------------------------------------------------------- the references, held against others


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_accuracy_and_recall_are_scikit_learns(pairs):
    labels, predictions = torch.tensor(pairs).T
    starved = int(labels[0])
    accuracy, recall = lesson.AccuracyAndRecall.reference(labels, predictions, starved)
    assert accuracy == pytest.approx(metrics.accuracy_score(labels, predictions))
    assert recall == pytest.approx(metrics.recall_score(labels, predictions, labels=[starved], average="macro"))


@given(n=st.integers(1, 30), dimensions=st.integers(1, 12), seed=st.integers(0, 99))
def test_the_gaussian_of_few_images_stays_on_what_they_span(n, dimensions, seed):
    latents = torch.randn(n, dimensions, generator=generator(seed, "latents"), dtype=torch.float64)
    mean, factor = lesson.ClassGaussian.reference(latents)
    expected = np.cov(latents.numpy().T).reshape(dimensions, dimensions) if n > 1 else np.zeros((dimensions,) * 2)
    np.testing.assert_allclose(factor @ factor.T, expected, atol=1e-9)
    draws = lesson.DrawLatents.reference(mean, factor, 5, generator(seed, "draws"))
    assert draws.dtype == latents.dtype
    assert torch.linalg.matrix_rank(draws - mean, atol=1e-6) <= min(n - 1, dimensions)


@given(n=st.integers(1, 50_000), data=st.data())
def test_the_interval_is_the_packages_and_stays_between_0_and_1(n, data):
    right = data.draw(st.integers(0, n))
    lo, hi = lesson.BinomialInterval.reference(right, n)
    known = proportion_interval(right, n)
    assert (lo, hi) == pytest.approx((known.lo, known.hi))
    assert -1e-12 <= lo < hi <= 1 + 1e-12
