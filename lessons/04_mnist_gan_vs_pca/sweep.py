"""Paper 4's grid for `course sweep`: one class-conditional GAN a task, measured as in section 12 of the lesson.

Random numbers are drawn as there, so that a task finds what the lesson finds for the same setting and seed.
"""

import json
from functools import partial

import torch

from course_utils.classify import train as classifier
from course_utils.classify.networks import LeNet
from course_utils.core.seeds import generator
from course_utils.data.sources import Dataset
from course_utils.evaluate.class_scores import inception_score
from course_utils.evaluate.judge import Judge
from course_utils.gan import losses
from course_utils.gan import train as gan
from course_utils.gan.recipes import train_ccgan

DATASET = "mnist"
BATCH = 64  # the batch size to which `gan_steps` in settings.toml belongs

prepared: dict[str, tuple] = {}  # training set and judge: once for all tasks of a worker


def cell(
    *,
    seed: int,
    settings: dict,
    data: Dataset,
    device: torch.device,
    F: int = 1,
    D: int = 1,
    B: int = BATCH,
    smoothed: bool = False,
) -> dict[str, float]:
    """Train the GAN of capacity F, depth D and batch size B, which sees as many images whatever B is, and judge it.

    smoothed: with one-sided label smoothing.
    """
    key = json.dumps([settings, data.sha256, device.type])
    if key not in prepared:
        prepared[key] = prepare(settings, data, device)
    train, judged = prepared[key]
    classes = len(train.classes)

    # Without `fixed`, these would be drawn from the training's own random numbers.
    fixed = torch.randn(10, 100, generator=generator(0, "shown")), torch.arange(10) % classes
    run = train_ccgan(
        train,
        settings["gan_steps"] * BATCH // B,
        seed,
        capacity=settings["width"] * F,
        depth=D,
        batch=B,
        lr=settings["lr"],
        d_loss=partial(losses.discriminator_loss, target=0.9 if smoothed else 1.0),
        reports=10,
        fixed=fixed,
        stop_on_collapse=False,
    )
    G = run.finish().generator

    asked = torch.arange(settings["judged"], device=device) % classes
    z = G.prior(len(asked), generator(seed, "table"))[0]
    return judged(gan.sample(G, z, asked), asked)


def prepare(settings: dict, data: Dataset, device: torch.device) -> tuple:
    """Prepare the training set, and the judge, in the features of a LeNet that saw all training images."""
    whole, test = (data[split].to(device) for split in ("train", "test"))
    shuffled, held_out = whole.sample(len(whole), generator(0, "parts")), settings["validation"]
    train = shuffled.subset(range(held_out, held_out + settings["images"]))
    torch.manual_seed(0)
    network = classifier.train(
        LeNet(),
        whole,
        classifier.adam(),
        updates=settings["judge_updates"],
        batch_size=64,
        generator=generator(0, "judge"),
    )
    return train, Judge(
        network,
        reference=train.sample(settings["judged"], generator(0, "reference")).pixels,
        train=train.pixels,
        new=test.sample(settings["judged"], generator(0, "new")).pixels,
        by_logits={
            "conditional accuracy": lambda logits, asked: (
                (logits.argmax(1) == asked).double().mean()
            ),
            "Inception Score": lambda logits, asked: inception_score(
                logits.softmax(1), generator(0, "splits"), splits=1
            ),
        },
    )
