"""Curves with intervals: lines, bands and levels lie where the numbers say."""

import numpy as np
import pytest

from course_utils.evaluate.statistics import Interval
from course_utils.teach import show
from course_utils.teach.plots import curves
from course_utils.teach.plots.figures import LOOKS

LINES = {
    "gan": {50: Interval(90, 89, 91), 10: Interval(85, 83, 87), 0: Interval(70, 66, 74)},
    "classic": {50: Interval(92, 91, 93), 10: Interval(88, 87, 89)},
    "gan_few": {10: Interval(79, 75, 82)},
}


def drawn(**settings):
    fig = curves.bands(LINES, "share, %", "accuracy, %", **settings)
    assert show.png(fig)
    return fig.axes[0]


def curve(ax, name):
    return next(line for line in ax.lines if line.get_label() == name)


def test_a_line_runs_through_the_means_on_a_band_of_the_intervals():
    ax = drawn()
    np.testing.assert_allclose(curve(ax, "GAN").get_xydata(), [(50, 90), (10, 85), (0, 70)])
    corners = ax.collections[0].get_paths()[0].vertices
    assert {(50, 91), (50, 89), (0, 66), (0, 74)} <= {tuple(corner) for corner in corners}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("share, %", "accuracy, %")


def test_a_single_point_stands_on_its_interval_without_a_band():
    ax = drawn()
    assert len(ax.collections) == 2  # bands of gan and classic
    upright = [line for line in ax.lines if list(line.get_xdata()) == [10, 10]]
    assert [list(line.get_ydata()) for line in upright] == [[75, 82]]


def test_places_and_looks_follow_the_orders_that_are_given_and_levels_go_across():
    ax = drawn(at=[50, 10, 0], levels={"real": Interval(93, 92, 94)}, order=["other", "gan_few", "classic", "gan"])
    assert list(curve(ax, "GAN").get_xdata()) == [0, 1, 2] and list(curve(ax, "GAN few").get_xdata()) == [1]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["50", "10", "0"]
    assert set(curve(ax, "real").get_ydata()) == {93} and curve(ax, "GAN").get_marker() == LOOKS[3].marker
    with pytest.raises(KeyError):
        drawn(at=[50, 10])


def test_histories_have_a_panel_a_measure_and_a_line_a_run():
    runs = {"batch": {"loss": [3, 2, 1], "accuracy": [0.5, 0.6, 0.9]}, "virtual": {"loss": [2, 2], "accuracy": [1, 0]}}
    fig = curves.histories(runs, 60, {"accuracy": 0.5})
    assert show.png(fig)
    loss, accuracy = fig.axes
    np.testing.assert_allclose(curve(loss, "batch").get_xydata(), [(20, 3), (40, 2), (60, 1)])
    np.testing.assert_allclose(curve(accuracy, "virtual").get_xydata(), [(30, 1), (60, 0)])
    assert [set(line.get_ydata()) for line in accuracy.lines if line.get_linestyle() == ":"] == [{0.5}]
    assert not any(line.get_linestyle() == ":" for line in loss.lines) and loss.get_title() == "loss"
