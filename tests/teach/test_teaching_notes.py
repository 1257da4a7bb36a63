"""The teacher's notes: plans that fill the time they name, and commands that can be typed."""

import re

import pytest

from course_tools.run.lessons import find

NOTES = {lesson.slug: (lesson.folder / "TEACHING.md").read_text(encoding="utf-8") for lesson in find()}


def rows(text):
    """The cells of the plan's table, a list a row."""
    section = text.split("\n## Two plans\n")[1].split("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]


@pytest.mark.parametrize("slug", NOTES)
def test_each_plan_fills_the_minutes_that_it_names(slug):
    header, _, *phases = rows(NOTES[slug])
    planned = {i: int(found[1]) for i, name in enumerate(header) if (found := re.match(r"(\d+) minutes", name))}
    assert sorted(planned.values()) == ([45, 60] if slug.startswith("00_") else [90, 120])
    for column, minutes in planned.items():
        assert sum(int(re.match(r"\d+", phase[column])[0]) for phase in phases) == minutes


@pytest.mark.parametrize("slug", NOTES)
def test_the_course_s_command_is_named_where_set_up_puts_it(slug):
    assert re.findall(r"`course \w+", NOTES[slug]) == []
