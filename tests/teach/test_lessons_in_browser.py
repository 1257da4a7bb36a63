"""Lessons 1 to 5 in JupyterLab, each from the top to the end, as a learner would work through it."""

import csv

from browser import Walk, cell_with


def test_lesson_1(lab, page):
    lesson = Walk(page, lab, "1")
    lesson.predict("nothing but the seed", "spread", "3 to 6 points")

    tool = cell_with(page, "tool = label_tool")
    tool.get_by_role("button", name="7", exact=True).click()
    tool.get_by_role("button", name="cannot read").click()
    tool.get_by_text("Picture 3 of").wait_for()
    lesson.shot(tool, "label")
    (file,) = (lesson.results.parent / "labels").glob("*.csv")
    assert [row[1] for row in csv.reader(file.read_text().splitlines()[2:])] == ["7", "-1"]

    lesson.choose("def walk(", 0, "8", "play")

    question = lesson.answer("Dig-MNIST, drawn by other people")
    question.get_by_role("button", name="Check").first.click()
    question.get_by_text("A CNN that is nearly perfect on the test set").wait_for()
    lesson.shot(question, "quiz_checked")
    lesson.verdict()


def test_lesson_2(lab, page):
    lesson = Walk(page, lab, "2")
    lesson.predict("what will the paired difference", "winner", "we cannot tell")
    lesson.choose("def what_is_left(", 1, "50 %", "starve")
    lesson.choose("mixture.picture(", 1, "arc", "toy")
    lesson.choose("def between(", 2, "no autoencoder", "walk")
    lesson.answer("Weight: an error on a zero counts")
    assert lesson.verdict()["starved"]["class"] == 0
    kept = list((lab.root / "runs").iterdir())  # what was trained is found again when a cell runs again
    assert len(kept) > 1 and all(path.suffix == ".safetensors" for path in kept)


def test_lesson_3(lab, page):
    lesson = Walk(page, lab, "3")
    lesson.predict("How many **independent animals** does it show?", "animals")
    lesson.choose("cycles.picture(", 0, "swaps", "cycles")
    lesson.slide("def walk(", "walk")
    lesson.answer("Only that each translation keeps what is needed to undo it")
    found = lesson.verdict()
    assert found["gave_up"] and found["folds"]["animals"]


def test_lesson_4(lab, page):
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


def test_lesson_5(lab, page):
    lesson = Walk(page, lab, "5")
    lesson.predict("what will its accuracy be, compared", "gain", "we cannot tell")
    lesson.choose("borders.picture", 0, "3.0", "toy")
    lesson.slide("def grid(", "grid")
    lesson.choose("def between(", 1, "Bag", "walk")
    lesson.choose("def moment(", 0, "head on real only", "moment")
    lesson.answer("On the same 10 % that the classifier gets")
    assert set(lesson.verdict()["acgan"]) == {"head on real and fake", "head on real only"}
    kept = list((lab.root / "runs").iterdir())  # what was trained is found again when a cell runs again
    assert {path.suffix for path in kept} == {".safetensors"} and len(kept) > 1
