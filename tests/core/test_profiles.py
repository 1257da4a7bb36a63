from pathlib import Path

import pytest

from course_utils.core import profiles
from course_utils.core.errors import CourseError
from course_utils.teach import progress


def test_a_profile_is_the_one_named_else_the_environments_else_quick_and_a_known_one(monkeypatch):
    monkeypatch.delenv("COURSE_PROFILE", raising=False)
    assert profiles.resolve() == "quick"
    monkeypatch.setenv("COURSE_PROFILE", "full")
    assert (profiles.resolve(), profiles.resolve("smoke")) == ("full", "smoke")
    monkeypatch.setenv("COURSE_PROFILE", "fast")
    for named in ("fast", "tpu"):
        with pytest.raises(CourseError, match=rf"'{named}'.*smoke, quick, full"):
            profiles.resolve(named if named == "tpu" else None)
    with pytest.raises(CourseError, match="called quick now"):
        profiles.resolve("cpu")


def test_only_smoke_defaults_to_stand_ins():
    assert [profiles.data_source(None, p) for p in profiles.PROFILES] == ["standin", "auto", "auto"]
    assert profiles.data_source("real", "smoke") == "real"


@pytest.mark.parametrize(
    ("name", "folder", "default"),
    [("COURSE_RESULTS", profiles.results_folder, "results"), ("COURSE_RUNS", profiles.runs_folder, "runs")],
)
def test_a_folder_is_the_environments_else_under_build(monkeypatch, name, folder, default):
    monkeypatch.delenv(name, raising=False)
    assert folder("quick") == profiles.ROOT / "build" / "quick" / default
    for named, path in (("elsewhere", Path("elsewhere")), ("~/mine", Path.home() / "mine")):
        monkeypatch.setenv(name, named)
        assert folder("quick") == path


def test_finished_trainings_may_be_stored_nowhere_and_the_learners_record_in_their_home(monkeypatch):
    monkeypatch.setenv("COURSE_RUNS", "off")
    assert profiles.runs_folder("quick") is None
    monkeypatch.setenv("COURSE_HOME", "~/mine")
    assert progress.home() == Path.home() / "mine"
