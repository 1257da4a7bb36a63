"""Lesson 4 in JupyterLab: predict, ask the GAN, play its discriminator, rebuild a digit, answer, read the verdict."""

import json

import pytest
from browser import cell_with, changed_picture, run_solved_lesson, screenshot

pytestmark = pytest.mark.browser


def slide(page, text, name):
    """Move the first slider of the cell that holds `text`, and wait for its new picture."""
    play = cell_with(page, text)
    before = play.locator("img").first.get_attribute("src")
    play.locator(".noUi-handle").first.focus()
    page.keyboard.press("ArrowRight")
    changed_picture(page, play, before)
    play.scroll_into_view_if_needed()
    screenshot(page, name)


def choose(page, text, box, option, name):
    """Choose another option in the explorer of the cell that holds `text`, and wait for its new picture."""
    play = cell_with(page, text)
    before = play.locator("img").first.get_attribute("src")
    play.get_by_role("combobox").nth(box).select_option(option)
    changed_picture(page, play, before)
    play.scroll_into_view_if_needed()
    screenshot(page, name)


def test_predict_ask_play_rebuild_and_read_the_verdict(lab, page):
    results = run_solved_lesson(page, lab, "4")
    record = lambda: json.loads((lab.home / "progress.json").read_text())["04_mnist_gan_vs_pca"]  # noqa: E731

    guess = cell_with(page, "Which draws more of the *variety* of real digits")
    guess.get_by_text("we cannot tell").click()
    guess.get_by_role("button", name="Record").click()
    guess.get_by_text("recorded", exact=False).first.wait_for()
    guess.scroll_into_view_if_needed()
    screenshot(page, "lesson_04_predict")
    assert record()["predictions"]["coverage"]

    choose(page, "partial(ring.picture", 0, "blob", "lesson_04_toy")
    slide(page, "def walk(", "lesson_04_walk")
    slide(page, "def with_components(", "lesson_04_components")
    choose(page, "grid.setting(by_measure", 1, "1", "lesson_04_grid")

    game = cell_with(page, "def d_logits(")
    game.get_by_role("button", name="left is real").click()
    game.get_by_text("Round 2 of 20").wait_for()
    game.get_by_text("of 1 right").first.wait_for()
    game.scroll_into_view_if_needed()
    screenshot(page, "lesson_04_game")
    assert len(record()["games"]["real-or-fake"]["choices"]) == 1

    question = cell_with(page, "quiz(lesson.slug)")
    question.scroll_into_view_if_needed()
    screenshot(page, "lesson_04_quiz")

    verdict = page.get_by_text("Verdict.").last
    verdict.scroll_into_view_if_needed()
    screenshot(page, "lesson_04_verdict")
    assert "standin" in verdict.locator("xpath=..").inner_text()
    found = json.loads((results / "04_mnist_gan_vs_pca.json").read_text())
    assert found["profile"] == "smoke" and found["grid"] and found["measures"]["the cheat"]
