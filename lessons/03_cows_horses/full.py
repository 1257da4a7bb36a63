"""Lesson 3's full run: finished conditional GANs and CycleGANs of each seed and of each fold, and classifiers of both
networks with their pictures, with classic augmentation and with placebos; computed by `course run 3 --profile full`."""

from collections.abc import Sequence
from functools import lru_cache, partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils import experiment
from course_utils.classify import train as classify
from course_utils.classify.networks import AnimalCNN, SmallCNN
from course_utils.core.seeds import generator
from course_utils.data.augment import Classic
from course_utils.data.images import Images, resized, scaled
from course_utils.data.sources import Dataset
from course_utils.evaluate import classification, gates, samples
from course_utils.experiment import evidence
from course_utils.experiment.full import Answer, Given, Job, Scoring, Work
from course_utils.gan import train as gan
from course_utils.gan.diffaugment import diff_augment
from course_utils.gan.networks import DCGenerator, ResidualGenerator, Translators
from course_utils.gan.recipes import train_cyclegan, train_projection_gan

DATASET = "cows-horses"
HORSE, COW = 0, 1
TURNED = Classic(rotation=10, shift=0.1, zoom=0.1)
"""Classic augmentation in the lesson's ranges, which were not tuned; the paper has none."""

SETS = 5
"""How often samples are drawn to measure a generator, each time as many as half the photographs."""

ARMS = (
    "real",
    "classic",
    "placebo_noise",
    "placebo_repeat",
    "cgan_250",
    "cgan_500",
    "cgan_1000",
    "cyclegan",
    "cyclegan_kept",
)
FOLD_ARMS = (
    "real",
    "classic",
    "placebo_repeat",
    "one_animal",
    "few_views",
    "cgan_all",
    "cyclegan",
)
TODAYS, FOLD = "today's ", "fold "
"""What the names of arms begin with whose classifier is today's CNN: on the paper's split, and on animals left out."""

# ------------------------------------------------------------------ what is to be done


def jobs(S: dict) -> list[Job]:
    """The judge, then split by split the two generators and the classifiers that see their pictures.

    A split is the paper's, once a seed, or a fold, in which a cow and a horse are left out; each has generators of its
    own.
    """
    judge = Job("judge", "judge", {"side": S["side"], "updates": S["judge_updates"]})
    found = [judge]
    for seed in range(S["seeds"]):
        found += of_split(S, judge, "", {"side": S["side"], "seed": seed, "fold": None})
    for fold in range(S["folds"]):
        found += of_split(S, judge, FOLD, {"side": S["side"], "seed": fold, "fold": fold})
    return found


def of_split(S: dict, judge: Job, before: str, split: dict) -> list[Job]:
    """The jobs of a split, whose names begin with `before`."""
    cgan = {name: S[f"cgan_{name}"] for name in ("width", "lr", "batch", "steps", "falling")}
    cyclegan = {name: S[f"cyclegan_{name}"] for name in ("width", "blocks", "layers", "steps")}
    made = {
        work: Job(
            f"{before}train_{work}/{split['seed']}",
            work,
            {**recipe, "reports": S["reports"], **split},
            (judge,),
        )
        for work, recipe in (("cgan", cgan), ("cyclegan", cyclegan))
    }

    def classifier(begins: str, arm: str, network: str, looks: Sequence[int]) -> Job:
        needs = [job for work, job in made.items() if arm.startswith(work)]
        trained = {"network": network, "updates": looks, "batch": S["batch"]}
        name = f"{begins}{arm}/{split['seed']}"
        return Job(name, "classifier", {"arm": arm, **trained, **split}, tuple(needs))

    if before == FOLD:
        todays = [classifier(FOLD, arm, "today's", S["fold_updates"]) for arm in FOLD_ARMS]
        return [*made.values(), *todays]
    both = (("", "the paper's"), (TODAYS, "today's"))
    arms = [classifier(begins, arm, net, S["updates"]) for begins, net in both for arm in ARMS]
    return [*made.values(), *arms]


