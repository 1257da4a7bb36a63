"""Intervals, held against scipy and statsmodels, and against what they promise."""

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
    holm,
    holm_caveat,
    mcnemar,
    paired_differences,
    paired_p,
    prediction_interval,
    proportion_interval,
    seeds_needed,
    share_interval,
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


@given(values)
def test_the_interval_of_a_share_over_seeds_stays_between_0_and_1(x):
    ours = share_interval(x)
    assert 0 <= ours.lo <= ours.mean + 1e-9 and ours.mean - 1e-9 <= ours.hi <= 1


def test_the_interval_of_a_share_over_seeds_is_wilsons_of_as_many_images_as_its_spread_tells():
    x = np.array([0.05, 0.1, 0.18, 0.2, 0.45])
    images, t = x.mean() * (1 - x.mean()) * 5 / x.var(ddof=1), stats.t.ppf(0.975, 4)
    low, high = proportion_confint(x.mean() * images, images, 2 * stats.norm.sf(t), method="wilson")
    np.testing.assert_allclose((share_interval(x).lo, share_interval(x).hi), (low, high))
    middle, sure = [0.52, 0.53, 0.51, 0.54], [0.9, 0.9]
    np.testing.assert_allclose(share_interval(middle).lo, t_interval(middle).lo, atol=1e-4)
    assert share_interval(sure) == Interval(0.9, 0.9, 0.9)
    with pytest.raises(CourseError, match="between 0 and 1"):
        share_interval([0.5, 1.5])


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


@pytest.mark.parametrize(
    ("hit", "slack"),
    [
        (lambda runs: 0 in t_interval(runs[:5]), 0.015),
        (lambda runs: 0.1 in share_interval(stats.beta(2, 18).ppf(stats.norm.cdf(runs[:5]))), 0.015),
        (lambda runs: runs[5] in prediction_interval(runs[:5]), 0.012),
        (lambda runs: abs(runs[6] - runs[5]) <= two_run_spread(runs[:5]), 0.015),
    ],
    ids=["mean", "share", "one further run", "two runs"],
)
def test_intervals_hold_the_truth_in_95_of_100_cases(hit, slack):
    rng = np.random.default_rng(1)
    assert np.mean([hit(rng.normal(0, 1, 7)) for _ in range(4000)]) == pytest.approx(0.95, abs=slack)


def test_pairs_must_be_pairs():
    np.testing.assert_allclose(paired_differences([0.5, 0.7], [0.4, 0.9]), [0.1, -0.2])
    with pytest.raises(CourseError, match="same seeds"):
        paired_differences([0.5, 0.7], [0.4])


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
    assert prediction_interval([0.5, 0.5], images=400).lo == pytest.approx(0.5 - 1.96 * 0.025, abs=1e-4)
    assert 0.96 in prediction_interval([1.0, 1.0], images=40)  # no run erred; of few images one may still be wrong


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=12).filter(lambda x: np.std(x) > 1e-6))
def test_paired_p_is_statsmodels_and_agrees_with_the_interval(x):
    p = paired_p(x)
    assert p == pytest.approx(DescrStatsW(x).ttest_mean(0)[1], rel=1e-4)
    if abs(p - 0.05) > 1e-6:
        assert (p < 0.05) == (0 not in t_interval(x))
    assert (paired_p([0.0] * 3), paired_p([0.5] * 3)) == (1, 0)  # no spread to divide by


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
@settings(max_examples=15)  # statsmodels takes a tenth of a second
def test_holm_is_statsmodels(p):
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], rtol=1e-4)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_mcnemar_is_statsmodels_exact_test(answers):
    a, b = torch.tensor(answers).T
    ours = mcnemar(a, b)
    table = [[int((x & y).sum()) for y in (b, ~b)] for x in (a, ~a)]
    assert (ours.only_a, ours.only_b) == (table[0][1], table[1][0])
    if ours.only_a + ours.only_b:
        assert ours.p == pytest.approx(contingency_tables.mcnemar(table, exact=True).pvalue, rel=1e-4)
    else:
        assert ours.p == 1
    assert mcnemar(b, a).p == ours.p


@pytest.mark.parametrize(("lo", "hi"), [(0.01, 0.03), (-0.03, -0.01), (-0.01, 0.03)])
def test_sentence_and_caveat_say_what_interval_and_holms_p_support(lo, hi):
    interval = Interval((lo + hi) / 2, lo, hi)
    says, sentence = (
        interval.side("a scores higher", "a scores lower", "we cannot tell a from b"),
        verdict(interval, "a", "b"),
    )
    assert sentence.startswith(says) and interval.text(100, 1, " points") in sentence
    assert ("lead only (p = 0.21, Holm)" in holm_caveat(interval, 0.213)) == (0 not in interval)
    assert holm_caveat(interval, 0.049) == ""


def test_an_interval_changes_its_unit_its_ends_and_its_reference():
    interval = Interval(0.9, 0.8, 1.1)
    assert interval.times(100).within(0, 100).ends(digits=0, unit=" %") == "80 to 100 %"
    assert interval.text(100) == "90.0 [80.0, 110.0]" and Interval(-1, -2, -0.001).text() == "−1.0 [−2.0, 0.0]"
    assert [interval.side(1, -1, 0, of=value) for value in (0.5, 2, 1)] == [1, -1, 0]


right = torch.tensor([True, False])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: t_interval([0.5]), "at least two finite values"),
        (lambda: t_interval([0.5, float("nan")]), "at least two finite values"),
        (lambda: proportion_interval(0, 0), "no share"),
        (lambda: seeds_needed([0.1, 0.2, 0.3], 0), "smallest that matters"),
        (lambda: seeds_needed([0.1, 0.2, 0.3], 0.01, power=1), "expected between 0 and 1"),
        (lambda: seeds_needed([0.1, 0.2, 0.3], 0.01, level=1.0), "expected between 0 and 1"),
        (lambda: holm([]), "at least one, each between 0 and 1"),
        (lambda: holm([0.2, float("nan")]), "each between 0 and 1"),
        (lambda: mcnemar(right, right[:1]), "pass predictions == labels"),
        (lambda: mcnemar(right.int(), right), "pass predictions == labels"),
    ],
)
def test_bad_input_is_named(call, says):
    with pytest.raises(CourseError, match=says):
        call()
