"""Who cannot tell colours apart, sits at the back of the room, or does not see the figures at all, learns as much.

Colours are looked at as people with the three common deficiencies see them, all of the way (Machado, Oliveira and
Fernandes 2009, severity 1.0, applied to linear RGB).
"""

import ast
import itertools

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from course_tools.run.lessons import find
from course_utils.core.errors import CourseError
from course_utils.core.profiles import ROOT
from course_utils.teach import show
from course_utils.teach.plots import comparisons, figures
from course_utils.teach.plots.figures import LOOKS, STYLE
from course_utils.teach.toys import coins, line
from course_utils.teach.widgets import game
from course_utils.teach.widgets.explorer import explorer

SEEN = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])  # of linear sRGB

NEXT, ANY = 15, 9  # CIE 1976 difference of two looks that follow each other, and of any two; 2.3 is just noticeable
SMALLEST = 10  # points, at the size in which figures are stored and shown: 13 pixels high at least

TEACH = sorted((ROOT / "course_utils" / "teach").rglob("*.py"))
SOURCES = [lesson.folder / "lesson.py" for lesson in find()]


def linear(colour):
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """CIELAB of a linear colour, white at D65."""
    x, y, z = np.clip(XYZ @ np.clip(rgb, 0, 1) / XYZ.sum(axis=1), 0, None)
    f = [t ** (1 / 3) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29 for t in (x, y, z)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(one, other, eye):
    return float(np.linalg.norm(lab(SEEN[eye] @ linear(one)) - lab(SEEN[eye] @ linear(other))))


def contrast(one, other):
    """WCAG 2.2's contrast ratio, 1 to 21."""
    lower, higher = sorted(float(XYZ[1] @ linear(colour)) + 0.05 for colour in (one, other))
    return higher / lower


def test_the_measures_know_what_is_known():
    assert contrast("white", "black") == pytest.approx(21)
    assert lab(linear("white")) == pytest.approx([100, 0, 0], abs=0.02)
    assert lab(linear("#FF0000")) == pytest.approx([53.24, 80.09, 67.20], abs=0.1)
    for eye, matrix in SEEN.items():
        assert np.sum(matrix, axis=1) == pytest.approx([1, 1, 1], abs=1e-5), eye  # white stays white


@pytest.mark.parametrize("eye", SEEN)
def test_no_two_looks_are_taken_for_one(eye):
    colours = [look.colour for look in LOOKS]
    assert min(difference(*pair, eye) for pair in itertools.pairwise(colours)) >= NEXT
    assert min(difference(*pair, eye) for pair in itertools.combinations(colours, 2)) >= ANY


def test_looks_differ_without_any_colour():
    assert len({look.marker for look in LOOKS}) == len({str(look.line) for look in LOOKS}) == len(LOOKS)
    assert len({(look.marker, look.hatch) for look in LOOKS}) == len(LOOKS)
    assert all(one.hatch != other.hatch for one, other in itertools.pairwise(LOOKS))


def test_looks_stand_out_from_white():
    """WCAG 2.2, criterion 1.4.11, asks 3:1 of what one must see to understand a figure."""
    assert min(contrast(look.colour, "white") for look in LOOKS) >= 3
    assert STYLE["lines.linewidth"] >= 2 and STYLE["lines.markersize"] >= 8 and all(look.marker for look in LOOKS)


RUNS = [("real", np.array([70.0, 71.5]), 70.7, 69.1, 72.4), ("gan", np.array([70.5, 72.0]), 71.2, 69.5, 73.0)]
DIGITS = torch.zeros(20, 1, 28, 28, dtype=torch.uint8)
CLAIM = {"label": "B = 64", "before": 60.0, "after": 70.0, "runs": RUNS[0][1], "spread": 4.0}
DRAWN = {
    "loss_curves": lambda: figures.loss_curves({"D": [1.4, 1.3], "G": [0.7, 0.8]}, 10),
    "training": lambda: figures.training(DIGITS, {"D": [1.4, 1.3], "G": [0.7, 0.8]}, 10),
    "confusion": lambda: figures.confusion(np.eye(10), tuple("0123456789"), "ten digits"),
    "image_grid": lambda: figures.image_grid(DIGITS, titles=["seven"] * 20, row_titles=["real", "generated"]),
    "runs_and_intervals": lambda: comparisons.runs_and_intervals({"test": RUNS}, 0, "points"),
    "claims_over_spread": lambda: comparisons.claims_over_spread([CLAIM], "Dig-MNIST", "points"),
    "coins": lambda: coins.picture(100, 90),
    "line": lambda: line.picture(line.Moment(1, torch.zeros(9), torch.ones_like(line.X), {"D": 1.0})),
}


@pytest.mark.parametrize("name", DRAWN)
def test_what_is_written_in_a_figure_reads_on_a_projector(name):
    fig = DRAWN[name]()
    fig.draw_without_rendering()  # ticks get their labels then
    sizes = {
        text.get_text(): text.get_fontsize() for text in fig.findobj(Text) if text.get_text() and text.get_visible()
    }
    assert sizes and min(sizes.values()) >= SMALLEST, sizes


@pytest.mark.parametrize("path", [*TEACH, *SOURCES], ids=lambda path: path.parent.name + "/" + path.name)
def test_no_module_writes_smaller(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.keyword) and node.arg in ("fontsize", "labelsize", "title_fontsize"):
            size = node.value
            assert not isinstance(size, ast.Constant) or size.value >= SMALLEST, f"line {node.value.lineno}"


DESCRIBED = {"figure": 1, "explorer": 1, "save": 1, "real_or_fake": 5}
"""Functions that show a picture, and where among their arguments its alternative text stands."""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.parent.name)
def test_every_picture_of_a_lesson_is_described_where_it_is_shown(path):
    tree, found = ast.parse(path.read_text("utf-8")), 0
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = getattr(call.func, "attr", getattr(call.func, "id", None))
        owner = getattr(getattr(call.func, "value", None), "id", None)
        if name not in DESCRIBED or (name in ("figure", "save") and owner not in ("show", "lesson")):
            continue
        named = [word.value for word in call.keywords if word.arg == "alt"]
        alt = named[0] if named else call.args[DESCRIBED[name]]
        assert not isinstance(alt, ast.Constant) or len(alt.value.split()) >= 3, f"line {call.lineno}: {alt.value!r}"
        found += 1
    assert found >= 3
    imported = {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names
    }
    assert "matplotlib.pyplot" not in imported and "pyplot" not in imported  # plt.show() would show it undescribed


@pytest.mark.parametrize(
    "shown",
    [
        lambda alt: show.figure(figures.loss_curves({"D": [1.0]}, 1), alt),
        lambda alt: explorer(lambda size: figures.loss_curves({"D": [1.0]}, size), alt, size=[1, 2]),
        lambda alt: show.tag(b"", alt),
        lambda alt: game.real_or_fake("04_x", DIGITS, DIGITS, torch.zeros(20), torch.zeros(20), alt),
    ],
)
def test_nothing_is_shown_undescribed(shown):
    for alt in ("", "  "):
        with pytest.raises(CourseError, match="no alternative text"):
            shown(alt)
