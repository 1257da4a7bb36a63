"""Each exercise of each lesson: its solution passes, and its stub is no mistake."""

import importlib
import pkgutil

import pytest

from course_utils.teach import exercises
from course_utils.teach.exercise import Exercise

ALL = [
    kind
    for found in pkgutil.iter_modules(exercises.__path__)
    if found.name.startswith("lesson_")
    for kind in vars(importlib.import_module(f"{exercises.__name__}.{found.name}")).values()
    if isinstance(kind, type) and issubclass(kind, Exercise) and kind is not Exercise
]


def test_there_are_exercises_of_several_lessons():
    assert len({kind.lesson for kind in ALL}) >= 3 and len(ALL) >= 3 * len({kind.lesson for kind in ALL})


@pytest.mark.parametrize("kind", ALL)
def test_the_solution_passes(kind, capsys):
    exercise = kind()
    exercise.check(exercise.reference)
    assert "Correct" in capsys.readouterr().out
    assert exercise.chosen is not None


@pytest.mark.parametrize("kind", ALL)
def test_a_stub_is_not_attempted_and_the_reference_takes_over(kind, capsys):
    exercise = kind()
    exercise.check(lambda *args: None)
    assert "Not attempted" in capsys.readouterr().out
    assert exercise.chosen == exercise.reference
