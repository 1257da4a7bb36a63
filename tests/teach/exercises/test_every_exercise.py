"""Each exercise of each lesson: its solution passes, its stub is no mistake, its target output is the solution's."""

import ast
import importlib
import inspect
import pkgutil

import numpy as np
import pytest
import torch
from torch import Tensor

from course_utils.teach import exercises
from course_utils.teach.exercises import lesson_01, lesson_02, lesson_03, lesson_04, lesson_05
from course_utils.teach.exercises.exercise import WIDTH, Exercise, Wrong

ALL = [
    kind
    for found in pkgutil.iter_modules(exercises.__path__)
    if found.name.startswith("lesson_")
    for kind in vars(importlib.import_module(f"{exercises.__name__}.{found.name}")).values()
    if isinstance(kind, type) and issubclass(kind, Exercise) and kind is not Exercise
]

# The lesson backpropagates through what these give back …
TRAINED = [
    lesson_01.DiscriminatorLoss,
    lesson_01.GeneratorLoss,
    lesson_02.ClassLoss,
    lesson_03.SmoothedLoss,
    lesson_03.CycleLoss,
    lesson_04.JoinToImage,
    lesson_05.SourceLoss,
    lesson_05.ClassLoss,
]
# … and these give back numbers, which may be of any kind.
NUMBERS = [
    lesson_01.GainOfChoosing,
    lesson_01.PairedInterval,
    lesson_02.AccuracyAndRecall,
    lesson_02.BinomialInterval,
    lesson_03.ConstantScores,
    lesson_04.ConditionalAccuracy,
]


def test_there_are_exercises_of_several_lessons():
    assert len({kind.lesson for kind in ALL}) >= 3 and len(ALL) >= 3 * len({kind.lesson for kind in ALL})


@pytest.mark.parametrize("kind", ALL)
def test_the_solution_passes_and_a_stub_is_not_attempted(kind, capsys):
    exercise = kind()
    exercise.check(lambda *args: None)
    assert "Not attempted" in capsys.readouterr().out
    assert exercise.answer_or_reference == exercise.reference
    exercise.check(exercise.reference)
    assert "Correct" in capsys.readouterr().out


# ---------------------------------------------------------------- what the lesson does with an answer


CUTS = {
    "no_grad": lambda answer: torch.no_grad()(answer),
    "detach": lambda answer: lambda *args: answer(*args).detach(),
    "item": lambda answer: lambda *args: answer(*args).tolist(),  # of a loss a float; a map has no .item()
    "numpy": lambda answer: lambda *args: answer(*args).detach().numpy(),
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("kind", TRAINED)
def test_what_cannot_train_is_refused_and_told_why(kind, cut):
    with pytest.raises(Wrong, match=r"no gradient reaches the networks|It should be one tensor"):
        kind().test(CUTS[cut](kind.reference))


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        (kind, place)
        for kind in TRAINED
        for place, value in enumerate(kind().example())
        if isinstance(value, Tensor)
        and value.is_floating_point()
        and kind is not lesson_03.CycleLoss  # data are leaves
    ],
)
def test_an_input_that_gets_no_gradient_is_found(kind, place):
    def answer(*args):
        return kind.reference(*(x.detach() if i == place else x for i, x in enumerate(args)))

    with pytest.raises(Wrong, match="gradient"):
        kind().test(answer)


@pytest.mark.parametrize("as_number", [float, torch.tensor, np.float32])
@pytest.mark.parametrize("kind", NUMBERS)
def test_numbers_may_be_of_any_kind(kind, as_number):
    def answer(*args):
        value = kind.reference(*args)
        return tuple(map(as_number, value)) if isinstance(value, tuple) else as_number(value)

    kind().test(answer)


# ---------------------------------------------------------------- the target output


def alike(one, other):
    """Are two lists of arguments the same, as far as they are numbers?"""
    numbers = (int, float, np.ndarray, Tensor)
    pairs = [pair for pair in zip(one, other, strict=True) if isinstance(pair[0], numbers)]
    return all(np.array_equal(*map(as_array, pair)) for pair in pairs)


def as_array(value):
    if isinstance(value, Tensor):
        return np.array([]) if value.is_meta else value.detach().numpy()  # of Gate: a tensor without a value
    return np.asarray(value)


@pytest.mark.parametrize("kind", ALL)
def test_the_target_output_is_what_the_solution_gives(kind):
    exercise = kind()
    before = torch.get_rng_state()
    said = repr(exercise)
    assert torch.equal(torch.get_rng_state(), before) and said == repr(exercise) == repr(kind())

    value = exercise.reference(*exercise.example())
    _, *lines = said.splitlines()
    assert 1 <= len(lines) <= 3 and max(map(len, lines)) <= WIDTH <= 110
    given, gives = " ".join(lines).split(" it gives ")
    assert given.startswith("Target output: for ") and gives == exercise.describe(value)
    names = inspect.signature(exercise.reference).parameters
    assert all(f"{name} = " in given for name in names) and len(names) == len(exercise.example())
    body = [line.strip() for line in inspect.getsource(kind.reference).splitlines()]
    assert not any(line in said for line in body if len(line) > 1), "it gives the solution away"
    numbers = kind.describe is Exercise.describe and not isinstance(value, str) and "times" not in gives
    if numbers:  # alone: read them as a learner would
        parts = value if isinstance(value, tuple) else (value,)
        read = ast.literal_eval(gives) if isinstance(value, tuple) else (ast.literal_eval(gives),)
        for one, other in zip(read, parts, strict=True):
            np.testing.assert_allclose(np.asarray(one, float), np.asarray(other, float), rtol=5e-3)


@pytest.mark.parametrize("kind", ALL)
def test_the_check_asks_for_more_than_the_target_output(kind, capsys):
    exercise, asked = kind(), []
    value = exercise.reference(*exercise.example())
    exercise.check(lambda *args: value)
    assert "Incorrect" in capsys.readouterr().out

    def answer(*args):
        asked.append(args)
        return exercise.reference(*args)

    exercise.check(answer)
    assert "Correct" in capsys.readouterr().out and len(asked) > 0
    assert not any(alike(args, exercise.example()) for args in asked)
