"""The papers' classifiers, for inputs in [-1, 1]; each returns logits."""

from __future__ import annotations

from torch import Tensor, nn


class KannadaCNN(nn.Sequential):
    """The VGG-like CNN of paper 1 (Harwalkar, Figure 4): N × 1 × 28 × 28 → logits N × 10.

    `width` scales every layer but the last. At width 1 it has the paper's 1,741,514 parameters, which count 2,304
    running statistics of batch normalisation. The paper gives neither the dropout rate nor the slope of LeakyReLU
    nor batch normalisation's momentum: 0.2, 0.1 and Keras' 0.9 (here 0.1) are ours.
    """

    def __init__(self, width: float = 1.0, classes: int = 10, dropout: float = 0.2) -> None:
        a, b, c = (max(1, round(width * maps)) for maps in (64, 128, 256))
        layers: list[nn.Module] = []
        for before, maps in ((1, a), (a, b), (b, c)):
            layers += [*_conv_bn_lrelu(before, maps), *_conv_bn_lrelu(maps, maps), nn.MaxPool2d(2), nn.Dropout(dropout)]
        layers += [nn.Flatten(), nn.Linear(9 * c, c), nn.LeakyReLU(0.1), nn.BatchNorm1d(c), nn.Linear(c, classes)]
        super().__init__(*layers)


def _conv_bn_lrelu(before: int, maps: int) -> list[nn.Module]:
    return [nn.Conv2d(before, maps, 3, padding=1), nn.BatchNorm2d(maps), nn.LeakyReLU(0.1, inplace=True)]


class LeNet(nn.Module):
    """LeNet-5 with ReLU and max-pooling: N × 1 × 28 × 28 → logits N × 10. Trained on real data it judges samples.

    `features` gives its last hidden layer, N × 84: the space in which samples are compared with real images.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU()),
        )
        self.head = nn.Linear(84, classes)

    def features(self, x: Tensor) -> Tensor:
        """N × 1 × 28 × 28 → N × 84."""
        return self.body(x)

    def forward(self, x: Tensor) -> Tensor:
        """N × 1 × 28 × 28 → logits N × classes."""
        return self.head(self.body(x))


def count_parameters(model: nn.Module) -> tuple[int, int]:
    """(all numbers that Keras counts as parameters, those among them that are running statistics, not trained)."""
    trained = sum(p.numel() for p in model.parameters())
    running = sum(b.numel() for b in model.buffers() if b.ndim)  # not the scalar num_batches_tracked
    return trained + running, running
