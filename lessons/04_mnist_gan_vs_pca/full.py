"""Lesson 4's full run: class-conditional GANs on all images, PCA and probabilistic PCA beside them,
and hybrid training sets at three budgets; computed by `course run 4 --profile full`."""

from collections.abc import Sequence
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course_utils import experiment
from course_utils.classify import train as classify
from course_utils.classify.networks import LeNet
from course_utils.core.seeds import generator
from course_utils.data.augment import Classic
from course_utils.data.images import Images
from course_utils.data.sources import Dataset
from course_utils.evaluate import class_scores, classification, gates, samples, statistics
from course_utils.experiment.full import Answer, Curve, Job, Work
from course_utils.gan import losses
from course_utils.gan import train as gan
from course_utils.gan.networks import ClassPCA, DCGenerator, PPCAGenerator
from course_utils.gan.recipes import train_ccgan

DATASET = "mnist"
CLASSES = 10
RAISED_CLASS = 0  # taken for 2 most often, says the paper (section 4.3)

RANGES = {
    "slight": Classic(rotation=5, shift=0.05, zoom=0.05),
    "middle": Classic(rotation=10, shift=0.1, zoom=0.1),
    "wide": Classic(rotation=15, shift=0.12, shear=10, zoom=0.15),
}
"""Classic augmentation, drawn afresh for each batch; which ranges the experiment takes is chosen on validation images."""

# ------------------------------------------------------------------ what is to be done


def jobs(S: dict) -> list[Job]:
    """The judge and PCA, then the GANs of each seed, then the classifiers of each arm and seed."""
    data = {"images": S["images"], "validation": S["validation"]}
    judge = Job(
        "judge", "judge", {"updates": S["judge_updates"], "judged": S["judged"], **data}
    )
    size = {"components": S["components"], **data}
    pcas = [Job("pca", "pca", size)]
    pcas += [
        Job(f"few_pca/{seed}", "pca", {"share": S["few"], "seed": seed, **size})
        for seed in range(S["seeds"])
    ]
    recipe = {name: S[name] for name in ("width", "lr", "steps", "reports")} | data
    few = {"share": S["few"], "steps": S["few_steps"]}
    kinds = {"gan": {}, "few": few, "smoothed": {"target": S["smoothing"]}}
    gans = {
        kind: [
            Job(f"{kind}/{seed}", "ccgan", {"seed": seed, **recipe, **kinds[kind]}, (judge,))
            for seed in range(S["seeds"])
        ]
        for kind in S["kinds"]
    }
    return [
        judge,
        *pcas,
        *(job for kind in gans.values() for job in kind),
        *arms(S, pcas, gans),
    ]


def arms(S: dict, pcas: list[Job], gans: dict[str, list[Job]]) -> list[Job]:
    """The classifiers: first those that choose the ranges of classic augmentation, then all arms, seed by seed."""
    few, least = S["few"], S["least"]
    every_job = {name: S[name] for name in ("updates", "batch", "images", "validation")}
    every_job["lr"] = S["rate"]

    def job(arm: str, seed: int, *needs: Job, **arm_of: object) -> Job:
        return Job(f"{arm}/{seed}", "classifier", {"seed": seed, **every_job, **arm_of}, needs)

    tuned = [
        job(f"tuned_{name}", seed, fill="repeat", share=few, ranges=name)
        for name, seed in product(RANGES, range(S["tuned"]))
    ]
    found = tuned.copy()
    for seed in range(S["seeds"]):
        G, few_G = gans["gan"][seed], gans["few"][seed]
        made = {"fill": "model", "share": few}
        found += [job("real", seed), job("real_classic", seed, *tuned, classic=True)]
        found += [job(f"gan_{s}", seed, G, fill="model", share=s) for s in S["shares"]]
        for s in (few, least):
            found.append(job(f"repeat_{s}", seed, fill="repeat", share=s))
            found.append(
                job(f"classic_{s}", seed, *tuned, fill="repeat", share=s, classic=True)
            )
        found += [
            job("ppca_0", seed, pcas[0], fill="model", share=0),
            job(f"ppca_{few}", seed, pcas[0], **made),
            job(f"noise_{few}", seed, fill="noise", share=few),
            job(f"few_{few}", seed, few_G, **made),
            job(f"few_ppca_{few}", seed, pcas[1 + seed], **made),
            job(f"gan_classic_{few}", seed, G, *tuned, **made, classic=True),
            job(f"few_classic_{few}", seed, few_G, *tuned, **made, classic=True),
            job(f"gan_{few}_raised", seed, G, **made, raised=S["raised"]),
            # what another GAN, another subset and another classifier change, each by itself
            job(f"gan_{few}_same_gan", seed, gans["gan"][0], **made),
            job(f"gan_{few}_same_gan_and_subset", seed, gans["gan"][0], **made, subset=0),
        ]
        if "smoothed" in gans:
            found.append(job(f"smoothed_{few}", seed, gans["smoothed"][seed], **made))
    return found


