"""What set-up installs: all that is needed, nothing else, from the lock alone, under licences that allow it."""

import json
import os
import subprocess
import sys
import tomllib
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import course_utils
from course_tools.author import licences
from course_utils.core.profiles import ROOT

pytestmark = pytest.mark.reliability("supply")
LOCK = ROOT / "requirements.lock"
INDEX_S = {"torch", "torchvision"}
"""What each machine takes from its index, with all that it brings along."""


def wanted():
    """What pyproject.toml asks for, with the extras that set-up installs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    lists = [project["project"]["dependencies"], *project["project"]["optional-dependencies"].values()]
    return [Requirement(line) for part in [*lists, project["dependency-groups"]["build"]] for line in part]


def needed(requirements):
    """All that these requirements need here, at any depth: name → requirements that name it."""
    found, left = {}, list(requirements)
    while left:
        requirement = left.pop()
        name = canonicalize_name(requirement.name)
        if str(requirement) in map(str, found.setdefault(name, [])):
            continue
        found[name].append(requirement)
        if name not in INDEX_S:
            left += brought_by(requirement)
    return found


def brought_by(requirement):
    """What an installed package requires here, itself and for the extras that are asked of it."""
    for line in metadata.requires(requirement.name) or ():
        brought = Requirement(line)
        extras = [{"extra": extra} for extra in ("", *requirement.extras)]
        if brought.marker is None or any(brought.marker.evaluate(extra) for extra in extras):
            yield brought


def pins():
    """Name → the version that the lock gives this machine."""
    lines = [line.rstrip(" \\") for line in LOCK.read_text("utf-8").splitlines() if not line.startswith(" ")]
    found = {}
    for pin in map(Requirement, lines):
        if pin.marker is None or pin.marker.evaluate():
            assert pin.name not in found, f"{pin.name} has two versions here; run `make lock`"
            found[pin.name] = str(pin.specifier).removeprefix("==")
    return found


def test_the_lock_is_complete_and_holds_nothing_that_nobody_needs(figure):
    locked, found = pins(), needed(wanted())
    for name in INDEX_S:
        found.pop(name)
    for name, requirements in found.items():
        assert name in locked, f"{', '.join(map(str, requirements))}: not in the lock; run `make lock`"
        for requirement in requirements:
            assert requirement.specifier.contains(locked[name], prereleases=True), (
                f"{requirement}, locked {locked[name]}"
            )
    assert not locked.keys() - found.keys(), "nobody needs them; run `make lock`"
    figure("packages needed, all of them in the lock", len(found))


def test_what_is_installed_is_what_the_lock_says():
    wrong = {name: (metadata.version(name), version) for name, version in pins().items()}
    assert not {name: both for name, both in wrong.items() if both[0] != both[1]}, "run `make setup`"


def test_the_licences_of_all_packages_are_listed_and_compatible(figure):
    assert licences.check() == []
    figure("licences listed", len(licences.table()))


def test_torch_brings_no_licence_but_permissive_ones_and_nvidia_s_own(figure):
    brought, left = set(), list(INDEX_S)
    while left:
        name = canonicalize_name(left.pop())
        if name not in brought:
            brought.add(name)
            left += [requirement.name for requirement in brought_by(Requirement(name))]
    for name in brought:
        if not name.startswith(("nvidia-", "cuda-")):
            assert not licences.incompatible(name, licences.licence(name)), name
    assert not licences.incompatible("torch", licences.licence("torch"))
    figure("packages that torch brings", len(brought) - len(INDEX_S))


def test_a_licence_that_is_missing_changed_or_incompatible_is_found(tmp_path):
    lock = "pillow==1 \\\n    --hash=sha256:0\nnumpy==1 \\\n    --hash=sha256:0\npytest==1 \\\n    --hash=sha256:0\n"
    (tmp_path / "requirements.lock").write_text(lock)
    assert len(licences.check(tmp_path)) == 3
    licences.write(tmp_path)
    assert licences.check(tmp_path) == []
    listed = tmp_path / licences.NAME
    listed.write_text(listed.read_text().replace("| pytest | MIT |", "| gone | AGPL-3.0-only |").replace("CMU", "0"))
    found = "\n".join(licences.check(tmp_path))
    assert "pytest has no licence" in found and "gone is in LICENCES.md and not in the lock" in found
    assert "gone is under AGPL-3.0-only" in found and "pillow is under MIT-CMU, LICENCES.md says MIT-0" in found


def alone(*command, folder):
    """A command of a new environment, far from this one and from the repository."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return subprocess.run(list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True)


def installed(python, folder, *arguments):
    """`pip install`; where no index answers, the test is skipped."""
    done = alone(python, "-m", "pip", "install", "--quiet", "--no-color", *arguments, folder=folder)
    if done.returncode and "Retrying (" in done.stderr:
        pytest.skip("no package index answers; what it would have given is not known")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def python(tmp_path, amount):
    """The Python of an empty environment."""
    if not amount(False, True):
        pytest.skip("takes a minute and an index: `make reliability` does it")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "new"], check=True)
    return tmp_path / "new" / ("Scripts" if os.name == "nt" else "bin") / "python"


def test_the_lock_alone_installs_all_but_torch_and_builds_the_course(python, tmp_path, figure):
    installed(python, tmp_path, "--require-hashes", "--no-deps", "-r", LOCK)
    listed = json.loads(alone(python, "-m", "pip", "list", "--format", "json", folder=tmp_path).stdout)
    found = {canonicalize_name(package["name"]): package["version"] for package in listed}
    assert {name: found.get(name) for name in pins()} == pins()
    assert found.keys() - pins().keys() <= {"pip", "setuptools"}  # what an empty environment has
    missing = alone(python, "-m", "pip", "check", folder=tmp_path).stdout.splitlines()
    assert not [line for line in missing if not line.endswith("requires torch, which is not installed.")]

    installed(python, tmp_path, "--no-index", "--no-build-isolation", "--no-deps", ROOT)
    version = alone(python, "-m", "course_tools", "--version", folder=tmp_path).stdout
    assert version.split() == ["course", course_utils.__version__]
    figure("packages installed from the lock alone", len(pins()))


def test_no_package_in_the_lock_has_a_known_vulnerability(python, tmp_path, figure):
    installed(python, tmp_path, "pip-audit")
    options = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json", "-r", LOCK]
    done = alone(python, "-m", "pip_audit", *options, folder=tmp_path)
    told = json.loads(done.stdout)["dependencies"] if done.stdout else []
    known = [package for package in told if "vulns" in package]
    if not known:  # pip-audit calls that a success
        reason = told[0]["skip_reason"] if told else done.stderr.strip().splitlines()[-1:]
        pytest.skip(f"the data on vulnerabilities cannot be had: {reason}")
    assert len(known) == len(told), [package["name"] for package in told if package not in known]
    found = {package["name"]: [v["id"] for v in package["vulns"]] for package in known if package["vulns"]}
    assert not found, "raise their versions with `make lock`"
    figure("packages audited, none with a known vulnerability", len(known))
