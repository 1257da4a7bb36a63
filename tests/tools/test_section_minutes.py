"""The minutes of a learner: counted by section, told in the notebook and in TEACHING.md."""

import json

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_tools.author import minutes
from course_utils.core.errors import CourseError
from course_utils.teach.minutes import Section, read

EXERCISE = "from course_utils.teach.exercises import lesson_02 as ex\nfirst = ex.AccuracyAndRecall()"


def words(n):
    return " ".join(["word"] * n)


def code(source, seconds=0.0, hidden=False, outputs=(), tags=()):
    metadata = {"papermill": {"duration": seconds}, "jupyter": {"source_hidden": hidden}, "tags": list(tags)}
    return new_code_cell(source, metadata=metadata, outputs=list(outputs))


def output(**data):
    return new_output("display_data", {f"{kind.replace('_', '/')}": text for kind, text in data.items()})


def measured(*cells):
    return {section["title"]: Section(**section) for section in minutes.measure(new_notebook(cells=list(cells)))}


def test_each_section_has_its_words_lines_exercises_and_waiting():
    found = measured(
        new_markdown_cell(f"# Title\n\n{words(198)}"),
        code(EXERCISE, 60),
        new_markdown_cell(f"{words(200)}\n\n## 2 · Second\n\n{words(397)}"),
        code("first.check(1)", 30, tags=["check"]),
        code("\n".join(["line"] * 12 + [""] * 5), 90),
        code("\n".join(["plot"] * 100), hidden=True),
    )
    assert found["Opening"] == Section("Opening", reading=2, code=0.17, waiting=1, longest=1)
    second = found["2 · Second"]
    assert (second.reading, second.code, second.exercises) == (2, 1.08, 5)
    assert (second.waiting, second.longest) == (2, 1.5) and second.total == pytest.approx(10.08)


def test_what_outputs_say_is_read_and_pictures_are_not():
    table = f"<table><tr><td>{words(100)}</td></tr></table>"
    source = "```python\n" + "\n".join(["line"] * 24) + "\n```\n" + words(100)
    picture = output(image_png=words(999), text_html=words(999), text_plain=words(999))
    outputs = [picture, output(text_html=table, text_plain=words(999)), output(text_markdown=source)]
    found = measured(new_markdown_cell("## 1 · a"), code("", outputs=outputs))["1 · a"]
    assert (found.reading, found.code) == (pytest.approx(1.02, abs=0.01), 2)


def test_a_heading_marks_its_section_or_a_part_of_one_as_deeper():
    text = "## 1 · a\n\n### b · deeper\n\n### c\n\n## 2 · d · deeper\n\n### e\n\n## 3 · f\n\n### g"
    found = measured(new_markdown_cell(text))
    assert {title: section.deeper for title, section in found.items()} == {
        "Opening": False,
        "1 · a": False,
        "1 · a / b": True,
        "1 · a / c": False,
        "2 · d": True,
        "3 · f": False,
    }


def test_the_core_path_only_waits_for_what_is_deeper():
    assert Section("a", True, reading=3, exercises=5, waiting=2).core == 2
    assert Section("a", False, reading=3, exercises=5, waiting=2).core == 10


SECTIONS = [Section("Opening", reading=1.4), Section("1 · a", exercises=40), Section("2 · b", True, 41, waiting=2)]


def test_the_notebook_tells_them_below_its_title_and_headings():
    nb = new_notebook(cells=[new_markdown_cell("# T"), new_markdown_cell("## 1 · a\ntext\n## 2 · b · deeper")])
    title, rest = (cell.source for cell in minutes.shown(nb, SECTIONS).cells)
    assert "About 84 minutes: reading 42, exercises 40" in title and "takes 43 minutes" in title
    assert rest.index("*40 minutes*") < rest.index("text") < rest.index("## 2 · b") < rest.index("*43 minutes, ")
    assert title.count(minutes.MARKS[0]) == 1 and rest.count(minutes.MARKS[0]) == 2


def test_sittings_hold_what_fits_beside_start_break_and_wrap_up():
    text = minutes.teaching(SECTIONS)
    core, everything = text.split("Everything, ")
    assert "| 1 | Opening to 2: 43; start-up 5, break 10, wrap-up 5 | 63 |" in core
    assert "| 1 | Opening to 1: 41; start-up 5, break 10, wrap-up 5 | 61 |" in everything
    assert "| 2 | 2: 43; start-up 5, break 10, wrap-up 5 | 63 |" in everything


def test_teaching_notes_are_filled_between_the_marks_only():
    notes = f"a\n{minutes.MARKS[0]}\nold\n{minutes.MARKS[1]}\nb\n"
    filled = minutes.filled(notes, SECTIONS)
    assert filled.startswith("a\n") and filled.endswith("\nb\n") and "old" not in filled and "2 · b (deeper)" in filled
    assert minutes.filled(filled, SECTIONS) == filled
    assert minutes.filled("no place\n", SECTIONS) == "no place\n"


def test_they_are_read_from_the_stored_notebook(tmp_path):
    path = tmp_path / "a.ipynb"
    assert read(path) == []
    path.write_text(json.dumps({"metadata": {"course": {"minutes": [{"title": "a", "reading": 2.5}]}}}))
    assert read(path) == [Section("a", reading=2.5)]
    path.write_text("{")
    with pytest.raises(CourseError, match="get it anew with"):
        read(path)
