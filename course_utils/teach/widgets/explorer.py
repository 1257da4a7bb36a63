"""Redraw a figure as the learner moves its controls."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.figure import Figure

from course_utils.core.errors import CourseError
from course_utils.teach import show
from course_utils.teach.widgets import page


def explorer(render: Callable[..., Figure], alt: str, /, **controls: Sequence[Any]) -> None:
    """Redraw `render(**values)` as the controls move: a list of options (a menu), or (low, high, step) (a slider).

    Headless it is drawn once, at the first options and the middle of the sliders. alt: what the figure shows.
    An error in `render` is shown in the widget; headless it is raised. Raises CourseError on a control that is neither,
    and on an empty `alt`.
    """
    start = {name: _start(name, control) for name, control in controls.items()}
    show.check_alt(alt)
    at = ", ".join(f"{name} = {value}" for name, value in start.items())
    still = f"{alt} Here with {at}; in JupyterLab it moves with its controls."
    if show.interactive():
        form = explorer_form(render, alt, controls, start)
        *_, error, picture = form.children
        said = f"{picture.value}{error.value}<p><small>Here with {html.escape(at)}.</small></p>"
        page.show(form, {"text/html": said, "text/plain": f"Figure: {still}"})
    else:
        show.figure(render(**start), still)


def explorer_form(
    render: Callable[..., Figure], alt: str, controls: dict[str, Sequence[Any]], start: dict[str, Any]
) -> Any:
    """Build the widget of `explorer`: the controls above the picture, and a line for errors and for a long wait."""
    import ipywidgets as w

    fields = {name: _field(name, control, start[name]) for name, control in controls.items()}
    picture = w.HTML()
    error = w.HTML()

    def redraw() -> None:
        fig = render(**{name: field.value for name, field in fields.items()})
        picture.value = show.tag(show.png(fig), alt)

    redraw = page.show_errors(redraw, error, "What you see is the last picture that could be drawn.")
    redraw()
    moved = page.in_main_thread(redraw, lambda sentence: setattr(error, "value", sentence))
    for field in fields.values():
        field.observe(moved, "value")
    return w.VBox([*fields.values(), error, picture])


def _start(name: str, control: Sequence[Any]) -> Any:
    if isinstance(control, list) and control:
        return control[0]
    if isinstance(control, tuple) and len(control) == 3 and control[0] < control[1] and control[2] > 0:
        low, high, step = control
        return low + round((high - low) / 2 / step) * step
    raise CourseError(f"explorer: control {name} = {control!r} is neither a list of options nor (low, high, step)")


def _field(name: str, control: Sequence[Any], value: Any) -> Any:
    import ipywidgets as w

    look = {"description": name.replace("_", " "), "style": {"description_width": "initial"}}
    if isinstance(control, list):
        return w.Dropdown(options=control, value=value, **look)
    low, high, step = control
    slider = w.IntSlider if all(isinstance(number, int) for number in control) else w.FloatSlider
    return slider(value=value, min=low, max=high, step=step, layout=w.Layout(width="28em"), **look)
