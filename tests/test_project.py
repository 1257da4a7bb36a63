"""The frame: files that agree with pyproject.toml, a Makefile that explains itself, nothing local committed."""

import ast
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from course_tools.run import lab

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = [Requirement(line) for line in PYPROJECT["project"]["dependencies"]]
LOCKED = ("test", "sweep", "slurm", "site")  # extras that set-up installs
EXTRA = [Requirement(line) for extra in LOCKED for line in PYPROJECT["project"]["optional-dependencies"][extra]]
BUILD = [Requirement(line) for line in PYPROJECT["dependency-groups"]["build"]]
UNLOCKED = {"torch", "torchvision"}


def bounds(requirements):
    return {canonicalize_name(requirement.name): requirement.specifier for requirement in requirements}


def locked():
    """Entries of requirements.lock: a pinned requirement and its hashes."""
    entries = (ROOT / "requirements.lock").read_text().replace("\\\n", " ").splitlines()
    split = [re.split(r"\s+(?=--hash)", entry.strip()) for entry in entries]
    return [(Requirement(requirement), hashes) for requirement, *hashes in split]


def platforms():
    """The marker environments of every Python and system that the course is for."""
    for python in ("3.11", "3.12", "3.13"):
        for system, name in (("linux", "posix"), ("darwin", "posix"), ("win32", "nt")):
            markers = {"python_version": python, "python_full_version": f"{python}.9"}
            yield default_environment() | markers | {"sys_platform": system, "os_name": name}


def run(*command, cwd=ROOT):
    # Without what `make test` hands down: its options would reach the make under test.
    env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)


@pytest.mark.parametrize("wanted", [r for r in RUNTIME + EXTRA + BUILD if r.name not in UNLOCKED], ids=str)
def test_the_lock_holds_one_fitting_version_of_each_dependency_on_every_platform(wanted):
    pins = [pin for pin, _ in locked() if canonicalize_name(pin.name) == canonicalize_name(wanted.name)]
    for environment in platforms():
        if wanted.marker is not None and not wanted.marker.evaluate(environment):
            continue
        versions = [str(pin.specifier) for pin in pins if pin.marker is None or pin.marker.evaluate(environment)]
        assert len(versions) == 1, f"{environment}: {versions}; run `make lock`"
        assert wanted.specifier.contains(versions[0].removeprefix("==")), f"{versions[0]}; run `make lock`"


@pytest.mark.reliability("supply")
def test_the_lock_is_pinned_and_hashed_builds_the_project_and_leaves_torch_to_the_index():
    for pin, hashes in locked():
        assert re.fullmatch(r"==[^,*]+", str(pin.specifier)) and pin.url is None, pin
        assert hashes and all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", one) for one in hashes), pin
        assert not re.match(r"(torch|torchvision|triton|nvidia.*|cuda.*)$", pin.name)
    assert bounds(map(Requirement, PYPROJECT["build-system"]["requires"])).keys() <= bounds(BUILD).keys()
    assert re.findall(r"--extra (\w+)", run("make", "--dry-run", "lock").stdout) == list(LOCKED)


def test_conda_gets_the_same_packages_and_bounds():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, packages = environment["dependencies"]
    version = re.fullmatch(r"python=(\d\.\d+)", python)[1]  # the one form that repo2docker reads a version from
    assert Requirement(f"python{PYPROJECT['project']['requires-python']}").specifier.contains(version)
    assert pip == "pip"
    *packages, project = packages["pip"]
    assert bounds(map(Requirement, packages)) == bounds(RUNTIME)
    assert project == "-e ."


def test_binder_builds_from_environment_yml():
    # repo2docker looks into these folders in place of the root, and prefers these files to environment.yml.
    preferred = ("binder", ".binder", "Dockerfile", "default.nix", "Project.toml", "JuliaProject.toml", "REQUIRE")
    assert not [name for name in preferred if (ROOT / name).exists()]


