"""Say where committed results come from, and whether they can be computed anew (`course results`).

Of a lesson's results the first seed of every arm is computed anew; of a full run the judge and one classifier, and the
generators that it keeps are judged once more; of a sweep its quickest task. On the same kind of machine the numbers
are the same. On another one rounding differs, training magnifies it, and the same seed is like another seed here. So a
value may be as far from the committed one as two runs that differ in their seed alone: t · s · √2, at a level at which
all values agree in 95 % of cases; s is the spread of the other seeds, pooled over arms (or points of the grid).
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from course_tools.full.run import PROFILE, FullRun
from course_tools.run import finished, report, run
from course_tools.run.lessons import Lesson
from course_tools.sweep import sweep
from course_tools.sweep.table import Table
from course_utils.core.errors import CourseError
from course_utils.core.parallel import one_thread
from course_utils.core.results import read as read_results
from course_utils.experiment import evidence, weights
from course_utils.experiment.pieces import compute

ORIGIN = ("data", "seeds", "device", "versions", "commit", "wall_s")
"""Keys of results that say where they come from."""

SAME = 1e-6  # results are rounded to six decimals


@dataclass(frozen=True)
class Value:
    """Holds a value computed anew, the committed one, and those of other seeds, one list for each arm."""

    name: str
    anew: float
    committed: float
    others: list[list[float]]

    def is_likely(self, level: float) -> bool:
        """Say whether both values are as close as those of two seeds are in `level` of cases."""
        groups = [np.asarray(values) for values in self.others if len(values) > 1]
        freedom = sum(len(values) - 1 for values in groups)
        if not freedom:
            return False
        spread = np.sqrt(sum(((values - values.mean()) ** 2).sum() for values in groups) / freedom)
        return abs(self.anew - self.committed) <= stats.t.ppf((1 + level) / 2, freedom) * spread * np.sqrt(2)


def committed(lesson: Lesson) -> list[Path]:
    """List the committed results of the lesson; sweep.csv last."""
    folder = lesson.root / "results" / lesson.slug
    return [*sorted(path for path in folder.glob("*.json") if path.stem != "sweep"), *folder.glob("sweep.csv")]


def report_on(lesson: Lesson, path: Path, anew: bool) -> bool:
    """Print where committed results come from and, with `anew`, whether a part of them comes out as it was."""
    line, missing = origin(path)
    print(f"{lesson.slug}/{path.name}: {line}" + "".join(f"; MISSING: {name}" for name in missing), flush=True)
    if not anew:
        return not missing
    sentence, agrees = verify(lesson, path)
    print(f"{lesson.slug}/{path.name}: {sentence}", flush=True)
    return agrees and not missing


def origin(path: Path) -> tuple[str, list[str]]:
    """Write a line that says where committed results come from, and list what they leave out."""
    if path.suffix == ".csv":
        table = Table(path.parent)
        rows = [row[0] for row in table.rows.values()]
        devices = ", ".join(sorted({row["device"] for row in rows}))
        commits = ", ".join(sorted(str(code.get("commit")) for code in table.about["code"].values()))
        wall = report.duration(sum(float(row["seconds"]) for row in rows))
        sources = ", ".join(sorted({row["data_source"] for row in rows}))
        missing = sorted({row["code"] for row in rows} - set(table.about["code"]))
        line = f"{len(rows)} tasks; data: {sources}; device: {devices}; commit: {commits}; {wall} of computing"
        return line, [f"what code {code} is" for code in missing]
    results = read_results(path)
    missing = [name for name in ORIGIN if not results.get(name)]
    if not (results.get("data") or {}).get("sha256"):
        missing.append("data hashes")
    return report.provenance(results).replace(" · ", "; "), missing


def verify(lesson: Lesson, path: Path) -> tuple[str, bool]:
    """Compute a part of committed results anew: a sentence, and whether it agrees."""
    if path.suffix == ".csv":
        found = _sweep(lesson, path)
    else:
        found = _full(lesson, path) if path.stem == PROFILE else _lesson(lesson, path)
    if isinstance(found, str):
        return found, False
    return judge(found)


def judge(values: list[Value]) -> tuple[str, bool]:
    """Say in a sentence whether values computed anew agree with the committed ones."""
    same = [v for v in values if abs(v.anew - v.committed) <= SAME]
    level = 1 - 0.05 / len(values)
    outside = [v for v in values if v not in same and not v.is_likely(level)]
    sentence = f"{len(same)} of {len(values)} values are the same"
    if near := len(values) - len(same) - len(outside):
        sentence += f", {near} as far away as another seed could be"
    if outside:
        worst = ", ".join(f"{v.name} is {v.anew:.6g}, was {v.committed:.6g}" for v in outside[:5])
        sentence += f"; {len(outside)} DIFFER: {worst}" + (" …" if len(outside) > 5 else "")
    return sentence, not outside


def _lesson(lesson: Lesson, path: Path) -> list[Value] | str:
    results = read_results(path, "data", "profile", "seeds", "arms")
    if not finished.same_data(results["data"], None, results["profile"]):
        return f"not computed: the data here are others than {results['data']['name']} was then (set COURSE_DATA)"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "values.json"
        command = [sys.executable, "-m", "course_tools.author.first_seed", lesson.notebook, path.resolve(), out]
        environment = run.environment_of(lesson, results["profile"], out.parent, "none", None)
        done = subprocess.run(
            list(map(str, command)), cwd=lesson.notebook.parent, env=environment, capture_output=True, encoding="utf-8"
        )
        if not out.exists():
            return "not computed: the lesson did not come to its experiment\n" + (done.stdout + done.stderr)[-2000:]
        anew = json.loads(out.read_text("utf-8"))
    arms = results["arms"]
    return [
        Value(
            f"{metric} of {arm} on {test}",
            anew[arm][metric][test],
            estimate["values"][0],
            [arms[other][metric][test]["values"][1:] for other in arms],
        )
        for arm, metrics in arms.items()
        for metric, by_test in metrics.items()
        for test, estimate in by_test.items()
    ]


def _full(lesson: Lesson, path: Path) -> list[Value] | str:
    results = read_results(path, "data", "settings", "arms")
    with tempfile.TemporaryDirectory() as out:
        try:
            whole = FullRun(lesson, Path(out), settings=results["settings"])
        except CourseError as error:
            return f"not computed: {error}"
        if whole.data.sha256 != results["data"]["sha256"]:
            return f"not computed: the data here are others than {results['data']['name']} was then (set COURSE_DATA)"
        with one_thread():  # as the run was computed
            return full_run(whole, results["arms"], weights.folder(lesson.slug, lesson.root))


def full_run(whole: FullRun, arms: dict, kept: Path) -> list[Value] | str:
    """Train the judge and the first classifier that needs no other job; judge the generators in the folder `kept`."""
    pieces, module = whole.pieces, whole.module
    judge = next(job for job in pieces.jobs if job.work == "judge")
    first = next(job for job in pieces.jobs if not job.needs and job.name.rpartition("/")[0] in arms)
    for job in (judge, first):
        if error := compute(pieces.load, job, pieces.store, None).error:
            return f"not computed: {job.name}: {error}"
    arm = first.name.rpartition("/")[0]
    anew = module.scoring(whole.settings, whole.data)(pieces.store.find(first))["accuracy"][-1]
    accuracies = {other: arms[other]["accuracy"]["test"]["values"] for other in arms}
    others = [values[1:] for values in accuracies.values()]
    found = [Value(f"accuracy of {arm}", anew, accuracies[arm][0], others)]
    manifest = weights.read(kept)
    about = {job.name: row for job in pieces.jobs if (row := manifest.get(weights.file(job.name)))}
    if not about or not hasattr(module, "restored"):  # lesson 2 keeps images, which it judges whenever it runs
        return found
    net, reference, _ = evidence.restored_judge(pieces.store.find(judge))
    for name, row in about.items():
        kind, _, seed = name.rpartition("/")
        G = module.restored(weights.find(kept, name, row["trained_on"]))
        pixels = evidence.images_of(G, int(seed), len(reference))
        like = [other for key, other in about.items() if key != name and key.rpartition("/")[0] == kind]
        for measure, anew in evidence.measures(pixels, net, reference).items():
            others = [[other[measure] for other in like]]
            found.append(Value(f"{measure} of {name}", anew, row[measure], others))
    return found


def _sweep(lesson: Lesson, path: Path) -> list[Value] | str:
    table = Table(path.parent)
    if not table.rows:
        return "not computed: the table has no rows"
    rows = min(table.rows.values(), key=lambda rows: float(rows[0]["seconds"]))
    point = table.point(rows[0])
    seeds = int(rows[0]["seed"]) + 1
    planned = sweep.plan(lesson, {name: [value] for name, value in point.items()}, seeds, rows[0]["profile"])
    task = next((task for task in planned if task.id == rows[0]["task"]), None)
    if task is None:
        return f"not computed: {lesson.slug} has no longer a task with {point}"
    answer = task.compute()
    if answer.error:
        return f"not computed: {task}: {answer.error}"
    if answer.data and answer.data["sha256"] != (table.code_and_data(task)[1] or {}).get("sha256"):
        return f"not computed: the data here are others than {answer.data['name']} was then (set COURSE_DATA)"
    kind = ("profile", "arm", "test_set", "metric")
    found = []
    for row, old in zip(answer.rows, rows, strict=True):
        others: dict[str, list[float]] = {}
        for other in itertools.chain(*(rows for id, rows in table.rows.items() if id != task.id)):
            if all(other.get(name) == old.get(name) for name in kind):
                others.setdefault(str(table.point(other)), []).append(float(other["value"]))
        found.append(Value(f"{row['metric']} at {task}", row["value"], float(old["value"]), list(others.values())))
    return found
