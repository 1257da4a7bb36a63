"""Compute the losses of D and G from logits: a discriminator's logit is log D(x) − log(1 − D(x)).

softplus(−a) is −log sigmoid(a) without overflow and without a vanishing gradient. Logits are converted to float32
first, whatever format the networks compute in. Every loss is a mean over the batch: logits of any shape → scalar.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def discriminator_loss(real: Tensor, fake: Tensor, target: float = 1.0) -> Tensor:
    """Return −log D(x) − log(1 − D(G(z))) (Goodfellow et al. 2014, eq. 1).

    `target` below 1, such as 0.9, is one-sided label smoothing (Salimans et al. 2016, section 3.4): the cross-entropy
    of real images against `target`. The target of fakes stays 0.
    """
    real, fake = real.float(), fake.float()
    return (F.softplus(-real) + (1 - target) * real).mean() + F.softplus(fake).mean()


def generator_loss(fake: Tensor) -> Tensor:
    """Return −log D(G(z)), the non-saturating loss (Goodfellow et al. 2014, section 3)."""
    return F.softplus(-fake.float()).mean()


def minimax_generator_loss(fake: Tensor) -> Tensor:
    """Return log(1 − D(G(z))), whose gradient vanishes while G is bad (Goodfellow et al. 2014, eq. 1)."""
    return -F.softplus(fake.float()).mean()


def least_squares_discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Return (D(x) − 1)² + D(G(z))², D's logit taken as it is (Mao et al. 2017, eq. 2, without its factor ½)."""
    return (real.float() - 1).square().mean() + fake.float().square().mean()


def least_squares_generator_loss(fake: Tensor) -> Tensor:
    """Return (D(G(z)) − 1)² (Mao et al. 2017, eq. 2, without its factor ½)."""
    return (fake.float() - 1).square().mean()


def hinge_discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Return max(0, 1 − D(x)) + max(0, 1 + D(G(z))), D's logit taken as it is (Lim & Ye 2017; Miyato & Koyama 2018)."""
    return (1 - real.float()).relu().mean() + (1 + fake.float()).relu().mean()


def hinge_generator_loss(fake: Tensor) -> Tensor:
    """Return −D(G(z)) (Lim & Ye 2017)."""
    return -fake.float().mean()


def class_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return −log P(class) for logits, … × classes, and int64 labels, …: ACGAN's −L_C (Odena et al. 2017, eq. 3) and
    BAGAN's (K + 1)-way loss (Mariani et al. 2018, section 3).

    Pass logits, not probabilities: with a softmax before it, a common mistake in ACGAN scripts, the loss of ten classes
    cannot fall below 1.46.
    """
    return F.cross_entropy(logits.float().flatten(0, -2), labels.flatten())
