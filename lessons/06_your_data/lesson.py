# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 6 · Your data
#
# <!-- For authors. This lesson runs as it stands: a placeholder method, blending two images of a class, on MNIST. Replace
# it part by part. Comments like this one are not shown; delete each when its part is yours. A cell starts at `%%`; one
# with "source_hidden" is folded. No number is typed in the text: those of the paper come from paper.toml, ours from
# what the cells compute. -->
#
# **The question:** does a classifier become better when blends of its training images are added?
#
# **The paper:** A. Author, *A placeholder*. It reports that they do.

# %% [markdown]
# **When you are through, you can**
#
# - *write* the blend of two images, and the paired gains of an arm;
# - *say* with an interval whether an arm changed anything.
#
# **You need** the ideas of lesson 1, Python and a little PyTorch. No GPU.

# %% tags=["parameters"]
PROFILE = None  # "smoke", "cpu" or "gpu"; None: $COURSE_PROFILE, else "cpu"
DATA = None  # "real", "standin"; None: real images if they can be had
SEED = 0
DEVICE = None  # "cpu", "cuda"; None: a GPU if there is one

# %% [markdown]
# ## 1 · Set-up

# %%
import pandas as pd
import torch

from course_utils import experiment
from course_utils.classify import train as classifier
from course_utils.classify.networks import LeNet
from course_utils.data.augment import Classic
from course_utils.evaluate import statistics
from course_utils.teach import show
from course_utils.teach.exercises import lesson_06 as exercises
from course_utils.teach.lesson import start
from course_utils.teach.plots import comparisons, figures
from course_utils.teach.widgets.explorer import explorer
from course_utils.teach.widgets.predict import predict, reveal
from course_utils.teach.widgets.quiz import quiz

# %%
# "mnist" is the name of a data set: `course data list` shows all of them.
lesson = start(
    "06_your_data",
    "Your data",
    "mnist",
    profile=PROFILE,
    data=DATA,
    seed=SEED,
    device=DEVICE,
)
S = lesson.settings

# %% [markdown]
# ## 2 · The claim
#
# <!-- The paper's headline table, from paper.toml. Then a prediction, before anything is computed. -->

# %% jupyter={"source_hidden": true}
show.table(
    pd.Series({key: lesson.claimed(key) for key in ("accuracy_real", "accuracy_blends")})
    .rename_axis("the paper's")
    .to_frame("value"),
    "What the paper reports",
)

# %% jupyter={"source_hidden": true}
GAIN = ["higher with blends", "lower with blends", "we cannot tell"]
predict(
    lesson.slug,
    "gain",
    "Over several seeds: what will the accuracy be with blends, compared with real images alone?",
    options=GAIN,
)

# %% [markdown]
# ## 3 · Look at the data
#
# <!-- Look, count, and seal the test images: a sealed set can be scored on, and not trained on. -->

# %%
train = lesson.data["train"].sample(S["images"], lesson.generator("few")).to(lesson.device)
test = lesson.data["test"].to(lesson.device).seal()
show.figure(
    figures.image_grid(train.pixels[:20], titles=[train.classes[k] for k in train.labels[:20]]),
    "Twenty training images, with their classes above them.",
)

# %% [markdown]
# **What do you notice?**
#
# <details><summary>One reading</summary>
#
# What a careful look finds; it is unfolded after one's own look.
# </details>
#
# ## 4 · Build
#
# <!-- Two to four exercises of two to six lines. Their checks are in course_utils/teach/exercises/lesson_06.py. Learners
# get a stub in place of what stands between the two SOLUTION lines; the lesson goes on with their function once it has
# passed, else with the reference: `exercise_1.answer_or_reference`. -->
#
# ### Exercise 1 · blend two images


# %%
exercise_1 = exercises.Blend()
exercise_1


# %% tags=["exercise"]
def blend(a, b, share):
    """a, b: float images, N × C × H × W; share: how much of a, 0 to 1. Returns their blends, of the same shape."""
    ### BEGIN SOLUTION
    return share * a + (1 - share) * b
    ### END SOLUTION


# %% tags=["check"]
exercise_1.check(blend)  # stuck? exercise_1.hint(), and in the end exercise_1.solution()


