"""What is measured: each row pits a loop of the course against the plain recipe, or many runs at once against one by
one."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial

from torch import nn

from benchmarks import plain
from benchmarks.measure import Contender, Row, one_after_another, turns
from course_utils.classify import train as classify
from course_utils.classify.networks import KannadaCNN
from course_utils.classify.workers import Job, Recipe, default_workers, predictions
from course_utils.data.images import Images
from course_utils.gan.networks import FCDiscriminator, FCGenerator
from course_utils.gan.steps import gan_step
from course_utils.gan.train import stacked_batches, training
from course_utils.seeds import generator

LR = 0.002  # paper 1's learning rate
TURNS = 1_000_000  # more than any run takes


def rows(images: Images, quick: bool) -> Iterator[Row]:
    """The rows, each built when its turn comes; `quick` ones take as few steps as can be."""
    for batch, steps, goal in ((64, 100, 2.7), (256, 50, 3.6)):
        steps = 1 if quick else steps
        row = partial(Row, f"FC GAN B {batch}", goal, "matrix", batch * steps)
        yield row(our_gans([images], batch, steps), plain_gan(images, batch, steps))

    steps = 1 if quick else 5
    row = partial(Row, "paper 1 CNN B 64", 1.7, "convolution", 64 * steps)
    yield row(our_classifier(images, 64, steps), plain_classifier(images, 64, steps))

    digits = [images.of_class(k) for k in range(len(images.classes))]
    steps = 1 if quick else 20
    row = partial(Row, "ten class GANs at once", 1.8, "matrix", len(digits) * 64 * steps)
    yield row(our_gans(digits, 64, steps), one_after_another([our_gans([digit], 64, steps) for digit in digits]))

    # The network of lesson 1's cpu profile; a lesson has many such runs.
    recipe = Recipe(partial(KannadaCNN, 0.25), classify.rmsprop(LR), updates=1 if quick else 12, batch_size=64)
    row = partial(Row, "eight classifier seeds", 1.8, "convolution", 8 * recipe.updates * recipe.batch_size)
    yield row(in_workers(images, recipe, 8), one_by_one(images, recipe, 8))


def our_gans(sets: Sequence[Images], batch: int, steps: int) -> Contender:
    """The course's loop on a stack of one FC GAN a set, averaging of G included; one host sync a turn."""
    data = stacked_batches(sets, batch, generator(0, "batches"))
    nets = FCGenerator(len(sets)), FCDiscriminator(len(sets))
    return turns(training(gan_step, *nets, data, steps=steps * TURNS, reports=TURNS, generator=generator(0, "latent")))


def plain_gan(images: Images, batch: int, steps: int) -> Contender:
    """The same FC GAN by the plain recipe."""
    G, D = FCGenerator(), FCDiscriminator()
    D_plain = nn.Sequential(*plain.unstacked(D), nn.Sigmoid())
    return turns(plain.gan(plain.unstacked(G), D_plain, plain.batches(images, batch), G.latent), steps)


def our_classifier(images: Images, batch: int, updates: int) -> Contender:
    """The course's training of paper 1's CNN at full width."""
    settings = {"updates": updates * TURNS, "batch_size": batch, "generator": generator(0, "batches")}
    return turns(classify.training(KannadaCNN(), images, classify.rmsprop(LR), **settings), updates)


def plain_classifier(images: Images, batch: int, updates: int) -> Contender:
    """The same CNN by the plain recipe."""
    return turns(plain.classifier(KannadaCNN(), plain.batches(images, batch), LR), updates)


def in_workers(images: Images, recipe: Recipe, seeds: int) -> Contender:
    """Classifiers of several seeds, in processes of one thread each, without the seconds in which these start."""
    workers = min(seeds, default_workers())
    yield 0.0  # nothing here to warm up: processes are new in each turn
    while True:
        # The first `workers` jobs warm up, one a process. The clock starts when one of them is done; the moment that
        # the others still need counts against us.
        done = predictions(range(workers + seeds), lambda seed: Job(recipe, images, None, seed, ()), {}, workers)
        next(done)
        start = time.perf_counter()
        for _ in range(workers + seeds - 1):
            next(done)
        seconds = time.perf_counter() - start
        deque(done, maxlen=0)  # the processes end
        yield seconds


def one_by_one(images: Images, recipe: Recipe, seeds: int) -> Contender:
    """The same classifiers one after the other, in one process with all threads, by the course's own loop."""
    while True:
        start = time.perf_counter()
        for seed in range(seeds):
            settings = {"updates": recipe.updates, "batch_size": recipe.batch_size}
            rng = generator(seed, "batches")
            classify.train(recipe.network(), images, recipe.optimizer, generator=rng, **settings)
        yield time.perf_counter() - start
