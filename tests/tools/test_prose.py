"""A sentence changed to say the contrary turns the check red: shown on a copy of the course's own lesson 2."""

import json
import re
import shutil

import pytest

from course_tools.author import ledger, prose, readme
from course_tools.run.lessons import Lesson
from course_utils.core.profiles import ROOT

SLUG = "02_emnist_bagan"
TEACHING = f"lessons/{SLUG}/TEACHING.md"
NOTEBOOK = f"notebooks/{SLUG}.ipynb"
LEDGER = f"lessons/{SLUG}/ledger.toml"
RESULTS = f"results/{SLUG}/cpu.json"
FOUND = re.search(r"−[\d.]+ \[.+?\]", json.loads((ROOT / RESULTS).read_text("utf-8"))["verdict"])[0]


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    root = tmp_path_factory.mktemp("copy")
    for name in ("lessons", f"results/{SLUG}"):
        shutil.copytree(ROOT / name, root / name)
    for name in (NOTEBOOK, "README.md"):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / name, root / name)
    return root


@pytest.fixture
def root(original, tmp_path):
    return shutil.copytree(original, tmp_path / "course")


def edit(root, name, old, new):
    path = root / name
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1, f"{old!r} is not in {name}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def faults(root):
    found = ledger.load(Lesson(SLUG, root))
    return found.faults() + prose.faults(found) + prose.readme_faults([found], root)


def test_the_lesson_as_it_stands_is_borne_out(root):
    assert faults(root) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        # computed verdicts
        (
            RESULTS,
            "BAGAN lowers accuracy at 1 % against",
            "BAGAN raises accuracy at 1 % over",
            "is not what cpu.json says",
        ),
        (RESULTS, FOUND, FOUND.replace("−", "−1"), "is not what cpu.json says"),
        (
            "README.md",
            "BAGAN lowers accuracy at 1 % against",
            "BAGAN raises accuracy at 1 % over",
            "README.md: 'BAGAN raises",
        ),
        (
            NOTEBOOK,
            "`bagan` lowers accuracy against `manual`",
            "`bagan` raises accuracy over `manual`",
            "output of cell",
        ),
        # sentences written by hand: the paper's numbers, ours
        (NOTEBOOK, "BAGAN is ahead, by very little", "BAGAN is ahead, by far", "stands nowhere in the lesson"),
        (TEACHING, "378 and 377 of 400", "377 and 378 of 400", "stands nowhere in the lesson"),
        (LEDGER, "accuracy_bagan_20 > accuracy_manual_20", "accuracy_bagan_20 < accuracy_manual_20", "does not hold"),
        (LEDGER, "tested_1 * accuracy_bagan_1) == 378", "tested_1 * acuracy_bagan_1) == 378", "cannot be computed"),
        # new ones
        (TEACHING, "## Discussion keys\n", "## Discussion keys\n\nBAGAN beats manual augmentation.\n", "mark it as a"),
        (TEACHING, "## Discussion keys\n", "## Discussion keys\n\n`mixed` is worse than `bagan`.\n", "mark it as a"),
        (
            TEACHING,
            "## Discussion keys\n",
            "## Discussion keys\n\nIt reached 93.7 %.\n",
            "93.7 is no number of the paper",
        ),
        ("README.md", "## Data\n", "## Data\n\nA GAN is better than PCA.\n", "README.md: a comparison"),
        ("README.md", "## Data\n", "## Data\n\nIt took 4.2 minutes.\n", "README.md: 4.2 is no number"),
        (LEDGER, '"those 20 span"', '"those 21 span"', "stands nowhere"),
    ],
)
def test_a_change_to_the_contrary_is_seen(root, name, old, new, says):
    edit(root, name, old, new)
    assert any(says in fault for fault in faults(root)), faults(root)


@pytest.mark.parametrize(("sign", "red"), [("<", False), (">", True), ("?", True)])
def test_a_marked_sentence_about_our_arms_must_hold_in_the_results(root, sign, red):
    edit(root, TEACHING, "## Discussion keys\n", "## Discussion keys\n\nHere BAGAN is worse than `manual`.\n")
    assert len(faults(root)) == 1
    with (root / LEDGER).open("a") as file:
        claim = f"BAGAN {sign} manual augmentation: accuracy at 1 %"
        file.write(f'\n[[sentence]]\ntext = "Here BAGAN is worse than `manual`."\nours = ["{claim}"]\n')
    assert bool(faults(root)) == red


def test_other_results_turn_a_marked_sentence_red(root):
    edit(root, TEACHING, "## Discussion keys\n", "## Discussion keys\n\nHere BAGAN is worse than `manual`.\n")
    with (root / LEDGER).open("a") as file:
        file.write('\n[[sentence]]\ntext = "Here BAGAN is worse than `manual`."\nours = ["bagan < manual: accuracy"]\n')
    results = json.loads((root / RESULTS).read_text())
    arms = results["arms"]
    arms["bagan"], arms["manual"] = arms["manual"], arms["bagan"]
    (root / RESULTS).write_text(json.dumps(results))
    found = faults(root)
    assert any("does not bear out 'bagan < manual: accuracy': `bagan` raises" in fault for fault in found)
    assert any("cpu.json: 'BAGAN lowers accuracy at 1 %" in fault for fault in found)


def test_what_needs_no_support(root):
    harmless = (
        "Does BAGAN beat manual augmentation?",
        "Suppose that BAGAN is better.",
        '"BAGAN is better." So they say.',
        "See lesson 2, section 13 and Table 1.",
        "`BAGAN > 12` and ```python\nx = 99\n``` and $x^{17}$.",
        "On 40,000 test images; 0 and 1.",
    )
    for text in harmless:
        edit(root, TEACHING, "## Discussion keys\n", f"## Discussion keys\n\n{text}\n")
    assert faults(root) == []


def test_the_blocks_that_are_generated_are_not_read_as_prose(root):
    for block in readme.BLOCKS:
        begin, _ = readme.marks(block)
        edit(root, "README.md", begin, f"{begin}\nA GAN beats PCA by 12.5 %.")
    assert faults(root) == []
