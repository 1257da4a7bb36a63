"""The ledger: claims and numbers of a paper joined with results, and the statuses that follow."""

import json

import numpy as np
import pytest

from course_tools.author import full_page, ledger, ledger_page, statuses
from course_tools.run.lessons import Lesson
from course_utils.core.errors import CourseError
from course_utils.evaluate.statistics import Interval

PAPER = """
[paper]
title = "On fakes"
author = "A. Student"
venue = "a project"
"""
LEDGER = """
[metrics]
"accuracy at {b}" = "experiments/{b}/{arm}"
"accuracy" = "arms/{arm}/accuracy/test"
"bare" = "bare"

[arms]
"GAN" = "gan"

[full.arms]
"GAN" = "gan_all"
"""
REAL = [0.702, 0.698, 0.701, 0.699, 0.700, 0.702, 0.698, 0.700]
GAN = [0.752, 0.749, 0.750, 0.751, 0.748, 0.752, 0.749, 0.750]


def results(**arms):
    """Results of arms, each with one accuracy a seed; the full run calls its GAN's arm by another name."""
    return {
        "title": "Fakes",
        "seeds": list(range(len(arms["real"]))),
        "data": {"source": "local"},
        "device": "cpu",
        "wall_s": 7200,
        "arms": {arm: {"accuracy": {"test": {"values": values}}} for arm, values in arms.items()},
        "experiments": {"8": {"real": {"values": [0.5, 0.6, 0.7]}}},
        "bare": 0.7,
        "gate": {"GAN": gate(True), "classifier": gate(True)},
        "spread": {"all": 0.5, "same GAN": 0.4, "same GAN and subset": 0.3},
    }


def gate(passed):
    check = {"found": 0.05 if passed else 0.2, "limit": 0.1, "passed": passed}
    return {"passed": passed, "checks": {"fd_moved": check}}


QUICK = results(real=[0.70, 0.72, 0.71], gan=[0.75, 0.77, 0.765])
FULL = results(real=REAL, gan_all=GAN)


@pytest.fixture
def lesson(tmp_path):
    """Of a course without anything but results; its numbers and joins are written by `ledger_of`."""
    lesson = Lesson("01_fakes", tmp_path)
    lesson.folder.mkdir(parents=True)
    (lesson.folder / "lesson.py").touch()
    (tmp_path / "results" / lesson.slug).mkdir(parents=True)
    store(lesson, "quick", QUICK)
    store(lesson, "full", FULL)
    return lesson


def store(lesson, profile, found):
    (lesson.root / "results" / lesson.slug / f"{profile}.json").write_text(json.dumps(found))


def forget(lesson, profile):
    (lesson.root / "results" / lesson.slug / f"{profile}.json").unlink()


def ledger_of(lesson, numbers, joins, settings=(), top=""):
    """numbers: key → value, or (value, unit)."""
    entries = []
    for key, value in numbers.items():
        value, unit = value if isinstance(value, tuple) else (value, "")
        entries.append(f'[[number]]\nkey = "{key}"\nvalue = {value}\nunit = "{unit}"\nwhere = "Table 1"\nmeans = "m"\n')
    (lesson.folder / "paper.toml").write_text(PAPER + "\n".join(entries))
    (lesson.folder / "ledger.toml").write_text(f"settings = {list(settings)}\n{top}\n{LEDGER}{joins}")
    return ledger.load(lesson)


ARMS = """
[[join]]
keys = "real"
value = "real: accuracy"
against = "gan"
gates = ["classifier"]

[[join]]
keys = "gan"
value = "GAN: accuracy"
against = "real"
gates = ["GAN", "classifier"]

[[join]]
keys = "gain"
difference = "GAN - real: accuracy"
gates = ["GAN"]
"""


def number_of(lesson, value, join, others=None):
    found = ledger_of(lesson, {"x": value, **(others or {})}, f'[[join]]\nkeys = "x"\n{join}\n')
    return next(row for row in found.numbers() if row.key == "x")


def statuses_of(lesson, numbers, **more):
    return {row.key: row.status for row in ledger_of(lesson, numbers, ARMS, **more).numbers()}


