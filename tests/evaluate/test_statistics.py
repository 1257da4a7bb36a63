"""Intervals, held against scipy and statsmodels, and against what they promise."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats import contingency_tables
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from course_utils.core.errors import CourseError
from course_utils.evaluate.statistics import (
    Interval,
    bootstrap_interval,
    holm,
    holm_caveat,
    mcnemar,
    paired_differences,
    paired_p,
    prediction_interval,
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


def test_seeds_needed_is_the_smallest_number_however_large_or_small():
    differences = np.array([-1.0, 1.0, -1.0, 1.0, 0.0])
    sd = differences.std(ddof=1)
    for effect in (0.005, 0.05, 0.2, 0.5, 1, 3):
        n = seeds_needed(differences, effect)
        powers = [TTestPower().power(effect / sd, m, 0.05) for m in (n - 1, n) if m > 1]
        assert powers[-1] >= 0.8 and (n == 2 or powers[0] < 0.8), (effect, n)
    assert seeds_needed(differences, 1e-6) == pytest.approx(((1.959964 + 0.841621) * sd / 1e-6) ** 2, rel=1e-4)
    assert seeds_needed(differences, 6.35) == 3  # two see it with a probability of 0.5; scipy's far tail is NaN there
    assert seeds_needed([0.1, 0.1], 0.01) == 2


@pytest.mark.parametrize("shares", [{"power": 1}, {"power": 0}, {"level": 1.0}])
def test_no_number_of_seeds_is_certain(shares):
    with pytest.raises(CourseError, match="expected between 0 and 1"):
        seeds_needed([0.1, 0.2, 0.3], 0.01, **shares)


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


@pytest.mark.parametrize("sign", [1, -1])
def test_an_interval_without_0_is_a_lead_only_where_holm_s_p_is_not_small(sign):
    low, high = sorted((0.01 * sign, 0.03 * sign))
    assert holm_caveat(Interval(0.02 * sign, low, high), 0.213) == (
        " As one of several comparisons it is a lead only (p = 0.21, Holm)."
    )
    assert holm_caveat(Interval(0.02 * sign, low, high), 0.049) == ""
    assert holm_caveat(Interval(0.0, -0.01, 0.01), 1.0) == ""


def test_prediction_interval_holds_95_of_100_further_runs():
    rng = np.random.default_rng(5)
    hits = [rng.normal(0.7, 0.1) in prediction_interval(rng.normal(0.7, 0.1, 4)) for _ in range(4000)]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.012)


def test_prediction_interval_knows_that_the_other_run_had_other_test_images():
    rng = np.random.default_rng(6)
    hits = {400: 0, None: 0}
    for _ in range(2000):
        runs, theirs = rng.normal(0.9, 0.005, 5), rng.binomial(400, rng.normal(0.9, 0.005)) / 400
        for images in hits:
            hits[images] += theirs in prediction_interval(runs, images=images)
    assert hits[400] / 2000 == pytest.approx(0.95, abs=0.015) and hits[None] / 2000 < 0.8


def test_prediction_interval_of_equal_runs_is_a_point_unless_images_vary():
    assert prediction_interval([0.5, 0.5]) == Interval(0.5, 0.5, 0.5)
    low = prediction_interval([0.5, 0.5], images=400).lo
    assert low == pytest.approx(0.5 - 1.96 * 0.025, abs=1e-4)
    assert 0.96 in prediction_interval([1.0, 1.0], images=40)  # no run erred; of few images one may still be wrong


def test_bootstrap_interval_is_scipys_bca():
    x = np.random.default_rng(0).exponential(1, 12)
    found = stats.bootstrap((x,), np.mean, n_resamples=2000, confidence_level=0.9, method="BCa", rng=7)
    ours = bootstrap_interval(x, 0.9, resamples=2000, seed=7)
    expected = (x.mean(), *found.confidence_interval)
    np.testing.assert_allclose((ours.mean, ours.lo, ours.hi), expected, rtol=1e-4)


@given(st.lists(st.integers(0, 400).map(lambda right: right / 400), min_size=2, max_size=12))
@settings(max_examples=50, deadline=None)
def test_bootstrap_interval_stays_among_the_values_without_a_warning(x):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = bootstrap_interval(x, resamples=200)
    slack = 1e-9
    assert min(x) - slack <= ours.lo <= ours.hi <= max(x) + slack
    assert ours == bootstrap_interval(x, resamples=200)


def test_with_five_seeds_the_bootstrap_promises_too_much():
    rng = np.random.default_rng(3)
    hits = [0.3 in bootstrap_interval(rng.normal(0.3, 0.1, 5), resamples=500) for _ in range(400)]
    assert 0.7 < np.mean(hits) < 0.92
    many = [0.3 in bootstrap_interval(rng.normal(0.3, 0.1, 60), resamples=500) for _ in range(400)]
    assert np.mean(many) == pytest.approx(0.95, abs=0.035)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=12).filter(lambda x: np.std(x) > 1e-6))
def test_paired_p_is_statsmodels_and_agrees_with_the_interval(x):
    p = paired_p(x)
    assert p == pytest.approx(DescrStatsW(x).ttest_mean(0)[1], rel=1e-4)
    assert p == pytest.approx(stats.ttest_rel(x, np.zeros(len(x))).pvalue, rel=1e-4)
    if abs(p - 0.05) > 1e-6:
        assert (p < 0.05) == (0 not in t_interval(x))


def test_differences_without_spread_need_no_division():
    assert paired_p([0.0, 0.0, 0.0]) == 1
    assert paired_p([0.5, 0.5, 0.5]) == 0


ps = st.lists(st.floats(0, 1), min_size=1, max_size=8)


@given(ps)
@settings(max_examples=15, deadline=None)  # statsmodels takes a tenth of a second
def test_holm_is_statsmodels(p):
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], rtol=1e-4)


@given(ps, st.randoms())
def test_holm_is_monotone_keeps_the_order_and_never_lowers_a_p(p, random):
    adjusted, where = holm(p), list(range(len(p)))
    assert (adjusted >= p).all() and (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()
    random.shuffle(where)
    np.testing.assert_array_equal(holm([p[i] for i in where]), adjusted[where])


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_mcnemar_is_statsmodels_exact_test(answers):
    a, b = torch.tensor(answers).T
    ours = mcnemar(a, b)
    table = [[int((x & y).sum()) for y in (b, ~b)] for x in (a, ~a)]
    assert (ours.only_a, ours.only_b) == (table[0][1], table[1][0])
    if ours.only_a + ours.only_b:
        assert ours.p == pytest.approx(contingency_tables.mcnemar(table, exact=True).pvalue, rel=1e-4)
        assert ours.p == pytest.approx(stats.binomtest(ours.only_b, ours.only_a + ours.only_b).pvalue, rel=1e-4)
    else:
        assert ours.p == 1
    assert mcnemar(b, a).p == ours.p


def test_one_image_of_difference_is_no_difference():
    """Paper 2 compares .9450 with .9425 on 400 images: 378 right against 377."""
    a, b = torch.arange(400) < 378, torch.arange(400) < 377
    assert mcnemar(a, b).only_a == 1 and mcnemar(a, b).p == 1


right = torch.tensor([True, False])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: bootstrap_interval([0.5]), "at least two finite values"),
        (lambda: paired_p([0.5, float("inf")]), "at least two finite values"),
        (lambda: holm([]), "at least one, each between 0 and 1"),
        (lambda: holm([0.2, float("nan")]), "each between 0 and 1"),
        (lambda: holm([0.2, 1.2]), r"p values \[0.2, 1.2\]"),
        (lambda: mcnemar(right, right[:1]), r"shape \(2,\) and torch.bool of shape \(1,\)"),
        (lambda: mcnemar(right.int(), right), "pass predictions == labels"),
        (lambda: mcnemar(right[:0], right[:0]), "pass predictions == labels"),
    ],
)
def test_bad_input_gets_one_line_that_names_it(call, says):
    with pytest.raises(CourseError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
