"""Is speed bought with quality? After equal images seen from the same first weights, the samples of the course's loop
and of the plain recipe are held against each other by a judge that knows neither."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from torch import nn

from benchmarks.methods import Method
from course_utils.classify.networks import LeNet
from course_utils.classify.train import adam, logits, train
from course_utils.core.seeds import generator
from course_utils.data.images import Images, resized
from course_utils.evaluate.samples import fd_lenet
from course_utils.evaluate.statistics import Interval, paired_differences, t_interval
from course_utils.gan.train import sample


@dataclass(frozen=True)
class Judge:
    """A LeNet trained on real digits, and the n real test pictures that samples are compared with."""

    lenet: LeNet
    real: torch.Tensor
    n: int
    facts: dict[str, float]

    @classmethod
    def trained(cls, digits: Images, test: Images, updates: int, n: int) -> Judge:
        """facts: n; the test accuracy (0..1); the floor, fd_lenet of training against test pictures."""
        torch.manual_seed(0)
        settings = {"updates": updates, "batch_size": 64, "generator": generator(0, "judge")}
        lenet = train(LeNet(), digits, adam(), **settings)
        accuracy = float((logits(lenet, test).argmax(dim=1) == test.labels).float().mean())
        floor = fd_lenet(lenet, digits.pixels, test.pixels, n)
        return cls(lenet, test.pixels, n, {"n": n, "accuracy": round(accuracy, 4), "floor": round(floor, 3)})

    def fd(self, G: nn.Module, latents: tuple[torch.Tensor, ...], side: int) -> float:
        """fd_lenet of what G itself, not its average, draws of `latents`; the plain recipe has no average."""
        fakes = sample(G.eval(), *latents, shape=(1, side, side))
        return fd_lenet(self.lenet, self.real, resized(fakes, 28), self.n)


def compared(method: Method, digits: Images, judge: Judge, seeds: Sequence[int]) -> dict:
    """{images, ours, plain {values, mean, ci95}, difference {mean, ci95}, agree}: fd_lenet after `judged` steps,
    one value a seed.

    difference: ours − plain, paired by seed, whose first weights and latent points they share. agree: the intervals of
    ours and plain overlap.
    """
    images = method.resized(digits)
    ours, plain = [], []
    for seed in seeds:
        run = method.ours(images, seed, method.judged, reports=1)
        latents = run.G.prior(judge.n, generator(seed, "judged"))
        run.finish()
        ours.append(judge.fd(run.G, latents, method.side))
        G, loop = method.plain(images, seed)
        list(islice(loop, method.judged))
        plain.append(judge.fd(G, tuple(z[0] if z.ndim == 3 else z for z in latents), method.side))
    intervals = [t_interval(values) for values in (ours, plain)]
    agree = intervals[0].lo <= intervals[1].hi and intervals[1].lo <= intervals[0].hi
    return {
        "images": method.judged * method.batch,
        **{
            name: {"values": [round(value, 3) for value in values], **_told(interval)}
            for name, values, interval in zip(("ours", "plain"), (ours, plain), intervals, strict=True)
        },
        "difference": _told(t_interval(paired_differences(ours, plain))),
        "agree": agree,
    }


def _told(interval: Interval) -> dict:
    return {"mean": round(interval.mean, 3), "ci95": [round(interval.lo, 3), round(interval.hi, 3)]}


def table(rows: Iterable[dict], floor: float) -> Iterator[str]:
    """The printed lines on quality, each as soon as its row is there."""
    yield f"{f'fd_lenet (floor {floor:.1f})':24}{'images':>10}{'ours':>24}{'plain':>24}"
    for row in rows:
        found = row["fd_lenet"]
        ours, plain = (Interval(found[name]["mean"], *found[name]["ci95"]).text() for name in ("ours", "plain"))
        verdict = "agree" if found["agree"] else "differ"
        yield f"{row['name']:24}{found['images']:10,}{ours:>24}{plain:>24}  {verdict}"
