"""The start notebook in JupyterLab: read, predicted, played, stopped."""

import json

from browser import (
    cell_with,
    changed_picture,
    notebook,
    open_notebook,
    output,
    run_all,
    run_solved_lesson,
    screenshot,
    wait_run,
)

from course_tools.author import build
from course_tools.run.lessons import resolve


def shot(page, area, name):
    area.scroll_into_view_if_needed()
    screenshot(page, f"start_{name}")


def sources(*texts):
    """The source of the first code cell that holds each text."""
    cells = [cell.source for cell in build.notebook(resolve(["0"])[0], "teacher").cells if cell.cell_type == "code"]
    return [next(cell for cell in cells if text in cell) for text in texts]


def test_a_learner_s_first_hour(lab, page):
    results = run_solved_lesson(page, lab, "0")
    assert json.loads((results / "00_start_here.json").read_text())["profile"] == "smoke"
    screenshot(page, "start_top")

    doctor = cell_with(page, "doctor.panel()")
    assert "things checked" in doctor.inner_text() and "Python" in doctor.inner_text()
    shot(page, doctor, "doctor")
    shot(page, cell_with(page, "course_map.table"), "map")

    guess = cell_with(page, '"half",\n    "They play')
    guess.get_by_text("close to zero").click()
    guess.get_by_role("button", name="Record").click()
    guess.get_by_text("Recorded: close to zero").wait_for()
    shot(page, guess, "predict")

    play = cell_with(page, "coins.picture(")
    before = play.locator("img").get_attribute("src")
    play.get_by_role("combobox").first.select_option("10000")
    changed_picture(page, play, before)
    shot(page, play, "coins")

    shot(page, cell_with(page, "line.noted(game, G, D, moments)"), "trained")
    past = cell_with(page, "line.picture(moments[moment]")
    slider = past.locator(".noUi-handle")
    slider.focus()
    for key in ("Home", "ArrowRight"):
        before = past.locator("img").get_attribute("src")
        slider.press(key)
        changed_picture(page, past, before)
    shot(page, past, "moment")
    shot(page, cell_with(page, "def late("), "table")
    shot(page, cell_with(page, "quiz(lesson.slug)"), "quiz")

    panel = cell_with(page, "progress_panel(")
    panel.get_by_role("button", name="Count again").click()
    row = panel.get_by_role("row").filter(has_text="00_start_here")
    row.get_by_text("1 of 2").first.wait_for()
    assert "2 of 2" in row.inner_text()  # both exercises
    shot(page, panel, "panel")


def test_the_game_is_stopped_while_it_trains_and_can_be_looked_at(lab, page):
    imports, start, train, explore = sources(
        "import torch", "lesson = start(", "line.noted(game, G, D", "line.picture(moments[moment]"
    )
    start = f'PROFILE, SEED, DEVICE = "smoke", 0, None\n{start}\nS["steps"] = 100_000'
    look = explore.replace("exercise_2.answer_or_reference", "lambda p, q: p / (p + q)")
    open_notebook(page, lab, notebook(imports, start, train, look), "start live.ipynb")
    run_all(page, wait=False)
    area = output(page, 2)
    picture = area.locator("img")
    picture.wait_for()
    changed_picture(page, area, picture.get_attribute("src"))  # it moves
    shot(page, area, "live")
    area.get_by_role("button", name="Stop").click()
    wait_run(page)
    assert "stopped at step" in area.inner_text() and not area.get_by_role("button", name="Stop").count()
    past = output(page, 3)
    before = past.locator("img").get_attribute("src")
    past.locator(".noUi-handle").focus()
    past.locator(".noUi-handle").press("Home")
    changed_picture(page, past, before)
