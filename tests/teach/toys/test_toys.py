"""What all toys have in common: they refuse what they do not know, and use the learner's functions."""

import pytest
import torch

from course_utils.core.errors import CourseError
from course_utils.core.seeds import generator
from course_utils.teach.toys import borders, coins, cycles, mixture, ring


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda: ring.points(10, "star", generator(0)), "no shape 'star'; choose one of ring, blob"),
        (lambda: ring.picture("ring", 7), "after 7 steps; choose one of 150"),
        (lambda: mixture.trials(0, "blob", 0), "share of 0"),
        (lambda: mixture.trials(0.1, "star", 0), "'star'; choose one"),
        (lambda: cycles.translators("twist", 0), "'twist'; choose one of rotation, reflection"),
        (lambda: borders.drawn(1, "fakes only", 0), "weight 1, heads 'fakes only'"),
    ],
)
def test_unknown_settings_are_refused(draw, words):
    with pytest.raises(CourseError, match=words):
        draw()


def test_the_learners_functions_are_used():
    assert coins.spread(coins.gaps(100, 90, lambda a, b, n: 0.0 * a)) == 0
    assert cycles.translation("rotation", 0, cycle_loss=lambda a, b, AB, BA: torch.tensor(7.0)).cycle_loss == 7
    x = ring.points(400, "ring", generator(0))
    assert ring.ppca(x, 50, generator(0), lambda mean, W, n, rng: mean + 9 + 0 * torch.zeros(n, 1) @ W.T).min() > 6
    far = mixture.trials(0.05, "arc", 3, fit=lambda x: (x.mean(0), x), draw=lambda m, f, n, g: m.expand(n, 2) + 100)
    assert far[2][2].added.min() > 90
