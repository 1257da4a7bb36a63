"""SIGKILL at drawn moments, as a power cut or an impatient system sends it: what was whole stays whole, what is started
again ends as if nothing had been."""

import json
import os
import signal
import subprocess
import sys

import faults
import nbformat
import pytest
import torch
from small_course import TINY, add, add_sweep

from course_tools.author import build
from course_tools.sweep.table import Table
from course_utils.core import checkpoint

pytestmark = [
    pytest.mark.reliability("faults"),
    pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals, and forks"),
]

STEPS, REPORT = 24, 3  # the second is the interval of checkpoints, too

# Each child of this process trains. It ends itself at a line of the files `where`, given as a share of all that an
# undisturbed child executes there; or is ended by the system in the middle of the checkpoint after step `at`, when a
# share of its bytes is written.
TRAINS = """
import json, os, re, resource, signal, sys
from pathlib import Path
folder, orders, steps, report = Path(sys.argv[1]), *map(json.loads, sys.argv[2:])
sys.path[:0] = {helpers!r}
from small_gans import METHODS
from course_utils.gan import train

def child(name, where, line, size, at):
    lines, begun = 0, (folder / f"{{name}}.steps").open("w")
    def step_begins():
        print(end=".", file=begun, flush=True)
        if begun.tell() == at:
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    def calls(frame, event, argument):
        if frame.f_code is method.step.__code__:
            step_begins()
        return executes if re.search(where, frame.f_code.co_filename) else None
    def executes(frame, event, argument):
        nonlocal lines
        lines += event == "line"
        if event == "line" and lines == line:
            os.kill(os.getpid(), signal.SIGKILL)
        return executes
    method, checkpoint = METHODS["fc"], folder / f"{{name}}.safetensors"
    G, D, stream = method.build()
    sys.settrace(calls)
    train.fit(method.step, G, D, stream, steps=steps, seed=3, reports=steps // report,
              checkpoint=checkpoint, checkpoint_s=0)
    sys.settrace(None)
    print(lines, checkpoint.stat().st_size, file=(folder / f"{{name}}.counts").open("w"))

child("warm", "nowhere", 0, 0, 0)  # what is imported on first use takes a child two seconds
for name, where, line, size, at in orders:
    line, size = (int(share * whole[of]) for share, of in ((line, 0), (size, 1))) if at or line else (0, 0)
    pid = os.fork()
    if not pid:
        try:
            child(name, where, line, size, at)
            os._exit(0)
        finally:
            os._exit(1)
    print(name, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), size, flush=True)
    if name == "whole":
        whole = [int(n) for n in (folder / "whole.counts").read_text().split()]
"""
LOOP = r"course_utils/gan/(train|callbacks|steps|state|batches)\.py$"
WRITING = r"course_utils/core/(files|checkpoint)\.py$"


def trained(folder, orders):
    """What became of children that train by `orders`: name → (exit code, bytes after which a checkpoint was cut)."""
    words = [str(folder), json.dumps(orders), str(STEPS), str(REPORT)]
    script = TRAINS.format(helpers=faults.HELPERS)
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {name: (int(code), int(size)) for name, code, size in map(str.split, done.stdout.splitlines())}


def test_a_training_killed_at_any_moment_ends_as_an_unbroken_one(tmp_path, amount, figure):
    n = {"training": amount(2, 10), "line": amount(1, 6), "byte": amount(1, 4)}
    orders = [("whole", LOOP, 0, 0, 0)]
    orders += [(f"training-{k}", LOOP, share, 0, 0) for k, share in enumerate(faults.shares(n["training"], 1))]
    orders.append(("whole", WRITING, 0, 0, 0))
    orders += [(f"line-{k}", WRITING, share, 0, 0) for k, share in enumerate(faults.shares(n["line"], 2))]
    steps = [1 + int(share * (STEPS - REPORT)) for share in faults.shares(n["byte"], 3)]
    shares = faults.shares(n["byte"], 4)[::-1]
    orders += [(f"byte-{k}", WRITING, 0, *cut) for k, cut in enumerate(zip(shares, steps, strict=True))]
    ended = trained(tmp_path, orders)
    cut = {name: size for name, (_, size) in ended.items() if name.startswith("byte")}
    assert ended.pop("whole") == (0, 0) and len(ended) == sum(n.values())
    assert {name: code for name, (code, _) in ended.items()} == {
        name: -signal.SIGXFSZ if name in cut else -signal.SIGKILL for name in ended
    }
    for name, size in cut.items():  # half a file there is, under a name that nobody reads
        (half,) = tmp_path.glob(f"{name}.*.part")
        assert half.stat().st_size == size

    losses, numbers = faults.finished(None, STEPS, REPORT)
    for name in ended:
        path, begun = tmp_path / f"{name}.safetensors", (tmp_path / f"{name}.steps").stat().st_size
        kept = checkpoint.load(path)[1]["step"] if path.exists() else 0  # a partial file would be refused here
        assert begun - REPORT <= kept <= begun, f"{name} lost more than one interval"
        again = faults.finished(path, STEPS, REPORT)
        assert losses == again[0], name
        assert all(torch.equal(t, again[1][key]) for key, t in numbers.items()), name
    figure("kills survived: training", n["training"])
    figure("kills survived: checkpoint", n["line"] + n["byte"])


# ------------------------------------------------------------------ commands

# In its last cell, after its results, the lesson kills whoever runs it.
KILLS = """
# %%
if os.environ.get("KILL_AT") == "cell":
    import signal
    os.kill({runner}, signal.SIGKILL)
    await asyncio.sleep(60)
"""
PLAIN = KILLS.format(runner="os.getppid()")
KERNEL = KILLS.format(runner="__import__('psutil').Process(os.getppid()).ppid()")


