"""Compare ways to train, honestly.

An *arm* is one way to train: a function `(train, rng)` that returns the training `Images`, or `(Images, transform)`
where the transform changes each batch afresh, or a `Training`, which can also weigh the classes. Arms of one seed
share the classifier's initial weights and the number of optimiser updates, and are scored on the same sealed test
images: that is what makes their differences paired.
"""

from course_utils.classify.jobs import Recipe
from course_utils.experiment.arms import (
    Arm,
    Training,
    added,
    classic,
    hybrid,
    noise,
    oversample,
    placebo_noise,
    placebo_repeat,
    real,
    repeats,
    top_up,
    weighted,
)
from course_utils.experiment.pipeline import Outcome, Plan, run
from course_utils.experiment.record import REQUIRED, entry, provenance, save, summary

__all__ = [
    "REQUIRED",
    "Arm",
    "Outcome",
    "Plan",
    "Recipe",
    "Training",
    "added",
    "classic",
    "entry",
    "hybrid",
    "noise",
    "oversample",
    "placebo_noise",
    "placebo_repeat",
    "provenance",
    "real",
    "repeats",
    "run",
    "save",
    "summary",
    "top_up",
    "weighted",
]
