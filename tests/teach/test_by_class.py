"""Figures class by class: the group first and framed, shares that sum to one, one interval a class."""

import numpy as np
import pytest

from course_utils.core.errors import CourseError
from course_utils.evaluate.statistics import Interval
from course_utils.teach import show
from course_utils.teach.plots import by_class

CLASSES = ("top", "bag", "coat", "shoe")


def shares():
    matrix = np.eye(4) * 0.9
    matrix[0, 2] = matrix[2, 0] = matrix[1, 3] = matrix[3, 1] = 0.1
    return matrix


def texts(ax):
    return {(int(t.get_position()[1]), int(t.get_position()[0])): t.get_text() for t in ax.texts if t.get_text()}


def test_a_leakage_matrix_puts_the_group_first_and_leaves_empty_cells_away():
    fig = by_class.leakage({"fakes": shares(), "real": np.eye(4)}, CLASSES, group=(0, 2))
    fakes, real = fig.axes[:2]
    assert [label.get_text() for label in fakes.get_yticklabels()] == ["top", "coat", "bag", "shoe"]
    assert texts(fakes)[0, 1] == texts(fakes)[2, 3] == "10" and texts(fakes)[1, 1] == "90"
    assert (0, 2) not in texts(fakes) and len(texts(real)) == 4
    (frame,) = fakes.patches
    assert frame.get_width() == pytest.approx(2, abs=0.1) == frame.get_height()
    assert (fakes.get_title(), real.get_title()) == ("fakes", "real") and fakes.get_ylabel() == "asked for"
    assert show.png(fig)


def test_counts_are_no_shares():
    with pytest.raises(CourseError, match=r"fakes: rows sum to \[10.*expected shares"):
        by_class.leakage({"fakes": 10 * shares()}, CLASSES, group=(0,))


def test_measures_are_drawn_in_per_cent_of_real_with_an_interval_a_class():
    acgan = [Interval(0.5 + k / 10, 0.4 + k / 10, 0.6 + k / 10) for k in range(4)]
    real_only = [Interval(0.9, 0.8, 1.0)] * 4
    panels = {"coverage": {"b": real_only}, "distance": {"a": acgan, "b": real_only}}
    fig = by_class.beside_real(panels, CLASSES, order=["a", "b"])
    coverage, distance = fig.axes
    lines = [line for line in distance.lines if len(line.get_xdata()) == 1]
    assert [round(line.get_xdata()[0]) for line in lines] == [50, 60, 70, 80] + [90] * 4
    assert [line.get_marker() for line in lines] == ["o"] * 4 + ["s"] * 4, "not told apart by colour alone"
    spans = [tuple(np.round(line.get_xdata())) for line in distance.lines if len(line.get_xdata()) == 2]
    assert (40, 60) in spans and (80, 100) in spans
    assert {line.get_marker() for line in coverage.lines if len(line.get_xdata()) == 1} == {"s"}
    assert show.png(fig)
