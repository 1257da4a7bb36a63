"""Ctrl-C at drawn moments: a word that it is stopped, nothing half-written, no process left, what was done kept."""

import json
import os
import subprocess
import sys

import faults
import pytest
import torch
from small_course import TINY, add, add_sweep

from course_tools.sweep.table import Table
from course_utils.core import checkpoint

pytestmark = [
    pytest.mark.reliability("faults"),
    pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals, and forks"),
]

STEPS, REPORT = 24, 3

# As a cell of a notebook does, each child watches a training. It gets Ctrl-C at a line of the loop, which is given as a
# share of all that an undisturbed child executes.
WATCHES = """
import asyncio, json, os, re, signal, sys
from pathlib import Path
folder, orders, steps, report = Path(sys.argv[1]), *map(json.loads, sys.argv[2:])
where = re.compile(r"course_utils/(core/(files|checkpoint)|gan/(train|callbacks|steps|state))\\.py$")
sys.path[:0] = {helpers!r}
signal.signal(signal.SIGINT, signal.default_int_handler)
from small_gans import METHODS
from course_utils.gan import train
from course_utils.teach.widgets.live import watch

def child(name, line):
    lines = 0
    def executes(frame, event, argument):
        nonlocal lines
        lines += event == "line"
        if event == "line" and lines == line:
            os.kill(os.getpid(), signal.SIGINT)
        return executes
    method = METHODS["fc"]
    G, D, stream = method.build()
    run = train.training(method.step, G, D, stream, steps=steps, seed=3, reports=steps // report,
                         checkpoint=folder / f"{{name}}.safetensors", checkpoint_s=0)
    sys.settrace(lambda frame, *_: executes if where.search(frame.f_code.co_filename) else None)
    try:
        asyncio.new_event_loop().run_until_complete(watch(run, title=name))
    except KeyboardInterrupt:
        print("before the first report", flush=True)
    sys.settrace(None)
    if name == "whole":
        (folder / "lines").write_text(str(lines))

child("warm", 0)  # what is imported on first use takes a child two seconds
lines = 0
for name, share in orders:
    pid = os.fork()
    if not pid:
        try:
            child(name, int(share * lines))
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    if name == "whole":
        lines = int((folder / "lines").read_text())
"""


def test_a_training_that_is_watched_stops_and_keeps_what_it_has(tmp_path, amount, figure):
    if not (n := amount(0, 8)):
        pytest.skip("for `make reliability`; tests/gan/test_train.py interrupts one here")
    names = [f"stopped-{k}" for k in range(n)]
    orders = [("whole", 0), *zip(names, faults.shares(n, 11), strict=True)]
    words = [str(tmp_path), json.dumps(orders), str(STEPS), str(REPORT)]
    script = WATCHES.format(helpers=faults.HELPERS)
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = done.stdout
    losses, numbers = faults.finished(None, STEPS, REPORT)
    assert said.count("What was trained so far is kept.") + said.count("before the first report") == n, said
    for name in names:
        path = tmp_path / f"{name}.safetensors"
        kept = checkpoint.load(path)[1]["step"] if path.exists() else 0
        for line in said.splitlines():
            if line.startswith(f"{name}: interrupted at step "):
                assert kept >= int(line.split()[4]) - REPORT
        again = faults.finished(path, STEPS, REPORT)
        assert losses == again[0] and all(torch.equal(t, again[1][key]) for key, t in numbers.items())
    assert not faults.parts(tmp_path)
    figure("Ctrl-C survived: training", n)


def stopped(command, root, moment, **environment):
    done = faults.course(command, root, moment, "SIGINT", **environment)
    said = (moment, done.stdout, done.stderr)
    assert done.returncode == 130 and done.stderr.endswith("course: stopped\n"), said
    assert "Traceback" not in done.stdout + done.stderr, said
    return done


@pytest.mark.parametrize(("kernel", "few", "many"), [("none", 1, 5), ("python3", 0, 1)])
def test_a_run_that_is_stopped_is_run_again(tmp_path, amount, figure, kernel, few, many):
    if not (n := amount(few, many)):
        pytest.skip("in Jupyter tests/tools/test_run.py stops a run here")
    root = tmp_path / "course"
    add(root, "01_tiny", TINY)
    run = f"run 1 --profile smoke --kernel {kernel} --out {root}"
    events = faults.events(f"{run}/whole", root)
    for moment in faults.moments(events - 1, n, 12):
        out = root / f"stopped-{moment}"
        stopped(f"{run}/{out.name}", root, moment)
        assert not faults.parts(out)
        again = faults.course(f"{run}/{out.name}", root)
        assert again.returncode == 0, again.stdout + again.stderr
        found, wanted = (json.loads((at / "smoke/results/01_tiny.json").read_text()) for at in (out, root / "whole"))
        assert {**found, "run": 0} == {**wanted, "run": 0}
        figure("Ctrl-C survived: course run", 1)


def test_a_sweep_that_is_stopped_keeps_what_is_finished(tmp_path, amount, figure):
    if not (n := amount(0, 6)):
        pytest.skip("six clusters are for `make reliability`; tests/tools/test_sweep.py stops one here")
    root, tasks = tmp_path / "course", 6
    add_sweep(root)
    sweep = f"sweep 1 --grid a=1,2,3 --seeds 2 --profile smoke --workers 1 --out {root}"
    events = faults.events(f"{sweep}/whole", root)
    for moment in faults.moments(events - 1, n, 13):
        stopped(f"{sweep}/out", root, moment if not (root / "out").exists() else 2 + moment // 6)
        assert not faults.parts(root / "out")
        figure("Ctrl-C survived: course sweep", 1)
    finished = len(Table(root / "out").rows)
    again = faults.course(f"{sweep}/out", root)
    assert again.returncode == 0 and f"{tasks} tasks, {finished} found" in again.stdout, again.stdout + again.stderr
    values = [[row["value"] for rows in Table(root / at).rows.values() for row in rows] for at in ("out", "whole")]
    assert values[0] == values[1]
