"""Work in processes: what travels there and back, in which order, and what becomes of errors."""

import os
import pickle
import subprocess
import sys
import types

import pytest
import torch

from course_utils.core import side_by_side
from course_utils.data.images import Images
from course_utils.teach.lesson import Lesson

cpu_only = pytest.mark.skipif(torch.cuda.is_available(), reason="on a machine with a GPU all is computed here")


def test_answers_come_in_the_order_of_the_keys_and_are_counted():
    done = []
    found = side_by_side.each(lambda n: n * n, [3, 1, 2], workers=1, on_progress=lambda *state: done.append(state))
    assert list(found.items()) == [(3, 9), (1, 1), (2, 4)]
    assert done == [(1, 3), (2, 3), (3, 3)]
    assert side_by_side.each(lambda n: n, [], workers=2) == {}


def test_one_worker_is_this_process():
    assert set(side_by_side.each(lambda _: os.getpid(), [1, 2], workers=1).values()) == {os.getpid()}


@cpu_only
def test_functions_and_networks_of_a_notebook_travel_by_value(monkeypatch):
    lesson = types.ModuleType("lesson_of_a_test")  # as `runner.plain` makes one: nobody can import it
    monkeypatch.setitem(sys.modules, lesson.__name__, lesson)
    exec(
        "import os, torch\n"
        "weight = torch.arange(3.0)\n"
        "def answer(x): return x @ weight\n"
        "class Net(torch.nn.Linear):\n"
        "    join = staticmethod(answer)\n"
        "def work(seed):\n"
        "    torch.manual_seed(seed)\n"
        "    net = Net(3, 1)\n"
        "    return net.weight.detach(), net.join(torch.ones(3)), torch.get_num_threads(), os.getpid()\n",
        vars(lesson),
    )
    found = side_by_side.each(lesson.work, [0, 1], workers=2)
    for seed, (weight, joined, threads, process) in found.items():
        torch.manual_seed(seed)
        assert torch.equal(weight, torch.nn.Linear(3, 1).weight) and float(joined) == 3
        assert threads == 1 and process != os.getpid()


@cpu_only
def test_functions_of_main_travel_too():
    """What a notebook's kernel and a script call `__main__`, workers have of their own."""
    script = (
        "from course_utils.core.side_by_side import each\n"
        "base = 40\n"
        "def work(n): return base + n\n"
        "print(each(work, [1, 2], workers=2))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "{1: 41, 2: 42}", done.stderr


@cpu_only
def test_large_training_sets_travel_without_a_warning():
    script = (
        "import torch\n"
        "from course_utils.data.images import Images\n"
        "from course_utils.core.side_by_side import each\n"
        "images = Images(torch.zeros(5000, 1, 28, 28, dtype=torch.uint8), torch.zeros(5000).long(), ('a',))\n"
        "def work(n): return int(images.pixels[n:].sum())\n"
        "print(each(work, [1, 2], workers=2))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert (done.stdout.strip(), done.stderr) == ("{1: 0, 2: 0}", "")


@cpu_only
def test_names_of_torchs_odd_modules_are_no_obstacle():
    """`images.classes` beside `torch` looks to cloudpickle like torch.classes, which it cannot pickle by itself."""
    images = Images(torch.zeros(4, 1, 2, 2, dtype=torch.uint8), torch.arange(4), tuple("abcd"))

    def work(n):
        ops = torch.tensor(len(images.classes))
        return n + int(ops)

    work.__module__ = "__main__"  # as of a cell: by value
    assert side_by_side.each(work, [1, 2], workers=2) == {1: 5, 2: 6}


@cpu_only
def test_an_error_is_raised_here():
    def work(n):
        raise ValueError(f"the work of {n} fails")

    with pytest.raises(ValueError, match=r"the work of [12] fails"):
        side_by_side.each(work, [1, 2], workers=2)


def test_workers_are_as_many_as_cores(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert side_by_side.default_workers() == 3
    monkeypatch.setattr(side_by_side, "cores", lambda: 6)
    for threads, workers in (("4,2", 4), (" 2 , 1", 2), ("64", 8), ("", 6), ("0", 6), ("many", 6), ("-1", 6)):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        assert side_by_side.default_workers() == workers, threads
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert side_by_side.default_workers() == 6
    monkeypatch.setattr(side_by_side, "cores", lambda: 96)
    assert side_by_side.default_workers() == 8


def test_a_lesson_travels_without_its_data():
    here = Lesson("09_x", "X", "smoke", {"seeds": 2}, torch.device("cpu"), 3, "the data", {"n": {"value": 5}})
    there = pickle.loads(pickle.dumps(here))
    assert here.data == "the data" and there.data is None
    assert (there.seeds, there.claimed("n"), there.number("gan")) == ([3, 4], 5, here.number("gan"))
