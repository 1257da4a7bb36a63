import shutil

import pytest

from course_tools.run import version


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package, to change."""
    copy = tmp_path / "course_utils"
    shutil.copytree(version.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(version, "PACKAGE", copy)
    return copy


SOURCE = "def cell():\n    from course_utils.gan import train as gan\n    import course_utils.evaluate.samples\n"


@pytest.mark.parametrize(
    ("name", "another"),
    [
        *((name, True) for name in ("gan/train.py", "gan/__init__.py", "data/images.py", "__init__.py")),
        *((name, False) for name in ("teach/show.py", "gan/steps.py")),
    ],
)
def test_a_change_in_what_is_imported_at_any_depth_is_another_version_and_one_elsewhere_is_not(package, name, another):
    before = version.version([SOURCE])
    with (package / name).open("a") as file:
        file.write("# more\n")
    assert (version.version([SOURCE]) != before) == another


def test_sources_and_settings_count_and_line_ends_do_not():
    known = version.version([SOURCE], "a = 1")
    assert known == version.version([SOURCE.replace("\n", "\r\n")], "a = 1")
    assert len({known, version.version([SOURCE], "a = 2"), version.version([SOURCE + "\nx"], "a = 1")}) == 3


def test_another_pytorch_is_another_version(monkeypatch):
    known = version.version([SOURCE])
    monkeypatch.setattr(version.metadata, "version", lambda name: "1.0")
    assert version.version([SOURCE]) != known


def test_a_cell_that_is_no_python_does_no_harm(package):
    before = version.version(["%matplotlib inline", SOURCE])
    (package / "gan" / "train.py").write_text("")
    assert version.version(["%matplotlib inline", SOURCE]) != before
