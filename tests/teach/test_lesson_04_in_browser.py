"""Lesson 4 in JupyterLab: predict, ask the GAN, play its discriminator, rebuild a digit, answer, read the verdict."""

from browser import Walk, cell_with


def test_predict_ask_play_rebuild_and_read_the_verdict(lab, page):
    lesson = Walk(page, lab, "4")
    lesson.predict("Which draws more of the *variety* of real digits", "coverage", "we cannot tell")
    lesson.choose("partial(ring.picture", 0, "blob", "toy")
    lesson.slide("def walk(", "walk")
    lesson.slide("def with_components(", "components")
    lesson.choose("grid.setting(by_measure", 1, "1", "grid")

    game = cell_with(page, "def d_logits(")
    game.get_by_role("button", name="left is real").click()
    game.get_by_text("Round 2 of 20").wait_for()
    game.get_by_text("of 1 right").first.wait_for()
    lesson.shot(game, "game")
    assert len(lesson.record()["games"]["real-or-fake"]["choices"]) == 1

    lesson.shot(cell_with(page, "quiz(lesson.slug)"), "quiz")
    found = lesson.verdict()
    assert found["grid"] and found["measures"]["the cheat"]
