import json
import math
import sys
import types
from importlib import metadata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.core import profiles
from course_utils.teach import doctor, show


def levels(findings):
    return {finding.what: finding.level for finding in findings}


def test_this_machine_can_run_lessons_in_a_plain_process(capsys):
    assert doctor.main("none") == 0
    out = capsys.readouterr().out
    assert "8 of 8 required are there" in out
    assert "faults: 0" in out
    assert "kernel python3" not in out


def test_each_missing_or_old_package_is_named_with_what_to_do(monkeypatch):
    def version(name):
        if name == "torch":
            raise metadata.PackageNotFoundError(name)
        return "0.1" if name == "numpy" else "99"

    monkeypatch.setattr(metadata, "version", version)
    ok, *bad = doctor.packages(doctor.PLAIN)
    assert ok.found == "6 of 8 required are there"
    assert levels(bad) == {"torch": "fault", "numpy": "fault"}
    assert all("pip install" in finding.remedy and ">=" in finding.remedy for finding in bad)


def test_requirements_are_known_in_a_bare_checkout_too(monkeypatch):
    def metadata_of(name):
        raise metadata.PackageNotFoundError(name)

    installed = doctor._project()["dependencies"]
    monkeypatch.setattr(metadata, "metadata", metadata_of)
    bare = doctor._project()["dependencies"]
    assert {text.split(">")[0].strip() for text in bare} == {text.split(">")[0].strip() for text in installed}
    assert len(bare) >= len(doctor.PLAIN)


@given(st.tuples(*[st.integers(0, 20)] * 3))
def test_without_the_packaging_package_versions_are_judged_alike(numbers):
    version = ".".join(map(str, numbers))
    judged = [doctor._satisfies(version, ">=3.11,<3.14"), doctor._satisfies(version + "+cpu", ">=10")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "packaging.specifiers", None)
        assert [doctor._satisfies(version, ">=3.11,<3.14"), doctor._satisfies(version + "+cpu", ">=10")] == judged


def test_an_old_python_is_a_fault(monkeypatch):
    monkeypatch.setattr(doctor.platform, "python_version", lambda: "3.9.2")
    assert levels(doctor.python()) == {"Python": "fault"}


def test_a_torchvision_built_for_another_torch_is_a_fault(monkeypatch):
    real = doctor.importlib.import_module

    def load(name):
        if name == "torchvision":
            raise RuntimeError("operator torchvision::nms does not exist")
        return real(name)

    monkeypatch.setattr(doctor.importlib, "import_module", load)
    fault = next(finding for finding in doctor.device() if finding.what == "torchvision")
    assert fault.level == "fault"
    assert "nms" in fault.found and "pip install" in fault.remedy
    assert "torchvision" not in levels(doctor.device(with_torchvision=False))


def test_a_package_that_cannot_be_imported_is_a_fault(monkeypatch):
    real = doctor.importlib.import_module

    def load(name):
        if name in ("seaborn", "lzma"):
            raise ImportError(f"{name} is broken")
        return real(name)

    monkeypatch.setattr(doctor.importlib, "import_module", load)
    (fault,) = [finding for finding in doctor.packages(doctor.PLAIN) if finding.level == "fault"]
    assert fault.what == "seaborn" and "is broken" in fault.found and "--force-reinstall" in fault.remedy
    assert levels(doctor.python()) == {"Python": "ok", "Python's lzma": "fault"}


@pytest.mark.parametrize(
    ("bytes_", "level", "text"),
    [(1.5 * 2**30, "warning", "1.5 GiB that this"), (8 * 2**30, "ok", "8.0 GiB"), (math.inf, "ok", "not known")],
)
def test_a_small_machine_or_container_is_warned_about(monkeypatch, bytes_, level, text):
    monkeypatch.setattr(doctor.machine, "memory", lambda: bytes_)
    (memory,) = doctor.memory()
    assert memory.level == level and memory.found.startswith(text)


FOLDERS = ("COURSE_RESULTS", "COURSE_RUNS", "COURSE_HOME")


def test_a_full_disk_and_folders_that_cannot_be_written_are_found(monkeypatch, tmp_path):
    for name in FOLDERS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    monkeypatch.setattr(profiles, "ROOT", tmp_path)
    assert levels(doctor.disk()) == {"disk": "ok"} and not list(tmp_path.iterdir())
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: types.SimpleNamespace(free=1000))
    assert levels(doctor.disk()) == {"disk": "warning"}
    (tmp_path / "file").touch()
    for module in (doctor, profiles):
        monkeypatch.setattr(module, "ROOT", tmp_path / "file")  # takes no file, whoever one is
    faults = list(doctor.disk())
    assert [finding.level for finding in faults] == ["fault"] * 3
    assert all(name in finding.remedy for name, finding in zip(FOLDERS, faults, strict=True))


