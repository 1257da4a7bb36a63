"""Lesson 2's full run: BAGANs of starved training sets, their autoencoders alone, paper 4's conditional GAN, and
classifiers of the paper's width on what each of them adds; computed by `course run 2 --profile full`."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import product

import torch
from torch import Tensor, nn

from course_utils import experiment
from course_utils.classify.networks import EMNISTCNN
from course_utils.classify.train import adadelta
from course_utils.core.seeds import generator
from course_utils.data.augment import PAPER_2, Classic, augmented
from course_utils.data.images import Images
from course_utils.data.sources import Dataset
from course_utils.evaluate import gates
from course_utils.experiment import evidence
from course_utils.experiment.full import Answer, Given, Job, Scoring, Work
from course_utils.gan import train as gan
from course_utils.gan.networks import BAGANGenerator
from course_utils.gan.recipes import fit_gaussians, train_autoencoder, train_bagan, train_ccgan

DATASET = "emnist"
WEIGHTS = ("train_bagan", "train_ccgan")  # whose images the lesson uses
STARVED = 0
CLASSES = 10
RANGES = {
    "paper": PAPER_2,
    "mild": Classic(rotation=10, shift=0.08, zoom=0.1),
    "wide": Classic(rotation=20, shift=0.1, shear=10, zoom=0.2),
}
"""Hand-made copies; which ranges the experiment takes is chosen on validation images."""

# ------------------------------------------------------------------ what is to be done


def jobs(S: dict) -> list[Job]:
    """The judge, then BAGAN and ccGAN of each starved set, then the classifiers of each arm and seed."""
    data = {"images": S["images"], "validation": S["validation"]}
    starved = {"size": S["size"], "left": S["left"], **data}
    judge = Job(
        "judge", "judge", {"updates": S["judge_updates"], "judged": S["judged"], **data}
    )
    recipes = {
        "bagan": ("ae_steps", "latent", "gan_width", "gan_steps"),
        "ccgan": ("ccgan_width", "ccgan_lr", "ccgan_falling", "ccgan_steps"),
    }
    made = {
        kind: [
            Job(
                f"train_{kind}/{seed}",
                kind,
                {
                    "seed": seed,
                    "reports": S["reports"],
                    **{name: S[name] for name in own},
                    **starved,
                },
                (judge,),
            )
            for seed in range(S["gans"])
        ]
        for kind, own in recipes.items()
    }
    return [judge, *(job for kind in made.values() for job in kind), *arms(S, starved, made)]


def arms(S: dict, starved: dict, made: dict[str, list[Job]]) -> list[Job]:
    """The classifiers: first those that choose the ranges of hand-made copies, then all arms, seed by seed."""
    every_job = {
        "width": S["width"],
        "updates": S["updates"],
        "batch": S["batch"],
        **starved,
    }

    def job(named: str, seed: int, *needs: Job, **arm_of: object) -> Job:
        name = f"{named}/{seed}"
        return Job(name, "classifier", {"seed": seed, **every_job, **arm_of}, needs)

    tuned = [
        job(f"tuned_{name}", seed, arm="manual", ranges=name)
        for name, seed in product(RANGES, range(S["tuned"]))
    ]
    found = tuned.copy()
    for seed in range(S["seeds"]):
        found += [
            job(name, seed, arm=name)
            for name in ("starved", "balanced", "oversample", "class_weights", "noise")
        ]
        found.append(job("manual", seed, *tuned, arm="manual"))
        if seed < S["gans"]:
            bagan, ccgan = made["bagan"][seed], made["ccgan"][seed]
            found += [
                job("autoencoder", seed, bagan, arm="autoencoder"),
                job("bagan", seed, bagan, arm="bagan"),
                job("ccgan", seed, ccgan, arm="ccgan"),
                job("mixed", seed, bagan, *tuned, arm="mixed"),
            ]
    return found


def parts(data: Dataset, images: int, validation: int) -> tuple[Images, Images, Images]:
    """(images to draw subsets from, validation set, test set); the last two are sealed."""
    return *evidence.training_and_validation(data["train"], images, validation), data["test"]


def balanced_and_starved(
    train: Images, size: int, left: float, rng: torch.Generator
) -> tuple[Images, Images]:
    """The paper's sets A and B: `size` random images, and the same with a share of `left` of the starved class."""
    balanced = train.sample(min(size, len(train)), rng)
    return balanced, balanced.subsample_class(STARVED, left, rng)


