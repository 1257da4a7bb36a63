"""Two small lessons, a function for a sweep, and a course to put them in."""

import nbformat

from course_tools.author import build
from course_tools.run.lessons import Lesson

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

from course_utils.core import profiles

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

SWEEP = """\
import os
import signal
import time
from pathlib import Path


def cell(*, seed, settings, a: int = 1, b: float = 0.5):
    if a == 7:
        raise ValueError("seven is refused")
    if a == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    if a == 21 and seed == 1 and not Path(os.environ["DIED_ONCE"]).exists():
        Path(os.environ["DIED_ONCE"]).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if a == 60:
        time.sleep(0.3)
    return {"sum": a + b + seed, "product": a * b * settings["factor"]}
"""


def add(root, slug, source):
    """A lesson's source folder and its unexecuted notebook."""
    lesson = Lesson(slug, root)
    lesson.folder.mkdir(parents=True)
    (lesson.folder / "lesson.py").write_text(source)
    lesson.notebook.parent.mkdir(exist_ok=True)
    nbformat.write(build.notebook(lesson), lesson.notebook)
    return lesson


def add_tiny(root, cells="", slug="01_tiny"):
    """The tiny lesson, with `cells` before its results."""
    before, contract = TINY.replace("01_tiny", slug).split("# %%\nestimate =")
    return add(root, slug, f"{before}{cells}\n# %%\nestimate ={contract}")


def add_sweep(root):
    """The tiny lesson with a sweep."""
    lesson = add(root, "01_tiny", TINY)
    (lesson.folder / "settings.toml").write_text("[smoke]\nfactor = 2\nseeds = 3\n[quick]\nfactor = 3\n")
    (lesson.folder / "sweep.py").write_text(SWEEP)
    return lesson
