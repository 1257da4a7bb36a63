"""The labelling tool, driven without a browser."""

import pytest
import torch

from course_utils.core.errors import CourseError
from course_utils.teach.widgets.label_tool import LabelTool, label_form, label_tool

PIXELS = torch.arange(3 * 28 * 28).reshape(3, 1, 28, 28).remainder(251).to(torch.uint8)
CLASSES = tuple("0123456789")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels" / "digits.csv"


def parts(form):
    """(picture, line, class buttons, discard, back, typed) of the labelling widget."""
    picture, right = form.children
    line, grid, (discard, back, typed) = right.children[0], right.children[1], right.children[2].children
    return picture, line, grid.children, discard, back, typed


def test_clicks_are_saved_one_by_one(path):
    tool = LabelTool(PIXELS, CLASSES, path)
    picture, line, buttons, discard, back, _ = parts(label_form(tool))
    tool.back()
    assert back.disabled and not path.exists()  # nothing to take back writes no file
    first = picture.value
    buttons[7].click()
    assert path.read_text().splitlines()[1:] == ["index,label", "0,7"]
    assert picture.value != first
    discard.click()
    assert tool.labels.tolist() == [7, -1, -1]
    assert (tool.seen, tool.labels.dtype) == (2, torch.int64)
    back.click()
    assert tool.seen == 1
    buttons[1].click()
    buttons[2].click()
    assert "All 3 done: 3 labelled." in line.value
    assert buttons[0].disabled and not back.disabled
    assert tool.labels.tolist() == [7, 1, 2]
    assert [file.name for file in path.parent.iterdir()] == ["digits.csv"]


@pytest.mark.reliability("faults")
def test_a_label_that_cannot_be_saved_is_not_given_and_the_page_says_so(path):
    tool = LabelTool(PIXELS, CLASSES, path)
    form = label_form(tool)
    picture, line, buttons, _, back, typed = parts(form)
    error = form.children[1].children[-1]
    path.parent.write_text("a file where the folder should be")
    first = picture.value
    for act in (buttons[7].click, lambda: setattr(typed, "value", "7")):
        act()
        assert tool.seen == 0 and tool.labels.tolist() == [-1, -1, -1] and back.disabled
        assert picture.value == first and "Picture 1 of 3" in line.value
        assert "not saved" in error.value and "give another path" in error.value
        error.value = ""
    path.parent.unlink()
    buttons[7].click()
    assert error.value == "" and tool.labels.tolist() == [7, -1, -1]
    before = path.read_text()
    path.rename(path.with_name("kept"))
    path.mkdir()  # in the place of the file
    back.click()
    assert tool.seen == 1 and "Picture 2 of 3" in line.value and "not saved" in error.value
    path.rmdir()
    path.with_name("kept").rename(path)
    assert path.read_text() == before
    back.click()
    assert tool.seen == 0 and error.value == ""


def test_it_can_be_used_from_the_keyboard(path):
    tool = LabelTool(PIXELS, CLASSES, path)
    *_, line, _, _, _, typed = (None, *parts(label_form(tool)))
    for word in ("4", "x", "b", "9"):
        typed.value = word
        assert typed.value == ""
    assert tool.labels.tolist() == [4, 9, -1]
    typed.value = "77"
    assert "'77' is no class" in line.value
    assert tool.seen == 2


@pytest.mark.parametrize("labels", [[], [3], [-1, 9], [0, -1, 7]])
def test_it_goes_on_where_the_file_ends(labels, path):
    tool = LabelTool(PIXELS, CLASSES, path)
    for label in labels:
        tool.give(tool.next(), label)
    again = LabelTool(PIXELS, CLASSES, path)
    assert torch.equal(again.labels, tool.labels)
    assert (again.seen, again.next()) == (len(labels), len(labels) if len(labels) < 3 else None)


@pytest.mark.parametrize("text", ["", "index,label\n0,1\n", "# images x\nlabel,index\n", "\xff\xfe\n\n"])
def test_a_foreign_file_is_refused_and_kept(path, text):
    path.parent.mkdir()
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(CourseError, match=r"digits\.csv is no file of labels .*delete the file"):
        LabelTool(PIXELS, CLASSES, path)
    assert path.read_bytes() == text.encode("latin-1")


@pytest.mark.parametrize("row", ["0", "0,10", "3,1", "a,b", "0,1,2", "1,2", ""])
def test_a_damaged_row_is_named(path, row):
    LabelTool(PIXELS, CLASSES, path).give(1, 1)
    path.write_text(path.read_text() + row + "\n")
    with pytest.raises(CourseError, match=r"digits\.csv, line 4 is damaged"):
        LabelTool(PIXELS, CLASSES, path)


def test_labels_of_other_pictures_are_refused(path):
    LabelTool(PIXELS, CLASSES, path).give(0, 1)
    with pytest.raises(CourseError, match="labels of other pictures"):
        LabelTool(255 - PIXELS, CLASSES, path)


def test_headless_the_tool_shows_a_grid_and_keeps_the_labels(path, capsys):
    LabelTool(PIXELS, CLASSES, path).give(0, 5)
    tool = label_tool(PIXELS, CLASSES, path)
    said = capsys.readouterr().out
    assert said.startswith("Figure: The first 3 of 3 generated pictures")
    assert "1 of 3 pictures have a label in `digits.csv`" in said
    assert tool.labels.tolist() == [5, -1, -1]