def starved_set(
    data: Dataset, seed: int, size: int, left: float, images: int, validation: int
) -> Images:
    """The starved training set of a seed."""
    train, _, _ = parts(data, images, validation)
    return balanced_and_starved(train, size, left, generator(seed, "arm"))[1]


# ------------------------------------------------------------------ judge and generators


def judge(given: Given, *, images: int, validation: int, **size: int) -> Work:
    """A LeNet trained on all training images judges what the generators make; the paper has none."""
    train, _, test = parts(given.data, images, validation)
    return (yield from evidence.judge(train, train, test, device=given.device, **size))


def bagan(
    given: Given,
    *,
    seed: int,
    reports: int,
    ae_steps: int,
    latent: int,
    gan_width: float,
    gan_steps: int,
    **starved: float,
) -> Work:
    """BAGAN's three stages, and the measures of its images along the way.

    The autoencoder alone is measured too, before the game trains its decoder further.
    """
    train = starved_set(given.data, seed, **starved).to(given.device)
    first = replace(given, checkpoint=given.checkpoint.with_suffix(".autoencoder.safetensors"))
    stage = train_autoencoder(
        train,
        ae_steps,
        seed,
        latent=latent,
        width=gan_width,
        **evidence.in_pieces(first, reports=10),
    )
    for progress in stage:
        # Not after the last report, which each further call makes again: a stop there would never be passed.
        if progress.step < ae_steps:
            yield progress.step / (ae_steps + gan_steps)
    gaussians = fit_gaussians(stage.G.encoder, train)
    G = BAGANGenerator(stage.G.decoder, gaussians).eval()
    net, reference, _ = evidence.restored_judge(given.needed[0])
    seen = evidence.images_of(G, seed, len(reference), CLASSES, drawn)
    of_stage = evidence.measures(seen, net, reference)
    images = {"autoencoder": made(G, train, seed)}

    torch.manual_seed(seed)  # of D's new head
    game = train_bagan(
        train, stage.G, gaussians, gan_steps, seed, **evidence.in_pieces(given, reports)
    )
    weights, facts = yield from evidence.measured_training(
        given, game, gan_steps, train, seed, draw=drawn
    )
    G.load_state_dict(weights)
    images |= {"bagan": made(G, train, seed), "shown": shown(G, seed)}
    return images, facts | {"autoencoder": of_stage}


def ccgan(
    given: Given,
    *,
    seed: int,
    reports: int,
    ccgan_width: float,
    ccgan_lr: float,
    ccgan_falling: Sequence[float],
    ccgan_steps: int,
    **starved: float,
) -> Work:
    """Paper 4's conditional GAN, which comes nearer to real images than BAGAN when both have so few, and its measures.

    It sees each class as often as the others, the starved one by repeating what is left of it.
    """
    train = starved_set(given.data, seed, **starved).to(given.device)
    training = train_ccgan(
        experiment.oversample(train, generator(seed, "ccgan")),
        ccgan_steps,
        seed,
        capacity=ccgan_width,
        lr=ccgan_lr,
        **evidence.long_training(given, ccgan_falling, reports),
    )
    weights, facts = yield from evidence.measured_training(
        given, training, ccgan_steps, train, seed
    )
    training.G.load_state_dict(weights)
    G = training.G.eval()
    return {"ccgan": made(G, train, seed), "shown": shown(G, seed)}, facts


def drawn(G: nn.Module, labels: Tensor, rng: torch.Generator) -> Tensor:
    """One image by G for each label; a BAGAN's of a latent point of its class."""
    if not isinstance(G, BAGANGenerator):
        return evidence.drawn(G, labels, rng)
    labels = labels.to(G.gaussians.mean.device)
    return gan.sample(G, G.gaussians.draw(labels, rng), labels)


def made(G: nn.Module, train: Images, seed: int) -> Tensor:
    """The images of the starved class by G that make it as large as the others: a generator of 4 MB in 0.2 MB."""

    def make(n: int, train: Images, rng: torch.Generator) -> Tensor:
        return drawn(G, torch.full((n,), STARVED), rng)

    return (
        experiment.top_up(STARVED, make)(train, generator(seed, "made"))
        .pixels[len(train) :]
        .cpu()
    )


