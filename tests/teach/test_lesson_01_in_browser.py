"""Lesson 1 in JupyterLab, from the top to the end, as a learner would work through it."""

import csv
import json

import pytest
from browser import cell_with, changed_picture, run_solved_lesson, screenshot

pytestmark = pytest.mark.browser


def test_predict_solve_label_play_and_read_the_verdict(lab, page):
    results = run_solved_lesson(page, lab, "1")

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
    changed_picture(page, play, before)
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
