"""The same in a Jupyter kernel, where a cell may be async and a person presses Stop."""

import os
import subprocess

import pytest
from jupyter_client.manager import start_new_kernel

pytestmark = pytest.mark.reliability("learners' code")

SETUP = """
import asyncio, os, sys, time
from course_utils.teach.exercises.exercise import Exercise, Wrong

class Double(Exercise):
    lesson, title, minutes, difficulty, limit = "01_x", "Double it", 3, 1, 0.3

    @staticmethod
    def reference(x):
        return 2 * x

    def test(self, answer):
        if answer(3) != 6:
            raise Wrong("Not the double.")

ex = Double()

def loops(x):
    while True:
        pass

def prints(x):
    for i in range(200_000):
        print(i)
    return 2 * x

def waits(x):
    print("it runs", flush=True)
    time.sleep(10**6)
"""


class Kernel:
    """A kernel: what a cell says, and how it ends."""

    def __init__(self, manager, client):
        self.manager, self.client = manager, client

    def run(self, code, on_output=lambda text: None):
        """(what the cell shows as one text, its error's name or None)"""
        said = []

        def note(message):
            content = message["content"]
            said.append(content.get("text") or content.get("data", {}).get("text/plain", ""))
            on_output(said[-1])

        reply = self.client.execute_interactive(code, timeout=300, output_hook=note, allow_stdin=False)["content"]
        assert all(part["source"] != "ask_exit" for part in reply.get("payload", [])), "the kernel is about to end"
        return "".join(said), reply.get("ename")


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    env = os.environ | {"COURSE_HOME": str(tmp_path_factory.mktemp("home")), "COURSE_HEADLESS": "1"}
    manager, client = start_new_kernel(startup_timeout=300, env=env, stderr=subprocess.DEVNULL)
    kernel = Kernel(manager, client)
    assert kernel.run(SETUP) == ("", None)
    yield kernel
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def goes_on(kernel):
    """The kernel is the same one, and a right answer passes."""
    said, error = kernel.run("ex.limit = 60; ex.check(lambda x: 2 * x); ex.limit = 0.3")
    return error is None and "Correct" in said and kernel.manager.is_alive()


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("ex.check(lambda x: sys.exit(1))", "`SystemExit: 1`"),
        ("ex.check(lambda x: input())", "`StdinNotImplementedError"),
        ("ex.check(loops)", "stopped after 0.3 s"),
        ("await asyncio.sleep(0)\nex.check(loops)", "stopped after 0.3 s"),
        ("ex.check(waits)", "stopped after 0.3 s"),
        ("await asyncio.sleep(0)\nex.check(waits)", "stopped after 0.3 s"),
    ],
)
def test_the_check_says_so_and_the_notebook_goes_on(kernel, cell, says, figure):
    said, error = kernel.run(cell)
    assert error is None and "Incorrect" in said and says in said
    assert goes_on(kernel)
    figure("hostile answers tried", 1)


def test_many_lines_do_not_reach_the_notebook(kernel):
    said, error = kernel.run("ex.limit = 600; ex.check(prints)")
    assert error is None and "Correct" in said and "more characters are not shown" in said and len(said) < 3000
    assert goes_on(kernel)


def test_stop_ends_a_check_that_has_much_time_left(kernel):
    said, error = kernel.run(
        "ex.limit = 10**6; ex.check(waits)",
        lambda text: kernel.manager.interrupt_kernel() if "it runs" in text else None,
    )
    assert "it runs" in said and error == "KeyboardInterrupt"
    assert goes_on(kernel)
