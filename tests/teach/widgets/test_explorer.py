"""The explorer, driven without a browser."""

import pytest
from matplotlib.figure import Figure

from course_utils.core.errors import CourseError
from course_utils.teach.widgets import explorer


def bars(height=1, kind="one"):
    fig = Figure(figsize=(3, 2))
    fig.subplots().bar([kind], [height])
    return fig


CONTROLS = {"height": (1, 9, 2), "kind": ["one", "two"]}


@pytest.mark.parametrize(("slider", "middle"), [((1, 9, 2), 5), ((1, 9, 4), 5), ((0, 10, 4), 4), ((-3, 4, 7), -3)])
def test_headless_the_explorer_is_a_figure_at_the_first_option_and_the_middle_step(slider, middle, capsys):
    seen = []
    controls = {**CONTROLS, "height": slider}
    explorer.explorer(lambda **values: seen.append(values) or bars(**values), "A bar.", **controls)
    assert seen == [{"height": middle, "kind": "one"}]
    assert capsys.readouterr().out.startswith(f"Figure: A bar. Here with height = {middle}, kind = one;")


@pytest.mark.parametrize("control", [[], (1, 2), (2, 1, 1), (0, 1, 0), "abc", 3])
def test_a_control_that_is_none_is_named(control):
    with pytest.raises(CourseError, match="control size = "):
        explorer.explorer(bars, "A bar.", size=control)


def explorer_parts(render):
    form = explorer.explorer_form(render, "A bar.", CONTROLS, {"height": 5, "kind": "one"})
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
