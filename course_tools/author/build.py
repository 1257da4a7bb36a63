"""Build notebooks/<slug>.ipynb from lessons/<slug>/lesson.py, execute and store it (`course notebooks`); check it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from pathlib import Path
from typing import Any, Literal

import jupytext
import nbformat
from nbformat import NotebookNode

from course_tools.author import minutes
from course_tools.run import online, report, run
from course_tools.run.lessons import Lesson
from course_utils.core import files
from course_utils.core.errors import CourseError
from course_utils.teach.minutes import Section
from course_utils.teach.minutes import read as read_minutes

PROFILE = "quick"
"""Stored outputs are those of a learner's laptop."""

LARGEST = 1_500_000
"""Bytes of a stored notebook: what a code host still shows."""

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}

COPIED = ("tags", "jupyter")
"""Metadata of a cell that are copied from the source to the notebook."""

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_TEXT = "(a widget: it is live when the notebook runs)"
PROGRESS_BAR = re.compile(r"\s*(.*?:\s*)?(\d+%\|.*\[.*\]|\d+\S* ?\[\d\d:\d\d.*\])\s*")

# A path of the machine the notebook was built on, or a package registry's host (none of which is named here in full).
MACHINE = re.compile(
    r"(?<![\w./:~-])(/(home|root|tmp|Users|work|mnt|opt|usr|var|srv|private)/[\w./-]+|[A-Z]:\\[\w\\.-]+)"
    r"|\b(pyp[i]|pythonhoste[d]|anacond[a]|npmj[s])\.(org|com|io)\b"
)
EMBEDDED = re.compile(r"base64,[A-Za-z0-9+/=\s]+")


# ------------------------------------------------------------------ source → notebook


def notebook(lesson: Lesson, form: Literal["learner", "teacher"] = "learner") -> NotebookNode:
    """Build the lesson's notebook, not executed, with the minutes that its last build measured: see `_bare`."""
    return minutes.shown(_bare(lesson, form), read_minutes(lesson.notebook))


def _bare(lesson: Lesson, form: Literal["learner", "teacher"] = "learner") -> NotebookNode:
    """Build the lesson's notebook, not executed, without minutes.

    Learners get `...  # your code here` in place of solutions.
    Cells tagged `exercise` and `check` carry nbgrader's metadata (version 3). Before the first code cell comes the one
    that sets Colab up, folded; folded, too, are cells whose source says `jupyter={"source_hidden": true}`. A cell's id
    comes from its source, so that rebuilding changes only what changed. Raises CourseError on a missing lesson.py or an
    unclosed solution.
    """
    source = lesson.folder / "lesson.py"
    if not source.is_file():
        raise CourseError(f"{lesson.slug} has no source; expected {source}")
    read = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent")
    cells, ids = [], set()
    counts = {"exercise": 0, "check": 0}
    for cell in read.cells:
        tags = list(cell.metadata.get("tags", []))
        metadata: dict[str, Any] = {key: cell.metadata[key] for key in COPIED if cell.metadata.get(key)}
        for kind in counts:
            if kind in tags:
                counts[kind] += 1
                metadata["nbgrader"] = _nbgrader(kind, f"{lesson.slug}-{kind}-{counts[kind]}")
        if "check" in tags:
            metadata["nbgrader"]["points"] = points(cell.source, "\n".join(before.source for before in cells))
        text = cell.source if form == "teacher" else without_solutions(cell.source, lesson.slug)
        new = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
        cells.append(new(text, id=_id(cell.cell_type + cell.source, ids), metadata=metadata))
    first = next((i for i, cell in enumerate(cells) if cell.cell_type == "code"), len(cells))
    setup = online.first_cell(lesson.root)
    folded = {"tags": ["setup"], "jupyter": {"source_hidden": True}}
    cells.insert(first, nbformat.v4.new_code_cell(setup, id=_id(setup, ids), metadata=folded))
    return nbformat.v4.new_notebook(cells=cells, metadata=METADATA)


def points(check: str, before: str) -> int:
    """Give nbgrader's points for a check cell: the difficulty (1 to 3) of its exercise, 1 where it checks none of ours.

    check: the cell's source, `NAME.check(…)`; before: the sources of the cells before it, where NAME is made.
    """
    exercise = minutes.exercise_of(check, before)
    return exercise.difficulty if exercise else 1


