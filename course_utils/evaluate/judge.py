"""Measure samples in one row: fidelity, variety and memorisation, and what a classifier sees in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from course_utils.evaluate import samples

ByLogits = Callable[[Tensor, Tensor], float]  # (logits N × K, labels asked for, int64 N) → a number


class Judge:
    """Judge pictures in the features of one network; those of the real pictures are computed once.

    network: a classifier with `features` and `head`, in eval mode. Pictures are uint8, N × C × H × W: `reference` are
    real ones to be near to and to cover, `train` those that may have been copied, `new` real ones that nobody has
    seen. by_logits: further measures by name; they come first in the row.
    """

    def __init__(
        self,
        network: nn.Module,
        reference: Tensor,
        train: Tensor,
        new: Tensor,
        by_logits: Mapping[str, ByLogits] | None = None,
    ) -> None:
        self.network = network
        self.reference, self.train, self.new = (self.features(pixels) for pixels in (reference, train, new))
        self._usual = samples.usual_distance(self.new, self.train)
        self.by_logits = by_logits or {}

    def features(self, pixels: Tensor) -> Tensor:
        """Compute the network's features, N × F."""
        return samples.features(self.network, pixels)

    @torch.no_grad()
    def __call__(self, pixels: Tensor, labels: Tensor | None = None) -> dict[str, float]:
        """Measure pictures that were asked for by `labels` (int64, N; needed by `by_logits` only)."""
        f = self.features(pixels)
        density, coverage = samples.density_and_coverage(self.reference, f)
        return {
            **{name: float(measure(self.network.head(f), labels)) for name, measure in self.by_logits.items()},
            "fd_lenet": samples.frechet_distance(self.reference, f),
            "density": density,
            "coverage": coverage,
            "memorisation": samples.memorisation(f, self.train, self.new, self._usual),
        }


def rounded(row: Mapping[str, float]) -> dict[str, float]:
    """Round a row of measures as tables print it: `fd_lenet` to one digit, all others to two."""
    return {name: round(value, 1 if name == "fd_lenet" else 2) for name, value in row.items()}
