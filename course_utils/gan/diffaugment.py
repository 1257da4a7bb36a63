"""Augment what a discriminator sees, real and fake alike, by functions that gradients pass through (DiffAugment).

A discriminator learns a small set by heart, and G then has nothing to learn from it. Changing its real pictures alone
would teach G to draw changed ones; if the fakes are changed in the same ways, G still learns the pictures themselves,
because the changes have a gradient (Zhao et al. 2020, section 3.2).

Every function takes x, float N × C × H × W in [-1, 1], and returns the same shape, each picture changed by numbers of
its own, drawn from PyTorch's default generator of the device. Amounts are those of the authors' code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Augmentation = Callable[[Tensor], Tensor]


def brightness(x: Tensor) -> Tensor:
    """Add up to ± ½ to all pixels of a picture."""
    return x + (_uniform(x) - 0.5)


def saturation(x: Tensor) -> Tensor:
    """Multiply colours, as differences from grey, by 0 to 2; a grey picture does not change."""
    grey = x.mean(dim=1, keepdim=True)
    return grey + 2 * _uniform(x) * (x - grey)


def contrast(x: Tensor) -> Tensor:
    """Multiply the differences from a picture's mean by ½ to 1½."""
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (_uniform(x) + 0.5) * (x - mean)


def translation(x: Tensor, share: float = 1 / 8) -> Tensor:
    """Shift a picture by up to ± `share` of its sides, by whole pixels; what comes in from outside is 0, mid grey."""
    places = []
    for side in x.shape[2:]:
        most = round(share * side)
        shift = torch.randint(-most, most + 1, (len(x), 1), device=x.device)
        places.append((torch.arange(1, side + 1, device=x.device) + shift).clamp(0, side + 1))  # in the padded picture
    picture = torch.arange(len(x), device=x.device)[:, None, None]
    padded = F.pad(x, (1, 1, 1, 1)).permute(0, 2, 3, 1)
    return padded[picture, places[0][:, :, None], places[1][:, None, :]].permute(0, 3, 1, 2)


def cutout(x: Tensor, share: float = 1 / 2) -> Tensor:
    """Set a rectangle with `share` of a picture's sides to 0; its centre is any pixel, so that it may reach outside."""
    hidden = []
    for side in x.shape[2:]:
        length = round(share * side)
        start = torch.randint(side, (len(x), 1), device=x.device) - length // 2
        place = torch.arange(side, device=x.device)
        hidden.append((place >= start) & (place < start + length))
    return x * ~(hidden[0][:, None, :, None] & hidden[1][:, None, None, :])


COLOUR: tuple[Augmentation, ...] = (brightness, saturation, contrast)
ALL: tuple[Augmentation, ...] = (*COLOUR, translation, cutout)


def diff_augment(x: Tensor, changes: Sequence[Augmentation] = ALL, p: float = 1.0) -> Tensor:
    """Apply `changes` one after the other to each picture with probability p, 0..1."""
    changed = x
    for change in changes:
        changed = change(changed)
    return torch.where(_uniform(x) < p, changed, x)


class Augmented(nn.Module):
    """Put an augmentation in front of the discriminator D: D(T(x), …) in place of D(x, …), in every step.

    A step passes real pictures, fakes for D and fakes for G through it, as the paper demands (eq. 2 and 3).
    """

    def __init__(self, D: nn.Module, augment: Augmentation = diff_augment) -> None:
        super().__init__()
        self.D, self.augment = D, augment

    def forward(self, x: Tensor, *labels: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Pictures, N × C × H × W in [-1, 1], and what else D takes → what D returns."""
        return self.D(self.augment(x), *labels)


def _uniform(x: Tensor) -> Tensor:
    return torch.rand(len(x), 1, 1, 1, device=x.device, dtype=x.dtype)
