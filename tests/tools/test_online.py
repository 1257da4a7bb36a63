"""The course on the web: its address, the cell that sets Colab up, the badges, what they need of our files."""

import ast
import os
import re
import subprocess
import sys
from importlib import metadata

import pytest
from packaging.requirements import Requirement

from course_tools.run import online
from course_tools.run.lessons import find
from course_tools.templates import render
from course_utils.core.errors import CourseError
from course_utils.core.profiles import ROOT
from course_utils.teach import doctor

ADDRESS = "https://github.com/someone/some.course"


def named(root, address):
    (root / "pyproject.toml").write_text(f'[project]\nname = "x"\n[project.urls]\nRepository = "{address}"\n')
    return root


def test_the_address_is_that_of_pyproject_and_one_that_no_badge_could_follow_is_refused(tmp_path):
    assert online.repository(tmp_path) is None
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert online.repository(tmp_path) is None
    assert online.repository(named(tmp_path, ADDRESS)) == ADDRESS
    source = online.first_cell(tmp_path)
    assert f'REPOSITORY = "{ADDRESS}"' in source and ast.parse(source)
    for address in ("https://example.org/a/b", "git@github.com:a/b.git", "https://github.com/a", ""):
        with pytest.raises(CourseError, match=r"expected https://github\.com/OWNER/NAME"):
            online.repository(named(tmp_path, address))


# ------------------------------------------------------------------ the first cell


@pytest.fixture
def elsewhere(tmp_path):
    """Runs a first cell in a Python without the course, with Colab's module or not; the folder it ran in is `.root`."""
    root = tmp_path / "elsewhere"
    root.mkdir()

    def run(source, colab, after=""):
        lines = ["import sys, types", "sys.modules['google.colab'] = types.ModuleType('google.colab')"] * colab
        script = "\n".join([*lines, source, after])
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COURSE_"))}
        # -S: without the packages that are installed here, the course among them
        return subprocess.run([sys.executable, "-S", "-c", script], cwd=root, env=env, capture_output=True, text=True)

    run.root = root
    return run


@pytest.fixture
def published(tmp_path):
    """A repository that holds a course of two files: one to import, one that notes where it was asked to install."""
    root = tmp_path / "published"
    root.mkdir()
    for package in ("course_utils", "course_tools", "course_tools/run"):
        (root / package).mkdir()
        (root / package / "__init__.py").write_text("here = 'the fetched course'\n")
    (root / "course_tools" / "run" / "online.py").write_text("open('../installed', 'a').write('once ')\n")
    for command in ("init --quiet", "add .", "-c user.name=x -c user.email=x@y commit --quiet -m all"):
        subprocess.run(["git", *command.split()], cwd=root, check=True)
    return root


def cell(address):
    return render("colab_cell.py", address=f'"{address}"')


def test_where_the_course_is_installed_the_first_cell_does_nothing(monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *args, **settings: pytest.fail(f"{args} was run"))
    namespace = {}
    exec(cell("https://nowhere.invalid/"), namespace)
    assert namespace.keys() - {"__builtins__"} == {"importlib", "REPOSITORY"}


def test_on_colab_it_fetches_the_course_and_what_is_missing(elsewhere, published, tmp_path):
    assert elsewhere(cell(f"file://{tmp_path}/nowhere"), True).returncode != 0
    (elsewhere.root / "course.part").mkdir(exist_ok=True)  # an earlier try broke off
    (elsewhere.root / "course.part" / "left").touch()
    done = elsewhere(cell(f"file://{published}"), True, "import course_utils; print(course_utils.here)")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "the fetched course"
    again = elsewhere(cell(f"file://{published}"), True)  # in the same folder, as after a restart of the kernel
    assert again.returncode == 0, again.stderr
    assert (elsewhere.root / "installed").read_text() == "once once "
    assert sorted(path.name for path in elsewhere.root.iterdir()) == ["course", "installed"]


def test_a_folder_of_that_name_is_left_alone_and_the_message_says_what_to_do(elsewhere, published):
    mine = elsewhere.root / "course" / "homework.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    said = elsewhere(cell(f"file://{published}"), True).stderr.splitlines()[-1]
    assert said.startswith("FileExistsError") and "!mv course mine" in said
    assert mine.read_text() == "mine"


def test_where_it_cannot_fetch_it_says_what_to_do(elsewhere, published, tmp_path):
    without_address = elsewhere(online.first_cell(tmp_path), True)
    assert "REPOSITORY = 'https" in without_address.stderr
    without_colab = elsewhere(cell(f"file://{published}"), False)
    assert "make lab" in without_colab.stderr.splitlines()[-1]
    assert not any(elsewhere.root.iterdir())


# ------------------------------------------------------------------ what is installed there


def imported(path):
    """Names of the top-level modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]


def test_what_lessons_import_is_what_is_installed_for_them_and_a_requirement_of_the_course():
    files = [lesson.folder / "lesson.py" for lesson in find()]
    files += ROOT.glob("course_utils/**/*.py")
    modules = {module for path in files for module in imported(path)} - set(sys.stdlib_module_names)
    owners = metadata.packages_distributions()
    packages = {owners[module][0].lower() for module in modules - {"course_utils", "IPython"}}
    packages -= {"requests", "urllib3"}  # they come with pooch
    packages -= {"jupyter_client", "packaging"}  # doctor looks whether they are there
    assert len(packages) > 10 and packages <= online.NEEDED, "what a lesson imports must be installed on Colab too"
    required = {Requirement(text).name for text in metadata.requires(doctor.DISTRIBUTION) if "extra" not in text}
    assert required >= online.NEEDED


def test_only_what_is_missing_is_installed_and_what_is_old_is_named(monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(online.subprocess, "run", lambda command, check: calls.append((command, check)))
    versions = {name: metadata.version(name) for name in online.NEEDED} | {"torch": "2.0"}
    del versions["pooch"]

    def version(name):
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(doctor.metadata, "version", version)
    online.install()
    assert calls == [([sys.executable, "-m", "pip", "install", "--quiet", "pooch"], True)]
    assert capsys.readouterr().out.startswith("torch is 2.0, needs >=")


# ------------------------------------------------------------------ badges


def test_badges_name_each_lesson_and_without_an_address_say_how_to_switch_them_on(course):
    text = online.badges(course)
    assert "`Repository`" in text and "http" not in text
    targets = re.findall(r"\]\((https://[^)]+)\)", online.badges(named(course, ADDRESS)))
    assert any(target.startswith("https://mybinder.org/v2/gh/someone/some.course/HEAD") for target in targets)
    colab = "https://colab.research.google.com/github/someone/some.course/blob/main/notebooks"
    assert targets[-2:] == [f"{colab}/01_tiny.ipynb", f"{colab}/02_broken.ipynb"]
