"""Each lesson, stored, unsolved and solved: it runs in smoke, and states no number that it has not computed.

The start notebook is one of them; what rests on data, a paper or its results is asked of the studies only.
"""

import asyncio
import json
import re
import tomllib

import nbformat
import pytest

from course_tools.author import build, readme
from course_tools.run import run
from course_tools.run.lessons import find
from course_utils.core import files
from course_utils.core.profiles import PROFILES, ROOT
from course_utils.teach.widgets import quiz

LESSONS = find()
STUDIES = [lesson for lesson in LESSONS if lesson.study]
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.slug)
each_study = pytest.mark.parametrize("lesson", STUDIES, ids=lambda lesson: lesson.slug)


def execute(lesson, form, kernel, folder):
    """Runs a form of the lesson in smoke; returns its outcome and, with a kernel, the executed notebook."""
    path = folder / "unexecuted" / f"{lesson.slug}.ipynb"
    files.write(path, nbformat.writes(build.notebook(lesson, form)))

    async def go():
        with run.Progress() as progress:
            return await run.execute(lesson, path, "smoke", folder, kernel, {}, progress)

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


@each_lesson
def test_the_stored_notebook_is_in_order_and_rests_on_no_stand_ins(lesson):
    assert build.check(lesson) == []
    marks = nbformat.read(lesson.notebook, as_version=4).metadata.course
    assert marks.profile == "cpu"
    assert marks.data_source not in ("standin", "none") if lesson.study else marks.data_source == "none"


@each_lesson
def test_every_stored_figure_has_an_alternative_text(lesson):
    outputs = [o for cell in nbformat.read(lesson.notebook, as_version=4).cells for o in cell.get("outputs", [])]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) >= 5
    assert all(picture.metadata["image/png"]["alt"].strip() for picture in pictures)


@each_lesson
def test_no_number_in_the_prose_is_typed_by_hand(lesson):
    prose = [cell.source for cell in build.notebook(lesson).cells if cell.cell_type == "markdown"]
    for text in prose:
        typed = re.findall(r"\d+[.,]\d+|\d+ ?(?:%|points|minutes)", text.replace("95 %", ""))
        assert not typed, f"{typed} in: {text[:80]}"


@pytest.mark.notebook
@each_lesson
def test_solved_it_runs_with_every_exercise_correct(lesson, tmp_path):
    outcome, executed = execute(lesson, "teacher", "python3", tmp_path)
    said = "\n".join(texts(executed))
    exercises = sum("check" in cell.metadata.get("tags", []) for cell in executed.cells)
    assert exercises >= (3 if lesson.study else 2) and said.count("Correct.") == exercises
    assert "Not attempted" not in said
    if lesson.study:
        assert outcome.results["data"]["source"] == "standin" and "STAND-IN" in said


@pytest.mark.reliability("determinism")
@pytest.mark.notebook
@each_lesson
def test_unsolved_it_runs_too_and_gives_the_same_numbers_without_jupyter(lesson, tmp_path):
    with_jupyter, executed = execute(lesson, "learner", "python3", tmp_path / "jupyter")
    assert "Correct." not in "\n".join(texts(executed))
    without, _ = execute(lesson, "learner", "none", tmp_path / "plain")
    for key in ("arms", "differences", "updates", "seeds", "verdict", "data"):
        assert with_jupyter.results[key] == without.results[key], key


@each_study
def test_the_committed_results_are_whole(lesson):
    results = json.loads((ROOT / "results" / lesson.slug / "cpu.json").read_text("utf-8"))
    assert results["data"]["source"] != "standin" and results["commit"] and len(results["seeds"]) >= 5
    assert len(set(results["updates"].values())) == 1, "arms get equal updates"
    assert {results["baseline"], results["classic"]} < set(results["arms"])
    assert any(arm.startswith("placebo") for arm in results["arms"])
    for metrics in results["arms"].values():
        for by_test in metrics.values():
            for cell in by_test.values():
                assert len(cell["values"]) == len(results["seeds"])
                assert cell["ci95"][0] <= cell["mean"] <= cell["ci95"][1]


@each_lesson
def test_what_stands_beside_the_source_is_well_formed(lesson):
    settings = tomllib.loads((lesson.folder / "settings.toml").read_text("utf-8"))
    assert set(settings) == set(PROFILES)
    assert len(quiz.load(lesson.folder / "quiz.toml")) >= (5 if lesson.study else 3)


@each_lesson
def test_a_quiz_gives_nothing_away(lesson):
    questions = quiz.load(lesson.folder / "quiz.toml")
    for question in questions:
        for wrong in question.wrong:
            assert wrong.hi < question.right.lo or wrong.lo > question.right.hi, question.key
    places = [[option.right for option in q.options].index(True) for q in questions if q.options]
    assert len(set(places)) >= min(3, len(places))  # the right choice stands anywhere


@each_study
def test_a_study_has_the_paper_s_numbers_and_notes_for_teachers(lesson):
    numbers = tomllib.loads((lesson.folder / "paper.toml").read_text("utf-8"))["number"]
    assert len({number["key"] for number in numbers}) == len(numbers)
    assert all(number["where"] and number["means"] for number in numbers)
    teaching = (lesson.folder / "TEACHING.md").read_text("utf-8")
    assert all(word in teaching for word in ("90 minutes", "120 minutes", "Misconceptions", "Discussion", "Exam"))


def test_the_start_notebook_s_map_says_what_the_results_say():
    stored = nbformat.read(next(lesson for lesson in LESSONS if not lesson.study).notebook, as_version=4)
    assert readme.table(folder="") in texts(stored), "results are newer; renew it with: course notebooks 0"


def test_the_readme_says_what_the_results_say():
    assert readme.check() == []
