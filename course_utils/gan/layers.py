"""Layers that the networks share and PyTorch lacks, and DCGAN's initialisation."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.core.errors import CourseError


class StackedLinear(nn.Module):
    """K linear layers side by side, as one batched product: K × B × inputs → K × B × outputs.

    K small networks in one tensor cost less than K small networks one after the other. Each is initialised as
    `nn.Linear` is.
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
    """Nearest-neighbour upsampling by 2, then a convolution (stride 1, same size), as one transposed convolution:
    N × inputs × H × W → N × outputs × 2H × 2W.

    Every input pixel stands four times in the upsampled picture, so that each output is a sum over at most half as many
    different pixels a side. A transposed convolution of stride 2 adds up the weights first: its kernel, wider by one,
    is the original one, flipped, convolved with 2 × 2 ones. The function and the parameters are those of the two
    layers, with 2.25 times fewer operations for a 3 × 3 kernel. `padding_mode`: 'zeros', or 'reflect' for a 3 × 3
    kernel.
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
        if self.padding_mode == "reflect":  # beside an upsampled edge lies its own twin: what replication puts there
            x, edge = F.pad(x, (1, 1, 1, 1), mode="replicate"), edge + 2
        return F.conv_transpose2d(x, weight, self.bias, stride=2, padding=edge)


class Dropout(nn.Dropout):
    """`nn.Dropout`, with cheaper random numbers on the CPU, where they take most of its time.

    One draw of 64 bits decides on four units, 16 bits each, so that `p` is rounded down to a multiple of 2⁻¹⁶.
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
    """`nn.InstanceNorm2d` as it is by default, without weights or running statistics, and faster for one picture.

    Of one picture, as in CycleGAN, batch normalisation is the same function, and the only one of the two that leaves
    channels-last memory as it is.
    """

    def forward(self, x: Tensor) -> Tensor:
        """N × features × H × W → the same shape; each map of each picture with mean 0 and variance 1."""
        return F.batch_norm(x, None, None, training=True, eps=self.eps) if len(x) == 1 else super().forward(x)


class VirtualBatchNorm(nn.Module):
    """Virtual batch normalisation (Salimans et al. 2016, section 3.4): N × features, or N × features × H × W, as given.

    The first `reference` rows are the reference batch, normalised by its own mean and mean square. Each row after them
    is normalised by those and its own, at weights of R / (R + 1) and 1 / (R + 1), and by nothing of its batch-mates. A
    network puts the reference batch in front once and takes it off at the end; gradients flow through it.
    """

    def __init__(self, features: int, reference: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.reference, self.eps = reference, eps
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))

    def forward(self, x: Tensor) -> Tensor:
        """(reference + N) × features (× H × W) → the same shape."""
        places = tuple(range(2, x.ndim))
        x = x.float()  # a variance as a difference of squares needs the digits
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


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """int64 labels, N → float32, N × classes. Unlike PyTorch's it looks at no value, so that `vmap` can take it."""
    return (labels[:, None] == torch.arange(classes, device=labels.device)).float()


@torch.no_grad()
def dcgan_init(network: nn.Module) -> None:
    """DCGAN's initialisation, in place (Radford et al. 2016, section 4): weights of convolutions and dense layers are
    drawn from N(0, 0.02²).

    As in the authors' code, scales of batch normalisation come from N(1, 0.02²), and biases are 0.
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
