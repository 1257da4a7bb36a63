"""The same networks in the layers that scripts use: `nn.Upsample` with `nn.Conv2d`, `nn.Linear`, `nn.Dropout`."""

from __future__ import annotations

import copy

import torch
from torch import nn

from course_utils.gan.layers import Dropout, InstanceNorm, StackedLinear, UpConv
from course_utils.gan.networks import ACDiscriminator, FCDiscriminator


def twin(network: nn.Module) -> nn.Module:
    """A copy with the same weights, in PyTorch's own layers and memory format; a stack of one becomes a plain
    network."""
    network = copy.deepcopy(network)
    for module in list(network.modules()):
        for name, layer in module.named_children():
            setattr(module, name, _plain(layer))
    return network.to(memory_format=torch.contiguous_format)


def _plain(layer: nn.Module) -> nn.Module:
    match layer:
        case StackedLinear():
            (weight,), (bias,) = layer.weight.detach(), layer.bias.detach()
            linear = nn.Linear(*weight.shape)
            linear.load_state_dict({"weight": weight.T, "bias": bias[0]})
            return linear
        case UpConv():
            settings = {"padding": layer.padding, "padding_mode": layer.padding_mode, "bias": layer.bias is not None}
            conv = nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size, **settings)
            conv.load_state_dict(layer.state_dict())
            return nn.Sequential(nn.Upsample(scale_factor=2), conv)
        case Dropout():
            return nn.Dropout(layer.p)
        case InstanceNorm():
            return nn.InstanceNorm2d(layer.num_features)
    return layer


def with_sigmoid(D: nn.Module) -> nn.Module:
    """The twin of a discriminator, with probabilities in place of logits; a fully connected one takes pictures."""
    plain = twin(D)
    if isinstance(D, ACDiscriminator):
        plain.validity = nn.Sequential(plain.validity, nn.Sigmoid())
        return plain
    return nn.Sequential(*([nn.Flatten()] if isinstance(D, FCDiscriminator) else []), plain, nn.Sigmoid())
