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
# # Start here · How the course works, and a GAN in ten minutes
#
# **The question of the course:** when images from a *generative adversarial network* (GAN) join the training set of a
# classifier, does the classifier get better? Published studies report what happened when they tried. We rebuild them,
# one a lesson, and run each claim again: with many seeds, with a rival that costs nothing, and with placebos. Then we
# say, with intervals, what holds: a gain, a loss, or *we cannot tell*.
#
# One sentence to hold on to: **no number in the course is typed by hand, and every number has an interval.**

# %% [markdown]
# **When you are through, you can**
#
# - *use* what every lesson is made of: predictions, exercises, explorers, live training, a quiz;
# - *say* how far two scores may lie apart although nothing differs;
# - *tell* what G and D do to each other, and what D says in the end;
# - *recognise* a collapse, and *name* what does not show it.
#
# **You need** Python, and what a classifier is. No GPU.
#
# **How it works.** Click into a cell and press Shift and Enter: it runs, and the next one is chosen. Go from top to
# bottom. Nothing that you do in a notebook can break the course: *Run → Restart Kernel and Run All Cells* starts anew.

# %% tags=["parameters"]
PROFILE = None  # "smoke", "quick" or "full"; None: $COURSE_PROFILE, else "quick"
DATA = None  # the lessons' choice of images; this notebook draws its own points
SEED = 0
DEVICE = None  # "cpu", "cuda"; None: a GPU if there is one

# %% [markdown]
# ## 1 · Set-up
#
# Every lesson begins with two cells like these. The first imports; the second says what this run is. The *profile* sets
# how much is computed: `smoke` only checks that everything runs, `quick` is for a laptop, `full` is as large as the papers.
#
# **Folded cells** hold what a lesson needs and does not teach: imports, settings, tables, pictures. Run them like all
# others, and click their three dots to read them. What stands open is what the lesson is about: losses, steps, arms.

# %% jupyter={"source_hidden": true}
import numpy as np
import pandas as pd
import torch

from course_utils.gan import train as gan
from course_utils.gan.steps import gan_step
from course_utils.teach import course_map, doctor, show
from course_utils.teach.exercises import lesson_00 as exercises
from course_utils.teach.lesson import start
from course_utils.teach.toys import coins, line
from course_utils.teach.toys.line import LineNetwork, Moment
from course_utils.teach.widgets.explorer import explorer
from course_utils.teach.widgets.live import watch
from course_utils.teach.widgets.panel import progress_panel
from course_utils.teach.widgets.predict import predict, reveal
from course_utils.teach.widgets.quiz import quiz

# %%
lesson = start("00_start_here", "Start here", None, profile=PROFILE, seed=SEED, device=DEVICE)
S = lesson.settings

# %% [markdown]
# **Is this machine ready?** If something is missing, the table says what to do about it. A data set that is not here yet
# is no fault: a lesson fetches it, or takes a small sample or drawn stand-ins, and says so.

# %%
doctor.panel()

# %% [markdown]
# ## 2 · The map
#
# Each lesson asks one question of one study. The minutes are measured, and what came out is computed from the results;
# both are of the run that is stored. The lessons build on each other, but each can be read alone. (If you want to be
# surprised, do not read the last column.)

# %% jupyter={"source_hidden": true}
show.markdown(course_map.table(folder=""))

# %% [markdown]
# ## 3 · How a lesson works
#
# Here is everything that lessons are made of, in small. It takes a question that comes back in every one of them.
#
# Two classifiers, A and B, are **equally good**: in the long run, each has nine of ten images right. We test each of them
# on a hundred images of its own. Will they score the same?
#
# **Predict.** Before anything runs you say what you expect. What you record stays as it is, and comes back with the
# result. A wrong prediction teaches more than a right one.

# %% jupyter={"source_hidden": true}
predict(
    lesson.slug,
    "gap",
    "Take many such pairs. Within how many points of each other do A and B lie in 95 % of them? "
    "(A *point* is one per cent of the images.)",
    low=0,
    high=20,
    step=0.5,
    unit="points",
)

# %% [markdown]
# **Write.** Exercises are short. Write in place of the `...`, run the cell, then run the check below it. It says what is
# right or wrong; `exercise_1.hint()` helps a little, `exercise_1.solution()` a lot. What you leave open, the lesson fills
# in and goes on. What you solve, the lesson *uses* from there on.
#
# ### Exercise 1 · the gap in points


