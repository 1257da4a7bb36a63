"""`make gpu`: without a GPU a clear sentence; each stage has a limit, and what it found stays whatever fails later."""

import json

import pytest
import torch

from course_tools import gpu
from course_tools.gpu import Stage


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so(tmp_path, capsys):
    assert gpu.main(["--out", str(tmp_path / "out")]) == 2
    assert "no GPU here" in capsys.readouterr().out and not (tmp_path / "out").exists()


def test_stages_that_fail_or_take_too_long_take_no_others_with_them(tmp_path, capsys, monkeypatch):
    slow = "import subprocess, sys, time; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    tried = [
        Stage("broken", ["-c", "print('so far'); raise SystemExit('it broke')"], 30),
        Stage("slow", ["-c", slow], 0.05),
        Stage("well", ["-c", "print('one'); print('all is well')"], 30),
    ]
    monkeypatch.setattr(gpu, "stages", lambda out, device: tried)
    assert gpu.main(["--out", str(tmp_path), "--try", "cpu"]) == 1
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert [(stage["code"], stage["says"]) for stage in found] == [(1, "it broke"), (None, ""), (0, "all is well")]
    assert (tmp_path / "broken.log").read_text().splitlines() == ["so far", "it broke"]
    last = capsys.readouterr().out.splitlines()[-3:]
    assert ["failed (1)" in last[0], "time was up" in last[1], "passed" in last[2]] == [True] * 3


def test_the_full_run_in_miniature(tmp_path):
    *done, status = gpu.full_in_miniature(tmp_path)
    assert [line for line in done if "stopped" in line] == [] and done[-1] == "gan/0: done" and "1 of 1 judge" in status
    assert list((tmp_path / "full").rglob("judge-*.safetensors"))
