"""The progress panel: its counts, its exports, and how hard it is to lose anything."""

import json

import pytest

from course_tools.run.lessons import find
from course_utils.teach import progress
from course_utils.teach.widgets import panel

LESSON = "01_kannada_gan"


def parts(form):
    """(table, buttons by name, the confirmation's row, what was said, error)."""
    table, row, sure, said, error = form.children
    buttons = {button.description: button for button in (*row.children, *sure.children[1:])}
    return table, buttons, sure, said, error


@pytest.fixture
def beside(monkeypatch, tmp_path):
    """The folder of the notebook."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_it_counts_what_is_done_of_what_is_asked():
    asked = progress.asked(LESSON)
    for kind, entry in (
        ("predictions", {"answer": 1}),
        ("exercises", {"outcome": "correct"}),
        ("quiz", {"right": True}),
    ):
        progress.record(LESSON, kind, asked[kind][0], entry)
    row = panel.counts([LESSON]).loc[LESSON]
    assert [row[kind] for kind in ("predictions", "exercises", "quiz")] == [
        f"1 of {len(asked[kind])}" for kind in ("predictions", "exercises", "quiz")
    ]
    assert row["games"] == "–"


@pytest.mark.parametrize("lesson", find(), ids=lambda lesson: lesson.slug)
def test_every_lesson_s_source_is_read_in_full(lesson):
    source = (lesson.folder / "lesson.py").read_text("utf-8")
    asked = progress.asked(lesson.slug)
    assert len(asked["exercises"]) == len(set(asked["exercises"])) == source.count('tags=["check"]')
    assert len(asked["predictions"]) == source.count("\npredict(") and len(asked["games"]) == source.count(
        "real_or_fake("
    )
    assert bool(asked["quiz"]) == ("quiz(lesson.slug)" in source)


def test_headless_it_is_a_table(capsys, monkeypatch):
    panel.progress_panel([LESSON])
    said = capsys.readouterr().out
    assert said.startswith(panel.CAPTION) and f"0 of {len(progress.asked(LESSON)['quiz'])}" in said


def test_it_counts_again_and_names_what_is_open():
    table, buttons, _, _, _ = parts(panel.panel_form([LESSON]))
    before = table.value
    assert "DiscriminatorLoss" in before
    progress.record(LESSON, "exercises", "DiscriminatorLoss", {"outcome": "correct"})
    assert table.value == before
    buttons["Count again"].click()
    assert "DiscriminatorLoss" not in table.value and "GeneratorLoss" in table.value and "1 of 5" in table.value


@pytest.mark.parametrize("kind", ["JSON", "CSV"])
def test_an_export_lies_beside_the_notebook(beside, kind):
    progress.record(LESSON, "quiz", "support", {"right": True})
    _, buttons, _, said, error = parts(panel.panel_form([LESSON]))
    buttons[f"Export as {kind}"].click()
    (written,) = beside.iterdir()
    assert written.name in said.value and error.value == "" and written.suffix == f".{kind.lower()}"
    assert "support" in written.read_text()


def test_nothing_is_taken_out_without_a_second_click(course_home):
    progress.record(LESSON, "quiz", "support", {"right": True})
    table, buttons, sure, said, _ = parts(panel.panel_form([LESSON]))
    assert sure.layout.display == "none"
    buttons["Start anew …"].click()
    assert sure.layout.display == "flex" and progress.read()
    buttons["No, keep them"].click()
    assert sure.layout.display == "none" and progress.read() and "1 of 6" in table.value
    buttons["Start anew …"].click()
    buttons["Yes, start anew"].click()
    assert progress.read() == {} and sure.layout.display == "none" and "0 of 6" in table.value
    (aside,) = course_home.glob("progress.until-*.json")
    assert aside.name in said.value and json.loads(aside.read_text())[LESSON]["quiz"]["support"]["right"]
    buttons["Yes, start anew"].click()
    assert "Nothing is recorded now." in said.value and len(list(course_home.glob("progress.until-*"))) == 1
