"""Adversarial losses on logits: a discriminator's logit is log D(x) − log(1 − D(x)).

softplus(−a) is −log sigmoid(a), written so that it neither overflows nor loses its gradient. Logits are taken to
float32 first, whatever the networks compute in. Every loss is a mean over the batch: logits of any shape → scalar.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def discriminator_loss(real: Tensor, fake: Tensor, target: float = 1.0) -> Tensor:
    """−log D(x) − log(1 − D(G(z))) (Goodfellow et al. 2014, eq. 1).

    `target` below 1, such as 0.9, is one-sided label smoothing (Salimans et al. 2016, section 3.4): the cross-entropy
    of real images against `target`. The targets of fakes stay 0, for D as for G.
    """
    real, fake = real.float(), fake.float()
    return (F.softplus(-real) + (1 - target) * real).mean() + F.softplus(fake).mean()


def generator_loss(fake: Tensor) -> Tensor:
    """−log D(G(z)): the non-saturating loss (Goodfellow et al. 2014, section 3)."""
    return F.softplus(-fake.float()).mean()


def minimax_generator_loss(fake: Tensor) -> Tensor:
    """log(1 − D(G(z))), the other half of the two-player game (Goodfellow et al. 2014, eq. 1): flat where G is bad."""
    return -F.softplus(fake.float()).mean()


def least_squares_discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """(D(x) − 1)² + D(G(z))², D's logit taken as it is (Mao et al. 2017, eq. 2, without its factor ½)."""
    return (real.float() - 1).square().mean() + fake.float().square().mean()


def least_squares_generator_loss(fake: Tensor) -> Tensor:
    """(D(G(z)) − 1)² (Mao et al. 2017, eq. 2, without its factor ½)."""
    return (fake.float() - 1).square().mean()


def class_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """−log P(class) of logits, … × classes, and int64 labels, …: ACGAN's −L_C (Odena et al. 2017, eq. 3) and BAGAN's
    (K + 1)-way loss (Mariani et al. 2018, section 3).

    It takes logits. A softmax before it is the most copied mistake of ACGAN scripts: the loss cannot fall below 1.46
    for ten classes then.
    """
    return F.cross_entropy(logits.float().flatten(0, -2), labels.flatten())
