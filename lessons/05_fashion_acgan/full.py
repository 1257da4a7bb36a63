"""Lesson 5's full run: conditional GANs of all training images and of each seed's own few, and classifiers of each share
with their images, with classic augmentation and with placebos; computed by `course run 5 --profile full`."""

from collections.abc import Sequence
from functools import partial
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils import experiment
from course_utils.classify.networks import EMNISTCNN, LeNet
from course_utils.classify.train import adam
from course_utils.core.seeds import generator
from course_utils.data.augment import Classic
from course_utils.data.images import Images
from course_utils.data.sources import Dataset
from course_utils.experiment import evidence
from course_utils.experiment.full import Answer, Given, Job, Scoring, Work
from course_utils.gan.networks import ACGenerator
from course_utils.gan.recipes import Training, train_acgan, train_projection_gan

DATASET = "fashion"
TRAIN_SHARE = 0.7  # section VI: 70 % of all images to train on
ALL = 100
WEIGHTS = ("gan_of_100",)  # which the lesson uses

# ------------------------------------------------------------------ classic augmentation


class Field:
    """Classic augmentation as the field does it with clothes: mirrored or not, shifted by up to 2 pixels, turned, zoomed."""

    ranges = Classic(rotation=5, shift=2 / 28, zoom=0.1)

    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """x: B × 1 × 28 × 28 in [-1, 1] → the same shape and range."""
        turned = torch.rand(len(x), generator=rng) < 0.5
        return self.ranges(
            torch.where(turned[:, None, None, None].to(x.device), x.flip(3), x), rng
        )


def cropped(x: Tensor, rng: torch.Generator) -> Tensor:
    """Each image shifted by whole pixels, up to 2 in x and in y, and mirrored or not: no blur, as in image contests."""
    padded = F.pad(x, (2, 2, 2, 2), mode="replicate")
    dx, dy = torch.randint(0, 5, (2, len(x)), generator=rng)
    side = torch.arange(x.shape[-1])
    rows, cols = (dy[:, None] + side)[:, :, None], (dx[:, None] + side)[:, None, :]
    shifted = padded[torch.arange(len(x))[:, None, None], 0, rows, cols][:, None]
    turned = torch.rand(len(x), generator=rng) < 0.5
    return torch.where(turned[:, None, None, None].to(x.device), shifted.flip(3), shifted)


RANGES = {
    "slight": Classic(rotation=2, shift=0.02, zoom=0.03),
    "cropped": cropped,
    "field": Field(),
}
"""Drawn afresh for each batch; which of them a share's experiment takes is chosen on validation images."""

# ------------------------------------------------------------------ what is to be done


def jobs(S: dict) -> list[Job]:
    """The judge, then the GANs of each seed, then the classifiers of each share, arm and seed."""
    data = {"images": S["images"], "validation": S["validation"]}
    judge = Job(
        "judge", "judge", {"updates": S["judge_updates"], "judged": S["judged"], **data}
    )
    recipe = {name: S[name] for name in ("recipe", "width", "lr", "falling", "reports")} | data
    gans = {
        share: [
            Job(
                f"gan_of_{share}/{seed}",
                "gan",
                {"seed": seed, "share": share, "steps": S["steps"][str(share)], **recipe},
                (judge,),
            )
            for seed in range(S["seeds"])
        ]
        for share in S["shares"]
    }
    classifiers = [job for share in S["shares"] for job in arms(S, share, gans)]
    return [judge, *(job for share in gans.values() for job in share), *classifiers]


