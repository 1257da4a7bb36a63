"""Lesson 1 in JupyterLab, from the top to the end, as a learner would work through it."""

import csv
import json

import pytest
from browser import open_notebook, run_all, screenshot

from course_utils.runner import build
from course_utils.runner.lessons import resolve

pytestmark = pytest.mark.browser


def cell_with(page, text):
    """The output area of the code cell whose source holds `text`."""
    return page.locator(".jp-CodeCell").filter(has_text=text).first.locator(".jp-Cell-outputWrapper")


def test_predict_solve_label_play_and_read_the_verdict(lab, page):
    results = lab.root / "results"
    nb = build.notebook(resolve(["1"])[0], "teacher")
    first = next(cell for cell in nb.cells if "parameters" in cell.metadata.get("tags", []))
    first.source = (
        f'import os\nos.environ["COURSE_RESULTS"] = "{results}"\nPROFILE, DATA, SEED, DEVICE = "smoke", None, 0, None'
    )
    for cell in nb.cells:  # to click in what a learner may have folded
        cell.metadata.pop("jupyter", None)
    open_notebook(page, lab, nb, "lesson.ipynb")
    run_all(page)
    assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").all_inner_texts() == []
    assert page.get_by_text("Correct.").count() == sum("check" in c.metadata.get("tags", []) for c in nb.cells)

    guess = cell_with(page, "nothing but the seed")
    guess.get_by_text("3 to 6 points").click()
    guess.get_by_role("button", name="Record").click()
    guess.get_by_text("recorded", exact=False).first.wait_for()
    guess.scroll_into_view_if_needed()
    screenshot(page, "lesson_01_predict")
    assert json.loads((lab.home / "progress.json").read_text())["01_kannada_gan"]["predictions"]["spread"]

    tool = cell_with(page, "tool = label_tool")
    tool.get_by_role("button", name="7", exact=True).click()
    tool.get_by_role("button", name="cannot read").click()
    tool.get_by_text("Picture 3 of").wait_for()
    tool.scroll_into_view_if_needed()
    screenshot(page, "lesson_01_label")
    (file,) = (results.parent / "labels").glob("*.csv")
    assert [row[1] for row in csv.reader(file.read_text().splitlines()[2:])] == ["7", "-1"]

    play = cell_with(page, "def walk(")
    before = play.locator("img").first.get_attribute("src")
    play.get_by_role("combobox").first.select_option("8")
    page.wait_for_function("([box, old]) => box.querySelector('img').src !== old", arg=[play.element_handle(), before])
    play.scroll_into_view_if_needed()
    screenshot(page, "lesson_01_play")

    question = cell_with(page, "quiz(lesson.slug)")
    question.get_by_text("Dig-MNIST, drawn by other people").click()
    question.get_by_role("button", name="Check").first.click()
    question.get_by_text("A CNN that is nearly perfect on the test set").wait_for()
    question.scroll_into_view_if_needed()
    screenshot(page, "lesson_01_quiz")

    verdict = page.get_by_text("Verdict.").last
    verdict.scroll_into_view_if_needed()
    screenshot(page, "lesson_01_verdict")
    assert "standin" in verdict.locator("xpath=..").inner_text()
    assert json.loads((results / "01_kannada_gan.json").read_text())["profile"] == "smoke"
