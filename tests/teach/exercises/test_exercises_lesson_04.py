"""Lesson 4's exercises: documented mistakes are named, and the answers train a GAN."""

import pytest
import torch
import torch.nn.functional as F
from answers import each_mistake_is_named, right_answers_pass
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from course_utils.core.seeds import generator
from course_utils.data.images import Images
from course_utils.evaluate import class_scores
from course_utils.gan import batches
from course_utils.gan import train as gan
from course_utils.gan.networks import ClassPCA, DCDiscriminator, DCGenerator, PPCAGenerator, dcgan
from course_utils.gan.steps import cgan_step
from course_utils.teach.exercises import lesson_04 as lesson

# ---------------------------------------------------------------- answers with a mistake in them


def hits(logits, asked):
    return (logits.argmax(1) == asked).float()


def as_often(logits, asked):
    said = torch.bincount(logits.argmax(1), minlength=5)
    return float(torch.minimum(said, torch.bincount(asked, minlength=5)).sum() / len(asked))


def firsts(pixels, labels):
    return torch.stack([pixels[labels == k][0] for k in range(10)])


def written_into(asked, pixels, labels):
    pixels[: len(asked)] = firsts(pixels, labels)[asked]
    return pixels[: len(asked)].clone()


def at_random(asked, pixels, labels):
    own = [pixels[labels == k] for k in asked]
    return torch.stack([some[torch.randint(len(some), ())] for some in own])


def channel(y, plane):
    return plane(F.one_hot(y, plane.in_features).float()).view(-1, 1, 28, 28)


def joined(shape, dim=1):
    """join_to_image with shape(x, channel) in the place of [x, channel]."""
    return lambda x, y, plane: torch.cat(shape(x, channel(y, plane)), dim=dim)


def drawn(shape):
    """ppca_sample with shape(z, mean, W) in the place of mean + z @ W.T."""
    return lambda mean, W, n, g: shape(torch.randn(n, W.shape[1], generator=g), mean, W)


WRONG = {
    lesson.ConditionalAccuracy: [
        (lambda x, y: 100 * hits(x, y).mean(), "per cent"),
        (lambda x, y: hits(x, y).sum(), r"\*how many\*"),
        (hits, "must be one number.*forget the mean"),
        (as_often, "would cancel"),
        (lambda x, y: (x.gather(1, y[:, None]) > 1.2).float().mean(), "should be 0.6667"),
        (lambda x, y: 10 / 15 if x.max() < 5 else 1.0, "rose by the same amount"),
        (lambda x, y: 10 / 15 if y[0] == 0 else 0.0, "numbered otherwise"),
    ],
    lesson.Cheat: [
        (lambda a, x, y: x[a], r"for \*positions\*"),
        (lambda a, x, y: torch.stack([x[y == k][2] for k in a]), r"first one, each time"),
        (at_random, r"not always the \*same\* one"),
        (lambda a, x, y: torch.stack([x[y == k].float().mean(0) for k in a]), "are uint8"),
        (lambda a, x, y: firsts(x, y), "8 × 1 × 28 × 28"),
        (lambda a, x, y: [firsts(x, y)[k] for k in a], "is a list"),
        (written_into, "training images themselves"),
        (lambda a, x, y: firsts(x, y)[a if len(a) == 8 else a * 0], "not for 2"),
    ],
    lesson.JoinToNoise: [
        (lambda z, c, k: z * F.one_hot(c, k), "lesson 5 goes it"),
        (lambda z, c, k: z, "does not hear"),
    ],
    lesson.JoinToImage: [
        (joined(lambda x, c: [c, x]), "first the image"),
        (joined(lambda x, c: [x, c], dim=0), r"in the \*batch\*"),
        (joined(lambda x, c: [x, c.mT]), "turned on its side"),
        (lambda x, y, plane: (x, channel(y, plane)), "is a tuple"),
        (joined(lambda x, c: [x, c, c]), r"yours has \(3, 3, 28, 28\)"),
        (joined(lambda x, c: [x, c.detach()]), "part of the gradient"),
        (lambda x, y, plane: plane(F.one_hot(y, plane.in_features)), r"add `.float\(\)`"),
        (lambda x, y, plane: plane(F.one_hot(y).float()), "largest label"),
        (lambda x, y, plane: plane(y.float()), r"one-hot code of each label, N × 10"),
    ],
    lesson.PPCASample: [
        (drawn(lambda z, m, W: z @ W.T), "Add the mean"),
        (lambda m, W, n, g: m + torch.randn(n, len(m), generator=g) @ W.T, r"3 × 2, so each image takes 2"),
        (drawn(lambda z, m, W: m + z @ W), "shapes do not fit"),
        (drawn(lambda z, m, W: (m + z @ W.T).T), "one row a draw"),
        (
            lambda m, W, n, g: m + torch.randn(n, W.shape[1], generator=g) @ W.T + torch.randn(n, len(m), generator=g),
            "pixel noise is left out",
        ),
        (drawn(lambda z, m, W: m + 1.3 * z @ W.T), "covariance of many draws should be"),
    ],
}


