"""The denoising diffusion model (Ho et al. 2020), for square pictures of 8 pixels and more, grey or in colour."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.gan.layers import UpConv, halvings
from course_utils.gan.networks import prior

GROUPS = 8  # of maps, each normalised on its own
WAVES = 64  # sines and cosines that tell the network the time


def cosine_schedule(T: int) -> Tensor:
    """Return ᾱ_0 … ᾱ_T, the share of the picture in the variance after t of T steps of noise: float32, T + 1.

    It falls from 1 to almost 0 as a squared cosine (Nichol & Dhariwal 2021, eq. 17); as there, β_t is 0.999 at most.
    """
    t = torch.arange(T + 1, dtype=torch.float64)
    f = ((t / T + 0.008) / 1.008 * math.pi / 2).cos().square()
    alpha = (f[1:] / f[:-1]).clamp(min=0.001)  # 1 − β_t
    return torch.cat([torch.ones(1), alpha.cumprod(dim=0)]).float()


class Diffusion(nn.Module):
    """Noise z, N × C × size × size, and c, N → pictures of the same shape, in [-1, 1], by denoising in `draws` steps.

    `noise`, which is trained, predicts the noise ε in a noisy picture; `forward` takes it away step by step with DDIM
    (Song et al. 2021, eq. 12 with σ = 0), in which z alone decides on the picture. At each step the picture predicted
    is kept in [-1, 1]. T: steps of noise (Ho et al.: 1000). guidance: how far the prediction with the class is moved
    away from the one without (Ho & Salimans 2022, eq. 6, their w); 0 is none, above it pictures are more typical of
    their class and less varied, and drawing takes twice as long. width: of the U-Net.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        classes: int,
        width: float = 1.0,
        T: int = 1000,
        draws: int = 25,
        guidance: float = 0.0,
    ) -> None:
        super().__init__()
        self.shape, self.classes, self.no_class = tuple(shape), classes, classes
        self.T, self.draws, self.guidance = T, draws, guidance
        self.unet = UNet(self.shape, classes + 1, width)
        self.register_buffer("alpha_bar", cosine_schedule(T))

    def noise(self, x: Tensor, t: Tensor, c: Tensor) -> Tensor:
        """Predict ε in x = √ᾱ_t x_0 + √(1 − ᾱ_t) ε, N × C × size × size, for t and c, int64, N, 1 ≤ t ≤ T: as x.

        The network's own output is v = √ᾱ_t ε − √(1 − ᾱ_t) x_0, which tells the picture from noise at every t (Salimans
        & Ho 2022, section 4); ε follows from x and v.
        """
        share = self.alpha_bar[t].view(-1, 1, 1, 1)
        return (1 - share).sqrt() * x + share.sqrt() * self.unet(x, t / self.T, c).float()

    def forward(self, z: Tensor, c: Tensor) -> Tensor:
        """z, N × C × size × size, and c, int64, N → N × C × size × size in [-1, 1]."""
        x, times = z, torch.linspace(self.T, 0, self.draws + 1).round().int().tolist()
        for t, s in pairwise(times):  # from t down to s
            share, share_s = self.alpha_bar[t], self.alpha_bar[s]
            noise = self._guided(x, torch.full_like(c, t), c)
            picture = ((x - (1 - share).sqrt() * noise) / share.sqrt()).clamp(-1, 1)
            noise = (x - share.sqrt() * picture) / (1 - share).sqrt()
            x = share_s.sqrt() * picture + (1 - share_s).sqrt() * noise
        return x

    def prior(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """(z, c): z n × C × size × size, N(0, 1); c, int64, n, uniform over the classes."""
        device = self.alpha_bar.device
        z = prior.normal((n, *self.shape), device, generator)
        return z, prior.any_class(n, self.classes, device, generator)

    def _guided(self, x: Tensor, t: Tensor, c: Tensor) -> Tensor:
        noise = self.noise(x, t, c)
        if not self.guidance:
            return noise
        return noise + self.guidance * (noise - self.noise(x, t, torch.full_like(c, self.no_class)))


class UNet(nn.Module):
    """Noisy pictures N × C × size × size, times in 0..1, N, and classes, N → as the pictures (Ho et al. 2020, app. B).

    Squares of 2 × 2 pixels become channels at once, which spares the expensive full size; then one residual block a
    size, down to maps of at most 8 × 8 with two blocks, and up again beside the maps of the way down. 128 maps at the
    smallest size, half as many at each larger one, 32 at least, all times `width`. Time and class are embedded, added
    and shown to every block. A size that does not halve so often is padded, and cut out in the end.
    """

    def __init__(self, shape: tuple[int, int, int], classes: int, width: float = 1.0) -> None:
        super().__init__()
        self.levels = max(1, halvings(shape))
        maps = [GROUPS * max(1, round(width * max(32, 128 >> k) / GROUPS)) for k in range(self.levels)][::-1]
        channels, code = 4 * shape[0], GROUPS * max(1, round(128 * width / GROUPS))
        self.time = nn.Sequential(nn.Linear(WAVES, code), nn.SiLU(), nn.Linear(code, code))
        self.label = nn.Embedding(classes, code)
        self.first = nn.Conv2d(channels, maps[0], 3, padding=1)
        self.down = nn.ModuleList(Block(m, m, code) for m in maps[:-1])
        pairs = list(pairwise(maps))
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairs)
        self.middle = nn.ModuleList(Block(maps[-1], maps[-1], code) for _ in range(2))
        self.grow = nn.ModuleList(UpConv(b, a) for a, b in pairs)
        self.up = nn.ModuleList(Block(2 * m, m, code) for m in maps[:-1])
        self.last = nn.Sequential(GroupNorm(maps[0]), nn.SiLU(), nn.Conv2d(maps[0], channels, 3, padding=1))
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor, time: Tensor, c: Tensor) -> Tensor:
        """x, N × C × size × size, time, float, and c, int64, N → N × C × size × size."""
        height, width = x.shape[2:]
        x = F.pad(x, (0, -width % 2**self.levels, 0, -height % 2**self.levels))
        code = F.silu(self.time(_waves(time)) + self.label(c))
        x, skipped = self.first(F.pixel_unshuffle(x, 2)), []
        for block, shrink in zip(self.down, self.shrink, strict=True):
            skipped.append(block(x, code))
            x = shrink(skipped[-1])
        for block in self.middle:
            x = block(x, code)
        for grow, block in reversed(list(zip(self.grow, self.up, strict=True))):
            x = block(torch.cat([grow(x), skipped.pop()], dim=1), code)
        return F.pixel_shuffle(self.last(x), 2)[:, :, :height, :width]


