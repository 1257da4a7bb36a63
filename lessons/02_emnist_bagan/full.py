"""Lesson 2's full run: BAGANs of starved training sets, their autoencoders alone, paper 4's conditional GAN, and
classifiers of the paper's width on what each of them adds; computed by `course run 2 --profile full`."""

from collections.abc import Sequence
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
from course_utils.gan.networks import (
    Autoencoder,
    BAGANGenerator,
    ClassGaussians,
    DCGenerator,
    Decoder,
    Encoder,
)
from course_utils.gan.recipes import fit_gaussians, train_autoencoder, train_bagan, train_ccgan

DATASET = "emnist"
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
    """The judge, then autoencoder, BAGAN and ccGAN of each starved set, then the classifiers of each arm and seed."""
    data = {"images": S["images"], "validation": S["validation"]}
    starved = {"size": S["size"], "left": S["left"], **data}
    judge = Job(
        "judge", "judge", {"updates": S["judge_updates"], "judged": S["judged"], **data}
    )
    made: dict[str, list[Job]] = {"autoencoder": [], "bagan": [], "ccgan": []}
    recipe = {name: S[f"ccgan_{name}"] for name in ("width", "lr", "falling", "steps")}
    for seed in range(S["gans"]):
        of_seed = {"seed": seed, "width": S["gan_width"], **starved}
        reported = {"reports": S["reports"], **of_seed}
        stages = Job(
            f"autoencoding/{seed}",
            "autoencoding",
            {"steps": S["ae_steps"], "latent": S["latent"], **of_seed},
        )
        game = {"steps": S["gan_steps"], "latent": S["latent"], **reported}
        made["autoencoder"].append(stages)
        made["bagan"].append(Job(f"game/{seed}", "game", game, (judge, stages)))
        made["ccgan"].append(
            Job(f"train_ccgan/{seed}", "ccgan", {**reported, **recipe}, (judge,))
        )
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
            found += [
                job(name, seed, of_seed[seed], arm="made") for name, of_seed in made.items()
            ]
            found.append(job("mixed", seed, made["bagan"][seed], *tuned, arm="mixed"))
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


def autoencoding(
    given: Given, *, seed: int, steps: int, latent: int, width: float, **starved: float
) -> Work:
    """BAGAN's first two stages: an autoencoder of all classes, and a Gaussian of each class in its latent space."""
    train = starved_set(given.data, seed, **starved).to(given.device)
    training = train_autoencoder(
        train,
        steps,
        seed,
        latent=latent,
        width=width,
        **evidence.in_pieces(given, reports=10),
    )
    for progress in training:
        yield progress.step / steps
    gaussians = fit_gaussians(training.G.encoder, train)
    weights = evidence.half(training.G.state_dict())
    tensors = {f"autoencoder.{name}": t for name, t in weights.items()}
    tensors |= {f"gaussians.{name}": t for name, t in gaussians.state_dict().items()}
    facts = {"losses": progress.losses, "latent": latent, "width": width, "kind": "autoencoder"}
    return tensors, facts


def restored_autoencoder(answer: Answer) -> tuple[Autoencoder, ClassGaussians]:
    """The autoencoder and its Gaussians from the answer of `autoencoding`."""
    tensors, facts = answer
    of = {
        part: {n.removeprefix(f"{part}."): t for n, t in tensors.items() if n.startswith(part)}
        for part in ("autoencoder", "gaussians")
    }
    size = facts["latent"], facts["width"]
    network = Autoencoder(Encoder(*size), Decoder(*size))
    network.load_state_dict(of["autoencoder"])
    return network, ClassGaussians(**of["gaussians"])


def game(
    given: Given,
    *,
    seed: int,
    steps: int,
    reports: int,
    latent: int,
    width: float,
    **starved: float,
) -> Work:
    """BAGAN's third stage, the game, and the measures of its images along the way."""
    train = starved_set(given.data, seed, **starved).to(given.device)
    network, gaussians = restored_autoencoder(given.needed[1])
    torch.manual_seed(seed)  # of D's new head
    training = train_bagan(
        train,
        network.to(given.device),
        gaussians.to(given.device),
        steps,
        seed,
        **evidence.in_pieces(given, reports),
    )
    weights, facts = yield from evidence.measured_training(
        given, training, steps, train, seed, draw=drawn
    )
    return weights, facts | {"latent": latent, "width": width, "kind": "bagan"}


def ccgan(
    given: Given,
    *,
    seed: int,
    steps: int,
    reports: int,
    width: float,
    lr: float,
    falling: Sequence[float],
    **starved: float,
) -> Work:
    """Paper 4's conditional GAN, which comes nearer to real images than BAGAN when both have so few, and its measures.

    It sees each class as often as the others, the starved one by repeating what is left of it.
    """
    train = starved_set(given.data, seed, **starved).to(given.device)
    training = train_ccgan(
        experiment.oversample(train, generator(seed, "ccgan")),
        steps,
        seed,
        capacity=width,
        lr=lr,
        **evidence.long_training(given, falling, reports),
    )
    weights, facts = yield from evidence.measured_training(given, training, steps, train, seed)
    return weights, facts | {"width": width, "kind": "ccgan"}


