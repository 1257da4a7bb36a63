"""The papers' classifiers, for inputs in [-1, 1]; each returns logits."""

from __future__ import annotations

from safetensors.torch import load_file
from torch import Tensor, nn

from course_utils.core.errors import CourseError


class KannadaCNN(nn.Sequential):
    """The VGG-like CNN of paper 1 (Harwalker, Figure 4): N × 1 × 28 × 28 → logits N × 10.

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


class EMNISTCNN(nn.Sequential):
    """The Keras example that paper 2 (Murugan & Kulkarni, section 4) trains: N × 1 × 28 × 28 → logits N × 10.

    No padding, as in Keras by default. `width` scales every layer but the last; at width 1 there are 1,199,882
    parameters. The example's inputs are in [0, 1], ours in [-1, 1].
    """

    def __init__(self, width: float = 1.0, classes: int = 10) -> None:
        a, b, dense = (max(1, round(width * units)) for units in (32, 64, 128))
        super().__init__(
            *(nn.Conv2d(1, a, 3), nn.ReLU(), nn.Conv2d(a, b, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25)),
            *(nn.Flatten(), nn.Linear(12 * 12 * b, dense), nn.ReLU(), nn.Dropout(0.5), nn.Linear(dense, classes)),
        )


class AnimalCNN(nn.Sequential):
    """The 50-20-5 CNN of paper 3 (Abi Hana, section III.B.3): N × 3 × side × side → logits N × 2.

    The text names no padding: the project's published code pads the first convolution only, and so do we. The paper
    ends in one sigmoid. Two logits under cross-entropy are the same functions and the same loss, as softmax of two is
    the sigmoid of their difference, so that one training function serves all; as an update moves both, the
    difference learns about twice as fast.
    """

    def __init__(self, side: int = 128, classes: int = 2) -> None:
        left = ((side // 2 - 2) // 2 - 2) // 2
        super().__init__(
            *(nn.Conv2d(3, 50, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(50, 20, 3), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(20, 5, 3), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(5 * left**2, 30), nn.ReLU(), nn.Linear(30, 20), nn.ReLU()),
            nn.Linear(20, classes),
        )


class SmallCNN(nn.Sequential):
    """A small CNN as one would write it today, the second judge of lesson 3: N × channels × H × W → logits N × classes.

    Three times convolution, batch normalisation, ReLU and pooling, then the mean over all places, so that it takes
    pictures of any size of 8 × 8 and more. `features` gives those means, N × 4·maps.
    """

    def __init__(self, channels: int = 3, classes: int = 2, maps: int = 16) -> None:
        layers: list[nn.Module] = []
        for before, after in ((channels, maps), (maps, 2 * maps), (2 * maps, 4 * maps)):
            convolution = nn.Conv2d(before, after, 3, padding=1, bias=False)  # the normalisation has a bias of its own
            layers += [convolution, nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * maps, classes))

    @property
    def head(self) -> nn.Module:
        """The last layer: features → logits."""
        return self[-1]

    def features(self, x: Tensor) -> Tensor:
        """N × channels × H × W → N × 4·maps."""
        for layer in list(self)[:-1]:
            x = layer(x)
        return x


class ResNet18(nn.Module):
    """torchvision's ResNet-18 (He et al. 2016): N × channels × H × W in [-1, 1] → logits N × classes.

    weights: "" to begin at random, "imagenet" for torchvision's, or a .safetensors file of such weights, which
    grey pictures reach in three equal channels; a last layer for other classes is left out. `features` gives the mean
    over all places, N × 512. Raises CourseError where the weights cannot be had or do not fit.
    """

    def __init__(self, classes: int = 10, weights: str = "") -> None:
        from torchvision.models import resnet18

        super().__init__()
        self.body = resnet18()
        if weights:
            _fill(self.body, weights)
        self.body.fc = nn.Identity()
        self.head = nn.Linear(512, classes)

    def features(self, x: Tensor) -> Tensor:
        """N × channels × H × W → N × 512."""
        return self.body(x.expand(-1, 3, -1, -1))

    def forward(self, x: Tensor) -> Tensor:
        """N × channels × H × W → logits N × classes."""
        return self.head(self.features(x))


def _fill(net: nn.Module, weights: str) -> None:
    """Load weights of an image classifier into all layers but the last."""
    try:
        if weights == "imagenet":
            from torchvision.models import ResNet18_Weights

            found = ResNet18_Weights.IMAGENET1K_V1.get_state_dict(progress=False, check_hash=True, weights_only=True)
        else:
            found = load_file(weights)
        missing, unknown = net.load_state_dict(
            {name: tensor for name, tensor in found.items() if not name.startswith("fc.")}, strict=False
        )
    except Exception as error:  # URLError, OSError, SafetensorError, RuntimeError of shapes …
        raise CourseError(
            f"cannot load the weights {weights!r} ({str(error).splitlines()[0]}); give imagenet, or a .safetensors "
            "file of the state dict of torchvision's resnet18"
        ) from None
    if unknown or set(missing) - {"fc.weight", "fc.bias"}:
        raise CourseError(f"the weights {weights!r} are not torchvision's resnet18: {(unknown or missing)[0]}")


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
    """Count (all numbers that Keras takes for parameters, those of them that are running statistics, not trained)."""
    trained = sum(p.numel() for p in model.parameters())
    running = sum(b.numel() for b in model.buffers() if b.ndim)  # not the scalar num_batches_tracked
    return trained + running, running
