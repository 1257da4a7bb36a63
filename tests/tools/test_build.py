import json
import shutil

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from small_course import TINY, add

from course_tools.author import build
from course_tools.run import online
from course_tools.run.lessons import Lesson
from course_utils.core.errors import CourseError

# ------------------------------------------------------------------ source → notebook


def test_learners_get_a_stub_that_runs_and_teachers_the_solution(course):
    lesson = Lesson("01_tiny", course)
    learner, teacher = (build.notebook(lesson, form) for form in ("learner", "teacher"))
    assert learner.cells[4].source == "def mean(values):\n    ...  # your code here"
    assert "### BEGIN SOLUTION\n    total = sum(values)" in teacher.cells[4].source
    assert [cell.id for cell in learner.cells] == [cell.id for cell in teacher.cells]


def test_every_block_is_stripped_at_its_own_indentation():
    block = "### BEGIN SOLUTION\n{}secret\n{}### END SOLUTION\n"
    source = block.format("", "") + "if a:\n        " + block.format(" " * 8, " " * 8) + "c"
    assert build.without_solutions(source, "x") == "...  # your code here\nif a:\n        ...  # your code here\nc"


@pytest.mark.parametrize(
    "source",
    [
        "a\n### BEGIN SOLUTION\nb",
        "a\n### END SOLUTION",
        "### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION",
        "### BEGIN SOLUTION\n### END SOLUTION\n### END SOLUTION",
    ],
)
def test_a_marker_without_its_partner_is_refused(source):
    with pytest.raises(CourseError, match=r"01_tiny, cell '.*SOLUTION`"):
        build.without_solutions(source, "01_tiny")


def test_exercise_and_check_cells_carry_nbgraders_metadata(course):
    marks = [cell.metadata.get("nbgrader") for cell in build.notebook(Lesson("01_tiny", course)).cells]
    exercise, check = [mark for mark in marks if mark]
    assert exercise["solution"] and not exercise["locked"] and exercise["grade_id"] == "01_tiny-exercise-1"
    assert check["locked"] and check["points"] == 1 and check["grade_id"] == "01_tiny-check-1"


def test_the_points_of_a_check_are_the_difficulty_of_its_exercise():
    before = "from course_utils.teach.exercises import lesson_02 as ex\n"
    before += "hard = ex.ClassGaussian()\neasy = ex.AccuracyAndRecall()"
    assert build.points("hard.check(mine)", before) == 3
    assert build.points("easy.check(\n    mine\n)", before) == 1
    assert build.points("mean([1, 2, 3])", before) == build.points("other.check(mine)", before) == 1


def test_the_first_code_cell_sets_colab_up_and_cells_are_folded_where_the_source_says_so(course):
    source = course / "lessons" / "01_tiny" / "lesson.py"
    source.write_text(source.read_text() + '\n# %% jupyter={"source_hidden": true}\nprint("a long figure")\n')
    title, setup, parameters, *_, last = build.notebook(Lesson("01_tiny", course)).cells
    assert title.cell_type == "markdown" and parameters.metadata.tags == ["parameters"]
    assert setup.source == online.first_cell(course)
    assert setup.metadata == {"tags": ["setup"], "jupyter": {"source_hidden": True}}
    assert last.metadata == {"jupyter": {"source_hidden": True}}


def test_ids_are_those_of_the_last_build_and_change_only_with_their_cell(course):
    before = [cell.id for cell in build.notebook(Lesson("01_tiny", course)).cells]
    assert before == [cell.id for cell in build.notebook(Lesson("01_tiny", course)).cells]
    source = course / "lessons" / "01_tiny" / "lesson.py"
    source.write_text(TINY.replace("# %%\nimport asyncio", "# %%\nnew = 1\n\n# %%\nnew = 1\n\n# %%\nimport asyncio"))
    after = [cell.id for cell in build.notebook(Lesson("01_tiny", course)).cells]
    assert len(set(after)) == len(before) + 2
    assert [id for id in after if id in before] == before


def test_a_lesson_without_source_or_contract_cell_says_so(course):
    with pytest.raises(CourseError, match="09_none has no source"):
        build.notebook(Lesson("09_none", course))
    assert any("contract cell" in fault for fault in build.check(add(course, "03_bare", "# %%\n1\n")))


# ------------------------------------------------------------------ executing and storing


def test_what_is_built_is_in_order_and_its_results_are_kept(built):
    assert build.check(built) == []
    nb = nbformat.read(built.notebook, as_version=4)
    nbformat.validate(nb)
    assert (nb.metadata.course.profile, nb.metadata.course.data_source) == ("quick", "auto")
    assert json.loads((built.root / "results" / "01_tiny" / "quick.json").read_text())["profile"] == "quick"
    source = built.folder / "lesson.py"
    source.write_bytes(source.read_bytes().replace(b"\n", b"\r\n"))
    assert build.check(built) == [], "line ends are no change"


@pytest.fixture
def executed(monkeypatch):
    """Makes `build` take what the first build left, in place of executing; or fail with an error."""

    def use(error=None):
        async def execute(*_):
            return build.run.Outcome("01_tiny", 1.0, None if error else {}, error)

        monkeypatch.setattr(build.run, "execute", execute)

    return use


def test_of_the_start_notebook_no_results_are_kept(built, executed, monkeypatch):
    shutil.rmtree(built.root / "results")
    monkeypatch.setattr(Lesson, "study", False)
    executed()
    assert build.build(built) and not (built.root / "results").exists()


