"""Every device of a lesson, driven in JupyterLab as a learner drives it, and its state read afterwards."""

import base64
import csv
import json

import nbformat
from browser import notebook, open_notebook, output, run_all, screenshot, wait_idle, wait_run

from course_utils.teach.widgets.game import SEEN_S

QUIZ = """
[[question]]
key = "noise"
kind = "choice"
text = "One run each, $+17.8$ points at one batch size and $-10.8$ at another: what does the table show?"
[[question.option]]
text = "That GAN images help small batches and harm large ones"
why = "It may be so, but one run each cannot tell a pattern from luck."
[[question.option]]
text = "Mostly the spread between runs"
right = true
why = "Yes: without repeats the spread between runs is all one can be sure of."

[[question]]
key = "image"
kind = "number"
text = "How much is one test image of 400?"
unit = "points"
lo = 0.24
hi = 0.26
why = "1/400 is a quarter of a point."
"""

SETUP = """
import torch
from pathlib import Path
from sklearn.datasets import load_digits
from course_utils.teach.exercises import exercise
from course_utils.teach.plots import figures
from course_utils.teach.widgets import live, predict, quiz
from course_utils.teach.widgets.explorer import explorer
from course_utils.teach.widgets.label_tool import label_tool
from course_utils.teach import show
digits = torch.from_numpy((load_digits().images[:12] * 15.9).astype("uint8"))[:, None]
"""


def record(lab):
    """The learner's progress file."""
    return json.loads((lab.home / "progress.json").read_text())


def eventually(page, truth):
    """Wait until `truth()` holds: a click takes a moment to reach the kernel."""
    for _ in range(100):
        if truth():
            return
        page.wait_for_timeout(50)
    assert truth()


def test_labelling_by_mouse_and_keyboard(lab, page):
    cell = "tool = label_tool(digits, [str(i) for i in range(10)], 'labels.csv')"
    open_notebook(page, lab, notebook(SETUP, cell, "tool.labels.tolist()"), "label.ipynb")
    run_all(page)
    area, path = output(page, 1), lab.root / "labels.csv"

    def labels():
        return [row[1] for row in csv.reader(path.read_text().splitlines()[2:])] if path.exists() else []

    area.get_by_role("button", name="0", exact=True).click()
    eventually(page, lambda: labels() == ["0"])
    area.get_by_role("button", name="cannot read").click()
    eventually(page, lambda: labels() == ["0", "-1"])
    area.get_by_role("button", name="back").click()
    eventually(page, lambda: labels() == ["0"])
    field = area.get_by_placeholder("or type")
    for n, key in enumerate("123", 2):
        field.fill(key)
        field.press("Enter")
        eventually(page, lambda n=n: len(labels()) == n and field.input_value() == "")
    area.get_by_role("button", name="4", exact=True).focus()
    page.keyboard.press("Enter")
    eventually(page, lambda: labels() == list("01234"))
    area.get_by_text("Picture 6 of 12").wait_for()
    screenshot(page, "label_tool")
    run_all(page)  # it goes on where the file ends
    assert "[0, 1, 2, 3, 4, -1, -1" in output(page, 2).inner_text()
    output(page, 1).get_by_text("Picture 6 of 12").wait_for()


def test_a_prediction_is_recorded_once_and_revealed(lab, page):
    ask = """
arms = ["real only", "real + classic", "no clear winner"]
predict.predict("01_x", "winner", "Which arm **wins** on Dig-MNIST?", arms)
predict.predict("01_x", "gain", "By how much does the GAN change accuracy?", low=-10, high=10, step=0.5, unit="points")
"""
    tell = """
predict.reveal("01_x", "winner", "no clear winner", "All intervals overlap.")
predict.reveal("01_x", "gain", (-0.4, 0.9), "Zero is **inside** the interval.")
"""
    open_notebook(page, lab, notebook(SETUP, ask, tell), "predict.ipynb")
    run_all(page)
    area = output(page, 1)
    first, second = area.get_by_role("button", name="Record my prediction").all()
    assert first.is_disabled()
    area.get_by_text("no clear winner").click()
    first.click()
    slider = area.locator(".noUi-handle")
    slider.focus()
    slider.press("ArrowRight")
    slider.press("ArrowRight")
    second.focus()
    page.keyboard.press("Enter")
    screenshot(page, "predict")
    area.get_by_text("Recorded: 1 points").wait_for()
    predictions = record(lab)["01_x"]["predictions"]
    assert (predictions["winner"]["answer"], predictions["gain"]["answer"]) == ("no clear winner", 1.0)
    assert first.is_disabled() and second.is_disabled()
    run_all(page)
    assert output(page, 1).get_by_role("button", name="Record my prediction").first.is_disabled()
    said = output(page, 2).inner_text()
    assert "You predicted: no clear winner" in said and "You saw it coming." in said
    assert "Close: 0.1 points above it." in said
    output(page, 2).scroll_into_view_if_needed()
    screenshot(page, "reveal")


