"""One recipe a method: its networks, step, batches, optimiser and number of steps, as its paper describes them.

Every recipe returns a `Training`, which begins when you iterate over it. `steps` are updates; `seed` fixes the first
weights, the batches and all that is drawn while it trains. Defaults are the paper's where it gives a value. Losses are
arguments, so that you can train with your own. Further keywords (`average`, `reports`, `fixed`, `checkpoint`,
`stop_on_collapse` …) go to `gan.train.training`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import nn

from course_utils.core.seeds import number
from course_utils.data.images import Images, scaled
from course_utils.gan import batches, losses
from course_utils.gan.batches import Batches
from course_utils.gan.diffaugment import Augmentation, Augmented
from course_utils.gan.networks import (
    CVAE,
    ACDiscriminator,
    ACGenerator,
    AnimalDiscriminator,
    AnimalGenerator,
    Autoencoder,
    BAGANDiscriminator,
    BAGANGenerator,
    ClassGaussians,
    Critics,
    DCDiscriminator,
    DCGenerator,
    Decoder,
    Diffusion,
    Encoder,
    FCDiscriminator,
    FCGenerator,
    FourConvDiscriminator,
    PatchDiscriminator,
    ProjectionDiscriminator,
    ResidualGenerator,
    Translators,
    TransposedGenerator,
)
from course_utils.gan.networks.bagan import Gaussian, class_gaussian
from course_utils.gan.networks.dcgan import JoinToImage, JoinToNoise, join_to_image, join_to_noise
from course_utils.gan.steps import (
    Loss,
    acgan_step,
    autoencoder_step,
    bagan_step,
    cgan_step,
    cvae_step,
    cyclegan_step,
    diffusion_step,
    gan_step,
)
from course_utils.gan.train import Gate, Progress, Step, training

smoothed_loss = partial(losses.discriminator_loss, target=0.9)


class Training:
    """A step, its networks and batches, and the loop around them: iterate over it to train, and get the reports.

    G and D are trained in place, and have their first weights until the training begins. Sample from
    `Progress.generator`, the moving average of G. D is None for autoencoders.
    """

    def __init__(self, step: Step, G: nn.Module, D: nn.Module | None, batches: Batches, **settings: object) -> None:
        self.step, self.G, self.D, self.batches = step, G, D, batches
        self._reports = training(step, G, D, batches, **settings)

    def __iter__(self) -> Iterator[Progress]:
        return self._reports

    def finish(self) -> Progress:
        """Train to the end and return the last report."""
        *_, last = self
        return last


def train_fc_gans(
    sets: Sequence[Images],
    steps: int,
    seed: int,
    *,
    name: str = "gan",
    batch: int = 64,
    lr: float = 4e-4,
    dropout: float = 0.3,
    d_loss: Loss = losses.discriminator_loss,
    g_loss: Loss = losses.generator_loss,
    **settings: object,
) -> Training:
    """Train one fully connected GAN a set, all side by side as one stack (paper 1; Goodfellow et al. 2014).

    name: another one gives other random numbers with the same seed. dropout: of D.
    """
    torch.manual_seed(seed)
    G, D = FCGenerator(models=len(sets)), FCDiscriminator(models=len(sets), dropout=dropout)
    step = partial(gan_step, d_loss=d_loss, g_loss=g_loss)
    data = batches.flat(sets, batch, seed, name)
    return Training(step, G, D, data, steps=steps, seed=number(seed, name), lr=lr, **settings)


def train_autoencoder(
    images: Images, steps: int, seed: int, *, latent: int = 64, width: float = 1.0, batch: int = 64, **settings: object
) -> Training:
    """Train BAGAN's first stage: an autoencoder on all classes, without labels (Mariani et al. 2018, section 3).

    Its reports show the first ten images, rebuilt. width: of encoder and decoder, as a share of the authors'.
    """
    torch.manual_seed(seed)
    autoencoder = Autoencoder(Encoder(latent, width), Decoder(latent, width))
    data = batches.unlabelled(images, batch, seed, "autoencoder")
    adam = {"lr": 1e-3, "betas": (0.9, 0.999)}
    settings = {"fixed": (scaled(images.pixels[:10]),), **settings}
    return Training(autoencoder_step, autoencoder, None, data, steps=steps, seed=seed, **adam, **settings)


def fit_gaussians(encoder: Encoder, images: Images, gaussian: Gaussian = class_gaussian) -> ClassGaussians:
    """Fit BAGAN's second stage: one Gaussian of latent points a class."""
    return ClassGaussians.fit(encoder.encode(images), images.labels, len(images.classes), gaussian)


