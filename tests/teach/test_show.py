"""Showing things in a plain process, and what goes to a notebook."""

import base64
import io

import pandas as pd
from matplotlib.figure import Figure
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from course_utils.teach import show


def line_figure():
    fig = Figure(figsize=(3, 2))
    fig.subplots().plot([0, 1])
    return fig


def test_a_kernel_is_interactive_unless_headless_is_set(monkeypatch):
    monkeypatch.setattr(show, "in_notebook", lambda: True)
    monkeypatch.delenv("COURSE_HEADLESS", raising=False)
    assert show.interactive()
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert show.graded() and not show.interactive()
    monkeypatch.delenv("NBGRADER_EXECUTION")
    monkeypatch.setenv("COURSE_HEADLESS", "1")
    assert not show.interactive()


def test_markdown_and_objects_are_printed(capsys):
    show.markdown("**bold**")
    show.show({"a": 1})
    assert capsys.readouterr().out == "**bold**\n{'a': 1}\n"


def test_numbers_below_0_have_a_minus_sign_but_not_in_code(capsys):
    show.markdown("It is -0.5 [-1, 2], `x = -1`, 3-4 and:\n\n```python\ny = [-1]\n```\n- 2 items")
    assert capsys.readouterr().out.startswith(
        "It is −0.5 [−1, 2], `x = -1`, 3-4 and:\n\n```python\ny = [-1]\n```\n- 2 items"
    )


def test_a_figure_is_a_line_and_a_file(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("COURSE_FIGURES", str(tmp_path / "figures"))
    show.figure(line_figure(), "A rising line.")
    assert capsys.readouterr().out == "Figure: A rising line.\n"
    (saved,) = (tmp_path / "figures").iterdir()
    assert Image.open(saved).size == (3 * show.DPI, 2 * show.DPI)


def test_the_alternative_text_goes_with_the_picture_for_every_reader():
    data, metadata = show.picture(line_figure(), 'D < G & "more"')
    assert metadata == {"image/png": {"alt": 'D < G & "more"'}}
    assert 'alt="D &lt; G &amp; &quot;more&quot;"' in data["text/html"] and data["image/png"] in data["text/html"]
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).format == "PNG"
    data, metadata = show.picture(line_figure(), "A rising line.")
    cell = new_code_cell("", outputs=[new_output("display_data", data, metadata=metadata)])
    page, _ = HTMLExporter(template_name="lab").from_notebook_node(new_notebook(cells=[cell]))
    assert page.count('alt="A rising line."') == 1
    assert "No description has been provided" not in page


def test_the_same_figure_gives_the_same_bytes():
    assert show.png(line_figure()) == show.png(line_figure())


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
