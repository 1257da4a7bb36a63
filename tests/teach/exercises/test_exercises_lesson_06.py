"""Lesson 6's exercises: documented mistakes are named, and the answers are what a verdict computes."""

import numpy as np
import pytest
import torch
from answers import each_mistake_is_named, right_answers_pass
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from course_utils.evaluate import statistics
from course_utils.teach.exercises import lesson_06 as lesson
from course_utils.teach.exercises.exercise import Wrong
from course_utils.verdict import findings

# ---------------------------------------------------------------- answers with a mistake in them


def drawn(groups, rng, n):
    names = groups.unique()
    return names[torch.randperm(len(names), generator=rng)[:n]]


def pictures(groups, share, rng):
    mask = torch.zeros(len(groups), dtype=torch.bool)
    mask[torch.randperm(len(groups), generator=rng)[: round(share * len(groups))]] = True
    return mask


def one_torn(groups, share, rng):
    mask = lesson.GroupSplit.reference(groups, share, rng)
    mask[mask.nonzero()[0]] = False
    return mask


def read(back=np.exp, of=np.log, base=True, less=True):
    """worth with another way to read the curve."""

    def answer(gain, own, numbers, accuracy):
        now = np.interp(own, numbers, accuracy) if base else 0
        return back(np.interp(now + gain, accuracy, of(numbers))) - (own if less else 0)

    return answer


def beyond(gain, own, numbers, accuracy):
    if abs(gain) < 0.2:
        return lesson.Worth.reference(gain, own, numbers, accuracy)
    return own * gain


def seen(quantiles=(0.975, 0.8), of=stats.t.ppf, ddof=1, root=np.sqrt):
    """smallest_seen with other quantiles, another spread or another error of the mean."""

    def answer(d):
        freedom = () if of == stats.norm.ppf else (len(d) - 1,)
        return sum(of(q, *freedom) for q in quantiles) * d.std(ddof=ddof) / root(len(d))

    return answer


planned = lesson.Planned.reference


def control_first(mean, p, control_seen):
    return lesson.Decide.reference(mean, p, control_seen) if control_seen else "cannot judge"


WRONG = {
    lesson.GroupSplit: [
        (pictures, "You drew single pictures"),
        (one_torn, "is on both sides. A group goes"),
        (lambda g, s, rng: ~lesson.GroupSplit.reference(g, s, rng), "turned round"),
        (lambda g, s, rng: torch.isin(g, torch.randperm(12, generator=rng)[: round(12 * s)]), "taken for positions"),
        (lambda g, s, rng: torch.isin(g, g.unique()[: round(s * len(g.unique()))]), "whatever the generator says"),
        (lambda g, s, rng: torch.isin(g, drawn(g, None, round(s * len(g.unique())))), "with one seed"),
        (lambda g, s, rng: drawn(g, rng, round(s * len(g.unique()))), "a mask, true or false"),
        (lambda g, s, rng: torch.isin(g, drawn(g, rng, 2)), "3 of 12 groups"),
    ],
    lesson.Worth: [
        (read(less=False), r"\*in all\*"),
        (read(back=lambda x: x, of=lambda n: n), "straight in the number"),
        (read(base=False), "the gain itself"),
        (read(back=lambda x: x), "Those are logarithms"),
        (lambda *a: lesson.Worth.reference(*a) / a[1] + 1, "a factor"),
        (beyond, "beyond the curve"),
        (lambda *a: 3.0, "in further ones, should be 51.57; yours is 3"),
    ],
    lesson.Decide: [
        (control_first, "ask the control first"),
        (lambda m, p, seen: lesson.Decide.reference(m, p, True), "never ask the control"),
        (lambda m, p, seen: "helps" if m > 0 else "harms", "sign alone"),
        (lambda m, p, seen: "helps" if p < 0.05 and m > 0 else "harms", r"is not \*harms\*"),
        (lambda m, p, seen: lesson.Decide.reference(abs(m), p, seen), "look at the sign"),
        (lambda m, p, seen: lesson.Decide.reference(m, p, not seen), "The control is turned round"),
        (lambda m, p, seen: lesson.Decide.reference(m, p - 1e-9, seen), "At p = 0.05"),
        (lambda m, p, seen: "no effect" if p > 0.05 else "helps", "none of the four"),
    ],
    lesson.SmallestSeen: [
        (seen(quantiles=(0.975,)), "one case of two"),
        (seen(ddof=0), r"std\(ddof=1\)"),
        (seen(root=lambda n: 1), r"\*single\* differences"),
        (seen(root=lambda n: n), r"\*root\* of n"),
        (seen(of=stats.norm.ppf), "Student's t"),
        (seen(quantiles=(0.95, 0.8)), r"\*one\* side"),
        (lambda d: seen()(d) + d.mean() - 0.78, "not hang on the mean"),
        (lambda d: seen()(d) * np.sqrt(len(d) / 5), "not for fifteen"),
    ],
    lesson.Planned: [
        (lambda lo, hi, m, done: "not judged" if not done else planned(lo, hi, m, done), "counts, finished or not"),
        (lambda lo, hi, m, done: planned(lo, hi, m, True), "may become better"),
        (lambda lo, hi, m, done: planned(lo, hi, 0, done), "smaller than what matters"),
        (lambda lo, hi, m, done: planned(lo, hi, 1, done), "`matters` is 3"),
        (lambda lo, hi, m, done: planned(lo - 1e-9, hi, m, done), "just at what matters"),
        (lambda lo, hi, m, done: planned((lo + hi) / 2, (lo + hi) / 2, m, done), "inside the interval"),
        (lambda lo, hi, m, done: "helps", "none of the four"),
    ],
}


