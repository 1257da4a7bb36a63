from pathlib import Path

import pytest

from course_utils.core import profiles
from course_utils.core.errors import CourseError
from course_utils.teach import progress


def test_a_profile_is_the_one_named_else_the_environments_else_cpu(monkeypatch):
    monkeypatch.delenv("COURSE_PROFILE", raising=False)
    assert profiles.resolve() == "cpu"
    monkeypatch.setenv("COURSE_PROFILE", "gpu")
    assert profiles.resolve() == "gpu"
    assert profiles.resolve("smoke") == "smoke"


def test_an_unknown_profile_is_refused_with_the_known_ones(monkeypatch):
    with pytest.raises(CourseError, match=r"'tpu'.*smoke, cpu, gpu"):
        profiles.resolve("tpu")
    monkeypatch.setenv("COURSE_PROFILE", "fast")
    with pytest.raises(CourseError, match="'fast'"):
        profiles.resolve()


def test_only_smoke_defaults_to_stand_ins():
    assert [profiles.data_source(None, p) for p in profiles.PROFILES] == ["standin", "auto", "auto"]
    assert profiles.data_source("real", "smoke") == "real"


@pytest.mark.parametrize(
    ("name", "folder", "default"),
    [("COURSE_RESULTS", profiles.results_folder, "results"), ("COURSE_RUNS", profiles.runs_folder, "runs")],
)
def test_a_folder_is_the_environments_else_under_build(monkeypatch, name, folder, default):
    monkeypatch.delenv(name, raising=False)
    assert folder("cpu") == profiles.ROOT / "build" / "cpu" / default
    for named, path in (("elsewhere", Path("elsewhere")), ("~/mine", Path.home() / "mine")):
        monkeypatch.setenv(name, named)
        assert folder("cpu") == path


def test_finished_trainings_may_be_stored_nowhere(monkeypatch):
    monkeypatch.setenv("COURSE_RUNS", "off")
    assert profiles.runs_folder("cpu") is None


def test_the_learners_folder_may_be_given_from_home(monkeypatch):
    monkeypatch.setenv("COURSE_HOME", "~/mine")
    assert progress.home() == Path.home() / "mine"