def results_of(folder):
    """Of a run: its results without what time and chance have a part in, and the names of all that it left."""
    found = json.loads((folder / "results" / "01_tiny.json").read_text())
    found["run"].pop("wall_s")
    return found, {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("kernel", "source", "few", "many"), [("none", PLAIN, 2, 6), ("python3", KERNEL, 1, 4)])
def test_a_run_killed_at_any_moment_is_run_again(tmp_path, amount, figure, kernel, source, few, many):
    n, root = amount(few, many), tmp_path / "course"
    add(root, "01_tiny", TINY + source)
    run = f"run 1 --profile smoke --kernel {kernel} --out {root}"
    events = faults.events(f"{run}/whole", root)
    wanted = results_of(root / "whole" / "smoke")
    for moment in ["cell", *faults.moments(events, n - 1, 5)]:
        out, in_cell = root / f"killed-{moment}", {"KILL_AT": "cell"} if moment == "cell" else {}
        killed = faults.course(f"{run}/{out.name}", root, moment if not in_cell else 0, **in_cell)
        assert killed.returncode == -signal.SIGKILL, (moment, killed.stdout, killed.stderr)
        for path in out.glob("smoke/results/*.json"):
            assert json.loads(path.read_text())["verdict"] == "No gain."
        for path in out.glob("smoke/*.ipynb"):
            if "part" not in path.name:
                nbformat.validate(nbformat.read(path, as_version=4))
        again = faults.course(f"{run}/{out.name}", root)
        assert again.returncode == 0, (moment, again.stdout, again.stderr)
        assert results_of(out / "smoke") == wanted, moment
        assert not faults.parts(out), moment
        figure("kills survived: course run", 1)


def test_a_sweep_killed_at_any_moment_goes_on_where_it_was(tmp_path, amount, figure):
    n = amount(0, 10)
    if not n:
        pytest.skip("ten clusters are for `make reliability`; tests/tools/test_sweep.py kills workers here")
    root, tasks, renamed = tmp_path / "course", 6, tmp_path / "renamed"
    add_sweep(root)
    sweep = f"sweep 1 --grid a=1,2,3 --seeds 2 --profile smoke --workers 1 --out {root}"
    events = faults.events(f"{sweep}/whole", root)
    for k, moment in enumerate(faults.moments(events * 2 // 3, n // 2, 7)):
        finished = 0
        for at in (moment, 1 + (events - moment) // 2):  # the second kill meets what the first one has left
            killed = faults.course(f"{sweep}/{k}", root, at, RENAMED=str(renamed))
            assert killed.returncode == -signal.SIGKILL, (at, killed.stdout, killed.stderr)
            tables = [line for line in renamed.read_text().splitlines() if line.endswith("sweep.csv")]
            rows = Table(root / str(k)).rows
            assert all(len(measures) == 2 for measures in rows.values())
            assert finished + len(tables) - 1 <= len(rows) <= finished + len(tables)  # the last name may not be given
            finished = len(rows)
            figure("kills survived: course sweep", 1)
        again = faults.course(f"{sweep}/{k}", root)
        assert again.returncode == 0 and f"{tasks} tasks, {finished} found" in again.stdout, again.stdout + again.stderr
        assert measured(root / str(k)) == measured(root / "whole")


def measured(folder):
    """The rows of a sweep's table, without what time has a part in."""
    rows = [row for rows in Table(folder).rows.values() for row in rows]
    return [{name: value for name, value in row.items() if name not in ("seconds", "device")} for row in rows]


# `course notebooks` for one lesson, without the pages about all lessons, which a small course has not.
BUILDS = faults.COMMAND.replace(
    "from course_tools.cli import main",
    "from course_tools.author import build\nfrom course_tools.run import lessons\n"
    "main = lambda words: not build.build(lessons.resolve(words)[0])",
)


def stored(root):
    """What `course notebooks` leaves for all to read, without what time has a part in."""
    results = json.loads((root / "results" / "01_tiny" / "quick.json").read_text())
    results["run"].pop("wall_s")
    picture = (root / "results" / "01_tiny" / "quick.png").read_bytes()
    return (root / "notebooks" / "01_tiny.ipynb").read_bytes(), results, picture


def test_a_build_of_notebooks_killed_at_any_moment_is_built_again(tmp_path, amount, figure):
    n = amount(0, 10)
    if not n:
        pytest.skip("twelve notebooks are for `make reliability`")
    root = tmp_path / "course"
    lesson = add(root, "01_tiny", TINY)
    events, before = faults.events("1", root, script=BUILDS), stored(root)
    source = lesson.folder / "lesson.py"
    source.write_text(source.read_text().replace("No gain.", "Some gain."))
    for moment in faults.moments(events - 8, n, 8):  # a build that finds some folders there has fewer
        killed = faults.course("1", root, moment, script=BUILDS)
        assert killed.returncode == -signal.SIGKILL, (moment, killed.stdout, killed.stderr)
        now = stored(root)
        assert now[2] == before[2] and now[1]["verdict"] in ("No gain.", "Some gain.")
        if now[0] == before[0]:
            assert "its source is newer" in build.check(lesson)[0]
        else:  # the notebook is stored last
            assert now[1]["verdict"] == "Some gain." and not build.check(lesson)
        figure("kills survived: course notebooks", 1)
    again = faults.course("1", root, script=BUILDS)
    assert again.returncode == 0, again.stdout + again.stderr
    assert not build.check(lesson)
    after, fresh = stored(root), tmp_path / "fresh"
    add(fresh, "01_tiny", TINY.replace("No gain.", "Some gain."))
    assert faults.course("1", fresh, script=BUILDS).returncode == 0
    assert after == stored(fresh)