def parts(data: Dataset, images: int, validation: int) -> tuple[Images, Images, Images]:
    """(training set, validation set, test set); the last two are sealed."""
    whole = data["train"]
    shuffled = whole.sample(len(whole), generator(0, "parts"))
    held_out = shuffled.subset(range(validation)).seal()
    return shuffled.subset(range(validation, validation + images)), held_out, data["test"]


# ------------------------------------------------------------------ judge, PCA, GANs


def judge(
    data: Dataset,
    needed: Sequence[Answer],
    checkpoint: Path,
    device: torch.device,
    **arguments: int,
) -> Work:
    """A LeNet trained on all training images, what it sees in real ones, and its accuracy (section 3.2 of the paper)."""
    train, _, test = parts(data, arguments["images"], arguments["validation"])
    torch.manual_seed(0)
    net = LeNet().to(device)
    settings = {
        "updates": arguments["updates"],
        "batch_size": 64,
        "generator": generator(0, "judge"),
    }
    for n, _ in enumerate(
        classify.training(net, data["train"].to(device), classify.adam(), **settings)
    ):
        if n % 500 == 0:
            yield n / arguments["updates"]
    net.eval()
    n = arguments["judged"]
    shown = {
        "reference": train.sample(n, generator(0, "reference")),
        "new": test.sample(n, generator(0, "new")),
    }
    seen = {
        name: samples.features(net, images.to(device).pixels) for name, images in shown.items()
    }
    right = classify.logits(net, test.to(device)).argmax(1).cpu() == test.labels
    tensors = {f"net.{name}": tensor for name, tensor in net.state_dict().items()} | seen
    floor = samples.frechet_distance(seen["reference"], seen["new"])
    return tensors, {"test_accuracy": float(right.float().mean()), "floor": floor}


def restored(answer: Answer) -> tuple[LeNet, Tensor, Tensor]:
    """(the judge, its features of training images, of new images) from the answer of `judge`."""
    tensors, _ = answer
    net = LeNet()
    net.load_state_dict(
        {name.removeprefix("net."): t for name, t in tensors.items() if name.startswith("net.")}
    )
    return net.eval(), tensors["reference"], tensors["new"]


def pca(
    data: Dataset,
    needed: Sequence[Answer],
    checkpoint: Path,
    device: torch.device,
    *,
    components: int,
    images: int,
    validation: int,
    share: int = 100,
    seed: int = 0,
) -> Work:
    """Principal components of each class, of all images or of the `share` (%) that the arms of `seed` keep."""
    yield 0.0
    fitted = ClassPCA.fit(kept(parts(data, images, validation)[0], share, seed), components)
    return {name: tensor for name, tensor in fitted.state_dict().items() if name != "noise"}, {}


def kept(train: Images, share: int, seed: int) -> Images:
    """The real images that the hybrid sets of this share (%) and seed keep."""
    return train if share == 100 else train.split(share / 100, generator(seed, "arm"))[0]