def train_bagan(
    images: Images,
    autoencoder: Autoencoder,
    gaussians: ClassGaussians,
    steps: int,
    seed: int,
    *,
    batch: int = 64,
    lr: float = 1e-4,
    g_loss: Loss = losses.class_loss,
    **settings: object,
) -> Training:
    """Train BAGAN's third stage, the game (Mariani et al. 2018, section 3; paper 2).

    G starts as the autoencoder's decoder, which it trains in place, and D as a copy of the encoder, with a new head
    for the K classes and "fake". The head's weights come from PyTorch's default generator, which `train_autoencoder`
    has seeded. gaussians: what G draws its latent points from.
    """
    G = BAGANGenerator(autoencoder.decoder, gaussians)
    D = BAGANDiscriminator.from_encoder(autoencoder.encoder, len(images.classes))
    step = partial(bagan_step, g_loss=g_loss)
    data = batches.labelled(images, batch, seed, "game")
    return Training(step, G, D, data, steps=steps, seed=seed, lr=lr, average=0.99, **settings)


def train_cvae(
    images: Images,
    steps: int,
    seed: int,
    *,
    latent: int = 16,
    width: float = 1.0,
    batch: int = 64,
    lr: float = 3e-3,
    **settings: object,
) -> Training:
    """Train a conditional variational autoencoder with BAGAN's layers (Sohn et al. 2015); it has no D."""
    torch.manual_seed(seed)
    G = CVAE(latent, len(images.classes), width)
    data = batches.labelled(images, batch, seed, "cvae")
    return Training(cvae_step, G, None, data, steps=steps, seed=seed, lr=lr, **settings)


def train_cgan(
    photos: Images,
    steps: int,
    seed: int,
    *,
    variant: str = "text",
    width: float = 1.0,
    batch: int = 8,
    lr: float = 2e-3,
    d_loss: Loss = smoothed_loss,
    **settings: object,
) -> Training:
    """Train paper 3's conditional GAN on colour photographs (section III.B; Mirza & Osindero 2014).

    variant: the networks of the paper's "text" or of its published "code". width: of both, as a share of the paper's.
    """
    torch.manual_seed(seed)
    size, classes = photos.shape[-1], len(photos.classes)
    G = AnimalGenerator(size, variant=variant, width=width, classes=classes)
    D = AnimalDiscriminator(size, variant=variant, width=width, classes=classes)
    step = partial(cgan_step, d_loss=d_loss)
    data = batches.labelled(photos, batch, seed, "cgan")
    return Training(step, G, D, data, steps=steps, seed=number(seed, "cgan"), lr=lr, **settings)


