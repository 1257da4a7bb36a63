"""How much a run computes, which data it may use and where its results go; read from arguments and the environment."""

from __future__ import annotations

import os
from pathlib import Path

from course_utils.core.errors import CourseError

PROFILES = ("smoke", "quick", "full")
RENAMED = {"cpu": "quick", "gpu": "full"}

SUBSTITUTES = {"sample": "a sample of the data", "standin": "stand-in data"}
"""Sources of data on which no claim may rest, and what to call them."""

FOLDERS = ("COURSE_ROOT", "COURSE_DATA", "COURSE_CACHE", "COURSE_RUNS", "COURSE_RESULTS", "COURSE_HOME")
"""Environment variables that name folders."""


def folder(name: str) -> Path | None:
    """Give the folder that an environment variable names, `~` expanded; None where it is not set."""
    value = os.environ.get(name)
    return Path(os.path.expanduser(value)) if value else None


ROOT = (folder("COURSE_ROOT") or Path(__file__).parents[2]).resolve()
"""The folder of lessons/, notebooks/, my_notebooks/, results/ and build/: the repository, or $COURSE_ROOT."""


def resolve(profile: str | None = None) -> str:
    """Choose the profile: the one named, else $COURSE_PROFILE, else `quick`. Raises CourseError on an unknown one."""
    name = profile or os.environ.get("COURSE_PROFILE") or "quick"
    if name not in PROFILES:
        renamed = f"; it is called {RENAMED[name]} now" if name in RENAMED else ""
        raise CourseError(f"unknown profile {name!r}; choose one of {', '.join(PROFILES)}{renamed}")
    return name


def data_source(data: str | None, profile: str) -> str:
    """The `source` to load data from: what a lesson's DATA says; the package's own for smoke, else `auto`."""
    return data or ("standin" if profile == "smoke" else "auto")


def standin_scale(profile: str) -> float:
    """The size of samples and stand-ins, relative to their standard size: `smoke` takes small ones."""
    return 0.2 if profile == "smoke" else 1.0


def results_folder(profile: str) -> Path:
    """Give where a lesson writes its results JSON and main figure: $COURSE_RESULTS, else build/<profile>/results."""
    return folder("COURSE_RESULTS") or ROOT / "build" / profile / "results"


def runs_folder(profile: str) -> Path | None:
    """Give where finished trainings are stored for the next run of a notebook: $COURSE_RUNS, else build/<profile>/runs.

    None, for $COURSE_RUNS=off: nothing is stored or found. That is the default of headless runs: their minutes count.
    """
    if os.environ.get("COURSE_RUNS") == "off":
        return None
    return folder("COURSE_RUNS") or ROOT / "build" / profile / "runs"


def working_folder() -> Path:
    """Give where a learner's own copies of the notebooks lie: $COURSE_HOME/notebooks, else my_notebooks/."""
    home = folder("COURSE_HOME")
    return home / "notebooks" if home else ROOT / "my_notebooks"
