"""Paper 4's grid: each cell says its own numbers, and what was not run says so."""

import pandas as pd
import pytest

from course_utils.evaluate.statistics import Interval
from course_utils.teach import show
from course_utils.teach.plots import grid

CELLS = {
    (1, 1, 64): Interval(0.861, 0.84, 0.88),
    (2, 1, 64): Interval(0.9, 0.88, 0.92),
    (1, 2, 64): Interval(0.91, 0.9, 0.92),
    (1, 1, 32): Interval(0.83, 0.77, 0.88),
}
AXES = ((1, 2, 3), (1, 2), (32, 64))


@pytest.fixture(scope="module")
def maps():
    fig = grid.heat_maps(CELLS, AXES, "conditional accuracy, %")
    assert show.png(fig)
    return {ax.get_title(): ax for ax in fig.axes if ax.get_title()}


def said(ax):
    return {tuple(int(at) for at in text.get_position()): text.get_text() for text in ax.texts if text.get_text()}


def test_each_cell_has_its_mean_over_its_interval_in_its_place(maps):
    assert said(maps["B = 64"])[1, 0] == "90.0\n[88.0, 92.0]"  # F = 2, D = 1
    assert said(maps["B = 64"])[0, 1] == "91.0\n[90.0, 92.0]"  # F = 1, D = 2
    assert said(maps["B = 32"])[0, 0] == "83.0\n[77.0, 88.0]"


def test_what_was_not_run_is_hatched_and_says_so(maps):
    for title, missing in (("B = 32", 5), ("B = 64", 3)):
        assert list(said(maps[title]).values()).count("not run") == missing
        assert sum(patch.get_hatch() is not None for patch in maps[title].patches) == missing


def test_a_setting_stands_beside_the_base_in_every_measure():
    fig = grid.setting({"accuracy": CELLS, "coverage": {(1, 1, 64): Interval(0.5, 0.4, 0.6)}}, (2, 1, 64), (1, 1, 64))
    assert show.png(fig)
    first, second = fig.axes
    assert [list(line.get_xdata()) for line in first.lines if len(line.get_xdata()) == 2] == [
        [0.88, 0.92],
        [0.84, 0.88],
    ]
    assert [label.get_text() for label in first.get_yticklabels()] == ["F = 2, D = 1, B = 64", "F = 1, D = 1, B = 64"]
    assert [text.get_text() for text in second.texts] == ["not run"]


def swept(*settings, seeds=(0, 1, 2), source="local", smoothed=False):
    """Rows as `course sweep` writes them; the accuracy tells setting and seed."""
    return [
        {"profile": "full", "data_source": source, "F": f, "D": d, "B": b, "smoothed": smoothed, "seed": seed}
        | {"metric": metric, "value": value}
        for f, d, b in settings
        for seed in seeds
        for metric, value in (("accuracy", f / 10 + seed / 100), ("coverage", 0.5))
    ]


def test_a_swept_grid_has_the_form_of_the_lessons_own():
    rows = swept((2, 1, 64), (1, 1, 64), seeds=(2, 0, 1))  # as they came
    rows += swept((3, 1, 64), seeds=(0, 2))  # not finished
    rows += swept((1, 1, 64), smoothed=True) + swept((1, 1, 64), source="standin")
    grids = grid.swept(pd.DataFrame(rows), ["accuracy"])
    assert list(grids) == ["stored sweep, profile full, local data", "stored sweep, profile full, standin data"]
    found = {tuple(c["setting"]): c for c in grids["stored sweep, profile full, local data"]}
    assert list(found) == [(1, 1, 64), (2, 1, 64)]
    assert found[2, 1, 64]["accuracy"]["values"] == [0.2, 0.21, 0.22]
    assert found[2, 1, 64].keys() == {"setting", "accuracy"}
    assert grid.swept(None, ["accuracy"]) == {}
