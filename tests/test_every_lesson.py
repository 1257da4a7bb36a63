"""Each lesson, stored, unsolved and solved: it runs in smoke, and states no number that it has not computed.

The start notebook is one of them; what rests on data or results is asked of the studies only. A study without a paper
has no paper.toml.
"""

import asyncio
import json
import re

import nbformat
import pytest

from course_tools.author import build, prose, readme, tables
from course_tools.author.ledger import load
from course_tools.run import failure, run
from course_tools.run.lessons import find
from course_utils.core import files
from course_utils.core.profiles import PROFILES, ROOT, SUBSTITUTES
from course_utils.teach import course_map
from course_utils.teach.widgets import quiz

LESSONS = find()
LIMIT_S = 420  # seconds; 30 are usual
STUDIES = [lesson for lesson in LESSONS if lesson.study]
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.slug)
each_study = pytest.mark.parametrize("lesson", STUDIES, ids=lambda lesson: lesson.slug)


def execute(lesson, form, kernel, folder, change=lambda source: source):
    """Runs a form of the lesson in smoke; returns its outcome and, with a kernel, the executed notebook.

    change: of the cells' sources. A kernel that does not come to its end, as one in some thousands has done, is tried
    once more.
    """
    path = folder / "unexecuted" / f"{lesson.slug}.ipynb"
    notebook = build.notebook(lesson, form)
    for cell in notebook.cells:
        cell.source = change(cell.source)
    files.write(path, nbformat.writes(notebook))

    async def go():
        with run.Progress() as progress:
            return await run.execute(lesson, path, run.How("smoke", folder, kernel, {}, timeout=LIMIT_S), progress)

    outcome = asyncio.run(go())
    if outcome.kind == failure.TIME:
        outcome = asyncio.run(go())
    assert outcome.error is None, outcome.error
    return outcome, kernel == "none" or nbformat.read(folder / f"{lesson.slug}.ipynb", as_version=4)


def texts(notebook):
    return [
        output.get("data", {}).get("text/markdown", "") + output.get("text", "")
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]


def test_there_are_lessons_and_one_to_start_with():
    assert STUDIES and [lesson.slug for lesson in LESSONS if not lesson.study] == ["00_start_here"]


# ------------------------------------------------------------------ as it is stored


@each_lesson
def test_the_stored_notebook_is_in_order_and_rests_on_no_stand_ins(lesson):
    assert build.check(lesson) == []
    stored = nbformat.read(lesson.notebook, as_version=4)
    assert stored.metadata.course.profile == "quick"
    assert (stored.metadata.course.data_source == "none") != lesson.study
    assert stored.metadata.course.data_source not in SUBSTITUTES
    assert "Correct." not in "\n".join(texts(stored))
    outputs = [output for cell in stored.cells for output in cell.get("outputs", [])]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert pictures and all(picture.metadata["image/png"]["alt"].strip() for picture in pictures)


@each_study
def test_the_stored_results_are_whole(lesson):
    results = json.loads((ROOT / "results" / lesson.slug / "quick.json").read_text("utf-8"))
    assert results["data"]["source"] not in SUBSTITUTES and results["commit"] and len(results["seeds"]) >= 5
    assert len(set(results["updates"].values())) == 1, "arms get equal updates"
    assert {results["baseline"], results["classic"]} < set(results["arms"])
    assert any(arm.startswith("placebo") for arm in results["arms"])
    for metrics in results["arms"].values():
        for by_test in metrics.values():
            for cell in by_test.values():
                assert len(cell["values"]) == len(results["seeds"])
                assert cell["ci95"][0] <= cell["mean"] <= cell["ci95"][1]


def test_readme_and_the_stored_map_say_what_the_results_say():
    assert readme.check() == []
    stored = nbformat.read(next(lesson for lesson in LESSONS if not lesson.study).notebook, as_version=4)
    assert course_map.table(folder="") in texts(stored), "results are newer; renew it with: course notebooks 0"


# ------------------------------------------------------------------ as it runs


@pytest.mark.reliability("determinism")
@pytest.mark.notebook
@each_lesson
def test_solved_every_exercise_is_correct_and_unsolved_without_jupyter_it_gives_the_same_numbers(lesson, tmp_path):
    solved, executed = execute(lesson, "teacher", "python3", tmp_path / "solved")
    said = "\n".join(texts(executed))
    exercises = sum("check" in cell.metadata.get("tags", []) for cell in executed.cells)
    assert exercises >= 2 and said.count("Correct.") == exercises and "Not attempted" not in said
    if lesson.study:
        assert solved.results["data"]["source"] in SUBSTITUTES and ("STAND-IN" in said or "A SAMPLE" in said)
    unsolved, _ = execute(lesson, "learner", "none", tmp_path / "unsolved")
    for key in ("arms", "differences", "updates", "seeds", "verdict", "data"):
        assert solved.results[key] == unsolved.results[key], key


STOPPED = """

watched = watch

async def watch(training, **shown):
    return await watched([next(iter(training))], **shown)
"""


def stopped(source):
    """The source of a cell; where it imports `watch`, each training ends at its first report."""
    return source + STOPPED if "widgets.live import" in source else source


@pytest.mark.notebook
@pytest.mark.parametrize(
    "lesson", [lesson for lesson in STUDIES if "await watch(" in (lesson.folder / "lesson.py").read_text("utf-8")]
)
def test_it_goes_on_after_a_training_that_was_stopped_at_its_first_report(lesson, tmp_path):
    outcome, _ = execute(lesson, "learner", "none", tmp_path, stopped)
    assert len(outcome.results["arms"]) > 1


# ------------------------------------------------------------------ what stands beside its source


@each_lesson
def test_no_number_in_its_prose_is_typed_by_hand(lesson):
    for cell in build.notebook(lesson).cells:
        if cell.cell_type == "markdown":
            text = prose.GENERATED.sub("", cell.source).replace("95 %", "")
            typed = re.findall(r"\d+[.,]\d+|\d+ ?(?:%|points|minutes)", text)
            assert not typed, f"{typed} in: {cell.source[:80]}"


@each_lesson
def test_its_tables_and_its_quiz_are_well_formed(lesson):
    assert set(tables.read(lesson.folder / "settings.toml")) == set(PROFILES)
    assert (lesson.folder / "full.py").exists() == (lesson.folder / "full.toml").exists()
    questions = quiz.load(lesson.folder / "quiz.toml")
    assert len(questions) >= 3
    for question in questions:
        for wrong in question.wrong:
            assert wrong.hi < question.right.lo or wrong.lo > question.right.hi, question.key
    places = [[option.right for option in q.options].index(True) for q in questions if q.options]
    assert len(set(places)) >= min(2, len(places)), "the right answer must not always stand in the same place"


@each_study
def test_the_paper_s_numbers_are_joined_with_ours_and_the_teacher_has_notes(lesson):
    ledger = load(lesson)
    assert ledger.faults() + prose.faults(ledger) == []
    numbers = tables.read(lesson.folder / "paper.toml").get("number", [])
    assert len(ledger.paper) == len(numbers), "a key stands for two numbers"
    assert (lesson.folder / "TEACHING.md").is_file()
