"""The loop around a step: device, optimisers, averaging, reports. A step knows none of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from course_utils.data.images import Images, to_pixels
from course_utils.errors import CourseError

Step = Callable[..., tuple[Tensor, Tensor]]


class TrainingFailed(CourseError):
    """The losses are no longer numbers; names the step and the loss."""


@dataclass
class Progress:
    """What a training run shows of itself: the step it is at, its losses (one mean a report), its averaged
    generator."""

    step: int
    steps: int
    generator: nn.Module
    draw: Callable[[], Tensor]
    losses: dict[str, list[float]] = field(default_factory=lambda: {"D": [], "G": []})

    def samples(self) -> Tensor:
        """Fakes of the same fixed latent points at each call: uint8, N × C × H × W."""
        return self.draw()


def stacked_batches(sets: Sequence[Images], size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """For ever: one flat batch of each set, K × size × pixels, float32 in [-1, 1]; set k is what network k learns."""
    streams = [images.batches(size, generator, forever=True) for images in sets]
    while True:
        yield torch.stack([next(stream)[0].flatten(1) for stream in streams])


def training(
    step: Step,
    G: nn.Module,
    D: nn.Module,
    batches: Iterator[Tensor],
    *,
    steps: int,
    generator: torch.Generator,
    lr: float = 2e-4,
    betas: tuple[float, float] = (0.5, 0.999),
    average: float = 0.995,
    reports: int = 40,
) -> Iterator[Progress]:
    """Train G and D (K networks each, stacked) in place; yields a `Progress` `reports` times, the last at the end.

    batches: real images, K × B × pixels. `Progress.generator` is the exponential moving average of G (decay
    `average`), in `eval` mode: what to sample from. Losses stay on the device between reports. Raises
    TrainingFailed when one is not finite.
    """
    device = next(G.parameters()).device
    opt_G, opt_D = (torch.optim.Adam(net.parameters(), lr=lr, betas=betas, fused=True) for net in (G, D))
    mean_G = copy.deepcopy(G).eval().requires_grad_(False)
    z_fixed = torch.randn(G.models, 10, G.latent, generator=generator, device=generator.device).to(device)
    progress = Progress(0, steps, mean_G, lambda: sample(mean_G, z_fixed))
    G.train(), D.train()
    every, seen, sums = max(1, steps // reports), 0, torch.zeros(2, device=device)
    for n, x in zip(range(1, steps + 1), batches, strict=False):
        z = torch.randn(G.models, x.shape[1], G.latent, generator=generator, device=generator.device).to(device)
        losses = step(G, D, opt_G, opt_D, x, z)
        sums, seen = sums + torch.stack(losses).float(), seen + 1
        decay = min(average, n / (n + 10))  # a short memory at first, or the average keeps the initial weights
        with torch.no_grad():
            torch._foreach_lerp_(list(mean_G.parameters()), list(G.parameters()), 1 - decay)
        if n % every == 0 or n == steps:
            for name, value in zip(progress.losses, (sums / seen).tolist(), strict=True):
                if value != value or abs(value) == float("inf"):
                    raise TrainingFailed(f"step {n}: the loss of {name} is {value}; lower the learning rate {lr}")
                progress.losses[name].append(value)
            progress.step, seen, sums = n, 0, torch.zeros(2, device=device)
            yield progress


def fit(step: Step, G: nn.Module, D: nn.Module, batches: Iterator[Tensor], **settings: object) -> Progress:
    """`training` to its end; returns its last report."""
    *_, progress = training(step, G, D, batches, **settings)
    return progress


@torch.no_grad()
def sample(G: nn.Module, z: Tensor, shape: tuple[int, int, int] = (1, 28, 28)) -> Tensor:
    """Pictures from latent points z, K × B × latent → uint8, (K·B) × C × H × W, network by network."""
    return to_pixels(G(z).reshape(-1, *shape))
