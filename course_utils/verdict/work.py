"""The jobs of a verdict: a judge, generators and classifiers, on one's own pictures.

They are written like a lesson's full.py (see `experiment.full`): plain functions from data to tensors and facts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from course_utils import experiment
from course_utils.classify import train as classify
from course_utils.classify.networks import ResNet18, SmallCNN
from course_utils.classify.train import Transform
from course_utils.core.seeds import generator
from course_utils.data.augment import Classic
from course_utils.data.images import Images, scaled, to_pixels
from course_utils.evaluate import samples
from course_utils.experiment.full import Answer, Curve, Given, Job, Work
from course_utils.gan import train as gan
from course_utils.gan.diffaugment import diff_augment
from course_utils.gan.recipes import Training, train_diffusion, train_projection_gan

BATCH = 64
VALIDATION, HELD_BACK = 0.15, 1 / 3
"""Shares of the pictures that are not for the test: to watch classifiers by, and to be the control `more_real`."""

MANY_PASSES = 1000
"""Measured on Fashion-MNIST: DiffAugment costs time and gains nothing at 250 passes over some hundred pictures."""

UNEVEN = 1.5
"""The largest class over the smallest from which on classes are uneven."""

AFFINE = Classic(rotation=10, shift=0.1, zoom=0.1)


@dataclass(frozen=True)
class Data:
    """The user's pictures: those to learn from, the sealed test set, and synthetic ones of the user's, if any."""

    known: Images
    test: Images
    synthetic: Images | None = None


# ------------------------------------------------------------------ what is to be done


def jobs(S: dict) -> list[Job]:
    """The judge, the pilot that finds how long classifiers must train, the generators, and all classifiers."""
    judge = Job("judge", "judge", {"updates": S["most_updates"], "classifier": S["classifier"]})
    pilot = Job("pilot", "pilot", {name: S[name] for name in ("most_updates", "classifier", "rate")})
    made = {
        method: [
            Job(
                made_by(method, seed),
                "train_generator",
                {"method": method, "seed": seed, "steps": S["steps"][method], "width": S["width"], "most": S["most"]},
                (judge,),
            )
            for seed in range(S["seeds"])
        ]
        for method in S["methods"]
    }
    common = {"classifier": S["classifier"], "rate": S["rate"], "weights": S["weights"]}

    def job(arm: str, seed: int, *needs: Job, **arm_of: object) -> Job:
        return Job(f"{arm}/{seed}", "classifier", {"seed": seed, **common, **arm_of}, (pilot, *needs))

    tuned = [
        job(f"flip_{flip}", seed, classic=True, flip=flip)
        for flip in (("no", "yes") if S["flip"] == "auto" else ())
        for seed in range(S["tuned"])
    ]
    found = [judge, pilot, *tuned]
    for seed in range(S["seeds"]):  # a run that is stopped early has whole seeds
        found += [made[method][seed] for method in S["methods"]]
        for arm, of in S["arms"].items():
            source = of.get("source")
            needs = [made[source][seed]] if source in made else []
            needs += tuned if of.get("classic") and S["flip"] == "auto" else []
            flip = {"flip": S["flip"]} if of.get("classic") and S["flip"] != "auto" else {}
            found.append(job(arm, seed, *needs, **of, **flip))
    return found


def made_by(method: str, seed: int) -> str:
    """The name of the job that trains a generator; its arm bears the method's own."""
    return f"generator {method}/{seed}"


def parts(data: Data, seed: int) -> tuple[Images, Images, Images]:
    """(training set, held-back pictures, validation set) of a seed; whole groups stay together.

    Beside synthetic pictures of the user's nothing is held back: their generator may have seen all that is not for the
    test, and would bring what was held back to the classifier.
    """
    rng = generator(seed, "parts")
    validation, rest = data.known.split(VALIDATION, rng)
    held, train = rest.split(held_back(data), rng)
    return train, held, validation.seal()


def held_back(data: Data) -> float:
    """The share of the pictures that are not for test or validation that is held back, to be `more_real`."""
    return HELD_BACK if data.synthetic is None else 0.0


