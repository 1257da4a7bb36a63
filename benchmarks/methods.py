"""The GANs that are measured, each by the course's loop and by the plain recipe from the same first weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import nn

from benchmarks import dcgan32, plain
from benchmarks.twins import twin, with_sigmoid
from course_utils.data.images import Images, resized
from course_utils.gan import batches
from course_utils.gan.recipes import Training, train_acgan, train_dcgan, train_fc_gans
from course_utils.gan.steps import gan_step

LR = 2e-4  # of all methods, ours and plain


@dataclass(frozen=True)
class Method:
    """A row of the table. turn: steps between two looks at the clock; judged: steps after which samples are compared;
    kind: 'matrix' or 'convolution', where most of its work lies; side: of its pictures, in pixels."""

    name: str
    goal: float
    kind: str
    batch: int
    turn: int
    judged: int
    recipe: Callable[..., Training]
    loop: Callable[..., plain.Losses] = plain.gan
    side: int = 28

    def resized(self, images: Images) -> Images:
        """The same pictures in this method's size."""
        return images if self.side == images.shape[-1] else images.with_pixels(resized(images.pixels, self.side))

    def ours(self, images: Images, seed: int, steps: int = 1, **settings: object) -> Training:
        """The course's training of this method, averaging included, from the first weights of this seed."""
        return self.recipe(images, steps, seed, batch=self.batch, lr=LR, stop_on_collapse=False, **settings)

    def plain(self, images: Images, seed: int) -> tuple[nn.Module, plain.Losses]:
        """The twin of G and the plain recipe that trains it in place, from the same first weights."""
        ours = self.ours(images, seed)
        G = twin(ours.G)
        return G, self.loop(G, with_sigmoid(ours.D), plain.batches(images, self.batch), ours.G.latent)


def _fc_gan(images: Images, steps: int, seed: int, **settings: object) -> Training:
    return train_fc_gans([images], steps, seed, **settings)


def _dcgan32(images: Images, steps: int, seed: int, *, batch: int, **settings: object) -> Training:
    torch.manual_seed(seed)
    G, D = dcgan32.Generator(), dcgan32.Discriminator()
    return Training(
        gan_step, G, D, batches.unlabelled(images, batch, seed, "dcgan"), steps=steps, seed=seed, **settings
    )


METHODS = (
    Method("FC GAN B 64", 2.7, "matrix", 64, 100, 1000, _fc_gan),
    Method("FC GAN B 256", 3.6, "matrix", 256, 50, 400, _fc_gan),
    Method("DCGAN-28 B 64", 1.8, "convolution", 64, 10, 100, train_dcgan),
    Method("DCGAN-32 B 64", 4.3, "convolution", 64, 2, 60, _dcgan32, side=32),
    Method("ACGAN-28 B 100", 1.8, "convolution", 100, 5, 60, train_acgan, plain.acgan),
)

QUICK = tuple(replace(method, batch=8, turn=1, judged=1) for method in METHODS)
"""To try all parts."""
