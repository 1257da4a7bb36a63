"""The plain GAN of paper 5's first part, for 28 × 28 grey pictures."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course_utils.gan.layers import Dropout, dcgan_init
from course_utils.gan.networks import prior


class TransposedGenerator(nn.Module):
    """The first generator of paper 5 (Mudavathu & Rao, section IV.B): z, N × latent → N × 1 × 28 × 28.

    Dense, dropout, then four transposed convolutions, 5 × 5, with batch normalisation of momentum 0.99 (0.01 in
    PyTorch's definition) and leaky ReLU, which the paper names. Widths and the rate of dropout are
    ours: 128 maps at 7 × 7, then 64, 32, 16 and 1, times `width`; strides 2, 2, 1, 1; dropout 0.4 after the dense
    layer; LeakyReLU 0.2; tanh for pictures in [-1, 1]. With DCGAN's initialisation.
    """

    def __init__(self, latent: int = 100, width: float = 1.0, dropout: float = 0.4) -> None:
        super().__init__()
        self.latent = latent
        maps = [max(1, round(width * n)) for n in (128, 64, 32, 16)]
        layers: list[nn.Module] = [nn.Linear(latent, 49 * maps[0], bias=False), nn.Unflatten(1, (maps[0], 7, 7))]
        layers += [nn.BatchNorm2d(maps[0], momentum=0.01), nn.LeakyReLU(0.2), Dropout(dropout)]
        for before, after, stride in zip(maps[:3], maps[1:], (2, 2, 1), strict=True):
            layers += [_transposed(before, after, stride), nn.BatchNorm2d(after, momentum=0.01), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers, _transposed(maps[3], 1, stride=1, bias=True), nn.Tanh())
        dcgan_init(self)
        self.to(memory_format=torch.channels_last)

    def forward(self, z: Tensor) -> Tensor:
        """N × latent → N × 1 × 28 × 28 in [-1, 1]."""
        return self.body(z)

    def prior(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor]:
        """(z,): z n × latent, N(0, 1)."""
        return (prior.normal((n, self.latent), self.body[0].weight.device, generator),)


class FourConvDiscriminator(nn.Sequential):
    """The first discriminator of paper 5 (section IV.C): N × 1 × 28 × 28 → logits N × 1.

    Four convolutions, each followed by LeakyReLU and dropout, then two dense layers; the paper's sigmoid is part of the
    loss. Ours: kernels of 5 as in its generator, maps (32, 64, 128, 256, times `width`), strides (2, 2, 2, 1),
    LeakyReLU 0.2, dropout 0.4, 64 dense units. With DCGAN's initialisation.
    """

    def __init__(self, width: float = 1.0, dropout: float = 0.4) -> None:
        layers: list[nn.Module] = []
        before = 1
        for maps, stride in ((32, 2), (64, 2), (128, 2), (256, 1)):
            after = max(1, round(width * maps))
            layers += [nn.Conv2d(before, after, 5, stride, padding=2), nn.LeakyReLU(0.2), Dropout(dropout)]
            before = after
        super().__init__(*layers, nn.Flatten(), nn.Linear(16 * before, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
        dcgan_init(self)


def _transposed(before: int, after: int, stride: int, bias: bool = False) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(before, after, 5, stride, padding=2, output_padding=stride - 1, bias=bias)
