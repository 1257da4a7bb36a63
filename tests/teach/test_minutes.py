"""The minutes that a lesson announces: as measured, and scaled to the machine at hand."""

import pytest
import torch

from course_utils.teach import lesson

CPU = torch.device("cpu")
PAST = {"wall_s": 270.0, "device": "cpu (x86_64, 2 cores)", "gigaflops": 100.0}


@pytest.mark.parametrize(
    ("past", "here", "ending"),
    [
        (PAST, 100.0, "needs about 4."),
        (PAST, 25.0, "needs about 18."),
        (PAST, 10_000.0, "needs about 1."),
        ({**PAST, "device": "cuda (a card)"}, 25.0, "4.5 minutes on cuda (a card)."),
        ({"wall_s": 270.0, "device": "cpu"}, 25.0, "4.5 minutes on cpu."),
        (PAST, None, "2 cores)."),
    ],
)
def test_they_follow_the_speed_of_this_machine_where_that_of_the_other_is_known(monkeypatch, past, here, ending):
    monkeypatch.setattr(lesson, "_committed", lambda slug, profile: past)
    monkeypatch.setattr(lesson, "gigaflops", lambda device: here)
    assert lesson._minutes("01_x", "quick", CPU).endswith(ending)


def test_a_lesson_that_was_never_measured_says_so(monkeypatch):
    monkeypatch.setattr(lesson, "_committed", lambda slug, profile: None)
    assert "Nobody has measured" in lesson._minutes("01_x", "full", CPU)
