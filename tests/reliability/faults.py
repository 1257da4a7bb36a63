"""Ends a process at a moment that has a number, so that it can be repeated; and says what is left of it."""

import os
import pwd
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

TESTS = Path(__file__).parents[1]
HELPERS = [str(TESTS / "gan"), str(TESTS / "tools")]
sys.path[:0] = HELPERS  # small_gans, small_course

# Counts what the process does with files under a folder, and which processes it starts there, and sends itself a signal
# at a given number; without an end it says how many there were. RENAMED: a file that gets the new names of files.
COMMAND = """
import os, signal, sys
EVENTS = ("open", "os.rename", "os.mkdir", "os.remove", "subprocess.Popen")
if __name__ == "__main__":
    moment, name, folder, *command = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # under a test runner Ctrl-C may be ignored
    from course_tools.cli import main
    renamed = open(os.environ.get("RENAMED", os.devnull), "w")
    seen = 0
    def watch(event, args):
        global seen
        if event in EVENTS and folder in repr(args):
            seen += 1
            if event == "os.rename":
                print(args[1], file=renamed, flush=True)
            if seen == int(moment):
                os.kill(os.getpid(), getattr(signal, name))
    sys.addaudithook(watch)
    try:
        code = main(command)
    finally:
        print("events:", seen, flush=True)
    sys.exit(code)
"""


def course(command, root, moment=0, name="SIGKILL", script=COMMAND, user=(), without=(), **environment):
    """`course command` on the course at `root`, sent a signal at its `moment`-th event there; 0: never.

    user: words that start a command as another user, see `ordinary`; without: names that its environment lacks. Returns
    what `subprocess.run` does, with stdout and stderr as text, once all that it started has ended, too.
    """
    mark = f"{root}:{command}:{moment}:{time.monotonic_ns()}"
    known = {name: value for name, value in os.environ.items() if name not in without}
    done = subprocess.run(
        [*user, sys.executable, "-c", script, str(moment), name, str(root), *command.split()],
        env=known | {"COURSE_ROOT": str(root), "FAULT": mark, "PYTHONUNBUFFERED": "1"} | environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    no_process_is_left(mark)
    return done


def events(command, root, **more):
    """How many events the command has when nothing disturbs it."""
    done = course(command, root, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return int(done.stdout.rpartition("events: ")[2])


def no_process_is_left(mark):
    """A lesson looks every second whether its runner is still there."""
    waited_until = time.monotonic() + 120
    while left := [p.info["pid"] for p in psutil.process_iter(["pid", "environ"]) if of(p, mark)]:
        assert time.monotonic() < waited_until, f"processes {left} are left"
        time.sleep(0.1)


def of(process, mark):
    return (process.info["environ"] or {}).get("FAULT") == mark


def shares(n, seed):
    """n numbers between 0 and 1, one in each nth part, drawn at random."""
    rng = random.Random(seed)
    return [(k + rng.random()) / n for k in range(n)]


def moments(last, n, seed):
    """n of the numbers from 1 to `last`, drawn in the same way."""
    return [1 + int(share * last) for share in shares(n, seed)]


def ordinary():
    """Words that start a command as a user past whom no permission goes, as it does past root, and of whom the system
    knows neither name nor home; none where this user is such a one, a skip where it may not become one."""
    if os.geteuid():
        try:
            pwd.getpwuid(os.geteuid())
        except KeyError:
            return []
    words = ["unshare", "--user", "--map-user=12345", "--map-group=12345"]
    if not shutil.which(words[0]) or subprocess.run([*words, "true"], capture_output=True).returncode:
        pytest.skip("this user may not become another one")
    return words


def packed(array):
    """The content of the IDX file that holds a uint8 array."""
    return bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


def parts(folder):
    """Files that a process left half-written; their names say so."""
    return [path.name for path in Path(folder).rglob("*part*") if path.is_file()]


def finished(path, steps, report):
    """(losses, all numbers at the end) of the small training that goes on from `path`, whatever its networks were
    before; None: of an unbroken one."""
    from small_gans import METHODS

    from course_utils.gan import train

    method = METHODS["fc"]
    G, D, stream = method.build(seed=99 if path and path.exists() else 0)
    more = {"steps": steps, "seed": 3, "reports": steps // report, "checkpoint": path, "checkpoint_s": 1e9}
    last = train.fit(method.step, G, D, stream, **more)
    nets = {"G": G, "D": D, "mean": last.generator}
    return last.losses, {f"{name}.{key}": t for name, net in nets.items() for key, t in net.state_dict().items()}
