"""The example of the package's README is short, runs as it stands, and does what it says."""

import re
from pathlib import Path

import course_utils.gan

README = Path(course_utils.gan.__file__).with_name("README.md").read_text(encoding="utf-8")


def test_the_readmes_sixth_method_is_short_runs_and_finds_the_ring(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.S)
    lines = [line for line in code.splitlines() if line.strip()]
    assert len(lines) <= 30
    import torch

    torch.manual_seed(0)
    names = {"__name__": "example"}
    exec(compile(code, "README.md", "exec"), names)
    radius = names["points"].norm(dim=1)
    assert names["last"].step == 1000
    assert float((radius - 1).abs().median()) < 0.15


def test_every_file_that_the_readme_names_exists():
    folder = Path(course_utils.gan.__file__).parent
    for name in re.findall(r"`([a-z_]+(?:\.py|/))`", README):
        assert (folder / name).exists(), name