# ------------------------------------------------------------------ numbers


def test_numbers_of_the_wrong_arm_no_longer_count_as_consistent(lesson):
    right = {"real": 0.7, "gan": 0.75, "gain": (5.0, "points")}
    assert set(statuses_of(lesson, right).values()) == {"consistent"}
    swapped = {"real": 0.75, "gan": 0.7, "gain": (-5.0, "points")}
    assert set(statuses_of(lesson, swapped).values()) == {"contradicted"}


@pytest.mark.parametrize("answer", [0.7, 0.725, 0.75, 0.95])
def test_one_constant_as_the_answer_to_all_numbers_is_never_consistent(lesson, answer):
    found = statuses_of(lesson, {"real": answer, "gan": answer, "gain": (0, "points")})
    assert set(found.values()) == {"not a test"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"runs": 7}, "rests on 7 runs"),
        ({"ours": Interval(0.7, 0.6, 0.72)}, "is 0.12 long"),
        ({"ours": Interval(0.99, 0.98, 1.01), "value": 0.99, "wrong": 0.1}, "beyond what"),
        ({"printed": 0.1}, "long, half the claimed effect"),
        ({"wrong": 0.7}, "no other number"),
        ({"wrong": None}, "no other number"),
    ],
)
def test_a_number_is_a_test_only_if_it_could_have_come_out_otherwise(change, why):
    good = {"value": 0.7, "wrong": 0.9, "ours": Interval(0.7, 0.69, 0.72), "runs": 8, "lowest": 0, "highest": 1}
    assert statuses.of_number(**good) == ("consistent", "")
    status, reason = statuses.of_number(**good | change)
    assert status == "not a test" and why in reason


def test_a_value_is_held_against_one_further_run_in_the_papers_unit(lesson):
    row = number_of(lesson, (70.4, "%"), 'value = "real: accuracy"\nagainst = "y"\ngates = []', {"y": 90})
    assert row.status == "consistent" and row.profile == "full" and row.test
    s = np.std(REAL, ddof=1)
    assert row.run.lo == pytest.approx(100 * (0.7 - 2.364624 * s * (9 / 8) ** 0.5))
    assert row.ours.lo == pytest.approx(100 * (0.7 - 2.364624 * s / 8**0.5))


def test_where_the_papers_images_are_not_ours_no_value_is_a_test_but_a_difference_is(lesson):
    numbers = {"real": 0.7, "gan": 0.75, "gain": (5.0, "points")}
    found = statuses_of(lesson, numbers, top='other_data = "Ours are another set."')
    assert found == {"real": "not a test", "gan": "not a test", "gain": "consistent"}


def test_what_cannot_be_compared_says_why(lesson):
    row = number_of(lesson, 1, 'not_run = "too long"')
    assert (row.status, row.why, row.test) == ("not run", "too long", None)
    row = number_of(lesson, 1, 'value = "real: accuracy"\nmissing = "the judge"')
    assert (row.status, row.why, row.ours is None, row.test) == ("under-specified", "the judge", False, None)
    forget(lesson, "full")
    assert number_of(lesson, 1, 'value = "real: accuracy"\nprofiles = ["full"]').status == "not run"


def test_a_five_minute_run_judges_no_paper(lesson):
    numbers = {"real": 0.71, "gan": 0.76, "gain": (5.0, "points")}
    forget(lesson, "full")
    found = ledger_of(lesson, numbers, ARMS + claim(">"))
    assert {row.status for row in found.numbers()} == {"not judged"} and found.numbers()[0].profile == "quick"
    ((_, row),) = ledger.claims([found])
    assert row.status == "not judged" and "five-minute" in row.why and row.quick.startswith("GAN scores higher than")


def test_a_gate_that_was_missed_leaves_what_rests_on_it_unjudged_with_the_figure(lesson):
    store(lesson, "full", FULL | {"gate": FULL["gate"] | {"GAN": gate(False)}})
    found = ledger_of(lesson, {"real": 0.7, "gan": 0.75}, ARMS + claim(">"))
    assert [row.status for row in found.numbers()] == ["consistent", "not judged"]
    ((_, row),) = ledger.claims([found])
    assert row.status == "not judged" and row.why == "GAN: fd_moved is 0.2, limit 0.1"


