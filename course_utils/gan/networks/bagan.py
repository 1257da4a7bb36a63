"""BAGAN (paper 2; Mariani et al. 2018): an autoencoder whose halves become G and D, for 28 × 28 grey pictures."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_utils.core.errors import CourseError
from course_utils.data.images import Images
from course_utils.gan.layers import Dropout, UpConv
from course_utils.gan.networks import prior

Gaussian = Callable[[Tensor], tuple[Tensor, Tensor]]  # latent points of a class → (mean, factor of the covariance)


class Encoder(nn.Module):
    """Picture → latent point: N × 1 × 28 × 28 → N × latent.

    Paper 2 gives no layers. These are of the form of the BAGAN authors' code: four convolutions with LeakyReLU 0.2 and
    dropout 0.3 (strides 2, 1, 2, 1; maps 32, 64, 128, 256, times `width`), the *trunk* that D will copy, and a dense
    layer.
    """

    def __init__(self, latent: int = 64, width: float = 1.0, dropout: float = 0.3) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 1
        for maps, stride in ((32, 2), (64, 1), (128, 2), (256, 1)):
            after = max(1, round(width * maps))
            layers += [nn.Conv2d(before, after, 3, stride, padding=1), nn.LeakyReLU(0.2), Dropout(dropout)]
            before = after
        self.trunk = nn.Sequential(*layers, nn.Flatten())
        self.head = nn.Linear(49 * before, latent)
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """N × 1 × 28 × 28 in [-1, 1] → N × latent."""
        return self.head(self.trunk(x))

    @torch.no_grad()
    def encode(self, images: Images, size: int = 1000) -> Tensor:
        """Encode a whole set, in order, without dropout whatever the mode: float32, N × latent."""
        training = self.training
        self.eval()
        latents = torch.cat([self(x) for x, _ in images.in_order(size)])
        self.train(training)
        return latents


class Decoder(nn.Sequential):
    """Latent point → picture: N × latent → N × 1 × 28 × 28 in [-1, 1].

    Of the form of the BAGAN authors' code: two dense layers with ReLU, twice (upsampling, convolution) and a last
    convolution with tanh. Ours are 1024 and 7 × 7 × 128 units and 128 and 64 maps, all times `width`, and kernels
    of 3 throughout.
    """

    def __init__(self, latent: int = 64, width: float = 1.0) -> None:
        self.latent = latent
        dense, a, b = (max(1, round(width * units)) for units in (1024, 128, 64))
        super().__init__(
            *(nn.Linear(latent, dense), nn.ReLU(), nn.Linear(dense, 49 * a), nn.ReLU(), nn.Unflatten(1, (a, 7, 7))),
            *(UpConv(a, a), nn.ReLU(), UpConv(a, b), nn.ReLU()),
            *(nn.Conv2d(b, 1, 3, padding=1), nn.Tanh()),
        )


class Autoencoder(nn.Module):
    """Picture → its reconstruction, through the latent space: N × 1 × 28 × 28 → the same, in [-1, 1]."""

    def __init__(self, encoder: Encoder, decoder: Decoder) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, x: Tensor) -> Tensor:
        """N × 1 × 28 × 28 in [-1, 1] → the same."""
        return self.decoder(self.encoder(x))


def class_gaussian(latents: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean, latent, of n ≥ 1 latent points, n × latent, and a factor of their covariance, latent × latent.

    The covariance of n points has rank n − 1 at most, so that Cholesky's factor need not exist. This one comes from
    eigenvalues, those below 0 by rounding set to 0.
    """
    mean = latents.mean(0)
    centred = latents - mean
    covariance = centred.T @ centred / max(len(latents) - 1, 1)
    values, vectors = torch.linalg.eigh(covariance)
    return mean, vectors * values.clamp(min=0).sqrt()


class ClassGaussians(nn.Module):
    """One Gaussian of latent points a class (Mariani et al. 2018, section 3): mean, classes × latent; factor, classes
    × latent × latent, with covariance = factor factorᵀ."""

    def __init__(self, mean: Tensor, factor: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("factor", factor)

    @classmethod
    def fit(cls, latents: Tensor, labels: Tensor, classes: int, gaussian: Gaussian = class_gaussian) -> ClassGaussians:
        """Fit a Gaussian to each class of latents, N × latent, with int64 labels, N; the latents must come from an
        encoder without dropout. Raises CourseError where a class has no image."""
        counts = torch.bincount(labels, minlength=classes)
        if empty := (counts == 0).nonzero().flatten().tolist():
            raise CourseError(f"class {empty[0]} has no image to fit a Gaussian to; give it at least one")
        means, factors = zip(*(gaussian(latents[labels == k]) for k in range(classes)), strict=True)
        return cls(torch.stack(means), torch.stack(factors))

    def draw(self, c: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw one latent point for each class in c, int64, N → N × latent."""
        z = prior.normal((len(c), self.mean.shape[1]), self.mean.device, generator)
        of_every_class = torch.einsum("nl,kml->nkm", z, self.factor)  # one product is faster than n small ones
        return self.mean[c] + of_every_class[torch.arange(len(c), device=c.device), c]


class BAGANGenerator(nn.Module):
    """BAGAN's G: the autoencoder's decoder, which is fed latent points of a class's Gaussian."""

    def __init__(self, decoder: Decoder, gaussians: ClassGaussians) -> None:
        super().__init__()
        self.decoder, self.gaussians = decoder, gaussians
        self.latent, self.classes = gaussians.mean.shape[1], gaussians.mean.shape[0]

    def forward(self, z: Tensor, c: Tensor) -> Tensor:
        """z, N × latent → N × 1 × 28 × 28 in [-1, 1]. z comes from the Gaussian of class c; c is not used."""
        return self.decoder(z)

    def prior(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """(z, c): c, int64, n, uniform over the classes, whatever their sizes; z n × latent, each of its class's
        Gaussian."""
        c = prior.any_class(n, self.classes, self.gaussians.mean.device, generator)
        return self.gaussians.draw(c, generator), c


class BAGANDiscriminator(nn.Module):
    """BAGAN's D: N × 1 × 28 × 28 → logits N × (classes + 1), the last one "fake".

    `trunk`, pictures → N × features, may be any; `from_encoder` is what makes it BAGAN.
    """

    def __init__(self, trunk: nn.Module, features: int, classes: int = 10) -> None:
        super().__init__()
        self.classes = classes
        self.trunk = trunk
        self.head = nn.Linear(features, classes + 1)

    @classmethod
    def from_encoder(cls, encoder: Encoder, classes: int = 10) -> BAGANDiscriminator:
        """Make D of a copy of the encoder's trunk and a new head (Mariani et al. 2018, section 3)."""
        return cls(copy.deepcopy(encoder.trunk), encoder.head.in_features, classes)

    def forward(self, x: Tensor) -> Tensor:
        """N × 1 × 28 × 28 in [-1, 1] → logits N × (classes + 1)."""
        return self.head(self.trunk(x))
