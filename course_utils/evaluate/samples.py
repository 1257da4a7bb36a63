"""How good generated pictures are: close to the data, as varied as the data, and not copied from it.

Distances are taken in the features of a LeNet trained on real data (N × F); a network trained on photographs sees
nothing in 28 × 28 digits. Real pictures held out from training give the floor that a perfect generator would reach.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course_utils.data.images import scaled


def nonzero_share(pixels: Tensor) -> Tensor:
    """Share of pixels that are not 0, one value (0..1) a picture; uint8, N × C × H × W. Paper 1 calls it lost
    sparsity."""
    return (pixels > 0).flatten(1).float().mean(dim=1)


@torch.no_grad()
def features(judge: nn.Module, pixels: Tensor, batch_size: int = 1000) -> Tensor:
    """`judge.features` of each picture; uint8, N × C × H × W → N × F."""
    judge.eval()
    return torch.cat([judge.features(scaled(part)) for part in pixels.split(batch_size)])


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """Fréchet distance of two Gaussians fitted to features, N × F each (Heusel et al. 2017); 0 for equal moments.

    Tr √(Σ₁Σ₂) is the sum of the square roots of the eigenvalues of Σ₁Σ₂, which are real and not negative.
    """
    a, b = real.cpu().double(), fake.cpu().double()
    means = (a.mean(dim=0) - b.mean(dim=0)).square().sum()
    cov_a, cov_b = a.T.cov(), b.T.cov()
    roots = torch.linalg.eigvals(cov_a @ cov_b).real.clamp(min=0).sqrt().sum()
    return float(means + cov_a.trace() + cov_b.trace() - 2 * roots)


def density_and_coverage(real: Tensor, fake: Tensor, k: int = 5) -> tuple[float, float]:
    """(density, coverage) of features, N × F each (Naeem et al. 2020).

    A real picture's ball reaches to its k-th nearest real neighbour. Density: how many balls a fake lies in, over
    k (fidelity; may exceed 1). Coverage: the share of balls with a fake inside (variety).
    """
    radius = torch.cdist(real, real).kthvalue(k + 1, dim=1).values  # the nearest is the picture itself
    inside = torch.cdist(real, fake) <= radius[:, None]
    return float(inside.sum() / (k * len(fake))), float(inside.any(dim=1).float().mean())


def nearest(query: Tensor, pool: Tensor) -> tuple[Tensor, Tensor]:
    """Distance to, and position of, the nearest row of `pool` (M × F) for each row of `query` (N × F)."""
    found = torch.cdist(query, pool).min(dim=1)
    return found.values, found.indices


def memorisation(fake: Tensor, train: Tensor, test: Tensor) -> float:
    """Median distance fake → train over median distance test → train, features N × F.

    About 1: fakes are as far from the training set as new real pictures are. Far below 1: copies. Above 1: off the
    data.
    """
    return float(nearest(fake, train)[0].median() / nearest(test, train)[0].median())


def denoised(pixels: Tensor, threshold: int = 64) -> Tensor:
    """A 3 × 3 median filter, then pixels below `threshold` set to 0; uint8, N × C × H × W → the same.

    The clean-up that paper 1 names as future work: speckles go, strokes stay, zeros come back.
    """
    n, c, h, w = pixels.shape
    windows = torch.nn.functional.unfold(pixels.float(), 3, padding=1).reshape(n, c, 9, h, w)
    out = windows.median(dim=2).values.to(torch.uint8)
    return torch.where(out >= threshold, out, torch.zeros_like(out))
