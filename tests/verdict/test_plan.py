"""How the hours are divided, and what is left out first where they are few."""

import pytest
from planted import pictures

from course_utils.verdict import plan as planning
from course_utils.verdict.work import Data


@pytest.fixture(scope="module")
def data():
    return Data(pictures(200, 0), pictures(50, 1).seal())


def planned(data, monkeypatch, hours, seconds_a_step, **options):
    monkeypatch.setattr(planning, "_seconds_a_step", lambda steps: seconds_a_step)
    return planning.plan(data, hours, **options)


def test_all_that_is_planned_fits_into_the_time(data, monkeypatch):
    for hours in (0.25, 0.5, 2):
        made = planned(data, monkeypatch, hours, 0.02, workers=2)
        assert sum(made.minutes.values()) <= 60 * hours
    assert made.settings["seeds"] == 5 and not made.left_out


def test_where_there_is_little_time_ratios_go_first_then_mixup_and_diffusion_and_seeds_last(data, monkeypatch):
    some = planned(data, monkeypatch, 0.3, 0.01)
    assert any("ratios" in what for what in some.left_out) and some.settings["seeds"] == 5
    assert "diffusion" in some.settings["methods"]
    less = planned(data, monkeypatch, 0.15, 0.01)
    assert less.settings["seeds"] == 5 and "mixup" in some.settings["arms"] and "mixup" not in less.settings["arms"]
    few = planned(data, monkeypatch, 0.1, 0.05)
    assert few.settings["seeds"] == 3 and few.settings["methods"] == ["gan"]
    assert "diffusion" not in few.settings["arms"] and "gan" in few.settings["arms"]
    assert len(few.left_out) == 4 and all(what in few.text() for what in few.left_out)


def test_without_training_only_the_pictures_that_are_given_are_asked_for(data, monkeypatch):
    given = Data(data.known, data.test, pictures(30, 2))
    made = planned(given, monkeypatch, 0.5, 0.02, train=False)
    assert made.settings["methods"] == [] and "synthetic" in made.settings["arms"]
    assert not {"gan", "more_real"} & made.settings["arms"].keys()


def test_uneven_classes_get_arms_of_their_own(data, monkeypatch):
    uneven = Data(data.known.subset([*range(0, 200, 2), *range(1, 41, 2)]), data.test)
    assert {"oversample", "smote"} <= planned(uneven, monkeypatch, 0.5, 0.02).settings["arms"].keys()
    assert "smote" not in planned(data, monkeypatch, 0.5, 0.02).settings["arms"]
