"""Show the learner's progress: what is done and what is open in each lesson, with export and reset."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from course_utils.teach import progress, show
from course_utils.teach.widgets import page

CAPTION = "Done, of what each lesson asks"


def progress_panel(lessons: Sequence[str]) -> None:
    """Show what is done of these lessons (slugs), and in JupyterLab buttons to export the record and to start anew."""
    if show.interactive():
        page.show(panel_form(lessons), {"text/html": _html(lessons), "text/plain": counts(lessons).to_string()})
    else:
        show.table(counts(lessons), CAPTION)
        show.markdown("In JupyterLab this panel counts what *you* have done, exports it, and lets you start anew.")


def counts(lessons: Sequence[str]) -> pd.DataFrame:
    """Count what is done, a row per lesson and a column per kind: "3 of 4", or a dash where the lesson asks none."""
    rows = {}
    for lesson in lessons:
        asked, rest = progress.asked(lesson), progress.still_open(lesson)
        rows[lesson] = {
            kind: f"{len(keys) - len(rest[kind])} of {len(keys)}" if keys else "–" for kind, keys in asked.items()
        }
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(progress.KINDS)).rename_axis("lesson")


def panel_form(lessons: Sequence[str]) -> Any:
    """Build the widget of `progress_panel`."""
    import ipywidgets as w

    table, said, error = w.HTML(), w.HTML(), w.HTML()
    fit = w.Layout(width="max-content")

    def button(text: str, icon: str, act: Any, **looks: Any) -> Any:
        made = w.Button(description=text, icon=icon, layout=fit, **looks)
        made.on_click(page.show_errors(lambda _: act(), error, "Your record is as it was."))
        return made

    def look() -> None:
        table.value = _html(lessons)

    def export(suffix: str) -> None:
        path = progress.export(Path.cwd() / f"my-progress-{datetime.now():%Y%m%d-%H%M%S}.{suffix}")
        said.value = f"Written to <b>{html.escape(path.name)}</b>, beside this notebook."

    def ask() -> None:
        sure.layout.display = "flex"
        said.value = ""

    def keep() -> None:
        sure.layout.display = "none"

    def reset() -> None:
        keep()
        aside = progress.reset()
        look()
        told = f"The old record is kept as <b>{html.escape(aside.name)}</b> in {_home()}." if aside else ""
        said.value = f"Nothing is recorded now. {told} Run the cells of other open notebooks again."

    row = w.HBox(
        [
            button("Count again", "refresh", look),
            button("Export as JSON", "download", lambda: export("json")),
            button("Export as CSV", "table", lambda: export("csv")),
            button("Start anew …", "undo", ask),
        ]
    )
    sure = w.HBox(
        [
            w.Label("Take all your answers out of the record?"),
            button("Yes, start anew", "undo", reset, button_style="warning"),
            button("No, keep them", "", keep),
        ]
    )
    keep()
    look()
    return w.VBox([table, row, sure, said, error])


def _html(lessons: Sequence[str]) -> str:
    """Write the HTML of the table, and below it, folded, what is still open."""
    table = counts(lessons).reset_index().to_html(index=False, border=0, justify="left", classes="course-progress")
    rest = []
    for lesson in lessons:
        kinds = {kind: keys for kind, keys in progress.still_open(lesson).items() if keys}
        named = "; ".join(f"{kind}: {', '.join(keys)}" for kind, keys in kinds.items())
        rest.append(f"<li><b>{html.escape(lesson)}</b> {html.escape(named) or 'all done'}</li>")
    folded = f"<details><summary>What is still open</summary><ul>{''.join(rest)}</ul></details>"
    style = "<style>.course-progress td, .course-progress th { padding: 2px 24px 2px 0 }</style>"
    return f"<b>{CAPTION}</b>{style}{table}{folded}"


def _home() -> str:
    """Name the learner's folder in HTML."""
    home = progress.home()
    return f"the folder <code>{html.escape(home.name)}</code>"
