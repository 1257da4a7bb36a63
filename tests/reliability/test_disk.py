"""A disk that is full and a folder that takes no file: the message says what to do, and what was there stays."""

import json
import os
import subprocess
import sys

import faults
import pytest
import torch
from matplotlib.figure import Figure
from small_course import TINY, add
from small_gans import METHODS

from course_tools.run import finished, report
from course_tools.run.outcome import Outcome
from course_tools.sweep.table import Table
from course_tools.sweep.task import Answer, Task
from course_utils import experiment
from course_utils.classify.networks import LeNet
from course_utils.classify.train import adam
from course_utils.core import checkpoint, files
from course_utils.core.errors import CourseError
from course_utils.data.images import Images
from course_utils.gan import train
from course_utils.teach import progress, shots
from course_utils.teach.lesson import Lesson
from course_utils.teach.widgets.label_tool import LabelTool

pytestmark = pytest.mark.reliability("faults")


class SmallDisk:
    """A file system of `kib` KiB of its own, in memory."""

    def __init__(self, folder, kib):
        self.folder, self.ballast = folder, folder / "ballast"
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)], capture_output=True, text=True
        )
        if mounted.returncode:
            pytest.skip(f"this user may not make a small disk: {mounted.stderr.strip()}")

    def fill(self):
        """Not a byte is left."""
        with self.ballast.open("wb", buffering=0) as file:
            for size in (4096, 1):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError:
                    continue

    def free(self):
        self.ballast.unlink()