def without_solutions(source: str, where: str) -> str:
    """Replace each block from `### BEGIN SOLUTION` to `### END SOLUTION` by one line at its indentation.

    where: the lesson, for the CourseError that is raised on a marker without its partner.
    """
    lines, inside = [], False
    cell = f"{where}, cell {source.splitlines()[0]!r}" if source else where
    for line in source.splitlines():
        mark = line.strip()
        if mark in ("### BEGIN SOLUTION", "### END SOLUTION"):
            if inside == mark.startswith("### BEGIN"):
                raise CourseError(f"{cell}: `{mark}` without its partner")
            inside = not inside
            if inside:
                lines.append(line[: line.index("###")] + "...  # your code here")
        elif not inside:
            lines.append(line)
    if inside:
        raise CourseError(f"{cell}: `### BEGIN SOLUTION` is not closed")
    return "\n".join(lines)


def _nbgrader(kind: str, grade_id: str) -> dict[str, Any]:
    check = kind == "check"
    common = {"schema_version": 3, "grade_id": grade_id, "task": False}
    return {**common, "grade": check, "locked": check, "solution": not check}


def _id(text: str, taken: set[str]) -> str:
    """Give a cell an id: 12 hexadecimal digits of its text's hash; a text that is there already is numbered first."""
    salt = 0
    while (new := hashlib.sha256(f"{salt}{text}".encode()).hexdigest()[:12]) in taken:
        salt += 1
    taken.add(new)
    return new


# ------------------------------------------------------------------ executing and storing


def build(lesson: Lesson) -> bool:
    """Build, execute and store the lesson's notebook and its results; if it fails, print why and return False.

    What is stored is replaced only by a notebook that ran to its end and is fit to be stored.
    """
    folder = lesson.root / "build" / "notebooks"
    unexecuted = folder / "unexecuted" / f"{lesson.slug}.ipynb"
    files.write(unexecuted, nbformat.writes(_bare(lesson)))
    lesson.notebook.parent.mkdir(exist_ok=True)

    async def execute() -> run.Outcome:
        with run.Progress() as progress:
            return await run.execute(lesson, unexecuted, run.How(PROFILE, folder, "python3", {}), progress)

    with run.locked(lesson, folder):
        outcome = asyncio.run(execute())
    print(outcome.line)
    if outcome.error:
        return False
    executed = nbformat.read(folder / f"{lesson.slug}.ipynb", as_version=4)
    measured = minutes.measure(executed)
    nb = minutes.shown(normalise(executed), [Section(**section) for section in measured])
    nb.metadata["course"] = {
        "minutes": measured,
        "source_sha256": source_sha256(lesson),
        "content_sha256": content_sha256(nb),
        "profile": PROFILE,
        "data_source": report.data_source(outcome.results),
    }
    text = nbformat.writes(nb) + "\n"
    results = (folder / "results" / f"{lesson.slug}.json").read_text(encoding="utf-8")
    faults = _faults(nb, len(text.encode())) + [f"the results name {found}" for found in _machine(results)]
    if faults:
        print("\n".join(f"{lesson.slug}: not stored: {fault}" for fault in faults))
        return False
    if lesson.study:
        _store_results(json.loads(results), folder / "results", lesson.root / "results" / lesson.slug)
    write_teaching(lesson, measured)
    files.write(lesson.notebook, text)  # last: it is where `check` sees that a build did not come to its end
    return True


def _store_results(results: dict[str, Any], source: Path, target: Path) -> None:
    """Write results and main figure under the name of their profile, as they are committed."""
    if figure := results.get("figure"):
        files.write(target / f"{PROFILE}.png", (source / figure["file"]).read_bytes())
        figure["file"] = f"{PROFILE}.png"
    files.write(target / f"{PROFILE}.json", json.dumps(results, indent=1, ensure_ascii=False) + "\n")


def write_teaching(lesson: Lesson, measured: list[dict[str, Any]]) -> None:
    """Write the minutes into the lesson's TEACHING.md, where it has a place for them."""
    path = lesson.folder / "TEACHING.md"
    if path.is_file():
        files.write(path, minutes.filled(path.read_text(encoding="utf-8"), [Section(**one) for one in measured]))


