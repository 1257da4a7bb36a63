"""The GANs that are measured, each by the course's loop and by the plain recipe from the same first weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import nn

from benchmarks import dcgan32, plain
from benchmarks.twins import twin, with_sigmoid
from course_utils.data.images import Images, resized
from course_utils.gan import batches
from course_utils.gan.networks import (
    ACDiscriminator,
    ACGenerator,
    DCDiscriminator,
    DCGenerator,
    FCDiscriminator,
    FCGenerator,
)
from course_utils.gan.steps import acgan_step, gan_step
from course_utils.gan.train import Progress, Step, training


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
    networks: Callable[[], tuple[nn.Module, nn.Module]]
    batches: Callable[..., batches.Batches] = batches.unlabelled
    step: Step = gan_step
    loop: Callable[..., plain.Losses] = plain.gan
    side: int = 28

    def resized(self, images: Images) -> Images:
        """The same pictures in this method's size."""
        return images if self.side == images.shape[-1] else images.with_pixels(resized(images.pixels, self.side))

    def players(self, seed: int) -> tuple[nn.Module, nn.Module]:
        """G and D as they begin with this seed."""
        torch.manual_seed(seed)
        return self.networks()

    def ours(self, images: Images, seed: int, steps: int, reports: int) -> tuple[nn.Module, Iterator[Progress]]:
        """G and the course's loop that trains it in place, averaging included; one host sync a report."""
        G, D = self.players(seed)
        data = self.batches(images, self.batch, seed, "batches")
        settings = {"steps": steps, "reports": reports, "seed": seed, "stop_on_collapse": False}
        return G, training(self.step, G, D, data, **settings)

    def plain(self, images: Images, seed: int) -> tuple[nn.Module, plain.Losses]:
        """The twin of G and the plain recipe that trains it in place."""
        G, D = self.players(seed)
        G_plain = twin(G)
        return G_plain, self.loop(G_plain, with_sigmoid(D), plain.batches(images, self.batch), G.latent)


def _flat(images: Images, size: int, *key: int | str) -> batches.Batches:
    return batches.flat([images], size, *key)


def _fully_connected() -> tuple[nn.Module, nn.Module]:
    return FCGenerator(), FCDiscriminator()


METHODS = (
    Method("FC GAN B 64", 2.7, "matrix", 64, 100, 1000, _fully_connected, _flat),
    Method("FC GAN B 256", 3.6, "matrix", 256, 50, 400, _fully_connected, _flat),
    Method("DCGAN-28 B 64", 1.8, "convolution", 64, 10, 100, lambda: (DCGenerator(), DCDiscriminator())),
    Method(
        *("DCGAN-32 B 64", 4.3, "convolution", 64, 2, 60),
        *(lambda: (dcgan32.Generator(), dcgan32.Discriminator()),),
        side=32,
    ),
    Method(
        *("ACGAN-28 B 100", 1.8, "convolution", 100, 5, 60),
        *(lambda: (ACGenerator(), ACDiscriminator()), batches.labelled, acgan_step, plain.acgan),
    ),
)

QUICK = tuple(replace(method, batch=8, turn=1, judged=1) for method in METHODS)
"""To try all parts."""
