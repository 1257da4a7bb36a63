"""The fully connected networks of paper 1, K of them side by side."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from course_utils.gan.layers import Dropout, StackedLinear
from course_utils.gan.networks import prior


class FCGenerator(nn.Sequential):
    """The fully connected generator of paper 1 (Harwalker, Figure 5), K of them at once: z, K × B × latent → K × B
    × pixels.

    LeakyReLU 0.2 in hidden layers, tanh at the end. The paper's figure gives no widths: they are ours.
    """

    def __init__(
        self, models: int = 1, latent: int = 64, pixels: int = 784, hidden: tuple[int, ...] = (128, 256)
    ) -> None:
        self.models, self.latent = models, latent
        super().__init__(*_fully_connected(models, (latent, *hidden, pixels)), nn.Tanh())

    def prior(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor]:
        """(z,): z K × n × latent, N(0, 1)."""
        return (prior.normal((self.models, n, self.latent), self[0].weight.device, generator),)


class FCDiscriminator(nn.Sequential):
    """The fully connected discriminator of paper 1, K of them at once: K × B × pixels → logits, K × B × 1.

    The paper ends in a sigmoid; here it is part of the loss, which is the same function and does not saturate.
    """

    def __init__(
        self, models: int = 1, pixels: int = 784, hidden: tuple[int, ...] = (256, 128), dropout: float = 0.3
    ) -> None:
        super().__init__(*_fully_connected(models, (pixels, *hidden, 1), dropout))


def _fully_connected(models: int, widths: tuple[int, ...], dropout: float = 0.0) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [StackedLinear(models, inputs, outputs), nn.LeakyReLU(0.2)]
        if dropout:
            layers.append(Dropout(dropout))
    return layers[: -2 if dropout else -1]  # no activation after the last layer