test_each_mistake_is_named = each_mistake_is_named(WRONG)


@pytest.mark.parametrize("rule", [rule for rule, _ in WRONG[lesson.Decide]])
def test_the_case_that_a_decision_fails_is_asked_last(rule):
    """The check shows the arguments of the last call, so they must be those that the rule gets wrong."""
    asked = []
    with pytest.raises(Wrong):
        lesson.Decide().test(lambda *case: asked.append(case) or rule(*case))
    assert rule(*asked[-1]) != lesson.Decide.reference(*asked[-1])


# ---------------------------------------------------------------- other ways that are right


def by_loop(groups, share, rng):
    names = sorted(set(groups.tolist()))
    order = torch.randperm(len(names), generator=rng).tolist()
    test = {names[k] for k in order[: round(share * len(names))]}
    return torch.tensor([g in test for g in groups.tolist()])


test_other_right_answers_pass = right_answers_pass(
    [
        (lesson.GroupSplit, by_loop),
        (lesson.Worth, lambda g, own, n, a: 2 ** np.interp(np.interp(own, n, a) + g, a, np.log2(n)) - own),
        (
            lesson.Decide,
            lambda m, p, seen: ("cannot judge", "we cannot tell")[seen] if p >= 0.05 else ("harms", "helps")[m > 0],
        ),
        (lesson.SmallestSeen, lambda d: sum(stats.t(len(d) - 1).ppf([0.975, 0.8])) * stats.sem(d)),
    ]
)


# ---------------------------------------------------------------- the references, held against others


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=30).filter(lambda d: np.std(d) > 0.1))
def test_an_effect_that_is_seen_needs_about_the_seeds_there_were(differences):
    """The package's exact count of seeds agrees within two with the rule of thumb that learners write."""
    effect = lesson.SmallestSeen.reference(np.array(differences))
    assert abs(statistics.seeds_needed(differences, effect) - len(differences)) <= 2


def test_the_rule_is_the_one_by_which_a_verdict_says_its_answers():
    for mean in (0.1, -0.1):
        for p in (0.01, 0.2):
            said = lesson.Decide.reference(mean, p, True)
            assert findings._says({"mean": mean}, p, []) == said