def shown(G: nn.Module, seed: int) -> Tensor:
    """Ten images by G of each class, the classes in turn, to be looked at."""
    return evidence.images_of(G, seed, 10 * CLASSES, CLASSES, drawn)


# ------------------------------------------------------------------ classifiers


def classifier(
    given: Given,
    *,
    seed: int,
    arm: str,
    width: float,
    updates: Sequence[int],
    batch: int,
    size: int,
    left: float,
    images: int,
    validation: int,
    ranges: str = "",
) -> Work:
    """The paper's classifier, trained on the set of one arm, and its answers after each number of `updates`.

    arm: what is done about the starved class: nothing ("starved"; "balanced" never starved it), "manual", "oversample",
    "class_weights", "noise", images of the needed job ("autoencoder", "bagan", "ccgan"), or half of BAGAN's and half
    manual ones ("mixed"). ranges: of manual copies; by default those that are best on validation images by the answers
    of the tuned jobs.
    """
    train, held_out, test = (
        part.to(given.device) for part in parts(given.data, images, validation)
    )
    rng = generator(seed, "arm")
    balanced, starved = balanced_and_starved(train, size, left, rng)
    tried = [answer for answer in given.needed if "ranges" in answer[1]]
    if tried:
        ranges = evidence.best_ranges(tried, held_out.labels.cpu())
    of_generators = {
        name: pixels
        for tensors, facts in given.needed
        if "curve" in facts
        for name, pixels in tensors.items()
    }
    done = about(arm, of_generators, RANGES.get(ranges, PAPER_2))(
        balanced if arm == "balanced" else starved, rng
    )
    if isinstance(done, Images):
        done = experiment.Training(done)
    net = evidence.new_network(EMNISTCNN, seed, given.device, width=width)
    settings = {"optimizer": adadelta(), "class_weights": done.class_weights}
    answers, facts = yield from evidence.classifier(
        net, done.images, test, held_out, seed=seed, updates=updates, batch=batch, **settings
    )
    return answers, facts | {"ranges": ranges}