def photographs(data: Dataset, side: int, fold: int | None) -> tuple[Images, Images]:
    """(training set, test set) of the paper's split or of a fold; the test set is sealed."""
    whole = small(data["objects"], side)
    if fold is None:
        sets = [
            whole.subset(torch.isin(whole.groups, data[name].groups))
            for name in ("train", "test")
        ]
    else:
        pair = [whole.of_class(k).groups.unique()[fold] for k in (COW, HORSE)]
        out = torch.isin(whole.groups, torch.stack(pair))
        sets = [whole.subset(~out), whole.subset(out)]
    return sets[0], sets[1].seal()


@lru_cache(maxsize=1)  # resizing takes a second, and each job needs it
def small(whole: Images, side: int) -> Images:
    """The same photographs, side × side pixels."""
    return whole.with_pixels(resized(whole.pixels, side))


# ------------------------------------------------------------------ judge and generators


def judge(given: Given, *, side: int, updates: int) -> Work:
    """Today's CNN, trained on the photographs of all twenty animals, judges the generators; the paper has none."""
    images = small(given.data["objects"], side).to(given.device)
    torch.manual_seed(0)
    net, rng = SmallCNN().to(given.device), generator(0, "judge")
    settings = {"updates": updates, "batch_size": 32, "generator": rng, "transform": TURNED}
    for n, _ in enumerate(classify.training(net, images, classify.adam(), **settings)):
        if n % 200 == 0:
            yield n / updates
    right = classify.logits(net, images).argmax(1) == images.labels
    return dict(net.state_dict()), {"train_accuracy": float(right.float().mean())}


def restored_judge(answer: Answer) -> SmallCNN:
    """The judge from the answer of `judge`."""
    net = SmallCNN()
    net.load_state_dict(answer[0])
    return net.eval()


def halves(train: Images, net: nn.Module) -> list[Tensor]:
    """The features of two random halves of the photographs.

    How far apart they lie is the floor: no photographs of these animals are left that a generator has not seen.
    """
    parts = train.split(0.5, generator(0, "halves"), by_group=False)
    return [samples.features(net, part.pixels) for part in parts]


def cgan(
    given: Given,
    *,
    side: int,
    seed: int,
    fold: int | None,
    width: float,
    lr: float,
    batch: int,
    steps: int,
    falling: Sequence[float],
    reports: int,
) -> Work:
    """A conditional GAN of a split's training photographs, and its measures along the way.

    It is not the paper's, whose learning rate is ten times the usual one; the lesson shows what comes of that. This one
    has upsampling in place of transposed convolutions, a spectrally normalised projection discriminator and DiffAugment,
    so that a claim that fails does not fail for poor pictures; its gate tells whether they are good enough.
    """
    train = photographs(given.data, side, fold)[0].to(given.device)
    training = train_projection_gan(
        train,
        steps,
        seed,
        width=width,
        lr=lr,
        batch=batch,
        augment=diff_augment,
        **evidence.long_training(given, falling, reports, classes=2),
    )
    net = restored_judge(given.needed[0])
    one, other = halves(train, net)
    weights, facts = yield from evidence.measured_training(
        given, training, steps, train, seed, judge=(net, one, None), sets=SETS
    )
    floor = samples.frechet_distance(one, other)
    return weights, facts | {"width": width, "shape": train.shape, "floor": floor}


def restored_cgan(answer: Answer) -> DCGenerator:
    """A generator from the answer of `cgan`."""
    tensors, facts = answer
    G = DCGenerator(facts["width"], classes=2, shape=tuple(facts["shape"]))
    G.load_state_dict(tensors)  # float16 there, float32 here
    return G.eval()