def test_a_course_that_cannot_be_written_is_no_fault_for_who_has_folders_of_their_own(monkeypatch, tmp_path):
    """README's set-up of a class: one copy of the course, which only its teacher may change."""
    (tmp_path / "file").touch()
    for module in (doctor, profiles):
        monkeypatch.setattr(module, "ROOT", tmp_path / "file")
    for name in FOLDERS:
        monkeypatch.setenv(name, str(tmp_path / "mine" / name))
    assert levels(doctor.disk()) == {"disk": "ok"}


def test_data_that_is_not_there_is_a_warning_and_a_wrong_folder_a_fault(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.delenv("COURSE_DATA", raising=False)
    found = list(doctor.data())
    assert {finding.level for finding in found} == {"warning"}
    assert len(found) == 5
    assert all("course data fetch" in finding.remedy for finding in found)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "missing"))
    assert {finding.level for finding in doctor.data()} == {"fault"}


def test_a_kernel_that_is_not_there_is_a_fault_with_what_to_do(monkeypatch):
    from jupyter_client import manager
    from jupyter_client.kernelspec import NoSuchKernel

    started_in = []

    def start(**options):
        started_in.append(options["cwd"])
        raise NoSuchKernel(options["kernel_name"])

    monkeypatch.setattr(manager, "start_new_kernel", start)
    (fault,) = doctor.jupyter_kernel()
    assert fault.level == "fault" and "ipykernel install" in fault.remedy
    assert not doctor.PACKAGE_ROOT.is_relative_to(started_in[0]), "there any Python could import the course"


def test_a_foreign_kernel_is_named_with_its_folder_and_what_it_printed(monkeypatch, tmp_path):
    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    argv = [sys.executable, "-c", "raise SystemExit('No module named ipykernel')", "{connection_file}"]
    (folder / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "other", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    (fault,) = doctor.jupyter_kernel()
    assert fault.level == "fault" and "No module named ipykernel" in fault.found
    assert str(folder) in fault.found and "JUPYTER_PATH" in fault.remedy


def test_a_kernel_with_another_copy_of_the_course_is_a_fault(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "PACKAGE_ROOT", tmp_path)  # as if this one had been moved there since set-up
    (fault,) = doctor.jupyter_kernel()
    assert fault.level == "fault" and f"-e {tmp_path}" in fault.remedy


def test_a_check_that_breaks_is_a_fault_and_stops_no_other(monkeypatch, capsys):
    def broken():
        raise OSError("no such thing\nand more")

    monkeypatch.setattr(doctor, "checks", lambda kernel: [broken, doctor.memory])
    assert doctor.main() == 1
    out = capsys.readouterr().out
    assert "fault" in out and "OSError: no such thing" in out and "and more" not in out
    assert "memory" in out


def panel(monkeypatch, capsys, findings, interactive):
    monkeypatch.setattr(doctor, "_findings", lambda checks: findings)
    monkeypatch.setattr(show, "interactive", lambda: interactive)
    doctor.panel()
    return capsys.readouterr().out


FINDINGS = [doctor.Finding("ok", "disk", "9 GiB free"), doctor.Finding("warning", "memory", "1 GiB", "close windows")]


def test_the_panel_shows_a_person_everything_and_a_stored_notebook_what_is_wrong(monkeypatch, capsys):
    for interactive in (True, False):
        said = panel(monkeypatch, capsys, FINDINGS, interactive)
        assert ("9 GiB free" in said) == interactive
        assert "▲ warning" in said and "close windows" in said and "2 things checked: 0 faults, 1 warnings" in said


def test_a_stored_panel_without_a_fault_names_nothing_of_the_machine(monkeypatch, capsys):
    assert panel(monkeypatch, capsys, FINDINGS[:1], False).startswith("1 things checked: 0 faults, 0 warnings")


def test_the_panel_starts_no_kernel(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(doctor, "_findings", lambda checks: asked.extend(checks) or FINDINGS)
    monkeypatch.setattr(show, "in_notebook", lambda: True)
    monkeypatch.setattr(show, "publish", lambda *_: None)
    doctor.panel()
    assert len(asked) == len(doctor.checks("python3")) - 1 and doctor.jupyter_kernel not in asked
