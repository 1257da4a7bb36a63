"""The explorer, driven without a browser."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from course_utils.core.errors import CourseError
from course_utils.teach.widgets import explorer


def bars(height=1, kind="one"):
    fig = Figure(figsize=(3, 2))
    fig.subplots().bar([kind], [height])
    return fig


CONTROLS = {"height": (1, 9, 2), "kind": ["one", "two"]}


def test_headless_the_explorer_is_a_figure_at_the_first_and_middle_settings(capsys):
    seen = []
    explorer.explorer(lambda **values: seen.append(values) or bars(**values), "A bar.", **CONTROLS)
    assert seen == [{"height": 5, "kind": "one"}]
    assert capsys.readouterr().out.startswith("Figure: A bar. Here with height = 5, kind = one;")


@pytest.mark.parametrize("control", [[], (1, 2), (2, 1, 1), (0, 1, 0), "abc", 3])
def test_a_control_that_is_none_is_named(control):
    with pytest.raises(CourseError, match="control size = "):
        explorer.explorer(bars, "A bar.", size=control)


@given(low=st.integers(-20, 20), count=st.integers(1, 40), step=st.integers(1, 5))
def test_the_middle_of_a_slider_is_on_its_steps(low, count, step):
    start = explorer._start("x", (low, low + count * step, step))
    assert low <= start <= low + count * step
    assert (start - low) % step == 0


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
