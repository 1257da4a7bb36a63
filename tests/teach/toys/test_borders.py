"""The toy of the class border: the class loss takes from each class what lies near the other; both together hide it."""

import pytest
import torch
from scipy import stats

from course_utils.teach import show
from course_utils.teach.toys import borders

BOTH, REAL_ONLY = borders.HEADS


def test_the_classes_overlap_by_a_sixth_and_the_border_is_the_best_judges():
    x, y = borders.points(20_000, torch.Generator().manual_seed(0))
    overlap = 1 - stats.norm.cdf(float(borders.CENTRES[1, 0]) / borders.SPREAD)
    assert 1 - borders.taken(torch.stack([x[y == k][:9000] for k in (0, 1)])) == pytest.approx(overlap, abs=0.01)
    assert overlap == pytest.approx(1 / 6, abs=0.01)
    assert 1 - borders.taken(borders.real()) == pytest.approx(overlap, abs=0.02)
    assert borders.spread(borders.real()) == pytest.approx((1, 1, 1), abs=0.03)


def test_spread_and_side_are_read_off_the_points():
    narrow = borders.CENTRES[:, None] + (borders.real() - borders.CENTRES[:, None]) * torch.tensor([0.2, 2.0])
    across, along, together = borders.spread(narrow)
    assert (across, along) == pytest.approx((0.2, 2.0), rel=0.04) and 0.7 < together < 0.75
    assert borders.taken(narrow) == 1 and borders.taken(narrow.flip(0)) == 0


@pytest.mark.parametrize("seed", [0, 1])
def test_without_a_class_head_the_overlap_is_drawn_and_with_one_it_is_not(seed):
    without, one, four = (borders.drawn(weight, BOTH, seed) for weight in (0, 1, 4))
    assert borders.taken(without) < 0.92 and borders.taken(one) > 0.99 and borders.taken(four) > 0.99
    (across_0, along_0, _), (across_1, along_1, together), (across_4, *_) = map(borders.spread, (without, one, four))
    assert min(across_0, along_0) > 0.8
    assert across_1 < 0.75 and across_1 < along_1  # most is lost across the border
    assert 0.9 < together < 1.1  # and both classes together do not show it
    assert across_4 < across_1 - 0.1


def test_one_setting_gives_one_run_and_leaves_torchs_random_numbers_alone(monkeypatch):
    monkeypatch.setattr(borders, "STEPS", 5)
    fresh, state = borders.drawn.__wrapped__, torch.get_rng_state()
    assert torch.equal(fresh(1, BOTH, 0), fresh(1, BOTH, 0))
    assert not torch.equal(fresh(1, BOTH, 0), fresh(1, BOTH, 1))
    assert torch.equal(torch.get_rng_state(), state)


def test_the_picture_says_what_the_points_say_and_comes_back_at_once():
    clouds = borders.drawn(1, BOTH, 0)
    trained = borders.drawn.cache_info().misses
    fig = borders.picture(1, BOTH, 0)
    assert borders.drawn.cache_info().misses == trained  # the training is kept
    real, generated, profile = (ax.get_title() for ax in fig.axes)
    assert f"{100 * borders.taken(borders.real()):.0f} %" in real and real.startswith("real")
    assert f"{100 * borders.taken(clouds):.0f} %" in generated
    for share in borders.spread(clouds):
        assert f" {100 * share:.0f} %" in profile
    assert [text.get_text() for text in fig.axes[0].get_legend().get_texts()] == list(borders.CLASSES)
    assert show.png(fig)
