"""Each method of the course, trained for a few steps: all of its numbers, to compare.

python trained.py STEPS OUT.pt SEED...: a list, one {method: numbers} for each seed, as a process of its own gets them.
"""

import sys
from collections.abc import Callable
from functools import partial

import torch
from small_gans import DATA, PHOTOGRAPHS, RECIPES
from torch import Tensor

from course_utils.classify import train as classify
from course_utils.classify.networks import EMNISTCNN, AnimalCNN, KannadaCNN, LeNet
from course_utils.classify.together import train_together
from course_utils.data.augment import PAPER_1, PAPER_2
from course_utils.gan import train
from course_utils.gan.networks import ClassPCA, PPCAGenerator

Numbers = list[Tensor]


def gan(recipe: Callable, seed: int, steps: int) -> Numbers:
    """What the run reports, its networks, their averages and what they draw."""
    run = recipe(steps, seed, stop_on_collapse=False)
    last = run.finish()
    nets = [net for net in (run.G, run.D, last.generator) if net is not None]
    return [*map(torch.tensor, last.losses.values()), *(t for net in nets for t in net.state_dict().values())]


def pca(seed: int, steps: int) -> Numbers:
    """Components, pictures rebuilt from them, and draws; there is nothing to repeat in steps."""
    fitted = ClassPCA.fit(DATA, 5)
    torch.manual_seed(seed)
    G = PPCAGenerator(fitted, noise=True)
    return [*fitted.buffers(), fitted.rebuild(DATA.pixels, DATA.labels, 3), train.sample(G, *G.prior(20))]


def classifier(network: Callable, data: object, settings: dict, seed: int, steps: int) -> Numbers:
    """Losses and network of a classifier, its batches augmented."""
    torch.manual_seed(seed)
    model, rng = network(), torch.Generator().manual_seed(seed)
    losses = list(classify.training(model, data, updates=steps, batch_size=32, generator=rng, **settings))
    return [*losses, *model.state_dict().values()]


def stack(seed: int, steps: int) -> Numbers:
    """Two classifiers in one stack."""
    torch.manual_seed(seed)
    models, rngs = [LeNet(3), LeNet(3)], [torch.Generator().manual_seed(seed + k) for k in range(2)]
    settings = {"updates": steps, "batch_size": 32, "generators": rngs, "transform": PAPER_1}
    train_together(models, [DATA, DATA], classify.adam(), **settings)
    return [t for model in models for t in model.state_dict().values()]


PAPERS = {
    "paper 1's CNN": (partial(KannadaCNN, 1 / 4), DATA, {"optimizer": classify.rmsprop(0.002), "transform": PAPER_1}),
    "paper 2's CNN": (partial(EMNISTCNN, 1 / 4), DATA, {"optimizer": classify.adadelta(), "transform": PAPER_2}),
    "paper 3's CNN": (partial(AnimalCNN, 32), PHOTOGRAPHS, {"optimizer": classify.adam()}),
    "LeNet": (LeNet, DATA, {"optimizer": classify.adam(), "transform": PAPER_1}),
}
TRAINED: dict[str, Callable[[int, int], Numbers]] = {
    **{name: partial(gan, recipe) for name, recipe in RECIPES.items()},
    "PCA": pca,
    **{name: partial(classifier, *parts) for name, parts in PAPERS.items()},
    "a stack of classifiers": stack,
}
"""Method → function of seed and steps that trains it from nothing."""


def numbers(name: str, seed: int, steps: int) -> Tensor:
    """All numbers of a method as one row, float32."""
    return torch.cat([t.detach().float().flatten() for t in TRAINED[name](seed, steps)])


if __name__ == "__main__":
    steps, out, *seeds = sys.argv[1:]
    torch.save([{name: numbers(name, int(seed), int(steps)) for name in TRAINED} for seed in seeds], out)
