"""Lesson 3's exercises: documented mistakes are named, and the references hold against other libraries."""

import math

import pytest
import torch
import torch.nn.functional as F
from answers import each_mistake_is_named, right_answers_pass
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from course_utils.gan import losses
from course_utils.gan.networks import AnimalGenerator
from course_utils.teach.exercises import lesson_03 as lesson

# ---------------------------------------------------------------- answers with a mistake in them


def towards(logits, target):
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def naive(real, fake, target):
    """The smoothed loss through a sigmoid and its logarithm."""
    p, q = real.sigmoid(), fake.sigmoid()
    return -(target * p.log() + (1 - target) * (1 - p).log()).mean() - (1 - q).log().mean()


def constant(**wrong):
    """constant_scores with some of its numbers replaced: functions of the share."""

    def answer(share):
        names = ("bce", "accuracy", "precision", "recall")
        right = lesson.ConstantScores.reference(share)
        return tuple(wrong[name](share) if name in wrong else value for name, value in zip(names, right, strict=True))

    return answer


def entropy(share):
    return -share * math.log(share) - (1 - share) * math.log(1 - share)


def there_and_back(a, b, AB, BA):
    return BA(AB(a)) - a, AB(BA(b)) - b


WRONG = {
    lesson.ConditionalInput: [
        (lambda z, c, k: z * F.one_hot(c, k), r"You \*multiplied\*"),
        (lambda z, c, k: torch.cat([z, F.one_hot(c)], dim=1), r"F.one_hot\(c, classes\)"),
        (lambda z, c, k: torch.cat([z, F.one_hot(c, k)], dim=0), "more rows"),
        (lambda z, c, k: torch.cat([z, F.one_hot(c, 4)], dim=1), "not for 2"),
        (lambda z, c, k: (z, F.one_hot(c, k)), "one tensor"),
    ],
    lesson.SmoothedLoss: [
        (lambda r, f, t: towards(r, t) + towards(f, 1 - t), "fakes as well"),
        (lambda r, f, t: t * towards(r, 1.0) + towards(f, 0.0), "made the real term smaller"),
        (lambda r, f, t: towards(r.sigmoid(), t) + towards(f.sigmoid(), 0.0), "takes another"),
        (lambda r, f, t: towards(r, 1.0) + towards(f, 0.0), "not used"),
        (lambda r, f, t: towards(r, 0.9) + towards(f, 0.0), "use the argument `target`"),
        (naive, "it breaks"),
        (lambda r, f, t: F.softplus(-r), "forget the mean"),
        (lambda r, f, t: torch.tensor(0.123), "yours is 0.123"),
    ],
    lesson.CycleLoss: [
        (lambda a, b, AB, BA: (BA(AB(a)) - a).abs().mean(), "from side A only"),
        (lambda a, b, AB, BA: F.l1_loss(AB(a), b) + F.l1_loss(BA(b), a), "not a pair"),
        (lambda *args: sum(way.abs() for way in there_and_back(*args)), "forget the mean"),
        (lambda *args: torch.cat(there_and_back(*args)).abs().mean() * 2, "each side by itself"),
        (lambda *args: float(lesson.CycleLoss.reference(*args)), "no gradient reaches"),
        (
            lambda a, b, AB, BA: F.l1_loss(BA(AB(a).detach()), a) + F.l1_loss(AB(BA(b).detach()), b),
            "part of the gradient",
        ),
        (lambda a, b, AB, BA: torch.tensor(0.123), "yours is 0.123"),
    ],
    lesson.ConstantScores: [
        (constant(bce=lambda s: 1.0), r"one \*bit\*"),
        (constant(bce=entropy), r"\*knows\* the share"),
        (constant(accuracy=lambda s: 1 - s), "So many are horses"),
        (constant(precision=lambda s: 1.0), "That is recall"),
        (constant(recall=lambda s: 0.7), "yours is 0.7"),
        (lambda s: (math.log(2), s, s), "Give back 4 numbers"),
    ],
}


test_each_mistake_is_named = each_mistake_is_named(WRONG)


# ---------------------------------------------------------------- other ways that are right


test_other_right_answers_pass = right_answers_pass(
    [
        (lesson.ConditionalInput, lambda z, c, k: torch.cat((z, torch.eye(k)[c]), -1)),
        (lesson.SmoothedLoss, losses.discriminator_loss),
        (lesson.CycleLoss, lambda a, b, AB, BA: F.l1_loss(BA(AB(a)), a) + F.l1_loss(AB(BA(b)), b)),
        (lesson.ConstantScores, lambda share: (math.log(2), share, share, 1)),
    ]
)


# ---------------------------------------------------------------- the references, held against others


def test_the_generator_is_fed_what_the_learner_writes():
    G = AnimalGenerator(size=32, width=0.05)
    z, c = G.prior(6, torch.Generator().manual_seed(0))
    assert torch.equal(G(z, c), G.body(lesson.ConditionalInput.reference(z, c, G.classes)))


floats = st.floats(-30, 30, width=32)


@given(real=st.lists(floats, min_size=1, max_size=8), fake=st.lists(floats, min_size=1, max_size=8), t=st.floats(0, 1))
def test_the_smoothed_loss_is_the_packages(real, fake, t):
    real, fake = torch.tensor(real), torch.tensor(fake)
    torch.testing.assert_close(
        lesson.SmoothedLoss.reference(real, fake, t),
        losses.discriminator_loss(real, fake, t),
        rtol=1e-4,
        atol=1e-5,
    )


@given(cows=st.integers(1, 60), horses=st.integers(1, 60))
def test_the_constant_scores_are_scikit_learns(cows, horses):
    y, p = [1] * cows + [0] * horses, [0.5] * (cows + horses)
    said = [int(value >= 0.5) for value in p]
    known = [metrics.log_loss(y, p), *(f(y, said) for f in (metrics.accuracy_score, metrics.precision_score))]
    assert lesson.ConstantScores.reference(cows / (cows + horses)) == pytest.approx([*known, 1.0])
    assert metrics.recall_score(y, said) == 1.0
