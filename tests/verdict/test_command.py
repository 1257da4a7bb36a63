"""`course verdict`: pictures in, a report out, and a clear sentence where it cannot be."""

import json
from contextlib import contextmanager

import psutil
import pytest
from PIL import Image
from planted import CLASSES, pictures, plan

from course_tools import cli, verdict
from course_utils.core.parallel import one_thread
from course_utils.verdict import api


def written(folder, images):
    for k, (picture, label) in enumerate(zip(images.pixels, images.labels, strict=True)):
        path = folder / CLASSES[int(label)] / f"{k:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture[0].numpy()).save(path)
    return folder


@pytest.fixture
def mine(tmp_path):
    return written(tmp_path / "mine", pictures(80, 0))


def test_a_folder_is_read_judged_and_reported(mine, tmp_path, monkeypatch, capsys):
    made = written(tmp_path / "made", pictures(20, 0))  # of them some are test pictures
    small = plan([], updates=4, synthetic=True)
    for arm in ("classic", "classic+synthetic"):
        del small.settings["arms"][arm]
    monkeypatch.setattr(api, "plan", lambda data, hours, **options: small)
    options = ["--size", "28", "--synthetic", str(made), "--no-train", "--workers", "1", "--out", str(tmp_path / "out")]
    assert cli.main(["verdict", str(mine), *options]) == 0
    said = capsys.readouterr().out
    assert "near duplicates of test pictures" in said and "split: " in said and "0 of" in said
    found = json.loads((tmp_path / "out" / "verdict.json").read_text("utf-8"))
    assert found["about"]["name"] == "mine" and found["seeds"] == [0, 1] and found["verdict"] in said
    assert cli.main(["verdict", str(mine), *options]) == 0  # nothing is left to do


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["nowhere"], "nowhere"),
        (["mine", "--size", "9"], "28"),
        (["mine", "--no-train"], "--synthetic"),
        (["mine", "--seeds", "1"], "--seeds"),
        (["mine", "--hours", "0"], "--hours"),
        (["mine", "--groups", "["], "["),
        (["mine/left"], "expected"),
    ],
)
def test_what_it_cannot_use_is_named_and_nothing_is_written(mine, tmp_path, monkeypatch, capsys, options, told):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["verdict", *options, "--out", str(tmp_path / "out")]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_worker_that_is_killed_midway_does_not_change_the_report(mine, tmp_path, monkeypatch):
    """Computed by two processes on Dask, of which one is killed when some jobs are done; and here, one by one."""
    small = plan([], updates=8)
    monkeypatch.setattr(api, "plan", lambda data, hours, **options: small)
    on_dask, killed = verdict.computed, []

    @contextmanager
    def here(pieces, deadline, *others):
        with one_thread():
            yield pieces.computed(deadline, "cpu")

    @contextmanager
    def one_dies(*args):
        with on_dask(*args) as ends:
            yield map(kill_once, ends)

    def kill_once(end):
        if end[0].name == "real/0":
            killed.append(
                next(p for p in psutil.Process().children(recursive=True) if "spawn_main" in str(p.cmdline()))
            )
            killed[0].kill()
        return end

    def found(name, computed):
        monkeypatch.setattr(verdict, "computed", computed)
        options = ["--size", "28", "--workers", "2", "--out", str(tmp_path / name)]
        assert cli.main(["verdict", str(mine), *options]) == 0
        whole = json.loads((tmp_path / name / "verdict.json").read_text("utf-8"))
        return {key: whole[key] for key in ("verdict", "arms", "questions", "controls", "seeds")}

    assert found("on Dask", one_dies) == found("here", here) and killed
