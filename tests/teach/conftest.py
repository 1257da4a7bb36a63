"""A learner's home of its own for every test, and the browser's fixtures."""

import pytest
from browser import chromium, lab, page  # noqa: F401


@pytest.fixture(autouse=True)
def course_home(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
