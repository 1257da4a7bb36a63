import csv
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from small_course import add_sweep

from course_tools import cli
from course_tools.run import lessons
from course_tools.sweep import dask_client, sweep
from course_utils.core.errors import CourseError
from course_utils.core.profiles import ROOT

README = (ROOT / "README.md").read_text("utf-8")


@pytest.fixture
def lesson(tmp_path):
    return add_sweep(tmp_path / "course")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A Dask cluster of two workers that somebody else has started: its workers lie in a folder of their own."""
    from distributed import LocalCluster

    here = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("elsewhere"))
    try:
        with LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=":0") as cluster:
            os.chdir(here)
            yield cluster.scheduler_address
    finally:
        os.chdir(here)


def rows(folder, without=("seconds", "device")):
    with (folder / "sweep.csv").open(newline="") as file:
        return [{name: value for name, value in row.items() if name not in without} for row in csv.DictReader(file)]


@pytest.mark.reliability("faults")
def test_a_killed_worker_loses_nothing_and_the_second_call_does_nothing(lesson, address, tmp_path, capsys, monkeypatch):
    grid = {"a": [1, 21], "b": [0.5, 2]}
    monkeypatch.setenv("DIED_ONCE", str(tmp_path / "died"))
    assert sweep.run(lesson, grid, 3, "smoke", tmp_path / "killed", workers=2) == {}
    assert (tmp_path / "died").exists()
    capsys.readouterr()
    before = (tmp_path / "killed" / "sweep.csv").stat().st_mtime_ns
    assert sweep.run(lesson, grid, 3, "smoke", tmp_path / "killed", scheduler="nobody is asked") == {}
    assert "12 tasks, 12 found" in (said := capsys.readouterr().out) and "nothing to do" in said
    assert (tmp_path / "killed" / "sweep.csv").stat().st_mtime_ns == before

    undisturbed = {"a": [1, 20], "b": [0.5, 2]}
    sweep.run(lesson, undisturbed, 3, "smoke", tmp_path / "whole", scheduler=address)
    known = {(r["a"], r["b"], r["seed"], r["metric"]): float(r["value"]) for r in rows(tmp_path / "whole")}
    found = rows(tmp_path / "killed")
    assert len(found) == len(known) == 24
    for row in found:
        a = int(row["a"]) - (row["a"] == "21")
        more = int(row["a"]) - a
        extra = more if row["metric"] == "sum" else more * float(row["b"]) * 2
        assert float(row["value"]) == known[str(a), row["b"], row["seed"], row["metric"]] + extra


@pytest.mark.reliability("faults")
def test_poison_and_errors_are_reported_and_the_rest_is_finished(lesson, tmp_path, capsys):
    failed = sweep.run(lesson, {"a": [1, 13, 2, 7, 3], "b": [1, 2]}, 1, "smoke", tmp_path, workers=2)
    assert list(failed) == ["a=13 b=1.0, seed 0", "a=13 b=2.0, seed 0", "a=7 b=1.0, seed 0", "a=7 b=2.0, seed 0"]
    out = capsys.readouterr().out
    assert "6 of 10 tasks are in" in out
    assert "failed: a=13 b=1.0, seed 0; a=13 b=2.0, seed 0\nevery worker that computed it died" in out
    assert "failed: a=7 b=1.0, seed 0; a=7 b=2.0, seed 0\nTraceback" in out and "seven is refused" in out
    assert [(r["a"], r["b"]) for r in rows(tmp_path) if r["metric"] == "sum"] == [
        (a, b) for a in "123" for b in ("1.0", "2.0")
    ]


def test_a_cluster_that_fails_to_close_costs_nothing(lesson, tmp_path, monkeypatch):
    """Now and then Dask fails so while it starts a worker anew that a task killed."""
    from distributed import LocalCluster

    leave = LocalCluster.__exit__

    def failing(*given):
        leave(*given)
        raise AssertionError("can only join a started process")

    monkeypatch.setattr(LocalCluster, "__exit__", failing)
    assert sweep.run(lesson, {"a": [1]}, 1, "smoke", tmp_path, workers=1) == {}
    assert [r["a"] for r in rows(tmp_path) if r["metric"] == "sum"] == ["1"]


def test_tasks_that_waited_beside_a_killer_are_computed_alone(lesson, tmp_path):
    from distributed import LocalCluster

    blamed = {"allowed_failures": 0}
    one = {"n_workers": 1, "threads_per_worker": 4, "dashboard_address": ":0"}
    with LocalCluster(**one, scheduler_kwargs=blamed) as others:
        failed = sweep.run(lesson, {"a": [13, 1, 2, 3]}, 1, "smoke", tmp_path, scheduler=others.scheduler_address)
    assert list(failed) == ["a=13 b=0.5, seed 0"]
    assert [r["a"] for r in rows(tmp_path) if r["metric"] == "sum"] == ["1", "2", "3"]


def test_any_cluster_will_do_without_a_disk_in_common(lesson, address, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert sweep.run(lesson, {"a": [3]}, 2, "smoke", tmp_path / "out", scheduler=address) == {}
    found = rows(tmp_path / "out")
    for row in found:
        assert [row[name] for name in ("lesson", "profile", "a", "b")] == ["01_tiny", "smoke", "3", "0.5"]
    assert [(r["seed"], r["metric"], float(r["value"])) for r in found] == [
        *(("0", "sum", 3.5), ("0", "product", 3.0), ("1", "sum", 4.5), ("1", "product", 3.0))
    ]
    about = json.loads((tmp_path / "out" / "sweep.json").read_text())
    assert about["code"][found[0]["code"]]["versions"]["torch"]


def test_only_what_is_missing_or_of_older_code_is_computed(lesson, address, tmp_path, capsys):
    def call(**grid):
        sweep.run(lesson, grid, 1, "smoke", tmp_path, scheduler=address)
        return capsys.readouterr().out

    call(a=[1])
    assert "3 tasks, 1 found" in call(a=[2, 1, 3])
    assert [r["a"] for r in rows(tmp_path)] == ["2", "2", "1", "1", "3", "3"]
    source = lesson.folder / "sweep.py"
    source.write_text(source.read_text().replace('"sum": a', '"sum": 100 + a'))
    assert "1 tasks, 0 found" in call(a=[1])
    sums = {r["a"]: (float(r["value"]), r["code"]) for r in rows(tmp_path) if r["metric"] == "sum"}
    assert {a: value for a, (value, _) in sums.items()} == {"2": 2.5, "3": 3.5, "1": 101.5}
    assert sums["2"][1] == sums["3"][1] != sums["1"][1]
    settings = lesson.folder / "settings.toml"
    settings.write_text(settings.read_text().replace("[quick]\nfactor = 3", "[quick]\nfactor = 4"))
    assert "1 tasks, 1 found" in call(a=[1])  # the settings of another profile
    settings.write_text(settings.read_text().replace("factor = 2", "factor = 5"))
    assert "1 tasks, 0 found" in call(a=[1])


def test_without_a_function_a_task_is_a_run_of_the_lesson(lesson, address, tmp_path):
    (lesson.folder / "sweep.py").unlink()
    plan = sweep.plan(lesson, {"DATA": ["standin"]}, 2, "smoke")
    assert [task.seed for task in plan] == [0, 3]  # it uses three seeds from SEED on
    assert sweep.run(lesson, {"DATA": ["standin"]}, 2, "smoke", tmp_path / "out", scheduler=address) == {}
    found = rows(tmp_path / "out")
    assert {(r["arm"], r["metric"], r["test_set"], r["DATA"]) for r in found} == {
        ("real", "accuracy", "test", "standin")
    }
    assert [float(r["value"]) for r in found] == [0, 0.25, 0.5, 3, 3.25, 3.5]
    with pytest.raises(CourseError, match="01_tiny has no parameter SPEED"):
        sweep.plan(lesson, {"SPEED": [1]}, 1, "smoke")
    with pytest.raises(CourseError, match="use --profile and --seeds"):
        sweep.plan(lesson, {"SEED": [1]}, 1, "smoke")


def test_a_machine_with_other_code_or_data_refuses(lesson):
    from dataclasses import replace

    (task,) = sweep.plan(lesson, {"a": [1]}, 1, "smoke")
    assert [row["value"] for row in task.compute().rows] == [1.5, 1.0]
    assert "install the same" in replace(task, code="0" * 12).compute().error
    source = lesson.folder / "sweep.py"
    source.write_text('DATASET = "mnist"\n\ndef cell(*, data, device): return {"n": len(data["train"])}\n')
    (task,) = sweep.plan(lesson, {}, 1, "smoke")
    answer = task.compute()
    assert answer.data["source"] == "sample" and answer.device.startswith(("cpu", "cuda"))
    assert "data of mnist differ (sample)" in replace(task, data_sha256={"train": "0"}).compute().error


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        *(([text], "not of the form NAME=VALUE,VALUE") for text in ("a", "a=", "a=1,,2", "=1")),
        (["a=1", "a=2"], "given twice"),
        (["a=1,2,1"], "has 1 twice"),
        (["c=1"], "it has a, b"),
        *(([f"a={value}"], f"has '?{value}'?, expected a value like 1") for value in ("one", "1.5")),
    ],
)
def test_a_grid_that_does_not_fit_is_refused(lesson, texts, said):
    with pytest.raises(CourseError, match=said):
        sweep.plan(lesson, sweep.parse_grid(texts), 1, "smoke")


def test_whole_numbers_may_stand_for_fractions_and_defaults_for_what_is_left_out(lesson):
    (task,) = sweep.plan(lesson, sweep.parse_grid(["b=2"]), 1, "smoke")
    assert task.grid == {"a": 1, "b": 2.0} and str(task) == "a=1 b=2.0, seed 0"


@pytest.mark.parametrize(
    ("source", "said"),
    [("x = 1", "has no function cell"), ("def cell(*, sed): ...", "asks for sed; it may ask for seed, profile")],
)
def test_a_function_that_does_not_fit_is_refused(lesson, source, said):
    (lesson.folder / "sweep.py").write_text(source)
    with pytest.raises(CourseError, match=said):
        sweep.plan(lesson, {}, 1, "smoke")


def test_the_sweep_of_the_readme_is_all_of_the_papers_settings():
    (words,) = re.findall(r"^course sweep 4 (.*)$", README, re.MULTILINE)
    args = cli.parser().parse_args(["sweep", "4", *words.split()])
    (lesson,) = lessons.resolve(["4"])
    plan = sweep.plan(lesson, sweep.parse_grid(args.grid), args.seeds, "smoke")
    assert len(plan) == 27 * 5 and len({task.id for task in plan}) == 27 * 5
    assert {type(value) for task in plan for value in task.grid.values()} == {int, bool}


def test_the_jobs_for_slurm_hold_what_the_file_says(tmp_path):
    file = tmp_path / "slurm.toml"
    (example,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    file.write_text(example)
    with dask_client.slurm_cluster(file) as jobs:
        script = jobs.job_script()
    for line in ("#SBATCH -p gpu", "#SBATCH -t 04:00:00", "#SBATCH --mem=15G", "#SBATCH --gres=gpu:1"):
        assert f"{line}\n" in script
    assert "export COURSE_DATA=$HOME/datasets\n" in script and "--nthreads 1 " in script and sys.executable in script
    for wrong, said in (('colour = "red"', "unexpected keyword argument 'colour'"), ("memory", "Expected '='")):
        file.write_text(wrong)
        with pytest.raises(CourseError, match=said):
            dask_client.slurm_cluster(file)


@pytest.mark.parametrize(
    ("module", "more", "said"),
    [("distributed", {}, r"\[sweep\]"), ("dask_jobqueue", {"slurm": "file.toml"}, r"\[slurm\]")],
)
def test_what_is_not_installed_is_named(lesson, tmp_path, monkeypatch, module, more, said):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(CourseError, match=f"install it with: pip install -e '.{said}'"):
        sweep.run(lesson, {}, 1, "smoke", tmp_path, **more)


def test_an_address_at_which_nobody_answers_is_the_users_mistake(lesson, tmp_path):
    from dask import config

    with (
        config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(CourseError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1"),
    ):
        sweep.run(lesson, {}, 1, "smoke", tmp_path, scheduler="tcp://127.0.0.1:1")


@pytest.mark.reliability("faults")
@pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")
def test_ctrl_c_keeps_what_is_finished_and_ends_the_workers(lesson, tmp_path, figure):
    start = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    start += "from course_tools.cli import main\nif __name__ == '__main__': sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", start, "sweep", "1", "--grid", "a=60", "--seeds", "200"),
            *("--profile", "smoke", "--workers", "2", "--out", str(tmp_path / "out")),
        ],
        env=os.environ | {"COURSE_ROOT": str(lesson.root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )
    waited_until = time.monotonic() + 60
    while not (tmp_path / "out" / "sweep.csv").exists() or len(rows(tmp_path / "out")) < 4:
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < waited_until
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers as well
    said = process.communicate(timeout=40)[0]
    assert process.returncode == 130 and said.endswith("course: stopped\n") and "Traceback" not in said
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.killpg(process.pid, 0)
            time.sleep(0.05)
    assert 4 <= len(found := rows(tmp_path / "out")) < 400
    assert [r["metric"] for r in found] == ["sum", "product"] * (len(found) // 2)
    figure("Ctrl-C survived: course sweep", 1)


@pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")
def test_being_told_to_end_is_like_ctrl_c():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), dask_client.interruptible():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
    assert signal.getsignal(signal.SIGTERM) == before
