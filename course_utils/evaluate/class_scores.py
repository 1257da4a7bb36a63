"""Generated pictures and classes: whether a classifier sees in them what was asked for, and what it learns from them.

None of these scores sees variety inside a class, or copies: read them beside `samples`. Every one raises CourseError,
in one line, for too few pictures or classes.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_utils.classify.train import eval_mode
from course_utils.core.errors import CourseError
from course_utils.data.images import Images, scaled
from course_utils.evaluate import checks

Classifier = Callable[[Images], Tensor]  # pictures → predicted labels, int64, N


def conditional_accuracy(judge: nn.Module, pixels: Tensor, asked_labels: Tensor, batch_size: int = 1000) -> float:
    """Count the share (0..1) of pictures in which `judge` sees the class asked for; uint8, N × C × H × W.

    Paper 4 calls it Inception score, paper 5 accuracy in generating; it is not the score of Salimans et al. A
    generator that repeats one perfect digit a class has 100 %.
    """
    with eval_mode(judge):
        said = torch.cat([judge(scaled(part)).argmax(dim=1) for part in pixels.split(batch_size)])
    return _agreement(said, asked_labels)


def inception_score(probabilities: Tensor, generator: torch.Generator, *, splits: int = 10) -> float:
    """Compute exp of the mean KL divergence of p(class | picture) from p(class), 1 to K (Salimans et al. 2016).

    probabilities: N × K, those of a LeNet trained on the real data. Mean over random splits, so that pictures sorted
    by class do no harm. It never sees a real picture, and one perfect digit a class has the highest score, K.
    """
    p = checks.class_probabilities(probabilities)
    if not 1 <= splits <= len(p):
        raise CourseError(f"{splits} splits of {len(p)} pictures, expected 1 to {len(p)}; change splits or sample more")
    order = torch.randperm(len(p), generator=generator, device=generator.device).cpu()
    scores = []
    for part in p[order].tensor_split(splits):
        kl = part.xlogy(part) - part.xlogy(part.mean(dim=0))  # xlogy: 0 · log 0 is 0
        scores.append(kl.sum(dim=1).mean().exp())
    return float(torch.stack(scores).mean())


def gan_train(train: Callable[[Images], Classifier], fake: Images, real_test: Images) -> float:
    """Score on real test pictures, 0..1, a classifier trained on fakes only (Shmelkov et al. 2018, section 3).

    `train` makes a classifier from a training set. Low where fakes are unreal, off their labels or all alike; the
    ceiling is the same classifier trained on as many real pictures.
    """
    return _learned(train, fake, real_test)


def _learned(train: Callable[[Images], Classifier], lessons: Images, exam: Images) -> float:
    if lessons.classes != exam.classes:
        raise CourseError(f"{lessons.name} and {exam.name} have other classes, expected the same; label both alike")
    if not len(exam):
        raise CourseError(f"{exam.name} is empty, expected pictures to answer; sample some")
    present = int((lessons.counts() > 0).sum())
    if present < 2:
        raise CourseError(f"{lessons.name} holds {present} class, expected at least two to tell apart; add the others")
    return _agreement(train(lessons)(exam), exam.labels)


def _agreement(said: Tensor, true: Tensor) -> float:
    y, p = checks.answers(true, said)
    return float((y == p).mean())