def arms(S: dict, share: int, gans: dict[int, list[Job]]) -> list[Job]:
    """The classifiers of one share: first those that choose the ranges of classic augmentation, then all arms."""
    data = {"images": S["images"], "validation": S["validation"]}
    every_job = {"share": share, "batch": S["batch"], "lr": S["rate"], **data}
    every_job["updates"] = S["updates"][str(share)]

    def job(arm: str, seed: int, *needs: Job, **arm_of: object) -> Job:
        name = f"{arm}_{share}/{seed}"
        return Job(name, "classifier", {"seed": seed, **every_job, **arm_of}, needs)

    tuned = [
        job(f"tuned_{name}", seed, ranges=name)
        for name, seed in product(RANGES, range(S["tuned"]))
    ]
    found = tuned.copy()
    for seed in range(S["seeds"]):
        G = gans[share][seed]
        found += [
            job("real", seed),
            job("classic", seed, *tuned, classic=True),
            job("mixup", seed, mixup=S["mixup"]),
            job("repeat", seed, fill="repeat"),
            job("gan", seed, G, fill="gan"),
            job("classic+gan", seed, G, *tuned, fill="gan", classic=True),
            # what another classifier changes by itself
            job("same_gan_and_subset", seed, gans[share][0], fill="gan", subset=0),
        ]
        if share < ALL:
            found.append(job("noise", seed, fill="noise"))
            found.append(job("gan_all", seed, gans[ALL][seed], fill="gan"))
        if share == S["ratio_share"]:
            found += [job(f"ratio_{r:g}", seed, G, fill="gan", ratio=r) for r in S["ratios"]]
        if share == S["wide_share"]:
            wide = {"wide": True}
            found += [
                job("wide_real", seed, **wide),
                job("wide_gan", seed, G, fill="gan", **wide),
                job("wide_classic", seed, *tuned, classic=True, **wide),
            ]
    return found


def parts(data: Dataset, images: int, validation: int) -> tuple[Images, Images, Images]:
    """(training set, validation set, test set) of the paper's split of all images; the last two are sealed."""
    splits = data.splits.values()
    whole = Images(
        torch.cat([part.pixels for part in splits]),
        torch.cat([part.labels for part in splits]),
        data["train"].classes,
        "all images",
    )
    train, test = whole.split(TRAIN_SHARE, generator(round(100 * TRAIN_SHARE), "paper 5"))
    test = test.sample(len(test), generator(0, "parts")).seal()
    return *evidence.training_and_validation(train, images, validation), test


def kept(train: Images, share: int, seed: int) -> Images:
    """The real images, `share` % of them, that a researcher has: each seed's own."""
    return train if share == ALL else train.split(share / 100, generator(seed, "arm"))[0]


# ------------------------------------------------------------------ judge and GANs


def train_steady(
    train: Images, steps: int, seed: int, *, width: float, **settings: object
) -> Training:
    """Train the paper's generator against a steadier discriminator than the paper's; see `train_projection_gan`."""
    torch.manual_seed(seed)
    return train_projection_gan(train, steps, seed, G=ACGenerator(width=width), **settings)


RECIPES = {"ACGAN": train_acgan, "projection": train_steady}
"""The paper's own training (section VII), and the best that we know."""


def judge(given: Given, *, images: int, validation: int, **size: int) -> Work:
    """A LeNet trained on all training images judges those of the GANs; the paper names no judge for its 88 %."""
    train, _, test = parts(given.data, images, validation)
    return (yield from evidence.judge(train, train, test, device=given.device, **size))


def gan(
    given: Given,
    *,
    recipe: str,
    seed: int,
    share: int,
    width: float,
    lr: float,
    falling: Sequence[float],
    steps: int,
    reports: int,
    images: int,
    validation: int,
) -> Work:
    """A GAN with the paper's generator, trained by one of `RECIPES`, and its measures along the way.

    The paper trains 1,400 epochs at a rate that it does not name. Here the rate is `lr` at first and falls (`falling`,
    see `evidence.at_rest`), and the average of G has a memory of a thousand steps: both let a shorter training come to
    rest.
    """
    train = kept(parts(given.data, images, validation)[0], share, seed).to(given.device)
    training = RECIPES[recipe](
        train,
        steps,
        seed,
        width=width,
        lr=lr,
        **evidence.long_training(given, falling, reports),
    )
    weights, facts = yield from evidence.measured_training(given, training, steps, train, seed)
    return weights, facts | {"width": width}


# ------------------------------------------------------------------ classifiers


