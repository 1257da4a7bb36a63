import shutil

import pytest
from small_course import TINY, add

from course_tools.run import lessons
from course_utils.core.errors import CourseError


@pytest.mark.parametrize(
    ("names", "slugs"),
    [
        *(([name], ["01_tiny"]) for name in ("1", "01", "01_tiny")),
        ([], ["01_tiny", "02_broken"]),
        (["2", "1", "02_broken"], ["02_broken", "01_tiny"]),
    ],
)
def test_a_lesson_is_known_by_number_and_slug(course, names, slugs):
    assert [lesson.slug for lesson in lessons.resolve(names, course)] == slugs


@pytest.mark.parametrize("name", ["3", "tiny", "", "１"])
def test_an_unknown_lesson_is_refused_with_the_known_ones(course, tmp_path, name):
    with pytest.raises(CourseError, match=rf"'{name}'; there are 01_tiny, 02_broken"):
        lessons.resolve([name], course)
    with pytest.raises(CourseError, match="COURSE_ROOT"):
        lessons.resolve([name], tmp_path / "no lessons")


def test_the_start_notebook_is_a_lesson_but_no_study(course):
    add(course, "00_start", TINY)
    assert [(lesson.slug, lesson.study) for lesson in lessons.resolve(["0", "1"], course)] == [
        ("00_start", False),
        ("01_tiny", True),
    ]
    assert lessons.find(course)[0].slug == "00_start"


def test_a_copy_of_a_lesson_takes_nothing_over(course):
    for name in ("01_tiny copy", "01_tiny-Copy1", "01_tiny (1)"):
        shutil.copytree(course / "lessons" / "01_tiny", course / "lessons" / name)
    assert [lesson.slug for lesson in lessons.resolve([], course)] == ["01_tiny", "02_broken"]
    shutil.copytree(course / "lessons" / "01_tiny", course / "lessons" / "01_mine")
    with pytest.raises(CourseError, match="number 1 is that of 01_mine and 01_tiny"):
        lessons.resolve(["1"], course)
    assert [lesson.slug for lesson in lessons.resolve(["01_tiny"], course)] == ["01_tiny"]


def test_a_missing_or_damaged_notebook_says_what_to_do(course):
    notebook = course / "notebooks" / "01_tiny.ipynb"
    for damage in (lambda: notebook.write_text("{"), lambda: notebook.write_text("[]"), notebook.unlink):
        damage()
        with pytest.raises(CourseError, match="course notebooks"):
            lessons.code_cells(notebook)


def test_parameters_are_read_from_their_cell_and_checked_against_it(course):
    lesson = lessons.resolve(["1"], course)[0]
    assert lessons.parameter_defaults(lesson.notebook) == {"PROFILE": None, "DATA": None, "SEED": 0, "DEVICE": None}
    lessons.check_parameters(lesson, {"SEED": 3, "DATA": "real", "DEVICE": None})
    wrong = {"SEEDS": "it has PROFILE, DATA, SEED, DEVICE"}
    for name, value in (("SEEDS", 3), *(("SEED", value) for value in (1.5, "abc", True, -1)), ("DATA", 3)):
        with pytest.raises(CourseError, match=wrong.get(name, "expected a")):
            lessons.check_parameters(lesson, {name: value})


def test_parameter_values_are_literals_where_they_can_be():
    pairs = ["SEED=3", "DATA=standin", "DEVICE=None", "NOTE=a=b"]
    assert lessons.parse_parameters(pairs) == {"SEED": 3, "DATA": "standin", "DEVICE": None, "NOTE": "a=b"}


@pytest.mark.parametrize("pair", ["SEED", "=3", "a-b=1", "PROFILE=quick"])
def test_a_parameter_that_is_none_is_refused(pair):
    with pytest.raises(CourseError):
        lessons.parse_parameters([pair])
