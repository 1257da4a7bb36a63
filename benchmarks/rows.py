"""What is measured: each row pits a loop of the course against the plain recipe, or many runs at once against one by
one."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from functools import partial

import torch

from benchmarks import plain
from benchmarks.measure import Contender, Row, one_after_another, turns
from benchmarks.methods import METHODS, QUICK, Method
from benchmarks.twins import twin
from course_utils.classify import train as classify
from course_utils.classify.jobs import Job, Recipe, predictions
from course_utils.classify.networks import KannadaCNN
from course_utils.core.parallel import default_workers
from course_utils.core.seeds import generator
from course_utils.data.images import Images, resized, scaled
from course_utils.gan.networks import Encoder
from course_utils.gan.recipes import fit_gaussians, train_cyclegan, train_fc_gans

LR = 0.002  # paper 1's learning rate
TURNS = 1_000_000  # more than any run takes
SEEDS = 8


def rows(digits: Images, animals: Images, quick: bool) -> Iterator[Row]:
    """The rows, each built when its turn comes; `quick` ones take one small step a turn."""
    for method in QUICK if quick else METHODS:
        yield gan_row(method, digits)

    batch = 8 if quick else 64
    n = 1 if quick else 5
    yield Row("BAGAN latents B 64", 100, "matrix", batch * n, *latents(digits, batch, n))

    width, blocks, side = (8, 1, 32) if quick else (64, 6, 128)
    pictures = animals.with_pixels(resized(animals.pixels, side))
    horses, cows = (pictures.of_class(k) for k in range(2))
    yield Row("CycleGAN 128 B 1", 1.6, "convolution", 2, *cyclegan(horses, cows, width, blocks))

    yield Row("paper 1 CNN B 64", 1.7, "convolution", batch * n, *classifiers(digits, batch, n))

    n = 1 if quick else 20
    yield Row(f"{SEEDS} seeds of the FC GAN", 1.8, "matrix", SEEDS * batch * n, *seeds_at_once(digits, batch, n))

    # The network of lesson 1's cpu profile; a lesson has many such runs.
    recipe = Recipe(partial(KannadaCNN, 0.25), classify.rmsprop(LR), updates=1 if quick else 12, batch_size=batch)
    row = partial(Row, f"{SEEDS} classifier seeds", 1.8, "convolution", SEEDS * recipe.updates * recipe.batch_size)
    few = digits.sample(min(6000, len(digits)), generator(0, "few"))  # each process gets its own copy
    yield row(in_workers(few, recipe), one_by_one(few, recipe))


def gan_row(method: Method, digits: Images) -> Row:
    """A method by the course's loop and by the plain recipe."""
    images = method.resized(digits)
    ours = iter(method.ours(images, 0, method.turn * TURNS, reports=TURNS))
    _, theirs = method.plain(images, 0)
    images_a_turn = method.batch * method.turn
    return Row(method.name, method.goal, method.kind, images_a_turn, turns(ours), turns(theirs, method.turn))


def latents(digits: Images, size: int, n: int) -> tuple[Contender, Contender]:
    """Latent points of BAGAN: by the factors of their Gaussians, and one by one by numpy."""
    encoder, some = Encoder(), digits.sample(500, generator(0, "latents"))
    gaussians = fit_gaussians(encoder, some)
    covariances = gaussians.factor @ gaussians.factor.mT

    def ours() -> Iterator[torch.Tensor]:
        while True:
            yield gaussians.draw(torch.randint(len(digits.classes), (size,)))

    return turns(ours(), n), turns(plain.latents(gaussians.mean.numpy(), covariances.numpy(), size), n)


def cyclegan(a: Images, b: Images, width: int, blocks: int) -> tuple[Contender, Contender]:
    """CycleGAN, one picture of each side a step."""
    fixed = tuple(scaled(side.pixels[:1, :, :32, :32]) for side in (a, b))  # whole ones would cost a third of a turn
    ours = train_cyclegan(a, b, TURNS, 0, width=width, blocks=blocks, lr=2e-4, decay=False, reports=TURNS, fixed=fixed)
    networks = ours.G.AB, ours.G.BA, ours.D.A, ours.D.B
    pairs = ((x, y) for (x, _), (y, _) in zip(plain.batches(a, 1), plain.batches(b, 1), strict=False))
    theirs = plain.cyclegan(*(twin(net) for net in networks), pairs)
    return turns(iter(ours)), turns(theirs)


def classifiers(digits: Images, size: int, n: int) -> tuple[Contender, Contender]:
    """Paper 1's CNN at full width, n updates a turn."""
    settings = {"updates": n * TURNS, "batch_size": size, "generator": generator(0, "batches")}
    ours = classify.training(KannadaCNN(), digits, classify.rmsprop(LR), **settings)
    return turns(ours, n), turns(plain.classifier(KannadaCNN(), plain.batches(digits, size), LR), n)


def seeds_at_once(digits: Images, size: int, n: int) -> tuple[Contender, Contender]:
    """Several seeds of the FC GAN in one stack, and one after the other, both by the course's own loop."""

    def of(seeds: int) -> Contender:
        return turns(iter(train_fc_gans([digits] * seeds, n * TURNS, 0, batch=size, reports=TURNS)))

    return of(SEEDS), one_after_another([of(1) for _ in range(SEEDS)])


def in_workers(images: Images, recipe: Recipe) -> Contender:
    """Classifiers of several seeds, in processes of one thread each, without the seconds in which these start."""
    workers = min(SEEDS, default_workers())
    yield 0.0  # nothing here to warm up: processes may be new in each turn
    while True:
        # The first `workers` jobs warm up, one a process. The clock starts when one of them is done; the moment that
        # the others still need counts against us.
        jobs = ((seed, Job(recipe, images, None, seed, ())) for seed in range(workers + SEEDS))
        done = predictions(jobs, {}, workers)
        next(done)
        start = time.perf_counter()
        for _ in range(workers + SEEDS - 1):
            next(done)
        seconds = time.perf_counter() - start
        deque(done, maxlen=0)
        yield seconds


def one_by_one(images: Images, recipe: Recipe) -> Contender:
    """The same classifiers one after the other, in one process with all threads, by the course's own loop."""
    while True:
        start = time.perf_counter()
        for seed in range(SEEDS):
            settings = {"updates": recipe.updates, "batch_size": recipe.batch_size}
            rng = generator(seed, "batches")
            classify.train(recipe.network(), images, recipe.optimizer, generator=rng, **settings)
        yield time.perf_counter() - start
