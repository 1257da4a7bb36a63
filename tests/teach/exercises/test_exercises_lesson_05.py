"""Lesson 5's exercises: documented mistakes are named, and the answers train an ACGAN."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from answers import each_mistake_is_named, right_answers_pass
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from course_utils.gan import losses, train
from course_utils.gan.networks import ACDiscriminator, ACGenerator
from course_utils.gan.steps import acgan_step
from course_utils.teach.exercises import lesson_05 as lesson

# ---------------------------------------------------------------- answers with a mistake in them


def source(real=lambda a: F.softplus(-a), fake=F.softplus, reduce=torch.mean):
    """source_loss with another term for real images or for fakes, or another reduction."""
    return lambda r, f: reduce(real(r)) + reduce(fake(f))


def naive(real, fake):
    return -(real.sigmoid().log().mean() + (1 - fake.sigmoid()).log().mean())


def of_label(p, labels):
    return p[torch.arange(len(labels)), labels]


def branches(d_loss, g_loss):
    if d_loss < g_loss:
        return torch.tensor(False), torch.tensor(True)
    return torch.tensor(True), ~(g_loss < d_loss)


def kept(p=None, compare=torch.ge, dim=1):
    """confident with other probabilities, or another comparison."""
    return lambda x, c, least: compare(of_label(p(x) if p else x.softmax(dim), c), torch.tensor(least))


def leak(normal=lambda counts: counts / counts.sum(1, keepdim=True).clamp(min=1), diagonal=-1.0, give=None):
    """worst_leak with another normalisation, another value on the diagonal, or give(a, b, share, counts)."""

    def answer(asked, seen, classes):
        counts = torch.bincount(asked * classes + seen, minlength=classes**2).view(classes, classes).double()
        shares = normal(counts)
        if diagonal is not None:
            shares = shares.clone().fill_diagonal_(diagonal)
        a, b = divmod(int(shares.argmax()), classes)
        share = float(shares[a, b])
        return give(a, b, share, counts) if give else (a, b, share)

    return answer


WRONG = {
    lesson.SourceLoss: [
        (lambda r, f: -lesson.SourceLoss.reference(r, f), r"D \*maximises\*"),
        (lambda r, f: lesson.SourceLoss.reference(r.sigmoid(), f.sigmoid()), "fall below 1.01"),
        (lambda r, f: F.softplus(-r) + F.softplus(f), "forget the mean"),
        (naive, "it breaks"),
        (lambda r, f: lesson.SourceLoss.reference(r, f).item(), "no gradient"),
        (lambda r, f: 0 * r.mean() + 3, "yours is 3"),
    ],
    lesson.ClassLoss: [
        (lambda x, y: F.cross_entropy(x.softmax(1), y), r"cannot fall below 1\.46 for 10 classes"),
        (lambda x, y: F.cross_entropy(x, y, reduction="none"), "forget the mean"),
        (lambda x, y: F.nll_loss(x.log_softmax(0), y), r"over the \*batch\*"),
        (lambda x, y: F.nll_loss((x.softmax(1) + 1e-8).log(), y), "it breaks"),
        (lambda x, y: F.cross_entropy(x, y).detach(), "no gradient"),
        (lambda x, y: 0 * x.mean() + 3, "yours is 3"),
    ],
    lesson.Gate: [
        (lambda d, g: (g >= d, d >= g), "turned round"),
        (lambda d, g: (d < g, g < d), r"who \*pauses\*"),
        (lambda d, g: (d > g, ~(d > g)), "Yours pauses D"),
        (lambda d, g: (d >= g, g > d), "Yours pauses G"),
        (lambda d, g: (d > 0.7, g > 0.7), "Yours says: D 1.1, G 0.8: D trains, G trains; D 0.4"),
        (lambda d, g: (d.item() >= g.item(), g.item() >= d.item()), "plain Python truth values"),
        (branches, "reads the losses' values"),
        (lambda d, g: d >= g, "2 answers"),
        (lambda d, g: ((d >= g).float(), (g >= d).float()), "true or false"),
    ],
    lesson.ConfidenceFilter: [
        (lambda x, c, least: x.softmax(1).amax(1) >= least, r"\*whatever\* it sees"),
        (kept(lambda x: x), "logits, not probabilities"),
        (kept(dim=0), "runs over the fakes"),
        (kept(compare=torch.gt), "reaches `least` exactly"),
        (lambda x, c, least: of_label(x.softmax(1), c) >= 0.9, "does not follow"),
        (lambda x, c, least: kept()(x, c, least).nonzero()[:, 0], "positions"),
        (lambda x, c, least: of_label(x.softmax(1), c), "compare the probability"),
        (lambda x, c, least: c >= 0, "yours is .True"),
    ],
    lesson.Leakage: [
        (leak(give=lambda a, b, share, n: (b, a, share)), "swapped"),
        (leak(diagonal=None), "diagonal"),
        (
            leak(lambda n: n.clone().fill_diagonal_(0) / n.clone().fill_diagonal_(0).sum(1, keepdim=True).clamp(min=1)),
            r"among the \*leaks\*",
        ),
        (leak(lambda n: n / n.sum(0).clamp(min=1)), "by the columns"),
        (leak(lambda n: n / n.sum(1, keepdim=True)), "0/0 is NaN"),
        (lambda asked, seen, classes: (0, 1), "a, b, share"),
        (leak(give=lambda a, b, share, n: (float(a), float(b), share)), "make both whole"),
    ],
}


test_each_mistake_is_named = each_mistake_is_named(WRONG)


# ---------------------------------------------------------------- other ways that are right


test_other_right_answers_pass = right_answers_pass(
    [
        (lesson.SourceLoss, losses.discriminator_loss),
        (lesson.SourceLoss, lambda r, f: (F.softplus(-r) + F.softplus(f)).mean()),
        (lesson.ClassLoss, losses.class_loss),
        (lesson.ClassLoss, lambda x, y: -of_label(x.log_softmax(1), y).mean()),
        (lesson.Gate, train.lower_pauses),
        (lesson.Gate, lambda d, g: tuple(torch.stack([d, g]) == torch.maximum(d, g))),
        (lesson.ConfidenceFilter, lambda x, c, least: (x.softmax(1) >= least)[torch.arange(len(c)), c]),
        (lesson.Leakage, leak(diagonal=0.0)),
    ]
)


# ---------------------------------------------------------------- the references, held against others


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60))
def test_the_worst_leak_is_the_largest_of_scikit_learns_matrix(pairs):
    asked, seen = torch.tensor(pairs).T
    a, b, share = lesson.Leakage.reference(asked, seen, 5)
    shares = torch.from_numpy(metrics.confusion_matrix(asked, seen, labels=range(5), normalize="true"))
    assert a != b and share == pytest.approx(float(shares[a, b]))
    assert share == pytest.approx(float(shares.fill_diagonal_(0).max()))


def test_the_answers_train_an_acgan():
    """Written by a learner, source loss, class loss and gate give what the package's own give, to the last bit."""
    x, y = torch.rand(8, 1, 28, 28, generator=torch.Generator().manual_seed(1)) * 2 - 1, torch.arange(8) % 3
    found = []
    for source_loss, class_loss, gate in (
        (losses.discriminator_loss, losses.class_loss, True),
        (
            lesson.SourceLoss().answer_or_reference,
            lesson.ClassLoss().answer_or_reference,
            lesson.Gate().answer_or_reference,
        ),
    ):
        torch.manual_seed(0)
        G, D = ACGenerator(4, 3, width=1 / 16), ACDiscriminator(3, width=1 / 4)
        step = partial(acgan_step, source_loss=source_loss, class_loss=class_loss)
        # in float32: the package's losses take logits to it first, a learner's need not
        run = {"steps": 6, "seed": 0, "reports": 3, "precision": "float32", "stop_on_collapse": False}
        last = train.fit(step, G, D, lambda n: (x, y), gate=gate, **run)
        found.append((last.losses, [p.clone() for p in G.parameters()]))
    assert found[0][0] == found[1][0]
    assert all(torch.equal(p, q) for p, q in zip(found[0][1], found[1][1], strict=True))
