"""Lesson 5 in JupyterLab: predict, move the class border, turn latent space, walk from shoe to shoe, read a verdict."""

import json

import pytest
from browser import cell_with, changed_picture, run_solved_lesson, screenshot

pytestmark = pytest.mark.browser


def play_with(page, text, move, name):
    """Move a control of the explorer in the cell that holds `text`, and wait for its new picture."""
    play = cell_with(page, text)
    before = play.locator("img").first.get_attribute("src")
    move(play)
    changed_picture(page, play, before)
    play.scroll_into_view_if_needed()
    screenshot(page, name)


def test_predict_play_and_read_the_verdict(lab, page):
    results = run_solved_lesson(page, lab, "5")

    def turn_right(play):
        play.locator(".noUi-handle").first.focus()
        page.keyboard.press("ArrowRight")

    def choose(box, option):
        return lambda play: play.get_by_role("combobox").nth(box).select_option(option)

    guess = cell_with(page, "what will its accuracy be, compared")
    guess.get_by_text("we cannot tell").click()
    guess.get_by_role("button", name="Record").click()
    guess.get_by_text("recorded", exact=False).first.wait_for()
    guess.scroll_into_view_if_needed()
    screenshot(page, "lesson_05_predict")
    assert json.loads((lab.home / "progress.json").read_text())["05_fashion_acgan"]["predictions"]["gain"]

    play_with(page, "borders.picture", choose(0, "3.0"), "lesson_05_toy")
    play_with(page, "def grid(", turn_right, "lesson_05_grid")
    play_with(page, "def between(", choose(1, "Bag"), "lesson_05_walk")
    play_with(page, "def moment(", choose(0, "real only"), "lesson_05_moment")

    question = cell_with(page, "quiz(lesson.slug)")
    question.get_by_text("On the same 10 % that the classifier gets").click()
    question.scroll_into_view_if_needed()
    screenshot(page, "lesson_05_quiz")

    verdict = page.get_by_text("Verdict.").last
    verdict.scroll_into_view_if_needed()
    screenshot(page, "lesson_05_verdict")
    assert "standin" in verdict.locator("xpath=..").inner_text()
    found = json.loads((results / "05_fashion_acgan.json").read_text())
    assert found["profile"] == "smoke" and set(found["acgan"]) == {"real and fake", "real only"}
    kept = list((lab.root / "runs").iterdir())  # what was trained is found again when a cell runs again
    assert {path.suffix for path in kept} >= {".safetensors", ".shots", ".labels"}
