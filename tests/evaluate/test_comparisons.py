"""Answers to several questions at once: corrected by Holm, and said with their caveat."""

import numpy as np
import pandas as pd
import pytest

from course_utils.core.errors import CourseError
from course_utils.evaluate.comparisons import against_paper, code_name, compare, p_text, paper_table, readable
from course_utils.evaluate.statistics import holm, paired_p, prediction_interval, share_interval
from course_utils.experiment import Outcome
from course_utils.teach.plots import comparisons as plots

SURE = ("gan", "real", "accuracy")
LEAD = ("gan", "classic", "accuracy")
UNCLEAR = ("gan", "placebo_noise", "recall of class 0")
ASKED = {SURE: [0.031, 0.03, 0.029, 0.03], LEAD: [-0.01, -0.03, -0.05, -0.03], UNCLEAR: [0.02, -0.02, 0.01, -0.01]}


def test_a_family_is_corrected_for_its_own_questions_only():
    one, (first, second) = compare(ASKED), ({SURE: ASKED[SURE]}, {LEAD: ASKED[LEAD], UNCLEAR: ASKED[UNCLEAR]})
    p = [paired_p(values) for values in ASKED.values()]
    assert [d.p for d in one.values()] == p and [d.p_holm for d in one.values()] == holm(p).tolist()
    assert [d.p_holm for d in compare(first, second).values()] == [p[0], *holm(p[1:])]
    assert list(one) == list(compare(first, second)) == list(ASKED)
    with pytest.raises(CourseError, match="at least one"):
        compare({})


def test_every_sentence_carries_its_caveat():
    answers = compare(ASKED)
    assert answers[LEAD].p < 0.05 < answers[LEAD].p_holm
    sure, lead, unclear = answers.sentences
    assert "3.0 [2.9, 3.1] points" in sure and not answers[SURE].caveat
    assert lead.endswith(answers[LEAD].caveat) and "lead only" in answers[LEAD].caveat
    assert unclear.startswith("We cannot tell GAN from placebo noise") and "lead" not in unclear
    assert (
        answers[LEAD]
        .sentence("the GAN", "turning", "accuracy at 1 %")
        .startswith("The GAN scores lower than turning in accuracy at 1 %")
    )
    assert answers[LEAD].sentence("ccGAN", "turning").startswith("ccGAN scores lower than turning")


@pytest.mark.parametrize(
    ("code", "words"), [("gan_100", "GAN 100"), ("classic+acgan_all", "classic + ACGAN all"), ("real", "real")]
)
def test_an_arm_is_called_as_a_reader_would_and_found_again(code, words):
    assert readable(code) == words and code_name(words) == code
    assert readable("no difference, T-shirt/top") == "no difference, T-shirt/top"


def test_the_table_has_a_row_a_question_and_names_the_measures_where_they_differ():
    table = compare(ASKED).table()
    assert table["difference"].tolist() == ["GAN − real", "GAN − classic", "GAN − placebo noise"]
    assert table["measure"].tolist() == ["accuracy", "accuracy", "recall of class 0"]
    assert table.loc[0, "points"] == "3.0 [2.9, 3.1]" and table.loc[0, "p"] == p_text(1e-5) == "< 0.001"
    assert "measure" not in compare({SURE: ASKED[SURE], LEAD: ASKED[LEAD]}).table()


def test_a_papers_value_is_held_against_one_further_run():
    values, known = [0.8, 0.9, 1.0], prediction_interval([0.8, 0.9, 1.0], images=40)
    rows = [against_paper(arm, values, claim, images=40) for arm, claim in (("a", 0.9), ("b", 0.1), ("c", None))]
    assert rows[0].ours == share_interval(values) and rows[0].further == known.within(0, 1) != known
    table = paper_table({"accuracy": rows}, 100, unit=" %")
    assert table[["metric", "arm", "paper", "paper inside"]].to_numpy().tolist() == [
        ["accuracy", "a", 0.9, "yes"],
        ["accuracy", "b", 0.1, "no"],
    ]
    assert table.loc[0, "one further run"].endswith(" to 100.0 %") and table.loc[0, "ours"] == rows[0].ours.text(
        100, 1, " %"
    )


@pytest.fixture
def outcome():
    values = {"real": (0.5, 0.6, 0.7), "gan": (0.6, 0.6, 0.9)}
    rows = [
        {"arm": arm, "seed": seed, "test_set": "test", "metric": "accuracy", "value": value}
        for seed in (2, 0, 1)
        for arm, by_seed in values.items()
        for value in by_seed[seed : seed + 1]
    ]
    return Outcome(pd.DataFrame(rows), {})


def test_arms_are_paired_and_drawn_seed_by_seed(outcome):
    np.testing.assert_allclose(outcome.paired("gan", "real"), [0.1, 0.0, 0.2])
    with pytest.raises(CourseError, match="no accuracy of arm 'bagan'"):
        outcome.paired("bagan", "real")
    (label, values, *interval), (other, *_) = plots.arm_rows(outcome)
    known = share_interval([0.5, 0.6, 0.7]).times(100)
    assert (label, other) == ("real", "gan")
    np.testing.assert_allclose([*values, *interval], [50, 60, 70, known.mean, known.lo, known.hi])
    ((label, values, mean, *_),) = plots.difference_rows(outcome, "real")
    assert label == "gan"
    np.testing.assert_allclose([*values, mean], [10, 0, 20, 10], atol=1e-9)
