"""Train a conditional GAN in the plane that is asked for one of two clusters; it takes seconds on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from course_utils.core.seeds import generator
from course_utils.gan.steps import cgan_step
from course_utils.gan.train import training
from course_utils.teach.exercises.lesson_03 import ConditionalInput
from course_utils.teach.plots.figures import LOOKS, style

CLASSES = ("horse", "cow")
CENTRES = torch.tensor([[-0.45, 0.25], [0.4, -0.2]])
SPREAD = torch.tensor([[0.07, 0.25], [0.15, 0.15]])
LATENT, BATCH, SHOWN = 2, 64, 150

Join = Callable[[Tensor, Tensor, int], Tensor]


class PlaneGenerator(nn.Module):
    """Generate points, N × 2 in [-1, 1], from z, N × 2, and the class asked for, N.

    join: how z and class become one input.
    """

    def __init__(self, join: Join) -> None:
        super().__init__()
        self.join = join
        width = join(torch.zeros(1, LATENT), torch.zeros(1, dtype=torch.int64), len(CLASSES)).shape[1]
        self.body = nn.Sequential(_dense(width), nn.Linear(64, 2), nn.Tanh())

    def forward(self, z: Tensor, c: Tensor) -> Tensor:
        """Map z, N × 2, and c, int64, N, to points, N × 2."""
        return self.body(self.join(z, c, len(CLASSES)).float())

    def prior(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Draw (z, c): z n × 2, N(0, 1); c, int64, n, uniform over the classes."""
        return torch.randn(n, LATENT, generator=generator), torch.randint(len(CLASSES), (n,), generator=generator)


class PlaneDiscriminator(nn.Module):
    """Judge points, N × 2, of the classes, N: logits, N × 1."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(_dense(2 + len(CLASSES)), nn.Linear(64, 1))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Map x, N × 2, and y, int64, N, to logits, N × 1."""
        return self.body(ConditionalInput.reference(x, y, len(CLASSES)))


def points(n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw (points n × 2, classes n): horses in a bar, cows in a round cluster."""
    y = torch.randint(len(CLASSES), (n,), generator=rng)
    return CENTRES[y] + torch.randn(n, 2, generator=rng) * SPREAD[y], y


def share_as_asked(drawn: Tensor) -> float:
    """Measure the share, 0..1, of points, classes × n × 2, that lie nearer to the cluster asked for."""
    asked = torch.arange(len(CLASSES))[:, None]
    return float((torch.cdist(drawn, CENTRES).argmin(-1) == asked).float().mean())


def asked_for(join: Join = ConditionalInput.reference, steps: int = 1200, seed: int = 0) -> dict[int, Tensor]:
    """Train a small conditional GAN, whose generator's input is made by `join`, the learner's function.

    Returns, for the start and four moments of the run, what the generator draws when asked for each class: step →
    classes × n × 2.
    """
    with torch.random.fork_rng(()):
        torch.manual_seed(seed)
        G, D = PlaneGenerator(join), PlaneDiscriminator()
    rng = generator(seed, "clusters")
    z = torch.randn(SHOWN, LATENT, generator=rng)

    @torch.no_grad()
    def drawn(G: nn.Module) -> Tensor:
        return torch.stack([G(z, torch.full((SHOWN,), k)) for k in range(len(CLASSES))])

    shots = {0: drawn(G)}
    for progress in training(
        cgan_step,
        G,
        D,
        lambda n: points(BATCH, generator(seed, "clusters", n)),
        steps=steps,
        seed=seed,
        lr=1e-3,
        betas=(0.0, 0.99),
        precision="float32",  # points, not pictures: a bfloat16 is a hundredth off
        reports=4,
        stop_on_collapse=False,
    ):
        shots[progress.step] = drawn(progress.generator)
    return shots


@style()
def picture(shots: Mapping[int, Tensor]) -> Figure:
    """Draw the real clusters, then what was generated for each class after each number of steps.

    shots: as from `asked_for`.

    Over each panel, the share of points that lie in the cluster asked for.
    """
    x, y = points(2 * SHOWN, torch.Generator().manual_seed(0))
    panels = {"real": [x[y == k] for k in range(len(CLASSES))]}
    panels |= {f"step {n:,}\n{100 * share_as_asked(drawn):.0f} % as asked": list(drawn) for n, drawn in shots.items()}
    fig = Figure(figsize=(2.1 * len(panels), 3.2), layout="constrained")
    for ax, (title, clouds) in zip(fig.subplots(1, len(panels), sharex=True, sharey=True), panels.items(), strict=True):
        for name, look, cloud in zip(CLASSES, LOOKS, clouds, strict=False):
            ax.plot(*cloud.T, look.marker, color=look.colour, markersize=3.5, alpha=0.6, label=name)
        ax.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), aspect="equal", xticks=[], yticks=[])
        ax.set_title(title, fontsize=12)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2, markerscale=2)
    return fig


def _dense(inputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2))