def test_the_explorer_follows_its_controls_and_shows_errors(lab, page):
    cell = """
def render(brightness, arrangement):
    if brightness == 10:
        raise ValueError("brightness 10 is too much")
    pixels = (digits.float() * brightness / 5).clamp(0, 255).to(torch.uint8)
    return figures.image_grid(pixels, cols=6 if arrangement == "wide" else 4)

explorer(render, "Twelve digits, lighter or darker.", brightness=(0, 10, 1), arrangement=["wide", "square"])
"""
    open_notebook(page, lab, notebook(SETUP, cell), "explore.ipynb")
    run_all(page)
    area = output(page, 1)
    picture = area.locator("img")
    picture.wait_for()
    assert picture.get_attribute("alt") == "Twelve digits, lighter or darker."

    def changes(action):
        before = picture.get_attribute("src")
        action()
        eventually(page, lambda: picture.get_attribute("src") != before)

    slider = area.locator(".noUi-handle")
    slider.focus()
    changes(lambda: slider.press("ArrowRight"))
    changes(lambda: area.locator("select").select_option("square"))
    screenshot(page, "explorer")
    slider.focus()
    slider.press("End")
    alert = area.get_by_role("alert")
    alert.wait_for()
    assert "ValueError: brightness 10 is too much" in alert.inner_text()
    screenshot(page, "explorer_error")
    changes(lambda: slider.press("Home"))
    assert not alert.count()


def test_the_quiz_marks_explains_and_keeps_its_answers(lab, page):
    folder = lab.root / "course" / "lessons" / "01_x"
    folder.mkdir(parents=True)
    (folder / "quiz.toml").write_text(QUIZ)
    cell = "quiz.ROOT = Path('course').resolve()\nquiz.quiz('01_x')"
    open_notebook(page, lab, notebook(SETUP, cell), "quiz.ipynb")
    run_all(page)
    area = output(page, 1)
    assert "quarter of a point" not in page.content() and "cannot tell" not in page.content()
    choice = area.get_by_role("button", name="Check").first
    area.get_by_text("That GAN images help").click()
    choice.click()
    area.get_by_text("one run each cannot tell a pattern from luck").wait_for()
    area.get_by_text("Mostly the spread").click()
    choice.click()
    area.get_by_text("✔ Right.").wait_for()
    field = area.get_by_placeholder("a number")
    field.fill("0,25")
    field.press("Tab")
    page.keyboard.press("Enter")
    area.get_by_text("1/400 is a quarter of a point.").wait_for()
    screenshot(page, "quiz")
    done = record(lab)["01_x"]["quiz"]
    assert done["noise"]["right"] and done["noise"]["tries"] == 2 and done["image"]["right"]


TRAINING = """
import time
from types import SimpleNamespace
def training(steps=2000):
    losses = {"D": [], "G": []}
    for step in range(1, steps + 1):
        time.sleep(0.02)
        losses["D"].append(0.7 - step / 9000)
        losses["G"].append(0.8 + step / 9000)
        yield SimpleNamespace(step=step, steps=steps, losses=losses, samples=lambda: digits.roll(step, 0))
run = training()
last = await live.watch(run, title="Toy GAN", every_s=0.2)
"""


def test_stop_ends_a_training_and_keeps_its_state(lab, page):
    open_notebook(page, lab, notebook(SETUP, TRAINING, "print('went on after step', last.step)"), "live.ipynb")
    run_all(page, wait=False)
    area = output(page, 1)
    picture = area.locator("img")
    picture.wait_for()
    before = picture.get_attribute("src")
    eventually(page, lambda: picture.get_attribute("src") != before)  # it moves
    screenshot(page, "live_running")
    area.get_by_role("button", name="Stop").click()
    wait_run(page)
    assert "stopped at step" in area.inner_text()
    assert area.locator("img[alt^='Toy GAN, step']").count() == 1
    assert not area.get_by_role("button", name="Stop").count()
    assert "went on after step" in output(page, 2).inner_text()
    screenshot(page, "live_stopped")


def test_the_kernel_s_interrupt_ends_a_training_too(lab, page):
    open_notebook(page, lab, notebook(SETUP, TRAINING, "print('kept', last.step)"), "interrupt.ipynb")
    run_all(page, wait=False)
    output(page, 1).locator("img").wait_for()
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_text("Interrupt Kernel", exact=True).click()
    wait_run(page)
    assert "interrupted at step" in output(page, 1).inner_text()
    assert "kept" in output(page, 2).inner_text()


