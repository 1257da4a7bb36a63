"""A number that somebody types, and a verdict that the results do not give, are found; on a small lesson."""

import json

import pytest

from course_tools.author import ledger, prose, readme
from course_tools.run.lessons import Lesson
from course_utils.evaluate.statistics import t_interval, verdict

GAN, REAL = [0.75, 0.77, 0.765], [0.70, 0.72, 0.71]
VERDICT = verdict(t_interval([a - b for a, b in zip(GAN, REAL, strict=True)]), "`gan`", "`real`")
PAPER = """
[paper]
title = "On fakes"
author = "A. Student"
venue = "a project"

[[number]]
key = "images"
value = 400
where = "Table 1"
means = "test images"

[[number]]
key = "accuracy"
value = 0.94
where = "Table 1"
means = "accuracy"
"""
LEDGER = """
settings = ["images"]

[metrics]
"accuracy" = "arms/{arm}/accuracy/test"

[allowed]
"in 1901" = "a year"

[[join]]
keys = "accuracy"
value = "gan: accuracy"

[[sentence]]
text = "It has *376* of 400 right."
paper = ["images * accuracy == 376"]
"""
CELL = "# Lesson 1 · On fakes\n\nOn 400 images it scores 0.94. It has *376* of 400 right. So it was in 1901."
TEACHING = "# Notes\n\nAsk.\n\n## Exam questions\n\n1. An arm has 17 of 20 right. Why?\n"


@pytest.fixture
def root(tmp_path):
    """A course of one lesson whose text, outputs and results agree."""
    lesson = Lesson("01_fakes", tmp_path)
    results = {
        "title": "Fakes",
        "verdict": VERDICT,
        "arms": {name: {"accuracy": {"test": {"values": v}}} for name, v in (("gan", GAN), ("real", REAL))},
    }
    cells = [
        {"cell_type": "markdown", "source": CELL.splitlines(keepends=True)},
        {"cell_type": "code", "source": "17", "outputs": [{"data": {"text/markdown": f"So: {VERDICT}"}}]},
    ]
    begin, end = readme.marks("lessons")
    files = {
        "lessons/ledger.toml": '[allowed]\n"## Exam questions" = "made up"\n',
        "lessons/01_fakes/lesson.py": "",
        "lessons/01_fakes/paper.toml": PAPER,
        "lessons/01_fakes/ledger.toml": LEDGER,
        "lessons/01_fakes/TEACHING.md": TEACHING,
        "notebooks/01_fakes.ipynb": json.dumps({"cells": cells}, ensure_ascii=False),
        "results/01_fakes/quick.json": json.dumps(results, ensure_ascii=False),
        "README.md": f"# Course\n\n{begin}\n[1](notebooks/01_fakes.ipynb): {VERDICT}\n{end}\n\n## Data\n",
    }
    for name, text in files.items():
        (lesson.root / name).parent.mkdir(parents=True, exist_ok=True)
        (lesson.root / name).write_text(text, encoding="utf-8")
    return tmp_path


def edit(root, name, old, new):
    path = root / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def faults(root):
    found = ledger.load(Lesson("01_fakes", root))
    return found.faults() + prose.faults(found) + prose.readme_faults([found], root)


def test_what_is_computed_injected_or_allowed_is_no_fault(root):
    assert faults(root) == []
    harmless = "See lesson 2, section 13 and Table 1. `x > 12`, $x^{17}$, 0 and 1, ```python\nx = 99\n```"
    edit(root, "lessons/01_fakes/TEACHING.md", "Ask.", harmless)
    edit(root, "README.md", "points.", "points. It took 12.5 minutes.")  # in a generated block
    assert faults(root) == []


TURNED = VERDICT.replace("higher", "lower")


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("results/01_fakes/quick.json", VERDICT, TURNED, "quick.json: '`gan` scores lower"),
        ("notebooks/01_fakes.ipynb", VERDICT, TURNED, "output of cell 2: '`gan` scores lower"),
        ("README.md", VERDICT, TURNED, "README.md: '`gan` scores lower"),
        ("README.md", VERDICT, VERDICT.replace(" [", " [1"), "README.md: '`gan` scores higher"),
        ("notebooks/01_fakes.ipynb", VERDICT, VERDICT.replace(" points", "%"), "no sentence of statistics.verdict"),
        ("notebooks/01_fakes.ipynb", "0.94", "0.95", "cell 1: 0.95 is no number of the paper"),
        ("notebooks/01_fakes.ipynb", "*376* of", "*377* of", "stands nowhere in the lesson"),
        ("lessons/01_fakes/TEACHING.md", "Ask.", "It took 4.2 minutes.", "TEACHING.md: 4.2 is no number"),
        ("README.md", "## Data", "## Data\n\nIt took 4.2 minutes.", "README.md: 4.2 is no number"),
        ("lessons/01_fakes/ledger.toml", "== 376", "== 377", "does not hold"),
        ("lessons/01_fakes/ledger.toml", "* accuracy", "* acuracy", "cannot be computed"),
        ("lessons/01_fakes/ledger.toml", "in 1901", "in 1902", "[allowed] names 'in 1902'"),
    ],
)
def test_what_nothing_supports_is_found(root, name, old, new, says):
    edit(root, name, old, new)
    assert any(says in fault for fault in faults(root)), faults(root)


def test_other_results_contradict_the_verdicts_that_were_written(root):
    path = root / "results" / "01_fakes" / "quick.json"
    results = json.loads(path.read_text())
    results["arms"]["gan"], results["arms"]["real"] = results["arms"]["real"], results["arms"]["gan"]
    path.write_text(json.dumps(results))
    assert len(faults(root)) == 3
