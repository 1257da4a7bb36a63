"""A course of small lessons, made in a temporary folder: the runner's tests need no real lesson."""

import os
import shutil
import subprocess
import sys

import pytest

from course_utils.runner import build
from course_utils.runner.lessons import Lesson

TINY = """\
# ---
# jupyter:
#   kernelspec: {name: other, display_name: Other, language: python}
# ---

# %% [markdown]
# # A tiny lesson

# %% tags=["parameters"]
PROFILE = None
DATA = None
SEED = 0
DEVICE = None

# %%
import asyncio
import json
import os
import zlib

from course_utils import profiles

profile = profiles.resolve(PROFILE)
folder = profiles.results_folder(profile)
print("profile", profile)

# %% tags=["exercise"]
def mean(values):
    ### BEGIN SOLUTION
    total = sum(values)
    return total / len(values)
    ### END SOLUTION

# %% tags=["check"]
mean([1, 2, 3])

# %%
await asyncio.sleep(0)
values = [SEED + i / 4 for i in range(3)]

# %%
def png(width=8, height=8):
    chunk = lambda kind, data: (
        len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big"))
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    rows = zlib.compress((bytes([0]) + bytes([80] * width)) * height)
    return b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")

folder.mkdir(parents=True, exist_ok=True)
(folder / "01_tiny.png").write_bytes(png())

# %%
estimate = {"values": values, "mean": values[1], "ci95": [values[0], values[2]]}
results = {
    "lesson": "01_tiny", "title": "A tiny lesson", "profile": profile,
    "data": {"name": "none", "source": profiles.data_source(DATA, profile), "sha256": {}},
    "seeds": [0, 1, 2], "updates": {"real": 1},
    "arms": {"real": {"accuracy": {"test": estimate}}},
    "differences": {"gan - real": {"accuracy": {"test": estimate}}},
    "wall_s": 1.0, "device": "cpu", "versions": {"python": "3"}, "commit": "abc",
    "verdict": "No gain.", "figure": {"file": "01_tiny.png", "alt": "a grey square"},
}
(folder / "01_tiny.json").write_text(json.dumps(results))

# %% tags=["nbval-check-output"]
results["verdict"]
"""

BROKEN = """\
# %% tags=["parameters"]
PROFILE = None
SEED = 0

# %%
before = "fine"

# %%
raise ValueError("\\x1b[31m<script>alert(1)</script>\\x1b[0m")
"""


def add(root, slug, source):
    """A lesson's source folder and its unexecuted notebook."""
    import nbformat

    lesson = Lesson(slug, root)
    lesson.folder.mkdir(parents=True)
    (lesson.folder / "lesson.py").write_text(source)
    lesson.notebook.parent.mkdir(exist_ok=True)
    nbformat.write(build.notebook(lesson), lesson.notebook)
    return lesson


@pytest.fixture
def course(tmp_path):
    """The root of a course with the lessons 01_tiny and 02_broken, not executed."""
    root = tmp_path / "course"
    add(root, "01_tiny", TINY)
    add(root, "02_broken", BROKEN)
    return root


@pytest.fixture(scope="session")
def built_once(tmp_path_factory):
    root = tmp_path_factory.mktemp("built") / "course"
    assert build.build(add(root, "01_tiny", TINY))
    return root


@pytest.fixture
def built(built_once, tmp_path):
    """The lesson 01_tiny, executed and stored, to tamper with."""
    shutil.copytree(built_once, tmp_path / "course")
    return Lesson("01_tiny", tmp_path / "course")


@pytest.fixture
def command(course):
    """Runs `course …` on the fixture's course, as a process."""

    def call(*args, **environment):
        env = {k: v for k, v in os.environ.items() if not k.startswith("COURSE_")}
        return subprocess.run(
            [sys.executable, "-m", "course_utils", *map(str, args)],
            env=env | {"COURSE_ROOT": str(course), **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )

    return call
