"""Equally good classifiers: the gap that chance makes."""

import numpy as np
import pytest
from scipy import stats

from course_utils.teach.toys import coins


@pytest.mark.parametrize(("images", "accuracy"), [(100, 90), (1000, 70), (10_000, 95)])
def test_the_spread_is_that_of_two_binomials(images, accuracy):
    found = coins.gaps(images, accuracy)
    sd = 100 * np.sqrt(2 * accuracy / 100 * (1 - accuracy / 100) / images)
    assert abs(found.mean()) < 4 * sd / np.sqrt(coins.PAIRS) and found.std() == pytest.approx(sd, rel=0.03)
    assert coins.spread(found) == pytest.approx(stats.norm.ppf(0.975) * sd, rel=0.05, abs=100 / images)
    assert np.mean(np.abs(found) <= coins.spread(found)) >= 0.95


def test_the_picture_names_the_spread_and_counts_every_pair():
    fig = coins.picture(400, 90)
    (ax,) = fig.axes
    assert f"±{coins.spread(coins.gaps(400, 90)):.1f} points" in ax.get_title()
    bars = [patch for patch in ax.patches if patch.get_height() > 1]
    assert sum(bar.get_height() for bar in bars) == pytest.approx(coins.PAIRS, abs=5)
