"""What the full runs of several lessons share: a judge of samples, classifiers at several budgets, and what both say.

A lesson's full.py says what is trained on what; see `experiment.full`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course_utils.classify import train as classify
from course_utils.classify.networks import LeNet
from course_utils.core.seeds import generator
from course_utils.data.images import Images
from course_utils.evaluate import class_scores, classification, gates, samples, statistics
from course_utils.experiment.full import Answer, Curve, Given, Scoring, Work
from course_utils.experiment.record import entry
from course_utils.gan import train as gan

# ------------------------------------------------------------------ images


def training_and_validation(whole: Images, images: int, validation: int) -> tuple[Images, Images]:
    """Draw the two sets of a full run from all training images; the second one is sealed.

    images: how many it trains on at most.
    """
    shuffled = whole.sample(len(whole), generator(0, "parts"))
    last = min(validation + images, len(whole))
    return shuffled.subset(range(validation, last)), shuffled.subset(range(validation)).seal()


# ------------------------------------------------------------------ the judge of samples


def judge(whole: Images, train: Images, test: Images, *, updates: int, judged: int, device: torch.device) -> Work:
    """Train a LeNet on all training images; keep what it sees in real ones, and its accuracy.

    whole: what it learns from. train, test: from which it sees `judged` images each, the reference and the new ones.
    """
    torch.manual_seed(0)
    net = LeNet(len(whole.classes)).to(device)
    settings = {"updates": updates, "batch_size": 64, "generator": generator(0, "judge")}
    for n, _ in enumerate(classify.training(net, whole.to(device), classify.adam(), **settings)):
        if n % 500 == 0:
            yield n / updates
    net.eval()
    shown = {
        "reference": train.sample(judged, generator(0, "reference")),
        "new": test.sample(judged, generator(0, "new")),
    }
    seen = {name: samples.features(net, images.to(device).pixels) for name, images in shown.items()}
    right = classify.logits(net, test.to(device)).argmax(1).cpu() == test.labels
    tensors = {f"net.{name}": tensor for name, tensor in net.state_dict().items()} | seen
    floor = samples.frechet_distance(seen["reference"], seen["new"])
    return tensors, {"test_accuracy": float(right.float().mean()), "floor": floor}


Judge = tuple[nn.Module, Tensor, Tensor | None]
"""(a network with `features` and `head`, its features of training images, of new images or None where none exist)."""


def restored_judge(answer: Answer) -> Judge:
    """The judge from the answer of `judge`."""
    tensors, _ = answer
    weights = {name.removeprefix("net."): t for name, t in tensors.items() if name.startswith("net.")}
    net = LeNet(len(tensors["net.head.bias"]))
    net.load_state_dict(weights)
    return net.eval(), tensors["reference"], tensors["new"]


def images_in_turn(images: Images, n: int, seed: int) -> Tensor:
    """n real images, drawn at random, of the classes 0, 1, 2 … in turn: uint8."""
    rng, classes = generator(seed, "turn"), len(images.classes)
    drawn_ = [images.of_class(k).sample(-(-n // classes), rng).pixels for k in range(classes)]
    return torch.stack(drawn_, dim=1).flatten(0, 1)[:n]


Draw = Callable[[nn.Module, Tensor, torch.Generator], Tensor]
"""(G, labels, random numbers) → one image for each label, uint8."""


def images_of(G: nn.Module, seed: int, n: int, classes: int = 10, draw: Draw | None = None, again: int = 0) -> Tensor:
    """n images by G of the classes 0, 1, 2 … in turn: uint8, on the CPU.

    again: another number gives other images; 0 those that the committed runs were measured by.
    """
    rng = generator(seed, "table", again) if again else generator(seed, "table")
    return (draw or drawn)(G, torch.arange(n) % classes, rng).cpu()


def drawn(G: nn.Module, labels: Tensor, rng: torch.Generator) -> Tensor:
    """One image by G for each label: uint8."""
    z = G.prior(len(labels), rng)[0]
    return gan.sample(G, z, labels.to(z.device))


@torch.no_grad()
def measures(pixels: Tensor, net: nn.Module, reference: Tensor, classes: int = 10) -> dict[str, float]:
    """Fidelity and variety of images of the classes 0, 1, 2 … in turn, against the features of real ones."""
    asked = torch.arange(len(pixels)) % classes
    seen = samples.features(net, pixels)
    density, coverage = samples.density_and_coverage(reference, seen)
    return {
        "conditional accuracy": class_scores.conditional_accuracy(net, pixels, asked),
        "Inception Score": class_scores.inception_score(net.head(seen).softmax(1), generator(0, "splits"), splits=1),
        "fd_lenet": samples.frechet_distance(reference, seen),
        "density": density,
        "coverage": coverage,
    }


def measured_training(
    given: Given,
    training: Iterable[gan.Progress],
    steps: int,
    train: Images,
    seed: int,
    *,
    judge: Judge | None = None,
    draw: Draw | None = None,
    sets: int = 1,
) -> Work:
    """Go through a GAN's training, and measure its samples at each report; at the end, where the judge has new images,
    also how near they lie to `train`.

    judge: by default that of the first job that is needed. sets: of samples, each as large as the judge's; the measures
    are their means, as one set says little where real images are few. The answer holds the averaged generator, see
    `half`.
    """
    net, reference, new = restored_judge(given.needed[0]) if judge is None else judge
    curve = Curve(given.checkpoint)
    classes = len(train.classes)
    for progress in training:
        drawn_ = [images_of(progress.generator, seed, len(reference), classes, draw, again) for again in range(sets)]
        found = [measures(pixels, net, reference, classes) for pixels in drawn_]
        curve.add(progress.step, {name: float(np.mean([one[name] for one in found])) for name in found[0]})
        yield progress.step / steps
    facts = {
        "curve": curve.columns(),
        "losses": progress.losses,
        "images": len(train),
        "trained_on": train.digest(),
    }
    if new is not None:
        known = samples.features(net, train.pixels)
        facts["memorisation"] = samples.memorisation(samples.features(net, drawn_[0]), known, new)
    return half(progress.generator.state_dict()), facts


def half(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights in float16, half as large a file; `load_state_dict` takes them back."""
    return {name: t.half() if t.is_floating_point() else t for name, t in weights.items()}