# %%
exercise_1 = exercises.Gap()
exercise_1


# %% tags=["exercise"]
def gap(hits_a, hits_b, images):
    """How many of `images` A and B have right, an array of pairs → A − B in points of accuracy, for each pair."""
    ### BEGIN SOLUTION
    return 100 * (hits_a - hits_b) / images
    ### END SOLUTION


# %% tags=["check"]
exercise_1.check(gap)  # stuck? exercise_1.hint(), and in the end exercise_1.solution()

# %% [markdown]
# **Play.** Where a figure has controls, move them. With the keyboard: Tab to a control, then the arrow keys. Here your
# function computes the gaps of many pairs. What do you notice when there are more test images?

# %%
explorer(
    lambda images, accuracy: coins.picture(images, accuracy, exercise_1.answer_or_reference),
    "Histogram of the gap between two equally good classifiers, over many pairs; a dashed box holds 95 % of them.",
    images=[100, 50, 400, 1000, 10000],
    accuracy=[90, 50, 70, 80, 95, 99],
)

# %% [markdown]
# **Reveal.** Now your prediction comes back, beside what came out.

# %% jupyter={"source_hidden": true}
gaps = coins.gaps(100, 90, exercise_1.answer_or_reference)
chance = coins.spread(gaps)
reveal(
    lesson.slug,
    "gap",
    chance,
    f"On a hundred images each, two classifiers between which *nothing* differs lie within {chance:.0f} points in 95 % "
    f"of pairs, and {100 * np.mean(gaps == 0):.0f} % of the pairs score exactly the same. On ten thousand images they lie "
    f"within {coins.spread(coins.gaps(10_000, 90, exercise_1.answer_or_reference)):.1f} points. "
    "Keep that in mind when somebody reports a gain of a few points, found on one run.",
)

# %% [markdown]
# **Read.** After a figure comes *What do you notice?*, and then a reading, folded. Look first, then unfold.
#
# <details><summary>One reading</summary>
#
# A hundred times as many images make the gap ten times smaller: it shrinks with the square root. And it is widest for
# classifiers that have half of the images right, and narrow for those that have nearly all. This is chance in the
# <i>test images</i> alone; the seed of the training adds its own.
# </details>
#
# There is more: in lesson 1 you **label** pictures by hand, in lesson 4 you play **real or fake** against a
# discriminator, and every lesson has a **quiz** near its end. Here, next, is **live training**.
#
# ## 4 · A GAN in ten minutes
#
# A GAN is two networks. The *generator* G turns random numbers *z* into data. The *discriminator* D is shown real data
# and G's fakes, and says how probable it finds that a thing is real. D learns from its errors, and G learns from D.
#
# To see the whole game at once, let the data be *numbers*: points on a line. The real ones come in two bumps, of which
# the left one is wider and has more points. G and D are the same small network: one number in, one number out.

# %%
show.source(LineNetwork)

# %% jupyter={"source_hidden": true}
ANSWERS = ["close to one: real points are real", "close to one half", "close to zero"]
predict(
    lesson.slug,
    "half",
    "They play until G draws as well as it can. What does D say then of a **real** point?",
    options=ANSWERS,
)

# %% [markdown]
# **Train, and watch.** Above, the real points and G's fakes (those beyond the edge are piled up at it); below, what D says
# along the line. In JupyterLab the game rests after each picture, so that you can look; *Stop* ends it and keeps what
# was trained.
#
# *While this trains:* D only ever says how real something is. Nobody shows G a real point. How can it find the bumps?


# %%
def players(*hidden):
    """G and D with fresh weights, and so many hidden units each."""
    torch.manual_seed(SEED)
    return [LineNetwork(hidden=units).to(lesson.device) for units in hidden]


def play(G, D, name, steps, **settings):
    """Their game on the line: its training, and the list of its moments."""
    rng, moments = lesson.generator(name), []
    game = gan.training(
        gan_step,
        G,
        D,
        lambda n: (line.points(128, rng).to(lesson.device),),
        steps=steps,
        seed=lesson.number(name),
        average=0,  # the fakes that D sees, not an average of G
        precision="float32",
        reports=steps // 25,
        **settings,
    )
    return line.noted(game, G, D, moments), moments


