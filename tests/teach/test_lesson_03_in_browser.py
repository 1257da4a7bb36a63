"""Lesson 3 in JupyterLab: count the animals, turn the translators, walk through epochs, answer, read the verdict."""

import json

import pytest
from browser import cell_with, changed_picture, run_solved_lesson, screenshot

pytestmark = pytest.mark.browser


def test_predict_turn_translate_and_read_the_verdict(lab, page):
    results = run_solved_lesson(page, lab, "3")

    guess = cell_with(page, "How many **independent animals** does it show?")
    guess.get_by_role("button", name="Record").click()
    guess.get_by_text("recorded", exact=False).first.wait_for()
    guess.scroll_into_view_if_needed()
    screenshot(page, "lesson_03_predict")
    assert json.loads((lab.home / "progress.json").read_text())["03_cows_horses"]["predictions"]["animals"]

    toy = cell_with(page, "cycles.picture(")
    before = toy.locator("img").first.get_attribute("src")
    toy.get_by_role("combobox").first.select_option("swaps")
    changed_picture(page, toy, before)
    toy.scroll_into_view_if_needed()
    screenshot(page, "lesson_03_cycles")

    play = cell_with(page, "def walk(")
    before = play.locator("img").first.get_attribute("src")
    play.locator(".noUi-handle").first.focus()
    page.keyboard.press("ArrowRight")
    changed_picture(page, play, before)
    play.scroll_into_view_if_needed()
    screenshot(page, "lesson_03_walk")

    question = cell_with(page, "quiz(lesson.slug)")
    question.get_by_text("Only that each translation keeps what is needed to undo it").click()
    question.scroll_into_view_if_needed()
    screenshot(page, "lesson_03_quiz")

    verdict = page.get_by_text("Verdict.").last
    verdict.scroll_into_view_if_needed()
    screenshot(page, "lesson_03_verdict")
    assert "standin" in verdict.locator("xpath=..").inner_text()
    found = json.loads((results / "03_cows_horses.json").read_text())
    assert found["profile"] == "smoke" and found["gave_up"] and found["folds"]["animals"]
