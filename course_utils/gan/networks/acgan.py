"""The networks of paper 5's ACGAN, for 28 × 28 grey pictures."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course_utils.gan.layers import Dropout, UpConv, dcgan_init
from course_utils.gan.networks import prior


class ACGenerator(nn.Module):
    """The generator of paper 5 (Mudavathu & Rao, section VII): z, N × latent, and c, N → N × 1 × 28 × 28.

    Dense, BN, three times (upsampling, convolution, ReLU, BN), convolution, tanh. From 7 × 7 two upsamplings reach 28 ×
    28, so that the third convolution works at full size. The text gives the dense layer 784 neurons, one a pixel, which
    would be 16 maps of 7 × 7; we do not follow it: here are 128 maps, as in the Keras examples that it resembles, then
    128, 64 and 32, all times `width`. Nor does it say how the label enters: here by an embedding that multiplies z, as
    there; BN's momentum 0.8 of those examples is 0.2 in PyTorch's counting. Weights from N(0,
    0.02²) (Odena et al. 2017, appendix A).
    """

    def __init__(self, latent: int = 100, classes: int = 10, width: float = 1.0) -> None:
        super().__init__()
        self.latent, self.classes = latent, classes
        a, b, c = (max(1, round(width * maps)) for maps in (128, 64, 32))
        self.embedding = nn.Embedding(classes, latent)
        self.body = nn.Sequential(
            *(nn.Linear(latent, 49 * a), nn.ReLU(), nn.Unflatten(1, (a, 7, 7)), nn.BatchNorm2d(a, momentum=0.2)),
            *(UpConv(a, a), nn.ReLU(), nn.BatchNorm2d(a, momentum=0.2)),
            *(UpConv(a, b), nn.ReLU(), nn.BatchNorm2d(b, momentum=0.2)),
            *(nn.Conv2d(b, c, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(c, momentum=0.2)),
            *(nn.Conv2d(c, 1, 3, padding=1), nn.Tanh()),
        )
        dcgan_init(self)

    def forward(self, z: Tensor, c: Tensor) -> Tensor:
        """z, N × latent, and c, int64, N → N × 1 × 28 × 28 in [-1, 1]."""
        return self.body(z * self.embedding(c))

    def prior(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """(z, c): z n × latent, N(0, 1); c, int64, n, uniform over the classes."""
        device = self.embedding.weight.device
        z = prior.normal((n, self.latent), device, generator)
        return z, prior.any_class(n, self.classes, device, generator)


class ACDiscriminator(nn.Module):
    """The discriminator of paper 5 (section VII): N × 1 × 28 × 28 → (validity logits N × 1, class logits N × classes).

    Four convolutions, each followed by LeakyReLU 0.2 and dropout; flatten; two heads. Maps (16, 32, 64, 128, times
    `width`), strides (2, 2, 2, 1) and dropout 0.25 are those of the Keras examples; the paper gives none. It has no
    batch normalisation here either. Weights from N(0, 0.02²).
    """

    def __init__(self, classes: int = 10, width: float = 1.0, dropout: float = 0.25) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 1
        for maps, stride in ((16, 2), (32, 2), (64, 2), (128, 1)):
            after = max(1, round(width * maps))
            layers += [nn.Conv2d(before, after, 3, stride, padding=1), nn.LeakyReLU(0.2), Dropout(dropout)]
            before = after
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.validity = nn.Linear(16 * before, 1)
        self.category = nn.Linear(16 * before, classes)
        dcgan_init(self)
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """N × 1 × 28 × 28 in [-1, 1] → (validity logits N × 1, class logits N × classes)."""
        features = self.body(x)
        return self.validity(features), self.category(features)
