"""What comes from data files and learners is shown as text: in an executed notebook, on the site, in JupyterLab."""

import json
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_tools.author import ledger_page, site
from course_tools.run import kernel, report
from course_utils.teach import progress, show
from course_utils.teach.exercises.exercise import Exercise, Wrong
from course_utils.teach.plots import figures
from course_utils.teach.widgets import predict

sys.path.append(str(Path(__file__).parents[1] / "teach"))
from browser import chromium, lab, notebook, open_notebook, page, run_all  # noqa: F401

pytestmark = [pytest.mark.reliability("security"), pytest.mark.filterwarnings("ignore:.*Check CHANGES for Sphinx API")]

RUN = "alert(1)"
HOSTILE = (
    f"<script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f"<svg/onload={RUN}>",
    f"`<img src=x onerror={RUN}>`",
    f"``` <script>{RUN}</script>",
    f"</code></pre></td></table><script>{RUN}</script>",
    f'"><script>{RUN}</script>',
    f"' onerror='{RUN}",
    f"<!--><script>{RUN}</script>",
    f"**bold** $\\frac{{ <b onmouseover={RUN}> | cell",
)
"""Names of classes, as a data file may hold them; each would run a script where it is taken for HTML."""


@pytest.fixture
def names(amount):
    """The hostile names to try."""
    return HOSTILE[:: amount(4, 1)]


@pytest.fixture(autouse=True)
def course_home(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))


class Names(Exercise):
    lesson, title, minutes, difficulty = "01_x", "Names", 3, 1

    @staticmethod
    def reference(x):
        return x

    def test(self, answer):
        got = answer(3)
        if got != 3:
            raise Wrong(f"It should be 3, yours is {got}.")


def raising(text):
    def answer(x):
        raise ValueError(text)

    return answer


def shown(monkeypatch, text):
    """The outputs of cells that show `text` in every way that the course has without a person."""
    outputs = []

    def publish(data, metadata=None):
        outputs.append(new_output("display_data", data=data, metadata=metadata or {}))

    monkeypatch.setattr(show, "publish", publish)
    show.table(pd.DataFrame({text: [text]}, index=pd.Index([text], name=text)), text)
    show.figure(figures.confusion(np.eye(2), [text, text], text), text)
    show.figure(figures.image_grid(torch.zeros(1, 1, 8, 8, dtype=torch.uint8), 1, [text], [text]), text)
    exercise = Names()
    exercise.check(raising(text))
    exercise.check(lambda x: text)
    exercise.check(raising(f"first\n{text}"))
    predict.predict("01_x", "pick", "Which?", options=["a", "b"])
    predict.predict("01_x", "guess", "How many?", low=0, high=10, step=1)
    for key, truth in (("pick", "a"), ("guess", 3)):
        progress.record("01_x", "predictions", key, {"question": text, "answer": text, "late": False})
        predict.reveal("01_x", key, truth, "So it is.")
    outputs.append(new_output("stream", name="stdout", text=text))
    outputs.append(new_output("error", ename="ValueError", evalue=text, traceback=[text]))
    outputs.append(new_output("execute_result", data={"text/plain": text}, execution_count=1))
    return outputs


def hostile_notebook(names, monkeypatch, error=True):
    """A notebook, with a cell for each hostile text, as a run leaves it; and how many places the texts stand in."""
    cells, places = [new_markdown_cell("# A lesson")], 0
    for text in names:
        outputs = [one for one in shown(monkeypatch, text) if error or one.output_type != "error"]
        cells.append(new_code_cell("pass", outputs=outputs, execution_count=1))
        places += len(outputs)
    nb = new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    nbformat.validate(nb)
    return nb, places


def opened(chromium, path):  # noqa: F811
    """(the text of the page, how many scripts of ours ran in it)"""
    tab = chromium.new_page()
    ran = noted(tab)
    tab.goto(path.as_uri())
    tab.wait_for_load_state("load")
    tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    text = tab.inner_text("body")
    tab.close()
    return text, len(ran)


def noted(tab):
    """A list that grows with each `alert` of this page."""
    ran = []

    def note(dialog):
        ran.append(dialog.message)
        dialog.dismiss()

    tab.on("dialog", note)
    return ran


def test_this_page_would_notice(chromium, tmp_path):  # noqa: F811
    """The oracle: shown as HTML, the names run their scripts."""
    for i, text in enumerate(HOSTILE[:3]):
        (tmp_path / f"{i}.html").write_text(f"<html><body>{text}</body></html>")
        assert opened(chromium, tmp_path / f"{i}.html")[1] >= 1


