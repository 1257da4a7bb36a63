"""Which tables can be true, and the figure that sets scores beside those of a constant answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from sklearn import metrics

from course_utils.evaluate.confusions import confusions
from course_utils.evaluate.statistics import Interval
from course_utils.teach import show
from course_utils.teach.plots import constant


@given(data=st.data(), positives=st.integers(1, 30), negatives=st.integers(1, 30), decimals=st.integers(1, 3))
def test_what_was_really_scored_is_always_possible(data, positives, negatives, decimals):
    tp, fp = data.draw(st.integers(0, positives)), data.draw(st.integers(0, negatives))
    y = [1] * positives + [0] * negatives
    said = [1] * tp + [0] * (positives - tp) + [1] * fp + [0] * (negatives - fp)
    printed = [
        round(value, decimals)
        for value in (
            metrics.accuracy_score(y, said),
            metrics.precision_score(y, said, zero_division=0),
            metrics.recall_score(y, said),
        )
    ]
    assert (tp, fp) in confusions(*printed, positives, negatives, decimals)


def test_scores_that_contradict_each_other_are_found():
    assert confusions(1, 1, 1, 5, 5) == [(5, 0)]
    assert confusions(0.5, 0.5, 1.0, 5, 5) == [(5, 5)]
    assert confusions(0.9, 0.5, 1.0, 5, 5) == []


def figure(claim):
    wide = Interval(2.0, 0.5, 3.5)
    rows = [("real", Interval(2.0, 1.0, 3.0), wide, claim), ("classic", Interval(0.8, 0.7, 0.9), wide, None)]
    shares = [("real", Interval(0.5, 0.45, 0.55), wide, 0.9), ("classic", Interval(0.6, 0.5, 0.7), wide, None)]
    runs = {"real": (0, 5), "classic": (2, 5)}
    return constant.beside_constant(
        {"bce": rows, "accuracy": shares}, {"bce": 0.69, "accuracy": 0.5}, runs, {"bce": 9.0, "accuracy": 1.0}
    )


def test_each_panel_keeps_its_unit_and_shows_the_constant_answer():
    fig = figure(5.0)
    for ax, dashed in zip(fig.axes, (0.69, 0.5), strict=True):
        (line,) = [line for line in ax.lines if line.get_linestyle() == "--" and line.get_color() == "0.3"]
        assert list(line.get_xdata()) == [dashed, dashed]
    spans = [tuple(line.get_xdata()) for line in fig.axes[0].lines if len(line.get_xdata()) == 2][:4]
    assert spans == [(0.5, 3.5), (1.0, 3.0), (0.5, 3.5), (0.7, 0.9)]
    names = [label.get_text() for label in fig.axes[0].get_yticklabels()]
    assert names == ["real\n0 of 5 gave up", "classic\n2 of 5 gave up"]
    assert show.png(fig)


@pytest.mark.parametrize(("claim", "inside"), [(3.2, True), (5.0, False)])
def test_the_papers_value_is_filled_only_where_one_further_run_could_fall(claim, inside):
    (square,) = [line for line in figure(claim).axes[0].lines if line.get_color() == "black"]
    assert list(square.get_xdata()) == [claim]
    assert to_rgb(square.get_markerfacecolor()) == ((0, 0, 0) if inside else (1, 1, 1))