G, D = players(32, 64)
adam = {"lr": 2e-3, "betas": (0.0, 0.99), "schedule": lambda done: 1 - done}
training, moments = play(G, D, "line", S["steps"], **adam)
WHAT = "above, the density of real points and a histogram of G's fakes; below, D's probability of real along the line."
last = await watch(
    training,
    title="A GAN on a line",
    every_s=0.5,
    pause_s=0.5,
    draw=lambda _: line.picture(moments[-1]),
    alt=WHAT,
)

# %% [markdown]
# **What do you notice?** Do the fakes cover both bumps? And D's curve: where is it still not flat?

# %% jupyter={"source_hidden": true}
end, surest = moments[-1], max(moments, key=lambda moment: moment.certainty)
at_real = float((end.said * line.density(line.X)).sum() / line.density(line.X).sum())
reveal(
    lesson.slug,
    "half",
    ANSWERS[0 if at_real > 0.75 else 1 if at_real > 0.25 else 2],
    f"On average, D says {at_real:.2f} of a real point. It was surest at step {surest.step:,}, "
    f"{surest.certainty:.2f} away from one half on average, and is {end.certainty:.2f} away now. Of the fakes, "
    f"{100 * end.left:.0f} % lie in the left half, and {100 * line.WEIGHTS[0]:.0f} % of the real points.",
)

# %% [markdown]
# D says one half because it cannot tell any more. What *could* it tell, at best?
#
# ### Exercise 2 · the best discriminator
#
# At each place on the line, let *p* be the density of the real points and *q* that of the fakes. As many real points
# as fakes are shown. Now a point falls there. With which probability is it real?


# %%
exercise_2 = exercises.BestD()
exercise_2


# %% tags=["exercise"]
def best_d(p, q):
    """p, q: densities of real points and of fakes along the line, tensors alike. Returns P(real) at each place."""
    ### BEGIN SOLUTION
    return p / (p + q)
    ### END SOLUTION


# %% tags=["check"]
exercise_2.check(best_d)

# %% [markdown]
# **Go back in time.** The same game, one moment after another, with your best D, dotted. Where is the best D above one
# half, and where do the fakes go next?

# %%
explorer(
    lambda moment: line.picture(moments[moment], exercise_2.answer_or_reference),
    f"One moment of the game: {WHAT} A dotted curve is the best D.",
    moment=(0, len(moments) - 1, 1),
)

# %% [markdown]
# <details><summary>One reading</summary>
#
# Fakes move to where D says <i>real</i>: G is pulled up the slope of D's curve, and that is all it ever learns from. D is
# always a little late and a little smoother than the best D. Where the fakes are as frequent as the real points, every
# second point that falls there is real, and the best D says one half. If that is so along the whole line, the game is
# over, and G has won.
# </details>
#
# With D at one half, D pays 2 ln 2 and G pays ln 2: those are the two numbers over the figure, at the end. Remember them.
#
# ## 5 · Collapse
#
# The same game, with a D that is too small to draw a curve with two bumps, and an optimiser that runs on when it should
# turn. *While this trains:* which of the two bumps will the fakes choose?

# %%
adam = {"lr": 1e-2, "betas": (0.9, 0.999)}
training, broken = play(
    *players(32, 6), "broken", S["broken_steps"], **adam, stop_on_collapse=False
)
last = await watch(
    training,
    title="A broken game",
    every_s=0.5,
    pause_s=0.5,
    draw=lambda _: line.picture(broken[-1]),
    alt=WHAT,
)

# %%
explorer(
    lambda moment: line.picture(broken[moment], exercise_2.answer_or_reference),
    f"One moment of the broken game: {WHAT} A dotted curve is the best D.",
    moment=(0, len(broken) - 1, 1),
)


