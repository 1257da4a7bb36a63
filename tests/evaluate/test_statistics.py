"""Intervals, held against scipy and statsmodels, and against what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_confint

from course_utils.errors import CourseError
from course_utils.evaluate.statistics import (
    Interval,
    paired_differences,
    proportion_interval,
    seeds_needed,
    t_interval,
    two_run_spread,
    verdict,
)

values = st.lists(st.floats(0, 1), min_size=2, max_size=12)


@given(values)
def test_t_interval_is_scipys(x):
    ours = t_interval(x)
    if np.std(x) > 1e-9:
        low, high = stats.t.interval(0.95, len(x) - 1, np.mean(x), stats.sem(x))
        np.testing.assert_allclose((ours.lo, ours.hi), (low, high), atol=1e-9)
    assert ours.lo <= ours.mean <= ours.hi


@given(st.integers(1, 5000), st.floats(0, 1))
def test_proportion_interval_is_statsmodels_wilson(n, share):
    ours = proportion_interval(round(share * n), n)
    np.testing.assert_allclose((ours.lo, ours.hi), proportion_confint(round(share * n), n, method="wilson"), atol=1e-9)


def test_no_share_of_nothing():
    with pytest.raises(CourseError, match="no share"):
        proportion_interval(0, 0)


def test_t_interval_covers_the_truth_in_95_of_100_cases():
    rng = np.random.default_rng(1)
    hits = [0.3 in t_interval(rng.normal(0.3, 0.1, 5)) for _ in range(2000)]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.015)


def test_two_run_spread_holds_95_of_100_pairs():
    rng = np.random.default_rng(2)
    inside = [abs(np.subtract(*rng.normal(0, 1, 2))) <= two_run_spread(rng.normal(0, 1, 5)) for _ in range(4000)]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize(("sd", "effect"), [(0.02, 0.01), (0.05, 0.01), (0.01, 0.02)])
def test_seeds_needed_is_statsmodels(sd, effect):
    differences = np.array([-1.0, 1.0, -1.0, 1.0, 0.0]) * sd
    standardised = effect / differences.std(ddof=1)
    exact = TTestPower().solve_power(effect_size=standardised, alpha=0.05, power=0.8)
    assert seeds_needed(differences, effect) == pytest.approx(np.ceil(exact), abs=1)


def test_pairs_must_be_pairs():
    np.testing.assert_allclose(paired_differences([0.5, 0.7], [0.4, 0.9]), [0.1, -0.2])
    with pytest.raises(CourseError, match="same seeds"):
        paired_differences([0.5, 0.7], [0.4])


@pytest.mark.parametrize("bad", [[0.5], [], [0.5, float("nan")]])
def test_no_interval_from_too_little(bad):
    with pytest.raises(CourseError, match="at least two finite values"):
        t_interval(bad)


def test_no_number_of_seeds_sees_nothing():
    with pytest.raises(CourseError, match="smallest that matters"):
        seeds_needed([0.1, 0.2, 0.3], 0)


@pytest.mark.parametrize(
    ("interval", "says"),
    [
        (Interval(0.02, 0.01, 0.03), "a raises accuracy over b: 2.0 [1.0, 3.0] points."),
        (Interval(-0.02, -0.03, -0.01), "a lowers accuracy against b: −2.0 [−3.0, −1.0] points."),
        (
            Interval(0.01, -0.01, 0.03),
            "we cannot tell a from b by accuracy: 1.0 [−1.0, 3.0] points, an interval that holds 0.",
        ),
    ],
)
def test_the_sentence_says_what_the_interval_supports(interval, says):
    assert verdict(interval, "a", "b") == says