def test_names_in_keys_are_put_into_measures(lesson):
    join = '[[join]]\nkeys = "{arm}_{b}"\nvalue = "{arm}: accuracy at {b}"\ngates = []\n'
    found = ledger_of(lesson, {"real_8": 0.6}, join)
    assert found.numbers()[0].ours.mean == pytest.approx(0.6) and found.faults() == []


# ------------------------------------------------------------------ claims


def claim(sign, more=""):
    return (
        f'[[claim]]\nsays = "GANs"\nwhere = "abstract"\nholds = "GAN {sign} real: accuracy"\ngates = ["GAN"]\n{more}\n'
    )


def claim_of(lesson, gan, sign, more=""):
    store(lesson, "full", results(real=REAL, gan_all=gan))
    ((_, row),) = ledger.claims([ledger_of(lesson, {}, claim(sign, more))])
    return row


def shifted(points, spread):
    """REAL and so many points more, with a spread of the differences, in points."""
    turns = np.tile([1.0, -1.0], 4)
    return [round(real + (points + spread * turn) / 100, 6) for real, turn in zip(REAL, turns, strict=True)]


@pytest.mark.parametrize(
    ("points", "spread", "sign", "status"),
    [
        (5, 0.2, ">", "consistent"),
        (5, 0.2, "<", "contradicted"),
        (5, 0.2, "?", "contradicted"),
        (0.1, 0.2, ">", "contradicted"),  # shown to be smaller than what matters
        (0.1, 0.2, "?", "consistent"),
        (-2.4, 3, ">", "contradicted"),  # no loss is shown, after so long an interval, but that there is no such gain
        (2.4, 3, "<", "contradicted"),
        (-2.4, 3, "?", "inconclusive"),
        (0.5, 3, ">", "inconclusive"),  # an interval that holds 0 shows no equality
        (0.5, 3, "?", "inconclusive"),
    ],
)
def test_a_claim_is_held_against_the_difference_and_the_smallest_that_matters(lesson, points, spread, sign, status):
    row = claim_of(lesson, shifted(points, spread), sign, "matters = 1")
    assert row.status == status and row.profile == "full"
    assert ("80 % power" in row.why) == (status == "inconclusive")


def test_holm_counts_the_claims_that_are_judged_in_one_list(lesson):
    gan = shifted(2.4, 2.4)
    assert claim_of(lesson, gan, ">").status == "consistent"
    several = ledger_of(lesson, {}, claim(">") + 3 * claim("<"))
    assert {row.status for _, row in ledger.claims([several])} == {"inconclusive"}
    unjudged = claim("<").replace('gates = ["GAN"]', 'missing = "the test set"')
    found = ledger.claims([ledger_of(lesson, {}, claim(">") + 3 * unjudged)])
    assert [row.status for _, row in found] == ["consistent"] + 3 * ["under-specified"]


# ------------------------------------------------------------------ what does not fit


@pytest.mark.parametrize(
    ("numbers", "joins", "says"),
    [
        ({"x": 1}, "", "x of paper.toml has no row"),
        (
            {"x": 1},
            '[[join]]\nkeys = "{a}"\nvalue = "fake: accuracy"\ngates = []',
            "x: full.json has no arms/fake/accuracy/test",
        ),
        (
            {"x": 1},
            '[[join]]\nkeys = "x"\nvalue = "bare"\ngates = []',
            "bare of full.json has no values of several runs",
        ),
        ({"x": 1}, '[[join]]\nkeys = "x"\nvalue = "real: F1"\ngates = []', "[metrics] does not name 'F1'"),
        (
            {"x": 1},
            '[[join]]\nkeys = "x"\nvalue = "real: accuracy"\nagainst = "z"\ngates = []',
            "held against, z, is none of paper.toml",
        ),
        ({"x": 1}, '[[join]]\nkeys = "x"\nvalue = "real: accuracy"', "name the `gates`"),
        ({"x": 1}, '[[join]]\nkeys = "x"\nvalue = "real: accuracy"\ngates = ["GIN"]', "no gate 'GIN'"),
        ({"x": 1}, '[[join]]\nkeys = "x"', "'x' needs one measure of ours"),
        ({"x": 1}, '[[join]]\nkeys = ["x", "y"]\nnot_run = "no"\nvalue = "real: accuracy"', "needs one measure"),
        ({}, '[[join]]\nkeys = "z_{a}"\nnot_run = "no"', "which fits no key"),
        ({}, claim("-"), "is no comparison"),
        ({}, claim("?"), "`matters` says which"),
    ],
)
def test_what_does_not_fit_is_named(lesson, numbers, joins, says):
    assert any(says in fault for fault in ledger_of(lesson, numbers, joins).faults())