# %% jupyter={"source_hidden": true}
def late(played: list[Moment]) -> dict[str, str]:
    """Of the later half of a game: the range of what can be read off it."""
    half = played[len(played) // 2 :]

    def ends(values: list[float], digits: int) -> str:
        return f"{min(values):.{digits}f} to {max(values):.{digits}f}"

    return {
        "D pays": ends([moment.losses["D"] for moment in half], 2),
        "G pays": ends([moment.losses["G"] for moment in half], 2),
        "D's distance from one half": ends([moment.certainty for moment in half], 2),
        "% of fakes in the left half": ends([100 * moment.left for moment in half], 0),
    }


show.table(
    pd.DataFrame({"the first game": late(moments), "the broken game": late(broken)}),
    "The later half of both games, lowest to highest",
)

# %% [markdown]
# **What do you notice?** A D that says one half everywhere pays 2 ln 2, and G then pays ln 2. How far are the losses of
# either game from that? Which row says what is wrong with the broken game?

# %% jupyter={"source_hidden": true}
share = [100 * moment.left for moment in broken[len(broken) // 2 :]]
paid, paid_broken = (
    np.mean([moment.losses["D"] for moment in played[len(played) // 2 :]])
    for played in (moments, broken)
)
show.markdown(
    f"<details><summary>One reading</summary>\n\nOn average D pays {paid:.2f} in the first game and {paid_broken:.2f} in "
    f"the broken one, and a D that says one half everywhere pays 2 ln 2 = {2 * np.log(2):.2f}. The ranges differ, but a "
    "loss that is restless around that value may have many reasons, and does not say what the fakes are like. The last "
    f"row does: of the broken G's fakes, from one moment to another, {min(share):.0f} to {max(share):.0f} % lie in the "
    f"left half, and {100 * line.WEIGHTS[0]:.0f} % of the real points. The fakes move to one bump, D learns that this is "
    "where they are, and they move on.\n</details>"
)

# %% [markdown]
# That is **mode collapse**: fakes in one place, whatever *z* is, where the data are spread over several. G is asked to be
# believed, not to cover everything. As training data such fakes would be a few examples under a name that promises
# variety.
#
# > **A common misconception.** "D says one half, and the losses have settled: the GAN is good." A D that is blind says
# > one half, too. Look at the fakes, and measure how much of the real data they cover: the lessons do both.
#
# ## 6 · Quiz
#
# Answer as often as you like. Each answer says why it is right or wrong.

# %%
quiz(lesson.slug)

# %% [markdown]
# ## 7 · Your progress
#
# What you predict, solve and answer is noted in one file on this machine, and goes nowhere else. Come back here to see
# what is done, to export it (to keep, or to hand in), or to start anew.

# %%
progress_panel(course_map.slugs())

# %% [markdown]
# ## Key points
#
# - Two equally good classifiers score differently by chance alone. First measure how far chance reaches, then look at a
#   difference.
# - G learns from D alone, and D's best answer is the share of real ones among all the points that fall at a place.
# - One half is where a perfect game ends, and what a blind D says. Losses near 2 ln 2 and ln 2 go with either: look at the
#   fakes.
#
# **Next:** [lesson 1](01_kannada_gan.ipynb), with real handwriting. Does a paper's gain survive when only the seed is
# changed?

# %% [markdown]
# ---
# The last cells write down what came out and check that the notebook is whole.

# %% jupyter={"source_hidden": true}
verdict = (
    f"One game on a line: D was {surest.certainty:.2f} away from one half at its surest and {end.certainty:.2f} in the end; "
    f"{100 * end.left:.0f} % of the fakes lie in the left half, and {100 * line.WEIGHTS[0]:.0f} % of the real points."
)
saved = lesson.save(
    line.picture(end, exercise_2.answer_or_reference),
    f"The last moment of the game: {WHAT}",
    updates={},
    arms={},
    differences={},
    verdict=verdict,
)

# %% jupyter={"source_hidden": true} tags=["nbval-check-output"]
# The contract: what must hold in every profile. CI compares this cell's output.
assert moments[0].step == 0 < moments[-1].step <= S["steps"] and 0 <= end.certainty <= 0.5
print("numbers in G and in D:", *(sum(w.numel() for w in net.parameters()) for net in (G, D)))
print(
    "the best D where p = q:",
    float(exercise_2.answer_or_reference(torch.ones(1), torch.ones(1))),
)
print(
    "wider and fuller on the left:",
    max(line.SPREADS) == line.SPREADS[0],
    max(line.WEIGHTS) == line.WEIGHTS[0],
)