def ccgan(
    data: Dataset,
    needed: Sequence[Answer],
    checkpoint: Path,
    device: torch.device,
    *,
    seed: int,
    width: float,
    lr: float,
    steps: int,
    reports: int,
    images: int,
    validation: int,
    target: float = 1.0,
    share: int = 100,
) -> Work:
    """A class-conditional GAN of F = D = 1, B = 64 (section 3), and its measures along the way.

    The text trains at a rate of 1e-4 for 20 to 25 epochs. Here the rate is `lr` at first and falls to a fifth of it, and
    the average of G has a memory of a thousand steps: both let a shorter training come to rest. share: of real images, %, that it sees. target: what D should answer to real images.
    """
    train = kept(parts(data, images, validation)[0], share, seed).to(device)
    net, reference, new = restored(needed[0])
    curve = Curve(checkpoint)
    for progress in train_ccgan(
        train,
        steps,
        seed,
        capacity=width,
        lr=lr,
        schedule=at_rest,
        average=0.999,
        d_loss=partial(losses.discriminator_loss, target=target),
        reports=reports,
        fixed=(torch.randn(10, 100, generator=generator(0, "shown")), torch.arange(10)),
        stop_on_collapse=False,
        checkpoint=checkpoint,
        checkpoint_s=60,
    ):
        curve.add(
            progress.step,
            measures(images_of(progress.generator, seed, len(reference)), net, reference),
        )
        yield progress.step / steps
    weights = {
        name: t.half() if t.is_floating_point() else t
        for name, t in progress.generator.state_dict().items()
    }
    final = images_of(progress.generator, seed, len(reference))
    copied = memorisation(final, net, train, new)
    return weights, {
        "curve": curve.columns(),
        "losses": progress.losses,
        "images": len(train),
        "memorisation": copied,
        "width": width,
    }


def at_rest(done: float) -> float:
    """The factor of the learning rate when a share of the run is done: 1, from 2/9 to 4/9 down to 1/5, which it keeps."""
    return min(1.0, max(0.2, 1 - 0.8 * (done - 2 / 9) / (2 / 9)))


def images_of(G: torch.nn.Module, seed: int, n: int) -> Tensor:
    """n images by G, uint8, of the digits 0, 1, 2 … in turn."""
    asked = torch.arange(n) % CLASSES
    return drawn(G, asked, generator(seed, "table")).cpu()


def drawn(G: torch.nn.Module, labels: Tensor, rng: torch.Generator) -> Tensor:
    """One image by G for each label, uint8."""
    z = G.prior(len(labels), rng)[0]
    return gan.sample(G, z, labels.to(z.device))


@torch.no_grad()
def measures(pixels: Tensor, net: LeNet, reference: Tensor) -> dict[str, float]:
    """Fidelity and variety of images of the digits 0, 1, 2 … in turn, against the features of real ones."""
    asked = torch.arange(len(pixels)) % CLASSES
    seen = samples.features(net, pixels)
    density, coverage = samples.density_and_coverage(reference, seen)
    return {
        "conditional accuracy": class_scores.conditional_accuracy(net, pixels, asked),
        "Inception Score": class_scores.inception_score(
            net.head(seen).softmax(1), generator(0, "splits"), splits=1
        ),
        "fd_lenet": samples.frechet_distance(reference, seen),
        "density": density,
        "coverage": coverage,
    }


def memorisation(pixels: Tensor, net: LeNet, train: Images, new: Tensor) -> float:
    """Whether images lie nearer to those that they were learned from than new real ones do."""
    return samples.memorisation(
        samples.features(net, pixels), samples.features(net, train.pixels), new
    )


# ------------------------------------------------------------------ hybrid sets


def classifier(
    data: Dataset,
    needed: Sequence[Answer],
    checkpoint: Path,
    device: torch.device,
    *,
    seed: int,
    updates: Sequence[int],
    lr: float,
    batch: int,
    images: int,
    validation: int,
    fill: str = "",
    share: int = 100,
    raised: int | None = None,
    subset: int | None = None,
    classic: bool = False,
    ranges: str = "",
) -> Work:
    """A LeNet trained on the set of one arm, and its answers after each number of `updates`.

    share: of real images, %; the rest is made by `fill`, see `training_set`. raised: that share for the class which the
    paper raises. subset: whose seed draws the real images; by default the arm's own. classic: with classic augmentation,
    in the ranges that are best on validation images by the answers of the jobs that tried each; or in these `ranges`.
    """
    train, held_out, test = (part.to(device) for part in parts(data, images, validation))
    if classic:
        ranges = best_ranges(
            [answer for answer in needed if "ranges" in answer[1]], held_out.labels.cpu()
        )
    model = next((answer for answer in needed if "ranges" not in answer[1]), None)
    rng = generator(seed if subset is None else subset, "arm")
    made = training_set(train, fill, share, raised, model, rng)
    with torch.random.fork_rng():
        torch.manual_seed(generator(seed, "network").initial_seed())
        net = LeNet().to(device)
    training = classify.training(
        net,
        made,
        classify.adam(lr),
        updates=updates[-1],
        batch_size=batch,
        generator=generator(seed, "batches"),
        transform=RANGES[ranges] if ranges else None,
    )
    said: dict[str, list[Tensor]] = {"test": [], "validation": []}
    for n, _ in enumerate(training, 1):
        if n in updates:
            for name, shown in (("test", test), ("validation", held_out)):
                said[name].append(classify.logits(net, shown).argmax(1).to(torch.uint8).cpu())
            yield n / updates[-1]
    facts = {"updates": list(updates), "ranges": ranges, "images": len(made)}
    return {name: torch.stack(answers) for name, answers in said.items()}, facts


