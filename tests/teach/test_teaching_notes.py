"""The teacher's notes: a place for the minutes that are computed, and commands that can be typed."""

import re

import pytest

from course_tools.author import minutes
from course_tools.run.lessons import find

NOTES = {lesson.slug: (lesson.folder / "TEACHING.md").read_text(encoding="utf-8") for lesson in find()}


@pytest.mark.parametrize("slug", NOTES)
def test_the_course_s_command_is_named_where_set_up_puts_it(slug):
    assert re.findall(r"`course \w+", NOTES[slug]) == []


@pytest.mark.parametrize("slug", NOTES)
def test_there_is_a_place_for_the_minutes(slug):
    assert all(NOTES[slug].count(mark) == 1 for mark in minutes.MARKS)
