"""DiffAugment: what each change does to a picture, that gradients pass, and who sees it."""

import itertools

import pytest
import torch
from torch import nn

from course_utils.gan import diffaugment
from course_utils.gan.diffaugment import ALL, Augmented, diff_augment
from course_utils.gan.steps import cgan_step


@pytest.fixture
def x():
    torch.manual_seed(0)
    return torch.rand(30, 3, 8, 16) * 2 - 1


def test_brightness_adds_contrast_stretches_about_the_mean_and_saturation_about_grey(x):
    added = (diffaugment.brightness(x) - x).flatten(1)
    assert torch.allclose(added, added[:, :1], atol=1e-6) and 0.3 < added.abs().max() <= 0.5
    around = x - x.mean(dim=(1, 2, 3), keepdim=True)
    seen = diffaugment.contrast(x)
    factor = ((seen - x.mean(dim=(1, 2, 3), keepdim=True)) / around).flatten(1).median(dim=1).values
    torch.testing.assert_close(seen.mean(dim=(1, 2, 3)), x.mean(dim=(1, 2, 3)))
    assert 0.5 <= factor.min() < 0.8 and 1.2 < factor.max() <= 1.5
    seen = diffaugment.saturation(x)
    torch.testing.assert_close(seen.mean(dim=1), x.mean(dim=1))
    assert not torch.allclose(seen, x)
    grey = x[:, :1]
    torch.testing.assert_close(diffaugment.saturation(grey), grey)


def shifted(picture, down, right):
    """The same pixel by pixel."""
    out = torch.zeros_like(picture)
    _, height, width = picture.shape
    for row, column in itertools.product(range(height), range(width)):
        if 0 <= row + down < height and 0 <= column + right < width:
            out[:, row, column] = picture[:, row + down, column + right]
    return out


def test_a_translated_picture_is_one_of_the_shifts_and_all_shifts_occur(x):
    found = set()
    for picture, seen in zip(x, diffaugment.translation(x), strict=True):
        shifts = itertools.product(range(-1, 2), range(-2, 3))  # an eighth of 8 and of 16
        found.update(shift for shift in shifts if torch.equal(seen, shifted(picture, *shift)))
        assert any(torch.equal(seen, shifted(picture, *shift)) for shift in found)
    assert {down for down, _ in found} == {-1, 0, 1} and {right for _, right in found} == {-2, -1, 0, 1, 2}


def test_cutout_hides_a_rectangle_of_half_the_sides_at_most(x):
    areas = []
    for picture, seen in zip(x, diffaugment.cutout(x), strict=True):
        hidden = (seen == 0).all(dim=0)
        assert torch.equal(seen[:, ~hidden], picture[:, ~hidden])
        rows, columns = hidden.any(dim=1), hidden.any(dim=0)
        assert torch.equal(hidden, rows[:, None] & columns) and rows.sum() <= 4 and columns.sum() <= 8
        areas.append(int(hidden.sum()))
    assert max(areas) == 32 and len(set(areas)) > 3  # some reach outside


@pytest.mark.parametrize("change", ALL, ids=lambda change: change.__name__)
def test_every_change_has_a_gradient_and_draws_for_each_picture(change, x):
    x = x[:1].repeat(30, 1, 1, 1).requires_grad_()
    seen = change(x)
    assert seen.shape == x.shape and seen.dtype == x.dtype
    assert len(seen.detach().flatten(1).unique(dim=0)) > 5
    seen.sum().backward()
    assert x.grad.abs().flatten(1).sum(dim=1).min() > 0


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0])
def test_each_picture_is_changed_with_the_probability_asked_for(p, x):
    x = x.repeat(10, 1, 1, 1)
    changed = (diff_augment(x, p=p) != x).flatten(1).any(dim=1)
    assert float(changed.float().mean()) == pytest.approx(p, abs=0.1 if p == 0.5 else 0)


class Judge(nn.Module):
    """Notes what it sees."""

    def __init__(self):
        super().__init__()
        self.seen, self.weight = [], nn.Parameter(torch.ones(()))

    def forward(self, x, y):
        self.seen.append((x.detach().clone(), y))
        return self.weight * x.mean(dim=(1, 2, 3))


def test_d_sees_real_and_fake_pictures_through_the_same_augmentation_and_nothing_else(x):
    D, G = Judge(), nn.Linear(1, 1, bias=False)
    G.forward = lambda z, c: z * G.weight
    y, z, c = torch.zeros(30), torch.randn_like(x), torch.ones(30)
    augmented = Augmented(D, lambda pictures: pictures + 7)
    opts = [torch.optim.SGD(net.parameters(), lr=0.1) for net in (G, augmented)]
    before = G.weight.detach().clone()
    fake = z * before
    cgan_step(G, augmented, *opts, x, y, z, c)
    for (seen, label), (picture, expected) in zip(D.seen, [(x, y), (fake, c), (fake, c)], strict=True):
        torch.testing.assert_close(seen, picture + 7)
        assert label is expected
    assert G.weight != before
