"""Run a verdict: split, plan, compute, report; stopped at any moment it leaves a report of what is finished."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from course_utils import experiment
from course_utils.core import checkpoint, files
from course_utils.core.errors import CourseError
from course_utils.core.seeds import generator
from course_utils.data.images import Images
from course_utils.experiment.answers import Store
from course_utils.experiment.full import Job
from course_utils.experiment.pieces import Ended, Loaded, Pieces
from course_utils.verdict import page, work
from course_utils.verdict.findings import findings
from course_utils.verdict.plan import SEEDS, Plan, plan
from course_utils.verdict.work import Data

TEST = 0.25
"""The share of the pictures that is the sealed test set, where the user has none."""


@dataclass(frozen=True)
class Report:
    """What a verdict found: the content of verdict.json, and the page. Shown in a notebook it is the page."""

    found: dict[str, Any]
    html: str

    @property
    def verdict(self) -> str:
        """The sentence that comes first."""
        return self.found["verdict"]

    def save(self, folder: Path) -> None:
        """Write verdict.html, verdict.json and table.csv."""
        files.write(folder / "verdict.json", json.dumps(self.found, indent=1, ensure_ascii=False) + "\n")
        files.write(folder / "table.csv", page.table(self.found).to_csv(index=False))
        files.write(folder / "verdict.html", self.html)

    def _repr_html_(self) -> str:
        return page.inline(self.html)


class Verdict:
    """The pieces of one verdict, in a folder, from which a later call with the same pictures and options goes on.

    options: those of `plan`, and hours. facts: about the pictures, for the report (audit, notes).
    """

    def __init__(self, data: Data, folder: Path, hours: float, facts: dict[str, Any] | None = None, **options: Any):
        self.data, self.folder, self.facts = data, folder, facts or {}
        for seed in range(options.get("seeds", SEEDS)):
            work.parts(data, seed)  # or it says now which class has too few pictures
        sha256 = {"known": data.known.digest(), "test": data.test.digest()}
        sha256 |= {"synthetic": data.synthetic.digest()} if data.synthetic else {}
        self.plan = _planned(data, folder, hours, sha256, options)
        path = folder / "pictures.safetensors"
        _save(data, path, sha256)
        store = Store(folder / "pieces", sha256)
        load = partial(_load, path, json.dumps(sha256))
        self.pieces = Pieces(work.jobs(self.plan.settings), store, load)
        self.sha256 = sha256

    def report(self) -> Report:
        """Report on what is finished."""
        answers = self.pieces.answers()
        found = findings(self.plan.settings, self.data, answers)
        done = {kind: list(counts) for kind, counts in self.pieces.counts().items()}
        found |= {"about": self.facts, "sha256": self.sha256, "finished": done, "left_out": self.plan.left_out}
        found |= experiment.provenance("cpu", time.monotonic())
        found["wall_s"] = round(sum(facts["seconds"] for _, facts in answers.values()), 1)
        return Report(found, page.render(found, self.data, answers))


def run(
    images: Images,
    test: Images | None = None,
    synthetic: Images | None = None,
    *,
    hours: float = 0.5,
    out: Path | str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> Report:
    """Find out whether generated pictures would help a classifier of these pictures; here, in this process.

    test: sealed pictures; by default a quarter of `images`, in whole groups. synthetic: pictures of yours by any
    generator. out: folder of the pieces, from which a later call goes on; by default a temporary one. options: see
    `plan.plan`. on_progress(done, of) is called after each piece. Ctrl-C ends it with a report of what is finished.
    """
    folder = Path(mkdtemp(prefix="verdict-") if out is None else out)
    if test is None:
        test, images = images.split(TEST, generator("test"))
    deadline = time.time() + 3600 * hours
    verdict = Verdict(Data(images, test.seal(), synthetic), folder, hours, **options)
    pieces = verdict.pieces
    try:
        for job, ended in pieces.computed(deadline):
            _raise(job, ended)
            if on_progress is not None:
                on_progress(len(pieces.jobs) - len(pieces.todo()), len(pieces.jobs))
    except KeyboardInterrupt:
        pass
    report = verdict.report()
    if out is not None:
        report.save(folder)
    return report


def _raise(job: Job, ended: Ended) -> None:
    if ended.error:
        raise CourseError(f"{job.name}: {ended.error.strip().splitlines()[-1]}")


# ------------------------------------------------------------------ files


def _planned(data: Data, folder: Path, hours: float, sha256: dict[str, str], options: dict[str, Any]) -> Plan:
    """The plan of an earlier call with the same pictures and options, or a new one."""
    path = folder / "plan.json"
    asked = {"hours": hours, "sha256": sha256, "options": options}
    try:
        stored = json.loads(path.read_text("utf-8"))
        if stored["asked"] == asked:
            return Plan(**stored["plan"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    made = plan(data, hours, **options)
    files.write(path, json.dumps({"asked": asked, "plan": asdict(made)}, indent=1) + "\n")
    return made


def _save(data: Data, path: Path, sha256: dict[str, str]) -> None:
    """Write the pictures, for the processes that compute."""
    tensors = {f"{name}.{part}": tensor for name, part, tensor in _tensors(data)}
    checkpoint.save(path, tensors, {"classes": list(data.known.classes), "sha256": sha256})


def _tensors(data: Data) -> Iterator[tuple[str, str, Any]]:
    for name in ("known", "test", "synthetic"):
        if (images := getattr(data, name)) is not None:
            yield name, "pixels", images.pixels
            yield name, "labels", images.labels
            if images.groups is not None:
                yield name, "groups", images.groups


@lru_cache(maxsize=1)
def _load(path: Path, sha256: str) -> Loaded:
    """Give the functions of `work` and the pictures, in the process that computes; sha256: of these, as JSON."""
    tensors, facts = checkpoint.load(path)
    if facts["sha256"] != json.loads(sha256):
        raise CourseError(f"{path} holds other pictures than this run's; delete the folder and begin anew")

    def images(name: str) -> Images | None:
        if f"{name}.pixels" not in tensors:
            return None
        parts = (tensors[f"{name}.pixels"], tensors[f"{name}.labels"], tuple(facts["classes"]), name)
        return Images(*parts, sealed=name == "test", groups=tensors.get(f"{name}.groups"))

    return vars(work), Data(images("known"), images("test"), images("synthetic"))
