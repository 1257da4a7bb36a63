"""Showing things in a plain process, and what goes to a notebook."""

import base64
import io

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from course_utils.core.errors import CourseError
from course_utils.teach import show


def line_figure():
    fig = Figure(figsize=(3, 2))
    fig.subplots().plot([0, 1])
    return fig


def test_a_plain_process_is_no_notebook():
    assert not show.in_notebook()
    assert not show.interactive()


def test_a_kernel_is_interactive_unless_headless_is_set(monkeypatch):
    monkeypatch.setattr(show, "in_notebook", lambda: True)
    monkeypatch.delenv("COURSE_HEADLESS", raising=False)
    assert show.interactive()
    monkeypatch.setenv("COURSE_HEADLESS", "1")
    assert not show.interactive()


def test_nobody_clicks_while_nbgrader_executes(monkeypatch):
    monkeypatch.setattr(show, "in_notebook", lambda: True)
    monkeypatch.delenv("COURSE_HEADLESS", raising=False)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert show.graded() and not show.interactive()


def test_markdown_and_objects_are_printed(capsys):
    show.markdown("**bold**")
    show.show({"a": 1})
    assert capsys.readouterr().out == "**bold**\n{'a': 1}\n"


def test_a_figure_is_a_line_and_a_file(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("COURSE_FIGURES", str(tmp_path / "figures"))
    show.figure(line_figure(), "A rising line.")
    assert capsys.readouterr().out == "Figure: A rising line.\n"
    (saved,) = (tmp_path / "figures").iterdir()
    assert Image.open(saved).size == (3 * show.DPI, 2 * show.DPI)


def test_without_a_folder_nothing_is_saved(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_FIGURES", raising=False)
    monkeypatch.chdir(tmp_path)
    show.figure(line_figure(), "A rising line.")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("alt", ["", "  \n"])
def test_an_empty_alternative_text_is_refused(alt):
    with pytest.raises(CourseError, match="no alternative text"):
        show.figure(line_figure(), alt)


def test_the_bundle_carries_the_alternative_text_for_every_reader():
    data, metadata = show.picture(line_figure(), 'D < G & "more"')
    assert metadata == {"image/png": {"alt": 'D < G & "more"'}}
    assert 'alt="D &lt; G &amp; &quot;more&quot;"' in data["text/html"]
    assert data["image/png"] in data["text/html"]
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).format == "PNG"


def test_nbconvert_carries_the_alternative_text():
    data, metadata = show.picture(line_figure(), "A rising line.")
    cell = new_code_cell("", outputs=[new_output("display_data", data, metadata=metadata)])
    page, _ = HTMLExporter(template_name="lab").from_notebook_node(new_notebook(cells=[cell]))
    assert page.count('alt="A rising line."') == 1
    assert "No description has been provided" not in page


def test_a_pyplot_figure_is_closed():
    fig, _ = plt.subplots()
    show.figure(fig, "Nothing yet.")
    assert fig.number not in plt.get_fignums()


def test_the_same_figure_gives_the_same_bytes():
    assert show.png(line_figure()) == show.png(line_figure())


def test_a_palette_keeps_lines_and_photos_small_and_near_their_colours():
    assert Image.open(io.BytesIO(show.png(line_figure()))).mode == "P"
    fig = Figure(figsize=(3, 3))
    grain = 0.1 * np.random.default_rng(0).random((256, 256, 3))
    sky = 0.9 * np.dstack([*np.meshgrid(*[np.linspace(0, 1, 256)] * 2), np.full((256, 256), 0.5)]) + grain
    fig.add_axes((0, 0, 1, 1)).imshow(sky)
    photo = show.png(fig)
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=show.DPI)
    before = np.asarray(Image.open(buffer).convert("RGB"), dtype=float)
    after = np.asarray(Image.open(io.BytesIO(photo)).convert("RGB"), dtype=float)
    assert len(photo) < len(buffer.getvalue()) / 2
    assert np.abs(before - after).mean() < 12  # of 255


def test_a_table_is_stable_and_has_a_caption(monkeypatch):
    sent = []
    monkeypatch.setattr(show, "publish", lambda data, metadata=None: sent.append(data))
    df = pd.DataFrame({"arm": ["real", "gan"], "accuracy": [0.5, 0.25]})
    show.table(df, "Accuracy <by arm>")
    show.table(df, "Accuracy <by arm>")
    assert sent[0] == sent[1]
    assert "<caption>Accuracy &lt;by arm&gt;</caption>" in sent[0]["text/html"]
    assert sent[0]["text/plain"].splitlines()[0] == "Accuracy <by arm>"
    assert "<th>0</th>" not in sent[0]["text/html"]  # a plain row number says nothing
    show.table(df.set_index("arm"), "by name")
    assert "<th>real</th>" in sent[2]["text/html"]


def test_a_table_is_printed_in_a_plain_process(capsys):
    show.table(pd.DataFrame({"arm": ["real"]}), "Arms")
    assert capsys.readouterr().out.split() == ["Arms", "arm", "real"]