def cyclegan(
    given: Given,
    *,
    side: int,
    seed: int,
    fold: int | None,
    width: int,
    blocks: int,
    layers: int,
    steps: int,
    reports: int,
) -> Work:
    """A CycleGAN between a split's training cows and horses, and the measures of its translations along the way."""
    train = photographs(given.data, side, fold)[0].to(given.device)
    cows, horses = train.of_class(COW), train.of_class(HORSE)
    settings = {
        "fixed": (scaled(cows.pixels[:5]), scaled(horses.pixels[:5])),
        **evidence.in_pieces(given, reports),
    }
    size = {"width": width, "blocks": blocks}
    training = train_cyclegan(cows, horses, steps, seed, **size, layers=layers, **settings)
    net = restored_judge(given.needed[0])
    one, other = halves(train, net)
    weights, facts = yield from evidence.measured_training(
        given,
        training,
        steps,
        train,
        seed,
        judge=(net, one, None),
        draw=partial(translations_of, train),
        sets=SETS,
    )
    return weights, facts | size | {"floor": samples.frechet_distance(one, other)}


def restored_cyclegan(answer: Answer) -> Translators:
    """The two translators from the answer of `cyclegan`: AB draws cows as horses."""
    tensors, facts = answer
    size = {"width": facts["width"], "blocks": facts["blocks"]}
    G = Translators(*(ResidualGenerator(3, **size) for _ in ("AB", "BA")))
    G.load_state_dict(tensors)
    return G.eval()


def translations_of(
    train: Images, G: Translators, labels: Tensor, rng: torch.Generator
) -> Tensor:
    """A translated photograph for each label: of a random animal of the other class."""
    made = torch.empty((len(labels), *train.shape), dtype=torch.uint8, device=train.device)
    for label, translate, side in ((HORSE, G.AB, COW), (COW, G.BA, HORSE)):
        places = torch.nonzero(labels == label).flatten()
        photos = train.of_class(side).pixels
        pick = torch.randint(len(photos), (len(places),), generator=rng)
        made[places] = gan.sample(translate, scaled(photos[pick.to(photos.device)]))
    return made


# ------------------------------------------------------------------ classifiers


def classifier(
    given: Given,
    *,
    arm: str,
    network: str,
    updates: Sequence[int],
    batch: int,
    side: int,
    seed: int,
    fold: int | None,
) -> Work:
    """One of the two networks, trained on the set of one arm; after each number of `updates` the probability of a cow
    that it gives to each test photograph and to each training photograph."""
    train, test = (part.to(given.device) for part in photographs(given.data, side, fold))
    made = training_set(train, arm, given.needed, generator(seed, "arm"))
    if network == "the paper's":
        net = evidence.new_network(AnimalCNN, seed, given.device, side=side)
    else:
        net = evidence.new_network(SmallCNN, seed, given.device)
    training = classify.training(
        net,
        made,
        classify.adam(1e-4 if network == "the paper's" else 1e-3),
        updates=updates[-1],
        batch_size=batch,
        generator=generator(seed, "batches"),
        transform=TURNED if arm == "classic" else None,
    )
    said: dict[str, list[Tensor]] = {"test": [], "train": []}
    for n, _ in enumerate(training, 1):
        if n in updates:
            for name, shown in (("test", test), ("train", train)):
                said[name].append(classify.logits(net, shown).softmax(1)[:, COW].cpu())
            yield n / updates[-1]
    answers = {name: torch.stack(probabilities) for name, probabilities in said.items()}
    labels = {"test_labels": test.labels.cpu(), "train_labels": train.labels.cpu()}
    return answers | labels, {"updates": list(updates), "images": len(made)}


