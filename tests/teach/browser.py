"""JupyterLab in a headless Chromium, for tests that do what a learner does.

Fixtures: `lab` (a server with settings and a learner's home of its own), `page` (fails on errors in the console).
`open_notebook` and `run_all` do the rest; pictures taken with `screenshot` lie under build/screens.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_tools.author import build
from course_tools.run.lessons import resolve

REPO = Path(__file__).parents[2]
SCREENS = REPO / "build" / "screens"
TOKEN = "test"
CALM = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},  # or cells out of sight are not in the page
}


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its address and the folder it serves; `home` is the learner's COURSE_HOME."""

    url: str
    root: Path
    home: Path


@pytest.fixture(scope="module")  # not the session: while it lives, its event loop keeps asyncio.run from other tests
def chromium():
    """A headless Chromium. Without one the test fails where CI is set, and is skipped elsewhere."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        reason = "no Chromium found; install one with: apt-get install -y chromium chromium-driver"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A JupyterLab server that knows nothing of the settings of whoever runs the tests."""
    base = tmp_path_factory.mktemp("lab")
    root, home = base / "root", base / "home"
    root.mkdir()
    for name, settings in CALM.items():
        path = base / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "COURSE_HOME": "home",
    }
    env = os.environ | {name: str(base / folder) for name, folder in folders.items()} | {"PYTHONPATH": str(REPO)}
    env.pop("COURSE_HEADLESS", None)
    port = _free_port()
    options = {
        "ServerApp.port_retries": 0,
        "IdentityProvider.token": TOKEN,
        "ServerApp.root_dir": root,
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command += [f"--{name}={value}" for name, value in options.items()]
    log = base / "server.log"
    with log.open("w") as file:
        server = subprocess.Popen(command, env=env, stdout=file, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for_server(f"{url}/api?token={TOKEN}", server, log)
        yield Lab(url, root, home)
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture
def page(chromium):
    """A page whose uncaught errors and console errors make the test fail at its end."""
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    page, errors = context.new_page(), []
    page.set_default_timeout(60_000)  # a busy machine imports PyTorch for half a minute
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda message: errors.append(f"{message.text} {message.location}") if message.type == "error" else None,
    )
    yield page
    context.close()
    assert not errors, errors


def notebook(*cells):
    """A notebook of these code cells."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
    return new_notebook(cells=[new_code_cell(source) for source in cells], metadata=kernel)


def open_notebook(page, lab, nb, name):
    """Put a notebook into the lab, open it, and wait until its kernel is idle."""
    nbformat.write(nb, lab.root / name)
    page.goto(f"{lab.url}/doc/tree/{name}?token={TOKEN}&reset")
    wait_idle(page)


def wait_idle(page):
    """Wait until the kernel has nothing to do."""
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()


def run_all(page, wait=True):
    """Run → Run All Cells, and (unless told otherwise) wait until every cell has run."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    if wait:
        wait_run(page)


def wait_run(page):
    """Wait until every code cell has its execution count."""
    prompts = page.locator(".jp-CodeCell .jp-InputArea-prompt")
    deadline = time.monotonic() + 120
    while not all(re.fullmatch(r"\[\d+\]:", text.strip()) for text in prompts.all_inner_texts()):
        assert time.monotonic() < deadline, f"cells still running: {prompts.all_inner_texts()}"
        page.wait_for_timeout(100)
    wait_idle(page)


def output(page, number):
    """The output area of the code cell of this number, from 0."""
    return page.locator(".jp-CodeCell").nth(number).locator(".jp-Cell-outputWrapper")


def cell_with(page, text):
    """The output area of the first code cell whose source holds `text`."""
    return page.locator(".jp-CodeCell").filter(has_text=text).first.locator(".jp-Cell-outputWrapper")


def run_solved_lesson(page, lab, number):
    """Run a lesson with its exercises solved, in smoke, in the lab; returns the folder of its results."""
    results = lab.root / f"results {number}"
    nb = build.notebook(resolve([number])[0], "teacher")
    first = next(cell for cell in nb.cells if "parameters" in cell.metadata.get("tags", []))
    named = {"COURSE_RESULTS": str(results), "COURSE_RUNS": str(lab.root / "runs")}
    first.source = f"import os\nos.environ |= {named!r}\n" + first.source.replace("PROFILE = None", 'PROFILE = "smoke"')
    for cell in nb.cells:  # to click in what a learner may have folded
        cell.metadata.pop("jupyter", None)
    open_notebook(page, lab, nb, f"lesson {number}.ipynb")
    run_all(page)
    assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").all_inner_texts() == []
    assert page.get_by_text("Correct.").count() == sum("check" in c.metadata.get("tags", []) for c in nb.cells)
    return results


def changed_picture(page, play, before):
    """Wait until the picture in this output area is no longer `before` (its `src`)."""
    page.wait_for_function("([box, old]) => box.querySelector('img').src !== old", arg=[play.element_handle(), before])


def screenshot(page, name):
    """Keep a picture of the page under build/screens."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png")


class Walk:
    """What a learner does with a lesson that has run in the lab, its exercises solved; every stop leaves a picture."""

    def __init__(self, page, lab, number):
        self.page, self.lab = page, lab
        self.slug, self.name = resolve([number])[0].slug, f"lesson_{number:0>2}"
        self.results = run_solved_lesson(page, lab, number)

    def shot(self, area, name):
        area.scroll_into_view_if_needed()
        screenshot(self.page, f"{self.name}_{name}")

    def record(self):
        """What the learner's own record holds of this lesson."""
        return json.loads((self.lab.home / "progress.json").read_text())[self.slug]

    def predict(self, text, key, choice=None):
        """Record a prediction, after another choice than the one that stands there."""
        guess = cell_with(self.page, text)
        if choice is not None:
            guess.get_by_text(choice).click()
        guess.get_by_role("button", name="Record").click()
        guess.get_by_text("recorded", exact=False).first.wait_for()
        self.shot(guess, "predict")
        assert self.record()["predictions"][key]

    def choose(self, text, box, option, name):
        """Choose another option in the explorer of the cell that holds `text`."""
        self._play(text, lambda play: play.get_by_role("combobox").nth(box).select_option(option), name)

    def slide(self, text, name):
        """Move the first slider of the explorer in the cell that holds `text`, by its arrow key."""
        self._play(text, lambda play: play.locator(".noUi-handle").first.press("ArrowRight"), name)

    def _play(self, text, move, name):
        play = cell_with(self.page, text)
        before = play.locator("img").first.get_attribute("src")
        move(play)
        changed_picture(self.page, play, before)
        self.shot(play, name)

    def answer(self, option):
        """Choose this option in the quiz; returns the quiz's output area."""
        question = cell_with(self.page, "quiz(lesson.slug)")
        question.get_by_text(option).click()
        self.shot(question, "quiz")
        return question

    def verdict(self):
        """Look at the verdict, which names the sample or stand-in; returns the results file's contents."""
        verdict = self.page.get_by_text("Verdict.").last
        self.shot(verdict, "verdict")
        said = verdict.locator("xpath=..").inner_text()
        assert "standin" in said or "sample" in said
        found = json.loads((self.results / f"{self.slug}.json").read_text())
        assert found["profile"] == "smoke"
        return found


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for_server(url, server, log):
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            assert server.poll() is None, log.read_text()[-2000:]
            time.sleep(0.2)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")