@pytest.fixture
def disk(tmp_path):
    """A disk of half a MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not sys.platform.startswith("linux"):
        pytest.skip("small disks are made as Linux makes them")
    yield SmallDisk(folder, 512)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


# ------------------------------------------------------------------ what is written, by whomever


def save_checkpoint(folder, n):
    path = folder / "run.safetensors"
    checkpoint.save(path, {"weights": torch.full((2000,), float(n))}, {"step": n})
    return path


def results(n):
    return dict.fromkeys(experiment.REQUIRED, n) | {"lesson": "01_tiny", "more": list(range(2000))}


def mark_results(folder, n):
    finished.keep(folder / "01_tiny.json", results(n), {"parameters": {}, "code": "0"}, 1.0)
    return folder / "01_tiny.json"


def write_report(folder, n):
    report.write(folder, "smoke", [Outcome("01_tiny", 1.0, None, "an error " * 1000 * n)])
    return folder / "index.html"


def write_table(folder, n):
    table, task = Table(folder), Task("01_tiny", "smoke", {"a": n}, 0, {}, "0" * 12)
    table.add(task, Answer([{"metric": f"m{k}", "value": 0.5} for k in range(300)]), {}, {"commit": None})
    return table.path


def save_lesson(folder, n):
    os.environ["COURSE_RESULTS"] = str(folder)
    lesson = Lesson("01_tiny", "Tiny", "smoke", {"seeds": 1}, torch.device("cpu"), 0, None, {})
    lesson.save(Figure((n, n)), "a square", arms={}, differences={}, updates={}, verdict="None.")
    return folder / "01_tiny.png"


def give_label(folder, n):
    tool = LabelTool(torch.zeros(2000, 1, 2, 2, dtype=torch.uint8), "0123456789", folder / "labels.csv")
    tool._given = dict.fromkeys(range(2000), n)
    tool.give(0, n)
    return tool.path


WRITERS = [save_checkpoint, mark_results, write_report, write_table, save_lesson, give_label]


@pytest.mark.parametrize("write", WRITERS)
def test_a_full_disk_is_named_and_what_was_there_stays(disk, write, figure, monkeypatch):
    monkeypatch.setenv("COURSE_RESULTS", "set by save_lesson, and taken back")
    path = write(disk.folder, 1)
    before = path.read_bytes()
    disk.fill()
    with pytest.raises(files.NotWritten) as refused:
        write(disk.folder, 2)
    said = str(refused.value)
    assert said.startswith(str(disk.folder)) and "No space left on device; free some space" in said
    assert path.read_bytes() == before and not faults.parts(disk.folder)
    disk.free()
    assert write(disk.folder, 2).read_bytes() != before
    figure("full disks survived", 1)


# ------------------------------------------------------------------ what goes on without a place to keep things


@pytest.fixture(params=["a full disk", "a read-only folder"])
def refusing(request, tmp_path):
    """(a folder, a function after which it takes no file, one after which it does, what the system says)."""
    if request.param == "a full disk":
        disk = request.getfixturevalue("disk")
        yield disk.folder, disk.fill, disk.free, "No space left on device; free some space there"
        return
    folder = tmp_path / "closed"
    folder.mkdir()
    if subprocess.run(["mount", "--bind", folder, folder], capture_output=True).returncode:
        pytest.skip("this user may not mount a folder")

    def remount(how):
        subprocess.run(["mount", "-o", f"remount,bind,{how}", folder], check=True)

    yield folder, lambda: remount("ro"), lambda: remount("rw"), "Read-only file system; make its folder writable"
    subprocess.run(["umount", "--lazy", folder], check=True)


def trained(path, steps=12):
    method = METHODS["fc"]
    G, D, stream = method.build()
    return train.fit(method.step, G, D, stream, steps=steps, seed=3, reports=4, checkpoint=path, checkpoint_s=0)


def test_a_training_goes_on_without_its_checkpoints(refusing, figure):
    folder, close, reopen, told = refusing
    earlier = save_checkpoint(folder, 1).read_bytes()
    close()
    with pytest.warns(UserWarning, match=f"mine.safetensors cannot be written: {told}, or .*the training goes on"):
        found = trained(folder / "mine.safetensors")
    assert found.losses == trained(None).losses
    assert (folder / "run.safetensors").read_bytes() == earlier
    assert not faults.parts(folder)
    reopen()
    assert trained(folder / "mine.safetensors").losses == found.losses and (folder / "mine.safetensors").exists()
    figure("full or closed folders survived", 1)


def test_what_was_measured_is_not_lost_with_its_cache(refusing, figure):
    folder, close, reopen, told = refusing
    close()
    with pytest.warns(UserWarning, match=rf"safetensors cannot be written: {told}, or set COURSE_RUNS.*goes on"):
        first = measured(folder)
    assert first.cached == 0 and not faults.parts(folder)
    reopen()
    assert [measured(folder).cached for _ in range(2)] == [0, 2]
    assert first.table.equals(measured(folder).table)
    figure("full or closed folders survived", 1)


def measured(folder):
    pixels = torch.randint(0, 256, (40, 1, 28, 28), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    images = Images(pixels, torch.arange(40) % 10, tuple("0123456789"))
    plan = experiment.Plan({"real": experiment.real}, experiment.Recipe(LeNet, adam(), 2, 8, "float32"), ("test",))
    return experiment.run({"": plan}, images, {"test": images.seal()}, [0, 1], workers=1, cache=folder / "runs")[""]


def test_samples_of_a_training_are_there_though_they_are_not_kept(refusing, figure):
    folder, close, _, told = refusing
    close()
    method, noted = METHODS["fc"], {}
    run = train.training(method.step, *method.build(), steps=4, seed=3, reports=2)
    with pytest.warns(UserWarning, match=rf"safetensors cannot be written: {told}, or set COURSE_RUNS"):
        assert [report.step for report in shots.noted(run, noted, folder / "runs")] == [2, 4]
    assert sorted(noted) == [2, 4] and not faults.parts(folder)
    figure("full or closed folders survived", 1)


def test_a_learners_record_stays_as_it_was_and_the_lesson_goes_on(refusing, monkeypatch, figure):
    folder, close, reopen, told = refusing
    monkeypatch.setenv("COURSE_HOME", str(folder))
    progress.record("01_a", "quiz", "first", {"right": True})
    before = (folder / "progress.json").read_bytes()
    close()
    with pytest.warns(UserWarning, match=rf"progress.json cannot be written: {told}, or set COURSE_HOME"):
        progress.record("01_a", "quiz", "second", {"right": True, "more": "m" * 5000})
    with pytest.raises(CourseError, match="give another path"):
        progress.export(folder / "mine.csv")
    with pytest.raises(CourseError, match="set COURSE_HOME"):
        progress.reset()
    assert (folder / "progress.json").read_bytes() == before and not faults.parts(folder)
    reopen()
    progress.record("01_a", "quiz", "second", {"right": True})
    assert set(progress.read()["01_a"]["quiz"]) == {"first", "second"}
    assert set(json.loads(progress.reset().read_text())["01_a"]["quiz"]) == {"first", "second"}
    figure("full or closed folders survived", 1)


# ------------------------------------------------------------------ commands


@pytest.mark.parametrize("kernel", ["none", "python3"])
def test_a_run_on_a_full_disk_says_so(disk, tmp_path, amount, figure, kernel):
    if kernel == "python3" and not amount(0, 1):
        pytest.skip("two more runs in Jupyter are for `make reliability`")
    root = tmp_path / "course"
    lesson, out = add(root, "01_tiny", TINY), disk.folder / "out"
    run = f"run 1 --profile smoke --kernel {kernel} --out {out}"
    assert faults.course(run, root).returncode == 0
    page = out / "smoke" / "index.html"
    before = page.read_bytes()
    disk.fill()
    lesson.notebook.write_text(lesson.notebook.read_text().replace("No gain.", "Some gain."))
    refused = faults.course(run, root)
    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert "No space left on device; free some space there, or name another folder with --out" in refused.stderr
    assert "Traceback" not in refused.stderr and not faults.parts(disk.folder)
    assert page.read_bytes() == before
    assert all(json.loads(path.read_text()) for path in out.glob("smoke/results/*.json"))
    disk.free()
    assert faults.course(run, root).returncode == 0 and page.read_bytes() != before
    figure("full disks survived", 1)


@pytest.mark.parametrize(
    "command", ["run 1 --profile smoke --kernel none", "student 1", "sweep 1 --seeds 1 --profile smoke --workers 1"]
)
def test_a_folder_without_permission_is_named(tmp_path, amount, figure, command):
    if not command.startswith("run") and not amount(0, 1):
        pytest.skip("the other commands are for `make reliability`")
    root, closed = tmp_path / "course", tmp_path / "closed"
    add(root, "01_tiny", TINY)
    closed.mkdir()
    for out in (closed, closed / "new" / "folder"):
        closed.chmod(0o555)
        done = faults.course(f"{command} --out {out}", root, user=faults.ordinary())
        closed.chmod(0o755)
        assert done.returncode == 2, done.stdout + done.stderr
        assert f"course: {closed}" in done.stderr and "Permission denied; make its folder writable, or" in done.stderr
        assert "Traceback" not in done.stderr and not list(closed.iterdir())
        figure("full or closed folders survived", 1)
