"""Update the networks of a method once: one function a method, in the order of its paper.

A step updates D and G once each (that of an autoencoder has no D). Its arguments are (G, D, opt_G, opt_D), then the
tensors of a batch of real data, then those that `G.prior` draws. It returns (loss of D, loss of G), scalars on the
device. Real and fake images pass through D separately, unless a step says otherwise; both updates use the same fakes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from course_utils.gan import losses

Loss = Callable[..., Tensor]


def gan_step(
    G: nn.Module,
    D: nn.Module,
    opt_G: Optimizer,
    opt_D: Optimizer,
    x: Tensor,
    z: Tensor,
    d_loss: Loss = losses.discriminator_loss,
    g_loss: Loss = losses.generator_loss,
) -> tuple[Tensor, Tensor]:
    """Update D on real x and fake G(z), then G against the new D (Goodfellow et al. 2014, algorithm 1, k = 1)."""
    fake = G(z)

    loss_D = d_loss(D(x), D(fake.detach()))  # detach: D's update must not reach into G
    update(opt_D, loss_D)

    with frozen(D):  # G's update needs the gradient through D, not D's own
        loss_G = g_loss(D(fake))
    update(opt_G, loss_G)

    return loss_D.detach(), loss_G.detach()


def cgan_step(
    G: nn.Module,
    D: nn.Module,
    opt_G: Optimizer,
    opt_D: Optimizer,
    x: Tensor,
    y: Tensor,
    z: Tensor,
    c: Tensor,
    d_loss: Loss = losses.discriminator_loss,
    g_loss: Loss = losses.generator_loss,
) -> tuple[Tensor, Tensor]:
    """Update a conditional GAN (Mirza & Osindero 2014, eq. 2): D sees x with its label y, and a fake with the class c
    that it was generated for."""
    fake = G(z, c)

    loss_D = d_loss(D(x, y), D(fake.detach(), c))
    update(opt_D, loss_D)

    with frozen(D):
        loss_G = g_loss(D(fake, c))
    update(opt_G, loss_G)

    return loss_D.detach(), loss_G.detach()


def acgan_step(
    G: nn.Module,
    D: nn.Module,
    opt_G: Optimizer,
    opt_D: Optimizer,
    x: Tensor,
    y: Tensor,
    z: Tensor,
    c: Tensor,
    class_on_fakes: bool = True,
    source_loss: Loss = losses.discriminator_loss,
    class_loss: Loss = losses.class_loss,
) -> tuple[Tensor, Tensor]:
    """Update an ACGAN (Odena et al. 2017, section 3): D predicts a source S and a class C; D maximises L_S + L_C, G
    maximises L_C − L_S.

    `class_on_fakes`: D's class head learns from fakes too, as in that paper, each with the class c that it was
    generated for. Without it the head learns from real images alone; G's loss is the same. `source_loss`: D's −L_S; G's
    is always −log P(S = real | fake).
    """
    fake = G(z, c)

    (source, classes), (source_fake, classes_fake) = D(x), D(fake.detach())
    loss_D = source_loss(source, source_fake) + class_loss(classes, y)
    if class_on_fakes:
        loss_D = loss_D + class_loss(classes_fake, c)
    update(opt_D, loss_D)

    with frozen(D):
        source_fake, classes_fake = D(fake)
    loss_G = losses.generator_loss(source_fake) + class_loss(classes_fake, c)
    update(opt_G, loss_G)

    return loss_D.detach(), loss_G.detach()


def bagan_step(
    G: nn.Module,
    D: nn.Module,
    opt_G: Optimizer,
    opt_D: Optimizer,
    x: Tensor,
    y: Tensor,
    z: Tensor,
    c: Tensor,
    g_loss: Loss = losses.class_loss,
) -> tuple[Tensor, Tensor]:
    """Update a BAGAN (Mariani et al. 2018, section 3): D classifies images into K classes and, as class K, fake.

    D sees B real and ⌈B / K⌉ fake images in one batch, so that "fake" is as frequent as a class. G's loss is small when
    D assigns each fake to the class c that it was generated for.
    """
    fake, K = G(z, c), D.classes

    for_D = fake[: math.ceil(len(x) / K)].detach()
    labels = torch.cat([y, torch.full_like(c[: len(for_D)], K)])
    loss_D = losses.class_loss(D(torch.cat([x, for_D])), labels)
    update(opt_D, loss_D)

    with frozen(D):
        loss_G = g_loss(D(fake), c)
    update(opt_G, loss_G)

    return loss_D.detach(), loss_G.detach()


def cyclegan_step(
    G: nn.Module,
    D: nn.Module,
    opt_G: Optimizer,
    opt_D: Optimizer,
    a: Tensor,
    b: Tensor,
    adversarial: float = 1.0,
    cycle: float = 10.0,
    identity: float = 5.0,
) -> tuple[Tensor, Tensor]:
    """Update a CycleGAN (Zhu et al. 2017, sections 3 and 4): G holds two translators, AB and BA; D one critic a side.

    The generators are updated first, as in the authors' code. Critics learn from a pool of earlier fakes, and their
    loss is halved. `adversarial`, `cycle`, `identity`: weights of the three losses of G.
    """
    fake_b, fake_a = G.AB(a), G.BA(b)

    with frozen(D):
        loss = losses.least_squares_generator_loss
        adversarial_loss = loss(D.A(fake_a)) + loss(D.B(fake_b))
    cycle_loss = F.l1_loss(G.BA(fake_b), a) + F.l1_loss(G.AB(fake_a), b)
    identity_loss = F.l1_loss(G.AB(b), b) + F.l1_loss(G.BA(a), a)
    loss_G = adversarial * adversarial_loss + cycle * cycle_loss + identity * identity_loss
    update(opt_G, loss_G)

    loss = losses.least_squares_discriminator_loss
    old_a, old_b = D.pool_A(fake_a.detach()), D.pool_B(fake_b.detach())
    loss_D = (loss(D.A(a), D.A(old_a)) + loss(D.B(b), D.B(old_b))) / 2
    update(opt_D, loss_D)

    return loss_D.detach(), loss_G.detach()


def autoencoder_step(
    G: nn.Module, D: None, opt_G: Optimizer, opt_D: None, x: Tensor, loss: Loss = F.mse_loss
) -> tuple[Tensor]:
    """Update an autoencoder G towards G(x) = x, as in BAGAN's first stage (Mariani et al. 2018, section 3)."""
    error = loss(G(x).float(), x)
    update(opt_G, error)
    return (error.detach(),)