def training_set(
    train: Images, arm: str, needed: Sequence[Answer], rng: torch.Generator
) -> Images:
    """The training set of an arm: see the tables in the lesson's sections 12 and 14.

    cgan_n: n pictures by the conditional GAN added, half of them cows; cgan_all: as many as there are photographs.
    """
    if arm in ("real", "classic"):
        return train
    if arm in ("one_animal", "few_views"):
        return (one_animal if arm == "one_animal" else few_views)(train, rng)
    if arm == "placebo_repeat":
        return experiment.placebo_repeat(max(500, len(train)))(train, rng)
    if arm == "placebo_noise":
        labels = torch.arange(500, device=train.device) % 2
        pixels = experiment.noise(500, train, rng).to(train.device)
    elif arm.startswith("cgan"):
        n = len(train) if arm == "cgan_all" else int(arm.removeprefix("cgan_"))
        labels = torch.arange(n, device=train.device) % 2
        pixels = evidence.drawn(restored_cgan(needed[0]).to(train.device), labels, rng)
    else:
        T = restored_cyclegan(needed[0]).to(train.device)
        x = scaled(train.pixels)
        there, back = gan.sample(T.AB, x), gan.sample(T.BA, x)
        pixels = torch.where((train.labels == COW)[:, None, None, None], there, back)
        labels = train.labels if arm == "cyclegan_kept" else 1 - train.labels
    return train.merge(Images(pixels, labels, train.classes, "made"))


def one_animal(train: Images, rng: torch.Generator) -> Images:
    """One cow and one horse, drawn at random, with all their photographs."""
    groups = [train.of_class(k).groups.unique() for k in (COW, HORSE)]
    pick = [of[int(torch.randint(len(of), (1,), generator=rng))] for of in groups]
    return train.subset(torch.isin(train.groups, torch.stack(pick)))


def few_views(train: Images, rng: torch.Generator) -> Images:
    """As many photographs of each class as one animal has, of all animals."""
    count = len(train) // len(train.groups.unique())
    cows, horses = (train.of_class(k).sample(count, rng) for k in (COW, HORSE))
    return cows.merge(horses)


# ------------------------------------------------------------------ results

QUESTIONS = [
    ("cgan_500", "real"),
    ("cgan_500", "placebo_repeat"),
    ("cgan_500", "classic"),
    ("cgan_1000", "real"),
    ("cyclegan", "real"),
    ("cyclegan", "cyclegan_kept"),
    ("today's cgan_500", "today's real"),
    ("today's cgan_500", "today's classic"),
    ("fold cgan_all", "fold real"),
    ("fold cgan_all", "fold placebo_repeat"),
    ("fold cgan_all", "fold classic"),
    ("fold cyclegan", "fold real"),
    ("fold few_views", "fold one_animal"),
]
"""The comparisons of accuracy, fixed before the run."""

METRICS = ("bce", "swing", "accuracy", "precision", "recall", "mse", "constant", "train_loss")


def scoring(S: dict, data: Dataset) -> Scoring:
    """What turns the answer of a classifier into its metrics."""
    return scored


