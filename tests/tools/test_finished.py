import pytest
from small_course import TINY, add

from course_tools.run import finished, run
from course_tools.run.lessons import Lesson


def call(lesson, out, **more):
    more = {"kernel": "none", **more}
    return run.run([lesson], "smoke", out, **more)[0]


def test_a_finished_lesson_is_found_and_says_how_to_run_it_anew(course, tmp_path, capsys):
    lesson = Lesson("01_tiny", course)
    first = call(lesson, tmp_path)
    path = tmp_path / "smoke" / "results" / "01_tiny.json"
    written = path.stat().st_mtime_ns
    capsys.readouterr()
    second = call(lesson, tmp_path)
    out = capsys.readouterr().out
    assert not first.found and second.found and path.stat().st_mtime_ns == written
    assert "01_tiny  found, " in out and "--again" in out
    assert "0 run, all ok, 1 found finished" in (tmp_path / "smoke" / "index.html").read_text()
    assert not call(lesson, tmp_path, again=True).found
    assert path.stat().st_mtime_ns > written


def test_other_parameters_code_or_settings_are_other_work(course, tmp_path):
    lesson = Lesson("01_tiny", course)
    settings = lesson.folder / "settings.toml"

    def found_the_second_time(seed):
        return [call(lesson, tmp_path, parameters={"SEED": seed}).found for _ in range(2)] == [False, True]

    settings.write_text("a = 1")
    assert found_the_second_time(0) and found_the_second_time(3)
    settings.write_text("a = 2")
    assert found_the_second_time(3)
    lesson.notebook.write_text(lesson.notebook.read_text().replace("i / 4", "i / 5"))
    assert found_the_second_time(3)
    (lesson.folder / "TEACHING.md").write_text("It changes no number.")
    assert call(lesson, tmp_path, parameters={"SEED": 3}).found


def test_without_its_pages_a_run_is_not_finished_for_jupyter(course, tmp_path):
    lesson = Lesson("01_tiny", course)
    assert not call(lesson, tmp_path).found
    assert not call(lesson, tmp_path, kernel="python3").found
    assert call(lesson, tmp_path, kernel="python3").found and call(lesson, tmp_path).found
    (tmp_path / "smoke" / "01_tiny.html").unlink()
    assert not call(lesson, tmp_path, kernel="python3").found


@pytest.mark.reliability("faults")
def test_what_failed_is_tried_again(course, tmp_path):
    lesson = Lesson("02_broken", course)
    assert [call(lesson, tmp_path).error is None for _ in range(2)] == [False, False]
    add(course / "mended", "02_broken", TINY.replace("01_tiny", "02_broken"))
    assert call(Lesson("02_broken", course / "mended"), tmp_path).error is None


def test_data_are_the_same_if_their_hashes_are():
    same = {"name": "mnist", "sha256": finished._sha256("mnist", "standin", "smoke")}
    assert finished.same_data(same, None, "smoke")
    assert not finished.same_data(same, "standin", "quick")  # a stand-in of another size
    assert not finished.same_data({"name": "mnist", "sha256": {"train": "0"}}, None, "smoke")
    assert not finished.same_data({"name": "no such set", "sha256": {"train": "0"}}, None, "smoke")
    assert finished.same_data({"name": "none", "sha256": {}}, None, "smoke")
