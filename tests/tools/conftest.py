"""A course of small lessons, made in a temporary folder: the runner's tests need no real lesson."""

import shutil

import pytest
from small_course import BROKEN, TINY, add

from course_tools.author import build
from course_tools.run.lessons import Lesson


@pytest.fixture
def course(tmp_path):
    """The root of a course with the lessons 01_tiny and 02_broken, not executed."""
    root = tmp_path / "course"
    add(root, "01_tiny", TINY)
    add(root, "02_broken", BROKEN)
    return root


@pytest.fixture(scope="session")
def built_once(tmp_path_factory):
    root = tmp_path_factory.mktemp("built") / "course"
    assert build.build(add(root, "01_tiny", TINY))
    return root


@pytest.fixture
def built(built_once, tmp_path):
    """The lesson 01_tiny, executed and stored, to tamper with."""
    shutil.copytree(built_once, tmp_path / "course")
    return Lesson("01_tiny", tmp_path / "course")
