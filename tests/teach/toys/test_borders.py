"""The toy of the class border: the class loss takes from each class what lies near the other; both together hide it."""

import pytest
import torch
from scipy import stats

from course_utils.teach import show
from course_utils.teach.toys import borders

BOTH, REAL_ONLY = borders.HEADS


def test_spread_and_side_are_read_off_the_points_whose_classes_overlap_by_a_sixth():
    overlap = 1 - stats.norm.cdf(float(borders.CENTRES[1, 0]) / borders.SPREAD)
    assert overlap == pytest.approx(1 / 6, abs=0.01)
    assert 1 - borders.taken(borders.real()) == pytest.approx(overlap, abs=0.02)
    assert borders.spread(borders.real()) == pytest.approx((1, 1, 1), abs=0.03)
    narrow = borders.CENTRES[:, None] + (borders.real() - borders.CENTRES[:, None]) * torch.tensor([0.2, 2.0])
    across, along, together = borders.spread(narrow)
    assert (across, along) == pytest.approx((0.2, 2.0), rel=0.04) and 0.7 < together < 0.75
    assert borders.taken(narrow) == 1 and borders.taken(narrow.flip(0)) == 0


def test_one_setting_gives_one_run_and_leaves_torchs_random_numbers_alone(monkeypatch):
    monkeypatch.setattr(borders, "STEPS", 5)
    fresh, state = borders.drawn.__wrapped__, torch.get_rng_state()
    assert torch.equal(fresh(1, BOTH, 0), fresh(1, BOTH, 0))
    assert not torch.equal(fresh(1, BOTH, 0), fresh(1, BOTH, 1))
    assert torch.equal(torch.get_rng_state(), state)


def test_with_a_class_head_the_overlap_is_not_drawn_and_the_picture_says_so():
    without, clouds = (borders.drawn(weight, BOTH, 0) for weight in (0, 1))
    assert borders.taken(without) < 0.92 < 0.99 < borders.taken(clouds)
    assert borders.spread(clouds)[0] < 0.75 < 0.8 < borders.spread(without)[0]  # what is lost is lost across the border
    trained = borders.drawn.cache_info().misses
    fig = borders.picture(1, BOTH, 0)
    assert borders.drawn.cache_info().misses == trained  # the training is kept
    real, generated, profile = (ax.get_title() for ax in fig.axes)
    assert f"{100 * borders.taken(borders.real()):.0f} %" in real
    assert f"{100 * borders.taken(clouds):.0f} %" in generated
    for share in borders.spread(clouds):
        assert f" {100 * share:.0f} %" in profile
    assert show.png(fig)