def scored(answer: Answer) -> dict[str, list[float]]:
    """The paper's metrics on the test photographs, all for the class cow, and what tells whether they mean something.

    constant: 1 where all photographs get one answer. train_loss: cross-entropy on the training photographs. swing: the
    standard deviation of the test loss over the second half of the looks: whether it is *calm*, wherever it lies.
    """
    tensors, _ = answer
    y, known = tensors["test_labels"], tensors["train_labels"].float()
    found: dict[str, list[float]] = {metric: [] for metric in METRICS}
    for p, on_known in zip(tensors["test"], tensors["train"], strict=True):
        p = p.clamp(1e-7, 1 - 1e-7)  # as Keras does
        said = torch.where(p > 0.5, COW, HORSE)
        cow = classification.report(y, said, ("horse", "cow")).iloc[COW]
        row = {
            "bce": F.binary_cross_entropy(p, y.float()),
            "accuracy": (said == y).float().mean(),
            "precision": cow["precision"],
            "recall": cow["recall"],
            "mse": F.mse_loss(p, y.float()),
            "constant": classification.constant_answer(said) is not None,
            "train_loss": F.binary_cross_entropy(on_known.clamp(1e-7, 1 - 1e-7), known),
        }
        for metric, value in row.items():
            found[metric].append(float(value))
    second_half = found["bce"][len(found["bce"]) // 2 :]
    found["swing"] = [float(np.std(second_half))] * len(found["bce"])
    return found


def results(S: dict, data: Dataset, answers: dict[str, Answer]) -> dict:
    """What the full run found: measures of the pictures, the arms on both kinds of split, gates and the verdict."""
    scores = evidence.Scores(answers, scoring(S, data))
    gate = gates_of(S, scores, answers)
    pairs = scores.questions(QUESTIONS)
    baseline = {
        arm: next(b for b in (TODAYS, FOLD, "") if arm.startswith(b)) + "real"
        for arm in scores.arms
    }
    return {
        "title": "What can two toy animals teach?",
        "seeds": list(range(S["seeds"])),
        "folds": list(range(S["folds"])),
        "updates": {arm: updates[-1] for arm, updates in scores.updates.items()},
        "baseline": "real",
        "classic": "classic",
        **scores.tables(METRICS, baseline),
        "pairs": pairs,
        "curves": {
            "updates": S["updates"],
            "arms": scores.curves(),
            "generators": {
                name: facts["curve"] for name, (_, facts) in answers.items() if "curve" in facts
            },
        },
        "gate": gate,
        "judge_accuracy": round(answers["judge"][1]["train_accuracy"], 4),
        "floor": round(floor_of(answers, "train_cgan"), 4),
        "floors": {kind: round(floor_of(answers, kind), 4) for kind in KINDS},
        "verdict": verdict(S, pairs, gate),
    }


KINDS = {
    "train_cgan": "conditional GAN",
    "train_cyclegan": "CycleGAN",
    "fold train_cgan": "conditional GAN of a fold",
    "fold train_cyclegan": "CycleGAN of a fold",
}
"""The generators by their jobs' names, and what their gates are called."""


def of_kind(answers: dict[str, Answer], kind: str) -> list[dict]:
    """The facts of all generators of a kind."""
    return [facts for name, (_, facts) in answers.items() if name.rpartition("/")[0] == kind]


def floor_of(answers: dict[str, Answer], kind: str) -> float:
    """The mean Fréchet distance of two halves of the photographs that the generators of a kind were trained on."""
    return float(np.mean([facts["floor"] for facts in of_kind(answers, kind)]))


def gates_of(S: dict, scores: evidence.Scores, answers: dict[str, Answer]) -> dict[str, dict]:
    """The gates of the generators and of the classifiers with photographs alone, on both kinds of split."""

    def generators(kind: str) -> dict:
        curves = [facts["curve"] for facts in of_kind(answers, kind)]
        return evidence.generator_gate(curves, floor_of(answers, kind))

    def classifiers(arm: str) -> dict:
        losses = [score["train_loss"] for score in scores.arms[arm]]
        return gates.loss_gate(losses, S["train_loss"])

    return {who: generators(kind) for kind, who in KINDS.items()} | {
        "classifier": classifiers("real"),
        "classifier of a fold": classifiers("fold real"),
    }


def verdict(S: dict, pairs: dict, gate: dict) -> str:
    """What the run says of the paper's claim, on its own split and on animals left out, or which gate keeps it from it."""
    cgans, photos = "adding pictures of a conditional GAN", "the photographs alone"
    turned = "adding translated photographs"
    on_split, left_out = "accuracy on the test animals", "accuracy on animals left out"
    cgan, cyclegan, of_fold = "conditional GAN", "CycleGAN", " of a fold"
    seen, unseen = "classifier", "classifier" + of_fold
    questions = [
        ("cgan_500 - real", (cgan, seen), cgans, photos, on_split),
        ("cyclegan - real", (cyclegan, seen), turned, photos, on_split),
        ("fold cgan_all - fold real", (cgan + of_fold, unseen), cgans, photos, left_out),
        ("fold cyclegan - fold real", (cyclegan + of_fold, unseen), turned, photos, left_out),
    ]
    return evidence.verdict(pairs, gate, questions)