def classifier(
    given: Given,
    *,
    seed: int,
    share: int,
    updates: Sequence[int],
    lr: float,
    batch: int,
    images: int,
    validation: int,
    fill: str = "",
    ratio: float = 1.0,
    classic: bool = False,
    ranges: str = "",
    mixup: float = 0.0,
    wide: bool = False,
    subset: int | None = None,
) -> Work:
    """A LeNet trained on the set of one arm, and its answers after each number of `updates`.

    fill: what is added to the real images, `ratio` for each: images of the needed GAN ("gan"), the real ones once
    more ("repeat") or noise ("noise"). classic: with classic augmentation, in the ranges that are best on validation
    images by the answers of the jobs that tried each; or in these `ranges`. wide: a network that can overfit in place
    of LeNet. subset: whose seed draws the real images; by default the arm's own.
    """
    train, held_out, test = (
        part.to(given.device) for part in parts(given.data, images, validation)
    )
    if classic:
        tried = [answer for answer in given.needed if "ranges" in answer[1]]
        ranges = evidence.best_ranges(tried, held_out.labels.cpu())
    real = kept(train, share, seed if subset is None else subset)
    G = next((answer for answer in given.needed if "curve" in answer[1]), None)
    made = filled(real, fill, ratio, G, generator(seed, "fill"))
    kind = {"network": EMNISTCNN, "width": 0.5} if wide else {"network": LeNet}
    net = evidence.new_network(seed=seed, device=given.device, **kind)
    settings = {"seed": seed, "updates": updates, "batch": batch, "mixup": mixup}
    settings["optimizer"] = adam(lr)
    transform = RANGES[ranges] if ranges else None
    answers, facts = yield from evidence.classifier(
        net, made, test, held_out, transform=transform, **settings
    )
    return answers, facts | {"ranges": ranges}


def filled(
    real: Images, fill: str, ratio: float, G: Answer | None, rng: torch.Generator
) -> Images:
    """The real images and, for each, `ratio` others of its class; without `fill` as they are."""
    if not fill:
        return real

    def by_gan(labels: Tensor, images: Images, rng: torch.Generator) -> Tensor:
        return evidence.drawn(restored(G).to(images.device), labels, rng)

    make = {"gan": by_gan, "repeat": experiment.repeats}.get(
        fill, lambda labels, images, rng: experiment.noise(len(labels), images, rng)
    )
    return experiment.added(make, ratio)(real, rng)


def restored(answer: Answer) -> ACGenerator:
    """A generator from the answer of `gan`."""
    tensors, facts = answer
    G = ACGenerator(width=facts["width"])
    G.load_state_dict(tensors)  # float16 there, float32 here
    return G.eval()


# ------------------------------------------------------------------ results

QUESTIONS = [
    ("gan_{}", "real_{}"),
    ("gan_{}", "repeat_{}"),
    ("gan_{}", "classic_{}"),
    ("classic+gan_{}", "classic_{}"),
    ("classic_{}", "real_{}"),
    ("mixup_{}", "real_{}"),
    ("gan_all_{}", "gan_{}"),
    ("wide_gan_{}", "wide_real_{}"),
    ("wide_gan_{}", "wide_classic_{}"),
]
"""The comparisons of each share, fixed before the run; {} stands for the share."""


def scoring(S: dict, data: Dataset) -> Scoring:
    """What turns the answer of a classifier into its metrics."""
    _, held_out, test = parts(data, S["images"], S["validation"])
    return partial(evidence.scored, test=test.labels, held_out=held_out.labels)


