"""Losses on logits: what they equal, and the mistakes that scripts make with them."""

import pytest
import torch
import torch.nn.functional as F
from small_gans import noise

from course_utils.gan import losses

REAL, FAKE = noise(64), noise(64, seed=1)
ONES, ZEROS = torch.ones(64), torch.zeros(64)
bce = F.binary_cross_entropy_with_logits


def test_they_are_cross_entropy_on_logits():
    torch.testing.assert_close(losses.discriminator_loss(REAL, FAKE), bce(REAL, ONES) + bce(FAKE, ZEROS))
    torch.testing.assert_close(losses.generator_loss(FAKE), bce(FAKE, ONES))
    torch.testing.assert_close(losses.minimax_generator_loss(FAKE), -bce(FAKE, ZEROS))
    logits, labels = noise(10, 4), torch.arange(10) % 4
    torch.testing.assert_close(losses.class_loss(logits, labels), F.cross_entropy(logits, labels))


def test_smoothing_moves_the_targets_of_real_images_only():
    smooth = losses.discriminator_loss(REAL, FAKE, target=0.9)
    torch.testing.assert_close(smooth, bce(REAL, 0.9 * ONES) + bce(FAKE, ZEROS))


def test_least_squares_pull_logits_to_one_and_zero():
    d = losses.least_squares_discriminator_loss(REAL, FAKE)
    torch.testing.assert_close(d, F.mse_loss(REAL, ONES) + F.mse_loss(FAKE, ZEROS))
    torch.testing.assert_close(losses.least_squares_generator_loss(FAKE), F.mse_loss(FAKE, ONES))


def test_the_hinge_loss_leaves_pictures_that_d_is_sure_of():
    sure, unsure = torch.tensor([1.0, 3.0]), torch.tensor([0.5, -0.5])
    assert float(losses.hinge_discriminator_loss(sure, -sure)) == 0
    assert float(losses.hinge_discriminator_loss(unsure, unsure)) == pytest.approx((0.5 + 1.5) / 2 + (1.5 + 0.5) / 2)
    assert float(losses.hinge_generator_loss(sure)) == -2


def slope(loss):
    """Gradient of G's loss at a fake that D is sure to be one: logit −30."""
    logit = torch.tensor([-30.0], requires_grad=True)
    loss(logit).backward()
    return abs(float(logit.grad))


def test_g_learns_most_where_it_is_bad_unless_its_loss_saturates():
    assert slope(losses.generator_loss) == pytest.approx(1, abs=1e-6)
    assert slope(losses.minimax_generator_loss) < 1e-9


def test_the_class_loss_of_a_stack_is_the_mean_of_its_members():
    logits, labels = noise(3, 8, 5), torch.arange(24).reshape(3, 8) % 5
    alone = torch.stack([losses.class_loss(a, b) for a, b in zip(logits, labels, strict=True)])
    torch.testing.assert_close(losses.class_loss(logits, labels), alone.mean())


def test_losses_of_bfloat16_logits_are_computed_in_float32():
    half = torch.tensor([-100.0, 0.3], dtype=torch.bfloat16)
    names = (
        "generator",
        "minimax_generator",
        "least_squares_generator",
        "discriminator",
        "least_squares_discriminator",
    )
    found = [getattr(losses, f"{name}_loss")(*[half] * (1 + ("discriminator" in name))) for name in names]
    for loss in (*found, losses.class_loss(half[None], torch.tensor([1]))):
        assert loss.dtype == torch.float32 and torch.isfinite(loss)