def test_make_alone_explains_every_target():
    targets = re.search(r"^\.PHONY: help (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    lines = [line.split() for line in run("make").stdout.splitlines()]
    assert [line[:2] for line in lines] == [["make", target] for target in targets]
    assert all(len(line) > 2 for line in lines)


def test_make_names_the_fault_where_no_python_fits(tmp_path):
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    for name in ("pyproject.toml", "requirements.lock"):
        (tmp_path / name).touch()
    failed = run("make", "setup", "PYTHON=python-of-nowhere", cwd=tmp_path)
    assert failed.returncode == 2
    assert "none of 'python-of-nowhere' is a Python 3.11-3.13" in failed.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_run_passes_on_only_the_options_that_were_given():
    plain = run("make", "--dry-run", "--assume-old=.venv/.ready", "run").stdout
    assert plain.split()[1:] == ["-m", "course_tools", "run"]
    chosen = run(
        *("make", "--dry-run", "--assume-old=.venv/.ready", "run"),
        *("LESSON=1", "PROFILE=smoke", "JOBS=2", "OUT=there", "DATA=standin", "AGAIN=1"),
    ).stdout
    assert "run 1 --profile smoke --jobs 2" in chosen and "--out 'there' -p DATA=standin --again" in chosen


def test_the_browser_is_driven_in_ci_and_where_it_is_asked_for(monkeypatch):
    dry = ("make", "--dry-run", "--assume-old=.venv/.ready")
    monkeypatch.delenv("CI", raising=False)
    assert '-m "not browser"' in run(*dry, "test").stdout
    assert "-m browser tests" in run(*dry, "browser").stdout
    monkeypatch.setenv("CI", "true")
    assert "browser" not in run(*dry, "test").stdout


def test_the_lab_opens_at_the_start_notebook_and_keeps_its_token():
    command = run("make", "--dry-run", "--assume-old=.venv/.ready", "lab").stdout
    assert command.split()[1:] == ["-m", "course_tools", "lab"]
    start = next(option for option in lab.defaults([]) if "default_url" in option).split("/")[-1]
    assert (ROOT / "lessons" / Path(start).stem / "lesson.py").is_file()
    assert f"(notebooks/{start})" in (ROOT / "README.md").read_text()
    assert not any("token" in option for option in lab.defaults([]))
    assert lab.defaults(["--ServerApp.ip=::1", "--LabApp.default_url=/lab", "--allow-root"]) == []


def imports(path):
    """Names of the modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


FLOORS = {"core": 0, "data": 1, "gan": 2, "classify": 2, "evaluate": 3, "experiment": 4, "teach": 5, "verdict": 6}


def test_imports_go_down_only():
    for path in (*ROOT.glob("course_utils/**/*.py"), *ROOT.glob("lessons/*/*.py")):
        names = set(imports(path))
        assert not any(name.startswith("course_tools") for name in names), path
        room = path.relative_to(ROOT).parts[1]
        if path.is_relative_to(ROOT / "course_utils") and room in FLOORS:
            assert room == "teach" or not any(name.startswith("IPython") for name in names), path
            rooms = {name.split(".")[1] for name in names if name.startswith("course_utils.")} & FLOORS.keys()
            assert all(other == room or FLOORS[other] < FLOORS[room] for other in rooms), (path, rooms)


@pytest.mark.parametrize(
    "pattern",
    [
        r"pyp[i]\.org|pythonhoste[d]|registry\.npmj[s]|deb\.debia[n]\.org|conda\.anacond[a]\.org",
        r"/(work|farm|root|home|Users)/[[:alnum:]_.]|/opt/[p]ypi|/tmp/(lab|ipykernel_)|[A-Z]:\\\\?Users",
    ],
    ids=["registry host", "path of a machine"],
)
def test_no_committed_file_names_a(pattern):
    # Not where such names are the examples of what a build must take out of a notebook.
    found = run("git", "grep", "-nIoE", pattern, "--", ".", ":!tests/tools/test_build.py")
    assert found.returncode == 1, found.stdout or found.stderr