# %%
def blends(labels, images, rng, share=0.5):
    """Blend two random images of each label's class; uint8, N × C × H × W."""
    a, b = (experiment.repeats(labels, images, rng).float() for _ in range(2))
    return exercise_1.answer_or_reference(a, b, share).round().to(torch.uint8)


# %% [markdown]
# **Play.** From which share on do you see two digits?

# %%
explorer(
    lambda share: figures.image_grid(
        blends(train.labels[:20], train, lesson.generator("look"), share)
    ),
    "Twenty blends, each of two training images of a class.",
    share=[0.5, 0.7, 0.9, 1.0],
)

# %% [markdown]
# ## 5 · The experiment
#
# <!-- An arm is a function (train, rng) → Images. All arms get the same number of optimiser updates. A lesson has at least:
# `real` alone; classic augmentation, the rival that costs nothing; a placebo with nothing new in it; and the method. -->

# %%
arms = {
    "real": experiment.real,
    "classic": experiment.classic(Classic(rotation=10, shift=0.1, zoom=0.1)),
    "placebo_repeat": experiment.added(experiment.repeats),
    "blends": experiment.added(blends),
}
recipe = experiment.Recipe(LeNet, classifier.adam(2e-3), S["updates"], batch_size=32)
outcome = experiment.run(
    {"main": experiment.Plan(arms, recipe, ("test",))},
    train,
    {"test": test},
    lesson.seeds,
    workers=S.get("workers"),
    cache=lesson.cache,
    on_progress=show.progress("the experiment"),
)["main"]
results = experiment.summary(outcome, baseline="real")

# %% [markdown]
# ### Exercise 2 · paired gains
#
# The arms of one seed start from the same weights. So the gain is taken seed by seed.


# %%
exercise_2 = exercises.PairedGains()
exercise_2


# %% tags=["exercise"]
def gains(arm, baseline):
    """Accuracies (shares) of two arms, one a seed, in the same order → the gain of each seed, in points."""
    ### BEGIN SOLUTION
    return 100 * (arm - baseline)
    ### END SOLUTION


# %% tags=["check"]
exercise_2.check(gains)


# %%
def row(arm):
    """The gains of an arm over `real`, with their mean and 95 % interval."""
    points = exercise_2.answer_or_reference(outcome.values(arm, "test"), outcome.values("real", "test"))
    interval = statistics.t_interval(points)
    return arm, points, interval.mean, interval.lo, interval.hi


CENTRAL_ALT = "Gains in accuracy of three arms over real images alone, with 95 % intervals."
central = comparisons.runs_and_intervals(
    {"test images": [row(arm) for arm in arms if arm != "real"]},
    reference=0,
    xlabel="arm − real, points of accuracy:  | one seed   ●━ mean with 95 % interval",
)
show.figure(central, CENTRAL_ALT)

# %% jupyter={"source_hidden": true}
difference = statistics.t_interval(
    statistics.paired_differences(
        outcome.values("blends", "test"), outcome.values("real", "test")
    )
)
verdict = statistics.verdict(difference, "`blends`", "`real`")
verdict = verdict[0].upper() + verdict[1:]
reveal(
    lesson.slug,
    "gain",
    GAIN[0 if difference.lo > 0 else 1 if difference.hi < 0 else 2],
    verdict,
)

# %% [markdown]
# **What this does *not* show**
#
# - Anything about other classifiers, other data, or longer training.
#
# ## 6 · Quiz
#
# <!-- The questions stand in quiz.toml, so that no answer can be read in the notebook. -->

# %%
quiz(lesson.slug)

# %% [markdown]
# ## Key points
#
# - One sentence for each objective at the top.
#
# ---
# The last cells write the results and check that the lesson is whole.

# %% jupyter={"source_hidden": true}
saved = lesson.save(
    central,
    CENTRAL_ALT,
    **results,
    baseline="real",
    classic="classic",
    updates=dict.fromkeys(arms, S["updates"]),
    verdict=verdict,
)
show.markdown(
    f"**Verdict.** {saved['verdict']} ({lesson.data.source} data, profile `{lesson.profile}`)"
)

# %% tags=["nbval-check-output"]
# The contract: what must hold in every profile, on any data. CI compares this cell's output.
print("arms:", *saved["arms"])
print("equal updates:", len(set(saved["updates"].values())) == 1, "| sealed:", test.sealed)
