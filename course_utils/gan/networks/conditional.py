"""The conditional networks of paper 3, for colour pictures of cows and horses."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course_utils.core.errors import CourseError
from course_utils.gan.layers import Dropout, one_hot
from course_utils.gan.networks import prior

VARIANTS = ("text", "code")


class AnimalGenerator(nn.Module):
    """The generator of paper 3 (Abi Hana, section III.B.1): z, N × latent, and c, N → N × 3 × size × size.

    Dense, three transposed convolutions (128 maps, 4 × 4, stride 2), LeakyReLU 0.2 after each; a convolution, 7 × 7, of
    3 maps; tanh. The text gives the dense layer no width: here 128 maps of size/8 × size/8; `width` multiplies maps.
    Nor does it say how the label enters: `variant` 'text' joins its one-hot code to z (Mirza & Osindero 2014); 'code'
    multiplies z with an embedding, as the project's published code does.
    """

    def __init__(
        self, size: int = 128, latent: int = 100, variant: str = "text", width: float = 1.0, classes: int = 2
    ) -> None:
        super().__init__()
        _check(size, variant)
        self.latent, self.classes, self.size = latent, classes, size
        maps, side = max(1, round(128 * width)), size // 8
        self.embedding = nn.Embedding(classes, latent) if variant == "code" else None
        inputs = latent if variant == "code" else latent + classes
        layers: list[nn.Module] = [nn.Linear(inputs, maps * side**2), nn.LeakyReLU(0.2)]
        layers.append(nn.Unflatten(1, (maps, side, side)))
        for _ in range(3):
            layers += [nn.ConvTranspose2d(maps, maps, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers, nn.Conv2d(maps, 3, 7, padding=3), nn.Tanh())
        self.to(memory_format=torch.channels_last)

    def forward(self, z: Tensor, c: Tensor) -> Tensor:
        """z, N × latent, and c, int64, N → N × 3 × size × size in [-1, 1]."""
        if self.embedding is not None:
            return self.body(z * self.embedding(c))
        return self.body(torch.cat([z, one_hot(c, self.classes)], dim=1))

    def prior(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """(z, c): z n × latent, N(0, 1); c, int64, n, uniform over the classes.

        The paper takes the labels of the real batch; its two classes are equally large, so that the distribution is the
        same.
        """
        device = self.body[0].weight.device
        z = prior.normal((n, self.latent), device, generator)
        return z, prior.any_class(n, self.classes, device, generator)


class AnimalDiscriminator(nn.Module):
    """The discriminator of paper 3 (section III.B.2): x, N × 3 × size × size, and y, N → logits N × 1.

    `variant` 'text': four hidden convolutions with LeakyReLU and dropout 0.4, then dense. Ours are 3 × 3, stride 2, 128
    maps times `width`, LeakyReLU 0.2, and the label as constant one-hot channels beside the picture's. 'code', as the
    project's published code: the flat picture times an embedding of the label, three dense layers of 512 units (times
    `width`) with LeakyReLU 0.2 and dropout 0.4, dense. The sigmoid is part of the loss.
    """

    def __init__(
        self, size: int = 128, variant: str = "text", width: float = 1.0, classes: int = 2, dropout: float = 0.4
    ) -> None:
        super().__init__()
        _check(size, variant)
        self.classes = classes
        self.embedding = nn.Embedding(classes, 3 * size**2) if variant == "code" else None
        layers: list[nn.Module] = [] if variant == "text" else [nn.Flatten()]
        units = max(1, round((128 if variant == "text" else 512) * width))
        for k in range(4 if variant == "text" else 3):
            if variant == "text":
                layers.append(nn.Conv2d(units if k else 3 + classes, units, 3, stride=2, padding=1))
            else:
                layers.append(nn.Linear(units if k else 3 * size**2, units))
            layers += [nn.LeakyReLU(0.2), Dropout(dropout)]
        features = units * (size // 16) ** 2 if variant == "text" else units
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(features, 1))
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """x, N × 3 × size × size in [-1, 1], and y, int64, N → logits N × 1."""
        if self.embedding is not None:
            return self.body(x.flatten(1) * self.embedding(y))
        label = one_hot(y, self.classes)[:, :, None, None].expand(-1, -1, *x.shape[2:])
        return self.body(torch.cat([x, label], dim=1))


def _check(size: int, variant: str) -> None:
    if size % 16:
        raise CourseError(f"pictures of {size} × {size} do not halve four times; choose a multiple of 16, such as 64")
    if variant not in VARIANTS:
        raise CourseError(f"unknown variant {variant!r} of paper 3's networks; choose one of {', '.join(VARIANTS)}")
