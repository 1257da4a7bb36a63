"""Lesson 1 in JupyterLab, from the top to the end, as a learner would work through it."""

import csv

from browser import Walk, cell_with


def test_predict_solve_label_play_and_read_the_verdict(lab, page):
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