def training_set(
    train: Images,
    fill: str,
    share: int,
    raised: int | None,
    model: Answer | None,
    rng: torch.Generator,
) -> Images:
    """As many images of each class as in `train`, of which a share (%) is real and the rest made.

    fill: "model" (the GAN or the PCA whose answer is given), "repeat" (real ones once more) or "noise".
    """
    if not fill:
        return train

    def make(labels: Tensor, real: Images, rng: torch.Generator) -> Tensor:
        if fill == "model":
            return drawn(restored_model(model).to(train.device), labels, rng)
        return (
            experiment.repeats(labels, real, rng)
            if fill == "repeat"
            else experiment.noise(len(labels), real, rng)
        )

    shares = [(raised if raised and k == RAISED_CLASS else share) / 100 for k in range(CLASSES)]
    return experiment.hybrid(shares, make)(train, rng)


def restored_model(answer: Answer) -> torch.nn.Module:
    """A generator from the answer of `ccgan` or `pca`."""
    tensors, facts = answer
    if "curve" not in facts:
        return PPCAGenerator(ClassPCA(**tensors))
    G = DCGenerator(facts["width"], classes=CLASSES)
    G.load_state_dict(tensors)  # float16 there, float32 here
    return G.eval()


def best_ranges(tried: Sequence[Answer], labels: Tensor) -> str:
    """The ranges of classic augmentation with the highest mean accuracy on the validation images at the end."""
    accuracy: dict[str, list[float]] = {}
    for tensors, facts in tried:
        accuracy.setdefault(facts["ranges"], []).append(
            float((tensors["validation"][-1] == labels).float().mean())
        )
    return max(accuracy, key=lambda name: np.mean(accuracy[name]))


# ------------------------------------------------------------------ results


def results(S: dict, data: Dataset, answers: dict[str, Answer]) -> dict:
    """What the full run found: measures of the images, accuracies of the arms at each budget, gates and the verdict."""
    train, held_out, test = parts(data, S["images"], S["validation"])
    scores = Scores(S, answers, test.labels, held_out.labels)
    pairs, gate = paired_questions(S, scores), gates_of(S, scores, answers)
    metrics, names = ("accuracy", "macro_f1", f"recall_{RAISED_CLASS}"), list(scores.arms)
    return {
        "title": "Is a GAN needed at all?",
        "seeds": list(range(S["seeds"])),
        "updates": dict.fromkeys(names, S["updates"][-1]),
        "baseline": "real",
        "classic": f"classic_{S['few']}",
        "arms": {
            arm: {m: {"test": experiment.entry(scores.values(arm, m))} for m in metrics}
            for arm in names
        },
        "differences": {
            f"{arm} - real": {m: {"test": scores.paired(arm, "real", m)} for m in metrics}
            for arm in names
            if arm != "real"
        },
        "pairs": pairs,
        "curves": curves(S, scores, answers),
        "measures": measured(S, train, test, answers),
        "gate": gate,
        "spread": scores.spread(S["few"]),
        "ranges": answers[f"classic_{S['few']}/0"][1]["ranges"],
        "judge_accuracy": round(answers["judge"][1]["test_accuracy"], 4),
        "floor": round(answers["judge"][1]["floor"], 4),
        "verdict": verdict(S, pairs, gate),
    }


