"""How good generated pictures are: close to the data, as varied as the data, and not copied from it.

Distances are taken in the features of a LeNet trained on real data (N × F); a network trained on photographs sees
nothing in 28 × 28 digits. Real pictures held out from training give the floor that a perfect generator would reach.
Every measure raises CourseError, in one line, for too few pictures, features of two widths, or NaN.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from scipy import ndimage
from torch import Tensor, nn

from course_utils.classify.train import eval_mode
from course_utils.core.errors import CourseError
from course_utils.core.seeds import generator as generator_of
from course_utils.data.images import scaled
from course_utils.evaluate import checks

# ------------------------------------------------------------------ pixels


def nonzero_share(pixels: Tensor) -> Tensor:
    """Compute the share of pixels that are not 0, one value (0..1) a picture; uint8, N × C × H × W.

    Paper 1 calls it lost sparsity.
    """
    return (pixels > 0).flatten(1).float().mean(dim=1)


def denoised(pixels: Tensor, threshold: int = 64) -> Tensor:
    """Apply a 3 × 3 median filter, then set pixels below `threshold` to 0; uint8, N × C × H × W → the same.

    The clean-up that paper 1 names as future work: speckles go, strokes stay, zeros come back.
    """
    median = ndimage.median_filter(pixels.cpu().numpy(), size=(1, 1, 3, 3), mode="constant")
    out = torch.from_numpy(median).to(pixels.device)
    return torch.where(out >= threshold, out, 0)


# ------------------------------------------------------------------ two sets of features: fidelity and variety


def features(judge: nn.Module, pixels: Tensor, batch_size: int = 1000) -> Tensor:
    """Compute `judge.features` of each picture, dropout off, running statistics; uint8, N × C × H × W → N × F."""
    with eval_mode(judge):
        return torch.cat([judge.features(scaled(part)) for part in pixels.split(batch_size)])


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """Compute the Fréchet distance of Gaussians fitted to features, N × F each (Heusel et al. 2017).

    It is 0 for equal moments. Tr √(Σ₁Σ₂) is the sum of the square roots of the eigenvalues of Σ₁Σ₂, which are real and
    not negative. The distance falls with N for one and the same generator: compare only at one N, as `fd_lenet` does.
    """
    a, b = (x.cpu() for x in checks.feature_sets(least=2, real=real, fake=fake))
    means = (a.mean(dim=0) - b.mean(dim=0)).square().sum()
    cov_a, cov_b = (torch.atleast_2d(x.T.cov()) for x in (a, b))  # of one feature it would be a scalar
    roots = torch.linalg.eigvals(cov_a @ cov_b).real.clamp(min=0).sqrt().sum()
    return float(means + cov_a.trace() + cov_b.trace() - 2 * roots)


def fd_lenet(judge: nn.Module, real_pixels: Tensor, fake_pixels: Tensor, n: int) -> float:
    """Compute the Fréchet distance in the LeNet `judge`'s features, of n pictures a set; uint8, N × C × H × W.

    The n are drawn once and for all, so the real ones are the same for every generator. The floor, what a perfect
    generator would reach, is not 0 but `fd_lenet(judge, train_pixels, test_pixels, n)`: print it beside. Raises
    CourseError where either set has fewer than n.
    """
    for name, pixels in (("real_pixels", real_pixels), ("fake_pixels", fake_pixels)):
        if len(pixels) < n:
            raise CourseError(f"{name} holds {len(pixels)} pictures, expected at least n = {n}; sample more or lower n")
    drawn = (pixels[_drawn(len(pixels), n, generator_of("fd_lenet"))] for pixels in (real_pixels, fake_pixels))
    return frechet_distance(*(features(judge, pixels) for pixels in drawn))


def density_and_coverage(real: Tensor, fake: Tensor, k: int = 5) -> tuple[float, float]:
    """Compute (density, coverage) of features, N × F each (Naeem et al. 2020).

    A real picture's ball reaches to its k-th nearest real neighbour. Density: how many balls a fake lies in, over
    k (fidelity; may exceed 1). Coverage: the share of balls with a fake inside (variety).
    """
    real, fake = checks.feature_sets(real=real, fake=fake)
    if not 1 <= k < len(real):
        raise CourseError(f"k = {k} of {len(real)} real pictures, expected 1 to {len(real) - 1} neighbours; change k")
    inside, covered = 0, 0
    for to_real, to_fake in zip(_distances(real, real), _distances(real, fake), strict=True):
        radius = to_real.kthvalue(k + 1, dim=1).values  # the nearest is the picture itself
        balls = to_fake <= radius[:, None]
        inside, covered = inside + int(balls.sum()), covered + int(balls.any(dim=1).sum())
    return inside / (k * len(fake)), covered / len(real)


def mean_pairwise_distance(features: Tensor, labels: Tensor) -> dict[int, float]:
    """Compute, by label, the mean distance of two pictures of that class; features N × F, labels int64, N.

    Variety inside a class, which agreement with the label does not see: paper 5's ACGAN is known to shrink it (Odena
    et al. 2017, section 4.2, by MS-SSIM). Read it against the same of real pictures. Raises CourseError for a class
    of one picture.
    """
    (x,) = checks.feature_sets(features=features)
    if labels.shape != x.shape[:1]:
        raise CourseError(f"{tuple(labels.shape)} labels for {len(x)} pictures, expected one each")
    spread = {}
    for label in labels.unique().tolist():
        mine = x[labels.to(x.device) == label]
        if len(mine) < 2:
            raise CourseError(f"class {label} has one picture, expected at least two; sample more of it")
        spread[label] = float(torch.pdist(mine).mean())
    return spread


# ------------------------------------------------------------------ memorisation


def nearest(query: Tensor, pool: Tensor) -> tuple[Tensor, Tensor]:
    """Find distance and position of the nearest row of `pool` (M × F) for each row of `query` (N × F).

    Matrix products in float32, which are fast and a little off, name the few nearest; their exact distances decide.
    """
    query, pool = checks.feature_sets(query=query, pool=pool)
    middle, few, distances, positions = pool.mean(dim=0), min(_FEW, len(pool)), [], []
    centred = (pool - middle).float()
    for part in query.split(_ROWS):
        rough = torch.cdist((part - middle).float(), centred)
        near = rough.topk(few, largest=False).indices.sort(dim=1).values
        distance, best = (part[:, None] - pool[near]).norm(dim=2).min(dim=1)
        distances.append(distance)
        positions.append(near.gather(1, best[:, None])[:, 0])
    return torch.cat(distances), torch.cat(positions)


def nearest_pairs(fake: Tensor, train: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Find the n fakes nearest to a training picture: (distances, positions in fake, positions in train), n each.

    Features N × F and M × F; nearest first. These are the pairs to *look* at before a generator is called original.
    """
    distance, partner = nearest(fake, train)
    if not 1 <= n <= len(fake):
        raise CourseError(f"n = {n} pairs of {len(fake)} fakes, expected 1 to {len(fake)}; change n or sample more")
    closest = distance.argsort(stable=True)[:n]
    return distance[closest], closest, partner[closest]