def test_an_executed_notebooks_page_shows_them_as_text(chromium, names, tmp_path, monkeypatch, figure):  # noqa: F811
    nb, places = hostile_notebook(names, monkeypatch)
    kernel._write_html(nb, tmp_path / "lesson.ipynb")
    text, hacked = opened(chromium, tmp_path / "lesson.html")
    assert hacked == 0
    for name in names:
        assert name in text
    figure("places that hostile names were shown in", places)


def test_a_runs_report_shows_them_as_text(chromium, names, tmp_path, figure):  # noqa: F811
    for i, name in enumerate(names):
        entry = {"values": [1.0, 2.0], "mean": 1.5, "ci95": [1.0, 2.0]}
        results = {
            "title": name,
            "verdict": name,
            "seeds": [0, 1],
            "data": {"name": name, "source": name},
            "arms": {name: {name: {name: entry}}},
            "device": name,
            "figure": {"file": name, "alt": name},
        }
        folder = tmp_path / str(i)
        (folder / "results").mkdir(parents=True)
        (folder / "results" / "01_a.json").write_text(json.dumps(results))
        report.write(folder, name, [])
        text, hacked = opened(chromium, folder / "index.html")
        assert hacked == 0
        assert name in text
    figure("hostile names shown as text in a run's report", len(names))


def test_the_site_shows_them_as_text(chromium, names, amount, tmp_path, monkeypatch, figure):  # noqa: F811
    if not amount(False, True):
        pytest.skip("a site to build, which `make reliability` does")
    monkeypatch.setattr(site, "_api", lambda: iter([]))
    nb, places = hostile_notebook(names, monkeypatch, error=False)
    root, out = tmp_path / "course", tmp_path / "site"
    for name in ("notebooks", "results"):
        (root / name).mkdir(parents=True)
    nbformat.write(nb, root / "notebooks" / "01_x.ipynb")
    rows = [[name, name] for name in names]
    (root / "results" / "LEDGER.md").write_text(f"# The ledger\n\n{ledger_page._table(['paper', 'ours'], rows)}\n")
    (root / "README.md").write_text("# Course\n\nThus.\n")
    site.build(out, root)
    for path in ("notebooks/01_x.html", "results/LEDGER.html"):
        text, hacked = opened(chromium, out / path)
        assert hacked == 0, path
        for name in names[:3]:  # the others hold marks that the site's Markdown takes for its own
            assert name in text, path
    figure("places that hostile names were shown in", places + 2 * len(rows))


IN_THE_LAB = f"""\
import sys, torch
sys.path.append({str(Path(__file__).parent)!r})
from test_escaping import HOSTILE, Names, raising
from course_utils.teach.widgets.explorer import explorer
from course_utils.teach.widgets.label_tool import label_tool
from course_utils.teach.widgets import predict, quiz
from course_utils.teach import show
import pandas as pd

def render(name):
    raise ValueError(name)

label_tool(torch.zeros(2, 1, 8, 8, dtype=torch.uint8), HOSTILE, "labels.csv")
predict.predict("01_x", "pick", "Which class?", options=HOSTILE)
options = tuple(quiz.Option(name, name, name == HOSTILE[0]) for name in HOSTILE)
show.show(quiz.form("01_x", quiz.Question("which", "Which class?", options)))
for name in HOSTILE:
    explorer(render, name, name=[name, "other"])
    show.table(pd.DataFrame({{name: [name]}}), name)
    Names().check(raising(name))
    Names().check(lambda x: name)
"""


def test_in_jupyterlab_widgets_and_outputs_show_them_as_text(lab, page, amount, figure):  # noqa: F811
    if not amount(False, True):
        pytest.skip("a JupyterLab, which `make reliability` starts")
    ran = noted(page)
    open_notebook(page, lab, notebook(IN_THE_LAB), "hostile.ipynb")
    run_all(page)
    page.locator(".jupyter-button", has_text="onload").first.wait_for()
    box = page.locator(".jp-CodeCell").first
    box.locator("input[type=radio]").first.check()
    box.get_by_role("button", name="Record my prediction").click()
    box.locator("input[type=radio]").nth(len(HOSTILE)).check()
    box.get_by_role("button", name="Check", exact=True).click()
    box.get_by_text("✔ Right.").wait_for()
    assert ran == []
    text = box.locator(".jp-OutputArea").inner_text()
    for name in HOSTILE[:3]:
        assert text.count(name) >= 8, name
    figure("hostile names shown as text in JupyterLab", len(HOSTILE))
