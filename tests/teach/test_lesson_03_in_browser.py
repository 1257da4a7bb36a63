"""Lesson 3 in JupyterLab: count the animals, turn the translators, walk through epochs, answer, read the verdict."""

from browser import Walk


def test_predict_turn_translate_and_read_the_verdict(lab, page):
    lesson = Walk(page, lab, "3")
    lesson.predict("How many **independent animals** does it show?", "animals")
    lesson.choose("cycles.picture(", 0, "swaps", "cycles")
    lesson.slide("def walk(", "walk")
    lesson.answer("Only that each translation keeps what is needed to undo it")
    found = lesson.verdict()
    assert found["gave_up"] and found["folds"]["animals"]