def results(S: dict, data: Dataset, answers: dict[str, Answer]) -> dict:
    """What the full run found: measures of the images, accuracies of the arms at each budget, gates and the verdict."""
    _, _, test = parts(data, S["images"], S["validation"])
    scores = evidence.Scores(answers, scoring(S, data))
    floor = answers["judge"][1]["floor"]
    curves = {
        share: [answers[f"gan_of_{share}/{seed}"][1]["curve"] for seed in range(S["seeds"])]
        for share in sorted(S["shares"], reverse=True)
    }
    at_least = {ALL: S["gate"]}  # the paper names no accuracy of GANs of few images
    gate = {
        gan_name(share): evidence.generator_gate(curves[share], floor, at_least.get(share))
        for share in sorted(S["shares"], reverse=True)
    } | {
        classifier_name(share): evidence.gates.classifier_gate(
            scores.updates[f"real_{share}"],
            [score["validation"] for score in scores.arms[f"real_{share}"]],
        )
        for share in sorted(S["shares"], reverse=True)
    }
    pairs = scores.questions(
        [
            (a.format(share), b.format(share))
            for share in sorted(S["shares"], reverse=True)
            for a, b in QUESTIONS
        ]
    )
    baseline = {arm: f"real_{arm.rpartition('_')[2]}" for arm in scores.arms}
    return {
        "title": "Do generated clothes make a classifier better?",
        "seeds": list(range(S["seeds"])),
        "updates": {arm: updates[-1] for arm, updates in scores.updates.items()},
        "baseline": f"real_{ALL}",
        "classic": f"classic_{ALL}",
        **scores.tables(("accuracy", "macro_f1"), baseline),
        "pairs": pairs,
        "curves": {
            "updates": scores.updates,
            "arms": scores.curves(),
            "generators": {
                f"gan_of_{share}/{seed}": curve
                for share, of_seeds in curves.items()
                for seed, curve in enumerate(of_seeds)
            },
        },
        "measures": measured(S, test, answers),
        "gate": gate,
        "spread": spread(S, scores),
        "ranges": {
            str(share): answers[f"classic_{share}/0"][1]["ranges"]
            for share in sorted(S["shares"], reverse=True)
        },
        "judge_accuracy": round(answers["judge"][1]["test_accuracy"], 4),
        "floor": round(floor, 4),
        "verdict": verdict(S, pairs, gate),
    }


def gan_name(share: int) -> str:
    """The GANs of a share, in words."""
    return "GAN" if share == ALL else f"GAN of {share} %"


def classifier_name(share: int) -> str:
    """The classifiers of a share, in words."""
    return f"classifier of {share} %"


def spread(S: dict, scores: evidence.Scores) -> dict[str, float]:
    """Standard deviations of accuracy at the first share, in points: of all, and with GAN and subset fixed."""
    share = S["shares"][0]
    kinds = {
        "all": f"gan_{share}",
        "same GAN and subset": f"same_gan_and_subset_{share}",
    }
    return {
        name: round(float(100 * scores.values(arm).std(ddof=1)), 4)
        for name, arm in kinds.items()
    }


def measured(S: dict, test: Images, answers: dict[str, Answer]) -> dict[str, dict]:
    """All measures of new real images and of the GANs at their end, over seeds."""
    net, reference, _ = evidence.restored_judge(answers["judge"])
    seeds = range(S["seeds"])
    real = [
        evidence.measures(evidence.images_in_turn(test, len(reference), seed), net, reference)
        for seed in seeds
    ]
    rows = {"real, new": {m: experiment.entry([row[m] for row in real]) for m in real[0]}}
    for share in sorted(S["shares"], reverse=True):
        facts = [answers[f"gan_of_{share}/{seed}"][1] for seed in seeds]
        rows[gan_name(share)] = {
            m: experiment.entry([f["curve"][m][-1] for f in facts]) for m in real[0]
        } | {"memorisation": experiment.entry([f["memorisation"] for f in facts])}
    return rows


def verdict(S: dict, pairs: dict, gate: dict) -> str:
    """What the run says of the paper's claim at each share, or which gate keeps it from judging it."""
    questions = []
    for share in sorted(S["shares"], reverse=True):
        of = (
            "accuracy with all training images"
            if share == ALL
            else f"accuracy with {share} % of the images"
        )
        who = gan_name(share), classifier_name(share)
        for other, named in (
            ("real", "the real images alone"),
            ("classic", "classic augmentation"),
        ):
            pair = f"gan_{share} - {other}_{share}"
            questions.append((pair, who, "adding a GAN's images", named, of))
    return evidence.verdict(pairs, gate, questions)
