"""Train many classifiers in one stack, each on its own training set: on a GPU, a hundred small ones cost about as
much as one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn, vmap

from course_utils.classify.train import Optimizer, Transform, drawing, recordable
from course_utils.core.capture import recorded
from course_utils.core.precision import autocast, resolve
from course_utils.core.stacked import Stacked
from course_utils.data.images import Images


def train_together(
    models: Sequence[nn.Module],
    sets: Sequence[Images],
    optimizer: Optimizer,
    *,
    updates: int,
    batch_size: int,
    generators: Sequence[torch.Generator],
    transform: Transform | None = None,
    class_weights: Sequence[Tensor | None] | None = None,
    precision: str = "auto",
) -> None:
    """Train models[k] in place on sets[k] with generators[k] and class_weights[k], as `train` does with each alone.

    The models are of one architecture, the sets of one device, shape and number of classes, but of any size. The
    loss is the sum of the models' own losses, so that each gets its own gradient, and the optimiser works elementwise:
    what comes out is what `train` gives, up to rounding; with dropout, up to other dropped units, and on a GPU up to
    other draws of classic augmentation. Raises SealedError on a test set.
    """
    device = sets[0].device
    precision = resolve(precision, device)
    classes = len(sets[0].classes)
    weights = torch.stack([torch.ones(classes) if w is None else w.cpu() for w in class_weights or [None] * len(sets)])
    weights = weights.to(device)
    stack = Stacked([model.to(device) for model in models]).train()
    opt = recordable(optimizer(stack.parameters()), device)
    streams = [images.picks(batch_size, rng, forever=True) for images, rng in zip(sets, generators, strict=True)]
    every, starts = _end_to_end(sets)
    rngs = [drawing(transform, rng, device) for rng in generators]
    if rngs[0] is not generators[0]:
        rngs = rngs[:1]  # the device's own, which draws for all networks at once

    def update(positions: Tensor) -> Tensor:
        x, labels = every.at(positions.flatten())
        if transform is not None:
            x = torch.cat([transform(part, rng) for part, rng in zip(x.chunk(len(rngs)), rngs, strict=True)])
        with autocast(device, precision):
            answers = stack(x.unflatten(0, positions.shape))
        loss = vmap(F.cross_entropy)(answers.float(), labels.view(positions.shape), weights).sum()
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        return loss.detach()

    update = recorded(update, device)
    for _ in range(updates):
        update(torch.stack([next(stream) for stream in streams]) + starts)
    stack.unstack(models)


def _end_to_end(sets: Sequence[Images]) -> tuple[Images, Tensor]:
    """All sets as one, from which one look-up takes the batches of all networks, and where each begins, K × 1."""
    pixels, labels = (torch.cat([getattr(images, part) for images in sets]) for part in ("pixels", "labels"))
    lengths = torch.tensor([0, *map(len, sets[:-1])], device=sets[0].device)
    return Images(pixels, labels, sets[0].classes), lengths.cumsum(0)[:, None]
