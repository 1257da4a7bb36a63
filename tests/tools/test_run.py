import asyncio
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from small_course import add

from course_tools.run import lessons, process, run
from course_tools.run.lessons import Lesson
from course_tools.run.outcome import Outcome
from course_utils.core.errors import CourseError

SLOW = """\
# %% tags=["parameters"]
PROFILE = None

# %%
import os, time
from course_utils.core import profiles
folder = profiles.results_folder(PROFILE)
(folder / "03_slow.json.part").write_text("half a file")
(folder / "pid").write_text(str(os.getpid()))
time.sleep(60)
"""

DYING = """\
# %% tags=["parameters"]
PROFILE = None
SEED = 0

# %%
import os, signal
os.kill(os.getpid(), signal.SIGKILL)
"""


def run_all(course, out, kernel="none", **more):
    return run.run(lessons.resolve([], course), "smoke", out, kernel=kernel, **more)


def test_results_are_the_same_with_and_without_jupyter_and_a_failing_lesson_stops_none(course, tmp_path, capsys):
    add(course, "03_dying", DYING)
    chosen = [Lesson(slug, course) for slug in ("02_broken", "03_dying", "01_tiny")]
    jupyter = run.run(chosen, "smoke", tmp_path / "jupyter", jobs=3, parameters={"SEED": 3})
    plain = run.run(chosen[2:], "smoke", tmp_path / "plain", kernel="none", parameters={"SEED": 3})

    assert [bool(outcome.error) for outcome in jupyter] == [True, True, False]
    assert jupyter[2].results == plain[0].results
    assert plain[0].results["arms"]["real"]["accuracy"]["test"]["values"] == [3.0, 3.25, 3.5]
    assert "cell 4/4" in jupyter[0].error and "\x1b" not in jupyter[0].error
    assert "the kernel did not finish" in jupyter[1].error

    made = {str(path.relative_to(tmp_path)) for path in tmp_path.glob("jupyter/**/*") if path.is_file()}
    assert made == {
        f"jupyter/smoke/{name}"
        for name in (
            *("01_tiny.ipynb", "01_tiny.html", "02_broken.failed.ipynb", "index.html"),
            *("results/01_tiny.json", "results/01_tiny.png"),
        )
    }
    executed = json.loads((tmp_path / "jupyter/smoke/01_tiny.ipynb").read_text())
    assert executed["cells"][-1]["outputs"][0]["data"]["text/plain"] == ["'No gain.'"]
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("01_tiny  ok  ") and line.endswith("data: standin  No gain.") for line in lines)


@pytest.mark.reliability("faults")
def test_results_of_an_earlier_run_are_not_taken_for_this_ones(course, tmp_path):
    tiny = Lesson("01_tiny", course)
    assert not run.run([tiny], "smoke", tmp_path, kernel="none")[0].error
    notebook = json.loads(tiny.notebook.read_text())
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"]).replace("(folder /", "# (folder /")
    tiny.notebook.write_text(json.dumps(notebook))
    outcome = run.run([tiny], "smoke", tmp_path, kernel="none")[0]
    assert "wrote no results/01_tiny.json" in outcome.error
    assert outcome.results is None
    assert not list((tmp_path / "smoke" / "results").iterdir())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [('"lesson": "01_tiny"', '"lesson": "02_broken"', "of lesson 01_tiny"), ("json.dumps(results)", "'{'", "not JSON")],
)
def test_results_of_another_lesson_or_half_a_file_are_a_failure(course, tmp_path, old, new, said):
    tiny = Lesson("01_tiny", course)
    notebook = tiny.notebook.read_text()
    escaped_old, escaped_new = json.dumps(old)[1:-1], json.dumps(new)[1:-1]
    assert escaped_old in notebook
    tiny.notebook.write_text(notebook.replace(escaped_old, escaped_new))
    outcome = run.run([tiny], "smoke", tmp_path, kernel="none")[0]
    assert said in outcome.error
    assert not (tmp_path / "smoke" / "results" / "01_tiny.json").exists()


def test_mistakes_are_found_before_anything_is_touched(course, tmp_path):
    with pytest.raises(CourseError, match="no parameter SPEED"):
        run_all(course, tmp_path / "out", parameters={"SPEED": 1})
    (course / "notebooks" / "02_broken.ipynb").unlink()
    with pytest.raises(CourseError, match=r"02_broken\.ipynb is missing"):
        run_all(course, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_lessons_side_by_side_share_the_cores(course, tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(run, "cores", lambda: 6)
    seen = []
    converse = process.converse
    monkeypatch.setattr(
        process, "converse", lambda c, w, env, h: seen.append(env.get("OMP_NUM_THREADS")) or converse(c, w, env, h)
    )
    run_all(course, tmp_path, jobs=2, again=True)
    run_all(course, tmp_path, jobs=8, again=True)
    run_all(course, tmp_path, again=True)
    assert seen == ["3", "3", "3", "3", None, None]


@pytest.mark.reliability("faults")
@pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")
@pytest.mark.parametrize(("kernel", "name"), [("none", "SIGINT"), ("none", "SIGTERM"), ("python3", "SIGINT")])
def test_ctrl_c_ends_the_lesson_and_leaves_nothing_half_written(course, tmp_path, kernel, name, figure):
    add(course, "03_slow", SLOW)
    folder = tmp_path / "out" / "smoke"
    # Under a test runner Ctrl-C may be ignored, and a process inherits that; a terminal's commands have it.
    start = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    start += "from course_tools.cli import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", start, *f"run 3 --profile smoke --kernel {kernel} --out".split(), str(tmp_path / "out")],
        env=os.environ | {"COURSE_ROOT": str(course)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    waited_until = time.monotonic() + 60
    while not (folder / "results" / "pid").exists() or not (folder / "results" / "pid").read_text():
        assert process.poll() is None and time.monotonic() < waited_until
        time.sleep(0.05)
    lesson = int((folder / "results" / "pid").read_text())
    process.send_signal(getattr(signal, name))
    assert process.communicate(timeout=30)[1].endswith("course: stopped\n")
    assert process.returncode == 130
    with pytest.raises(ProcessLookupError):
        for _ in range(100):  # a kernel's process is gone a moment after it has said that it stops
            os.kill(lesson, 0)
            time.sleep(0.05)
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["pid"]
    figure("Ctrl-C survived: course run", 1)


def test_a_line_ends_where_a_progress_bar_returns(course, tmp_path):
    source = 'import sys; sys.stderr.write("10%\\r20%\\rdone\\n\\nlast"); sys.stdout.write("x" * 200_000)'
    heard = []
    code = asyncio.run(process.converse([sys.executable, "-c", source], tmp_path, dict(os.environ), heard.append))
    assert code == 0
    assert heard == ["10%", "20%", "done", "", "last" + "x" * 200_000]


@pytest.mark.parametrize(
    ("last", "mistake"),
    [
        ("course_utils.core.errors.DataError: x.gz is cut off; replace it", "x.gz is cut off; replace it"),
        ("course_utils.gan.train.TrainingFailed: step 3: the loss of G is nan", "step 3: the loss of G is nan"),
        ("NotWritten: a.csv cannot be written", "a.csv cannot be written"),
        ("ZeroDivisionError: division by zero", None),
        ("pandas.errors.DataError: no numeric types", None),
    ],
)
def test_a_users_mistake_is_told_from_a_fault_of_ours(last, mistake):
    outcome = Outcome("01_tiny", 1.0, None, f"Traceback (most recent call last):\n  …\n{last}")
    assert outcome.mistake == mistake and outcome.line.endswith(mistake or last)
