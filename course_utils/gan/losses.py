"""Adversarial losses on logits: a discriminator's logit is log D(x) − log(1 − D(x))."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """−log D(x) − log(1 − D(G(z))), mean over the batch (Goodfellow et al. 2014, eq. 1). Logits of any shape → scalar.

    softplus(−a) is −log sigmoid(a), written so that it neither overflows nor loses its gradient.
    """
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def generator_loss(fake: Tensor) -> Tensor:
    """−log D(G(z)), mean over the batch: the non-saturating loss (Goodfellow et al. 2014, section 3)."""
    return F.softplus(-fake).mean()
