"""Lesson 5 in JupyterLab: predict, move the class border, turn latent space, walk from shoe to shoe, read a verdict."""

from browser import Walk


def test_predict_play_and_read_the_verdict(lab, page):
    lesson = Walk(page, lab, "5")
    lesson.predict("what will its accuracy be, compared", "gain", "we cannot tell")
    lesson.choose("borders.picture", 0, "3.0", "toy")
    lesson.slide("def grid(", "grid")
    lesson.choose("def between(", 1, "Bag", "walk")
    lesson.choose("def moment(", 0, "head on real only", "moment")
    lesson.answer("On the same 10 % that the classifier gets")
    assert set(lesson.verdict()["acgan"]) == {"head on real and fake", "head on real only"}
    kept = list((lab.root / "runs").iterdir())  # what was trained is found again when a cell runs again
    assert len(kept) > 3 and {path.suffix for path in kept} == {".safetensors"}