def at_rest(done: float, falling: Sequence[float]) -> float:
    """The factor of a GAN's learning rate when a share of its run is done: 1, then falling linearly, then constant.

    falling: (from, until, factor kept then); with it a short training comes to rest.
    """
    start, end, kept = falling
    return min(1.0, max(kept, 1 - (1 - kept) * (done - start) / (end - start)))


def in_pieces(given: Given, reports: int) -> dict[str, Any]:
    """The settings of a GAN's training that goes on where it was stopped, and that no collapse ends."""
    return {"reports": reports, "stop_on_collapse": False, "checkpoint": given.checkpoint, "checkpoint_s": 60}


def long_training(given: Given, falling: Sequence[float], reports: int, classes: int = 10) -> dict[str, Any]:
    """The settings of such a training that comes to rest: its rate falls, and G's average remembers a thousand steps.

    falling: see `at_rest`.
    """
    return {
        "schedule": partial(at_rest, falling=falling),
        "average": 0.999,
        "fixed": (torch.randn(classes, 100, generator=generator(0, "shown")), torch.arange(classes)),
        **in_pieces(given, reports),
    }


# ------------------------------------------------------------------ classifiers


def classifier(
    net: nn.Module,
    made: Images,
    test: Images,
    held_out: Images,
    *,
    seed: int,
    updates: Sequence[int],
    optimizer: classify.Optimizer,
    batch: int,
    **settings: object,
) -> Work:
    """Train `net` on the set of one arm, and keep its answers after each number of `updates`.

    settings: further ones of `classify.training`, such as `transform`. The facts hold the updates and the number of
    images; add what else the results need.
    """
    torch.manual_seed(generator(seed, "dropout").initial_seed())  # not what an earlier job of this process left
    training = classify.training(
        net,
        made,
        optimizer,
        updates=updates[-1],
        batch_size=batch,
        generator=generator(seed, "batches"),
        **settings,
    )
    said: dict[str, list[Tensor]] = {"test": [], "validation": []}
    for n, _ in enumerate(training, 1):
        if n in updates:
            for name, shown in (("test", test), ("validation", held_out)):
                said[name].append(classify.logits(net, shown).argmax(1).to(torch.uint8).cpu())
            yield n / updates[-1]
    facts = {"updates": list(updates), "images": len(made)}
    return {name: torch.stack(answers) for name, answers in said.items()}, facts


