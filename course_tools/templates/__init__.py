"""Texts and pages that the course writes, as jinja2 templates: one file each, beside this one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2

NOTEBOOK_PAGE = {
    "template_name": "course",
    "extra_template_basedirs": [str(Path(__file__).parent / "nbconvert")],
}
"""Settings of nbconvert's HTMLExporter: its page of a notebook, folded as JupyterLab folds it."""

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    autoescape=jinja2.select_autoescape(["html.jinja"]),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render(name: str, **values: Any) -> str:
    """Fill in the template `name`.jinja; what stands in a page (`….html.jinja`) is escaped.

    Raises jinja2.UndefinedError where the template uses a value that is not given.
    """
    return _ENVIRONMENT.get_template(f"{name}.jinja").render(values)
