"""The linear rivals of paper 4's GAN: principal components of each class, and probabilistic PCA, which draws."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course_utils.core.errors import CourseError, SealedError
from course_utils.core.parallel import one_thread
from course_utils.data.images import Images, scaled, to_pixels
from course_utils.gan.networks import prior


class ClassPCA(nn.Module):
    """Principal components of each class by itself (paper 4, section 5.1), of pixels in [-1, 1].

    Buffers, for K classes of P pixels and n components: mean K × P; components K × P × n, unit columns, in each the
    entry farthest from 0 is positive; spectrum K × P, the variances along all P components, falling; noise K, σ², the
    mean of the P − n variances that are left out (Tipping & Bishop 1999, eq. 8).

    N images of a class vary in N − 1 directions at most, and constant pixels in none. A component beyond that rank has
    variance 0 and is a column of zeros: there is no direction to choose.
    """

    def __init__(self, mean: Tensor, components: Tensor, spectrum: Tensor) -> None:
        super().__init__()
        left_out = spectrum[:, components.shape[2] :]
        self.register_buffer("mean", mean)
        self.register_buffer("components", components)
        self.register_buffer("spectrum", spectrum)
        self.register_buffer("noise", left_out.sum(dim=1) / max(left_out.shape[1], 1))

    @classmethod
    def fit(cls, images: Images, components: int) -> ClassPCA:
        """The first `components` principal components of each class; variances are over N − 1.

        Computed in double precision on the CPU, kept in single precision where the images lie. Raises SealedError on a
        test set, CourseError where a class has no image, or for more components than pixels.
        """
        if images.sealed:
            raise SealedError(f"{images.name} is a sealed test set: fit components to the training set")
        pixels = images.pixels[0].numel() if len(images) else 0
        if not 1 <= components <= pixels:
            raise CourseError(f"{components} components of {pixels} pixels; choose 1 to {pixels}")
        if empty := (images.counts() == 0).nonzero().flatten().tolist():
            raise CourseError(f"class {empty[0]} has no image to fit components to; give it at least one")
        with one_thread():  # several would take longer over matrices of this size
            fitted = [
                _principal(scaled(images.of_class(k).pixels.cpu()).flatten(1).double(), components)
                for k in range(len(images.classes))
            ]
        return cls(*(torch.stack(part).float().to(images.device) for part in zip(*fitted, strict=True)))

    @property
    def variances(self) -> Tensor:
        """The variance along each component that is kept, K × n."""
        return self.spectrum[:, : self.components.shape[2]]

    @property
    def explained(self) -> Tensor:
        """Its share of the class's variance, K × n, 0..1; of a class that does not vary, 0."""
        total = self.spectrum.sum(dim=1, keepdim=True)
        return self.variances / total.where(total > 0, 1)

    def truncated(self, n: int) -> ClassPCA:
        """The same model with its first n components only; what the others explained is noise now."""
        self._holds(n)
        return type(self)(self.mean, self.components[:, :, :n], self.spectrum)

    @torch.no_grad()
    def rebuild(self, pixels: Tensor, labels: Tensor, n: int) -> Tensor:
        """Each picture from the first n components of its class, 0 for the class's mean: uint8, N × C × H × W → the
        same. labels: int64, N.

        This is compression: what comes out is made of the very picture that went in. Paper 4 scores it as generation.
        """
        self._holds(n)
        x, rebuilt = scaled(pixels).flatten(1), torch.empty_like(pixels)
        for k in labels.unique().tolist():
            mine, directions = labels == k, self.components[k, :, :n]
            coordinates = (x[mine] - self.mean[k]) @ directions
            rebuilt[mine] = to_pixels(self.mean[k] + coordinates @ directions.T).view(-1, *pixels.shape[1:])
        return rebuilt

    def _holds(self, n: int) -> None:
        held = self.components.shape[2]
        if not 0 <= n <= held:
            raise CourseError(f"{n} components of a model that holds {held}; choose 0 to {held}, or fit more")


class PPCAGenerator(nn.Module):
    """Probabilistic PCA of each class as a generator (Tipping & Bishop 1999): x = mean + W z + σ ε, with z and ε from
    N(0, I), for 28 × 28 grey pictures.

    W = U (Λ − σ² I)^½ (eq. 7, with R = I), from components U, variances Λ and noise σ² of `pca`. `noise`: with σ ε, the
    model's true draws, whose covariance is W Wᵀ + σ² I; each pixel then has noise of its own, which no digit has.
    Without, the default: the mean of x given z, which looks like a digit and varies in the n directions alone.

    Nothing in it is trained by gradients. K (P + P n + 1) numbers are held: mean, W and σ, which
    `classify.networks.count_parameters` counts.
    """

    def __init__(self, pca: ClassPCA, noise: bool = False) -> None:
        super().__init__()
        self.classes, self.pixels, self.components = pca.components.shape
        self.latent = self.components + (self.pixels if noise else 0)
        scales = (pca.variances - pca.noise[:, None]).clamp_min(0).sqrt()
        self.register_buffer("mean", pca.mean)
        self.register_buffer("W", pca.components * scales[:, None, :])
        self.register_buffer("sigma", pca.noise.sqrt())

    def forward(self, z: Tensor, c: Tensor) -> Tensor:
        """z, N × latent, and c, int64, N → N × 1 × 28 × 28, cut off at -1 and 1. With pixel noise, z ends in ε."""
        z, noise = z[:, : self.components], z[:, self.components :]
        x = self.mean[c]
        if noise.shape[1]:
            x = x + self.sigma[c, None] * noise
        for k in range(self.classes):  # one product a class: W of each picture would not fit into memory
            x = x.index_add(0, (mine := (c == k).nonzero().flatten()), z[mine] @ self.W[k].T)
        return x.view(-1, 1, 28, 28).clamp(-1, 1)

    def prior(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """(z, c): z n × latent, N(0, 1); c, int64, n, uniform over the classes."""
        device = self.mean.device
        z = prior.normal((n, self.latent), device, generator)
        return z, prior.any_class(n, self.classes, device, generator)


def _principal(x: Tensor, components: int) -> tuple[Tensor, Tensor, Tensor]:
    """Compute (mean P, components P × n, all variances P) of pictures x, N × P, double precision; x is overwritten."""
    mean = x.mean(dim=0)
    x -= mean
    covariance = x.T @ x / max(len(x) - 1, 1)
    variances, directions = (part.flip(-1) for part in torch.linalg.eigh(covariance))
    rounding = variances[0].clamp_min(0) * len(variances) * torch.finfo(x.dtype).eps  # as in matrix_rank
    known = variances > rounding
    farthest = directions.gather(0, directions.abs().argmax(dim=0, keepdim=True))
    return mean, (directions * farthest.sign() * known)[:, :components], variances * known
