"""Watching a training: to its end, stopped, interrupted; and how often it is drawn."""

import asyncio
import re
from dataclasses import dataclass, field

import pytest
import torch

from course_utils.core.errors import CourseError
from course_utils.teach import show
from course_utils.teach.widgets import live


@dataclass
class Item:
    step: int
    steps: int = 5
    losses: dict = field(default_factory=lambda: {"D": [0.5], "G": [1.25]})

    def samples(self):
        return torch.zeros(4, 1, 8, 8, dtype=torch.uint8)


def watch(training, **settings):
    return asyncio.run(live.watch(training, title="toy GAN", **settings))


def test_headless_it_says_one_line_and_shows_one_figure(capsys):
    assert watch(Item(step) for step in range(1, 6)).step == 5
    line, figure = capsys.readouterr().out.splitlines()
    assert re.match(r"toy GAN: finished at step 5 of 5, \d+ s; D 0\.500, G 1\.250", line)
    assert figure == "Figure: toy GAN, step 5: samples beside the curves of its losses."


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, asyncio.CancelledError])
def test_an_interrupt_keeps_what_was_trained(interrupt, capsys):
    def training():
        yield Item(1)
        raise interrupt

    assert watch(training()).step == 1
    assert "interrupted at step 1 of 5" in capsys.readouterr().out


def test_a_cancelled_cell_goes_on_after_it(capsys):
    async def cell():
        training = iter([Item(step) for step in range(1, 6)])
        asyncio.get_running_loop().call_soon(asyncio.current_task().cancel)
        stopped = await live.watch(training, title="toy GAN")
        await asyncio.sleep(0.001)
        return stopped, await live.watch(training, title="again")

    stopped, resumed = asyncio.run(cell())
    assert stopped.step < resumed.step == 5
    assert f"step {stopped.step} of 5" in live.too_early(resumed, stopped) and live.too_early(resumed) == ""
    assert "What was trained so far is kept." in capsys.readouterr().out


def test_an_interrupt_before_anything_is_trained_gets_through():
    def training():
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        watch(training())


def test_a_training_without_progress_is_named():
    with pytest.raises(CourseError, match="toy GAN: the training gave no progress"):
        watch([])


class Screen:
    """Stands in for JupyterLab: counts drawings, and presses Stop when told to."""

    def __init__(self, title, *_):
        self.drawn, self.closed, self.stopped = [], False, False
        Screen.last = self

    def draw(self, item):
        self.drawn.append(item.step)

    def close(self, data, metadata):
        self.closed = "image/png" in data


@pytest.fixture
def screen(monkeypatch):
    monkeypatch.setattr(show, "interactive", lambda: True)
    monkeypatch.setattr(live, "_Screen", Screen)


def test_stop_ends_the_loop_at_once_and_watching_again_goes_on(screen, capsys):
    def training():
        for step in range(1, 6):
            Screen.last.stopped = step == 3
            yield Item(step)

    running = training()
    assert watch(running).step == 3
    assert "stopped at step 3 of 5" in capsys.readouterr().out
    assert Screen.last.closed
    assert watch(running).step == 5


def waits(monkeypatch, lasts_s):
    """The pauses of a training of five reports."""
    found = []

    async def sleep(seconds):
        found.append(seconds)

    monkeypatch.setattr(live.asyncio, "sleep", sleep)
    watch((Item(step) for step in range(1, 6)), lasts_s=lasts_s)
    return found


def test_a_fast_training_is_spread_over_time_in_jupyterlab_only(monkeypatch, request):
    now = [0.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])
    assert waits(monkeypatch, 5) == [0] * 5
    request.getfixturevalue("screen")
    assert waits(monkeypatch, 5) == [1, 2, 3, 4, 5], "nothing moves this clock but the test"
    assert waits(monkeypatch, 0) == [0] * 5


def test_slow_drawing_takes_a_third_of_the_time_at_most(monkeypatch, screen):
    now = [0.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])

    def draw(screen, item):
        now[0] += 2
        screen.drawn.append(item.step)

    monkeypatch.setattr(Screen, "draw", draw)

    def training():
        for step in range(1, 10):
            now[0] += 1
            yield Item(step, 9)

    watch(training(), every_s=0)
    assert Screen.last.drawn == [1, 5, 9]


def test_it_is_drawn_at_most_every_so_often(screen):
    watch((Item(step) for step in range(1, 6)), every_s=0)
    assert Screen.last.drawn == [1, 2, 3, 4, 5]
    watch((Item(step) for step in range(1, 6)), every_s=60)
    assert Screen.last.drawn == [1]