def memorisation(fake: Tensor, train: Tensor, test: Tensor, usual: float | None = None) -> float:
    """Compute the median distance fake → train over the median distance test → train, features N × F.

    About 1: fakes are as far from the training set as new real pictures are. Far below 1: copies. Above 1: off the
    data. usual: the distance test → train, by `usual_distance`, where it serves for several generators.
    """
    return float(nearest(fake, train)[0].median()) / (usual_distance(test, train) if usual is None else usual)


def usual_distance(test: Tensor, train: Tensor) -> float:
    """Compute the median distance test → train, features N × F."""
    usual = float(nearest(test, train)[0].median())
    if usual == 0:
        raise CourseError("most test pictures are in train too, expected new ones; hold the test set out of training")
    return usual


def near_copies(fake: Tensor, train: Tensor, new: Tensor, rank: float = 0.95) -> float:
    """Compute the share of fakes that lie nearer to a training picture than `rank` of the new real ones do, N × F each.

    About 1 − rank for new real pictures; 1 where all are copies. A set that is copied in part has a usual median, so
    that `memorisation` does not see it; this share does.
    """
    usual = nearest(new, train)[0].quantile(1 - rank)
    return float((nearest(fake, train)[0] < usual).float().mean())


# ------------------------------------------------------------------ rows of features

_FEW = 8  # candidates for the nearest row
_ROWS = 1000  # of a distance matrix at a time: 60,000 pictures against themselves would take 29 GB


def _distances(query: Tensor, pool: Tensor) -> Iterator[Tensor]:
    # Not by matrix products: |x|² + |y|² − 2xy leaves a distance between a picture and its copy.
    return (torch.cdist(part, pool, compute_mode="donot_use_mm_for_euclid_dist") for part in query.split(_ROWS))


def _drawn(of: int, n: int, generator: torch.Generator) -> Tensor:
    return torch.randperm(of, generator=generator, device=generator.device)[:n].cpu()
