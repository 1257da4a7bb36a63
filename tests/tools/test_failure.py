"""Failures are caused, not described: each lesson here really fails in its way."""

import sys

import pytest
from small_course import add

from course_tools.run import failure, run

HEAD = """\
# %% tags=["parameters"]
PROFILE = None

# %%
"""

TORCH = "import torch\ntorch.empty(2**60, dtype=torch.uint8)\n"
NUMPY = "import numpy as np\nnp.empty(2**60, dtype=np.uint8)\n"
PYTHON = "bytearray(2**62)\n"
VALUE = "raise ValueError('MemoryError is only a word here')\n"
KILLED = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"
SLEEPS = "import time\ntime.sleep(60)\n"
MUTE = "import os\nos._exit(3)\n"
COUNTED = "import os, pathlib\npathlib.Path(os.environ['COUNTER']).write_text('oom_kill 8\\n')\n"
POOL = """\
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
    pool.submit(os.abort).result()
"""


@pytest.fixture
def outcome(tmp_path, monkeypatch):
    """Runs a lesson of one cell; the system's count of memory kills is a file that the cell can raise."""
    counter = tmp_path / "counter"
    counter.write_text("low 0\noom_kill 7\n")
    monkeypatch.setattr(failure, "COUNTERS", (tmp_path / "none", counter))
    monkeypatch.setenv("COUNTER", str(counter))

    def of(cell, kernel="none", **more):
        lesson = add(tmp_path / "course", "01_fails", HEAD + cell)
        return run.run([lesson], "smoke", tmp_path / "out", kernel=kernel, **more)[0]

    return of


@pytest.mark.reliability("faults")
@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        (VALUE, failure.CELL),
        (POOL, failure.CELL),
        (PYTHON, failure.MEMORY),
        (NUMPY, failure.MEMORY),
        (TORCH, failure.MEMORY),
        (COUNTED + POOL, failure.MEMORY),
        (COUNTED + VALUE, failure.CELL),
        (KILLED, failure.DIED),
        (COUNTED + KILLED, failure.MEMORY),
        (MUTE, failure.DIED),
        ("pass\n", failure.RESULTS),
    ],
)
def test_what_ended_a_lesson_is_told(outcome, tmp_path, cell, kind):
    found = outcome(cell)
    assert found.kind == kind, found.error
    assert f"01_fails  failed, {kind}  " in found.line
    assert f"failed: {kind}" in (tmp_path / "out" / "smoke" / "index.html").read_text()


@pytest.mark.reliability("faults")
@pytest.mark.parametrize(
    ("cell", "kind"), [(VALUE, failure.CELL), (KILLED, failure.DIED), (COUNTED + KILLED, failure.MEMORY)]
)
def test_with_a_kernel_too(outcome, cell, kind):
    found = outcome(cell, kernel="python3")
    assert found.kind == kind, found.error


@pytest.mark.reliability("faults")
@pytest.mark.parametrize("kernel", ["none", "python3"])
def test_a_lesson_that_takes_too_long_is_ended_and_says_where_it_was(outcome, kernel):
    found = outcome(SLEEPS, kernel=kernel, timeout=6)
    assert found.kind == failure.TIME and "ended after 6 s: 01_fails  cell " in found.error
    assert found.wall_s < 30


def test_a_kernel_that_never_answers_has_timed_out():
    log = ["[died] the kernel did not finish: RuntimeError: Kernel didn't respond in 120 seconds"]
    assert failure.of_process(1, log, 0).kind == failure.TIME


@pytest.mark.parametrize(
    "error",
    [
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB.",
        "OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB.",
        "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 1.00 EiB",
    ],
)
def test_memory_is_known_by_the_tracebacks_last_line(error):
    log = ["[failed] cell 2/3 (id x)", "Traceback (most recent call last):", error]
    told = "\n".join(log).removeprefix("[failed] ")
    assert failure.of_process(1, log, 0) == (failure.MEMORY, f"{told}\n{failure.REMEDY}")


def test_this_machines_own_count_is_a_number():
    assert failure.memory_kills() >= 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux counts them")
@pytest.mark.parametrize("text", ["low 0\noom 1\noom_kill 12\n", "oom_kill_disable 0\nunder_oom 0\noom_kill 12\n"])
def test_the_count_is_read_from_the_first_file_that_has_one(tmp_path, monkeypatch, text):
    (tmp_path / "a").write_text("oom_kill_disable 0\n")
    (tmp_path / "b").write_text(text)
    monkeypatch.setattr(failure, "COUNTERS", (tmp_path / "none", tmp_path / "a", tmp_path / "b"))
    assert failure.memory_kills() == 12


def test_a_killed_worker_is_a_want_of_memory_where_the_system_says_so():
    last = "course_utils.core.errors.CourseError: a worker process ended before its work was done (killed); use fewer"
    log = ["[failed] cell 3/20 (id x)", "Traceback", last]
    assert failure.of_process(1, log, 1).kind == failure.MEMORY
    assert failure.of_process(1, log, 0).kind == failure.CELL
