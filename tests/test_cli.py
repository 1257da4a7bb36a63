import json
import os
import shlex
import shutil
import subprocess
import sys

import pytest

from course_tools import cli
from course_tools.author import build, ledger_page, readme
from course_tools.run import lessons, run
from course_tools.run.lessons import Lesson
from course_utils.core.profiles import ROOT
from course_utils.data import cards, sources

LESSON = """\
import json
from course_utils.core import profiles
folder = profiles.results_folder(PROFILE)
(folder / "01_a.json").write_text(json.dumps({"lesson": "01_a", "profile": PROFILE, "verdict": f"Seed {SEED}."}))
"""


@pytest.fixture
def course(tmp_path):
    """Runs `course …`, as a process, in a course of one lesson, which lies at its attribute `root`."""
    root = tmp_path / "course"
    (root / "lessons" / "01_a").mkdir(parents=True)
    (root / "lessons" / "01_a" / "lesson.py").touch()
    (root / "notebooks").mkdir()
    parameters = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": "PROFILE = None\nSEED = 0"}
    lesson = {"cell_type": "code", "metadata": {}, "source": LESSON}
    (root / "notebooks" / "01_a.ipynb").write_text(json.dumps({"cells": [parameters, lesson]}))
    (root / "README.md").write_text("".join(f"{mark}\n" for block in readme.BLOCKS for mark in readme.marks(block)))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COURSE_")}

    def call(*args, **more):
        return subprocess.run(
            [sys.executable, "-m", "course_tools", *args],
            env=environment | {"COURSE_ROOT": str(root)} | more,
            capture_output=True,
            encoding="utf-8",
            timeout=300,
        )

    call.root = root
    return call


def test_a_run_reports_each_lesson_in_a_line(course, tmp_path):
    done = course(
        "run", "1", "--kernel", "none", "-p", "SEED=4", "--out", str(tmp_path / "out"), COURSE_PROFILE="smoke"
    )
    assert done.returncode == 0, done.stderr
    line = done.stdout.splitlines()[-2]
    assert line.startswith("01_a  ok  ") and line.endswith("Seed 4.")
    assert (tmp_path / "out" / "smoke" / "index.html").is_file()  # the environment's profile


def test_a_failed_lesson_is_exit_code_1(course):
    notebook = course.root / "notebooks" / "01_a.ipynb"
    notebook.write_text(notebook.read_text().replace("import json", "raise ValueError(3)"))
    done = course("run", "--kernel", "none")
    assert done.returncode == 1
    assert "01_a  failed" in done.stdout and "ValueError: 3" in done.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("run 7", "'7'; there are 01_a"),
        ("run --profile tpu", "'tpu'; choose one of smoke, quick, full"),
        ("run --kernel julia", "'julia'; choose one of python3, none"),
        ("run --kernel none -p SPEED=1", "it has PROFILE, SEED"),
        ("run -p SEED", "'SEED' is not of the form NAME=VALUE"),
        ("run --jobs 0", "--jobs is 0, expected 1 or more"),
        ("sweep 1 --grid SEED", "'SEED' is not of the form NAME=VALUE,VALUE"),
        ("sweep 1 --seeds 0", "--seeds is 0, expected 1 or more"),
        ("sweep 1 --scheduler a --slurm b", "not allowed with argument --scheduler"),
        ("rum", "invalid choice: 'rum'"),
        ("", "required: COMMAND"),
        ("data list imagenet", "'imagenet'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(course, args, said):
    done = course(*args.split())
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("course: ") and said in done.stderr and done.stderr.count("\n") == 1
    assert not (course.root / "build").exists()


def test_the_check_of_notebooks_lists_faults_and_fails_and_names_a_readme_that_is_missing(course):
    done = course("notebooks", "--check")
    assert done.returncode == 1
    assert all(line.startswith(("01_a: ", "README.md: ")) for line in done.stdout.splitlines())
    assert "source is newer than its notebook" in done.stdout and "block of lessons" in done.stdout
    (course.root / "README.md").unlink()
    done = course("notebooks", "--check")
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "README.md has no place" in done.stderr


def test_data_is_listed_fetched_and_verified(monkeypatch, tmp_path, capsys):
    def said(*words):
        code = cli.main(["data", *words])
        return code, capsys.readouterr().out

    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setattr(sources, "fetch", lambda name: tmp_path / name)
    code, out = said("list")
    assert code == 0 and all(name in out for name in cards.CARDS)
    assert said("fetch", "mnist") == (0, f"mnist: {tmp_path / 'mnist'}\n")
    code, out = said("verify", "mnist")
    assert code == 1 and "mnist: 0 of 4 files are whole" in out and out.endswith("course data fetch\n")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "mine"))
    (tmp_path / "mine" / cards.card_of("mnist").folder).mkdir(parents=True)
    code, out = said("verify", "mnist")  # what is wrong there no download mends
    assert code == 1 and "or unset COURSE_DATA" in out and "course data fetch" not in out


