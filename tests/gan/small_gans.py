"""Networks of each method, as small as they can be, and the data that they train on."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from course_utils.data.images import Images, scaled
from course_utils.gan import batches, networks, steps


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def images(n=60, classes=3, shape=(1, 28, 28), seed=0):
    """Bars at a height of their own for each class, with a little noise."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % classes
    pixels = torch.randint(0, 60, (n, *shape), generator=rng, dtype=torch.uint8)
    rows = shape[1] // classes
    for picture, label in zip(pixels, labels, strict=True):
        picture[:, label * rows : (label + 1) * rows] += 180
    return Images(pixels, labels, tuple(str(k) for k in range(classes)))


def fc(seed=0, models=1, dropout=0.0):
    torch.manual_seed(seed)
    G = networks.FCGenerator(models, latent=4, pixels=784, hidden=(8,))
    return G, networks.FCDiscriminator(models, pixels=784, hidden=(8,), dropout=dropout)


@dataclass
class Method:
    """A step, and a function that makes its networks and data: seed → (G, D, batches)."""

    step: Callable
    build: Callable


def _dcgan(seed=0):
    torch.manual_seed(seed)
    return (
        networks.DCGenerator(capacity=1 / 16, latent=8),
        networks.DCDiscriminator(capacity=1 / 8),
        batches.unlabelled(images(), 4, 0),
    )


def _cgan(seed=0):
    torch.manual_seed(seed)
    G, D = (
        networks.DCGenerator(capacity=1 / 16, latent=8, classes=3),
        networks.DCDiscriminator(capacity=1 / 8, classes=3),
    )
    return G, D, batches.labelled(images(), 4, 0)


def _acgan(seed=0):
    torch.manual_seed(seed)
    return (
        networks.ACGenerator(classes=3, width=1 / 16),
        networks.ACDiscriminator(classes=3, width=1 / 8),
        batches.labelled(images(), 4, 0),
    )


def _bagan(seed=0):
    torch.manual_seed(seed)
    encoder, decoder = networks.Encoder(latent=8, width=1 / 8), networks.Decoder(latent=8, width=1 / 8)
    data = images()
    gaussians = networks.ClassGaussians.fit(encoder(scaled(data.pixels)).detach(), data.labels, 3)
    return (
        networks.BAGANGenerator(decoder, gaussians),
        networks.BAGANDiscriminator.from_encoder(encoder, 3),
        batches.labelled(data, 4, 0),
    )


def _cyclegan(seed=0):
    torch.manual_seed(seed)
    net = {"channels": 1, "width": 4}
    G = networks.Translators(*(networks.ResidualGenerator(**net, blocks=1) for _ in range(2)))
    D = networks.Critics(*(networks.PatchDiscriminator(**net, layers=1) for _ in range(2)), pool=2, size=12)
    return G, D, batches.unpaired(images(20, shape=(1, 12, 12)), images(20, shape=(1, 12, 12), seed=1), 1, 0)


def _autoencoder(seed=0):
    torch.manual_seed(seed)
    G = networks.Autoencoder(networks.Encoder(latent=8, width=1 / 8), networks.Decoder(latent=8, width=1 / 8))
    return G, None, batches.unlabelled(images(), 4, 0)


def _cvae(seed=0):
    torch.manual_seed(seed)
    return networks.CVAE(latent=4, classes=3, width=1 / 8), None, batches.labelled(images(), 4, 0)


METHODS = {
    "fc": Method(steps.gan_step, lambda seed=0: (*fc(seed, dropout=0.3), batches.flat([images()], 4, 0))),
    "dcgan": Method(steps.gan_step, _dcgan),
    "cgan": Method(steps.cgan_step, _cgan),
    "acgan": Method(steps.acgan_step, _acgan),
    "bagan": Method(steps.bagan_step, _bagan),
    "cyclegan": Method(steps.cyclegan_step, _cyclegan),
    "autoencoder": Method(steps.autoencoder_step, _autoencoder),
    "cvae": Method(steps.cvae_step, _cvae),
}
ADVERSARIAL = [name for name in METHODS if name not in ("autoencoder", "cvae")]