def train_cyclegan(
    a: Images,
    b: Images,
    steps: int,
    seed: int,
    *,
    width: int = 64,
    blocks: int = 6,
    layers: int = 3,
    pool: int = 50,
    lr: float = 4e-4,
    adversarial: float = 1.0,
    cycle: float = 10.0,
    identity: float = 5.0,
    decay: bool = True,
    **settings: object,
) -> Training:
    """Train CycleGAN's translators between photographs of two sides, one of each a step (Zhu et al. 2017; paper 3).

    width, blocks: of the generators. width, layers: of the critics. pool: earlier fakes that a critic learns from.
    adversarial, cycle, identity: weights of the generators' loss. decay: the rate falls linearly to zero over the
    second half, as in Zhu et al.
    """
    torch.manual_seed(seed)
    channels, size = a.shape[0], a.shape[-1]
    G = Translators(*(ResidualGenerator(channels, width, blocks) for _ in ("AB", "BA")))
    D = Critics(*(PatchDiscriminator(channels, width, layers) for _ in ("A", "B")), size=size, pool=pool)
    step = partial(cyclegan_step, adversarial=adversarial, cycle=cycle, identity=identity)
    data = batches.unpaired(a, b, 1, seed, "cyclegan")
    adam = {"lr": lr, "schedule": flat_then_down if decay else None}
    return Training(step, G, D, data, steps=steps, seed=number(seed, "cyclegan"), average=0.99, **adam, **settings)


def flat_then_down(share: float) -> float:
    """The factor of CycleGAN's learning rate: 1 for the first half of the run, then linearly to 0."""
    return min(1.0, 2 * (1 - share))


def train_dcgan(
    images: Images,
    steps: int,
    seed: int,
    *,
    latent: int = 100,
    capacity: float = 1.0,
    batch: int = 32,
    lr: float = 2e-3,
    reference: int = 0,
    d_loss: Loss = losses.discriminator_loss,
    **settings: object,
) -> Training:
    """Train paper 4's GAN without labels (section 2.1; Radford et al. 2016).

    capacity: the paper's F. reference: above 0, virtual batch normalisation against that many latent points in G and
    the first images in D.
    """
    torch.manual_seed(seed)
    G = DCGenerator(capacity, latent, reference=reference, shape=images.shape)
    seen = scaled(images.pixels[:reference]) if reference else None
    D = DCDiscriminator(capacity, reference=seen, shape=images.shape)
    step = partial(gan_step, d_loss=d_loss)
    data = batches.unlabelled(images, batch, seed, "dcgan")
    return Training(step, G, D, data, steps=steps, seed=number(seed, "dcgan"), lr=lr, average=0.99, **settings)


def train_ccgan(
    images: Images,
    steps: int,
    seed: int,
    *,
    latent: int = 100,
    capacity: float = 1.0,
    depth: int = 1,
    batch: int = 64,
    lr: float = 1e-4,
    average: float = 0.99,
    noise_and_label: JoinToNoise = join_to_noise,
    image_and_label: JoinToImage = join_to_image,
    D: nn.Module | None = None,
    d_loss: Loss = losses.discriminator_loss,
    g_loss: Loss = losses.generator_loss,
    **settings: object,
) -> Training:
    """Train paper 4's class-conditional GAN (section 3; Mirza & Osindero 2014), on square pictures of any size.

    capacity, depth, batch: the paper's F, D and B. noise_and_label, image_and_label: how the label enters G and D.
    D: another discriminator than the paper's.
    """
    torch.manual_seed(seed)
    classes = len(images.classes)
    G = DCGenerator(capacity, latent, classes, join=noise_and_label, shape=images.shape)
    if D is None:
        D = DCDiscriminator(capacity, depth, classes=classes, join=image_and_label, shape=images.shape)
    step = partial(cgan_step, d_loss=d_loss, g_loss=g_loss)
    data = batches.labelled(images, batch, seed, "ccgan")
    return Training(step, G, D, data, steps=steps, seed=seed, lr=lr, average=average, **settings)


def train_plain_gan(
    images: Images,
    steps: int,
    seed: int,
    *,
    width: float = 1.0,
    batch: int = 100,
    lr: float = 2e-4,
    gate: Gate | bool = False,
    **settings: object,
) -> Training:
    """Train the plain GAN of paper 5's first part (section IV).

    gate: which of the two learns in the next step, as in `gan.train.training`; True is the paper's: the one with the
    lower loss pauses. width: of both networks.
    """
    torch.manual_seed(seed)
    G, D = TransposedGenerator(width=width), FourConvDiscriminator(width=width)
    data = batches.unlabelled(images, batch, seed, "plain")
    return Training(gan_step, G, D, data, steps=steps, seed=seed, lr=lr, gate=gate, **settings)