def normalise(nb: NotebookNode) -> NotebookNode:
    """Copy a notebook without what changes from run to run: times, versions, live widgets, progress bars, papermill's
    marks. Sources, outputs, counts and ids stay. Normalising twice changes nothing."""
    nb = nbformat.from_dict(json.loads(json.dumps(nb)))
    nb.metadata = nbformat.from_dict({**METADATA, **{k: v for k, v in nb.metadata.items() if k == "course"}})
    nb.cells = [cell for cell in nb.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    for cell in nb.cells:
        for key in ("papermill", "execution", "ExecuteTime", "collapsed", "scrolled"):
            cell.metadata.pop(key, None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
        if cell.cell_type == "code":
            cell.outputs = [output for output in map(_normal, cell.outputs) if output]
    return nb


def _normal(output: NotebookNode) -> NotebookNode | None:
    """Take progress bars and live widget views out of an output; None where nothing is left."""
    if output.output_type == "stream" and output.name == "stderr":
        lines = re.split(r"(?<=[\r\n])", output.text)
        output.text = "".join(line for line in lines if line.strip() and not PROGRESS_BAR.fullmatch(line))
        return output if output.text else None
    if "data" in output:
        if "image/png" in output.data:
            output.data.pop("text/html", None)  # the same picture for live notebooks, which some hosts would not show
        text = output.data.get("text/plain", "")
        if output.data.pop(WIDGET_VIEW, None) is not None:
            if PROGRESS_BAR.fullmatch(text):
                return None
            output.data["text/plain"] = WIDGET_TEXT
        output.metadata.pop(WIDGET_VIEW, None)
    return output


def source_sha256(lesson: Lesson) -> str:
    """Hash lesson.py, settings.toml, paper.toml and quiz.toml, those there are, whatever their line ends."""
    h = hashlib.sha256()
    for name in ("lesson.py", "settings.toml", "paper.toml", "quiz.toml"):
        if (path := lesson.folder / name).is_file():
            h.update(f"{name}\0{path.read_text(encoding='utf-8')}\0".encode())
    return h.hexdigest()


def content_sha256(nb: NotebookNode) -> str:
    """Hash every cell as it is stored: source, metadata, outputs and count."""
    return hashlib.sha256(json.dumps(nb.cells, sort_keys=True).encode()).hexdigest()


# ------------------------------------------------------------------ checking


def check(lesson: Lesson) -> list[str]:
    """List what is wrong with the stored notebook; nothing if it is what its source builds, executed in order."""
    if not lesson.notebook.is_file():
        return ["it has no stored notebook; build it with: course notebooks"]
    try:
        stored = nbformat.read(lesson.notebook, as_version=4)
    except Exception as error:
        return [f"the stored notebook cannot be read ({type(error).__name__}); rebuild it with: course notebooks"]
    marks, faults = stored.metadata.get("course", {}), []
    if marks.get("source_sha256") != source_sha256(lesson):
        faults.append(f"its source is newer than its notebook; rebuild it with: course notebooks {lesson.slug}")
    faults += _differences(stored, notebook(lesson))
    notes = lesson.folder / "TEACHING.md"
    text = notes.read_text(encoding="utf-8") if notes.is_file() else ""
    if text != minutes.filled(text, read_minutes(lesson.notebook)):
        faults.append(f"the minutes in its TEACHING.md are out of date; rebuild with: course notebooks {lesson.slug}")
    if marks.get("content_sha256") != content_sha256(stored):
        faults.append("the stored notebook was edited by hand; edit lesson.py and rebuild")
    return faults + _faults(stored, lesson.notebook.stat().st_size)


def _differences(stored: NotebookNode, built: NotebookNode) -> list[str]:
    if len(stored.cells) != len(built.cells):
        return [f"it has {len(stored.cells)} cells, its source builds {len(built.cells)}"]
    return [
        f"cell {position} (id {old.id}) is not what its source builds"
        for position, (old, new) in enumerate(zip(stored.cells, built.cells, strict=True), 1)
        if (old.cell_type, old.id, old.source, old.metadata) != (new.cell_type, new.id, new.source, new.metadata)
    ]


def _faults(nb: NotebookNode, size: int) -> list[str]:
    """List what makes an executed notebook unfit to be stored, whatever its source."""
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    faults = []
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        faults.append("its code cells were not executed in order, each once")
    contracts = [cell for cell in code if "nbval-check-output" in cell.metadata.get("tags", [])]
    if not contracts:
        faults.append("it has no contract cell (tag nbval-check-output)")
    for cell in contracts:
        if cell.execution_count is None or not cell.outputs:
            faults.append(f"contract cell {cell.id} was not executed, or shows nothing: nbval would pass it unseen")
    for cell in code:
        if any(output.output_type == "error" for output in cell.outputs):
            faults.append(f"cell {cell.id} shows an error")
    for cell in nb.cells:
        texts = [cell.source, *(text for output in cell.get("outputs", []) for text in _texts(output))]
        faults += [
            f"cell {cell.id} names {found}, which is of this machine" for text in texts for found in _machine(text)
        ]
    if size > LARGEST:
        faults.append(f"it has {size:,} bytes, {LARGEST:,} are allowed; make its figures smaller")
    return faults


def _texts(output: NotebookNode) -> list[str]:
    data = [str(value) for mime, value in output.get("data", {}).items() if mime != "image/png"]
    return [output.get("text", ""), "\n".join(output.get("traceback", [])), *data]


def _machine(text: str) -> list[str]:
    """Find the machine paths and registry hosts in a text, each once; embedded pictures are not searched."""
    return list(dict.fromkeys(match[0] for match in MACHINE.finditer(EMBEDDED.sub("", text))))