def about(arm: str, of_generators: dict[str, Tensor], ranges: Classic) -> experiment.Arm:
    """What an arm does about the starved class. of_generators: images of it, by the generator's name."""

    def by_hand(n: int, train: Images, rng: torch.Generator) -> Tensor:
        mine = train.of_class(STARVED)
        return augmented(
            mine.subset(torch.randint(len(mine), (n,), generator=rng)), ranges, rng
        ).pixels

    def by_generator(n: int, train: Images, rng: torch.Generator) -> Tensor:
        return of_generators[arm][:n]

    def mixed(n: int, train: Images, rng: torch.Generator) -> Tensor:
        half = of_generators["bagan"][: n // 2]
        return torch.cat([half, by_hand(n - n // 2, train, rng).cpu()])

    return {
        "starved": experiment.real,
        "balanced": experiment.real,
        "oversample": experiment.oversample,
        "class_weights": experiment.weighted,
        "noise": experiment.top_up(STARVED, experiment.noise),
        "manual": experiment.top_up(STARVED, by_hand),
        "autoencoder": experiment.top_up(STARVED, by_generator),
        "bagan": experiment.top_up(STARVED, by_generator),
        "ccgan": experiment.top_up(STARVED, by_generator),
        "mixed": experiment.top_up(STARVED, mixed),
    }[arm]


# ------------------------------------------------------------------ results

QUESTIONS = [
    ("balanced", "starved"),
    ("bagan", "starved"),
    ("bagan", "manual"),
    ("bagan", "oversample"),
    ("bagan", "autoencoder"),
    ("ccgan", "starved"),
    ("ccgan", "manual"),
    ("ccgan", "oversample"),
    ("ccgan", "bagan"),
    ("mixed", "manual"),
    ("manual", "starved"),
    ("manual", "oversample"),
    ("class_weights", "oversample"),
    ("noise", "starved"),
]
"""The comparisons, fixed before the run."""


def scoring(S: dict, data: Dataset) -> Scoring:
    """What turns the answer of a classifier into its metrics."""
    _, held_out, test = parts(data, S["images"], S["validation"])
    return partial(evidence.scored, test=test.labels, held_out=held_out.labels)


def results(S: dict, data: Dataset, answers: dict[str, Answer]) -> dict:
    """What the full run found: measures of the images, accuracies of the arms at each budget, gates and the verdict."""
    scores = evidence.Scores(answers, scoring(S, data))
    rows = measured(S, data, answers)
    floor = rows["training set"]["fd_lenet"]["mean"]
    curves = {
        kind: [answers[f"{kind}/{seed}"][1]["curve"] for seed in range(S["gans"])]
        for kind in ("train_bagan", "train_ccgan")
    }
    gate = {
        "BAGAN": evidence.generator_gate(curves["train_bagan"], floor),
        "ccGAN": evidence.generator_gate(curves["train_ccgan"], floor),
        "classifier": gates.classifier_gate(
            S["updates"], [score["validation"] for score in scores.arms["starved"]]
        ),
    }
    pairs = scores.questions(QUESTIONS)
    recall = f"recall_{STARVED}"
    per_class = [f"{score}_{k}" for score in evidence.PER_CLASS for k in range(CLASSES)]
    return {
        "title": "Can a GAN feed a starved class?",
        "seeds": list(range(S["gans"])),  # of all arms; those without a generator have more
        "updates": {arm: updates[-1] for arm, updates in scores.updates.items()},
        "baseline": "starved",
        "classic": "manual",
        **scores.tables(
            ("accuracy", "macro_f1", recall), dict.fromkeys(scores.arms, "starved"), per_class
        ),
        "pairs": pairs,
        "recalls": {f"{a} - {b}": scores.paired(a, b, recall) for a, b in QUESTIONS},
        "curves": {
            "updates": S["updates"],
            "arms": scores.curves(),
            "generators": {
                f"{kind}/{seed}": curve
                for kind, of_seeds in curves.items()
                for seed, curve in enumerate(of_seeds)
            },
        },
        "measures": rows,
        "gate": gate,
        "ranges": answers["manual/0"][1]["ranges"],
        "judge_accuracy": round(answers["judge"][1]["test_accuracy"], 4),
        "floor": round(floor, 4),
        "verdict": verdict(S, pairs, gate),
    }


def measured(S: dict, data: Dataset, answers: dict[str, Answer]) -> dict[str, dict]:
    """All measures of new real images, of the training sets and of what each generator makes, over seeds.

    The fd_lenet of the training sets is the floor of the gates: so few images lie some way off themselves, and nobody
    can ask a generator to know more than they tell.
    """
    train, _, test = parts(data, S["images"], S["validation"])
    net, reference, _ = evidence.restored_judge(answers["judge"])
    n, seeds = len(reference), range(S["gans"])
    turn = torch.arange(n) % CLASSES
    found: dict[str, list[dict[str, float]]] = {"real, new": [], "training set": []}
    for seed in seeds:
        rng = generator(seed, "arm")
        starved = balanced_and_starved(train, S["size"], S["left"], rng)[1]
        for name, pixels in (
            ("real, new", evidence.images_in_turn(test, n, seed)),
            ("training set", experiment.repeats(turn, starved, rng)),
        ):
            found[name].append(evidence.measures(pixels, net, reference))
    of_bagan = [answers[f"train_bagan/{seed}"][1] for seed in seeds]
    of_ccgan = [answers[f"train_ccgan/{seed}"][1] for seed in seeds]
    found["autoencoder"] = [facts["autoencoder"] for facts in of_bagan]
    for name, of_seeds in (("BAGAN", of_bagan), ("ccGAN", of_ccgan)):
        found[name] = [
            {m: facts["curve"][m][-1] for m in found["real, new"][0]}
            | {"memorisation": facts["memorisation"]}
            for facts in of_seeds
        ]
    return {
        name: {m: experiment.entry([row[m] for row in rows]) for m in rows[0]}
        for name, rows in found.items()
    }


def verdict(S: dict, pairs: dict, gate: dict) -> str:
    """What the run says of the paper's claims at its smallest size, or which gate keeps it from judging one."""
    others = {
        "starved": "the starved set",
        "manual": "manual augmentation",
        "oversample": "repeated images",
        "autoencoder": "its autoencoder alone",
    }
    questions = [
        (f"{arm} - {other}", (name, "classifier"), name, b, "accuracy at 1 %")
        for arm, name in (("bagan", "BAGAN"), ("ccgan", "ccGAN"))
        for other, b in others.items()
        if f"{arm} - {other}" in pairs
    ]
    return evidence.verdict(pairs, gate, questions)
