"""Lesson 4's full run: class-conditional GANs on all images, PCA and probabilistic PCA beside them,
and hybrid training sets at three budgets; computed by `course run 4 --profile full`."""

from collections.abc import Sequence
from functools import partial
from itertools import product

import torch
from torch import Tensor

from course_utils import experiment
from course_utils.classify.networks import LeNet
from course_utils.classify.train import adam
from course_utils.core.seeds import generator
from course_utils.data.augment import Classic
from course_utils.data.images import Images
from course_utils.data.sources import Dataset
from course_utils.evaluate import gates, samples
from course_utils.experiment import evidence
from course_utils.experiment.full import Answer, Given, Job, Scoring, Work
from course_utils.gan import losses
from course_utils.gan.networks import ClassPCA, DCGenerator, PPCAGenerator
from course_utils.gan.recipes import train_ccgan

DATASET = "mnist"
WEIGHTS = ("lesson",)  # which the lesson uses
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
    """The judge and PCA, then the GANs of each seed, those of the quick lesson too, then the classifiers of each arm."""
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
    whole = {"falling": S["falling"]}
    kinds = {"gan": whole, "few": few, "smoothed": whole | {"target": S["smoothing"]}}
    gans = {
        kind: [
            Job(f"{kind}/{seed}", "ccgan", {"seed": seed, **recipe, **kinds[kind]}, (judge,))
            for seed in range(S["seeds"])
        ]
        for kind in S["kinds"]
    }
    of_lesson = [
        Job(
            f"lesson/{seed}",
            "ccgan",
            {"seed": seed, "reports": S["reports"], **S["lesson"]},
            (judge,),
        )
        for seed in range(S["lesson_gans"])
    ]
    return [
        judge,
        *pcas,
        *of_lesson,
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
    return *evidence.training_and_validation(data["train"], images, validation), data["test"]


# ------------------------------------------------------------------ judge, PCA, GANs


def judge(given: Given, *, images: int, validation: int, **size: int) -> Work:
    """A LeNet trained on all training images, what it sees in real ones, and its accuracy (section 3.2 of the paper)."""
    train, _, test = parts(given.data, images, validation)
    return (
        yield from evidence.judge(given.data["train"], train, test, device=given.device, **size)
    )


def pca(
    given: Given,
    *,
    components: int,
    images: int,
    validation: int,
    share: int = 100,
    seed: int = 0,
) -> Work:
    """Principal components of each class, of all images or of the `share` (%) that the arms of `seed` keep."""
    yield 0.0
    fitted = ClassPCA.fit(
        kept(parts(given.data, images, validation)[0], share, seed), components
    )
    return {name: tensor for name, tensor in fitted.state_dict().items() if name != "noise"}, {}


def kept(train: Images, share: int, seed: int) -> Images:
    """The real images that the hybrid sets of this share (%) and seed keep."""
    return train if share == 100 else train.split(share / 100, generator(seed, "arm"))[0]


def ccgan(
    given: Given,
    *,
    seed: int,
    width: float,
    lr: float,
    steps: int,
    reports: int,
    images: int,
    validation: int,
    falling: Sequence[float] = (2 / 9, 4 / 9, 1 / 5),
    target: float = 1.0,
    share: int = 100,
) -> Work:
    """A class-conditional GAN of F = D = 1, B = 64 (section 3), and its measures along the way.

    The text trains at a rate of 1e-4 for 20 to 25 epochs. Here the rate is `lr` at first and falls, and the average of G
    has a memory of a thousand steps: both let a shorter training come to rest. falling: see `evidence.at_rest`. share:
    of real images, %, that it sees. target: what D should answer to real images.
    """
    train = kept(parts(given.data, images, validation)[0], share, seed).to(given.device)
    training = train_ccgan(
        train,
        steps,
        seed,
        capacity=width,
        lr=lr,
        d_loss=partial(losses.discriminator_loss, target=target),
        **evidence.long_training(given, falling, reports),
    )
    weights, facts = yield from evidence.measured_training(given, training, steps, train, seed)
    return weights, facts | {"width": width}


# ------------------------------------------------------------------ hybrid sets


def classifier(
    given: Given,
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
    train, held_out, test = (
        part.to(given.device) for part in parts(given.data, images, validation)
    )
    if classic:
        tried = [answer for answer in given.needed if "ranges" in answer[1]]
        ranges = evidence.best_ranges(tried, held_out.labels.cpu())
    model = next((answer for answer in given.needed if "ranges" not in answer[1]), None)
    rng = generator(seed if subset is None else subset, "arm")
    made = training_set(train, fill, share, raised, model, rng)
    answers, facts = yield from evidence.classifier(
        evidence.new_network(LeNet, seed, given.device),
        made,
        test,
        held_out,
        seed=seed,
        updates=updates,
        optimizer=adam(lr),
        batch=batch,
        transform=RANGES[ranges] if ranges else None,
    )
    return answers, facts | {"ranges": ranges}


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
            return evidence.drawn(restored(model).to(train.device), labels, rng)
        return (
            experiment.repeats(labels, real, rng)
            if fill == "repeat"
            else experiment.noise(len(labels), real, rng)
        )

    shares = [(raised if raised and k == RAISED_CLASS else share) / 100 for k in range(CLASSES)]
    return experiment.hybrid(shares, make)(train, rng)


def restored(answer: Answer) -> torch.nn.Module:
    """A generator from the answer of `ccgan` or `pca`."""
    tensors, facts = answer
    if "curve" not in facts:
        return PPCAGenerator(ClassPCA(**tensors))
    G = DCGenerator(facts["width"], classes=CLASSES)
    G.load_state_dict(tensors)  # float16 there, float32 here
    return G.eval()


# ------------------------------------------------------------------ results


def scoring(S: dict, data: Dataset) -> Scoring:
    """What turns the answer of a classifier into its metrics."""
    _, held_out, test = parts(data, S["images"], S["validation"])
    return partial(evidence.scored, test=test.labels, held_out=held_out.labels)


def results(S: dict, data: Dataset, answers: dict[str, Answer]) -> dict:
    """What the full run found: measures of the images, accuracies of the arms at each budget, gates and the verdict."""
    train, _, test = parts(data, S["images"], S["validation"])
    scores = evidence.Scores(answers, scoring(S, data))
    few, gate = S["few"], gates_of(S, scores, answers)
    pairs = scores.questions((a.format(few), b.format(few)) for a, b in QUESTIONS)
    return {
        "title": "Is a GAN needed at all?",
        "seeds": list(range(S["seeds"])),
        "updates": {arm: updates[-1] for arm, updates in scores.updates.items()},
        "baseline": "real",
        "classic": f"classic_{few}",
        **scores.tables(
            ("accuracy", "macro_f1", f"recall_{RAISED_CLASS}"),
            dict.fromkeys(scores.arms, "real"),
        ),
        "pairs": pairs,
        "curves": {
            "updates": S["updates"],
            "arms": scores.curves(),
            "generators": {
                f"{kind}/{seed}": curve
                for kind in S["kinds"]
                for seed, curve in enumerate(generator_curves(S, answers, kind))
            },
        },
        "measures": measured(S, train, test, answers),
        "gate": gate,
        "spread": spread(S, scores),
        "ranges": answers[f"classic_{few}/0"][1]["ranges"],
        "judge_accuracy": round(answers["judge"][1]["test_accuracy"], 4),
        "floor": round(answers["judge"][1]["floor"], 4),
        "verdict": verdict(S, pairs, gate),
    }


def spread(S: dict, scores: evidence.Scores) -> dict[str, float]:
    """Standard deviations of accuracy, in points: of all, with the GAN fixed, with GAN and subset fixed."""
    kinds = {"all": "", "same GAN": "_same_gan", "same GAN and subset": "_same_gan_and_subset"}
    return {
        name: round(float(100 * scores.values(f"gan_{S['few']}{suffix}").std(ddof=1)), 4)
        for name, suffix in kinds.items()
    }


def generator_curves(S: dict, answers: dict[str, Answer], kind: str) -> list[dict]:
    """The measures of the GANs of one kind against their steps, seed by seed."""
    return [answers[f"{kind}/{seed}"][1]["curve"] for seed in range(S["seeds"])]


def gates_of(S: dict, scores: evidence.Scores, answers: dict[str, Answer]) -> dict[str, dict]:
    """Whether each kind of GAN, and the classifiers, are finished."""
    converged = [score["validation"] for score in scores.arms["real"]]
    at_least = {
        "gan": S["gate"],
        "smoothed": S["gate"],
    }  # the paper names no accuracy of GANs of few images
    return {
        **{
            name_of(S, kind): evidence.generator_gate(
                generator_curves(S, answers, kind),
                answers["judge"][1]["floor"],
                at_least.get(kind),
            )
            for kind in S["kinds"]
        },
        "classifier": gates.classifier_gate(S["updates"], converged),
    }


def name_of(S: dict, kind: str) -> str:
    """A kind of GAN in words."""
    return {"gan": "ccGAN", "smoothed": "ccGAN, smoothing", "few": f"ccGAN of {S['few']} %"}[
        kind
    ]


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


def measured(
    S: dict, train: Images, test: Images, answers: dict[str, Answer]
) -> dict[str, dict]:
    """All measures of real images, of the cheat, of PCA, of probabilistic PCA and of the GANs, over seeds."""
    net, reference, new = evidence.restored_judge(answers["judge"])
    n, seeds = len(reference), range(S["seeds"])
    fitted = ClassPCA(**answers["pca"][0])
    ppca = PPCAGenerator(fitted)
    asked = torch.arange(n) % CLASSES
    order = [evidence.images_in_turn(train, n, seed) for seed in seeds]
    known = samples.features(net, train.pixels)
    usual = samples.usual_distance(new, known)
    kinds = {
        "real, new": [evidence.images_in_turn(test, n, seed) for seed in seeds],
        "the cheat": [
            torch.stack([train.of_class(k).pixels[seed] for k in range(CLASSES)])[asked]
            for seed in seeds
        ],
        **{
            f"PCA rebuilt, {k}": [fitted.rebuild(pixels, asked, k) for pixels in order]
            for k in S["rebuilt"]
        },
        f"PPCA, {S['components']}": [evidence.images_of(ppca, seed, n) for seed in seeds],
    }
    rows = {}
    for name, drawn_ in kinds.items():
        found = [
            {
                **evidence.measures(pixels, net, reference),
                "memorisation": samples.memorisation(
                    samples.features(net, pixels), known, new, usual
                ),
            }
            for pixels in drawn_
        ]
        rows[name] = {m: experiment.entry([row[m] for row in found]) for m in found[0]}
    for kind in S["kinds"]:
        name = name_of(S, kind)
        facts = [answers[f"{kind}/{seed}"][1] for seed in seeds]
        rows[name] = {
            m: experiment.entry([f["curve"][m][-1] for f in facts])
            for m in facts[0]["curve"]
            if m != "steps"
        }
        rows[name]["memorisation"] = experiment.entry([f["memorisation"] for f in facts])
    return rows


def verdict(S: dict, pairs: dict, gate: dict) -> str:
    """What the run says of its two main questions, or which gate keeps it from judging one."""
    few = S["few"]
    questions = [
        (
            f"{kind}_{few} - {other}_{few}",
            (name_of(S, kind), "classifier"),
            a,
            b,
            f"accuracy with {few} % real images",
        )
        for kind, other, a, b in (
            ("gan", "ppca", "the ccGAN", "probabilistic PCA"),
            ("few", "classic", "a ccGAN that saw only those", "classic augmentation"),
        )
    ]
    return evidence.verdict(pairs, gate, questions)
