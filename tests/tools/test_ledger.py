"""The ledger: numbers of a paper joined with results, and the verdicts that follow."""

import json

import pytest

from course_tools.author import ledger, ledger_page
from course_tools.run.lessons import Lesson
from course_utils.core.errors import CourseError

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
"""
RESULTS = {
    "title": "Fakes",
    "seeds": [0, 1, 2],
    "data": {"source": "local"},
    "device": "cpu",
    "arms": {
        "real": {"accuracy": {"test": {"values": [0.70, 0.72, 0.71]}}},
        "gan": {"accuracy": {"test": {"values": [0.75, 0.77, 0.765]}}},
    },
    "experiments": {"8": {"real": {"values": [0.5, 0.6, 0.7]}}},
    "bare": 0.7,
}


@pytest.fixture
def lesson(tmp_path):
    """Of a course without anything but results; its numbers and joins are written by `ledger_of`."""
    lesson = Lesson("01_fakes", tmp_path)
    lesson.folder.mkdir(parents=True)
    (lesson.folder / "lesson.py").touch()
    folder = tmp_path / "results" / lesson.slug
    folder.mkdir(parents=True)
    (folder / "quick.json").write_text(json.dumps(RESULTS))
    return lesson


def ledger_of(lesson, numbers, joins, settings=()):
    """numbers: key → value, or (value, unit)."""
    entries = []
    for key, value in numbers.items():
        value, unit = value if isinstance(value, tuple) else (value, "")
        entries.append(f'[[number]]\nkey = "{key}"\nvalue = {value}\nunit = "{unit}"\nwhere = "Table 1"\nmeans = "m"\n')
    (lesson.folder / "paper.toml").write_text(PAPER + "\n".join(entries))
    (lesson.folder / "ledger.toml").write_text(f"settings = {list(settings)}\n{LEDGER}{joins}")
    return ledger.load(lesson)


def verdict_of(lesson, value, join, others=None):
    found = ledger_of(lesson, {"x": value, **(others or {})}, f'[[join]]\nkeys = "x"\n{join}\n')
    return next(row for row in found.rows("quick") if row.key == "x")


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(0.71, "reproduced"), (0.662, "reproduced"), (0.764, "not reproduced"), (0.658, "not reproduced")],
)
def test_a_value_is_held_against_one_further_run(lesson, value, verdict):
    row = verdict_of(lesson, value, 'value = "real: accuracy"')
    assert row.verdict == verdict
    assert row.run.lo == pytest.approx(0.71 - 4.3027 * 0.01 * (4 / 3) ** 0.5, abs=1e-5)
    assert row.ours.lo == pytest.approx(0.71 - 4.3027 * 0.01 / 3**0.5, abs=1e-5)


def test_units_rounding_and_few_test_images_are_allowed_for(lesson):
    row = verdict_of(lesson, (71.5, "%"), 'value = "real: accuracy"')
    assert row.verdict == "reproduced" and row.ours.mean == pytest.approx(71)
    for more, verdict in (("", "not reproduced"), ("printed = 0.1", "reproduced"), ("images = 40", "reproduced")):
        assert verdict_of(lesson, 0.8, f'value = "real: accuracy"\n{more}').verdict == verdict


@pytest.mark.parametrize(
    ("gan", "real", "verdict"),
    [(0.9, 0.5, "direction only"), (0.9, 0.9, "not reproduced"), (0.5, 0.9, "not reproduced")],
)
def test_a_value_outside_may_have_the_papers_direction(lesson, gan, real, verdict):
    join = 'value = "gan: accuracy"\nagainst = "y"\n\n[[join]]\nkeys = "y"\nvalue = "real: accuracy"'
    assert verdict_of(lesson, gan, join, {"y": real}).verdict == verdict


@pytest.mark.parametrize(
    ("value", "verdict"), [(5.2, "reproduced"), (17.8, "direction only"), (-5, "not reproduced"), (0, "not reproduced")]
)
def test_a_difference_is_held_against_the_interval_of_our_mean(lesson, value, verdict):
    row = verdict_of(lesson, (value, "points"), 'difference = "GAN - real: accuracy"')
    assert row.verdict == verdict and row.run is None
    assert row.ours.mean == pytest.approx(5.1667, abs=1e-3)


def test_what_cannot_be_compared_says_why(lesson):
    row = verdict_of(lesson, 1, 'not_run = "too long"')
    assert (row.verdict, row.remark) == ("not run yet", "too long")
    row = verdict_of(lesson, 1, 'value = "real: accuracy"\nmissing = "the judge"')
    assert (row.verdict, row.remark, row.ours is None) == ("under-specified", "the judge", False)
    assert verdict_of(lesson, 1, 'value = "real: accuracy"\nprofiles = ["full"]').verdict == "not run yet"


def test_a_profile_without_results_is_not_run_yet(lesson):
    (lesson.root / "results" / lesson.slug / "quick.json").unlink()
    assert verdict_of(lesson, 1, 'value = "real: accuracy"').verdict == "not run yet"


def test_names_in_keys_are_put_into_measures(lesson):
    found = ledger_of(lesson, {"real_8": 0.6}, '[[join]]\nkeys = "{arm}_{b}"\nvalue = "{arm}: accuracy at {b}"\n')
    assert found.rows("quick")[0].ours.mean == pytest.approx(0.6) and found.faults() == []


def test_claims_in_words(lesson):
    claim = '[[claim]]\nsays = "GANs help"\nwhere = "abstract"\nholds = "GAN {} real: accuracy"\n'
    for sign, verdict in ((">", "reproduced"), ("<", "not reproduced"), ("?", "not reproduced")):
        (row,) = ledger_of(lesson, {}, claim.replace("{}", sign)).rows("quick")
        assert (row.verdict, row.remark[:56]) == (verdict, "GAN scores higher than `real` in accuracy: 5.2 [4.4, 5.9")


@pytest.mark.parametrize(
    ("numbers", "joins", "says"),
    [
        ({"x": 1}, "", "x of paper.toml has no row"),
        ({"x": 1}, '[[join]]\nkeys = "{a}"\nvalue = "fake: accuracy"', "x: quick.json has no arms/fake/accuracy/test"),
        ({"x": 1}, '[[join]]\nkeys = "x"\nvalue = "bare"', "bare of quick.json has no values of several runs"),
        ({"x": 1}, '[[join]]\nkeys = "x"\nvalue = "real: F1"', "[metrics] does not name 'F1'"),
        ({"x": 1}, '[[join]]\nkeys = "x"\nvalue = "real: accuracy"\nagainst = "z"', "held against, z, has no value"),
        ({"x": 1}, '[[join]]\nkeys = "x"', "'x' needs one measure of ours"),
        ({"x": 1}, '[[join]]\nkeys = ["x", "y"]\nnot_run = "no"\nvalue = "real: accuracy"', "needs one measure"),
        ({}, '[[join]]\nkeys = "z_{a}"\nnot_run = "no"', "which fits no key"),
        ({}, '[[claim]]\nsays = "s"\nwhere = "w"\nholds = "gan - real: accuracy"', "is no comparison"),
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


def test_the_page_shows_each_number_once_and_goes_stale(lesson):
    ledger_of(
        lesson,
        {"lr": 0.1, "x": 0.71, "y": 0.2, "z": 3},
        '[[join]]\nkeys = "x"\nvalue = "real: accuracy"\n[[join]]\nkeys = ["y", "z"]\nnot_run = "too long"\n',
        ["lr"],
    )
    text = ledger_page.page(lesson.root)
    assert [text.count(f"`{key}`:") for key in ("lr", "x", "y", "z")] == [1, 1, 1, 1]
    assert "| 01_fakes, `quick` | 1 | 0 | 0 | 0 | 2 | 1 | 4 |" in text
    assert "| `x`: m (Table 1) | 0.71 | 0.710 [0.685,\xa00.735] | [0.660,\xa00.760] | **reproduced** |" in text
    assert ledger_page.check(lesson.root)
    ledger_page.write(lesson.root)
    assert ledger_page.check(lesson.root) == []
    path = lesson.root / "results" / lesson.slug / "quick.json"
    path.write_text(path.read_text().replace("0.72", "0.75"))
    assert ledger_page.check(lesson.root)


@pytest.mark.parametrize("found", ledger_page.ledgers(), ids=lambda found: found.lesson.slug)
def test_every_number_of_every_paper_has_a_row_in_every_profile(found):
    for profile in ("quick", "full"):
        assert sum(ledger.counts(found.rows(profile)).values()) == len(found.paper)
