"""The toy on the line: its densities, its moments, and what its picture shows."""

import pytest
import torch

from course_utils.gan.steps import gan_step
from course_utils.gan.train import training
from course_utils.teach import show
from course_utils.teach.toys import line
from course_utils.teach.toys.line import LineNetwork, Moment, X


@pytest.fixture(scope="module")
def moments():
    """Those of one game."""
    torch.manual_seed(0)
    G, D, rng, moments = LineNetwork(32), LineNetwork(64), torch.Generator().manual_seed(0), []
    settings = {"lr": 2e-3, "betas": (0.0, 0.99), "schedule": lambda done: 1 - done, "average": 0, "reports": 32}
    run = training(
        gan_step, G, D, lambda n: (line.points(128, rng),), steps=800, seed=0, precision="float32", **settings
    )
    yielded = [progress.step for progress in line.noted(run, G, D, moments)]
    assert yielded == [moment.step for moment in moments[1:]]
    return moments


def test_the_points_are_those_of_the_density():
    x = line.points(20_000, torch.Generator().manual_seed(0))
    assert x.shape == (20_000, 1)
    counts = torch.histc(x, 50, line.LOW, line.HIGH) / 20_000 / 0.2
    middles = torch.linspace(line.LOW + 0.1, line.HIGH - 0.1, 50)
    assert (counts - line.density(middles)).abs().max() < 0.03


@pytest.mark.parametrize("blur", [0.0, 0.5])
def test_the_density_sums_to_one(blur):
    assert float(torch.trapezoid(line.density(X, blur), X)) == pytest.approx(1, abs=1e-3)


def test_g_finds_both_bumps_and_d_comes_to_doubt(moments):
    assert abs(moments[-1].left - line.WEIGHTS[0]) < 0.1
    sure = [moment.certainty for moment in moments]
    assert max(sure[1:5]) > 0.1 > 2 * min(sure[-3:])
    assert set(moments[-1].losses) == {"D", "G"}


def test_certainty_is_the_mean_distance_from_one_half():
    fakes = torch.zeros(10)
    assert Moment(1, fakes, torch.full_like(X, 0.5), {}).certainty == 0
    assert Moment(1, fakes, torch.ones_like(X), {}).certainty == pytest.approx(0.5)
    right_only = Moment(1, fakes, torch.where(X > 0, 1.0, 0.5), {})
    assert right_only.certainty == pytest.approx(0.5 * line.WEIGHTS[1], abs=0.01)


def test_the_picture_shows_the_moment_and_the_best_d(moments):
    fig = line.picture(moments[-1], best=lambda p, q: p / (p + q))
    above, below = fig.axes
    assert above.get_title().startswith("step 800: D pays 1.")
    curves = {curve.get_label(): curve for curve in below.lines}
    assert torch.equal(torch.as_tensor(curves["D(x)"].get_ydata()), moments[-1].said)
    best = torch.as_tensor(curves["the best D"].get_ydata())
    assert ((best >= 0) & (best <= 1)).all()
    assert "the best D" not in {curve.get_label() for curve in line.picture(moments[0]).axes[1].lines}


def test_fakes_far_off_or_all_in_one_place_can_be_drawn():
    for fakes in (torch.full((50,), 300.0), torch.zeros(50)):
        assert show.png(
            line.picture(Moment(1, fakes, torch.full_like(X, 0.1), {"D": 0.1, "G": 9.0}), lambda p, q: p / (p + q))
        )
