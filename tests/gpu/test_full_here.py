"""A full run on one GPU: in one process, one job after the other, in minutes; tried on the CPU."""

import pytest

from course_tools.full import expected
from course_tools.full.run import FullRun, run
from course_tools.run.lessons import Lesson
from course_utils.core.errors import CourseError

FULL = """
import torch

from course_utils.experiment.full import Job

DATASET = "mnist"


def jobs(S):
    trained = [Job(f"train/{seed}", "train", {"seed": seed, "updates": S["updates"]}) for seed in range(2)]
    return [*trained, Job("sum", "total", {}, tuple(trained))]


def train(given, *, seed, updates):
    at = given.checkpoint.with_suffix(".at")
    first = int(at.read_text()) if at.exists() else 0
    weights = torch.ones(8, 8, device=given.device)
    for n in range(first, updates):
        weights @ weights
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_text(str(n + 1))
        yield (n + 1) / updates
    return {}, {"sum": seed + updates, "device": given.device.type}


def total(given):
    yield 0.0
    return {}, {"sum": sum(facts["sum"] for _, facts in given.needed)}
"""


@pytest.fixture
def whole(tmp_path):
    folder = tmp_path / "lessons" / "01_tiny"
    folder.mkdir(parents=True)
    (folder / "full.py").write_text(FULL)
    (folder / "full.toml").write_text("updates = 10\n")
    return FullRun(Lesson("01_tiny", tmp_path), tmp_path, "standin")


def test_jobs_are_done_one_by_one_until_time_is_up_and_go_on_later(whole, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr("course_utils.experiment.pieces.time.time", lambda: next(clock))
    ((job, ended),) = whole.pieces.computed(5, "cpu")
    assert job.name == "train/0" and not ended.done and not ended.error and 0 < whole.pieces.store.progress(job)[0] < 1
    done = [(job.name, ended.done) for job, ended in whole.pieces.computed(None, "cpu")]
    assert done == [("train/0", True), ("train/1", True), ("sum", True)]
    assert whole.pieces.store.find(whole.pieces.jobs[2])[1]["sum"] == 21 and not whole.pieces.todo()


def test_what_updates_compute_is_counted(whole):
    (kind,) = expected.kinds(whole)
    assert (kind.work, kind.jobs, kind.updates) == ("train", 2, 10)
    assert kind.flops == 2 * 8**3
    assert kind.minutes == pytest.approx(2 * 10 * kind.kernels * expected.KERNEL_S / 60) and kind.kernels >= 1


def test_a_gpu_that_is_not_there_is_refused(whole, tmp_path):
    with pytest.raises(CourseError, match="no GPU here"):
        run(whole.lesson, tmp_path, source="standin", device="cuda")
