"""Each recipe on small networks: what it trains, with which losses, and from which random numbers."""

import inspect

import pytest
import torch
from small_gans import RECIPES, images

from course_utils.gan import losses, recipes

DATA = images()


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_trains_and_repeats_itself(name):
    """Twice the same numbers, whatever was drawn before; the networks are trained in place, G's average is reported."""
    found = []
    for _ in range(2):
        torch.rand(7)
        run = RECIPES[name](3, seed=5)
        before = [p.clone() for p in run.G.parameters()]
        reports = [(item.step, item) for item in run]
        assert [step for step, _ in reports] == [1, 2, 3] and not list(run)
        assert any(not torch.equal(p, q) for p, q in zip(before, run.G.parameters(), strict=True))
        found.append((reports[-1][1].losses, reports[-1][1].samples()))
    assert found[0][0] == found[1][0] and torch.equal(found[0][1], found[1][1])
    assert RECIPES[name](3, seed=6).finish().losses != found[0][0]


@pytest.mark.parametrize(
    ("name", "argument", "loss"),
    [
        ("fc", "d_loss", losses.discriminator_loss),
        ("fc", "g_loss", losses.generator_loss),
        ("dcgan", "d_loss", losses.discriminator_loss),
        ("cgan", "d_loss", recipes.smoothed_loss),
        ("ccgan", "d_loss", losses.discriminator_loss),
        ("ccgan", "g_loss", losses.generator_loss),
        ("acgan", "source_loss", losses.discriminator_loss),
        ("acgan", "class_loss", losses.class_loss),
        ("projection", "d_loss", losses.hinge_discriminator_loss),
        ("projection", "g_loss", losses.hinge_generator_loss),
        ("bagan", "g_loss", losses.class_loss),
    ],
)
def test_the_learners_loss_is_the_one_that_trains(name, argument, loss):
    usual = RECIPES[name](2).finish().losses
    assert RECIPES[name](2, **{argument: loss}).finish().losses == usual  # the default
    assert RECIPES[name](2, **{argument: lambda *logits: 3 * loss(*logits)}).finish().losses != usual


def test_each_term_of_cyclegan_can_be_left_out():
    whole = RECIPES["cyclegan"](2).finish().losses["G"]
    for term in ("adversarial", "cycle", "identity"):
        assert RECIPES["cyclegan"](2, **{term: 0.0}).finish().losses["G"] != whole


def test_bagan_starts_from_its_autoencoder_and_draws_from_the_learners_gaussians():
    first = recipes.train_autoencoder(DATA, 2, 0, latent=8, width=1 / 8, batch=4)
    assert len(first.finish().samples()) == 10  # the first images, rebuilt
    points = torch.tensor([[1.0] * 8, [2.0] * 8, [3.0] * 8])
    given = iter(points)
    gaussians = recipes.fit_gaussians(first.G.encoder, DATA, lambda latents: (next(given), torch.zeros(8, 8)))
    run = recipes.train_bagan(DATA, first.G, gaussians, 2, 0, batch=4)
    assert run.G.decoder is first.G.decoder and run.D.classes == 3
    assert torch.equal(next(run.D.trunk.parameters()), next(first.G.encoder.trunk.parameters()))
    z, c = run.G.prior(6)
    assert torch.equal(z, points[c])


def test_the_ccgan_plays_against_the_discriminator_it_is_given_and_as_it_is_at_the_start():
    other = RECIPES["ccgan"](1, depth=2).D
    assert RECIPES["ccgan"](1, D=other).D is other
    run, usual = RECIPES["ccgan"](1), RECIPES["ccgan"](1)
    for p in run.D.parameters():
        p.data.mul_(2)  # a head start
    assert run.finish().losses != usual.finish().losses


def test_further_keywords_go_to_the_loop(tmp_path):
    path = tmp_path / "run.safetensors"
    whole = RECIPES["acgan"](4).finish()
    for _ in RECIPES["acgan"](4, checkpoint=path):
        break
    last = RECIPES["acgan"](4, checkpoint=path).finish()
    assert path.exists() and last.losses == whole.losses


@pytest.mark.parametrize("name", [name for name in dir(recipes) if name.startswith("train_")])
def test_a_recipe_reads_like_its_paper(name):
    source = inspect.getsource(getattr(recipes, name))
    assert len(source.splitlines()) <= 40
    assert not any(word in source for word in ("cuda", ".to(", "print", "Path"))
