"""Training a classifier for a given number of updates. No test set comes near it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.data.images import Images

Optimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
Transform = Callable[[Tensor, torch.Generator], Tensor]


def rmsprop(lr: float) -> Optimizer:
    """RMSProp with Keras' defaults (decay 0.9, ε 1e-7), as paper 1 used it; lr is paper 1's 0.002 or 0.02."""
    return partial(torch.optim.RMSprop, lr=lr, alpha=0.9, eps=1e-7, foreach=True)


def adam(lr: float = 1e-3) -> Optimizer:
    """Adam with its usual betas."""
    return partial(torch.optim.Adam, lr=lr, fused=True)


def training(
    model: nn.Module,
    images: Images,
    optimizer: Optimizer,
    *,
    updates: int,
    batch_size: int,
    generator: torch.Generator,
    transform: Transform | None = None,
) -> Iterator[Tensor]:
    """Train `model` in place by cross-entropy; yields the loss of each update, a scalar left on the device.

    `transform` changes each batch afresh (classic augmentation on the fly). Raises SealedError on a test set.
    """
    model.to(images.device, memory_format=torch.channels_last).train()
    opt = optimizer(model.parameters())
    batches = images.batches(batch_size, generator, forever=True)
    for _, (x, labels) in zip(range(updates), batches, strict=False):
        if transform is not None:
            x = transform(x, generator)
        loss = F.cross_entropy(model(x.contiguous(memory_format=torch.channels_last)), labels)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        yield loss.detach()


def train(model: nn.Module, images: Images, optimizer: Optimizer, **settings: object) -> nn.Module:
    """`training` to its end; returns the model, ready to judge (`eval` mode)."""
    for _ in training(model, images, optimizer, **settings):
        pass
    return model.eval()


@torch.no_grad()
def logits(model: nn.Module, images: Images, batch_size: int = 500) -> Tensor:
    """The model's answer to each picture, N × classes, with dropout off and running statistics; sealed sets are
    welcome."""
    was_training = model.training
    model.eval()
    out = [model(x.contiguous(memory_format=torch.channels_last)) for x, _ in images.in_order(batch_size)]
    model.train(was_training)
    return torch.cat(out)
