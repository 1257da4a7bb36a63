"""Set the course up on Colab and link to it: the notebooks' first cell, what it installs, and README's badges.

All of it follows from the course's public address, `[project.urls] Repository` in pyproject.toml. On Colab the first
cell runs `python -m course_tools.run.online` in a fresh copy of the course.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from course_tools.run.lessons import find
from course_tools.templates import render
from course_utils.core.errors import CourseError
from course_utils.teach import doctor

NEEDED = doctor.PLAIN | {
    *("pillow", "joblib", "cloudpickle", "mistune", "jsonschema"),
    *("ipywidgets", "pooch", "tqdm"),
    *("torchvision", "jinja2"),  # a verdict on your own pictures
}
"""What a lesson imports. The rest of our requirements serve JupyterLab and `course run`; Colab has a front end of its
own, and to replace what its kernel runs on (ipykernel, tornado) would break it."""


def repository(root: Path) -> str | None:
    """Read the course's public address, https://github.com/OWNER/NAME, or None where pyproject.toml names none.

    Raises CourseError on an address of another form: neither Colab nor our badges could follow it.
    """
    path = root / "pyproject.toml"
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"] if path.is_file() else {}
    address = project.get("urls", {}).get("Repository")
    if address is not None and not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", address):
        raise CourseError(f"Repository in {path.name} is {address!r}; expected https://github.com/OWNER/NAME")
    return address


def first_cell(root: Path) -> str:
    """Write the notebooks' cell that sets Colab up: plain Python, so that a run without Jupyter can read it."""
    address = repository(root)
    return render("colab_cell.py", address=f'"{address}"' if address else None).rstrip()


def badges(root: Path) -> str:
    """Write README's links that open the notebooks on Binder and Colab; without an address, how to get them."""
    address = repository(root)
    if address is None:
        return (
            "Badges for Colab and Binder appear here as soon as `pyproject.toml` names the public address of this "
            "repository (`[project.urls]`, `Repository`) and `make notebooks` has run."
        )
    name = address.removeprefix("https://github.com/")
    binder = f"https://mybinder.org/v2/gh/{name}/HEAD?urlpath=lab/tree/notebooks"
    colab = f"https://colab.research.google.com/github/{name}/blob/main/notebooks"
    links = " · ".join(f"[{lesson.slug[:2]}]({colab}/{lesson.slug}.ipynb)" for lesson in find(root))
    return (
        "Without installing anything: "
        f"[![All lessons on Binder](https://mybinder.org/badge_logo.svg)]({binder}) or, one by one, "
        f"![Colab](https://colab.research.google.com/assets/colab-badge.svg) {links}"
    )


def install() -> None:
    """Install, with pip, what a lesson imports and this Python lacks; say what is older than the course asks for."""
    faults = [finding for finding in doctor.packages(NEEDED) if finding.level == "fault"]
    missing = [finding.what for finding in faults if finding.found == "not installed"]
    if missing:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *missing], check=True)
    for finding in faults:
        if finding.what not in missing:
            print(f"{finding.what} is {finding.found}; if a lesson fails: {finding.remedy}, then restart the runtime")


if __name__ == "__main__":
    install()