def train_acgan(
    images: Images,
    steps: int,
    seed: int,
    *,
    latent: int = 100,
    width: float = 1.0,
    batch: int = 100,
    lr: float = 2e-4,
    class_on_fakes: bool = True,
    source_loss: Loss = losses.discriminator_loss,
    class_loss: Loss = losses.class_loss,
    **settings: object,
) -> Training:
    """Train paper 5's ACGAN (section VII; Odena et al. 2017).

    width: of G; D has full width. source_loss, class_loss: −L_S and −L_C. class_on_fakes: D's class head learns from
    fakes as well.
    """
    torch.manual_seed(seed)
    classes = len(images.classes)
    G, D = ACGenerator(latent, classes, width), ACDiscriminator(classes)
    step = partial(acgan_step, class_on_fakes=class_on_fakes, source_loss=source_loss, class_loss=class_loss)
    data = batches.labelled(images, batch, seed, "acgan")
    return Training(step, G, D, data, steps=steps, seed=seed, lr=lr, **settings)


def train_projection_gan(
    images: Images,
    steps: int,
    seed: int,
    *,
    latent: int = 100,
    width: float = 1.0,
    batch: int = 64,
    lr: float = 5e-4,
    average: float = 0.99,
    augment: Augmentation | None = None,
    G: nn.Module | None = None,
    d_loss: Loss = losses.hinge_discriminator_loss,
    g_loss: Loss = losses.hinge_generator_loss,
    **settings: object,
) -> Training:
    """Train a conditional GAN that is steady on few square pictures, of any size.

    Paper 4's generator against a projection discriminator with spectral normalisation (Miyato & Koyama 2018) and the
    hinge loss (Lim & Ye 2017). width: of both. augment: what D sees of all pictures, real and fake, in place of
    themselves (DiffAugment, Zhao et al. 2020). G: another generator than paper 4's.
    """
    torch.manual_seed(seed)
    classes = len(images.classes)
    if G is None:
        G = DCGenerator(width, latent, classes, shape=images.shape)
    D: nn.Module = ProjectionDiscriminator(images.shape, classes, width)
    if augment is not None:
        D = Augmented(D, augment)
    step = partial(cgan_step, d_loss=d_loss, g_loss=g_loss)
    data = batches.labelled(images, batch, seed, "projection")
    return Training(step, G, D, data, steps=steps, seed=seed, lr=lr, average=average, **settings)


def train_diffusion(
    images: Images,
    steps: int,
    seed: int,
    *,
    width: float = 1.0,
    batch: int = 64,
    lr: float = 1e-3,
    unlabelled: float = 0.1,
    draws: int = 25,
    guidance: float = 0.0,
    **settings: object,
) -> Training:
    """Train a denoising diffusion model with classes on square pictures of any size (Ho et al. 2020); it has no D.

    unlabelled: share of the pictures shown without their label. draws, guidance: of the sampler, see `Diffusion`.
    Ours: the learning rate falls linearly to 0, which serves short runs.
    """
    torch.manual_seed(seed)
    G = Diffusion(images.shape, len(images.classes), width, draws=draws, guidance=guidance)
    step = partial(diffusion_step, unlabelled=unlabelled)
    data = batches.labelled(images, batch, seed, "diffusion")
    settings = {"betas": (0.9, 0.999), "schedule": down, "stop_on_collapse": False, **settings}
    return Training(step, G, None, data, steps=steps, seed=seed, lr=lr, **settings)


def down(share: float) -> float:
    """The factor of the diffusion model's learning rate: from 1 linearly to 0."""
    return 1 - share
