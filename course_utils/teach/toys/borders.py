"""Show in the plane what ACGAN's class loss does to two classes that overlap.

The class loss pays G for points that nobody can mistake. The source loss does not object as long as both classes
*together* look real: each class may keep to its own side of the border, and loses the part of it that lies on the
other side (Shu et al. 2017, "AC-GAN learns a biased distribution"). It shows at each of five seeds, from a weight of
0.25 on. A class head that learns from fakes as well is no remedy; one that learns from real points only pushes a little
farther out. One setting trains in about two seconds on a CPU.
"""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from course_utils.core.errors import CourseError
from course_utils.core.seeds import generator
from course_utils.gan import losses
from course_utils.gan.steps import acgan_step, cgan_step
from course_utils.gan.train import fit
from course_utils.teach.exercises.lesson_03 import ConditionalInput
from course_utils.teach.plots.figures import LOOKS, style
from course_utils.teach.toys.clusters import PlaneDiscriminator, PlaneGenerator

CLASSES = ("left", "right")
HEADS = ("head on real and fake", "head on real only")
CENTRES = torch.tensor([[-0.25, 0.0], [0.25, 0.0]])
SPREAD = 0.25  # of each class, in both directions: the border is the line x = 0, and classes overlap by a sixth
BATCH, STEPS, DRAWN, SHOWN = 64, 1000, 2000, 250


class TwoHeads(nn.Module):
    """Classify points, N × 2, by source (logits N × 1) and class (logits N × 2)."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2))
        self.source, self.category = nn.Linear(64, 1), nn.Linear(64, len(CLASSES))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map x, N × 2, to (source logits N × 1, class logits N × 2)."""
        features = self.body(x)
        return self.source(features), self.category(features)


def points(n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw (points n × 2, classes n) from two round Gaussians side by side, equally frequent."""
    y = torch.randint(len(CLASSES), (n,), generator=rng)
    return CENTRES[y] + SPREAD * torch.randn(n, 2, generator=rng), y


@cache
def drawn(weight: float, heads: str, seed: int) -> Tensor:
    """Train a small GAN and ask it for each class: classes × 2,000 × 2.

    weight: factor of the class loss; 0 is a conditional GAN, whose D has no class head and is told the class. heads:
    what the class head learns from, one of `HEADS`.
    """
    if heads not in HEADS or weight < 0:
        raise CourseError(f"no toy for weight {weight}, heads {heads!r}: weight from 0 on, heads {' or '.join(HEADS)}")
    with torch.random.fork_rng(()):
        torch.manual_seed(seed)
        G = PlaneGenerator(ConditionalInput.reference)
        D = TwoHeads() if weight else PlaneDiscriminator()

    def class_loss(logits: Tensor, labels: Tensor) -> Tensor:
        return weight * losses.class_loss(logits, labels)

    last = fit(
        partial(acgan_step, class_on_fakes=heads == HEADS[0], class_loss=class_loss) if weight else cgan_step,
        G,
        D,
        lambda n: points(BATCH, generator(seed, "borders", n)),
        steps=STEPS,
        seed=seed,
        lr=1e-3,
        betas=(0.0, 0.99),
        precision="float32",  # points, not pictures: a bfloat16 is a hundredth off
        reports=1,
        stop_on_collapse=False,
    )
    z, _ = G.prior(DRAWN, generator(seed, "borders", "drawn"))
    with torch.no_grad():
        return torch.stack([last.generator(z, torch.full((DRAWN,), k)) for k in range(len(CLASSES))])


def real() -> Tensor:
    """Draw as many real points as `drawn` gives: classes × 2,000 × 2."""
    return CENTRES[:, None] + SPREAD * torch.randn(len(CLASSES), DRAWN, 2, generator=torch.Generator().manual_seed(0))


def taken(clouds: Tensor) -> float:
    """Measure the share, 0..1, of points, classes × n × 2, on their class's side: the best judge's accuracy."""
    right = clouds[..., 0] > 0
    return float((right == torch.tensor([[False], [True]])).float().mean())


def spread(clouds: Tensor) -> tuple[float, float, float]:
    """Measure standard deviations of points, classes × n × 2, as shares of the real ones.

    Returns (of a class across the border, of a class along it, of all points together across it).
    """
    across, along = (clouds.std(dim=1) / SPREAD).mean(dim=0).tolist()
    return across, along, float(clouds[..., 0].std() / (CENTRES[1, 0] ** 2 + SPREAD**2).sqrt())


@style()
def picture(weight: float, heads: str, seed: int = 0) -> Figure:
    """Draw real points, generated ones, and the distribution of both across the border; arguments as for `drawn`.

    Over the panels: how many are taken for their class, and the spread of what is generated as a share of the real.
    """
    clouds = {"real": real(), "generated": drawn(weight, heads, seed)}
    fig = Figure(figsize=(10.5, 3.6))
    fig.subplots_adjust(0.01, 0.16, 0.985, 0.85, wspace=0.06)  # a constrained layout would take as long as the rest
    *panels, profile = fig.subplots(1, 3, width_ratios=(1, 1, 1.15))
    bins = np.linspace(-1, 1, 41)
    for ax, (title, cloud) in zip(panels, clouds.items(), strict=True):
        for k, look in zip(range(len(CLASSES)), LOOKS, strict=False):
            ax.plot(*cloud[k, :SHOWN].T, look.marker, color=look.colour, markersize=3.5, alpha=0.6, label=CLASSES[k])
            style = {"color": look.colour, "linestyle": look.line} if title == "generated" else {"color": "0.55"}
            width = 2.2 if title == "generated" else 1.2
            profile.hist(cloud[k, :, 0].numpy(), bins, density=True, histtype="step", linewidth=width, **style)
        ax.set(xlim=(-1.05, 1.05), ylim=(-1.25, 1.05), aspect="equal", xticks=[], yticks=[])
        ax.set_title(f"{title}\n{100 * taken(cloud):.0f} % on their class's side", fontsize=12)
    across, along, together = (f"{100 * share:.0f} %" for share in spread(clouds["generated"]))
    profile.set_title(f"spread across the border {across},\nalong it {along}; all together {together}", fontsize=12)
    profile.set(xlabel="position across the border (grey: real)", yticks=[], xlim=(-1.05, 1.05))
    for ax in (*panels, profile):
        ax.axvline(0, color="0.2", linestyle=":", linewidth=1.5)
        ax.grid(visible=False)
    panels[0].legend(loc="lower center", ncols=2, markerscale=2, fontsize=11, handletextpad=0, columnspacing=1)
    return fig
