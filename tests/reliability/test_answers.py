"""Whatever a learner hands in, each exercise ends in correct, incorrect or not attempted, and the lesson goes on."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parents[1] / "teach" / "exercises"))
from test_every_exercise import ALL

pytestmark = pytest.mark.reliability("damaged inputs")

OUTCOMES = re.compile(r"\*\*(✔ Correct|✘ Incorrect|… Not attempted)\.\*\* ")


class Odd:
    """Says yes to everything, and is nothing."""

    def __getattr__(self, name):
        return Odd()

    def __call__(self, *args, **kwargs):
        return Odd()


SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)
DTYPES = st.sampled_from([torch.float32, torch.float64, torch.float16, torch.int64, torch.uint8, torch.bool])
TENSORS = st.one_of(
    st.builds(torch.zeros, SHAPES, dtype=DTYPES),
    st.builds(torch.ones, SHAPES, dtype=DTYPES),
    st.builds(torch.full, SHAPES, st.sampled_from([float("nan"), float("inf"), -1e30, 1e-30])),
    st.builds(lambda shape: torch.zeros(shape, requires_grad=True), SHAPES),
    st.just(torch.eye(3).to_sparse()),
    st.just(torch.zeros(2, dtype=torch.complex64)),
    st.just(torch.zeros(2, device="meta")),
)
PLAIN = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    st.text(max_size=9),
    st.binary(max_size=9),
    st.builds(np.zeros, SHAPES),
    st.just(np.array(["a"])),
    st.builds(Odd),
    st.builds(object),
    st.sampled_from([int, print, len, sorted, max, torch.nn.Linear(2, 2), torch.relu, NotImplemented, iter(())]),
)
VALUES = st.recursive(
    TENSORS | PLAIN | st.none() | st.just(...),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.tuples(inner, inner, inner),
        st.dictionaries(st.sampled_from(["a", 0, None]), inner, max_size=2),
    ),
    max_leaves=4,
)


def giving(value):
    return lambda *args, **kwargs: value


def one_of_its_arguments(which):
    return lambda *args: args[which % len(args)]


def spoilt(value):
    """The right answer, spoilt: for the first few calls it is right."""

    def change(right, at):
        calls = []

        def answer(*args, **kwargs):
            calls.append(1)
            got = right(*args, **kwargs)
            if len(calls) <= at:
                return got
            return (value, *got[1:]) if isinstance(got, tuple) else value

        return answer

    return change


ANSWERS = st.one_of(
    VALUES.map(lambda value: lambda right: value),
    VALUES.map(lambda value: lambda right: giving(value)),
    st.integers(0, 4).map(lambda which: lambda right: one_of_its_arguments(which)),
    st.tuples(VALUES, st.integers(0, 3)).map(lambda how: lambda right: spoilt(how[0])(right, how[1])),
    st.sampled_from([lambda: 1, lambda a: a, lambda a, b: a * b, lambda **named: named]).map(lambda f: lambda right: f),
)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: f"{kind.lesson[:2]} {kind.__name__}")
def test_every_answer_is_judged_in_a_line_and_the_lesson_goes_on(kind, monkeypatch, tmp_path, capsys, amount, figure):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    calls = 0

    @settings(max_examples=amount(6, 150), deadline=None, suppress_health_check=list(HealthCheck))
    @given(ANSWERS)
    def holds(make):
        nonlocal calls
        calls += 1
        exercise = kind()
        reference = exercise.answer_or_reference
        exercise.check(make(reference) if callable(reference) else make(lambda *_: reference))
        out = capsys.readouterr().out
        (outcome,) = OUTCOMES.findall(out)
        used = exercise.answer_or_reference
        assert used is not None
        assert "Correct" in outcome or used is exercise.reference or used == exercise.reference

    holds()
    figure("inputs fuzzed: answers to exercises", calls)
