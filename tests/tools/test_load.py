"""Many lessons, one after the other and at once: none fails, none changes another's numbers, nothing is left behind."""

import json
import os
import shutil
import sys
import time
from collections import defaultdict
from contextlib import suppress
from itertools import cycle, islice
from pathlib import Path

import pytest
from small_course import TINY, add
from watched import Watched

from course_tools.run import run
from course_tools.run.lessons import find
from course_utils.core.profiles import ROOT

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds processes as Linux does")


def computed(results):
    """What results tell of the numbers, not of their run: all but seconds, and the mark of a finished run."""
    if isinstance(results, dict):
        return {name: computed(value) for name, value in results.items() if name != "run" and not name.endswith("_s")}
    return results


class Course:
    """A course in a folder of its own: all lessons in full, else a small one. Its runs, and what was in it before."""

    def __init__(self, folder, full):
        self.root, self.folder = folder / "course", folder
        if full:
            for name in ("lessons", "notebooks", "results"):
                shutil.copytree(ROOT / name, self.root / name)
        else:
            add(self.root, "01_tiny", TINY)
        self.lessons, self.before, self.runs = find(self.root), self.files(), []

    def files(self):
        return sorted(path for path in self.root.rglob("*") if path.is_file())

    def start(self, lesson, threads):
        """`course run` of one lesson in a kernel."""
        folder = self.folder / f"run {len(self.runs)}"
        options = ["--profile", "smoke", "--out", folder / "out"]
        environment = {"COURSE_ROOT": str(self.root), "OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"}
        watched = Watched([sys.executable, "-m", "course_tools", "run", lesson.slug, *options], folder, environment)
        self.runs.append((lesson.slug, threads, watched))
        return watched

    def results(self, watched):
        """What a run computed, as text: an assertion then shows the line that differs."""
        (path,) = (watched.folder / "out" / "smoke" / "results").glob("*.json")
        return json.dumps(computed(json.loads(path.read_text("utf-8"))), indent=1)


@pytest.fixture(scope="module")
def course(tmp_path_factory, request):
    return Course(tmp_path_factory.mktemp("load"), request.config.getoption("reliability") is not None)


def held(course, runs, figure, name):
    """No run failed or left anything; notes how much memory the runs took, in megabytes."""
    peaks = defaultdict(int)
    for slug, _, watched in runs:
        assert watched.process.returncode == 0, watched.output.read_text()
        assert watched.left() == []
        assert sorted(path.name for path in watched.folder.iterdir()) == ["out", "output", "runtime", "temporary"]
        peaks[slug] = max(peaks[slug], watched.peak)
    assert course.files() == course.before
    figure("lesson runs held", len(runs))
    figure(name, ", ".join(f"{slug} {peak / 1e6:.0f} MB" for slug, peak in sorted(peaks.items())))


@pytest.mark.reliability("load")
def test_lessons_run_one_after_the_other(course, amount, figure):
    rounds = [(threads, lesson) for threads in (1, 1, 1, 2, 2)[: amount(1, 5)] for lesson in course.lessons]
    for threads, lesson in rounds:
        course.start(lesson, threads).wait()
    held(course, course.runs, figure, "memory of one lesson")


@pytest.mark.reliability("load")
def test_lessons_run_at_once(course, amount, figure):
    chosen, before = list(islice(cycle(course.lessons), amount(2, 8))), len(course.runs)
    running = [course.start(lesson, 1) for lesson in chosen]
    while any(watched.process.poll() is None for watched in running):
        for watched in running:
            watched.look()
        time.sleep(0.5)  # between two looks; the end is the event
    held(course, course.runs[before:], figure, "memory of each lesson at once")


@pytest.mark.reliability("determinism")
def test_each_lesson_gave_the_same_numbers_alone_and_beside_others(course, figure):
    kinds = defaultdict(list)
    for slug, threads, watched in course.runs:
        kinds[slug, threads].append(course.results(watched))
    assert any(len(found) > 1 for found in kinds.values())
    for kind, (first, *others) in kinds.items():
        for other in others:
            assert other == first, kind
        figure("lesson runs with the numbers of the first", len(others))
    both = {slug: (kinds[slug, 1][0], kinds[slug, 2][0]) for slug, threads in kinds if threads == 2}
    if apart := [f"{slug} {farthest(*map(json.loads, pair)):.1f}" for slug, pair in both.items()]:
        figure("accuracies on 1 and on 2 threads, points apart at most", ", ".join(apart))


def farthest(one, two):
    """The largest difference of an arm's accuracy, one seed's on one test set, in points; 0 without arms."""
    values = [[], []]
    for found, into in zip((one, two), values, strict=True):
        for arm in found.get("arms", {}).values():
            for test in arm.get("accuracy", {}).values():
                into += test["values"]
    return max((100 * abs(a - b) for a, b in zip(*values, strict=True)), default=0)


@pytest.mark.reliability("load")
def test_a_runner_that_runs_on_keeps_no_file_open(tmp_path, amount, figure):
    lesson = add(tmp_path / "course", "01_tiny", TINY)

    def once():
        assert not run.run([lesson], "smoke", tmp_path / "out", kernel="none", again=True)[0].error
        return sorted(_open())

    first, runs = once(), amount(2, 30)
    assert all(once() == first for _ in range(runs))
    figure("runs in one process, no file or socket kept", runs)


def _open():
    for number in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # that of the list itself
            yield os.readlink(f"/proc/self/fd/{number}")
