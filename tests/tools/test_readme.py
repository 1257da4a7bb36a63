"""The blocks of README.md that results and the course's address fill."""

import json

import pytest
from small_course import TINY, add

from course_tools.author import readme
from course_utils.core.errors import CourseError
from course_utils.teach import course_map


@pytest.fixture
def root(course):
    blocks = "\n\n".join("\nold\n".join(readme.marks(block)) for block in readme.BLOCKS)
    (course / "README.md").write_text(f"# Top\n\n{blocks}\n\nBottom\n", encoding="utf-8")
    folder = course / "results" / "01_tiny"
    folder.mkdir(parents=True)
    found = {"lesson": "01_tiny", "title": "Tiny", "device": "cpu", "gate": {}, "data": {"source": "local"}}
    runs = {
        "quick": {"wall_s": 90, "verdict": "Quick gain.", "seeds": [0, 1]},
        "full": {"wall_s": 10800, "verdict": "No gain.", "seeds": [0, 1, 2, 3, 4]},
    }
    for profile, run in runs.items():
        (folder / f"{profile}.json").write_text(json.dumps(found | run), encoding="utf-8")
    return course


def test_it_is_written_between_its_marks_and_checked(root):
    assert readme.check(root)
    readme.update(root)
    text = (root / "README.md").read_text(encoding="utf-8")
    assert readme.check(root) == [] and text.startswith("# Top") and text.endswith("Bottom\n") and "\nold\n" not in text
    assert "| [01 · Tiny](notebooks/01_tiny.ipynb) | – | – | 1.5 | No gain. (5 seeds, 3.0 hours) |" in text
    assert "not run yet" in text and "The lessons quote 0 numbers of their papers" in text


def test_a_five_minute_run_gives_its_minutes_and_judges_no_paper(root):
    (root / "results" / "01_tiny" / "full.json").unlink()
    assert "| 1.5 | Quick gain. |" in course_map.table(root)  # a lesson without a paper judges none
    (root / "lessons" / "01_tiny" / "paper.toml").touch()
    assert f"| 1.5 | {course_map.NOT_JUDGED} |" in course_map.table(root) and "Quick gain" not in course_map.table(root)


def test_minutes_of_computing_name_the_speed_of_the_machine_where_it_was_measured(root):
    path = root / "results" / "01_tiny" / "quick.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"gigaflops": 76.04}), encoding="utf-8")
    assert "| 1.5 at 76 GFLOP/s |" in course_map.table(root)


def test_the_start_notebook_has_no_row_and_may_show_the_table_too(root):
    add(root, "00_start", TINY)
    assert "00_start" not in course_map.table(root)
    assert "](01_tiny.ipynb) | – | – | 1.5" in course_map.table(root, folder="")


def test_a_lesson_without_results_is_named_by_its_heading(root):
    (root / "results" / "01_tiny" / "quick.json").unlink()
    source = root / "lessons" / "02_broken" / "lesson.py"
    source.write_text("# %% [markdown]\n# # Lesson 2 · Does it break?\n" + source.read_text())
    table = course_map.table(root)
    assert "[01 · A tiny lesson]" in table and "[02 · Does it break?](notebooks/02_broken.ipynb)" in table
    source.write_text("1\n")
    assert "[02 · 02_broken]" in course_map.table(root)


def test_other_results_and_an_address_make_it_stale(root):
    readme.update(root)
    path = root / "results" / "01_tiny" / "full.json"
    path.write_text(path.read_text().replace("No gain.", "A gain."), encoding="utf-8")
    (root / "pyproject.toml").write_text('[project.urls]\nRepository = "https://github.com/a/b"\n')
    assert [fault.split("block of ")[1].split()[0] for fault in readme.check(root)] == ["badges", "lessons"]
    readme.update(root)
    text = (root / "README.md").read_text(encoding="utf-8")
    assert "https://colab.research.google.com/github/a/b/blob/main/notebooks/01_tiny.ipynb" in text


def test_a_readme_without_the_marks(root):
    (root / "README.md").write_text("# Top\n", encoding="utf-8")
    with pytest.raises(CourseError, match="no place for its block of badges"):
        readme.update(root)
