"""`make gpu`: what a machine with a GPU can tell of this course, in about eight minutes, stage by stage.

    make gpu [OUT=build/gpu] [TRY=cpu]

Each stage is a process with a limit of its own, ended when it is over. What it says is in OUT/<stage>.log, what it
finds beside it, whatever fails later; OUT/gpu.json holds how each ended. Needs what `run --kernel none` needs, pytest,
and for the full run the real data in $COURSE_DATA. Exit code 0 if all stages passed, 1 if one failed, 2 without a GPU;
`TRY=cpu` walks all stages in miniature anywhere. What of the full run was finished lies in OUT/full/<lesson>: copied to
build/full/<lesson> of another machine (running/ may be left out), `course run` goes on from it there.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import torch

from course_tools import output
from course_tools.full.run import FullRun
from course_tools.run import lessons
from course_utils.core import files
from course_utils.core.errors import CourseError
from course_utils.core.profiles import ROOT

LESSON = "4"  # whose full run is begun
FULL_MINUTES = 1.5
MINIATURE = {"images": 300, "validation": 60, "judged": 100, "judge_updates": 20, "components": 4, "rebuilt": [1, 4]}
MINIATURE |= {"seeds": 2, "width": 1 / 16, "steps": 12, "reports": 3, "updates": [2, 4], "lesson_gans": 0}
GRACE_S = 30  # beyond its minutes, for a full run to load, and to write what it has


@dataclass(frozen=True)
class Stage:
    """A command of Python (what follows `python`), and the seconds that it may take."""

    name: str
    command: list[str]
    limit: float


@dataclass(frozen=True)
class Ended:
    """How a stage ended: its exit code, None where its time was up; its seconds; and its last line."""

    name: str
    code: int | None
    seconds: float
    says: str


def stages(out: Path, device: str) -> list[Stage]:
    """The stages in their order, in miniature where the device is the CPU."""
    small, folder = device == "cpu", ["--out", str(out)]
    here, course = ["-m", "course_tools.gpu", *(["--try", "cpu"] if small else [])], ["-m", "course_tools", "run"]
    tests = ["-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider", "-m", "gpu", str(ROOT / "tests" / "gpu")]
    benchmarks = ["-m", "benchmarks.gpu", "--device", device, "--out", str(out / "benchmarks.json")]
    smoke = [*course, *(["5"] if small else []), "--profile", "smoke", "--kernel", "none", "-p", f"DEVICE={device}"]
    full = [*course, LESSON, "--profile", "full", "--device", device, "--minutes", str(FULL_MINUTES)]
    return [
        Stage("machine", [*here, "--only", "machine"], 30),
        Stage("tests", tests, 120),
        Stage("benchmarks", [*benchmarks, *(["--quick"] if small else [])], 150),
        Stage("smoke", [*smoke, "--jobs", "3", "--again", *folder], 110),
        Stage("expected", ["-m", "course_tools.full.expected", LESSON, str(out)], 60),
        Stage("full", [*here, "--only", "full", *folder] if small else [*full, *folder], 60 * FULL_MINUTES + GRACE_S),
    ]


def run(stage: Stage, out: Path, slack: float = 1) -> Ended:
    """Run a stage to its end or its limit, times `slack`; what it prints goes to the screen's log file."""
    log, started = out / f"{stage.name}.log", time.monotonic()
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, *stage.command], cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            code = process.wait(slack * stage.limit)
        except BaseException as error:
            _end(process)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            code = None
    lines = log.read_text("utf-8", errors="replace").strip().splitlines()
    return Ended(stage.name, code, round(time.monotonic() - started, 1), lines[-1] if lines else "")


def _end(process: subprocess.Popen) -> None:
    """End a stage with all that it started, which gets a few seconds to write what it has."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def machine(device: str) -> Iterator[str]:
    """Say on what all is measured: versions, and the card."""
    from course_utils.experiment import provenance

    found = provenance(device, time.monotonic())
    if device == "cuda":
        card = torch.cuda.get_device_properties(0)
        found |= {"memory_gib": round(card.total_memory / 2**30, 1), "cuda": torch.version.cuda}
        found |= {"cudnn": torch.backends.cudnn.version(), "capability": f"{card.major}.{card.minor}"}
    yield json.dumps(found, indent=1)
    yield f"{found['device']}, {found['precision']}, PyTorch {torch.__version__}, commit {found['commit']}"


def full_in_miniature(out: Path) -> Iterator[str]:
    """The first jobs of the full run, a GAN among them, all of them small, on a sample of the data and the CPU."""
    (lesson,) = lessons.resolve([LESSON])
    settings = tomllib.loads((lesson.folder / "full.toml").read_text("utf-8")) | MINIATURE
    whole = FullRun(lesson, out, "standin", settings)
    for job, ended in islice(whole.pieces.computed(None, "cpu"), 5):
        if ended.error:
            raise CourseError(f"{job.name}: {ended.error}")
        yield f"{job.name}: {'done' if ended.done else 'stopped'}"
    yield whole.status()


def table(ended: list[Ended]) -> Iterator[str]:
    """A line a stage, with why it failed where it did."""
    for stage in ended:
        how = "time was up" if stage.code is None else "passed" if stage.code == 0 else f"failed ({stage.code})"
        yield f"{stage.name:12}{how:14}{stage.seconds:6.0f} s  {stage.says[:110]}"


def main(argv: list[str] | None = None) -> int:
    """Run all stages, and print the table last."""
    output.prepare()
    parser = argparse.ArgumentParser(prog="python -m course_tools.gpu", description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "gpu", help="folder (default build/gpu)")
    parser.add_argument("--try", dest="device", choices=["cpu"], default="cuda", help="walk all stages in miniature")
    parser.add_argument("--only", choices=["machine", "full"], help="a part of a stage, in this process")
    options = parser.parse_args(argv)
    if options.only:
        print(*(machine(options.device) if options.only == "machine" else full_in_miniature(options.out)), sep="\n")
        return 0
    if options.device == "cuda" and not torch.cuda.is_available():
        print("make gpu: no GPU here; run it on a machine with one, or walk its stages in miniature: make gpu TRY=cpu")
        return 2
    out, ended = options.out.resolve(), []
    out.mkdir(parents=True, exist_ok=True)
    for stage in stages(out, options.device):
        print(f"{stage.name} … (at most {stage.limit:.0f} s; {out / stage.name}.log)", flush=True)
        ended.append(run(stage, out, slack=20 if options.device == "cpu" else 1))
        files.write(out / "gpu.json", json.dumps([asdict(one) for one in ended], indent=1) + "\n")
    print("\n".join(table(ended)))
    return int(any(stage.code != 0 for stage in ended))


if __name__ == "__main__":
    sys.exit(main())
