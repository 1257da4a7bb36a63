"""The folder in which finished jobs of a long run are found again.

Not `core.store`: there a changed line of code is new work; here hours of training would lapse.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from course_utils.core import checkpoint, files
from course_utils.core.errors import CourseError
from course_utils.experiment.full import Answer, Job

LARGE = 3_000_000
"""Bytes of an answer above which its tensors are not put under version control."""


class Store:
    """A folder of answers to jobs: an answer is one file, tensors as safetensors and facts in its header.

    data: sha256 of the data by file. Answers that were computed on other data are not found. kept: a folder under
    version control, whose answers are found too, so that hours of one machine serve the next.
    """

    def __init__(self, folder: Path, data: dict[str, str], kept: Path | None = None) -> None:
        self.folder, self.kept = folder, kept
        self.data = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:8]

    def path(self, job: Job) -> Path:
        """Where the answer to a job lies, or will."""
        return self.folder / f"{job.name.replace('/', '-')}-{job.key}-{self.data}.safetensors"

    def has(self, job: Job) -> bool:
        """Whether the job is done."""
        return self._found(job).exists()

    def _found(self, job: Job) -> Path:
        path = self.path(job)
        return path if self.kept is None or path.exists() else self.kept / path.name

    def checkpoint(self, job: Job) -> Path:
        """Where a training that is under way keeps its state."""
        return self.folder / "running" / self.path(job).name

    def find(self, job: Job) -> Answer:
        """The answer to a job that is done; raises CheckpointError where the file is damaged."""
        return checkpoint.load(self._found(job))

    def needed(self, job: Job) -> Answer:
        """The same for a job that another one needs; raises CourseError where only its facts are kept."""
        tensors, facts = self.find(job)
        if not tensors and not self.path(job).exists():  # what was computed here has all that the job gave
            raise CourseError(
                f"{self._found(job)} holds only what was measured of {job.name}, whose tensors were too large to keep; "
                "delete it, and the same command computes them anew"
            )
        return tensors, facts

    def keep(self, job: Job, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Write an answer, whole or not at all, and remove what was kept on the way to it."""
        checkpoint.save(self.path(job), tensors, facts)
        for left in self.checkpoint(job).parent.glob(f"{self.path(job).stem}.*"):
            left.unlink()

    def publish(self, jobs: Sequence[Job]) -> None:
        """Copy the answers to the jobs of a run into `kept`; once all are there, remove others from it.

        Of a large one, such as a generator, only the facts, as soon as all jobs that need it are done.
        """
        copies = {self.kept / self.path(job).name: job for job in jobs}
        for path, job in copies.items():
            if path.exists() or not self.has(job):
                continue
            if self.path(job).stat().st_size <= LARGE:
                files.write(path, self.path(job).read_bytes())
            elif all(self.has(other) for other in jobs if job in other.needs):
                checkpoint.save(path, {}, self.find(job)[1])
        if all(map(self.has, copies.values())):  # until then those of the last run are evidence
            for path in set(self.kept.glob(f"*{checkpoint.SUFFIX}")) - copies.keys():
                path.unlink()

    def note(self, job: Job) -> Path:
        """Where it is noted how far an unfinished job has come: {"share", "seconds"}."""
        return self.checkpoint(job).with_suffix(".json")

    def stopped(self, job: Job, share: float, seconds: float) -> None:
        """Note how far a job had come when it was stopped, and what it had taken."""
        files.write(self.note(job), json.dumps({"share": round(share, 4), "seconds": round(seconds, 1)}))

    def progress(self, job: Job) -> tuple[float, float]:
        """(share done, seconds it took) of a job that is not finished; (0, 0) where nothing is noted."""
        try:
            noted = json.loads(self.note(job).read_text("utf-8"))
            return float(noted["share"]), float(noted["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0.0, 0.0
