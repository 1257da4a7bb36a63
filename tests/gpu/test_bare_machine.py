"""A machine with PyTorch and a few usual packages, and nothing of Jupyter: what `--kernel none` promises to need."""

import json
import os
import re
import subprocess
import sys
from importlib import metadata

from packaging.requirements import Requirement

from course_utils.core.profiles import ROOT

PROMISED = ("torch", "numpy", "pandas", "scipy", "scikit-learn", "matplotlib", "seaborn", "safetensors")

HOOK = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in {hidden} else PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
"""


def hidden():
    """The modules of all installed packages but the promised ones and what these need themselves."""
    kept, left = set(), list(PROMISED)
    while left:
        name = re.sub(r"[-_.]+", "-", left.pop()).lower()
        if name not in kept:
            kept.add(name)
            needs = [Requirement(text) for text in metadata.requires(name) or ()]
            left += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    owners = metadata.packages_distributions()
    ours = {"course_utils", "course_tools"}
    return {
        module
        for module, names in owners.items()
        if module not in ours and not any(re.sub(r"[-_.]+", "-", name).lower() in kept for name in names)
    }


def test_a_lesson_runs_without_jupyter_and_all_else_that_is_not_promised(tmp_path, record_property):
    found = hidden()
    record_property("hidden", " ".join(sorted(found)))
    assert {"IPython", "ipykernel", "ipywidgets", "jsonschema", "mistune", "nbformat", "pooch", "tqdm"} <= found
    (tmp_path / "sitecustomize.py").write_text(HOOK.format(hidden=found))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "course_tools", "run", "5", "--profile", "smoke", "--kernel", "none"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, f"hidden: {sorted(found)}\n{done.stdout[-4000:]}"
    assert json.loads((tmp_path / "smoke" / "results" / "05_fashion_acgan.json").read_text())["verdict"]
