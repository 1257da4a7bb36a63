"""The conditional toy: it learns to draw what it is asked for, with the learner's own input."""

import pytest
import torch

from course_utils.teach import show
from course_utils.teach.exercises.lesson_03 import ConditionalInput
from course_utils.teach.toys import clusters


@pytest.fixture(scope="module")
def shots():
    return clusters.asked_for(steps=400)


def test_it_draws_the_class_that_is_asked_for(shots):
    assert list(shots) == [0, 100, 200, 300, 400]
    assert all(drawn.shape == (2, clusters.SHOWN, 2) for drawn in shots.values())
    assert clusters.share_as_asked(shots[0]) < 0.7 < 0.9 < clusters.share_as_asked(shots[400])
    assert (shots[400].mean(dim=1) - clusters.CENTRES).norm(dim=1).max() < 0.2


def test_it_does_not_where_the_class_never_reaches_it():
    deaf = clusters.asked_for(lambda z, c, classes: z, steps=40)
    for drawn in deaf.values():
        assert torch.equal(drawn[0], drawn[1]) and clusters.share_as_asked(drawn) == 0.5


def test_one_seed_gives_one_run_and_leaves_torchs_random_numbers_alone():
    state = torch.get_rng_state()
    one, two, other = (clusters.asked_for(ConditionalInput.reference, steps=20, seed=seed)[20] for seed in (0, 0, 1))
    assert torch.equal(one, two) and not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_picture_says_what_the_shots_hold(shots):
    fig = clusters.picture(shots)
    for ax, (step, drawn) in zip(fig.axes[1:], shots.items(), strict=True):
        assert ax.get_title() == f"step {step}\n{100 * clusters.share_as_asked(drawn):.0f} % as asked"
    assert show.png(fig)