@pytest.mark.parametrize("error", ["ValueError: no", None])
def test_a_lesson_that_fails_or_is_too_large_leaves_the_stored_notebook_alone(built, executed, monkeypatch, error):
    executed(error)
    monkeypatch.setattr(build, "LARGEST", 1000)
    before = built.notebook.read_bytes()
    assert not build.build(built)
    assert built.notebook.read_bytes() == before


def noisy():
    widget = {build.WIDGET_VIEW: {"model_id": "1"}, "text/plain": "VBox(children=(IntSlider(value=0),))"}
    bar = {build.WIDGET_VIEW: {"model_id": "2"}, "text/plain": "train:   0%|          | 0/100 [00:00<?, ?it/s]"}
    bars = "\r 10%|█         | 1/10 [00:00<00:03,  2.7it/s]\r100%|██| 10/10 [00:03<00:00]\n"
    outputs = [
        new_output("stream", name="stdout", text="50%|of all images| are [kept]\n"),
        new_output("stream", name="stderr", text=bars),
        new_output("stream", name="stderr", text="a warning\n3it [00:01,  2.9it/s]\n"),
        new_output("display_data", data=widget),
        new_output("display_data", data=bar),
        new_output("display_data", data={"image/png": "aGk=", "text/plain": "<Figure>"}),
    ]
    cell = new_code_cell("x", execution_count=1, outputs=outputs, metadata={"tags": [], "papermill": {"duration": 1}})
    cell.metadata["execution"] = {"iopub.execute_input": "2026"}
    injected = new_code_cell("PROFILE = 'quick'", metadata={"tags": ["injected-parameters"]})
    metadata = {"widgets": {"a": 1}, "papermill": {}, "language_info": {"name": "python", "version": "3.11.7"}}
    return new_notebook(cells=[cell, injected], metadata=metadata)


def test_normalising_keeps_what_is_read_and_drops_what_changes():
    raw = noisy()
    nb = build.normalise(raw)
    assert nb.metadata == build.METADATA
    (cell,) = nb.cells
    assert cell.metadata == {} and cell.execution_count == 1
    shown = [output.get("text") or dict(output.data) for output in cell.outputs]
    assert shown == [
        "50%|of all images| are [kept]\n",
        "a warning\n",
        {"text/plain": build.WIDGET_TEXT},
        {"image/png": "aGk=", "text/plain": "<Figure>"},
    ]
    assert raw.cells[0].outputs == noisy().cells[0].outputs, "the argument is left alone"
    assert build.normalise(nb) == nb


# ------------------------------------------------------------------ checking


def tamper(lesson, change, restamp=False):
    """Changes the stored notebook; `restamp` also mends its content hash, as a careful forger would."""
    nb = nbformat.read(lesson.notebook, as_version=4)
    change(nb)
    if restamp:
        nb.metadata["course"]["content_sha256"] = build.content_sha256(nb)
    nbformat.write(nb, lesson.notebook)
    return build.check(lesson)


def code(nb):
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def swap(nb):
    code(nb)[0].execution_count, code(nb)[1].execution_count = 2, 1


def shows(output):
    return lambda nb: code(nb)[2].outputs.append(output)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda nb: nb.cells[0].update(source="# Another title"), "not what its source builds"),
        (lambda nb: code(nb)[3].metadata.update(tags=["more"]), "not what its source builds"),
        (lambda nb: nb.cells.append(nbformat.v4.new_markdown_cell("more")), "has 11 cells, its source builds 10"),
        (swap, "not executed in order"),
        (lambda nb: code(nb)[-1].update(outputs=[]), "contract cell"),  # nbval would pass it unseen
        (shows(new_output("error", ename="ValueError", evalue="no", traceback=["no"])), "shows an error"),
        (shows(new_output("display_data", data={"image/png": "A" * build.LARGEST})), "are allowed"),
    ],
)
def test_a_changed_notebook_is_found_even_if_its_hash_was_mended(built, change, says):
    (fault,) = tamper(built, change, restamp=True)
    assert says in fault


def test_an_edited_output_is_found(built):
    faults = tamper(built, lambda nb: code(nb)[-1].outputs[0].data.update({"text/plain": "'A gain.'"}))
    assert len(faults) == 1 and "edited by hand" in faults[0]


@pytest.mark.parametrize("name", ["lesson.py", "paper.toml", "quiz.toml"])
def test_a_newer_source_is_found(built, name):
    with open(built.folder / name, "a") as file:
        file.write("# more\n")
    assert any("source is newer" in fault for fault in build.check(built))


HOST = ".".join(["pypi", "org"])


@pytest.mark.parametrize("text", ["saved /home/me/x.png", "'/tmp/a'", "C:\\Users\\me", f"https://{HOST}/simple"])
def test_what_names_the_machine_is_found(built, text):
    faults = tamper(built, shows(new_output("stream", name="stdout", text=text)), restamp=True)
    assert len(faults) == 1 and "is of this machine" in faults[0]


@pytest.mark.parametrize(
    "text", ["and/or", "results/home/x", "https://example.org/home/me", "build/tmp/x", "a / b", "base64,/tmp/AAAA+/"]
)
def test_what_names_no_machine_is_left_alone(built, text):
    output = new_output("display_data", data={"text/html": text, "image/png": "/tmp/abcd"})
    assert tamper(built, shows(output), restamp=True) == []


def test_a_missing_or_damaged_notebook_is_found(built):
    built.notebook.write_text("{")
    assert "cannot be read" in build.check(built)[0]
    built.notebook.unlink()
    assert "no stored notebook" in build.check(built)[0]
