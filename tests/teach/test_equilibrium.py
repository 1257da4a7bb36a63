"""Losses beside the line where D says one half, and distances beside their floor."""

import pytest
import torch

from course_utils.gan import losses
from course_utils.teach import show
from course_utils.teach.plots import equilibrium


def test_every_panel_has_both_losses_over_the_share_of_its_run_and_those_of_a_d_that_says_one_half():
    runs = {"the paper": {"D": [0.8, 1.0, 1.4], "G": [0.7, 0.6, 0.7]}, "ours": {"D": [1.2] * 40, "G": [0.8] * 40}}
    half = torch.zeros(8, 1)
    known = [float(losses.generator_loss(half)), float(losses.discriminator_loss(half, half))]
    fig = equilibrium.losses(runs)
    for ax, (title, run) in zip(fig.axes, runs.items(), strict=True):
        assert ax.get_title() == title
        curves = [line for line in ax.lines if line.get_label().startswith("loss of")]
        assert [list(line.get_ydata()) for line in curves] == [run["D"], run["G"]]
        assert all((line.get_xdata()[0], line.get_xdata()[-1]) == (0, 100) for line in curves)
        marks = sorted(line.get_ydata()[0] for line in ax.lines if line not in curves)
        assert marks == pytest.approx(known)


def test_distances_are_drawn_by_step_beside_their_floor():
    fig = equilibrium.distances({"gate on": {10: 90.0, 20: 50.0}, "gate off": {10: 80.0, 20: 30.0}}, floor=0.5)
    (ax,) = fig.axes
    on, off, floor = ax.lines
    assert (list(on.get_xdata()), list(off.get_ydata())) == ([10, 20], [80, 30]) and floor.get_ydata()[0] == 0.5
    assert show.png(fig)