def cvae_step(
    G: nn.Module, D: None, opt_G: Optimizer, opt_D: None, x: Tensor, y: Tensor, z: Tensor, c: Tensor
) -> tuple[Tensor]:
    """Update a conditional variational autoencoder (Sohn et al. 2015, eq. 4) on reconstruction error and divergence.

    z is the noise of the reparameterised latent point. The classes c, which `G.prior` draws too, are not used here. The
    reconstruction error is that of a Gaussian with variance `G.variance`. Returns (mean loss of a picture,).
    """
    mean, log_variance = G.encode(x, y)
    error = (G(mean + z * (log_variance / 2).exp(), y).float() - x).square().flatten(1).sum(dim=1) / (2 * G.variance)
    divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1) / 2
    loss = (error + divergence).mean()
    update(opt_G, loss)
    return (loss.detach(),)


def diffusion_step(
    G: nn.Module,
    D: None,
    opt_G: Optimizer,
    opt_D: None,
    x: Tensor,
    y: Tensor,
    noise: Tensor,
    c: Tensor,
    unlabelled: float = 0.1,
) -> tuple[Tensor]:
    """Update a denoising diffusion model (Ho et al. 2020, algorithm 1): predict the noise ε in √ᾱ_t x + √(1 − ᾱ_t) ε.

    ε is `noise`; the classes c, which `G.prior` draws with it, are not used here. The squared error is divided by ᾱ_t,
    which makes it that of v (Salimans & Ho 2022, section 4): without, the noisiest pictures, where the class and the
    outline are decided, hardly count, and a short run does not learn them. `unlabelled`: share of the pictures that are
    shown without their label, for guidance (Ho & Salimans 2022, algorithm 1). Returns (mean weighted error,).
    """
    t = torch.randint(1, G.T + 1, y.shape, device=x.device)
    y = torch.where(torch.rand(y.shape, device=x.device) < unlabelled, G.no_class, y)
    share = G.alpha_bar[t].view(-1, 1, 1, 1)
    error = G.noise(share.sqrt() * x + (1 - share).sqrt() * noise, t, y) - noise
    loss = (error.square() / share).mean()
    update(opt_G, loss)
    return (loss.detach(),)


def update(optimizer: Optimizer, loss: Tensor) -> None:
    """Take one step of `optimizer` down the gradient of `loss`."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Let gradients pass through `network`, but compute none for its own weights."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)
