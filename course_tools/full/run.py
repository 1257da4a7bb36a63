"""`course run LESSON --profile full`: computes what a lesson's full run still lacks, until it is done or time is up.

Each job is computed in a process of one thread, on Dask: here, on a running cluster, or as SLURM jobs, which share the
run's folder; on a GPU of this machine in this process.
"""

from __future__ import annotations

import json
import time
import tomllib
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import torch

from course_tools.full.compute import computed
from course_tools.run.lessons import Lesson, module
from course_tools.run.outcome import duration
from course_tools.sweep.dask_client import default_workers
from course_utils import experiment
from course_utils.core import files
from course_utils.core.errors import CourseError
from course_utils.data import sources
from course_utils.experiment import weights
from course_utils.experiment.answers import Store
from course_utils.experiment.pieces import Loaded, Pieces

PROFILE = "full"


def has(lesson: Lesson) -> bool:
    """Tell whether a lesson has a full run."""
    return (lesson.folder / "full.py").is_file()


class FullRun:
    """A lesson's jobs, the folder of their answers, and what can be said of both.

    source: of the data; evidence rests on real ones, whatever is at hand. settings: in place of some of full.toml's.
    """

    def __init__(self, lesson: Lesson, out: Path, source: str = "real", settings: dict[str, Any] | None = None) -> None:
        if not has(lesson):
            raise CourseError(f"{lesson.slug} has no full run (its folder has no full.py); run smoke or quick")
        self.lesson, text = lesson, (lesson.folder / "full.py").read_text("utf-8")
        self.module = module(text, "full.py")
        self.settings = _settings(lesson) | (settings or {})
        self.data = _data(self.module.DATASET, source)
        kept = lesson.root / "results" / lesson.slug / "answers"
        store = Store(out.resolve() / PROFILE / lesson.slug, self.data.sha256, kept)
        load = partial(_load, text, source, self.data.sha256)
        self.pieces = Pieces(self.module.jobs(self.settings), store, load)

    def status(self, workers: int = 1) -> str:
        """What is done of each kind of job, and how long the rest takes, in a line."""
        parts = [f"{n} of {of} {kind}" for kind, (n, of) in self.pieces.counts().items()]
        left = self.pieces.left(workers)
        if not self.pieces.todo():
            rest = ""
        else:
            rest = "; rest unknown" if left is None else f"; about {duration(left)} left here"
        return f"{self.lesson.slug}: " + ", ".join(parts) + rest

    def keep_weights(self) -> None:
        """Keep the generators of a complete run that the lesson uses, in results/<lesson>/weights."""
        kinds = getattr(self.module, "WEIGHTS", ())
        kept = {name: answer for name, answer in self.pieces.answers().items() if name.rpartition("/")[0] in kinds}
        weights.keep(weights.folder(self.lesson.slug, self.lesson.root), kept)

    def results(self) -> dict[str, Any]:
        """The results JSON of a run that is complete, with its provenance."""
        answers = self.pieces.answers()
        facts = [answer[1] for answer in answers.values()]
        made = {
            "lesson": self.lesson.slug,
            "profile": PROFILE,
            "data": {"name": self.data.name, "source": self.data.source, "sha256": self.data.sha256},
            "settings": self.settings,
            **self.module.results(self.settings, self.data, answers),
        }
        provenance = experiment.provenance("cpu", time.monotonic())
        commits = sorted({str(fact["commit"]) for fact in facts})
        provenance |= {
            "wall_s": round(sum(fact["seconds"] for fact in facts), 1),  # of all processes together
            "device": ", ".join(sorted({fact["device"] for fact in facts})),
            "commit": commits[0] if len(commits) == 1 else ", ".join(commits),
        }
        return made | provenance


def run(
    lesson: Lesson,
    out: Path,
    deadline: float | None = None,
    scheduler: str | None = None,
    slurm: Path | None = None,
    workers: int | None = None,
    source: str = "real",
    device: str | None = None,
) -> bool:
    """Compute what `out`/full/<slug> lacks, until `deadline` (time.time()); when all is there, write
    results/<slug>/full.json.

    What is finished is kept in results/<slug>/answers too: committed, it is found on the next machine.

    device: "cpu" or "cuda"; None is a GPU where there is one. Returns False where a job failed; the others are computed
    all the same. Raises CourseError on a user's mistake, where the real data cannot be had, and where another process
    computes in the same folder.
    """
    if device not in (None, "cpu", "cuda"):
        raise CourseError(f"--device is {device!r}; choose cpu or cuda")
    if device == "cuda" and not (torch.cuda.is_available() or scheduler or slurm):
        raise CourseError("--device is cuda, and there is no GPU here; leave it out, or choose cpu")
    whole = FullRun(lesson, out, source)
    folder = whole.pieces.store.folder
    with files.locked(folder / ".lock", f"a full run in {folder} is under way already"):
        return _run(whole, deadline, scheduler, slurm, workers, device)


def _run(
    whole: FullRun,
    deadline: float | None,
    scheduler: str | None,
    slurm: Path | None,
    workers: int | None,
    device: str | None,
) -> bool:
    print(whole.data.announce())
    print(whole.status(workers or default_workers()))
    failed: dict[str, str] = {}
    if whole.pieces.todo():
        with computed(whole.pieces, deadline, scheduler, slurm, workers, device) as ends:
            for job, ended in ends:
                if ended.error:
                    failed[job.name] = ended.error
                    print(f"{job.name}: failed: {ended.error.strip().splitlines()[-1]}", flush=True)
                elif ended.done:
                    print(f"{job.name}: done", flush=True)
        print(whole.status(workers or default_workers()))
    whole.pieces.store.publish(whole.pieces.jobs)
    for error in dict.fromkeys(failed.values()):
        print("failed: " + ", ".join(name for name in failed if failed[name] == error) + f"\n{error.strip()}")
    if whole.pieces.todo():
        print(f"to go on: course run {whole.lesson.slug} --profile {PROFILE}")
        return not failed
    path = whole.lesson.root / "results" / whole.lesson.slug / f"{PROFILE}.json"
    results = whole.results()
    whole.keep_weights()
    files.write(path, json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    print(f"{path}\n{results['verdict']}")
    return True


def _load(text: str, source: str, sha256: dict[str, str]) -> Loaded:
    """Give the functions of a full.py and the data, in the process that computes; they must be those of the run."""
    full = module(text, "full.py")
    data = _data(full.DATASET, source)
    if data.sha256 != sha256:
        raise CourseError(f"its data of {full.DATASET} differ ({data.source}); set COURSE_DATA there")
    return vars(full), data


@lru_cache(maxsize=1)
def _data(name: str, source: str) -> sources.Dataset:
    return sources.load(name, source)


def _settings(lesson: Lesson) -> dict[str, Any]:
    path = lesson.folder / "full.toml"
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise CourseError(f"{path} is missing, the settings of the full run; write it beside full.py") from None
