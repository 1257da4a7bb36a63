"""Figures of a starved class: what they draw is what the numbers say."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb

from course_utils.core.errors import CourseError
from course_utils.evaluate.statistics import Interval, proportion_interval
from course_utils.teach import show
from course_utils.teach.exercises.lesson_02 import ClassGaussian
from course_utils.teach.plots import imbalance

PAPER = {
    "small": {"bagan": (0.945, 400), "manual": (0.9425, 400)},
    "large": {"bagan": (0.9917, 40000), "manual": (0.994725, 40000)},
}


def spans(ax):
    return [tuple(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) == 2]


def test_each_single_accuracy_lies_on_wilsons_interval_with_its_count():
    fig = imbalance.single_accuracies(PAPER)
    small, large = fig.axes
    known = proportion_interval(378, 400)
    np.testing.assert_allclose(spans(small)[0], (100 * known.lo, 100 * known.hi))
    assert [text.get_text() for text in small.texts] == ["378 right", "377 right"]
    assert [text.get_text() for text in large.texts] == ["39,668 right", "39,789 right"]
    assert small.get_title() == "small\n400 test images"
    with pytest.raises(CourseError, match=r"small, bagan: 0\.945 of 401 images"):
        imbalance.single_accuracies({"small": {"bagan": (0.945, 401)}})


def test_the_papers_value_is_filled_only_where_one_further_run_could_fall():
    rows = [
        ("a", Interval(0.9, 0.88, 0.92), Interval(0.9, 0.8, 1.1), 0.85),
        ("b", Interval(0.9, 0.84, 0.96), Interval(0.9, 0.86, 0.94), 0.85),
        ("c", Interval(0.7, 0.6, 0.8), Interval(0.7, 0.5, 0.9), None),
    ]
    fig = imbalance.beside_paper({"recall of 0": rows}, "in %", order=["c", "b", "a"])
    squares = [line for line in fig.axes[0].lines if line.get_marker() == "s" and line.get_color() == "black"]
    assert [to_rgb(square.get_markerfacecolor()) for square in squares] == [(0, 0, 0), (1, 1, 1)]
    assert [list(square.get_xdata()) for square in squares] == [[85.0], [85.0]]
    thin, thick = spans(fig.axes[0])[::2], spans(fig.axes[0])[1::2]
    np.testing.assert_allclose(thin, [(80, 110), (86, 94), (50, 90)])
    np.testing.assert_allclose(thick, [(88, 92), (84, 96), (60, 80)])
    assert show.png(fig)


def test_an_ellipse_holds_95_percent_of_its_class_in_any_number_of_dimensions():
    rng = torch.Generator().manual_seed(0)
    shapes = torch.tensor([[[2.0, 0], [1, 0.3]], [[0.5, 0], [0, 0.5]], [[0.2, 0], [0.4, 1]]])
    counts = (12, 4000, 4000)
    clouds = [torch.randn(n, 2, generator=rng) @ shapes[k].T + 4 * k for k, n in enumerate(counts)]
    mean, factor = map(torch.stack, zip(*map(ClassGaussian.reference, clouds), strict=True))
    latents, labels = torch.cat(clouds), torch.arange(3).repeat_interleave(torch.tensor(counts))

    def lines(*gaussian):
        fig = imbalance.latent_clouds(gaussian[0], labels, *gaussian[1:], starved=0)
        assert [text.get_text() for text in fig.axes[0].texts] == ["1", "2", "0"]  # the starved class is drawn last
        assert show.png(fig)
        dots = [line for line in fig.axes[0].lines if line.get_marker() != "None"]
        rims = [line for line in fig.axes[0].lines if len(line.get_xdata()) == 100]
        assert dots[-1].get_marker() != dots[0].get_marker() and rims[-1].get_linestyle() != rims[0].get_linestyle()
        return [np.stack(line.get_data(), axis=1) for line in rims]

    flat = lines(latents, mean, factor)
    for k, ellipse in zip((1, 2, 0), flat, strict=True):
        x = (clouds[k] - mean[k]) @ torch.linalg.inv(factor[k]).T
        rim = (torch.from_numpy(ellipse).float() - mean[k]) @ torch.linalg.inv(factor[k]).T
        radius = rim.norm(dim=1)
        assert radius.std() < 1e-3
        assert float((x.norm(dim=1) < radius[0]).float().mean()) == pytest.approx(0.95, abs=0.15 if k == 0 else 0.02)
    turn = torch.linalg.qr(torch.randn(5, 5, generator=rng)).Q[:2]
    wide = torch.zeros(3, 5, 5)
    wide[:, :, :2] = turn.T @ factor
    deep = lines(latents @ turn, mean @ turn, wide)
    for a, b in zip(flat, deep, strict=True):  # in the plane of the spread, turned about the centre
        middle = a.mean(0) - latents.mean(0).numpy()
        np.testing.assert_allclose(np.linalg.norm(middle), np.linalg.norm(b.mean(0)), rtol=0.05)
