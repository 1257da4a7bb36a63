import pytest
from small_course import TINY, add

from course_tools.run import lessons
from course_utils.core.errors import CourseError


@pytest.mark.parametrize("name", ["1", "01", "01_tiny"])
def test_a_lesson_is_known_by_number_and_slug(course, name):
    assert [lesson.slug for lesson in lessons.resolve([name], course)] == ["01_tiny"]


def test_no_name_means_all_and_a_name_twice_means_once(course):
    assert [lesson.slug for lesson in lessons.resolve([], course)] == ["01_tiny", "02_broken"]
    assert [lesson.slug for lesson in lessons.resolve(["2", "1", "02_broken"], course)] == ["02_broken", "01_tiny"]


@pytest.mark.parametrize("name", ["3", "tiny", "", "１"])
def test_an_unknown_lesson_is_refused_with_the_known_ones(course, name):
    with pytest.raises(CourseError, match=rf"unknown lesson '{name}'; there are 01_tiny, 02_broken"):
        lessons.resolve([name], course)


def test_the_start_notebook_is_a_lesson_but_no_study(course):
    add(course, "00_start", TINY)
    assert [(lesson.slug, lesson.study) for lesson in lessons.resolve(["0", "1"], course)] == [
        ("00_start", False),
        ("01_tiny", True),
    ]
    assert lessons.find(course)[0].slug == "00_start"


def test_a_folder_without_lessons_says_what_to_do(tmp_path):
    with pytest.raises(CourseError, match="COURSE_ROOT"):
        lessons.resolve([], tmp_path)


def test_a_missing_or_damaged_notebook_says_what_to_do(course):
    notebook = course / "notebooks" / "01_tiny.ipynb"
    for damage in (lambda: notebook.write_text("{"), lambda: notebook.write_text("[]"), notebook.unlink):
        damage()
        with pytest.raises(CourseError, match="course notebooks"):
            lessons.code_cells(notebook)


def test_parameters_are_read_from_their_cell_and_checked_against_it(course):
    lesson = lessons.resolve(["1"], course)[0]
    assert lessons.parameter_names(lesson.notebook) == ["PROFILE", "DATA", "SEED", "DEVICE"]
    lessons.check_parameters(lesson, {"SEED": 3})
    with pytest.raises(CourseError, match="01_tiny has no parameter SEEDS; it has PROFILE, DATA, SEED, DEVICE"):
        lessons.check_parameters(lesson, {"SEEDS": 3})


def test_parameter_values_are_literals_where_they_can_be():
    pairs = ["SEED=3", "DATA=standin", "DEVICE=None", "NOTE=a=b"]
    assert lessons.parse_parameters(pairs) == {"SEED": 3, "DATA": "standin", "DEVICE": None, "NOTE": "a=b"}


@pytest.mark.parametrize("pair", ["SEED", "=3", "a-b=1", "PROFILE=cpu"])
def test_a_parameter_that_is_none_is_refused(pair):
    with pytest.raises(CourseError):
        lessons.parse_parameters([pair])