class Scores:
    """The metrics of every classifier, by arm, seed and number of updates."""

    def __init__(
        self, S: dict, answers: dict[str, Answer], test: Tensor, held_out: Tensor
    ) -> None:
        self.arms: dict[str, list[dict[str, list[float]]]] = {}
        for name, answer in answers.items():
            arm, _, seed = name.rpartition("/")
            if "ranges" in answer[1] and not arm.startswith("tuned_"):
                assert int(seed) == len(self.arms.setdefault(arm, [])), (
                    name
                )  # seeds in their order
                self.arms[arm].append(scored(answer, test, held_out))

    def values(self, arm: str, metric: str = "accuracy", budget: int = -1) -> np.ndarray:
        """One value a seed, at the budget of that place in `updates`; by default the longest."""
        return np.array([score[metric][budget] for score in self.arms[arm]])

    def paired(self, arm: str, other: str, metric: str = "accuracy", budget: int = -1) -> dict:
        """The paired difference of two arms with its interval, as the results JSON holds it."""
        return experiment.entry(
            self.values(arm, metric, budget) - self.values(other, metric, budget)
        )

    def spread(self, few: int) -> dict[str, float]:
        """Standard deviations of accuracy, in points: of all, with the GAN fixed, with GAN and subset fixed."""
        kinds = {
            "all": "",
            "same GAN": "_same_gan",
            "same GAN and subset": "_same_gan_and_subset",
        }
        return {
            name: round(float(100 * self.values(f"gan_{few}{suffix}").std(ddof=1)), 4)
            for name, suffix in kinds.items()
        }


def paired_questions(S: dict, scores: Scores) -> dict[str, dict]:
    """Each question's difference, with Holm's p over all of them, and how it moves with the updates."""
    few = S["few"]
    questions = [(a.format(few), b.format(few)) for a, b in QUESTIONS]
    p_values = [statistics.paired_p(scores.values(a) - scores.values(b)) for a, b in questions]
    return {
        f"{a} - {b}": {
            **scores.paired(a, b),
            "p_holm": round(float(p), 5),
            "by_updates": {
                str(n): scores.paired(a, b, budget=k) for k, n in enumerate(S["updates"])
            },
        }
        for (a, b), p in zip(questions, statistics.holm(p_values), strict=True)
    }


def gates_of(S: dict, scores: Scores, answers: dict[str, Answer]) -> dict[str, dict]:
    """Whether each kind of GAN, and the classifiers, are finished."""
    converged = [score["validation"] for score in scores.arms["real"]]
    return {
        "ccGAN": generator_gate(S, answers, "gan", S["gate"]),
        "ccGAN, smoothing": generator_gate(S, answers, "smoothed", S["gate"]),
        f"ccGAN of {S['few']} %": generator_gate(S, answers, "few", None),
        "classifier": gates.classifier_gate(S["updates"], converged),
    }


def curves(S: dict, scores: Scores, answers: dict[str, Answer]) -> dict:
    """Accuracy of each arm against the classifier's updates, and each GAN's measures against its steps."""
    budgets, kinds = range(len(S["updates"])), ("gan", "smoothed", "few")
    return {
        "updates": S["updates"],
        "arms": {
            arm: [experiment.entry(scores.values(arm, budget=k)) for k in budgets]
            for arm in scores.arms
        },
        "generators": {
            name: answers[name][1]["curve"]
            for name in (f"{kind}/{seed}" for kind in kinds for seed in range(S["seeds"]))
        },
    }


QUESTIONS = [
    ("gan_{}", "real"),
    ("gan_{}", "ppca_{}"),
    ("gan_{}", "classic_{}"),
    ("gan_{}", "repeat_{}"),
    ("few_{}", "classic_{}"),
    ("few_{}", "repeat_{}"),
    ("few_{}", "few_ppca_{}"),
    ("few_classic_{}", "classic_{}"),
    ("gan_{}", "gan_0"),
    ("gan_{}_raised", "gan_{}"),
    ("smoothed_{}", "gan_{}"),
]
"""The comparisons at the smallest share, fixed before the run; {} stands for the share."""