test_each_mistake_is_named = each_mistake_is_named(WRONG)


# ---------------------------------------------------------------- other ways that are right


test_other_right_answers_pass = right_answers_pass(
    [
        (lesson.ConditionalAccuracy, lambda x, y: (x.softmax(-1).argmax(-1) == y).double().mean()),
        (lesson.Cheat, lambda a, x, y: x[[int((y == k).nonzero()[0, 0]) for k in a]]),
        (lesson.JoinToNoise, lambda z, c, k: torch.cat((z, torch.eye(k)[c]), -1)),
        (
            lesson.JoinToImage,
            lambda x, y, plane: torch.hstack([x, plane(torch.eye(plane.in_features)[y]).reshape(x.shape)]),
        ),
        (lesson.PPCASample, lambda m, W, n, g: (W @ torch.randn(W.shape[1], n, generator=g)).T + m),
    ]
)


# ---------------------------------------------------------------- the references, held against others


def stand_ins(n=200):
    rng = generator("stand-ins")
    labels = torch.arange(n) % 10
    shapes = torch.rand(10, 1, 28, 28, generator=rng)
    noise = torch.rand(n, 1, 28, 28, generator=rng)
    return Images(((0.7 * shapes[labels] + 0.3 * noise) * 255).to(torch.uint8), labels, tuple("0123456789"))


@given(n=st.integers(1, 40), seed=st.integers(0, 99))
def test_the_accuracy_is_the_packages(n, seed):
    pixels = torch.randint(256, (n, 1, 2, 2), generator=generator(seed), dtype=torch.uint8)
    asked = torch.randint(3, (n,), generator=generator(seed, "asked"))
    judge = nn.Sequential(nn.Flatten(), nn.Linear(4, 3)).requires_grad_(False)
    known = class_scores.conditional_accuracy(judge, pixels, asked)
    assert lesson.ConditionalAccuracy.reference(judge(pixels / 127.5 - 1), asked) == pytest.approx(known)


def test_the_networks_join_as_the_learner_writes():
    G, D = DCGenerator(1 / 32, 4, 3), DCDiscriminator(1 / 16, classes=3)
    z, c = G.prior(6, generator("join"))
    x = torch.rand(6, 1, 28, 28, generator=generator("x"))
    assert torch.equal(G(z, c), G.body(lesson.JoinToNoise.reference(z, c, 3)))
    assert torch.equal(D(x, c), D.body(lesson.JoinToImage.reference(x, c, D.label)))


def test_a_gan_trains_with_the_answers_and_ends_where_the_packages_own_does():
    def trained(**joins):
        torch.manual_seed(0)
        G = DCGenerator(1 / 32, 4, 10, join=joins.get("noise", dcgan.join_to_noise))
        D = DCDiscriminator(1 / 32, classes=10, join=joins.get("image", dcgan.join_to_image))
        data = batches.labelled(stand_ins(), 20, "joins")
        return gan.fit(cgan_step, G, D, data, steps=4, seed=0, reports=1).losses

    answers = {"noise": lesson.JoinToNoise().answer_or_reference, "image": lesson.JoinToImage().answer_or_reference}
    assert trained(**answers) == trained()


def test_ppca_draws_what_its_generator_draws():
    ppca = PPCAGenerator(ClassPCA.fit(stand_ins(), 3))
    z = torch.randn(50, 3, generator=generator("z"))
    for k in (0, 7):
        mine = lesson.PPCASample.reference(ppca.mean[k], ppca.W[k], 50, generator("z"))
        made = ppca(z, torch.full((50,), k)).flatten(1)
        torch.testing.assert_close(mine.clamp(-1, 1), made, rtol=1e-4, atol=1e-5)
