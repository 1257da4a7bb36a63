"""Train a classifier for a given number of updates; test sets are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.core.capture import recorded
from course_utils.core.precision import autocast, exact, resolve
from course_utils.data.augment import Classic
from course_utils.data.images import Images

Optimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
Transform = Callable[[Tensor, torch.Generator], Tensor]


def rmsprop(lr: float) -> Optimizer:
    """Give RMSProp with Keras' defaults (decay 0.9, ε 1e-7), as paper 1 used it; lr is paper 1's 0.002 or 0.02."""
    return partial(torch.optim.RMSprop, lr=lr, alpha=0.9, eps=1e-7, foreach=True)


def adam(lr: float = 1e-3) -> Optimizer:
    """Give Adam with its usual betas."""
    return partial(torch.optim.Adam, lr=lr, fused=True)


def adadelta(lr: float = 1.0) -> Optimizer:
    """Give Adadelta with Keras' defaults (decay 0.95, ε 1e-7), as paper 2's Keras example used it.

    Its learning rate was 1.0 when the example was written; TensorFlow 2 made 0.001 of it, and with that the example
    stays near 84 % on MNIST instead of 99 % (keras-team/keras issue 13815).
    """
    return partial(torch.optim.Adadelta, lr=lr, rho=0.95, eps=1e-7, foreach=True)


def balanced_weights(images: Images) -> Tensor:
    """Weigh each class inversely to its frequency, float32: N / (classes × its count), so that the mean over all
    pictures is 1; scikit-learn calls it "balanced". A class without pictures is weighted as if it had one."""
    return len(images) / (len(images.classes) * images.counts().clamp(min=1)).float()


def training(
    model: nn.Module,
    images: Images,
    optimizer: Optimizer,
    *,
    updates: int,
    batch_size: int,
    generator: torch.Generator,
    transform: Transform | None = None,
    class_weights: Tensor | None = None,
    mixup: float = 0.0,
    precision: str = "auto",
) -> Iterator[Tensor]:
    """Train `model` in place by cross-entropy; yields the loss of each update, a scalar left on the device.

    `transform` changes each batch afresh (classic augmentation on the fly). mixup: α of Zhang et al. (2018), 0 is off:
    each batch is mixed with itself in another order, in shares λ and 1 − λ of Beta(α, α), and so are the losses.
    class_weights: float32, one a class; the
    loss is then the mean weighted by each picture's class, as in F.cross_entropy. precision: of the network's
    arithmetic ('float32', 'bfloat16', or 'auto' for the faster one); the loss is float32. Raises SealedError on a
    test set.
    """
    device, precision = images.device, resolve(precision, images.device)
    weights = None if class_weights is None else class_weights.to(device)
    model.to(device, memory_format=torch.channels_last).train()
    opt = recordable(optimizer(model.parameters()), device)
    rng = drawing(transform, generator, device)

    def update(positions: Tensor, *share: Tensor) -> Tensor:
        x, labels = images.at(positions)
        if transform is not None:
            x = transform(x, rng)
        if share:  # batches come shuffled: turned round, each picture meets another one
            x = torch.lerp(x.flip(0), x, *share)
        with autocast(device, precision):
            answer = model(x.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(answer.float(), labels, weight=weights)
        if share:
            loss = torch.lerp(F.cross_entropy(answer.float(), labels.flip(0), weight=weights), loss, *share)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        return loss.detach()

    update = recorded(update, device)
    for _, positions in zip(range(updates), images.picks(batch_size, generator, forever=True), strict=False):
        yield update(positions, *_share(mixup, generator, device))


def recordable(optimizer: torch.optim.Optimizer, device: torch.device) -> torch.optim.Optimizer:
    """Let a new optimiser count its steps on the device, as a recorded update needs it."""
    for group in optimizer.param_groups:
        if device.type == "cuda" and "capturable" in group:
            group["capturable"] = True
    return optimizer


def drawing(transform: Transform | None, generator: torch.Generator, device: torch.device) -> torch.Generator:
    """Choose what a transform draws by: `generator`, or for classic augmentation on a GPU the device's default one,
    which draws there, inside a recorded update, as dropout does."""
    if device.type != "cuda" or not isinstance(transform, Classic):
        return generator
    return torch.cuda.default_generators[torch.cuda.current_device() if device.index is None else device.index]


def _share(alpha: float, generator: torch.Generator, device: torch.device) -> tuple[Tensor, ...]:
    """Draw mixup's λ from Beta(α, α), as `generator` says; nothing where α is 0."""
    if not alpha:
        return ()
    seed = int(torch.randint(2**31, (), generator=generator, device=generator.device))
    return (torch.tensor(np.random.default_rng(seed).beta(alpha, alpha), dtype=torch.float32, device=device),)


def train(model: nn.Module, images: Images, optimizer: Optimizer, **settings: object) -> nn.Module:
    """Run `training` to its end; returns the model, ready to judge (`eval` mode)."""
    for _ in training(model, images, optimizer, **settings):
        pass
    return model.eval()


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """Inside, `model` answers as a finished one: without dropout, by running statistics, without gradients, and in full
    float32."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad(), exact():
            yield
    finally:
        model.train(was_training)


def logits(model: nn.Module, images: Images, batch_size: int = 200) -> Tensor:
    """Give the model's answer to each picture, N × classes, with dropout off and running statistics; the pictures may
    be a sealed set.

    batch_size: what 200 pictures become inside paper 2's CNN stays nearer to the processor than what 500 do, which
    takes half as long again.
    """
    with eval_mode(model):
        parts = images.in_order(batch_size)
        return torch.cat([model(x.contiguous(memory_format=torch.channels_last)) for x, _ in parts])