def new_network(network: type[nn.Module], seed: int, device: torch.device, **arguments: object) -> nn.Module:
    """A network with the initial weights that all arms of a seed share."""
    with torch.random.fork_rng():
        torch.manual_seed(generator(seed, "network").initial_seed())
        return network(**arguments).to(device)


def best_ranges(tried: Iterable[Answer], labels: Tensor) -> str:
    """The ranges of classic augmentation with the highest mean accuracy on the validation images at the end."""
    accuracy: dict[str, list[float]] = {}
    for tensors, facts in tried:
        accuracy.setdefault(facts["ranges"], []).append(float((tensors["validation"][-1] == labels).float().mean()))
    return max(accuracy, key=lambda name: np.mean(accuracy[name]))


class Scores:
    """The metrics of every classifier, by arm, seed and number of updates.

    answers: of all jobs. Counted are classifiers, named arm/seed, which note their `updates`; not those that chose
    ranges, named tuned_…. scored: the metrics of such an answer, {metric: one value a budget}, as `scored` gives them.
    arms: {arm: those of each seed}.
    """

    def __init__(self, answers: Mapping[str, Answer], scored: Scoring) -> None:
        self.arms: dict[str, list[dict[str, list[float]]]] = {}
        self.updates: dict[str, list[int]] = {}
        for name, answer in answers.items():
            if "updates" not in answer[1] or name.startswith("tuned_"):
                continue
            arm, _, seed = name.rpartition("/")
            assert int(seed) == len(self.arms.setdefault(arm, [])), f"{name}: seeds come in their order"
            self.arms[arm].append(scored(answer))
            self.updates[arm] = answer[1]["updates"]

    def values(self, arm: str, metric: str = "accuracy", budget: int = -1) -> np.ndarray:
        """One value a seed, at the budget of that place in `updates`; by default the longest."""
        return np.array([score[metric][budget] for score in self.arms[arm]])

    def paired(self, arm: str, other: str, metric: str = "accuracy", budget: int = -1) -> dict:
        """The paired difference of two arms with its interval, as the results JSON holds it."""
        return entry(self.differences(arm, other, metric, budget))

    def differences(self, arm: str, other: str, metric: str = "accuracy", budget: int = -1) -> np.ndarray:
        """The difference of two arms in each seed that both have."""
        a, b = self.values(arm, metric, budget), self.values(other, metric, budget)
        n = min(len(a), len(b))
        return a[:n] - b[:n]

    def questions(self, asked: Iterable[tuple[str, str]]) -> dict[str, dict]:
        """The difference of each two arms that were computed, how it moves with the updates, and Holm's p of all."""
        asked = [(a, b) for a, b in asked if a in self.arms and b in self.arms]
        p_values = [statistics.paired_p(self.differences(a, b)) for a, b in asked]
        return {
            f"{a} - {b}": {
                **self.paired(a, b),
                "p_holm": round(float(p), 5),
                "by_updates": {str(n): self.paired(a, b, budget=k) for k, n in enumerate(self.updates[a])},
            }
            for (a, b), p in zip(asked, statistics.holm(p_values), strict=True)
        }

    def tables(
        self, metrics: Sequence[str], baseline_of: Mapping[str, str], alone: Sequence[str] = ()
    ) -> dict[str, dict]:
        """The `arms` and `differences` of the results JSON: each metric of each arm, and against its baseline.

        alone: further metrics, of which no difference is stored.
        """
        against = {arm: base for arm, base in baseline_of.items() if arm != base}
        return {
            "arms": {arm: {m: {"test": entry(self.values(arm, m))} for m in (*metrics, *alone)} for arm in self.arms},
            "differences": {
                f"{arm} - {base}": {m: {"test": self.paired(arm, base, m)} for m in metrics}
                for arm, base in against.items()
            },
        }

    def curves(self) -> dict[str, list[dict]]:
        """Accuracy of each arm against its updates."""
        return {
            arm: [entry(self.values(arm, budget=k)) for k in range(len(updates))]
            for arm, updates in self.updates.items()
        }


