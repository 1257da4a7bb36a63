"""Classic augmentation: ranges kept, labels kept, a seed repeats, no axis mixed up."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils.core.errors import SealedError
from course_utils.data.augment import PAPER_1, PAPER_2, Classic, augmented
from course_utils.data.images import Images


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def dot(n=64, row=14, col=14):
    x = torch.full((n, 1, 29, 29), -1.0)
    x[:, :, row - 1 : row + 2, col - 1 : col + 2] = 1
    return x


def centre(x):
    """(row, column) of the mean of the light, in pixels, one row an image."""
    light = (x + 1).clamp(min=0)
    light = light / light.sum(dim=(2, 3), keepdim=True)
    axis = torch.arange(x.shape[-1], dtype=torch.float32)
    return torch.stack([(light.sum(3)[:, 0] * axis).sum(1), (light.sum(2)[:, 0] * axis).sum(1)], dim=1)


@given(st.floats(0, 45), st.floats(0, 0.3), st.floats(0, 20), st.floats(0, 0.4), st.integers(0, 9))
def test_shape_and_range_are_kept(rotation, shift, shear, zoom, seed):
    out = Classic(rotation, shift, shear, zoom, noise=0.2)(dot(4), rng(seed))
    assert out.shape == (4, 1, 29, 29) and out.min() >= -1 and out.max() <= 1


def test_no_range_no_change():
    torch.testing.assert_close(Classic()(dot(), rng()), dot(), atol=1e-5, rtol=0)


def test_shift_reaches_as_far_as_it_says_in_both_directions():
    moved = centre(Classic(shift=0.25)(dot(2000), rng())) - 14
    assert moved.abs().max() <= 0.25 * 29 + 0.5
    for axis in (0, 1):
        assert moved[:, axis].min() < -6 and moved[:, axis].max() > 6


def test_rotation_turns_by_its_degrees_and_keeps_distances():
    moved = centre(Classic(rotation=10)(dot(2000, row=4), rng())) - 14
    angle = torch.rad2deg(torch.atan2(moved[:, 1], -moved[:, 0]))
    assert 9 < angle.max() < 10.5 and -10.5 < angle.min() < -9
    assert (moved.norm(dim=1) - 10).abs().max() < 0.5


def test_zoom_scales_each_axis_on_its_own():
    far = centre(Classic(zoom=0.25)(dot(2000, row=6, col=6), rng())) - 14
    assert (far / -8).min() > 1 / 1.25 - 0.06 and (far / -8).max() < 1 / 0.75 + 0.06
    assert abs(float(torch.corrcoef(far.T)[0, 1])) < 0.1


@pytest.mark.reliability("determinism")
def test_each_image_has_a_map_of_its_own_and_a_seed_repeats():
    out = PAPER_2(dot(8), rng())
    assert not torch.equal(out[0], out[1]) and torch.equal(out, PAPER_2(dot(8), rng()))


def test_an_augmented_set_keeps_labels_and_refuses_a_sealed_one():
    images = Images(torch.randint(0, 256, (20, 1, 28, 28)).byte(), torch.arange(20) % 10, tuple("0123456789"))
    out = augmented(images, PAPER_1, rng())
    assert torch.equal(out.labels, images.labels) and not torch.equal(out.pixels, images.pixels)
    with pytest.raises(SealedError):
        augmented(images.seal(), PAPER_1, rng())
