import json
import subprocess
import sys

import pytest

from course_tools.run import plain


def notebook(folder, *sources):
    """A notebook of these code cells, the first one tagged `parameters`."""
    cells = [
        {"cell_type": "code", "id": f"id-{n}", "metadata": {"tags": ["parameters"] if n == 1 else []}, "source": source}
        for n, source in enumerate(sources, 1)
    ]
    path = folder / "lesson.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "metadata": {}, "source": "# Hi"}, *cells]}))
    return path


def test_parameters_are_assigned_after_their_cell(tmp_path, capsys):
    assert plain.execute(notebook(tmp_path, "SEED = 0\nold = SEED", "SEED, old"), {"SEED": 7})
    assert "(7, 0)" in capsys.readouterr().out


def test_last_expressions_are_shown_unless_none_or_silenced(tmp_path, capsys):
    assert plain.execute(notebook(tmp_path, "1", "2;", "None", "x = 3", "display('four')", "def f(): ...", ""), {})
    shown = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("[cell")]
    assert shown == ["1", "'four'"]


def test_cells_share_one_running_loop(tmp_path, capsys):
    path = notebook(
        tmp_path,
        "import asyncio\nqueue = asyncio.Queue()",
        "task = asyncio.get_running_loop().create_task(queue.put('from a task'))",
        "got = await queue.get()",
        "[await asyncio.sleep(0, got) for _ in range(2)]",
    )
    assert plain.execute(path, {})
    assert "['from a task', 'from a task']" in capsys.readouterr().out


def test_the_lesson_is_a_module_of_its_own(tmp_path, capsys):
    path = notebook(
        tmp_path,
        "from dataclasses import dataclass\nimport inspect, pickle, sys",
        "@dataclass\nclass Point:\n    x: int\ndef twice(x):\n    return 2 * x  # as taught",
        "__name__, sys.modules[__name__].Point is Point, pickle.loads(pickle.dumps(Point(2))).x",
        "print(inspect.getsource(twice))",
    )
    assert plain.execute(path, {})
    out = capsys.readouterr().out
    assert "('lesson', True, 2)" in out
    assert "return 2 * x  # as taught" in out


@pytest.mark.parametrize("broken", ["x = 1\n1 / 0", "def f():\n    return 1 / 0\nf()", "await a", "x ="])
def test_a_failure_names_its_cell_and_ends_the_lesson(tmp_path, capsys, broken):
    assert not plain.execute(notebook(tmp_path, "x = 0", broken, "print('not reached')"), {})
    out = capsys.readouterr().out
    assert "[failed] cell 2/3 (id id-2)" in out
    assert "not reached" not in out
    assert '"<cell 2, id id-2>", line' in out
    assert "run/plain.py" not in out


def test_the_process_needs_no_jupyter_and_can_start_workers(tmp_path):
    path = notebook(
        tmp_path,
        "SEED = 0",
        "import multiprocessing, sys\nfrom math import factorial",
        "with multiprocessing.get_context('spawn').Pool(1) as pool:\n    print(pool.map(factorial, [SEED]))",
        "print([m for m in ('IPython', 'nbformat', 'papermill', 'torch') if m in sys.modules])",
    )
    command = [sys.executable, "-m", "course_tools.run.plain", str(path), '{"SEED": 5}']
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("[cell ") == 4
    assert "[120]\n" in done.stdout
    assert "[]\n" in done.stdout


def test_a_notebook_that_is_not_there_is_the_users_mistake(tmp_path, capsys):
    assert plain.main([str(tmp_path / "none.ipynb")]) == 2
    assert "none.ipynb is missing" in capsys.readouterr().err
