"""Generators and discriminators, one file a method. A generator ends in tanh, images in [-1, 1]; a discriminator
returns logits.

A generator's `prior(n)` draws what its forward takes for n pictures, on its device: `G(*G.prior(n))`.
"""

from course_utils.gan.layers import StackedLinear
from course_utils.gan.networks.acgan import ACDiscriminator, ACGenerator
from course_utils.gan.networks.bagan import (
    Autoencoder,
    BAGANDiscriminator,
    BAGANGenerator,
    ClassGaussians,
    Decoder,
    Encoder,
)
from course_utils.gan.networks.conditional import AnimalDiscriminator, AnimalGenerator
from course_utils.gan.networks.cvae import CVAE
from course_utils.gan.networks.cyclegan import Critics, ImagePool, PatchDiscriminator, ResidualGenerator, Translators
from course_utils.gan.networks.dcgan import DCDiscriminator, DCGenerator
from course_utils.gan.networks.diffusion import Diffusion
from course_utils.gan.networks.fc import FCDiscriminator, FCGenerator
from course_utils.gan.networks.pca import ClassPCA, PPCAGenerator
from course_utils.gan.networks.plain import FourConvDiscriminator, TransposedGenerator
from course_utils.gan.networks.projection import ProjectionDiscriminator

__all__ = [
    "CVAE",
    "ACDiscriminator",
    "ACGenerator",
    "AnimalDiscriminator",
    "AnimalGenerator",
    "Autoencoder",
    "BAGANDiscriminator",
    "BAGANGenerator",
    "ClassGaussians",
    "ClassPCA",
    "Critics",
    "DCDiscriminator",
    "DCGenerator",
    "Decoder",
    "Diffusion",
    "Encoder",
    "FCDiscriminator",
    "FCGenerator",
    "FourConvDiscriminator",
    "ImagePool",
    "PPCAGenerator",
    "PatchDiscriminator",
    "ProjectionDiscriminator",
    "ResidualGenerator",
    "StackedLinear",
    "Translators",
    "TransposedGenerator",
]
