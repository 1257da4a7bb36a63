"""The labelling tool and the explorer, driven without a browser."""

import base64
import io
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from course_utils.core.errors import CourseError
from course_utils.teach.widgets.explorer import LabelTool
from course_utils.teach.widgets.explorer import explorer as widgets

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
    picture, line, buttons, discard, back, _ = parts(widgets.label_form(tool))
    assert back.disabled and not path.exists()
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
    form = widgets.label_form(tool)
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
    *_, line, _, _, _, typed = (None, *parts(widgets.label_form(tool)))
    for word in ("4", "x", "b", "9"):
        typed.value = word
        assert typed.value == ""
    assert tool.labels.tolist() == [4, 9, -1]
    typed.value = "77"
    assert "'77' is no class" in line.value
    assert tool.seen == 2


def test_class_names_can_be_typed_too(path):
    tool = LabelTool(PIXELS, ("cow", "horse"), path)
    typed = parts(widgets.label_form(tool))[-1]
    typed.value = "horse"
    typed.value = "0"
    assert tool.labels.tolist() == [1, 0, -1]


@settings(max_examples=25)
@given(labels=st.lists(st.integers(-1, 9), max_size=3))
def test_it_goes_on_where_the_file_ends(labels, tmp_path_factory):
    path = tmp_path_factory.mktemp("labels") / "digits.csv"
    tool = LabelTool(PIXELS, CLASSES, path)
    for label in labels:
        tool.give(tool.next(), label)
    again = LabelTool(PIXELS, CLASSES, path)
    assert torch.equal(again.labels, tool.labels)
    assert (again.seen, again.next()) == (len(labels), len(labels) if len(labels) < 3 else None)


def saved(path, text):
    path.parent.mkdir()
    path.write_bytes(text.encode("latin-1"))


@pytest.mark.parametrize(
    "text", ["", "index,label\n0,1\n", "a;b\n1;2\n3;4\n", "# images x\nlabel,index\n", "\xff\xfe\n\n"]
)
def test_a_foreign_file_is_refused_and_kept(path, text):
    saved(path, text)
    with pytest.raises(CourseError, match=r"digits\.csv is no file of labels .*delete the file"):
        LabelTool(PIXELS, CLASSES, path)
    assert path.read_bytes() == text.encode("latin-1")


@pytest.mark.parametrize("row", ["0", "0,10", "0,-2", "3,1", "-1,1", "a,b", "0,1,2", "0,1.5", ""])
def test_a_damaged_row_is_named(path, row):
    LabelTool(PIXELS, CLASSES, path).give(1, 1)
    path.write_text(path.read_text() + row + "\n")
    with pytest.raises(CourseError, match=r"digits\.csv, line 4 is damaged"):
        LabelTool(PIXELS, CLASSES, path)


def test_a_picture_labelled_twice_is_damage(path):
    LabelTool(PIXELS, CLASSES, path).give(1, 1)
    path.write_text(path.read_text() + "1,2\n")
    with pytest.raises(CourseError, match="line 4 is damaged: '1,2'"):
        LabelTool(PIXELS, CLASSES, path)


def test_labels_of_other_pictures_are_refused(path):
    LabelTool(PIXELS, CLASSES, path).give(0, 1)
    with pytest.raises(CourseError, match="labels of other pictures"):
        LabelTool(255 - PIXELS, CLASSES, path)


def test_headless_the_tool_shows_a_grid_and_keeps_the_labels(path, capsys):
    LabelTool(PIXELS, CLASSES, path).give(0, 5)
    tool = widgets.label_tool(PIXELS, CLASSES, path)
    said = capsys.readouterr().out
    assert said.startswith("Figure: The first 3 of 3 generated pictures")
    assert "1 of 3 pictures have a label in `digits.csv`" in said
    assert tool.labels.tolist() == [5, -1, -1]


def bars(height=1, kind="one"):
    fig = Figure(figsize=(3, 2))
    fig.subplots().bar([kind], [height])
    return fig


CONTROLS = {"height": (1, 9, 2), "kind": ["one", "two"]}


def test_headless_the_explorer_is_a_figure_at_the_first_and_middle_settings(capsys):
    seen = []
    widgets.explorer(lambda **values: seen.append(values) or bars(**values), "A bar.", **CONTROLS)
    assert seen == [{"height": 5, "kind": "one"}]
    assert capsys.readouterr().out.startswith("Figure: A bar. Here with height = 5, kind = one;")


@pytest.mark.parametrize("control", [[], (1, 2), (2, 1, 1), (0, 1, 0), "abc", 3])
def test_a_control_that_is_none_is_named(control):
    with pytest.raises(CourseError, match="control size = "):
        widgets.explorer(bars, "A bar.", size=control)


@given(low=st.integers(-20, 20), count=st.integers(1, 40), step=st.integers(1, 5))
def test_the_middle_of_a_slider_is_on_its_steps(low, count, step):
    start = widgets._start("x", (low, low + count * step, step))
    assert low <= start <= low + count * step
    assert (start - low) % step == 0


def test_headless_errors_of_the_explorer_are_raised():
    with pytest.raises(ZeroDivisionError):
        widgets.explorer(lambda height: 1 / 0, "A bar.", height=(1, 9, 2))


def explorer_parts(render):
    form = widgets.explorer_form(render, "A bar.", CONTROLS, {"height": 5, "kind": "one"})
    *fields, error, picture = form.children
    return fields, error, picture


def test_controls_redraw_the_picture():
    (height, kind), error, picture = explorer_parts(bars)
    first = picture.value
    height.value = 9
    second = picture.value
    kind.value = "two"
    assert len({first, second, picture.value}) == 3
    assert (error.value, height.min, height.max, height.step) == ("", 1, 9, 2)


def test_an_error_in_the_callback_is_shown_and_goes_away():
    def render(height, kind):
        if height == 9:
            raise ValueError("too <high>")
        return bars(height)

    (height, _), error, picture = explorer_parts(render)
    before = picture.value
    height.value = 9
    assert "ValueError: too &lt;high&gt;" in error.value and 'role="alert"' in error.value
    assert picture.value == before
    height.value = 3
    assert error.value == ""


def test_the_picture_to_label_is_the_right_one(path):
    picture = parts(widgets.label_form(LabelTool(PIXELS, CLASSES, path)))[0]
    data = base64.b64decode(re.search('base64,([^"]+)', picture.value)[1])
    shown = np.asarray(Image.open(io.BytesIO(data)))[::10, ::10, 0]
    assert (shown == PIXELS[0, 0].numpy()).all()


def test_nothing_to_take_back_writes_no_file(path):
    tool = LabelTool(PIXELS, CLASSES, path)
    tool.back()
    assert not path.exists()