def test_settings_are_used_once(lesson):
    found = ledger_of(lesson, {"lr": 1}, '[[join]]\nkeys = "lr"\nnot_run = "no"', ["l*", "z*"]).faults()
    assert len(found) == 2 and "lr is named in settings and joined" in found[0] and "'z*'" in found[1]


@pytest.mark.parametrize(
    ("field", "says"), [('vale = "real: accuracy"', "'vale'"), ("images = 0.5", "'integer'"), ("value = ", "no TOML")]
)
def test_a_table_that_is_not_what_its_schema_says_is_refused(lesson, field, says):
    with pytest.raises(CourseError, match=f"ledger.toml of 01_fakes.*{says}"):
        ledger_of(lesson, {"x": 1}, f'[[join]]\nkeys = "x"\n{field}\n')


# ------------------------------------------------------------------ pages


def test_the_page_has_claims_with_their_verdict_before_then_each_number_once_and_goes_stale(lesson):
    numbers = {"lr": 0.1, "real": 0.7, "gan": 0.75, "y": 0.2, "z": 3}
    more = '[[join]]\nkeys = ["y", "z"]\nnot_run = "too long"\n' + claim(">", 'before = "not reproduced"')
    ledger_of(lesson, numbers, ARMS.rpartition("[[join]]")[0] + more, ["lr"])
    text = ledger_page.page(lesson.root)
    assert [text.count(f"`{key}`: m (") for key in numbers] == 5 * [1]
    assert "| 01 | 2 | 0 | 0 | 0 | 0 | 0 | 2 | 1 | 5 |" in text and "2 of these 2 discriminate" in text
    first = text.index("| 01 | GANs | not reproduced | **consistent** | GAN scores higher than")
    assert first < text.index("| `real`: m")
    assert "] | `full` | **consistent** |" in text and "`quick`: 3 seeds" in text
    assert "GAN 0.30, subset 0.26, classifier alone 0.30; all together 0.50" in text
    assert ledger_page.check(lesson.root)
    ledger_page.write(lesson.root)
    assert ledger_page.check(lesson.root) == []
    store(lesson, "quick", QUICK | {"title": "Other", "seeds": [0]})
    assert ledger_page.check(lesson.root)


def test_parts_of_the_spread_are_told_apart_by_what_was_held_still():
    found = {"seeds": [0, 1, 2, 3, 4], "spread": {"all": 0.3, "same GAN and subset": 0.5}}
    assert "GAN and subset 0.00, classifier alone 0.50" in full_page.spread(found)


def test_readme_names_no_number_of_a_five_minute_run_as_a_verdict(lesson):
    forget(lesson, "full")
    ledger_of(lesson, {"real": 0.7, "gan": 0.75}, ARMS.rpartition("[[join]]")[0] + claim(">"))
    text = ledger_page.block(lesson.root)
    assert "**not judged**" in text and "scores" not in text and "0 of these 2 discriminate" in text


@pytest.mark.parametrize("found", ledger_page.ledgers(), ids=lambda found: found.lesson.slug)
def test_every_number_has_a_row_and_every_claim_the_smallest_difference_that_matters(found):
    assert len(found.numbers()) == len(found.paper)
    assert all(claim.matters for claim in found.claims)
