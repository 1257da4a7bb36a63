"""The conditional variational autoencoder that paper 2 names as future work, for 28 × 28 grey pictures."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.gan.networks import prior
from course_utils.gan.networks.bagan import Decoder, Encoder


class CVAE(nn.Module):
    """z, N × latent, and class c, N → N × 1 × 28 × 28 in [-1, 1] (Sohn et al. 2015, without its prior network).

    Encoder and decoder have BAGAN's layers, so that the two methods differ in their training alone. The class enters
    both beside the latent point, as a one-hot vector. `variance`: that of the pictures around their decoded mean, a
    constant of ours; the smaller, the sharper the pictures and the looser the latent space.
    """

    def __init__(self, latent: int = 16, classes: int = 10, width: float = 1.0, variance: float = 0.5) -> None:
        super().__init__()
        self.latent, self.classes, self.variance = latent, classes, variance
        features = 4 * latent
        self.encoder = Encoder(features, width, dropout=0.0)
        self.posterior = nn.Linear(features + classes, 2 * latent)
        self.decoder = Decoder(latent + classes, width)

    def encode(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures N × 1 × 28 × 28 and their classes, N → mean and log variance of their latent points, N × latent
        each, float32."""
        features = F.leaky_relu(self.encoder(x), 0.2)
        mean, log_variance = self.posterior(torch.cat([features, self._one_hot(y)], dim=1)).float().chunk(2, dim=1)
        return mean, log_variance

    def forward(self, z: Tensor, c: Tensor) -> Tensor:
        """z, N × latent, and c, int64, N → N × 1 × 28 × 28 in [-1, 1]."""
        return self.decoder(torch.cat([z, self._one_hot(c)], dim=1))

    def prior(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """(z, c): z n × latent, N(0, 1); c, int64, n, uniform over the classes."""
        device = self.posterior.weight.device
        z = prior.normal((n, self.latent), device, generator)
        return z, prior.any_class(n, self.classes, device, generator)

    def _one_hot(self, c: Tensor) -> Tensor:
        return F.one_hot(c, self.classes).to(self.posterior.weight.dtype)
