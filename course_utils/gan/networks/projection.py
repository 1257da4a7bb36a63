"""A conditional GAN as the field builds it today, for square pictures of 8 pixels and more, grey or in colour."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from course_utils.gan.layers import UpConv, halvings
from course_utils.gan.networks import prior


class ProjectionGenerator(nn.Module):
    """z, N × latent, and c, N → N × C × size × size in [-1, 1].

    Dense, to maps of 8 × 8 at most, then upsampling with convolution until the picture is covered, then a convolution
    and tanh, with conditional batch normalisation and ReLU between (Miyato & Koyama 2018, without residual connections;
    resize-convolutions against checkerboards: Odena et al. 2016). 32 maps at full size, twice as many at half of it,
    256 at most, all times `width`. A size that does not halve so often is cut out of the next larger one.
    """

    def __init__(self, shape: tuple[int, int, int], classes: int, latent: int = 64, width: float = 1.0) -> None:
        super().__init__()
        maps = _maps(shape, width)[::-1]
        side = -(-shape[-1] // 2 ** (len(maps) - 1))
        self.shape, self.latent, self.classes = tuple(shape), latent, classes
        self.dense = nn.Sequential(nn.Linear(latent, maps[0] * side**2), nn.Unflatten(1, (maps[0], side, side)))
        self.ups = nn.ModuleList(UpConv(a, b) for a, b in pairwise(maps))
        self.norms = nn.ModuleList(ConditionalBatchNorm(m, classes) for m in maps)
        self.last = nn.Conv2d(maps[-1], shape[0], 3, padding=1)
        self.to(memory_format=torch.channels_last)

    def forward(self, z: Tensor, c: Tensor) -> Tensor:
        """z, N × latent, and c, int64, N → N × C × size × size in [-1, 1]."""
        x = self.norms[0](self.dense(z), c).relu()
        for up, norm in zip(self.ups, self.norms[1:], strict=True):
            x = norm(up(x), c).relu()
        _, height, width = self.shape
        return self.last(x)[:, :, :height, :width].tanh()

    def prior(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """(z, c): z n × latent, N(0, 1); c, int64, n, uniform over the classes."""
        device = self.last.weight.device
        z = prior.normal((n, self.latent), device, generator)
        return z, prior.any_class(n, self.classes, device, generator)


class ProjectionDiscriminator(nn.Module):
    """x, N × C × size × size, and y, N → logits N × 1: ψ(φ(x)) + ⟨V y, φ(x)⟩ (Miyato & Koyama 2018, eq. 3).

    φ: a convolution, 3 × 3; one of 4 × 4 and stride 2, to twice as many maps, for each upsampling of G; another, 3 × 3;
    LeakyReLU 0.2 after each; the sum over places. ψ and V are linear. All have spectral norm 1 (Miyato et al. 2018).
    """

    def __init__(self, shape: tuple[int, int, int], classes: int, width: float = 1.0) -> None:
        super().__init__()
        maps = _maps(shape, width)
        convolutions = [nn.Conv2d(shape[0], maps[0], 3, padding=1)]
        convolutions += [nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in pairwise(maps)]
        convolutions += [nn.Conv2d(maps[-1], maps[-1], 3, padding=1)]
        self.body = nn.Sequential(*(nn.Sequential(spectral_norm(conv), nn.LeakyReLU(0.2)) for conv in convolutions))
        self.score = spectral_norm(nn.Linear(maps[-1], 1))
        self.label = spectral_norm(nn.Embedding(classes, maps[-1]))
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """x, N × C × size × size in [-1, 1], and y, int64, N → logits N × 1."""
        features = self.body(x).sum(dim=(2, 3))  # a mean could not reach the hinge at norm 1
        return self.score(features) + (self.label(y) * features).sum(dim=1, keepdim=True)


class ConditionalBatchNorm(nn.Module):
    """Batch normalisation with a scale and a shift for each class (Dumoulin et al. 2017): x and classes c, N → as x."""

    def __init__(self, maps: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(maps, affine=False)
        self.scale, self.shift = nn.Embedding(classes, maps), nn.Embedding(classes, maps)
        nn.init.normal_(self.scale.weight, 1, 0.02)
        nn.init.zeros_(self.shift.weight)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """x, N × maps × H × W, and c, int64, N → the same shape."""
        return self.norm(x) * self.scale(c)[:, :, None, None] + self.shift(c)[:, :, None, None]


def _maps(shape: tuple[int, int, int], width: float) -> list[int]:
    """How many maps there are at full size, at half of it, … down to the smallest."""
    return [max(1, round(width * min(256, 32 * 2**k))) for k in range(halvings(shape) + 1)]
