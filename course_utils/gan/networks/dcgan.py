"""The convolutional networks of paper 4, with and without classes, for its 28 × 28 grey pictures and other squares."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from course_utils.gan.layers import UpConv, VirtualBatchNorm, dcgan_init, halvings, one_hot
from course_utils.gan.networks import prior

Shape = tuple[int, int, int]
GREY_28: Shape = (1, 28, 28)

JoinToNoise = Callable[[Tensor, Tensor, int], Tensor]
JoinToImage = Callable[[Tensor, Tensor, nn.Linear], Tensor]


def join_to_noise(z: Tensor, c: Tensor, classes: int) -> Tensor:
    """z, N × latent, and c, int64, N → N × (latent + classes): the label's one-hot code beside z (section 3.1)."""
    return torch.cat([z, one_hot(c, classes)], dim=1)


def join_to_image(x: Tensor, y: Tensor, plane: nn.Linear) -> Tensor:
    """x, N × 1 × 28 × 28, and y, int64, N → N × 2 × 28 × 28: the dense layer `plane`, from the label's one-hot code to
    784, makes a picture of it, stacked as a channel (section 3.1)."""
    return torch.cat([x, plane(one_hot(y, plane.in_features)).view(-1, 1, *x.shape[2:])], dim=1)


class DCGenerator(nn.Module):
    """The generator of paper 4 (Rzayev & Weldegebriel, section 2.1.1): z, N × latent → N × `shape`.

    Dense–BN–ReLU twice, reshape to 7 × 7, then twice upsampling and convolution, with BN and ReLU between and tanh at
    the end. The paper gives about 7 million parameters at F = 1; the widths are ours, 1024 and 7 × 7 × 128 units, then
    64 maps, kernels of 3, which make 6.6 million. `capacity`, the paper's F, multiplies the number of maps. `classes`
    above 0: a label is joined to z, by `join`. `reference` above 0: virtual batch normalisation, with that many latent
    points, drawn once, as the reference batch. DCGAN's initialisation. Ours: other square shapes, in colour too; larger
    ones have further upsamplings, to 64 maps.
    """

    def __init__(
        self,
        capacity: float = 1.0,
        latent: int = 100,
        classes: int = 0,
        reference: int = 0,
        join: JoinToNoise = join_to_noise,
        shape: Shape = GREY_28,
    ) -> None:
        super().__init__()
        self.latent, self.classes, self.join, self.shape = latent, classes, join, shape
        ups = max(1, halvings(shape))
        side = -(-shape[-1] // 2**ups)
        a, *others = (max(1, round(capacity * maps)) for maps in [128, *[64] * (ups - 1)])
        norm1d, norm2d = _norms(reference)
        layers: list[nn.Module] = [nn.Linear(latent + classes, 1024, bias=False), norm1d(1024), nn.ReLU()]
        layers += [nn.Linear(1024, side**2 * a, bias=False), norm1d(side**2 * a), nn.ReLU()]
        layers.append(nn.Unflatten(1, (a, side, side)))
        for before, maps in pairwise([a, *others]):
            layers += [UpConv(before, maps, bias=False), norm2d(maps), nn.ReLU()]
        self.body = nn.Sequential(*layers, UpConv([a, *others][-1], shape[0]), nn.Tanh())
        dcgan_init(self)
        self.register_buffer("reference", self._joined(*self.prior(reference)) if reference else None)

    def forward(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """z, N × latent, and with classes c, int64, N → N × `shape` in [-1, 1]."""
        _, height, width = self.shape
        return _beside(self.reference, self._joined(z, c), self.body)[:, :, :height, :width]

    def prior(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, ...]:
        """(z,) or (z, c): z n × latent, N(0, 1); c, int64, n, uniform over the classes (section 3.2: p_l)."""
        device = self.body[0].weight.device
        z = prior.normal((n, self.latent), device, generator)
        return (z, prior.any_class(n, self.classes, device, generator)) if self.classes else (z,)

    def _joined(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return self.join(z, c, self.classes) if self.classes else z


class DCDiscriminator(nn.Module):
    """The discriminator of paper 4 (section 2.1.2): N × `shape` → logits N × 1.

    Conv–BN–ELU twice, pooling, dense. The paper gives about 310,000 parameters at F = D = 1; ours are 64 and 128 maps,
    kernels of 3 and stride 2, and 204 dense units, which make 310,489. `capacity`, its F, multiplies the number of
    maps; `depth`, its D, is how often each of the two blocks is repeated, with stride 1 after the first time.
    `classes` above 0: a label is joined to the picture, by `join`, through a dense layer. Its weights start from
    N(0, 1), which is ours: from N(0, 0.02²) D hardly sees the label beside the picture at first.

    `reference`, pictures N × 1 × 28 × 28, and with classes `reference_labels`: virtual batch normalisation against
    this fixed batch. The paper takes half of each batch instead, in section 2.3. DCGAN's initialisation. Ours: other
    square shapes; larger ones have further blocks of 128 maps.
    """

    def __init__(
        self,
        capacity: float = 1.0,
        depth: int = 1,
        classes: int = 0,
        reference: Tensor | None = None,
        reference_labels: Tensor | None = None,
        join: JoinToImage = join_to_image,
        shape: Shape = GREY_28,
    ) -> None:
        super().__init__()
        self.classes, self.join = classes, join
        channels, side, _ = shape
        blocks = max(1, halvings(shape))
        widths = [max(1, round(capacity * maps)) for maps in [64, *[128] * (blocks - 1)]]
        _, norm = _norms(0 if reference is None else len(reference))
        layers: list[nn.Module] = []
        for before, maps in pairwise([channels + (classes > 0), *widths]):
            for k in range(depth):
                conv = nn.Conv2d(maps if k else before, maps, 3, stride=1 if k else 2, padding=1, bias=False)
                layers += [conv, norm(maps), nn.ELU()]
        pooled = widths[-1] * (-(-side // 2**blocks) // 2) ** 2
        layers += [nn.MaxPool2d(2), nn.Flatten(), nn.Linear(pooled, 204), nn.ELU(), nn.Linear(204, 1)]
        self.body = nn.Sequential(*layers)
        self.label = nn.Linear(classes, side**2) if classes else None
        dcgan_init(self)
        if classes:
            nn.init.normal_(self.label.weight)
        self.register_buffer("reference", reference)
        self.register_buffer("reference_labels", reference_labels)
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """x, N × `shape` in [-1, 1], and with classes y, int64, N → logits N × 1."""
        reference = None if self.reference is None else self._joined(self.reference, self.reference_labels)
        return _beside(reference, self._joined(x, y), self.body)

    def _joined(self, x: Tensor, y: Tensor | None) -> Tensor:
        return self.join(x, y, self.label) if self.classes else x


def _beside(reference: Tensor | None, x: Tensor, body: nn.Module) -> Tensor:
    """What `body` makes of x; a reference batch goes through it in front of x, and is taken off."""
    return body(x) if reference is None else body(torch.cat([reference, x]))[len(reference) :]


def _norms(reference: int) -> tuple[Callable[[int], nn.Module], Callable[[int], nn.Module]]:
    if reference:
        return (lambda features: VirtualBatchNorm(features, reference),) * 2
    return nn.BatchNorm1d, nn.BatchNorm2d
