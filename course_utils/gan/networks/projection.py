"""A discriminator as the field builds it today, for square pictures of 8 pixels and more, grey or in colour."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from course_utils.gan.layers import halvings


class ProjectionDiscriminator(nn.Module):
    """x, N × C × size × size, and y, N → logits N × 1: ψ(φ(x)) + ⟨V y, φ(x)⟩ (Miyato & Koyama 2018, eq. 3).

    φ: convolutions, 3 × 3 and stride 2, to 4 pixels a side or fewer, of 64 maps and then 128, times `width`; pooling; a
    dense layer of 204 units, as in paper 4; ELU after each. ψ and V are linear. All have spectral norm 1, by which D
    stays gentle where pictures are few (Miyato et al. 2018).
    """

    def __init__(self, shape: tuple[int, int, int], classes: int, width: float = 1.0) -> None:
        super().__init__()
        channels, side, _ = shape
        blocks = halvings(shape) + 1
        maps = [max(1, round(width * m)) for m in [64, *[128] * (blocks - 1)]]
        layers: list[nn.Module] = []
        for before, after in pairwise([channels, *maps]):
            layers += [spectral_norm(nn.Conv2d(before, after, 3, stride=2, padding=1)), nn.ELU()]
        pooled = maps[-1] * (-(-side // 2**blocks) // 2) ** 2
        layers += [nn.MaxPool2d(2), nn.Flatten(), spectral_norm(nn.Linear(pooled, 204)), nn.ELU()]
        self.body = nn.Sequential(*layers)
        self.score = spectral_norm(nn.Linear(204, 1))
        self.label = spectral_norm(nn.Embedding(classes, 204))
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """x, N × C × size × size in [-1, 1], and y, int64, N → logits N × 1."""
        features = self.body(x)
        return self.score(features) + (self.label(y) * features).sum(dim=1, keepdim=True)