PER_CLASS = ("precision", "recall", "f1")


def scored(answer: Answer, test: Tensor, held_out: Tensor) -> dict[str, list[float]]:
    """Metrics of one classifier of `classifier`, each a list over its budgets; precision_k, recall_k, f1_k: of class k.

    test, held_out: the labels of the test and of the validation images.
    """
    tensors, _ = answer
    found: dict[str, list[float]] = {
        "validation": [float((said == held_out).float().mean()) for said in tensors["validation"]]
    }
    classes = tuple(map(str, range(int(test.max()) + 1)))
    for said in tensors["test"].long():
        report = classification.report(test, said, classes)
        of_classes = {f"{score}_{k}": report[score].iloc[int(k)] for score in PER_CLASS for k in classes}
        for name, value in {**classification.scores(test, said), **of_classes}.items():
            found.setdefault(name, []).append(float(value))
    return found


# ------------------------------------------------------------------ gates and the verdict


def generator_gate(curves: Sequence[Mapping[str, list[float]]], floor: float, at_least: float | None = None) -> dict:
    """Whether the GANs of one kind are finished, from the curves of their seeds; see `gates.generator_gate`."""
    fd, accuracy = ([curve[name] for curve in curves] for name in ("fd_lenet", "conditional accuracy"))
    return gates.generator_gate(curves[0]["steps"], fd, floor, accuracy, at_least)


def missed_gates(gate: Mapping[str, dict], *who: str) -> str:
    """Which limits these missed, in words; "" for none."""
    return "; ".join(
        f"{name}: {check_name} is {check['found']:g}, limit {check['limit']:g}"
        for name in who
        for check_name, check in gate[name]["checks"].items()
        if not check["passed"]
    )


Question = tuple[str, Sequence[str], str, str, str]
"""(a pair of `Scores.questions`, the gates that it rests on, names of its two arms, what is compared: "accuracy")."""


def verdict(pairs: Mapping[str, Mapping], gate: Mapping[str, dict], questions: Iterable[Question]) -> str:
    """What the differences say of the questions, a sentence each; then what missed gates keep from being judged."""
    said: list[str] = []
    unjudged: dict[str, list[str]] = {}
    for pair, who, a, b, of in questions:
        interval = statistics.Interval(pairs[pair]["mean"], *pairs[pair]["ci95"])
        if missed := missed_gates(gate, *who):
            unjudged.setdefault(f"{of} ({missed})", []).append(f"{a} against {b}")
        else:
            sentence = statistics.as_sentence(statistics.verdict(interval, a, b, of))
            said.append(sentence + statistics.holm_caveat(interval, pairs[pair]["p_holm"]))
    return " ".join(said + [f"Not judged: {of}: {', '.join(what)}." for of, what in unjudged.items()])
