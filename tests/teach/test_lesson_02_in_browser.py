"""Lesson 2 in JupyterLab: starve a class, play with the toy, walk in latent space, answer, read the verdict."""

from browser import Walk


def test_predict_starve_play_and_read_the_verdict(lab, page):
    lesson = Walk(page, lab, "2")
    lesson.predict("what will the paired difference", "winner", "we cannot tell")
    lesson.choose("def what_is_left(", 1, "50 %", "starve")
    lesson.choose("mixture.picture(", 1, "arc", "toy")
    lesson.choose("def between(", 2, "no autoencoder", "walk")
    lesson.answer("Weight: an error on a zero counts")
    assert lesson.verdict()["starved"]["class"] == 0
    kept = list((lab.root / "runs").iterdir())  # what was trained is found again when a cell runs again
    assert any(path.suffix == ".safetensors" for path in kept) and any(path.suffix == ".labels" for path in kept)