def test_a_notebook_executed_headless_shows_pictures_with_alternative_text_before_it_is_run(
    lab, page, tmp_path, monkeypatch
):
    import papermill

    cell = """
fig = figures.confusion([[9, 1], [2, 8]], ["cow", "horse"], "two animals")
show.figure(fig, "Confusion matrix: a cow and two horses are mistaken.")
tool = label_tool(digits, [str(i) for i in range(10)], "none.csv")
explorer(lambda shift: figures.image_grid(digits.roll(shift, 0)), "Digits.", shift=(0, 10, 1))
item = SimpleNamespace(step=1, steps=1, losses={"D": [1.0]}, samples=lambda: digits)
last = await live.watch([item], title="GAN")
predict.predict("01_x", "later", "Which?", ["a", "b"])
"""
    nb = notebook(SETUP + "from types import SimpleNamespace", cell)
    nbformat.write(nb, tmp_path / "in.ipynb")
    monkeypatch.setenv("COURSE_HEADLESS", "1")
    papermill.execute_notebook(
        tmp_path / "in.ipynb", tmp_path / "out.ipynb", kernel_name="python3", progress_bar=False, cwd=tmp_path
    )
    stored = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert "widget-view" not in (tmp_path / "out.ipynb").read_text()
    pictures = [out for out in stored.cells[1].outputs if "image/png" in out.get("data", {})]
    assert len(pictures) == 4
    assert all(out.metadata["image/png"]["alt"] for out in pictures)
    assert all(base64.b64decode(out.data["image/png"]).startswith(b"\x89PNG") for out in pictures)
    open_notebook(page, lab, stored, "stored.ipynb")
    images = output(page, 1).locator("img")
    assert [bool(image.get_attribute("alt")) for image in images.all()] == [True] * 4
    assert all(image.evaluate("image => image.complete && image.naturalWidth > 100") for image in images.all())
    wait_idle(page)
    screenshot(page, "stored")


def test_the_game_is_played_by_mouse_and_keyboard(lab, page):
    cell = """
from course_utils.teach.widgets.game import real_or_fake
fake = 255 - digits
game = real_or_fake("04_x", digits, fake, torch.zeros(12), -torch.arange(12.0), "A handwritten digit.", rounds=6)
"""
    open_notebook(page, lab, notebook(SETUP, cell, "game.choices, game.truth.tolist()"), "game.ipynb")
    run_all(page)
    area = output(page, 1)
    pair = area.locator(".jp-OutputArea-output img")
    pair.first.wait_for()
    left, right = (area.get_by_role("button", name=f"{side} is real") for side in ("left", "right"))

    def shown(n):
        area.get_by_text(f"Round {n} of 6").wait_for()
        page.wait_for_timeout(2000 * SEEN_S)  # a look at the pair

    left.dblclick()
    shown(2)  # the second click answers no pair unseen
    right.focus()
    page.keyboard.press("Enter")
    shown(3)  # the focus stays: the next round needs no hand on the mouse
    page.keyboard.press("Space")
    shown(4)
    eventually(page, lambda: record(lab)["04_x"]["games"]["real-or-fake"]["choices"] == [0, 1, 1])
    assert "You: " in area.inner_text() and "D: " in area.inner_text()
    screenshot(page, "game")
    run_all(page)  # it goes on where it was left
    shown(4)
    for n in (5, 6):
        left.click()
        shown(n)
    left.click()
    for said in ("All rounds played.", "Only you were right in"):  # each arrives in a message of its own
        area.get_by_text(said).wait_for()
    eventually(page, left.is_disabled)
    screenshot(page, "game_over")


def test_what_moves_while_cells_run_is_drawn_in_its_turn_and_stays_alive(lab, page):
    explore = """
import asyncio, json, threading, time
drawn = []
def render(dots, cols):
    drawn.append([dots, cols, threading.current_thread() is threading.main_thread()])
    Path("drawn.new").write_text(json.dumps(drawn))
    Path("drawn.new").replace("drawn.json")  # the test never reads half a file
    return figures.image_grid(digits[:dots], cols=cols)
explorer(render, "Some of twelve digits.", dots=(1, 12, 1), cols=(2, 6, 1))
"""
    ask = 'predict.predict("01_x", "soon", "How much?", low=0, high=10, step=1)'
    awaits = "while drawn[-1][0] != 9: await asyncio.sleep(0.05)"
    blocks = "while not Path('go').exists(): time.sleep(0.05)"
    open_notebook(page, lab, notebook(SETUP, explore, ask, awaits, blocks), "busy.ipynb")
    run_all(page, wait=False)
    area, form = output(page, 1), output(page, 2)
    form.get_by_role("button").wait_for()
    dots, cols = area.locator(".noUi-handle").all()

    def drawn():
        return json.loads((lab.root / "drawn.json").read_text())

    def press(slider, times):
        slider.focus()
        for _ in range(times):
            slider.press("ArrowRight")

    press(dots, 2)  # from 7 to 9, which is what the cell awaits
    prompt = page.locator(".jp-CodeCell .jp-InputArea-prompt").nth(3)
    eventually(page, lambda: prompt.inner_text() == "[4]:")
    press(dots, 2)
    press(cols, 1)
    area.get_by_text("A cell is running").wait_for()
    assert drawn()[-1][:2] == [9, 4]
    press(form.locator(".noUi-handle"), 3)  # what draws nothing needs no turn
    form.get_by_role("button").click()
    form.get_by_text("Recorded: 8").wait_for()
    screenshot(page, "busy")
    (lab.root / "go").touch()
    wait_run(page)
    eventually(page, lambda: drawn()[-1][:2] == [11, 5])
    area.get_by_text("A cell is running").wait_for(state="hidden")
    press(dots, 1)
    eventually(page, lambda: drawn()[-1][:2] == [12, 5])
    assert all(in_main_thread for *_, in_main_thread in drawn())
