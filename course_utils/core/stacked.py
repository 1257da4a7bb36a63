"""Run K networks of one architecture as one module: on a GPU sixteen small networks take about the time of one."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.modules.batchnorm import _BatchNorm

from course_utils.core.errors import CourseError


class Stacked(nn.Module):
    """Stack K networks into one module, in which network k sees x[k] only.

    Each parameter and buffer of the K networks becomes one tensor with a leading dimension K. One elementwise optimiser
    (Adam, RMSprop) therefore trains them as K separate ones would, and batch normalisation has K running statistics.
    Dropout drops different units in each network. The networks given are copied. Raises CourseError if they differ in
    architecture, and for networks that are stacks themselves.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        if hasattr(networks[0], "models"):
            raise CourseError(
                f"a {type(networks[0]).__name__} is a stack already; build one with models={len(networks)}"
            )
        self.models = len(networks)
        states = [network.state_dict() for network in networks]
        shapes = [{name: (tensor.shape, tensor.dtype) for name, tensor in state.items()} for state in states]
        for k, (network, shape) in enumerate(zip(networks, shapes, strict=True)):
            if type(network) is not type(networks[0]) or shape != shapes[0]:
                raise CourseError(
                    f"network {k}, a {type(network).__name__}, differs from network 0, a {type(networks[0]).__name__}; "
                    "build the networks of a stack with the same arguments"
                )
        self.network = copy.deepcopy(networks[0])  # the architecture, whose tensors are replaced by the stacked ones
        for name, _ in list(self.network.named_parameters()):
            _put(self.network, name, nn.Parameter(torch.stack([state[name] for state in states])))
        for name, _ in list(self.network.named_buffers()):
            _put(self.network, name, torch.stack([state[name] for state in states]))
        for layer in self.network.modules():
            if isinstance(layer, _BatchNorm):
                layer.register_forward_pre_hook(_fit_for_batch_norm)

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Apply network k to x[k] of each input, K × …; returns the outputs stacked, K × …."""
        return self._each(self.network, "", inputs, ())

    def prior(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, ...]:
        """Draw n times from the `prior` of each network: K × n × …."""
        return self._each(_Prior(self.network), "network.", (), (n, generator))

    @torch.no_grad()
    def unstack(self, into: Sequence[nn.Module]) -> None:
        """Load the weights and buffers of network k into `into[k]`, K networks of the same architecture."""
        for k, network in enumerate(into):
            network.load_state_dict({name: tensor[k] for name, tensor in self.network.state_dict().items()})

    def _each(self, network: nn.Module, prefix: str, mapped: tuple, same: tuple) -> Tensor | tuple[Tensor, ...]:
        tensors = {prefix + name: tensor for name, tensor in self.network.named_parameters()}
        tensors |= {prefix + name: tensor for name, tensor in self.network.named_buffers()}
        in_dims = (0, *(0 for _ in mapped))
        call = vmap(
            lambda tensors, *own: functional_call(network, tensors, (*own, *same)), in_dims, randomness="different"
        )
        return call(tensors, *mapped)


def _fit_for_batch_norm(layer: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor] | None:
    """Give batch normalisation under vmap what its backward pass needs: the number format of its running statistics,
    not bfloat16, and plain memory, not channels last. A network that was unstacked keeps its input."""
    (x,) = inputs
    if not torch._C._functorch.is_batchedtensor(x):
        return None
    return (x.to(torch.promote_types(x.dtype, torch.float32)).contiguous(),)


def _put(network: nn.Module, name: str, tensor: Tensor) -> None:
    owner, _, last = name.rpartition(".")
    setattr(network.get_submodule(owner), last, tensor)


class _Prior(nn.Module):
    """Call `prior` in `forward`, the only method that functional_call supports."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, n: int, generator: torch.Generator | None) -> tuple[Tensor, ...]:
        """Return the draws of the network's prior."""
        return self.network.prior(n, generator)
