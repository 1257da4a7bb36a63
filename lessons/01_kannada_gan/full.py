"""Lesson 1's full run: a finished conditional GAN of each seed, and classifiers with its images in place of real ones or
added to them, with classic augmentation and with placebos; computed by `course run 1 --profile full`."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from course_utils import experiment
from course_utils.classify.networks import KannadaCNN
from course_utils.classify.train import rmsprop
from course_utils.core.seeds import generator
from course_utils.data.augment import PAPER_1
from course_utils.data.images import Images
from course_utils.data.sources import Dataset
from course_utils.evaluate import gates
from course_utils.experiment import evidence
from course_utils.experiment.full import Answer, Given, Job, Scoring, Work
from course_utils.gan.networks import ACGenerator
from course_utils.gan.recipes import train_projection_gan

DATASET = "kannada"
WEIGHTS = ("gan",)
TEST = "dig"  # Dig-MNIST, by other writers: what the paper's accuracies rest on
ARMS = (
    "real",
    "gan_100",
    "noise_100",
    "classic",
    "classic+gan_100",
    "gan_added",
    "repeat_added",
)

# ------------------------------------------------------------------ what is to be done


def jobs(S: dict) -> list[Job]:
    """The judge, then seed by seed the GAN and the classifiers of each arm: a run that is cut short has whole seeds."""
    data = {"images": S["images"], "validation": S["validation"]}
    judge = Job(
        "judge", "judge", {"updates": S["judge_updates"], "judged": S["judged"], **data}
    )
    recipe = {name: S[f"gan_{name}"] for name in ("width", "lr", "falling", "steps", "reports")}
    every_job = {
        name: S[name] for name in ("width", "updates", "lr", "batch", "replaced", "added")
    } | data

    def classifier(arm: str, seed: int, *needs: Job) -> Job:
        return Job(
            f"{arm}/{seed}", "classifier", {"seed": seed, "arm": arm, **every_job}, needs
        )

    of_seeds = []
    for seed in range(S["gans"]):
        gan = Job(f"gan/{seed}", "gan", {"seed": seed, **recipe, **data}, (judge,))
        of_seeds += [gan]
        of_seeds += [classifier(arm, seed, *([gan] if "gan" in arm else [])) for arm in ARMS]
    more = range(S["gans"], S["seeds"])
    return [
        judge,
        *of_seeds,
        *(classifier(arm, seed) for seed in more for arm in ("real", "classic")),
    ]


def parts(data: Dataset, images: int, validation: int) -> tuple[Images, Images, Images]:
    """(training set, validation set, test set); the last two are sealed."""
    return *evidence.training_and_validation(data["train"], images, validation), data[TEST]


# ------------------------------------------------------------------ judge and GANs


def judge(given: Given, *, images: int, validation: int, **size: int) -> Work:
    """A LeNet trained on the training images judges the GANs; the paper has none.

    Its new real images are the validation images, drawn like the training images: those of the test set are by other
    hands, and lie farther from the training images than a GAN's do.
    """
    train, held_out, _ = parts(given.data, images, validation)
    return (yield from evidence.judge(train, train, held_out, device=given.device, **size))


def gan(
    given: Given,
    *,
    seed: int,
    width: float,
    lr: float,
    falling: Sequence[float],
    steps: int,
    reports: int,
    images: int,
    validation: int,
) -> Work:
    """A conditional GAN of all training images, and its measures along the way.

    The paper's is fully connected, without labels, and a person labels what can be read of its images (section 5). This
    one is asked for a class, with paper 5's generator, which came nearest to real images in the time there is, and
    trained until it is finished: were the claim to fail, it would not be for poor images.
    """
    train = parts(given.data, images, validation)[0].to(given.device)
    torch.manual_seed(seed)
    training = train_projection_gan(
        train,
        steps,
        seed,
        G=ACGenerator(width=width),
        lr=lr,
        **evidence.long_training(given, falling, reports),
    )
    weights, facts = yield from evidence.measured_training(given, training, steps, train, seed)
    return weights, facts | {"width": width}


def restored(answer: Answer) -> ACGenerator:
    """A generator from the answer of `gan`."""
    tensors, facts = answer
    G = ACGenerator(width=facts["width"])
    G.load_state_dict(tensors)  # float16 there, float32 here
    return G.eval()


# ------------------------------------------------------------------ classifiers


def classifier(
    given: Given,
    *,
    seed: int,
    arm: str,
    width: float,
    updates: Sequence[int],
    lr: float,
    batch: int,
    replaced: int,
    added: int,
    images: int,
    validation: int,
) -> Work:
    """The paper's CNN (Figure 4) trained on the set of one arm, and its answers after each number of `updates`.

    arm: see `training_set`; classic augmentation in the paper's ranges (Table 1) where its name begins so.
    """
    train, held_out, test = (
        part.to(given.device) for part in parts(given.data, images, validation)
    )
    G = restored(given.needed[0]).to(given.device) if given.needed else None
    made = training_set(train, arm, G, replaced, added, generator(seed, "arm"))
    answers, facts = yield from evidence.classifier(
        evidence.new_network(KannadaCNN, seed, given.device, width=width),
        made,
        test,
        held_out,
        seed=seed,
        updates=updates,
        optimizer=rmsprop(lr),
        batch=batch,
        transform=PAPER_1 if arm.startswith("classic") else None,
    )
    return answers, facts


def training_set(
    train: Images,
    arm: str,
    G: ACGenerator | None,
    replaced: int,
    added: int,
    rng: torch.Generator,
) -> Images:
    """The training set of an arm.

    gan_100: images of G in the place of `replaced` real ones of their class; noise_100: noise in the same places.
    gan_added: `added` images of G beside the real ones; repeat_added: as many real ones once more.
    """
    if arm in ("real", "classic"):
        return train
    n = replaced if arm.endswith("100") else added
    places = torch.randperm(len(train), generator=rng)[:n]
    labels = train.labels[places.to(train.device)]

    def made(labels: Tensor) -> Tensor:
        return evidence.drawn(G, labels, rng)

    if arm == "repeat_added":
        return train.merge(train.subset(places))
    if arm == "gan_added":
        return train.merge(Images(made(labels), labels, train.classes, "made"))
    pixels = train.pixels.clone()
    new = experiment.noise(n, train, rng) if arm == "noise_100" else made(labels)
    pixels[places.to(pixels.device)] = new.to(pixels)
    return train.with_pixels(pixels)


# ------------------------------------------------------------------ results

QUESTIONS = [
    ("gan_100", "real"),
    ("gan_100", "noise_100"),
    ("gan_added", "real"),
    ("gan_added", "repeat_added"),
    ("gan_added", "classic"),
    ("classic", "real"),
    ("classic+gan_100", "classic"),
]
"""The comparisons, fixed before the run."""


def scoring(S: dict, data: Dataset) -> Scoring:
    """What turns the answer of a classifier into its metrics."""
    _, held_out, test = parts(data, S["images"], S["validation"])
    return partial(evidence.scored, test=test.labels, held_out=held_out.labels)


def results(S: dict, data: Dataset, answers: dict[str, Answer]) -> dict:
    """What the full run found: measures of the images, accuracies of the arms at each budget, gates and the verdict."""
    scores = evidence.Scores(answers, scoring(S, data))
    floor = answers["judge"][1]["floor"]
    curves = [answers[f"gan/{seed}"][1]["curve"] for seed in range(S["gans"])]
    gate = {
        "GAN": evidence.generator_gate(curves, floor),
        "classifier": gates.classifier_gate(
            S["updates"], [score["validation"] for score in scores.arms["real"]]
        ),
    }
    pairs = scores.questions(QUESTIONS)
    per_class = [
        f"{score}_{k}" for score in evidence.PER_CLASS for k in range(len(data[TEST].classes))
    ]
    return {
        "title": "Can a GAN's digits make a classifier better?",
        "seeds": list(range(S["gans"])),  # of all arms; those without a GAN have more
        "updates": {arm: updates[-1] for arm, updates in scores.updates.items()},
        "baseline": "real",
        "classic": "classic",
        **scores.tables(
            ("accuracy", "macro_f1"), dict.fromkeys(scores.arms, "real"), per_class
        ),
        "pairs": pairs,
        "curves": {
            "updates": S["updates"],
            "arms": scores.curves(),
            "generators": {f"gan/{seed}": curve for seed, curve in enumerate(curves)},
        },
        "measures": measured(S, data, answers),
        "gate": gate,
        "judge_accuracy": round(answers["judge"][1]["test_accuracy"], 4),
        "floor": round(floor, 4),
        "verdict": verdict(S, pairs, gate),
    }


def measured(S: dict, data: Dataset, answers: dict[str, Answer]) -> dict[str, dict]:
    """All measures of new real images, of the two sets by other hands and of the GANs at their end, over seeds."""
    net, reference, _ = evidence.restored_judge(answers["judge"])
    seeds = range(S["gans"])
    _, held_out, dig = parts(data, S["images"], S["validation"])
    rows = {}
    for name, images in (
        ("real, new", held_out),
        ("real, test set", data["test"]),
        ("real, Dig-MNIST", dig),
    ):
        found = [
            evidence.measures(
                evidence.images_in_turn(images, len(reference), seed), net, reference
            )
            for seed in seeds
        ]
        rows[name] = {m: experiment.entry([row[m] for row in found]) for m in found[0]}
    facts = [answers[f"gan/{seed}"][1] for seed in seeds]
    rows["GAN"] = {
        m: experiment.entry([f["curve"][m][-1] for f in facts]) for m in rows["real, new"]
    } | {"memorisation": experiment.entry([f["memorisation"] for f in facts])}
    return rows


def verdict(S: dict, pairs: dict, gate: dict) -> str:
    """What the run says of the paper's claim and of the larger set that it asks for, or which gate keeps it from it."""
    who, of = ("GAN", "classifier"), "accuracy on Dig-MNIST"
    questions = (
        ("gan_100 - real", "100 GAN images in the place of real ones", "real ones alone"),
        ("gan_added - repeat_added", "adding GAN images", "repeating real ones"),
        ("gan_added - classic", "adding GAN images", "classic augmentation"),
    )
    return evidence.verdict(pairs, gate, [(pair, who, a, b, of) for pair, a, b in questions])