def drawn(G: nn.Module, labels: Tensor, rng: torch.Generator) -> Tensor:
    """One image by a BAGAN for each label, of a latent point of its class."""
    labels = labels.to(G.gaussians.mean.device)
    return gan.sample(G, G.gaussians.draw(labels, rng), labels)


def restored(answer: Answer) -> nn.Module:
    """A generator from the answer of `autoencoding`, `game` or `ccgan`."""
    tensors, facts = answer
    if facts["kind"] == "autoencoder":
        network, gaussians = restored_autoencoder(answer)
        return BAGANGenerator(network.decoder, gaussians).eval()
    if facts["kind"] == "bagan":
        size = facts["latent"], facts["width"]
        empty = ClassGaussians(
            torch.zeros(CLASSES, size[0]), torch.zeros(CLASSES, size[0], size[0])
        )
        G: nn.Module = BAGANGenerator(Decoder(*size), empty)
    else:
        G = DCGenerator(facts["width"], classes=CLASSES)
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
    batch: int,
    size: int,
    left: float,
    images: int,
    validation: int,
    ranges: str = "",
) -> Work:
    """The paper's classifier, trained on the set of one arm, and its answers after each number of `updates`.

    arm: what is done about the starved class: nothing ("starved"; "balanced" never starved it), "manual", "oversample",
    "class_weights", "noise", images of the needed generator ("made"), or half of those and half manual ("mixed").
    ranges: of manual copies; by default those that are best on validation images by the answers of the tuned jobs.
    """
    train, held_out, test = (
        part.to(given.device) for part in parts(given.data, images, validation)
    )
    rng = generator(seed, "arm")
    balanced, starved = balanced_and_starved(train, size, left, rng)
    tried = [answer for answer in given.needed if "ranges" in answer[1]]
    if tried:
        ranges = evidence.best_ranges(tried, held_out.labels.cpu())
    G = next(
        (restored(answer).to(given.device) for answer in given.needed if "kind" in answer[1]),
        None,
    )
    done = about(arm, G, RANGES.get(ranges, PAPER_2))(
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


def about(arm: str, G: nn.Module | None, ranges: Classic) -> experiment.Arm:
    """What an arm does about the starved class."""

    def by_hand(n: int, train: Images, rng: torch.Generator) -> Tensor:
        mine = train.of_class(STARVED)
        return augmented(
            mine.subset(torch.randint(len(mine), (n,), generator=rng)), ranges, rng
        ).pixels

    def made(n: int, train: Images, rng: torch.Generator) -> Tensor:
        draw = drawn if hasattr(G, "gaussians") else evidence.drawn
        return draw(G, torch.full((n,), STARVED, device=train.device), rng)

    def mixed(n: int, train: Images, rng: torch.Generator) -> Tensor:
        return torch.cat(
            [made(n // 2, train, rng).cpu(), by_hand(n - n // 2, train, rng).cpu()]
        )

    return {
        "starved": experiment.real,
        "balanced": experiment.real,
        "oversample": experiment.oversample,
        "class_weights": experiment.weighted,
        "noise": experiment.top_up(STARVED, experiment.noise),
        "manual": experiment.top_up(STARVED, by_hand),
        "made": experiment.top_up(STARVED, made),
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
        for kind in ("game", "train_ccgan")
    }
    gate = {
        "BAGAN": evidence.generator_gate(curves["game"], floor),
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
        "seeds": list(range(S["seeds"])),
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
    found: dict[str, list[dict[str, float]]] = {
        name: [] for name in ("real, new", "training set", "autoencoder")
    }
    for seed in seeds:
        rng = generator(seed, "arm")
        starved = balanced_and_starved(train, S["size"], S["left"], rng)[1]
        alone = restored(answers[f"autoencoding/{seed}"])
        for name, pixels in (
            ("real, new", evidence.images_in_turn(test, n, seed)),
            ("training set", experiment.repeats(turn, starved, rng)),
            ("autoencoder", evidence.images_of(alone, seed, n, CLASSES, drawn)),
        ):
            found[name].append(evidence.measures(pixels, net, reference))
    for kind, name in (("game", "BAGAN"), ("train_ccgan", "ccGAN")):
        ends = [answers[f"{kind}/{seed}"][1] for seed in seeds]
        found[name] = [
            {m: end["curve"][m][-1] for m in found["real, new"][0]}
            | {"memorisation": end["memorisation"]}
            for end in ends
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
