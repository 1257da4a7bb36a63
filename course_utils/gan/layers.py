"""Provide layers that several networks share and PyTorch lacks, and DCGAN's initialisation."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.core.errors import CourseError


class StackedLinear(nn.Module):
    """Apply K linear layers as one batched product: K × B × inputs → K × B × outputs.

    One product of K small matrices takes less time than K products. Each layer is initialised as `nn.Linear` is.
    """

    def __init__(self, models: int, inputs: int, outputs: int) -> None:
        super().__init__()
        reach = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(models, inputs, outputs).uniform_(-reach, reach))
        self.bias = nn.Parameter(torch.empty(models, 1, outputs).uniform_(-reach, reach))

    def forward(self, x: Tensor) -> Tensor:
        """K × B × inputs → K × B × outputs; model k sees only x[k]."""
        return torch.baddbmm(self.bias, x, self.weight)


class UpConv(nn.Conv2d):
    """Upsample by 2 (nearest neighbour) and convolve (stride 1, same size), as one transposed convolution: N × inputs ×
    H × W → N × outputs × 2H × 2W.

    The upsampled picture holds every input pixel four times. A transposed convolution of stride 2 therefore gives the
    same result if the weights that meet the same pixel are added first: its kernel, wider by one, is the original one,
    flipped and convolved with 2 × 2 ones. Function and parameters are those of the two layers, with 2.25 times fewer
    operations for a 3 × 3 kernel. `padding_mode`: 'zeros', or 'reflect' for a 3 × 3 kernel. Raises CourseError for
    other kernels and modes.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, bias: bool = True, padding_mode: str = "zeros"
    ) -> None:
        if kernel not in {"zeros": (1, 3, 5, 7), "reflect": (3,)}.get(padding_mode, ()):
            raise CourseError(
                f"UpConv has no kernel of {kernel} with padding_mode {padding_mode!r}; "
                "choose 1, 3, 5 or 7 with 'zeros', or 3 with 'reflect'"
            )
        super().__init__(inputs, outputs, kernel, padding=kernel // 2, bias=bias, padding_mode=padding_mode)

    def forward(self, x: Tensor) -> Tensor:
        """N × inputs × H × W → N × outputs × 2H × 2W."""
        weight = self.weight.flip(2, 3).transpose(0, 1)
        weight = F.pad(weight, (0, 0, 1, 0)) + F.pad(weight, (0, 0, 0, 1))
        weight = F.pad(weight, (1, 0)) + F.pad(weight, (0, 1))
        edge = self.padding[0]
        if self.padding_mode == "reflect":  # after upsampling, reflection repeats the edge, as replication does here
            x, edge = F.pad(x, (1, 1, 1, 1), mode="replicate"), edge + 2
        return F.conv_transpose2d(x, weight, self.bias, stride=2, padding=edge)


class Dropout(nn.Dropout):
    """Drop units as `nn.Dropout` does, with fewer random numbers on the CPU, where drawing them takes most of the time.

    One number of 64 bits decides on four units, 16 bits each; `p` is rounded down to a multiple of 2⁻¹⁶.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Any shape → the same shape: x / (1 − p), each value 0 with probability p; x itself in `eval` mode."""
        batched = torch._C._functorch.is_batchedtensor(x)  # by vmap, which draws for each network itself
        if not self.training or x.device.type != "cpu" or batched or not 0 < self.p < 1:
            return F.dropout(x, self.p, self.training)
        draws = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        strides = torch.empty_like(x, dtype=torch.int16).stride()  # as x lies in memory, be it channels last
        keep = draws.view(torch.int16).as_strided(x.shape, strides) >= int(self.p * 2**16) - 2**15
        return x * keep.to(x.dtype).div_(1 - self.p)


class InstanceNorm(nn.InstanceNorm2d):
    """Normalise as `nn.InstanceNorm2d` does by default, without weights or running statistics; faster for one picture.

    For one picture, as in CycleGAN, batch normalisation is the same function, and it preserves channels-last memory,
    which instance normalisation does not.
    """

    def forward(self, x: Tensor) -> Tensor:
        """N × features × H × W → the same shape; each map of each picture with mean 0 and variance 1."""
        return F.batch_norm(x, None, None, training=True, eps=self.eps) if len(x) == 1 else super().forward(x)


class VirtualBatchNorm(nn.Module):
    """Normalise by a reference batch (virtual batch normalisation, Salimans et al. 2016, section 3.4): N × features, or
    N × features × H × W, → the same shape.

    The first R = `reference` rows are the reference batch, normalised by its own mean and mean square. Each row after
    them is normalised by those, weighted R / (R + 1), and its own, weighted 1 / (R + 1), independently of the other
    rows. A network puts the reference batch before its input and removes it from its output; gradients flow through it.
    """

    def __init__(self, features: int, reference: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.reference, self.eps = reference, eps
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))

    def forward(self, x: Tensor) -> Tensor:
        """(reference + N) × features (× H × W) → the same shape."""
        places = tuple(range(2, x.ndim))
        x = x.float()  # the variance is a difference of squares, too imprecise in bfloat16
        moments = [x.mean(places, keepdim=True), x.square().mean(places, keepdim=True)] if places else [x, x.square()]
        mean, square = (self._with_reference(moment) for moment in moments)
        x = (x - mean) * torch.rsqrt((square - mean.square()).clamp_min(0) + self.eps)
        shape = (-1, *(1 for _ in places))
        return x * self.weight.view(shape) + self.bias.view(shape)

    def _with_reference(self, moment: Tensor) -> Tensor:
        reference, own = moment[: self.reference], moment[self.reference :]
        mean = reference.mean(dim=0, keepdim=True)
        share = 1 / (self.reference + 1)
        return torch.cat([mean.expand_as(reference), share * own + (1 - share) * mean])


def halvings(shape: tuple[int, int, int], smallest: int = 8) -> int:
    """Count how often the side of square pictures, C × size × size, is halved until it is at most `smallest`."""
    _, height, side = shape
    if height != side or side < smallest:
        raise CourseError(f"pictures are {height} × {side}, expected squares of at least {smallest}; resize them")
    return (-(-side // smallest) - 1).bit_length()


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """Encode int64 labels, N, as float32, N × classes. PyTorch's version reads values, which `vmap` does not allow."""
    return (labels[:, None] == torch.arange(classes, device=labels.device)).float()


@torch.no_grad()
def dcgan_init(network: nn.Module) -> None:
    """Initialise a network in place as DCGAN does (Radford et al. 2016, section 4): weights from N(0, 0.02²).

    As in the authors' code, scales of batch normalisation are drawn from N(1, 0.02²), and biases are 0.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            layer.weight.normal_(0, 0.02)
        elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | VirtualBatchNorm):
            layer.weight.normal_(1, 0.02)
        else:
            continue
        if layer.bias is not None:
            layer.bias.zero_()
