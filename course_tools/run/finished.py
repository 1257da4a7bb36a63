"""Find finished runs of lessons by their parameters, their code and their data, so that none runs twice.

A run's results are marked when it has ended well, and only then: what a killed run leaves is unmarked, and runs again.
They are not kept in `core.store`, because people read them, and because this has to be quick, without PyTorch.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from course_tools.run.lessons import Lesson, code_cells
from course_tools.run.version import COUNTED, version
from course_utils.core import files
from course_utils.core.errors import CourseError
from course_utils.core.profiles import data_source, standin_scale
from course_utils.core.results import read as read_results

Mark = dict[str, Any]


def mark(lesson: Lesson, notebook: Path, parameters: dict[str, Any]) -> Mark:
    """Give what a run of a notebook is known by: {"parameters", "code"}."""
    beside = [lesson.folder / name for name in COUNTED]
    texts = [path.read_text("utf-8") for path in beside if path.is_file()]
    code = version([cell.source for cell in code_cells(notebook)], *texts)
    return json.loads(json.dumps({"parameters": parameters, "code": code}))


def keep(path: Path, results: dict[str, Any], mark: Mark, wall_s: float) -> None:
    """Write the results of a run that ended well, with its mark and the seconds that it took."""
    whole = {**results, "run": {**mark, "wall_s": round(wall_s, 1)}}
    files.write(path, json.dumps(whole, indent=1, ensure_ascii=False) + "\n")


def find(lesson: Lesson, folder: Path, kernel: str, parameters: dict[str, Any]) -> dict[str, Any] | None:
    """Read from `folder` the results of an earlier run with these parameters, code and data; None without."""
    made = [] if kernel == "none" else [folder / f"{lesson.slug}.ipynb", folder / f"{lesson.slug}.html"]
    try:
        results = read_results(folder / "results" / f"{lesson.slug}.json", "data", "run")
    except CourseError:  # missing, damaged, or left by a run that did not end
        return None
    run = results["run"]
    wanted = mark(lesson, lesson.notebook, parameters)
    if {name: run.get(name) for name in wanted} != wanted or not all(path.exists() for path in made):
        return None
    return results if same_data(results["data"], parameters.get("DATA"), parameters["PROFILE"]) else None


def same_data(data: dict[str, Any], source: str | None, profile: str) -> bool:
    """Check whether the data set that results name is still what a run with this DATA and profile would get."""
    return not data.get("sha256") or _sha256(data.get("name"), data_source(source, profile), profile) == data["sha256"]


@cache
def _sha256(name: str, source: str, profile: str) -> dict[str, str] | None:
    from course_utils.data.sources import load  # it takes PyTorch, and seconds

    try:
        return load(name, source, scale=standin_scale(profile)).sha256
    except CourseError:
        return None  # the run will say what is wrong with it
