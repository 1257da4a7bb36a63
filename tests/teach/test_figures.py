"""Figures: what they draw, and that they leave Matplotlib as it was."""

import io

import matplotlib
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from course_utils.core.errors import CourseError
from course_utils.teach import show
from course_utils.teach.plots import figures


def pictures(n, channels=1, side=8):
    return torch.arange(n * channels * side * side).reshape(n, channels, side, side).remainder(256).to(torch.uint8)


@given(n=st.integers(1, 7), channels=st.sampled_from([1, 3]), cols=st.integers(1, 4), scale=st.integers(1, 3))
def test_a_mosaic_holds_every_picture_where_it_belongs(n, channels, cols, scale):
    pixels = pictures(n, channels, 4)
    canvas = figures.mosaic(pixels, cols, scale, gap=2, head=5)
    side = 4 * scale
    for i, tile in enumerate(pixels):
        top, left = i // cols * (side + 7) + 5, i % cols * (side + 2)
        seen = canvas[top : top + side : scale, left : left + side : scale]
        assert (seen == np.broadcast_to(tile.permute(1, 2, 0).numpy(), (4, 4, 3))).all()


def test_an_image_grid_shows_its_pixels_unblurred_with_titles_of_pictures_and_rows():
    pixels = torch.zeros(6, 1, 28, 28, dtype=torch.uint8)
    pixels[:, :, ::2] = 255
    image = np.asarray(Image.open(io.BytesIO(show.png(figures.image_grid(pixels, cols=3)))).convert("L"))
    assert set(np.unique(image)) == {0, 255}
    fig = figures.image_grid(pictures(4, 3), cols=2, titles=list("abcd"), row_titles=["real", "generated"])
    assert [text.get_text() for text in fig.axes[0].texts] == ["a", "b", "c", "d", "real", "generated"]
    with pytest.raises(CourseError, match="no pictures"):
        figures.image_grid(pixels[:0])


def test_loss_curves_count_steps_and_differ_in_more_than_colour():
    d, g = figures.loss_curves({"D": [0.7, 0.6], "G": [0.9, 1.0]}, every=50).axes[0].lines
    assert list(d.get_xdata()) == [50, 100]
    assert d.get_marker() != g.get_marker() and d.get_linestyle() != g.get_linestyle()


def test_a_confusion_matrix_shows_every_count_and_survives_an_empty_row():
    fig = figures.confusion([[3, 1], [0, 0]], ["cow", "horse"], "two")
    assert [text.get_text() for text in fig.axes[0].texts] == ["3", "1", "0", "0"]


def test_kannada_digits_are_never_drawn(recwarn):
    assert figures.drawable("೩ three") == "three"
    show.png(figures.confusion([[1, 0], [0, 1]], ["೦", "೧"], "Kannada ೦–೯"))
    show.png(figures.image_grid(pictures(1, side=28), titles=["೯ 9"]))
    assert not [w for w in recwarn if "missing from font" in str(w.message)]


def test_figures_change_no_global_setting():
    before = dict(matplotlib.rcParams)
    figures.loss_curves({"D": [1.0]}, 1)
    with figures.style():
        assert matplotlib.rcParams["font.size"] == figures.STYLE["font.size"]
    assert dict(matplotlib.rcParams) == before
    assert not matplotlib.pyplot.get_fignums()


@pytest.mark.reliability("security")
@pytest.mark.parametrize("name", ["$\\frac{", "$a$ and $b$", "cost: 5 $", r"\$1"])
def test_a_dollar_in_a_name_begins_no_formula(name):
    fig = figures.confusion(np.eye(2), [name, "other"], name)
    show.png(fig)
    show.png(figures.image_grid(pictures(1), 1, [name], [name]))
    assert fig.axes[0].get_title() == name.replace("$", r"\$")
