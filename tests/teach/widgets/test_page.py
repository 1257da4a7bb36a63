"""What waits for its turn, with a second thread in the place of JupyterLab's; the real one is in test_in_browser.py."""

import asyncio
import threading

import ipywidgets as w
import pytest
import torch
from matplotlib.figure import Figure

from course_utils.teach import show
from course_utils.teach.widgets import explorer, game, label_tool, page, panel, predict, quiz


def elsewhere(act):
    """Run `act()` in the event loop of another thread, and wait for it."""

    async def once():
        act()
        await asyncio.sleep(3 * page.PATIENCE_S)  # its timers, too

    thread = threading.Thread(target=asyncio.run, args=[once()])
    thread.start()
    return thread


def test_many_calls_beside_a_cell_are_one_turn_after_it(monkeypatch):
    monkeypatch.setattr(page, "PATIENCE_S", 0.01)
    acted, told = [], []

    async def cell():
        call = page.in_main_thread(lambda: acted.append(threading.current_thread()), told.append)
        elsewhere(lambda: [call(n) for n in range(5)]).join()  # the main thread is busy with waiting
        assert acted == [] and told == [page.BUSY]
        await asyncio.sleep(0)
        assert acted == [threading.main_thread()]
        elsewhere(lambda: call("again")).join()
        await asyncio.sleep(0)
        assert acted == 2 * [threading.main_thread()]

    asyncio.run(cell())


def test_an_error_does_not_end_the_turns(monkeypatch):
    monkeypatch.setattr(page, "PATIENCE_S", 0.01)
    tries = []

    def act():
        tries.append(1)
        raise ValueError("this picture")

    async def cell():
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        call = page.in_main_thread(act, lambda _: None)
        for _ in range(2):
            elsewhere(call).join()
            await asyncio.sleep(0)

    asyncio.run(cell())
    assert len(tries) == 2


@pytest.mark.parametrize("kind", [w.VBox, w.HBox])
def test_every_widget_of_a_form_goes_where_the_page_sends_it(kind, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    slider, button = w.IntSlider(), w.Button()
    form = kind([w.HBox([slider]), button])
    page.show(form, {"text/plain": "a slider"})
    (bundle,) = shown
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == form.model_id
    assert bundle["text/plain"] == "a slider"
    assert slider.comm._reply_subshell_for is None and button.comm._reply_subshell_for is None


def test_every_device_leaves_more_than_its_name_where_no_kernel_keeps_it_alive(monkeypatch, tmp_path):
    left = []
    monkeypatch.setattr(page, "show", lambda form, instead: left.append(instead))
    monkeypatch.setattr(show, "interactive", lambda: True)
    pixels, said = torch.zeros(4, 1, 8, 8, dtype=torch.uint8), torch.arange(4.0)
    explorer.explorer(lambda size: Figure(figsize=(1, 1)), "A <square>.", size=["small"])
    predict.predict("01_x", "a", "Which?", ["left", "right"])
    predict.predict("01_x", "b", "How many?", low=0, high=10, step=1, unit="points")
    quiz.quiz("00_start_here")
    game.real_or_fake("01_x", pixels, pixels, said, said, "A digit.")
    label_tool.label_tool(pixels, ["0"], tmp_path / "labels.csv")
    panel.progress_panel(["00_start_here"])
    drawing, choice, number, *questions, pairs, labels, table = left
    assert "<img alt=" in drawing["text/html"] and "size = small" in drawing["text/html"]
    assert "- left\n- right" in choice["text/markdown"] and "from 0 to 10 points" in number["text/plain"]
    assert questions and all(question["text/markdown"].strip() for question in questions)
    assert "image/png" in pairs and "image/png" in labels
    assert "00_start_here" in table["text/plain"] and "<table" in table["text/html"]
