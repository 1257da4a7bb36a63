"""Classic augmentation as tensor code, on the device: one random affine map an image, and noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.data.images import Images, scaled, to_pixels


@dataclass(frozen=True)
class Classic:
    """The ranges of hand-made augmentation, each drawn uniformly and independently for each image.

    rotation: ± degrees. shift: ± share of the image's side, in x and in y. shear: ± degrees. zoom: scale of 1 ±
    zoom, in x and in y on its own. noise: standard deviation of Gaussian noise, in units of the scale [-1, 1].
    Pixels from outside the image repeat its border, as in Keras' ImageDataGenerator. No flips: a mirrored digit is
    another sign, or none.
    """

    rotation: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0
    noise: float = 0.0

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """x: float B × C × H × W in [-1, 1] → the same shape and range, every image under a map of its own."""
        grid = F.affine_grid(self.maps(len(x), generator).to(x), list(x.shape), align_corners=False)
        out = F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
        if self.noise:
            out = out + self.noise * torch.randn(x.shape, generator=generator, device=generator.device).to(x)
        return out.clamp_(-1, 1)

    def maps(self, n: int, generator: torch.Generator) -> Tensor:
        """n random affine maps, n × 2 × 3, from output to input coordinates, both in [-1, 1]."""

        def uniform(reach: float) -> Tensor:
            return (torch.rand(n, generator=generator, device=generator.device) * 2 - 1) * reach

        angle, shear = uniform(math.radians(self.rotation)), uniform(math.radians(self.shear))
        dx, dy = uniform(2 * self.shift), uniform(2 * self.shift)  # the whole side is 2 long
        zx, zy = 1 + uniform(self.zoom), 1 + uniform(self.zoom)
        rows = [
            torch.stack([zx * angle.cos(), -zy * torch.sin(angle + shear), dx], dim=1),
            torch.stack([zx * angle.sin(), zy * torch.cos(angle + shear), dy], dim=1),
        ]
        return torch.stack(rows, dim=1)


# Harwalker (Kannada-MNIST), Table 1. The Keras generator that the paper used reads its shear of 0.1 as degrees.
PAPER_1 = Classic(rotation=10, shift=0.25, shear=0.1, zoom=0.25)

# Murugan & Kulkarni (EMNIST) name rotation, Gaussian noise and zoom, and give no ranges: these are ours.
PAPER_2 = Classic(rotation=15, zoom=0.15, noise=0.1)


def augmented(images: Images, ranges: Classic, generator: torch.Generator) -> Images:
    """One augmented copy of every picture; labels stay."""
    parts = [to_pixels(ranges(scaled(part), generator)) for part in images.pixels.split(4096)]
    return images.with_pixels(torch.cat(parts))
