"""The toy: repeating helps less than generating where a Gaussian fits, and more where it does not."""

import numpy as np

from course_utils.teach import show
from course_utils.teach.toys import mixture

SEEDS = range(8)


def recalls(share, shape):
    """Mean over seeds, trials × (frequent, rare)."""
    return np.mean([[t.recall for t in mixture.trials(share, shape, seed)[2]] for seed in SEEDS], axis=0)


def test_each_trial_fills_the_rare_class_up():
    x, y, (nothing, repeated, generated) = mixture.trials(0.1, "blob", 0)
    few = x[y == mixture.RARE]
    assert len(few) == 0.1 * mixture.N_FREQUENT
    assert len(nothing.added) == 0
    assert len(repeated.added) == len(generated.added) == mixture.N_FREQUENT - len(few)
    known = set(map(tuple, few.tolist()))
    assert set(map(tuple, repeated.added.tolist())) <= known
    assert not set(map(tuple, generated.added.tolist())) & known
    again = mixture.trials(0.1, "blob", 0)[2]
    assert [trial.recall for trial in again] == [trial.recall for trial in (nothing, repeated, generated)]


def test_generated_points_help_where_a_gaussian_fits_and_harm_where_it_does_not():
    nothing, repeated, generated = recalls(0.03, "blob")
    assert nothing[1] + 0.2 < repeated[1] < generated[1] - 0.1
    assert recalls(0.1, "arc")[2].mean() < recalls(0.1, "arc")[1].mean()


def test_the_picture_says_what_the_trials_say_and_follows_a_slider():
    fig = mixture.picture(0.05, "blob", seed=1)
    titles = [ax.get_title() for ax in fig.axes]
    for title, trial in zip(titles, mixture.trials(0.05, "blob", 1)[2], strict=True):
        assert title.startswith(trial.name) and f"rare {100 * trial.recall[1]:.0f} %" in title
    assert show.png(fig)
