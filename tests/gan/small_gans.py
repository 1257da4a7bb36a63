"""Networks of each method, as small as they can be, and the data that they train on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from course_utils.data.images import Images
from course_utils.gan import batches, recipes
from course_utils.gan.diffaugment import diff_augment
from course_utils.gan.networks import FCDiscriminator, FCGenerator


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def images(n=60, classes=3, shape=(1, 28, 28), seed=0):
    """Bars at a height of their own for each class, with a little noise."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % classes
    pixels = torch.randint(0, 60, (n, *shape), generator=rng, dtype=torch.uint8)
    rows = shape[1] // classes
    for picture, label in zip(pixels, labels, strict=True):
        picture[:, label * rows : (label + 1) * rows] += 180
    return Images(pixels, labels, tuple(str(k) for k in range(classes)))


def fc(seed=0, models=1, dropout=0.0):
    torch.manual_seed(seed)
    G = FCGenerator(models, latent=4, pixels=784, hidden=(8,))
    return G, FCDiscriminator(models, pixels=784, hidden=(8,), dropout=dropout)


def _bagan(steps=1, seed=0, **settings):
    first = recipes.train_autoencoder(DATA, 1, seed, latent=8, width=1 / 8, batch=4)
    gaussians = recipes.fit_gaussians(first.G.encoder, DATA)
    return recipes.train_bagan(DATA, first.G, gaussians, steps, seed, batch=4, **settings)


def _cyclegan(steps=1, seed=0, **settings):
    sides = images(20, shape=(1, 12, 12)), images(20, shape=(1, 12, 12), seed=1)
    return recipes.train_cyclegan(*sides, steps, seed, width=4, blocks=1, layers=1, pool=2, **settings)


DATA = images()
PHOTOGRAPHS = images(classes=2, shape=(3, 32, 32))


def _small(recipe, data, **sizes):
    return lambda steps=1, seed=0, **settings: recipe(data, steps, seed, **{**sizes, **settings})


RECIPES = {
    "fc": _small(recipes.train_fc_gans, [DATA], batch=4),
    "dcgan": _small(recipes.train_dcgan, DATA, latent=8, capacity=1 / 16, batch=4),
    "ccgan": _small(recipes.train_ccgan, DATA, latent=8, capacity=1 / 16, batch=4),
    "cgan": _small(recipes.train_cgan, PHOTOGRAPHS, width=1 / 32, batch=4),
    "plain": _small(recipes.train_plain_gan, DATA, width=1 / 16, batch=4),
    "acgan": _small(recipes.train_acgan, DATA, width=1 / 16, batch=4),
    "projection": _small(recipes.train_projection_gan, DATA, latent=4, width=1 / 32, batch=4, augment=diff_augment),
    "bagan": _bagan,
    "cyclegan": _cyclegan,
    "autoencoder": _small(recipes.train_autoencoder, DATA, latent=8, width=1 / 8, batch=4),
    "cvae": _small(recipes.train_cvae, DATA, latent=4, width=1 / 8, batch=4),
    "diffusion": _small(recipes.train_diffusion, DATA, width=1 / 16, batch=4, draws=2),
}
"""Method → function of steps, seed and further keywords of its recipe: the method's `Training`, small."""


@dataclass
class Method:
    """A step, and a function that makes its networks and data: seed → (G, D, batches)."""

    step: Callable
    build: Callable


def _method(recipe):
    def build(seed=0):
        run = recipe(seed=seed)
        return run.G, run.D, recipe().batches  # the same whatever the seed of the networks

    step = recipe().step
    return Method(step.func if isinstance(step, partial) else step, build)


METHODS = {
    name: _method(recipe) for name, recipe in RECIPES.items() if name not in ("plain", "cgan")
}  # steps of others
METHODS["fc"].build = lambda seed=0: (*fc(seed, dropout=0.3), batches.flat([DATA], 4, 0))  # fewer units
ADVERSARIAL = [name for name in METHODS if name not in ("autoencoder", "cvae", "diffusion")]