def scored(answer: Answer, test: Tensor, held_out: Tensor) -> dict[str, list[float]]:
    """Metrics of one classifier, each a list over its budgets."""
    tensors, _ = answer
    found: dict[str, list[float]] = {
        "validation": [
            float((said == held_out).float().mean()) for said in tensors["validation"]
        ]
    }
    for said in tensors["test"].long():
        recall = float((said[test == RAISED_CLASS] == RAISED_CLASS).float().mean())
        for name, value in {
            **classification.scores(test, said),
            f"recall_{RAISED_CLASS}": recall,
        }.items():
            found.setdefault(name, []).append(value)
    return found


def measured(
    S: dict, train: Images, test: Images, answers: dict[str, Answer]
) -> dict[str, dict]:
    """All measures of real images, of the cheat, of PCA, of probabilistic PCA and of the GANs, over seeds."""
    net, reference, new = restored(answers["judge"])
    n, seeds = len(reference), range(S["seeds"])
    fitted = ClassPCA(**answers["pca"][0])
    ppca = PPCAGenerator(fitted)
    asked = torch.arange(n) % CLASSES
    order = [images_in_turn(train, n, seed) for seed in seeds]
    kinds = {
        "real, new": [images_in_turn(test, n, seed) for seed in seeds],
        "the cheat": [
            torch.stack([train.of_class(int(k)).pixels[seed] for k in asked]) for seed in seeds
        ],
        **{
            f"PCA rebuilt, {k}": [fitted.rebuild(pixels, asked, k) for pixels in order]
            for k in S["rebuilt"]
        },
        f"PPCA, {S['components']}": [images_of(ppca, seed, n) for seed in seeds],
    }
    rows = {}
    for name, drawn_ in kinds.items():
        found = [
            {
                **measures(pixels, net, reference),
                "memorisation": memorisation(pixels, net, train, new),
            }
            for pixels in drawn_
        ]
        rows[name] = {m: experiment.entry([row[m] for row in found]) for m in found[0]}
    for name, kind in (
        ("ccGAN", "gan"),
        ("ccGAN, smoothing", "smoothed"),
        (f"ccGAN of {S['few']} %", "few"),
    ):
        facts = [answers[f"{kind}/{seed}"][1] for seed in seeds]
        rows[name] = {
            m: experiment.entry([f["curve"][m][-1] for f in facts])
            for m in facts[0]["curve"]
            if m != "steps"
        }
        rows[name]["memorisation"] = experiment.entry([f["memorisation"] for f in facts])
    return rows


def images_in_turn(images: Images, n: int, seed: int) -> Tensor:
    """n real images, drawn at random, of the digits 0, 1, 2 … in turn."""
    rng = generator(seed, "turn")
    drawn_ = [images.of_class(k).sample(-(-n // CLASSES), rng).pixels for k in range(CLASSES)]
    return torch.stack(drawn_, dim=1).flatten(0, 1)[:n]


def generator_gate(
    S: dict, answers: dict[str, Answer], kind: str, at_least: float | None
) -> dict:
    """Whether the GANs of one kind are finished."""
    curves = [answers[f"{kind}/{seed}"][1]["curve"] for seed in range(S["seeds"])]
    fd, accuracy = (
        [curve[name] for curve in curves] for name in ("fd_lenet", "conditional accuracy")
    )
    return gates.generator_gate(
        curves[0]["steps"], fd, answers["judge"][1]["floor"], accuracy, at_least
    )


def verdict(S: dict, pairs: dict, gate: dict) -> str:
    """What the run says of its main question, or which gate it missed."""
    missed = [
        f"{who}: {name} is {check['found']:g}, limit {check['limit']:g}"
        for who, found in gate.items()
        for name, check in found["checks"].items()
        if not check["passed"]
    ]
    if missed:
        return "Not judged: " + "; ".join(missed) + "."
    few, sentences = S["few"], []
    for arm, other, a, b in (
        ("gan", "ppca", "the ccGAN", "probabilistic PCA"),
        ("few", "classic", "a ccGAN that saw only those", "classic augmentation"),
    ):
        found = pairs[f"{arm}_{few} - {other}_{few}"]
        interval = statistics.Interval(found["mean"], *found["ci95"])
        said = statistics.verdict(interval, a, b, f"accuracy with {few} % real images")
        sentences.append(
            said[0].upper() + said[1:] + statistics.holm_caveat(interval, found["p_holm"])
        )
    return " ".join(sentences)
