"""No home folder, a clock that jumps, too little memory: what can go on goes on, what cannot says why."""

import json
import os

import faults
import pytest
from small_course import TINY, add, add_tiny

from course_utils import experiment

pytestmark = pytest.mark.reliability("faults")

DRAWS = """
# %%
import matplotlib.pyplot as plt
from course_utils.teach import progress
plt.plot([1, 2, 3])
progress.record("01_tiny", "quiz", "q", {"right": True})
"""


# ------------------------------------------------------------------ home

HOMES = {
    "a user without a name": lambda closed: {"without": ["HOME"], "user": faults.ordinary()},
    "a home that is not there": lambda closed: {"HOME": str(closed / "nowhere"), "user": faults.ordinary()},
    "a home that takes no file": lambda closed: {"HOME": str(closed), "user": faults.ordinary()},
    "an empty environment": lambda closed: {"without": list(os.environ)},
}
FEW_HOMES = [("a user without a name", "python3"), ("a home that takes no file", "none")]


@pytest.mark.parametrize("kernel", ["none", "python3"])
@pytest.mark.parametrize("home", HOMES)
def test_a_run_needs_no_home(tmp_path, amount, figure, home, kernel):
    if (home, kernel) not in FEW_HOMES and not amount(0, 1):
        pytest.skip("six of eight are for `make reliability`")
    root, closed = tmp_path / "course", tmp_path / "closed"
    add_tiny(root, DRAWS)
    closed.mkdir()
    closed.chmod(0o555)
    command = f"run 1 --profile smoke --kernel {kernel} --out {root / 'out'}"
    done = faults.course(command, root, **{"COURSE_HOME": str(root / "mine"), **HOMES[home](closed)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((root / "out/smoke/results/01_tiny.json").read_text())["verdict"] == "No gain."
    assert json.loads((root / "mine/progress.json").read_text())["01_tiny"]["quiz"]["q"]["right"]
    assert not list(closed.iterdir())
    figure("runs without a home", 1)


def test_the_doctor_needs_no_home(tmp_path, amount):
    if not amount(0, 1):
        pytest.skip("the doctor starts a kernel: for `make reliability`")
    done = faults.course("doctor", tmp_path, without=["HOME"], user=faults.ordinary())
    assert "ok       kernel python3" in done.stdout, done.stdout + done.stderr


# ------------------------------------------------------------------ a person's own settings


@pytest.mark.parametrize("kernel", ["none", "python3"])
def test_a_run_takes_nothing_from_a_persons_own_settings(tmp_path, figure, kernel):
    root, own = tmp_path / "course", tmp_path / "own"
    lesson = add_tiny(root, DRAWS + "plt.savefig('/dev/null', format='png')\n")
    for module in ("random", "copy", "seaborn"):
        (lesson.notebook.parent / f"{module}.py").write_text("raise ImportError('not the real one')\n")
    spec = {"argv": ["false"], "display_name": "a cluster's", "language": "python"}
    for path, text in {
        "matplotlibrc": "text.usetex: True\n",
        "startup.py": "raise SystemExit(1)\n",
        "ipython/profile_default/startup/00.py": "raise SystemExit(1)\n",
        "jupyter/kernels/python3/kernel.json": json.dumps(spec),
    }.items():
        (own / path).parent.mkdir(parents=True, exist_ok=True)
        (own / path).write_text(text)
    settings = {
        "MATPLOTLIBRC": str(own / "matplotlibrc"),
        "PYTHONSTARTUP": str(own / "startup.py"),
        "IPYTHONDIR": str(own / "ipython"),
        "JUPYTER_PATH": str(own / "jupyter"),
        "PYTHONOPTIMIZE": "2",
        "PYTHONIOENCODING": "ascii",
    }
    done = faults.course(f"run 1 --profile smoke --kernel {kernel} --out {root / 'out'}", root, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    figure("settings of a person kept out", len(settings) + 3)


def test_a_checkout_of_another_owner_has_a_commit(monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert experiment.provenance("cpu", 0)["commit"]


# ------------------------------------------------------------------ clock

JUMPS = """
import itertools, time
true_time, calls = time.time, itertools.count()
time.time = lambda: (true_time(), true_time() - 3600, 0.0, true_time() + 1e9)[next(calls) // 5 % 4]
"""
"""In each process the clock goes back an hour, to 1970, and thirty years ahead, again and again."""


@pytest.mark.parametrize("kernel", ["none", "python3"])
def test_a_run_does_not_mind_the_clock(tmp_path, amount, figure, kernel):
    if kernel == "python3" and not amount(0, 1):
        pytest.skip("in Jupyter for `make reliability`")
    root, jumps = tmp_path / "course", tmp_path / "jumps"
    lesson = add(root, "01_tiny", TINY)
    jumps.mkdir()
    (jumps / "sitecustomize.py").write_text(JUMPS)
    command = f"run 1 --profile smoke --kernel {kernel} --out {root / 'out'}"
    done = faults.course(command, root, PYTHONPATH=str(jumps))
    assert done.returncode == 0 and "01_tiny  ok  " in done.stdout, done.stdout + done.stderr
    found = json.loads((root / "out/smoke/results/01_tiny.json").read_text())
    assert 0 <= found["run"]["wall_s"] < 600
    for path, when in ((lesson.notebook, 4e9), (lesson.folder / "lesson.py", 4e9), (root / "out/smoke", 0)):
        os.utime(path, (when, when))  # what is older or younger than it can be is still the same
    again = faults.course(command, root, PYTHONPATH=str(jumps))
    assert again.returncode == 0 and "01_tiny  found, it ran earlier" in again.stdout, again.stdout + again.stderr
    figure("runs under a jumping clock", 2)


# ------------------------------------------------------------------ memory

HOARDS = """
# %% tags=["parameters"]
PROFILE = None

# %%
import resource, {0}
used = 4096 * int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, used + 2**28))
hoard = []
while True:
    hoard.append({1})
"""
WHAT = {
    "Python": ("sys", "bytearray(2**22)"),
    "NumPy": ("numpy", "numpy.ones(2**19)"),
    "PyTorch": ("torch", "torch.ones(2**20)"),
}


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="limits memory as Linux does")
@pytest.mark.parametrize("kernel", ["none", "python3"])
@pytest.mark.parametrize("what", WHAT)
def test_a_lesson_that_gets_no_more_memory_says_so_and_the_next_one_runs(tmp_path, amount, figure, what, kernel):
    if (what, kernel) != ("PyTorch", "none") and not amount(0, 1):
        pytest.skip("five of six are for `make reliability`")
    root = tmp_path / "course"
    add(root, "01_hoards", HOARDS.format(*WHAT[what]))
    add(root, "02_tiny", TINY.replace("01_tiny", "02_tiny"))
    done = faults.course(f"run --profile smoke --kernel {kernel} --out {root / 'out'}", root)
    assert done.returncode == 1, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("01_hoards  failed, ")]
    assert line.startswith("01_hoards  failed, out of memory  ") and "memory was short: run one lesson at a" in line
    assert "02_tiny  ok  " in done.stdout
    figure("lessons without memory", 1)
