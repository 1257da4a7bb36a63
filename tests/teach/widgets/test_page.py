"""What waits for its turn, with a second thread in the place of JupyterLab's; the real one is in test_in_browser.py."""

import asyncio
import threading

import ipywidgets as w
import pytest

from course_utils.teach.widgets import page


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
    monkeypatch.setattr("IPython.display.display", lambda form: None)
    slider, button = w.IntSlider(), w.Button()
    page.show(kind([w.HBox([slider]), button]))
    assert slider.comm._reply_subshell_for is None and button.comm._reply_subshell_for is None
