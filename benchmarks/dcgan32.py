"""The DCGAN of a popular collection of scripts, for 32 × 32 grey pictures.

It is github.com/eriklindernoren/PyTorch-GAN's dcgan.py with one repair: there `BatchNorm2d(n, 0.8)` sets ε to 0.8 where
Keras' momentum was meant; here batch normalisation keeps PyTorch's defaults.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from course_utils.gan.layers import UpConv, dcgan_init
from course_utils.gan.networks import prior


class Generator(nn.Sequential):
    """z, N × latent → N × 1 × 32 × 32 in [-1, 1]: dense, 128 maps at 8 × 8, two upsamplings with convolution."""

    def __init__(self, latent: int = 100) -> None:
        self.latent = latent
        super().__init__(
            *(nn.Linear(latent, 128 * 8 * 8), nn.Unflatten(1, (128, 8, 8)), nn.BatchNorm2d(128)),
            *(UpConv(128, 128), nn.BatchNorm2d(128), nn.LeakyReLU(0.2)),
            *(UpConv(128, 64), nn.BatchNorm2d(64), nn.LeakyReLU(0.2)),
            *(nn.Conv2d(64, 1, 3, padding=1), nn.Tanh()),
        )
        dcgan_init(self)

    def prior(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor]:
        """(z,): z n × latent, N(0, 1)."""
        return (prior.normal((n, self.latent), self[0].weight.device, generator),)


class Discriminator(nn.Sequential):
    """N × 1 × 32 × 32 → logits N × 1: four convolutions of stride 2, with LeakyReLU, dropout of whole maps, and BN but
    in the first."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        for before, maps in itertools.pairwise((1, 16, 32, 64, 128)):
            layers += [nn.Conv2d(before, maps, 3, stride=2, padding=1), nn.LeakyReLU(0.2), nn.Dropout2d(0.25)]
            if before > 1:
                layers.append(nn.BatchNorm2d(maps))
        super().__init__(*layers, nn.Flatten(), nn.Linear(128 * 2 * 2, 1))
        dcgan_init(self)
