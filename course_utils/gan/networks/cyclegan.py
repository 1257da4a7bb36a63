"""The networks of CycleGAN (paper 3; Zhu et al. 2017, section 4 and appendix)."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from course_utils.gan.layers import InstanceNorm, UpConv, dcgan_init


class ResidualGenerator(nn.Sequential):
    """Picture → picture of the other side: N × channels × H × W → the same, in [-1, 1]; H and W multiples of 4.

    Zhu et al.: 7 × 7 convolution of `width` maps, two of stride 2, residual blocks (6 for 128 × 128, 9 for 256 × 256),
    two back up, 7 × 7 convolution, tanh; reflection padding, instance normalisation without running statistics. The
    way up is ours: upsampling and convolution in place of transposed convolutions, which draw checkerboards.
    Convolutions before a normalisation have no bias, as it would be subtracted at once. Paper 3 says no more than that
    its generators have residual layers.
    """

    def __init__(self, channels: int = 3, width: int = 64, blocks: int = 6) -> None:
        self.channels = channels
        layers = [*_reflected(channels, width, 7), InstanceNorm(width), nn.ReLU()]
        for maps in (width, 2 * width):
            down = nn.Conv2d(maps, 2 * maps, 3, stride=2, padding=1, padding_mode="reflect", bias=False)
            layers += [down, InstanceNorm(2 * maps), nn.ReLU()]
        layers += [_Residual(4 * width) for _ in range(blocks)]
        for maps in (4 * width, 2 * width):
            up = UpConv(maps, maps // 2, bias=False, padding_mode="reflect")
            layers += [up, InstanceNorm(maps // 2), nn.ReLU()]
        super().__init__(*layers, *_reflected(width, channels, 7, bias=True), nn.Tanh())
        dcgan_init(self)
        self.to(memory_format=torch.channels_last)


class PatchDiscriminator(nn.Sequential):
    """PatchGAN: N × channels × H × W → a map of logits, N × 1 × h × w, one for each patch.

    `layers` = 3 sees patches of 70 × 70 (Zhu et al., section 4; Isola et al. 2017). 4 × 4 convolutions of stride 2 with
    `width`, 2 · `width` … maps, two more of stride 1; LeakyReLU 0.2; instance normalisation without running statistics
    in all but the first and the last, and no bias before it.
    """

    def __init__(self, channels: int = 3, width: int = 64, layers: int = 3) -> None:
        self.channels = channels
        maps = [width * min(2**k, 8) for k in range(layers + 1)]
        body: list[nn.Module] = [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for k, (before, after) in enumerate(itertools.pairwise(maps), start=1):
            conv = nn.Conv2d(before, after, 4, stride=2 if k < layers else 1, padding=1, bias=False)
            body += [conv, InstanceNorm(after), nn.LeakyReLU(0.2)]
        super().__init__(*body, nn.Conv2d(maps[-1], 1, 4, padding=1))
        dcgan_init(self)


class Translators(nn.Module):
    """CycleGAN's two generators: AB draws side A's pictures as side B's, BA the other way."""

    def __init__(self, AB: nn.Module, BA: nn.Module) -> None:
        super().__init__()
        self.AB, self.BA = AB, BA

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Both translations, those of a first: (N_a + N_b) × channels × H × W."""
        return torch.cat([self.AB(a), self.BA(b)])


class Critics(nn.Module):
    """CycleGAN's two discriminators, A of side A's pictures and B of side B's, each with its pool of earlier fakes.

    size: the pictures' side in pixels. pool: how many fakes a pool holds.
    """

    def __init__(self, A: PatchDiscriminator, B: PatchDiscriminator, size: int = 128, pool: int = 50) -> None:
        super().__init__()
        self.A, self.B = A, B
        self.pool_A = ImagePool((A.channels, size, size), pool)
        self.pool_B = ImagePool((B.channels, size, size), pool)


class ImagePool(nn.Module):
    """Keep the last fakes, for D to learn from (Zhu et al. 2017, section 4; Shrivastava et al. 2017, section 2.3).

    Until it holds `size` pictures of `shape`, (C, H, W), it keeps each new fake and returns it. After that it returns
    the new fake, or with probability 1/2 one that it holds, which the new one replaces. All of its state is in its
    state_dict, and it draws on the device, so that a resumed run and a CUDA graph give the same results.
    """

    def __init__(self, shape: tuple[int, int, int], size: int = 50) -> None:
        super().__init__()
        self.register_buffer("pictures", torch.zeros(size, *shape))
        self.register_buffer("filled", torch.zeros(1, dtype=torch.int64))

    @torch.no_grad()
    def forward(self, fakes: Tensor) -> Tensor:
        """N × C × H × W → as many, some of them earlier ones, in float32 and without gradients."""
        size, out = len(self.pictures), []
        for fake in fakes.float().split(1):
            space = self.filled < size
            place = torch.where(space, self.filled, torch.randint_like(self.filled, size))
            swap = ~space & (torch.rand(1, device=fake.device) < 0.5)
            old = self.pictures.index_select(0, place)
            out.append(torch.where(swap, old, fake))
            self.pictures.index_copy_(0, place, torch.where(space | swap, fake, old))
            self.filled += space
        return torch.cat(out)


class _Residual(nn.Module):
    def __init__(self, maps: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(*_reflected(maps, maps, 3), InstanceNorm(maps), nn.ReLU()),
            *(*_reflected(maps, maps, 3), InstanceNorm(maps)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """N × maps × H × W → the same shape."""
        return x + self.body(x)


def _reflected(before: int, after: int, kernel: int, bias: bool = False) -> list[nn.Module]:
    return [nn.Conv2d(before, after, kernel, padding=kernel // 2, padding_mode="reflect", bias=bias)]
