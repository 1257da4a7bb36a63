"""Lesson 2 in JupyterLab: starve a class, play with the toy, walk in latent space, answer, read the verdict."""

import json

import pytest
from browser import cell_with, changed_picture, run_solved_lesson, screenshot

pytestmark = pytest.mark.browser


def play_with(page, text, box, option, name):
    """Choose another option in the explorer of the cell that holds `text`, and wait for its new picture."""
    play = cell_with(page, text)
    before = play.locator("img").first.get_attribute("src")
    play.get_by_role("combobox").nth(box).select_option(option)
    changed_picture(page, play, before)
    play.scroll_into_view_if_needed()
    screenshot(page, name)


def test_predict_starve_play_and_read_the_verdict(lab, page):
    results = run_solved_lesson(page, lab, "2")

    guess = cell_with(page, "what will the paired difference")
    guess.get_by_text("we cannot tell").click()
    guess.get_by_role("button", name="Record").click()
    guess.get_by_text("recorded", exact=False).first.wait_for()
    guess.scroll_into_view_if_needed()
    screenshot(page, "lesson_02_predict")
    assert json.loads((lab.home / "progress.json").read_text())["02_emnist_bagan"]["predictions"]["winner"]

    play_with(page, "def what_is_left(", 1, "50 %", "lesson_02_starve")
    play_with(page, "mixture.picture(", 1, "arc", "lesson_02_toy")
    play_with(page, "def between(", 2, "no autoencoder", "lesson_02_walk")

    question = cell_with(page, "quiz(lesson.slug)")
    question.get_by_text("Weight: an error on a zero counts").click()
    question.scroll_into_view_if_needed()
    screenshot(page, "lesson_02_quiz")

    verdict = page.get_by_text("Verdict.").last
    verdict.scroll_into_view_if_needed()
    screenshot(page, "lesson_02_verdict")
    assert "standin" in verdict.locator("xpath=..").inner_text()
    found = json.loads((results / "02_emnist_bagan.json").read_text())
    assert found["profile"] == "smoke" and found["starved"]["class"] == 0
    kept = list((lab.root / "runs").iterdir())  # what was trained is found again when a cell runs again
    assert any(path.suffix == ".safetensors" for path in kept) and any(path.suffix == ".labels" for path in kept)