def network(classifier: str, images: Images, weights: str = "") -> nn.Module:
    """A fresh classifier with `features` and `head`: "small" or "resnet18"; weights as in `ResNet18`."""
    channels, classes = images.shape[0], len(images.classes)
    return ResNet18(classes, weights) if classifier == "resnet18" else SmallCNN(channels, classes, maps=32)


# ------------------------------------------------------------------ judge and pilot


def judge(given: Given, *, updates: int, classifier: str) -> Work:
    """A classifier of all pictures that are not for the test, whose features compare samples."""
    torch.manual_seed(generator("judge").initial_seed())
    net = network(classifier, given.data.known)
    run = {"updates": updates, "batch_size": BATCH, "generator": generator("judge", "batches")}
    for n, _ in enumerate(classify.training(net, given.data.known.to(given.device), classify.adam(), **run)):
        if n % 50 == 0:
            yield n / updates
    return {name: tensor.cpu() for name, tensor in net.state_dict().items()}, {"classifier": classifier}


def restored(answer: Answer, images: Images) -> nn.Module:
    """The judge, from its answer."""
    tensors, facts = answer
    net = network(facts["classifier"], images)
    net.load_state_dict(tensors)
    return net.eval()


def pilot(given: Given, *, most_updates: int, classifier: str, rate: float) -> Work:
    """Find after how many updates the accuracy on validation pictures stands still: what all arms are trained for.

    It is half as much again as the training needs to come within half a point of its best (or within what one picture
    makes out), and at least a fifth of `most_updates`.
    """
    train, _, validation = (part.to(given.device) for part in parts(given.data, 0))
    torch.manual_seed(generator("pilot").initial_seed())
    net = network(classifier, train)
    run = {"updates": most_updates, "batch_size": BATCH, "generator": generator("pilot", "batches")}
    looks = np.unique(np.linspace(0, most_updates, 21).round().astype(int)[1:].clip(1))
    accuracy = []
    for n, _ in enumerate(classify.training(net, train, classify.adam(rate), **run), 1):
        if n in looks:
            accuracy.append(float((classify.logits(net, validation).argmax(1) == validation.labels).float().mean()))
            yield n / most_updates
    smooth = np.convolve(np.pad(accuracy, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    near = smooth.max() - max(0.005, 1 / len(validation))
    still = int(looks[np.argmax(smooth >= near)])
    updates = min(most_updates, max(1, most_updates // 5, round(1.5 * still)))
    return {}, {"updates": updates, "looks": looks.tolist(), "validation": accuracy}


# ------------------------------------------------------------------ generators


def train_gan(images: Images, steps: int, seed: int, *, width: float, **settings: object) -> Training:
    """Train the projection GAN, with DiffAugment where D would see each picture more than `MANY_PASSES` times."""
    augment = diff_augment if steps * BATCH > MANY_PASSES * len(images) else None
    return train_projection_gan(images, steps, seed, width=width, batch=BATCH, augment=augment, **settings)


GENERATORS: dict[str, Callable[..., Training]] = {"gan": train_gan, "diffusion": train_diffusion}


def train_generator(given: Given, *, method: str, seed: int, steps: int, width: float, most: float) -> Work:
    """Train a generator on the training set of a seed; give its measures along the way, and `most` pictures for each of
    the training set's, of classes as frequent as there."""
    train, held, validation = parts(given.data, seed)
    net = restored(given.needed[0], train)
    new = samples.features(net, torch.cat([held.pixels, validation.pixels]))
    labels = torch.cat([held.labels, validation.labels])
    curve = Curve(given.checkpoint)
    run = {"width": width, "reports": 6, "stop_on_collapse": False, "checkpoint": given.checkpoint, "checkpoint_s": 60}
    for progress in GENERATORS[method](train.to(given.device), steps, seed, **run):
        made = drawn(progress.generator, labels[: len(train)], seed, given.device)
        curve.add(progress.step, {"fd": samples.frechet_distance(new, samples.features(net, made))})
        yield 0.95 * progress.step / steps
    asked = train.labels[torch.randperm(len(train), generator=generator(seed, "asked"))]
    asked = asked.repeat(max(1, round(most)))
    pixels = drawn(progress.generator, asked, seed, given.device)
    facts = {"curve": curve.columns(), **measures(given.data, given.needed[0], pixels, asked, seed)}
    return {"pixels": pixels, "labels": asked}, facts


def drawn(G: nn.Module, labels: Tensor, seed: int, device: torch.device) -> Tensor:
    """A picture by G for each label: uint8, N × C × H × W."""
    z = G.prior(len(labels), generator(seed, "drawn"))[0]
    return gan.sample(G, z.to(device), labels.to(device), batch_size=256).cpu()


def measures(data: Data, judge: Answer, pixels: Tensor, labels: Tensor, seed: int) -> dict[str, float]:
    """Fidelity, variety and memorisation of made pictures, against the real ones that a seed does not train on.

    floor: the Fréchet distance between these and training pictures.
    """
    train, held, validation = parts(data, seed)
    net = restored(judge, train)
    new = samples.features(net, torch.cat([held.pixels, validation.pixels]))
    known = samples.features(net, train.pixels)
    some = torch.randperm(len(train), generator=generator(seed, "floor"))[: len(new)]
    chosen = torch.randperm(len(pixels), generator=generator(seed, "measured"))[: len(new)]
    f = samples.features(net, pixels[chosen])
    with torch.no_grad():
        agree = float((net.head(f).argmax(1) == labels[chosen]).float().mean())
    density, coverage = samples.density_and_coverage(new, f, k=min(5, len(new) - 1))
    return {
        "fd": samples.frechet_distance(new, f),
        "floor": samples.frechet_distance(new, known[some]),
        "agreement": agree,
        "density": density,
        "coverage": coverage,
        "memorisation": samples.memorisation(f, known, new),
        "copies": samples.near_copies(f, known, new),
    }


# ------------------------------------------------------------------ classifiers


def classifier(
    given: Given,
    *,
    seed: int,
    classifier: str,
    rate: float,
    weights: str,
    source: str = "",
    ratio: float = 1.0,
    share: float = 1.0,
    classic: bool = False,
    flip: str = "no",
    mixup: bool = False,
) -> Work:
    """Train a classifier on the set of one arm, and give its answers after a quarter, two thirds and all updates.

    share, source, ratio: see `training_set`. classic: with classic augmentation; flip: "yes" or "no" for mirrored
    pictures, or "auto": as is better on validation pictures by the answers of the jobs that tried both.
    """
    train, held, validation = parts(given.data, seed)
    made = next(((t["pixels"], t["labels"]) for t, _ in given.needed if "pixels" in t), None)
    rng = generator(seed, "arm")
    images = training_set(given.data, train, held, source, ratio, share, made, rng)
    if classic and flip == "auto":
        flip = better_flip([answer for answer in given.needed if "flip" in answer[1]])
    updates = given.needed[0][1]["updates"]
    with torch.random.fork_rng():
        torch.manual_seed(generator(seed, "network").initial_seed())
        net = network(classifier, images, weights)
        run = {"updates": updates, "batch_size": BATCH, "generator": generator(seed, "batches")}
        run |= {"transform": augmentation(images.shape[0], flip == "yes") if classic else None, "mixup": 0.2 * mixup}
        budgets = sorted({max(1, updates // 4), max(1, 2 * updates // 3), updates})
        said: dict[str, list[Tensor]] = {"test": [], "validation": []}
        for n, _ in enumerate(classify.training(net, images.to(given.device), classify.adam(rate), **run), 1):
            if n in budgets:
                for name, shown in (("test", given.data.test), ("validation", validation)):
                    said[name].append(classify.logits(net, shown.to(given.device)).argmax(1).to(torch.int16).cpu())
            if n in budgets or n % 50 == 0:
                yield n / updates
    facts = {"budgets": budgets, "images": len(images)}
    if classic:
        right = (said["validation"][-1] == validation.labels).float().mean()
        facts |= {"flip": flip, "validation": float(right)}
    return {name: torch.stack(answers) for name, answers in said.items()}, facts


def training_set(
    data: Data,
    train: Images,
    held: Images,
    source: str,
    ratio: float,
    share: float,
    made: tuple[Tensor, Tensor] | None,
    rng: torch.Generator,
) -> Images:
    """A `share` of the training set, and beside it `ratio` pictures for each of its own, from a `source`.

    source: "" for none, "held" (real ones held back, `ratio` of them), "repeat", "noise", "wrong_labels",
    "oversample", "smote", "synthetic" (the user's), or a generator, whose pictures `made` are.
    """
    if share < 1:
        train = train.split(share, rng)[0]
    if source == "":
        return train
    if source == "held":
        return train.merge(held if ratio >= 1 else held.split(ratio, rng)[0])
    if source == "oversample":
        return experiment.oversample(train, rng)
    if source == "smote":
        return smote(train, rng)
    if source == "wrong_labels":
        return wrong_labels(train, ratio, rng)
    if source in ("repeat", "noise"):
        fill = {
            "repeat": experiment.repeats,
            "noise": lambda labels, real, rng: experiment.noise(len(labels), real, rng),
        }
        return experiment.added(fill[source], ratio)(train, rng)
    pixels, labels = (data.synthetic.pixels, data.synthetic.labels) if source == "synthetic" else made
    n = min(len(labels), round(ratio * len(train)))
    chosen = torch.randperm(len(labels), generator=rng)[:n]
    return train.merge(Images(pixels[chosen], labels[chosen], train.classes, f"{n} pictures by {source}"))


def wrong_labels(train: Images, ratio: float, rng: torch.Generator) -> Images:
    """The training set, and `ratio` copies of its pictures under another label each: the negative control."""
    n, classes = round(ratio * len(train)), len(train.classes)
    copies = train.subset(torch.randint(len(train), (n,), generator=rng))
    wrong = (copies.labels + torch.randint(1, classes, (n,), generator=rng)) % classes
    return train.merge(Images(copies.pixels, wrong, train.classes, "wrong labels"))


def smote(train: Images, rng: torch.Generator) -> Images:
    """Make each class as large as the largest by mixing its pictures with near ones of it (Chawla et al. 2002).

    A class of one picture is repeated.
    """
    counts, made, labels = train.counts().tolist(), [], []
    for label, count in enumerate(counts):
        missing = max(counts) - count
        if not count or not missing:
            continue
        mine = train.of_class(label).pixels.flatten(1).float()
        near = torch.cdist(mine, mine).argsort(dim=1)[:, 1:6] if count > 1 else torch.zeros(1, 1, dtype=torch.long)
        one = torch.randint(count, (missing,), generator=rng)
        other = near[one, torch.randint(near.shape[1], (missing,), generator=rng)]
        mixed = torch.lerp(mine[one], mine[other], torch.rand(missing, 1, generator=rng))
        made.append(mixed.round().to(torch.uint8).reshape(-1, *train.shape))
        labels.append(torch.full((missing,), label))
    return train.merge(Images(torch.cat(made), torch.cat(labels), train.classes, "SMOTE")) if made else train


def augmentation(channels: int, flip: bool) -> Transform:
    """Classic augmentation of a batch: TrivialAugment (Müller & Hutter 2021) for colour, affine maps for grey."""

    def change(x: Tensor, rng: torch.Generator) -> Tensor:
        if flip:
            turned = torch.rand(len(x), generator=rng).to(x.device) < 0.5
            x = torch.where(turned[:, None, None, None], x.flip(3), x)
        return AFFINE(x, rng) if channels == 1 else trivial_augment(x)

    return change


def trivial_augment(x: Tensor) -> Tensor:
    """One random change of a random strength to each picture: float, N × 3 × H × W in [-1, 1].

    It draws from PyTorch's default generator.
    """
    from torchvision.transforms.v2 import TrivialAugmentWide

    one = TrivialAugmentWide()
    return scaled(torch.stack([one(picture) for picture in to_pixels(x.cpu())])).to(x.device)


def better_flip(tried: Sequence[Answer]) -> str:
    """Whether mirrored pictures helped on validation pictures: "yes" or "no"."""
    found: dict[str, list[float]] = {"no": [], "yes": []}
    for _, facts in tried:
        found[facts["flip"]].append(facts["validation"])
    return max(found, key=lambda flip: np.mean(found[flip]))
