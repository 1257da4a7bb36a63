"""Losses beside the line where D says one half, and distances beside their floor."""

import math

import pytest
import torch

from course_utils.gan import losses
from course_utils.teach import show
from course_utils.teach.plots import equilibrium


def test_one_half_is_what_the_losses_give_to_a_d_that_says_one_half():
    half = torch.zeros(8, 1)
    assert float(losses.discriminator_loss(half, half)) == pytest.approx(equilibrium.ONE_HALF["D"])
    assert float(losses.generator_loss(half)) == pytest.approx(equilibrium.ONE_HALF["G"])


def test_every_panel_has_both_losses_over_the_share_of_its_run_and_both_marks():
    runs = {"the paper": {"D": [0.8, 1.0, 1.4], "G": [0.7, 0.6, 0.7]}, "ours": {"D": [1.2] * 40, "G": [0.8] * 40}}
    fig = equilibrium.losses(runs)
    for ax, (title, run) in zip(fig.axes, runs.items(), strict=True):
        assert ax.get_title() == title
        curves = [line for line in ax.lines if line.get_label().startswith("loss of")]
        assert [list(line.get_ydata()) for line in curves] == [run["D"], run["G"]]
        assert all((line.get_xdata()[0], line.get_xdata()[-1]) == (0, 100) for line in curves)
        assert len({line.get_linestyle() for line in curves} | {line.get_marker() for line in curves}) == 4
        marks = sorted(line.get_ydata()[0] for line in ax.lines if line not in curves)
        assert marks == pytest.approx([math.log(2), 2 * math.log(2)])
    labels = {text.get_text(): text for text in fig.axes[-1].texts}
    assert set(labels) == {"2 log 2", "log 2"}
    fig.draw_without_rendering()
    for name, height in (("2 log 2", 2 * math.log(2)), ("log 2", math.log(2))):
        box = labels[name].get_window_extent()
        assert fig.axes[-1].bbox.x1 <= box.x0 and box.x1 <= fig.bbox.x1  # beside the curves, and not cut off
        assert box.y0 < fig.axes[-1].transData.transform((0, height))[1] < box.y1
    assert show.png(fig)


def test_distances_are_drawn_by_step_beside_their_floor():
    fig = equilibrium.distances({"gate on": {10: 90.0, 20: 50.0}, "gate off": {10: 80.0, 20: 30.0}}, floor=0.5)
    (ax,) = fig.axes
    on, off, floor = ax.lines
    assert (list(on.get_xdata()), list(off.get_ydata())) == ([10, 20], [80, 30]) and floor.get_ydata()[0] == 0.5
    assert ax.get_yscale() == "log" and (on.get_marker(), off.get_marker()) == ("o", "s")
    assert show.png(fig)
