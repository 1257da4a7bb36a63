"""Helper package of the GAN augmentation course: models, training loops, honest statistics, and what runs the
lessons."""

__version__ = "0.1.0"
