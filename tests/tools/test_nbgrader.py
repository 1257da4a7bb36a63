"""nbgrader accepts what `make student` writes: full marks for solutions, none for stubs, points by exercise.

nbgrader is no dependency of ours. It gets an environment of its own, build/nbgrader/<hash of the requirement>, made
with pip from the configured index and kept between runs. The commands are those of the teacher's README.

One fast lesson is graded each time, in `smoke`; COURSE_NBGRADER=all grades every lesson:

    COURSE_NBGRADER=all .venv/bin/python -m pytest tests/tools/test_nbgrader.py
"""

import csv
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from course_tools.author import student
from course_tools.run.lessons import find
from course_utils.core.profiles import ROOT

pytestmark = pytest.mark.notebook

REQUIREMENT = "nbgrader>=0.9.6,<0.10"
FAST = "02_emnist_bagan"
GRADED = [lesson for lesson in find() if os.environ.get("COURSE_NBGRADER") == "all" or lesson.slug == FAST]


@pytest.fixture(scope="session")
def environment():
    """The folder of nbgrader's own virtual environment; skips where the index has no nbgrader, or cannot be reached."""
    folder = ROOT / "build" / "nbgrader" / hashlib.sha256(f"{REQUIREMENT} {sys.version}".encode()).hexdigest()[:12]
    if not (folder / ".ready").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        install = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--retries", "1", REQUIREMENT]
        done = subprocess.run(install, capture_output=True, text=True)
        if "from versions: none" in done.stderr:
            pytest.skip(f"no package index has {REQUIREMENT}: {done.stderr.splitlines()[-1]}")
        assert done.returncode == 0, done.stderr
        (folder / ".ready").touch()
    return folder


class Class:
    """A course folder as a teacher has it, what was handed in there, and what nbgrader makes of it."""

    def __init__(self, lesson, environment, root):
        self.slug, self.root = lesson.slug, root
        self.grading = root / "grading"
        student.write([lesson], root / "build")
        (root / ".venv").symlink_to(sys.prefix)
        (root / "nbgrader-env").symlink_to(environment)
        readme = (root / "build" / "teacher" / "README.md").read_text(encoding="utf-8")
        made, self.kernel, self.copy, self.generate, self.grade = (
            re.search(r"```sh\n(.*?)```", readme, re.DOTALL)[1].strip().split("\n")
        )
        assert made.endswith("&& . nbgrader-env/bin/activate && pip install nbgrader")

    def shell(self, *commands, folder="."):
        """Runs commands in the activated environment, with a home of their own and none of our settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("COURSE_", "JUPYTER"))}
        own = {"HOME": self.root / "home", "COURSE_RESULTS": self.root / "results", "COURSE_RUNS": "off"}
        script = f"set -e; . {self.root}/nbgrader-env/bin/activate; " + "; ".join(commands)
        done = subprocess.run(
            ["sh", "-c", script],
            cwd=self.root / folder,
            env=kept | {name: str(value) for name, value in own.items()} | {"OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    @property
    def handed_out(self):
        """The notebook that students get: (ours, nbgrader's)."""
        name = f"{self.slug}.ipynb"
        return self.root / "build" / "student" / name, self.grading / "release" / self.slug / name

    @property
    def solved(self):
        return self.grading / "source" / self.slug / f"{self.slug}.ipynb"

    def hand_in(self, name, notebook: Path, change=lambda nb: None):
        nb = nbformat.read(notebook, as_version=4)
        change(nb)
        target = self.grading / "submitted" / name / self.slug / f"{self.slug}.ipynb"
        target.parent.mkdir(parents=True)
        nbformat.write(nb, target)

    def graded(self, name):
        return nbformat.read(self.grading / "autograded" / name / self.slug / f"{self.slug}.ipynb", as_version=4)

    def points(self):
        """Student → (points, of)."""
        self.shell("nbgrader export", folder="grading")
        with open(self.grading / "grades.csv", encoding="utf-8") as file:
            return {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(file)}


def wrong_and_forged(nb):
    """The first answer wrong, its check changed so that it would pass; all others right."""
    answer, check = [cell for cell in nb.cells if "nbgrader" in cell.metadata][:2]
    answer.source = re.sub(r"(?s)(def \w+)\(.*", r"\1(*anything):\n    return 12345.0", answer.source)
    check.source = "'fine'"


def said(cell):
    return "\n".join(
        output.get("text", "") + output.get("evalue", "") + output.get("data", {}).get("text/markdown", "")
        for output in cell.outputs
    )


@pytest.mark.parametrize("lesson", GRADED, ids=lambda lesson: lesson.slug)
def test_right_answers_have_their_points_and_wrong_or_missing_ones_none(lesson, tmp_path, environment):
    taught = Class(lesson, environment, tmp_path)
    taught.shell(taught.kernel, taught.copy, taught.generate)
    ours, nbgraders = (nbformat.read(path, as_version=4) for path in taught.handed_out)
    assert [cell.source for cell in ours.cells] == [cell.source for cell in nbgraders.cells], "the same stubs"
    points = [cell.metadata.nbgrader.points for cell in ours.cells if "check" in cell.metadata.get("tags", [])]

    taught.hand_in("solved", taught.solved)
    taught.hand_in("open", taught.handed_out[0])
    taught.hand_in("half", taught.solved, wrong_and_forged)
    taught.shell(taught.grade, folder="grading")
    of = sum(points)
    assert taught.points() == {"solved": (of, of), "open": (0, of), "half": (of - points[0], of)}

    graded = {name: taught.graded(name) for name in ("solved", "open", "half")}
    checks = {name: [c for c in nb.cells if "check" in c.metadata.get("tags", [])] for name, nb in graded.items()}
    assert all("Not attempted" in said(cell) for cell in checks["open"])
    assert "Incorrect" in said(checks["half"][0])
    for name, nb in graded.items():
        for cell in nb.cells:
            outputs = cell.get("outputs", [])
            if cell not in checks[name]:
                assert not any(output.output_type == "error" for output in outputs), said(cell)
            assert not any("widget-view" in mime for output in outputs for mime in output.get("data", {}))
