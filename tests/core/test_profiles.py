from pathlib import Path

import pytest

from course_utils.core import profiles
from course_utils.core.errors import CourseError


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


def test_results_go_where_the_environment_says_else_under_build(monkeypatch):
    monkeypatch.delenv("COURSE_RESULTS", raising=False)
    assert profiles.results_folder("cpu") == profiles.ROOT / "build" / "cpu" / "results"
    monkeypatch.setenv("COURSE_RESULTS", "elsewhere")
    assert profiles.results_folder("cpu") == Path("elsewhere")


def test_finished_trainings_are_kept_in_build_elsewhere_or_nowhere(monkeypatch):
    monkeypatch.delenv("COURSE_RUNS", raising=False)
    assert profiles.runs_folder("cpu") == profiles.ROOT / "build" / "cpu" / "runs"
    monkeypatch.setenv("COURSE_RUNS", "elsewhere")
    assert profiles.runs_folder("cpu") == Path("elsewhere")
    monkeypatch.setenv("COURSE_RUNS", "off")
    assert profiles.runs_folder("cpu") is None
