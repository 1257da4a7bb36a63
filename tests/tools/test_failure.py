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
    ("cell", "kind", "kernel"),
    [
        *((VALUE, failure.CELL, kernel) for kernel in ("none", "python3")),
        (POOL, failure.CELL, "none"),
        (PYTHON, failure.MEMORY, "none"),
        (NUMPY, failure.MEMORY, "none"),
        (TORCH, failure.MEMORY, "none"),
        (COUNTED + POOL, failure.MEMORY, "none"),
        (COUNTED + VALUE, failure.CELL, "none"),
        *((KILLED, failure.DIED, kernel) for kernel in ("none", "python3")),
        *((COUNTED + KILLED, failure.MEMORY, kernel) for kernel in ("none", "python3")),
        (MUTE, failure.DIED, "none"),
        ("pass\n", failure.RESULTS, "none"),
    ],
)
def test_what_ended_a_lesson_is_told(outcome, tmp_path, cell, kind, kernel):
    found = outcome(cell, kernel)
    assert found.kind == kind, found.error
    assert f"01_fails  failed, {kind}  " in found.line
    assert f"failed: {kind}" in (tmp_path / "out" / "smoke" / "index.html").read_text()


@pytest.mark.reliability("faults")
@pytest.mark.parametrize("kernel", ["none", "python3"])
def test_a_lesson_that_takes_too_long_is_ended_and_says_where_it_was(outcome, kernel):
    found = outcome(SLEEPS, kernel=kernel, timeout=6)
    assert found.kind == failure.TIME and "ended after 6 s: 01_fails  cell " in found.error
    assert found.wall_s < 30


@pytest.mark.parametrize(
    ("last", "kills", "kind"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB.", 0, failure.MEMORY),
        ("OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB.", 0, failure.MEMORY),
        ("course_utils.core.errors.CourseError: a worker process ended before its work was done", 1, failure.MEMORY),
        ("course_utils.core.errors.CourseError: a worker process ended before its work was done", 0, failure.CELL),
    ],
)
def test_what_no_lesson_here_can_cause_is_known_by_the_last_line(last, kills, kind):
    assert failure.of_process(1, ["[failed] cell 2/3 (id x)", "Traceback", last], kills).kind == kind
    silent = ["[died] the kernel did not finish: RuntimeError: Kernel didn't respond in 120 seconds"]
    assert failure.of_process(1, silent, 0).kind == failure.TIME


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux counts them")
@pytest.mark.parametrize("text", ["low 0\noom 1\noom_kill 12\n", "oom_kill_disable 0\nunder_oom 0\noom_kill 12\n"])
def test_the_count_is_read_from_the_first_file_that_has_one(tmp_path, monkeypatch, text):
    (tmp_path / "a").write_text("oom_kill_disable 0\n")
    (tmp_path / "b").write_text(text)
    monkeypatch.setattr(failure, "COUNTERS", (tmp_path / "none", tmp_path / "a", tmp_path / "b"))
    assert failure.memory_kills() == 12
