"""Tests of an exercise's answers, made from tables: wrong ones with what the message says, and right ones."""

import pytest

from course_utils.teach.exercises.exercise import Wrong


def each_mistake_is_named(wrong):
    """wrong: exercise → (answer, regular expression of the message), at least two of each."""
    cases = [(kind, *case) for kind, cases in wrong.items() for case in cases]

    @pytest.mark.parametrize(("kind", "answer", "message"), cases)
    def test(kind, answer, message):
        with pytest.raises(Wrong, match=message):
            kind().test(answer)

    return test


def right_answers_pass(right):
    """right: (exercise, answer), written in another way than the reference."""

    @pytest.mark.parametrize(("kind", "answer"), right)
    def test(kind, answer):
        kind().test(answer)

    return test
