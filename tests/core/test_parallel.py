"""Work in processes: what travels there and back, in which order, and what becomes of errors."""

import os
import pickle
import signal
import subprocess
import sys
import time
import types

import pytest
import torch

from course_utils.core import machine, parallel
from course_utils.core.errors import CourseError
from course_utils.core.parallel import as_completed, parallel_map
from course_utils.data.images import Images
from course_utils.teach.lesson import Lesson

cpu_only = pytest.mark.skipif(torch.cuda.is_available(), reason="on a machine with a GPU all is computed here")


def test_answers_come_in_the_order_of_the_keys_and_are_counted():
    done = []
    found = parallel_map(lambda n: (n * n, os.getpid()), [3, 1, 2], workers=1, on_progress=lambda *n: done.append(n))
    assert list(found.items()) == [(n, (n * n, os.getpid())) for n in (3, 1, 2)]  # one worker is this process
    assert done == [(1, 3), (2, 3), (3, 3)]
    assert parallel_map(lambda n: n, [], workers=2) == {}


@cpu_only
def test_items_are_taken_when_a_worker_is_free_and_results_come_when_they_are_done(tmp_path):
    def work(n):
        while n == 0 and not (tmp_path / "5").exists():  # the first one ends after most others
            time.sleep(0.01)
        (tmp_path / str(n)).touch()
        return n

    taken, found = [], []
    for result in as_completed(work, (taken.append(n) or n for n in range(8)), 2):
        found.append(result)
        assert len(taken) <= len(found) + 3
    assert sorted(found) == taken == list(range(8)) and found[0] != 0


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
    found = parallel_map(lesson.work, [0, 1], workers=2)
    for seed, (weight, joined, threads, process) in found.items():
        torch.manual_seed(seed)
        assert torch.equal(weight, torch.nn.Linear(3, 1).weight) and float(joined) == 3
        assert threads == 1 and process != os.getpid()


