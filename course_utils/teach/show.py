"""Show what a cell produces: rich output in a notebook, printed lines and saved figures in a plain process.

Three surroundings run the same lesson: JupyterLab with a person before it (`interactive`), a kernel without a front end
(papermill, `COURSE_HEADLESS=1`), and a plain Python process without IPython. Widgets are built only in the first.
"""

from __future__ import annotations

import base64
import html
import inspect
import io
import itertools
import os
import re
import struct
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from course_utils.core.errors import CourseError
from course_utils.evaluate.statistics import as_sentence

DPI = 100
_saved = itertools.count(1)


def in_notebook() -> bool:
    """Does a Jupyter kernel run this, so that HTML, Markdown and pictures can be shown?"""
    ipython = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


def interactive() -> bool:
    """Is there a person to click? True in a kernel without `COURSE_HEADLESS=1` that nbgrader does not execute.

    The variable is needed because nothing else tells a kernel that papermill runs it.
    """
    return in_notebook() and os.environ.get("COURSE_HEADLESS", "0") in ("", "0") and not graded()


def graded() -> bool:
    """Does nbgrader execute the notebook? It then sets NBGRADER_EXECUTION, to `autograde` or `validate`."""
    return bool(os.environ.get("NBGRADER_EXECUTION"))


def show(obj: object) -> None:
    """Display any object as the last line of a cell would; printed in a plain process."""
    if in_notebook():
        from IPython.display import display

        display(obj)
    else:
        print(obj)


def markdown(text: str) -> None:
    """Render Markdown in a notebook, print it elsewhere; numbers below 0, outside code, have a true minus sign."""
    parts = re.split(r"(```.*?```|`[^`\n]*`)", text, flags=re.DOTALL)
    parts[::2] = [re.sub(r"(?<=[\s(\[])-(?=[\d.])", "−", part) for part in parts[::2]]
    publish(dict.fromkeys(("text/markdown", "text/plain"), "".join(parts)))


def sentences(found: Iterable[str]) -> None:
    """Show sentences as a list, each with a capital letter."""
    markdown("\n".join(f"- {as_sentence(sentence)}" for sentence in found))


def code(text: str) -> str:
    """Quote a line of code in Markdown, whatever backticks, HTML or formulas it holds."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def without_html(text: str) -> str:
    """Escape HTML tags in Markdown that comes from data files or learners."""
    return re.sub("<(?=[A-Za-z/!?])", "&lt;", text)


def source(function: Callable) -> None:
    """Show the source of a function of the package, where the lesson teaches it."""
    markdown(f"```python\n{inspect.getsource(function).strip()}\n```")


def progress(title: str) -> Callable[[int, int], None]:
    """Make a callback (done, of) that moves a bar in JupyterLab, and elsewhere prints one line at the end."""
    started = time.monotonic()
    bar = None

    def report(done: int, of: int) -> None:
        nonlocal bar
        if interactive():
            from tqdm.auto import tqdm

            bar = bar if bar is not None else tqdm(total=of, desc=title, unit="run")
            bar.update(done - bar.n)
            if done == of:
                bar.close()
        elif done == of:
            print(f"{title}: {of} runs in {time.monotonic() - started:.0f} s")

    return report


def figure(fig: Figure, alt: str) -> None:
    """Show a figure as a PNG with its alternative text, and close it.

    In a plain process it prints "Figure: <alt>" and saves the picture if `$COURSE_FIGURES` names a folder.
    Raises CourseError on an empty `alt`.
    """
    data, metadata = picture(fig, alt)
    folder = os.environ.get("COURSE_FIGURES")
    if folder and not in_notebook():
        Path(folder).mkdir(parents=True, exist_ok=True)
        Path(folder, f"figure-{next(_saved):02}.png").write_bytes(base64.b64decode(data["image/png"]))
    publish(data, metadata)


def table(df: pd.DataFrame, caption: str) -> None:
    """Show a data frame with its caption: plain HTML in a notebook, without styles or ids; printed elsewhere.

    Numbers below 0 have the minus sign that figures and sentences have.
    """
    index = not isinstance(df.index, pd.RangeIndex)
    rows = re.sub(r">-(?=[\d.])", ">−", df.to_html(index=index, border=0, justify="left")).split("\n", 1)
    publish(
        {
            "text/html": f"{rows[0]}\n  <caption>{html.escape(caption)}</caption>\n{rows[1]}",
            "text/plain": f"{caption}\n{df.to_string(index=index)}",
        }
    )


def png(fig: Figure) -> bytes:
    """Encode a figure as a small PNG with a palette of 256 colours, or of 128 for photographs (a third of the size)."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=DPI, facecolor="white", metadata={"Software": None})
    image = Image.open(buffer).convert("RGB")
    image = image.quantize(256 if image.getcolors(maxcolors=2**13) else 128, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    image.save(buffer, format="png")
    return buffer.getvalue()


def picture(fig: Figure, alt: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Close a figure and return its MIME bundle and metadata.

    The bundle holds the picture twice: as image/png with `alt` metadata, and as an HTML <img>, because JupyterLab 4.6
    and nbconvert's lab template ignore that metadata.
    Raises CourseError on an empty `alt`.
    """
    check_alt(alt)
    data = png(fig)
    plt.close(fig)
    bundle = {
        "image/png": base64.b64encode(data).decode(),
        "text/html": f'<img alt="{html.escape(alt)}" src="{_url(data)}">',
        "text/plain": f"Figure: {alt}",
    }
    return bundle, {"image/png": {"alt": alt}}


def check_alt(alt: str) -> None:
    """Check that a picture's alternative text is not empty."""
    if not alt.strip():
        raise CourseError("this figure has no alternative text; say in a sentence what it shows: figure(fig, alt='…')")


def tag(data: bytes, alt: str) -> str:
    """Write an <img> for a widget: a PNG with its alternative text, which `ipywidgets.Image` cannot hold.

    It states its size, so that the page does not jump while the next picture is decoded. Raises CourseError on an empty
    `alt`.
    """
    check_alt(alt)
    width, height = struct.unpack(">II", data[16:24])
    return f'<img alt="{html.escape(alt)}" width="{width}" height="{height}" src="{_url(data)}">'


def publish(data: dict[str, str], metadata: dict[str, Any] | None = None) -> None:
    """Send a MIME bundle to the notebook, or print its text/plain."""
    if in_notebook():
        from IPython.display import display

        display(data, metadata=metadata, raw=True)
    else:
        print(data["text/plain"])


def _url(data: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"