class Block(nn.Module):
    """Add to x what two convolutions make of it and of the code of time and class (He et al. 2016; Ho et al. 2020)."""

    def __init__(self, before: int, after: int, code: int) -> None:
        super().__init__()
        self.one = nn.Sequential(GroupNorm(before), nn.SiLU(), nn.Conv2d(before, after, 3, padding=1))
        self.code = nn.Linear(code, after)
        self.two = nn.Sequential(GroupNorm(after), nn.SiLU(), nn.Conv2d(after, after, 3, padding=1))
        self.skip = nn.Identity() if before == after else nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """x, N × before × H × W, and code, N × code → N × after × H × W."""
        return self.skip(x) + self.two(self.one(x) + self.code(code)[:, :, None, None])


class GroupNorm(nn.GroupNorm):
    """Normalise groups of maps in float32: in bfloat16 PyTorch takes up to three times as long on the CPU."""

    def __init__(self, maps: int) -> None:
        super().__init__(GROUPS, maps)

    def forward(self, x: Tensor) -> Tensor:
        """N × maps × H × W → the same shape."""
        return super().forward(x.float())


def _waves(time: Tensor) -> Tensor:
    """Times in 0..1, N → N × WAVES: sines and cosines of 1000 × time at frequencies from 1 down to 1/10,000."""
    frequency = torch.exp(-math.log(10_000) * torch.arange(WAVES // 2, device=time.device) / (WAVES // 2))
    angle = 1000 * time[:, None] * frequency
    return torch.cat([angle.sin(), angle.cos()], dim=1)