@cpu_only
def test_functions_and_large_training_sets_of_main_travel_too():
    """What a notebook's kernel and a script call `__main__`, workers have of their own."""
    script = (
        "import torch\n"
        "from course_utils.core.parallel import parallel_map\n"
        "from course_utils.data.images import Images\n"
        "images = Images(torch.zeros(5000, 1, 28, 28, dtype=torch.uint8), torch.zeros(5000).long(), ('a',))\n"
        "base = 40\n"
        "def work(n): return base + n + int(images.pixels[n:].sum())\n"
        "print(parallel_map(work, [1, 2], workers=2))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=600)
    assert (done.stdout.strip(), done.stderr) == ("{1: 41, 2: 42}", "")  # without a warning of their size


@cpu_only
def test_names_of_torchs_odd_modules_are_no_obstacle():
    """`images.classes` beside `torch` looks to cloudpickle like torch.classes, which it cannot pickle by itself."""
    images = Images(torch.zeros(4, 1, 2, 2, dtype=torch.uint8), torch.arange(4), tuple("abcd"))

    def work(n):
        ops = torch.tensor(len(images.classes))
        return n + int(ops)

    work.__module__ = "__main__"  # as of a cell: by value
    assert parallel_map(work, [1, 2], workers=2) == {1: 5, 2: 6}


@cpu_only
def test_an_error_is_raised_here_and_ends_all():
    def work(n):
        raise ValueError(f"the work of {n} fails")

    with pytest.raises(ValueError, match=r"the work of [12] fails"):
        parallel_map(work, [1, 2], workers=2)
    with pytest.raises(ZeroDivisionError):  # in making an item
        list(as_completed(lambda n: n, (1 // n for n in (1, 1, 1, 1, 0, 1)), 2))


@cpu_only
@pytest.mark.reliability("faults")
def test_a_killed_worker_is_an_error_that_says_what_to_do_and_the_next_ones_live():
    with pytest.raises(CourseError, match="OMP_NUM_THREADS=1"):
        parallel_map(lambda n: os.kill(os.getpid(), signal.SIGKILL), [1, 2], workers=2)
    assert parallel_map(lambda n: n, [1, 2], workers=2) == {1: 1, 2: 2}


@cpu_only
@pytest.mark.reliability("faults")
def test_ctrl_c_ends_the_workers(tmp_path):
    script = (
        "import os, pathlib, time\n"
        "from course_utils.core.parallel import parallel_map\n"
        "def work(n):\n"
        f"    pathlib.Path({str(tmp_path)!r}, str(os.getpid())).touch()\n"
        "    time.sleep(1000)\n"
        "parallel_map(work, [1, 2, 3], workers=2)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], start_new_session=True, stderr=subprocess.PIPE)
    while len(list(tmp_path.iterdir())) < 2 and process.poll() is None:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers as well
    assert b"KeyboardInterrupt" in process.communicate(timeout=60)[1]
    for path in tmp_path.iterdir():
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.name), 0)


@cpu_only
def test_without_semaphores_all_is_computed_here(monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("joblib.externals.loky.get_reusable_executor", refuse)
    with pytest.warns(UserWarning, match="/dev/shm"):
        found = parallel_map(lambda n: (n, os.getpid(), torch.get_num_threads()), [1, 2], workers=2)
    assert found == {n: (n, os.getpid(), 1) for n in (1, 2)}


@pytest.mark.parametrize(
    ("threads", "cores", "gib", "workers"),
    [
        *((threads, 6, 64, n) for threads, n in (("4,2", 4), (" 2 , 1", 2), ("64", 8))),
        *((threads, 6, 64, 6) for threads in ("", "0", "many", "-1")),
        *(("", 6, gib, n) for gib, n in ((4, 3), (2, 1), (0.5, 1))),
        ("", 96, 64, 8),
        ("", 3, None, 3),  # the system does not tell: Windows
    ],
)
def test_workers_are_as_many_as_cores_and_memory_allow(monkeypatch, threads, cores, gib, workers):
    monkeypatch.setattr(parallel, "cores", lambda: cores)
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    if gib is None:
        monkeypatch.delattr(os, "sysconf")
    else:
        monkeypatch.setattr(parallel, "memory", lambda: gib * parallel.GIB)
    assert parallel.default_workers() == workers


@pytest.mark.parametrize(
    ("own", "files"),
    [
        ("0::/\n", {"cpu.max": "150000 100000", "memory.max": "3000000000"}),
        ("0::/a/b\n", {"a/cpu.max": "100000 100000", "a/b/cpu.max": "max 100000", "a/b/memory.max": "3000000000"}),
        (
            "2:cpu,cpuacct:/a\n1:memory:/a\n0::/\n",  # cgroup 1
            {
                "cpu/cpu.cfs_quota_us": "-1",
                "cpu/cpu.cfs_period_us": "100000",
                "cpu/a/cpu.cfs_quota_us": "100000",
                "cpu/a/cpu.cfs_period_us": "100000",
                "memory/memory.limit_in_bytes": "9223372036854771712",
                "memory/a/memory.limit_in_bytes": "3000000000",
            },
        ),
        ("3:cpu:/not/in/this/container\n", {"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"}),
        (None, {}),
    ],
)
def test_limits_of_cgroups_count(monkeypatch, tmp_path, own, files):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    if own is not None:
        (tmp_path / "own").write_text(own)
    monkeypatch.setattr(machine, "CGROUPS", tmp_path)
    monkeypatch.setattr(machine, "OWN_CGROUPS", tmp_path / "own")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)), raising=False)
    assert machine.cores() == (1 if files else 4)
    assert (machine.memory() == 3e9) == any("memory" in name for name in files)


def test_a_lesson_travels_without_its_data():
    here = Lesson("09_x", "X", "smoke", {"seeds": 2}, torch.device("cpu"), 3, "the data", {"n": {"value": 5}})
    there = pickle.loads(pickle.dumps(here))
    assert here.data == "the data" and there.data is None
    assert (there.seeds, there.claimed("n"), there.number("gan")) == ([3, 4], 5, here.number("gan"))
