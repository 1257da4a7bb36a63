"""Train many classifiers in one stack, each on its own training set: on a GPU, sixteen cost about as much as one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn, vmap

from course_utils.classify.train import Optimizer, Transform
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
    what comes out is what `train` gives, up to rounding; with dropout, up to other dropped units. Raises SealedError
    on a test set.
    """
    device = sets[0].device
    precision = resolve(precision, device)
    classes = len(sets[0].classes)
    weights = torch.stack([torch.ones(classes) if w is None else w.cpu() for w in class_weights or [None] * len(sets)])
    weights = weights.to(device)
    stack = Stacked([model.to(device) for model in models]).train()
    opt = optimizer(stack.parameters())
    streams = [images.batches(batch_size, rng, forever=True) for images, rng in zip(sets, generators, strict=True)]
    for _ in range(updates):
        xs, labels = zip(*(next(stream) for stream in streams), strict=True)
        if transform is not None:
            xs = [transform(x, rng) for x, rng in zip(xs, generators, strict=True)]
        with autocast(device, precision):
            answers = stack(torch.stack(xs))
        losses = vmap(F.cross_entropy)(answers.float(), torch.stack(labels), weights)
        opt.zero_grad(set_to_none=True)
        losses.sum().backward()
        opt.step()
    stack.unstack(models)