def test_the_start_notebook_is_built_last(monkeypatch):
    """Its map shows what came out of the others."""
    built = []
    chosen = [Lesson(slug) for slug in ("00_start", "01_a", "02_b")]
    monkeypatch.setattr(lessons, "resolve", lambda names: chosen)
    monkeypatch.setattr(build, "build", lambda lesson: built.append(lesson.slug) or True)
    monkeypatch.setattr(readme, "update", lambda: None)
    monkeypatch.setattr(ledger_page, "write", lambda: None)
    assert cli.main(["notebooks"]) == 0
    assert built == ["01_a", "02_b", "00_start"]


def prints(course, text):
    """Let the course's lesson print and conclude `text`."""
    notebook = course.root / "notebooks" / "01_a.ipynb"
    whole = json.loads(notebook.read_text())
    whole["cells"][1]["source"] = LESSON.replace('f"Seed {SEED}."', repr(text)) + f"print({text!r})\n"
    notebook.write_text(json.dumps(whole))
    return course.root / "build" / "smoke" / "results" / "01_a.json"


@pytest.mark.parametrize(
    "environment", [{"PYTHONIOENCODING": "cp1252"}, {"PYTHONIOENCODING": "ascii"}, {"PYTHONUTF8": "0", "LC_ALL": "C"}]
)
def test_no_encoding_of_the_output_ends_a_command(course, environment):
    results = prints(course, "A loss of −7 牛")
    done = course("run", "--profile", "smoke", "--kernel", "none", PYTHONCOERCECLOCALE="0", **environment)
    assert done.returncode == 0, done.stderr
    assert sum(line.endswith("loss of -7 ?") for line in done.stdout.splitlines()) == 2
    assert "−7 牛" in results.read_text("utf-8")


@pytest.mark.skipif(os.name != "posix", reason="writes a command as POSIX shells take it")
@pytest.mark.parametrize("redirected", ["| true", ">&-", "2>&-", "<&-"])
def test_a_reader_that_is_gone_ends_no_run(course, redirected):
    results = prints(course, "much to read " * 1000)
    command = f"'{sys.executable}' -m course_tools run --profile smoke --kernel none {redirected}"
    environment = os.environ | {"COURSE_ROOT": str(course.root), "PYTHONUNBUFFERED": "1"}
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and results.is_file(), done.stderr
    assert "Error" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_output_that_is_lost_is_reported(course):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "course_tools", "notebooks", "--check"]
        environment = os.environ | {"COURSE_ROOT": str(course.root)}
        done = subprocess.run(command, env=environment, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "No space left on device" in done.stderr and "Traceback" not in done.stderr


def test_a_second_run_into_the_same_folder_is_refused(course):
    folder = course.root / "build" / "smoke"
    with run.locked(Lesson("01_a", course.root), folder):
        done = course("run", "--profile", "smoke", "--kernel", "none")
    assert done.returncode == 2 and "01_a is being run into" in done.stderr and "--out" in done.stderr
    assert not (folder / "index.html").exists()
    assert course("run", "--profile", "smoke", "--kernel", "none").returncode == 0


# ------------------------------------------------------------------ make


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
def test_a_folder_of_any_name_reaches_the_command():
    for target in ("run", "student", "site"):
        for name in ("my out", "it's $HOME"):
            command = ["make", "--no-print-directory", "-n", target, "OUT=" + name.replace("$", "$$")]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
            assert shlex.split(done.stdout.splitlines()[-1])[-1] == name


@pytest.mark.reliability("faults")
@pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
def test_set_up_mends_an_environment_without_pip_and_one_that_was_moved(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("pyproject.toml", "requirements.lock"):
        (tmp_path / name).touch()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / ".venv"], check=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(
        ["make", "setup"], cwd=tmp_path, env=environment, capture_output=True
    )  # its last step needs a course
    subprocess.run([tmp_path / ".venv/bin/python", "-m", "pip", "--version"], env=environment, check=True)

    def asks():
        return subprocess.run(["make", "-q", "setup"], cwd=tmp_path, capture_output=True).returncode

    ready = tmp_path / ".venv" / ".ready"
    ready.write_text(f"{tmp_path}\n")
    assert asks() == 0
    ready.write_text("/elsewhere\n")
    assert asks() == 1
