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
# # Lesson 6 · Would it help on your data?
#
# **The question:** you have some labelled pictures, and not enough of them. Would pictures that a generator makes of them
# help your classifier? More than classic augmentation does? And what would they be worth in *real* pictures?
#
# **No paper this time.** No study can answer this for you, because it is about your pictures. So you build the protocol
# that answers it, step by step, try it on a small set, and at the end let one command run it on a folder of your own.

# %% [markdown]
# **When you are through, you can**
#
# - *split* pictures so that nothing leaks, and *say* what a leak costs;
# - *read* a gain as a number of real pictures, off a learning curve;
# - *tell* a run that saw no gain from a run that could not have seen one, by its controls;
# - *say* how small an effect a run could have seen, and how many seeds a smaller one needs;
# - *run* the whole protocol on pictures of your own.
#
# **You need** the ideas of lesson 1 (one run is one draw, placebo, pairs), Python and a little PyTorch. No GPU.

# %% tags=["parameters"]
PROFILE = None  # "smoke", "quick" or "full"; None: $COURSE_PROFILE, else "quick"
DATA = None  # "real", "standin"; None: real images if they can be had
SEED = 0
DEVICE = None  # "cpu", "cuda"; None: a GPU if there is one
FOLDER = None  # for section 10: a folder of class folders of your own; None: one that the lesson writes
HOURS = 0.5  # for a folder of your own

# %% [markdown]
# ## 1 · Set-up

# %% jupyter={"source_hidden": true}
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from scipy import stats

from course_utils import experiment, verdict
from course_utils.classify import train as classifier
from course_utils.classify.networks import SmallCNN
from course_utils.core.parallel import parallel_map
from course_utils.core.profiles import data_source, standin_scale
from course_utils.core.seeds import generator, number
from course_utils.data import folder, sources
from course_utils.data.audit import audit
from course_utils.data.augment import Classic
from course_utils.data.images import Images, resized
from course_utils.data.splits import split
from course_utils.evaluate import gates, samples, statistics
from course_utils.evaluate.comparisons import compare
from course_utils.gan.recipes import train_diffusion
from course_utils.teach import show
from course_utils.teach.exercises import lesson_06 as exercises
from course_utils.teach.lesson import start
from course_utils.teach.plots import comparisons, curves, figures
from course_utils.teach.shots import noted
from course_utils.teach.widgets.explorer import explorer
from course_utils.teach.widgets.predict import predict, reveal
from course_utils.teach.widgets.quiz import quiz
from course_utils.verdict.work import train_gan, wrong_labels

# %% jupyter={"source_hidden": true}
lesson = start(
    "06_your_data",
    "Would it help on your data?",
    "fashion",
    profile=PROFILE,
    data=DATA,
    seed=SEED,
    device=DEVICE,
)
S = lesson.settings
AT_ONCE = {"workers": S.get("workers")}  # trainings side by side, in a process a core
show.table(pd.Series(S, name=lesson.profile).rename_axis("setting").to_frame(), "This profile")

# %% [markdown]
# ## 2 · The protocol, and a small set
#
# This is what stands between a folder of pictures and an answer. Each line guards against one way to fool yourself.
#
# | step | it guards against |
# |---|---|
# | split by what must be new (patient, writer, animal), and seal the test | a leak |
# | measure accuracy against the number of real pictures | a gain without a price |
# | two controls: more real pictures, and wrong labels | a run that cannot see anything |
# | several seeds, each with a generator of its own | one lucky draw |
# | rivals that cost nothing: classic augmentation, pictures repeated | a gain that anybody could have |
# | equal updates for all arms, paired differences, corrected for how many are asked | comparing apples with pears |
#
# **Your small set.** Suppose that you have collected a thousand pictures of clothes, and no more: drawn from
# Fashion-MNIST, and made smaller, so that a laptop can train several generators in minutes. The sealed test pictures are
# others.

# %% jupyter={"source_hidden": true}
shrink = partial(resized, side=S["side"])
collected = lesson.data["train"].sample(S["pictures"], lesson.generator("mine"))
sealed = lesson.data["test"]
sealed = sealed.sample(min(S["tested"], len(sealed)), lesson.generator("tested"))
mine, test = (
    replace(part, pixels=shrink(part.pixels)).to(lesson.device) for part in (collected, sealed)
)
classes = mine.classes
show.figure(
    figures.image_grid(
        torch.cat([mine.of_class(k).pixels[:10] for k in range(10)]), row_titles=list(classes)
    ),
    "Ten small grey pictures of each of ten classes of clothes.",
)
show.markdown(f"{len(mine):,} pictures are yours, {len(test):,} are sealed for the test.")

# %% [markdown]
# **What do you notice?** Could you still tell a shirt from a coat at this size? The classifier will not see more.

# %% jupyter={"source_hidden": true}
ARMS = ("real", "classic", "placebo_repeat", "gan", "diffusion", "more_real", "wrong_labels")
GUESSES = ["classic", "placebo_repeat", "gan", "diffusion", "more_real"]
predict(
    lesson.slug,
    "best",
    "A classifier gets half of your pictures. Beside them it gets as many more: repeated ones, a GAN's, a diffusion "
    "model's, or the other half of the real ones. Or the first half alone, with classic augmentation. Which will be "
    "right most often on the sealed test pictures?",
    options=GUESSES,
)

# %% [markdown]
# ## 3 · A split that leaks, once, to see it
#
# Ten cows and ten horses of lesson 3, each photographed from many sides. Before anything is trained, the pictures must be
# split. *By picture* is the default of most libraries. *By animal* keeps all views of one animal on one side.

# %% jupyter={"source_hidden": true}
animals = sources.load(
    "cows-horses", data_source(DATA, lesson.profile), scale=standin_scale(lesson.profile)
)
zoo = animals["objects"]
zoo = zoo.with_pixels(resized(zoo.pixels, S["animal_side"]))
show.markdown(f"**Data.** {animals.announce()}")
one = zoo.of_class(0)
views = [one.subset(one.groups == group).pixels[:8] for group in one.groups.unique()[:3]]
show.figure(
    figures.image_grid(
        torch.cat(views), cols=8, row_titles=["one animal", "another", "a third"]
    ),
    "Three animals of one class in three rows, each from eight sides.",
)

# %% jupyter={"source_hidden": true}
predict(
    lesson.slug,
    "leak",
    "The same classifier, trained in the same way, is tested after both splits. By how many points does the split *by "
    "picture* report a higher accuracy than the split *by animal*?",
    low=0,
    high=50,
    step=1,
    unit="points",
)

# %% [markdown]
# ### Exercise 1 · a split that does not leak
#
# Write the split. It draws whole groups for the test, and gives back a mask. The lesson uses it for both ways: by animal,
# and by picture, where each picture is a group of its own.

# %%
exercise_1 = exercises.GroupSplit()
exercise_1


# %% tags=["exercise"]
def test_part(groups, share, rng):
    """groups: int64, N, whose picture each is. Returns a bool mask, N: the pictures of `share` of the groups, drawn by rng."""
    ### BEGIN SOLUTION
    names = groups.unique()
    drawn = names[torch.randperm(len(names), generator=rng)[: round(share * len(names))]]
    return torch.isin(groups, drawn)
    ### END SOLUTION


# %% tags=["check"]
exercise_1.check(test_part)  # stuck? exercise_1.hint(), then exercise_1.solution()

# %% [markdown]
# Now both splits, several times each, and each time the same small network from the same first weights.

# %%
BY_PICTURE, BY_ANIMAL = "by picture", "by animal"


def parted(way, seed):
    """(the pictures to train on, the sealed ones), split by picture or by animal, each class in the same way."""
    rng, tested = generator(seed, "zoo"), torch.zeros(len(zoo), dtype=torch.bool)
    for label in range(len(zoo.classes)):
        own = zoo.labels == label
        groups = zoo.groups[own] if way == BY_ANIMAL else torch.arange(int(own.sum()))
        tested[own] = exercise_1.answer_or_reference(groups, 0.3, rng)
    return zoo.subset(~tested), zoo.subset(tested).seal()


# %% [markdown]
# *Question:* both ways put the same share of the pictures into the test. So what is it that differs between them?


# %%
def right(net, images):
    """The share of pictures that a network gets right."""
    return float((classifier.logits(net, images).argmax(1) == images.labels).float().mean())


def leak_run(task):
    """The accuracy after one split."""
    known, new = (part.to(lesson.device) for part in parted(*task))
    _, seed = task
    torch.manual_seed(number(seed, "zoo"))
    run = {"updates": S["leak_updates"], "batch_size": 32, "generator": generator(seed, "zoo")}
    return right(classifier.train(SmallCNN(), known, classifier.adam(), **run), new)


SPLITS = range(SEED, SEED + S["splits"])
tasks = [(way, seed) for seed in SPLITS for way in (BY_PICTURE, BY_ANIMAL)]
found = parallel_map(leak_run, tasks, on_progress=show.progress("both splits"), **AT_ONCE)
leaky, clean = (
    np.array([found[way, seed] for seed in SPLITS]) for way in (BY_PICTURE, BY_ANIMAL)
)
leak = statistics.t_interval(leaky - clean)

# %% jupyter={"source_hidden": true}
both = {
    way: len(set.intersection(*(set(part.groups.tolist()) for part in parted(way, SEED))))
    for way in (BY_PICTURE, BY_ANIMAL)
}
show.figure(
    comparisons.runs_and_intervals(
        {
            "accuracy on the sealed pictures, %": comparisons.rows(
                {BY_PICTURE: leaky, BY_ANIMAL: clean}, interval=statistics.share_interval
            )
        },
        xlabel="| one split   ●━ mean with 95 % interval",
        ends=(0, 100),
    ),
    "Accuracy of one and the same classifier after splits by picture and by animal, a tick a split, with 95 % intervals.",
)
show.markdown(
    f"Split by picture, {both[BY_PICTURE]} of the first test part's animals were also in training; split by animal, "
    f"{both[BY_ANIMAL]}."
)
reveal(
    lesson.slug,
    "leak",
    (round(100 * leak.lo), round(100 * leak.hi)),
    f"By picture minus by animal, paired over {len(SPLITS)} splits: {leak.text(100)} points of accuracy.",
)

# %% [markdown]
# **What do you notice?** Which of the two numbers would you meet again with a cow that the network has never seen? And
# why do the ticks of one row lie so much further apart than those of the other?
#
# <details><summary>One reading</summary>
#
# A view of a known animal is an easy question: a network can answer it by colour and pattern. What will be asked in use is
# the other question. Its answers vary more, because each split tests on a handful of animals, and a handful varies. The
# leak makes the estimate too high <i>and</i> makes it look sure.
# </details>
#
# > **A generator leaks, too.** If it has seen the test pictures, so has a classifier that learns from its pictures. The
# > generator may see what the classifier may see, and nothing else.
#
# ## 4 · What are real pictures worth?
#
# Before you ask what *made* pictures are worth, measure what *real* ones are. Each seed halves your pictures: one half to
# train on, the other held back. A quarter and a half of the first half, the whole of it, and both halves together: that
# is a **learning curve**. All four get the same number of updates.


# %%
def halves(images, rng):
    """(the half to train on, the half held back); the same for all arms of a seed."""
    return images.split(1 / 2, rng)


def arm(make):
    """An arm of the experiment from make(train, held, rng); first, the halves are drawn."""
    return lambda images, rng: make(*halves(images, rng), rng)


on_curve = {
    "real_25": arm(lambda train, held, rng: train.split(1 / 4, rng)[0]),
    "real_50": arm(lambda train, held, rng: train.split(1 / 2, rng)[0]),
    "real": arm(lambda train, held, rng: train),
    "more_real": arm(lambda train, held, rng: train.merge(held)),
}

# %% [markdown]
# *Question:* why is the half drawn inside each arm, and before anything else that is random?


# %%
recipe = experiment.Recipe(
    partial(SmallCNN, 1, len(classes)), classifier.adam(), S["updates"], batch_size=64
)


def run(arms, title):
    """Train a classifier of each arm and seed."""
    plans = {"mine": experiment.Plan(arms, recipe, ("test",))}
    shown = {"cache": lesson.cache, "on_progress": show.progress(title)}
    return experiment.run(plans, mine, {"test": test}, lesson.seeds, **AT_ONCE, **shown)["mine"]


curve = run(on_curve, "the learning curve")

# %% jupyter={"source_hidden": true}
OWN = len(halves(mine, generator(SEED, "arm"))[0])
SIZES = {a: len(make(mine, generator(SEED, "arm"))) for a, make in on_curve.items()}
on_real = {
    n: statistics.share_interval(curve.values(a, "test")).times(100) for a, n in SIZES.items()
}
show.figure(
    curves.bands(
        {"real pictures": on_real},
        "real pictures to train on",
        "accuracy, %",
        at=list(on_real),
        ends=(0, 100),
    ),
    "Accuracy on the test pictures against the number of real training pictures, four points with 95 % intervals.",
)

# %% [markdown]
# **What do you notice?** Each step to the right doubles the pictures. Does each step give as much as the one before? A gain
# of one point: how many pictures is it worth on the left, and how many on the right?
#
# ### Exercise 2 · worth how many real pictures?
#
# Place a gain on the curve. You are at `own` pictures. Which number of pictures has an accuracy that is higher by `gain`?
# The curve is straight between its points, in the *logarithm* of the number. Beyond its ends it says nothing, so stop there.

# %%
exercise_2 = exercises.Worth()
exercise_2


# %% tags=["exercise"]
def worth(gain, own, numbers, accuracy):
    """numbers, accuracy: of the curve, both rising. Returns how many *further* real pictures give the gain."""
    ### BEGIN SOLUTION
    now = np.interp(own, numbers, accuracy)
    there = np.exp(np.interp(now + gain, accuracy, np.log(numbers)))
    return there - own
    ### END SOLUTION


# %% tags=["check"]
exercise_2.check(worth)

# %% jupyter={"source_hidden": true}
AT = np.array(list(on_real), float)
HEIGHT = np.maximum.accumulate([on_real[n].mean / 100 for n in on_real])
HEIGHT = HEIGHT + 1e-9 * np.arange(len(HEIGHT))  # rising, where two means are equal


def price(gain):
    """What a gain, an interval in shares, is worth in real pictures, in words; ends beyond the curve as such."""
    numbers = [
        round(float(exercise_2.answer_or_reference(g, OWN, AT, HEIGHT)))
        for g in (gain.mean, gain.lo, gain.hi)
    ]
    least, most = round(AT[0]) - OWN, round(AT[-1]) - OWN
    mean, lo, hi = (
        (f"at most {n:+,}" if n <= least else f"at least {n:+,}" if n >= most else f"{n:+,}")
        for n in numbers
    )
    return f"{mean} [{lo}; {hi}]".replace("-", "−")


show.markdown(
    f"With {OWN:,} pictures, one point more is worth {price(statistics.Interval(0.01, 0.01, 0.01)).split(' [')[0]} real "
    "pictures, as far as the means of this curve tell."
)

# %% [markdown]
# ## 5 · Controls: can this run see anything?
#
# Suppose that in the end no arm differs from `real`. Two stories fit. Made pictures do nothing; or the run is so small that
# it would not have seen *anything*. A **positive control** tells them apart: something that must help. Here that is the
# half of the real pictures that was held back.

# %% jupyter={"source_hidden": true}
control = curve.paired("more_real", "real")
gain_of_real = statistics.t_interval(control)
seen = gain_of_real.lo > 0
show.markdown(
    f"`more_real` minus `real`, paired over {len(lesson.seeds)} seeds: {gain_of_real.text(100)} points. "
    + (
        "Seen: a run like this one can judge."
        if seen
        else "Not seen! Of what this run does not see, it can say nothing."
    )
)

# %% [markdown]
# A **negative control** must harm: as many copies of the training pictures, each under a *wrong* label. If that does no
# harm, the pictures that were added never reached the classifier. We shall run it with the others.
#
# ### Exercise 3 · the decision rule
#
# Write the rule by which a difference becomes a sentence: `"helps"`, `"harms"`, `"we cannot tell"` or `"cannot judge"`.
# A difference is *seen* if its *p*, corrected for the number of questions, is below one in twenty. When does the positive
# control matter?

# %%
exercise_3 = exercises.Decide()
exercise_3


# %% tags=["exercise"]
def decide(mean, p, control_seen):
    """mean: of the differences from `real`; p: corrected; control_seen: was the positive control seen? One of four texts."""
    ### BEGIN SOLUTION
    if p < 0.05:
        return "helps" if mean > 0 else "harms"
    return "we cannot tell" if control_seen else "cannot judge"
    ### END SOLUTION


# %% tags=["check"]
exercise_3.check(decide)

# %% [markdown]
# ## 6 · How many seeds?
#
# A difference that varies by a point from seed to seed hides an effect of half a point. The curve has already told how
# much differences vary here. So you can plan before you spend hours.

# %% jupyter={"source_hidden": true}
predict(
    lesson.slug,
    "seeds",
    f"The differences of `more_real` from `real` over {len(lesson.seeds)} seeds have a standard deviation of "
    f"{100 * control.std(ddof=1):.1f} points. How many seeds does it take to see an effect of **half a point** in "
    "four of five cases?",
    low=2,
    high=100,
    step=1,
    unit="seeds",
)

# %% jupyter={"source_hidden": true}
EFFECTS = (0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3)


def needed(power, spread):
    """The seeds that an effect needs, as a figure."""
    scale = {"as measured": 1, "half of it": 0.5, "twice": 2}[spread]
    at = {e: statistics.seeds_needed(100 * scale * control, e, power) for e in EFFECTS}
    lines = {"seeds needed": {e: statistics.Interval(n, n, n) for e, n in at.items()}}
    here = {"this run": statistics.Interval(*3 * [len(lesson.seeds)])}
    return curves.bands(lines, "effect, points", "paired seeds", levels=here, at=EFFECTS)


explorer(
    needed,
    "Paired seeds that are needed against the size of the effect; dashed: the seeds of this run.",
    power=[0.8, 0.5, 0.95],
    spread=["as measured", "half of it", "twice"],
)
for_half_a_point = statistics.seeds_needed(100 * control, 0.5)
reveal(
    lesson.slug,
    "seeds",
    for_half_a_point,
    f"To see half a point in four of five cases takes {for_half_a_point} seeds, at the spread of this control.",
)

# %% [markdown]
# **Play.** Half the effect: how many times as many seeds? And what would halve the spread? (More test pictures help only
# as long as it is the test pictures that make it vary.)
#
# ### Exercise 4 · what could this run have seen?
#
# Now the other way round: given the differences of a run, the smallest effect that it would have seen in four of five
# cases. A result "we cannot tell" is worth as much as this number is small.

# %%
exercise_4 = exercises.SmallestSeen()
exercise_4


# %% tags=["exercise"]
def smallest_seen(differences):
    """differences: one a seed. Returns the smallest effect that a 95 % interval sees in four of five cases."""
    ### BEGIN SOLUTION
    n = len(differences)
    error = differences.std(ddof=1) / np.sqrt(n)
    return (stats.t.ppf(0.975, n - 1) + stats.t.ppf(0.8, n - 1)) * error
    ### END SOLUTION


# %% tags=["check"]
exercise_4.check(smallest_seen)

# %% jupyter={"source_hidden": true}
visible = float(exercise_4.answer_or_reference(100 * control))
show.markdown(f"This run could have seen {visible:.1f} points, at the spread of its control.")

# %% [markdown]
# ### Exercise 5 · the plan, before the seal is opened
#
# Who sees the results first and decides then what counts, always finds something. No made picture has been tried yet, so
# now is the time to write a plan: the smallest gain that matters, the seeds, and when a generator counts as finished. The
# rule says *large enough* if the whole interval reaches what matters, finished or not; *not judged* where that is not so and
# the generator is unfinished; *too small* if the whole interval lies below; and else *we cannot tell*.

# %%
MATTERS = 1.0  # points over `real`: the smallest gain for which *you* would use made pictures; then leave it

# %% jupyter={"source_hidden": true}
limits = gates.LIMITS
enough = f"{MATTERS:g} point{'s' * (MATTERS != 1)}"
show.markdown(
    f"**The plan.** A gain of {enough} matters. There are {len(lesson.seeds)} seeds; to see so much in four of five "
    f"cases takes {statistics.seeds_needed(100 * control, MATTERS)}, at the spread of the control. A generator is finished if, "
    f"over the last third of its steps, the distance of its pictures moves by less than {100 * limits['fd_moved']:.0f} %, and ends "
    f"at most {limits['fd_ratio']:g} times as far away as other real pictures are."
)

# %%
exercise_5 = exercises.Planned()
exercise_5


# %% tags=["exercise"]
def planned(lo, hi, matters, finished):
    """lo, hi: 95 % interval of the gain; finished: passed the gate? Returns one of the four texts."""
    ### BEGIN SOLUTION
    if lo >= matters:
        return "large enough"
    if not finished:
        return "not judged"
    return "too small" if hi < matters else "we cannot tell"
    ### END SOLUTION


# %% tags=["check"]
exercise_5.check(planned)

# %% [markdown]
# ## 7 · Two generators on the same few pictures
#
# | | it learns | it draws |
# |---|---|---|
# | conditional **GAN** (lesson 4's generator, a steadier discriminator) | against a discriminator, lesson 1's game | in one pass |
# | **diffusion** model | to remove noise from noisy pictures, a plain regression | in many passes, from noise to picture |
#
# Both see one half of your pictures and nothing else, and one of each is trained for each seed. They get about the same
# *time*, not the same number of steps: a step of the diffusion model costs more.

# %% jupyter={"source_hidden": true}
NEARER = ["the GAN's", "the diffusion model's", "we cannot tell"]
predict(
    lesson.slug,
    "nearer",
    f"With about {OWN:,} pictures and the same time: whose pictures will lie nearer to real ones (Fréchet distance in a "
    "judge's features, over the seeds)?",
    options=NEARER,
)

# %%
RECIPES = {
    "gan": partial(train_gan, width=S["gan_width"]),
    "diffusion": partial(train_diffusion, width=S["diffusion_width"], lr=S["diffusion_lr"]),
}
STEPS = {"gan": S["gan_steps"], "diffusion": S["diffusion_steps"]}
LATENT = {"gan": (100,), "diffusion": mine.shape}  # what a picture is drawn from


def generator_run(task):
    """Train one generator on the half of a seed: that half's fingerprint, and a picture for each of its labels by step."""
    method, seed = task
    train, _ = halves(mine, generator(seed, "arm"))
    z = torch.randn(len(train), *LATENT[method], generator=generator(seed, "drawn"))
    run = {"reports": 6, "fixed": (z, train.labels), "stop_on_collapse": False}
    training = RECIPES[method](train, STEPS[method], seed, checkpoint=lesson.cache, **run)
    shots = {}
    for _ in noted(training, shots, lesson.cache):
        pass  # each report is noted in shots
    return train.digest(), shots


# %% [markdown]
# *While these train:* the discriminator sees the same few pictures a hundred times and more. What could it go by in the
# end, if not by how real a picture looks? And what stops a diffusion model from learning them by heart?

# %%
tasks = [(method, seed) for seed in lesson.seeds for method in RECIPES]
made = parallel_map(
    generator_run,
    tasks,
    on_progress=show.progress("a GAN and a diffusion model a seed"),
    **AT_ONCE,
)

# %% jupyter={"source_hidden": true}
rows, titles = [], []
half = halves(mine, generator(SEED, "arm"))[0]
one_each = [int((half.labels == k).nonzero()[0]) for k in range(len(classes))]
for method in RECIPES:
    _, shots = made[method, SEED]
    steps = list(shots)
    for step in dict.fromkeys((steps[0], steps[len(steps) // 2], steps[-1])):
        rows.append(shots[step][one_each])
        titles.append(f"{method}, step {step:,}")
rows.append(half.pixels[one_each])
show.figure(
    figures.image_grid(torch.cat(rows), row_titles=[*titles, "real"]),
    "One picture of each class by the first GAN and the first diffusion model, early, half-way and at the end of their "
    "training, and real ones.",
)


# %% [markdown]
# **What do you notice?** How do the two grow? Which mistakes are left at the end, and are they of the same kind?


# %% jupyter={"source_hidden": true}
torch.manual_seed(SEED)
judge = classifier.train(
    SmallCNN(1, len(classes)),
    mine,
    classifier.adam(),
    updates=S["judge_updates"],
    batch_size=64,
    generator=lesson.generator("judge"),
)


def distance(pixels, held):
    """How far pictures lie from the real ones held back, as many of each."""
    n = min(len(pixels), len(held))
    sets = (samples.features(judge, part[:n]) for part in (held.pixels, pixels))
    return samples.frechet_distance(*sets)


def final(task):
    """The pictures of a finished generator."""
    _, shots = made[task]
    return shots[max(shots)]


def measured(task):
    """Distance, agreement, coverage and memorisation of one generator's pictures; and the floor of the distance."""
    pixels = final(task)
    train, held = halves(mine, generator(task[1], "arm"))
    seen = {
        name: samples.features(judge, p)
        for name, p in (("made", pixels), ("train", train.pixels), ("held", held.pixels))
    }
    with torch.no_grad():
        agree = (judge.head(seen["made"]).argmax(1) == train.labels).float().mean()
    return {
        "distance from real ones": distance(pixels, held),
        "the same of real ones (the floor)": distance(train.pixels, held),
        "taken for the class asked for": float(agree),
        "coverage": samples.density_and_coverage(seen["held"], seen["made"])[1],
        "memorisation (near 1: no copies)": samples.memorisation(*seen.values()),
    }


measures = {task: measured(task) for task in tasks}
by_method = {
    method: pd.DataFrame([measures[method, seed] for seed in lesson.seeds])
    for method in RECIPES
}
MEASURES = list(by_method["gan"])
SHARES = ("taken for the class asked for", "coverage")


def over_generators(name, values):
    """The interval of a measure over generators: that of a share, or of a number that is not below 0."""
    if name in SHARES:
        return statistics.share_interval(values)
    return statistics.t_interval(values).within(0, np.inf)


show.table(
    pd.DataFrame(
        {
            m: [over_generators(name, t[name]).text(digits=2) for name in MEASURES]
            for m, t in by_method.items()
        },
        index=pd.Index(MEASURES, name="measure"),
    ),
    f"One generator a seed, {len(lesson.seeds)} of each method; 95 % intervals",
)

# %% jupyter={"source_hidden": true}
away = {}  # method → step → distances, one a seed
for method, seed in tasks:
    _, held = halves(mine, generator(seed, "arm"))
    for step, pixels in made[method, seed][1].items():
        away.setdefault(method, {}).setdefault(step, []).append(distance(pixels, held))
along = {
    method: {
        step: statistics.t_interval(found).within(0, np.inf) for step, found in by_step.items()
    }
    for method, by_step in away.items()
}
floors = statistics.t_interval(by_method["gan"][MEASURES[1]])
finished = {
    method: gates.generator_gate(
        list(by_step), fd := np.array(list(by_step.values())).T, floors.mean, np.ones_like(fd)
    )
    for method, by_step in away.items()
}
show.figure(
    curves.bands(along, "step", "distance from real pictures", levels={"real": floors}),
    "Fréchet distance from held-back real pictures along the training of GANs and diffusion models, with 95 % intervals; "
    "dashed: that of real pictures.",
)
apart = statistics.t_interval(
    by_method["gan"][MEASURES[0]] - by_method["diffusion"][MEASURES[0]]
)
reveal(
    lesson.slug,
    "nearer",
    apart.side(NEARER[1], NEARER[0], NEARER[2]),
    f"The GAN's distance minus the diffusion model's, paired over seeds: {apart.text(digits=2)}.",
)

# %% jupyter={"source_hidden": true}
show.markdown(
    "**Were they finished?** "
    + " ".join(
        f"`{method}`: over the last third of the steps the distance moved by {100 * gate['checks']['fd_moved']['found']:.0f} % "
        f"(limit {100 * gate['checks']['fd_moved']['limit']:.0f} %), and it is {gate['checks']['fd_ratio']['found']:.1f} "
        f"times the floor (limit {gate['checks']['fd_ratio']['limit']:g}): {'finished' if gate['passed'] else '**not finished**'}."
        for method, gate in finished.items()
    )
    + " A gain counts whoever made the pictures. But *no gain* of an unfinished generator judges the time, and not the "
    "method."
)

# %% [markdown]
# ## 8 · The experiment
#
# | arm | training set | why |
# |---|---|---|
# | `real` | half of your pictures | the baseline |
# | `classic` | turned, shifted, zoomed afresh in every batch | the rival that costs nothing |
# | `placebo_repeat` | as many of the same pictures once more | does *more* help by itself? |
# | `gan`, `diffusion` | as many pictures by the generator of these pictures | the question |
# | `more_real` | the other half as well | the positive control |
# | `wrong_labels` | as many copies under wrong labels | the negative control |
#
# Equal updates, the same first weights in each seed, the same sealed test pictures. Each seed has its own half and its own
# generators, so the intervals hold what other pictures and other generators would change.

# %%
TURNED = Classic(rotation=2, shift=0.02, zoom=0.03)  # lesson 5's ranges


def by(method):
    """An arm: the training half, and as many pictures by the generator of this half."""
    pixels = {made[method, seed][0]: final((method, seed)) for seed in lesson.seeds}

    def make(train, held, rng):
        return train.merge(Images(pixels[train.digest()], train.labels, classes, method))

    return arm(make)


others = {
    "classic": arm(lambda train, held, rng: (train, TURNED)),
    "placebo_repeat": arm(lambda train, held, rng: train.merge(train)),
    "gan": by("gan"),
    "diffusion": by("diffusion"),
    "wrong_labels": arm(
        lambda train, held, rng: wrong_labels(train.to("cpu"), 1.0, rng).to(lesson.device)
    ),
}
rest = run(others, "the experiment")
outcome = experiment.Outcome(
    pd.concat([curve.table, rest.table]), curve.predictions | rest.predictions
)

# %% jupyter={"source_hidden": true}
show.figure(
    comparisons.runs_and_intervals(
        {
            "accuracy on the test pictures, %": comparisons.rows(
                {a: outcome.values(a, "test") for a in ARMS}, interval=statistics.share_interval
            )
        },
        xlabel="| one seed   ●━ mean with 95 % interval",
        ends=(0, 100),
    ),
    "Accuracy on the test pictures of seven arms: a tick a seed, and the mean with its 95 % interval.",
)
best = max(GUESSES, key=lambda a: outcome.values(a, "test").mean())
reveal(
    lesson.slug,
    "best",
    best,
    f"The highest mean has `{best}`: {statistics.share_interval(outcome.values(best, 'test')).text(100)} % over "
    f"{len(lesson.seeds)} seeds. Whether it is *seen* to be higher than others, the next section asks.",
)

# %% [markdown]
# **What do you notice?** Is the negative control where it should be? What does `placebo_repeat` change, with nothing new
# in it?
#
# ## 9 · Pair, decide, price
#
# Seed by seed, arm minus `real`. Then all questions together, with *Holm's* correction for asking so many, and your rule.

# %% jupyter={"source_hidden": true}
DIFFERENT = [a for a in ARMS if a != "real"]
central = comparisons.runs_and_intervals(
    {
        "arm − real, points of accuracy": comparisons.rows(
            {a: outcome.paired(a, "real") for a in DIFFERENT}
        )
    },
    reference=0,
    xlabel="| one seed   ●━ mean with 95 % interval",
    order=ARMS,
)
CENTRAL_ALT = (
    "Paired differences in accuracy of six arms from real pictures alone, with 95 % intervals: classic augmentation, "
    "repeated pictures, a GAN's, a diffusion model's, more real ones, and wrong labels; dashed: no difference."
)
show.figure(central, CENTRAL_ALT)

# %%
QUESTIONS = [
    ("classic", "real"),
    ("gan", "real"),
    ("gan", "placebo_repeat"),
    ("gan", "classic"),
    ("diffusion", "real"),
    ("diffusion", "placebo_repeat"),
    ("diffusion", "classic"),
]
answers = compare({(*pair, "accuracy"): outcome.paired(*pair) for pair in QUESTIONS})
said = {
    (a.arm, a.other): exercise_3.answer_or_reference(a.interval.mean, a.p_holm, seen)
    for a in answers.values()
}
table = answers.table()
table["your rule says"] = list(said.values())
table["could have seen, points"] = [
    f"{float(exercise_4.answer_or_reference(100 * a.values)):.1f}" for a in answers.values()
]
show.table(table, f"Paired over {len(lesson.seeds)} seeds, on {len(test):,} test pictures")

# %% [markdown]
# **What do you notice?** Where it says *we cannot tell*: could the run have seen an effect that would matter to you? And
# what does each arm buy you, in pictures that you would otherwise have to collect?

# %% jupyter={"source_hidden": true}
gains = {a: statistics.t_interval(outcome.paired(a, "real")) for a in DIFFERENT}
show.table(
    pd.DataFrame(
        {
            "points over real": {a: gains[a].text(100) for a in DIFFERENT},
            "worth in real pictures": {a: price(gains[a]) for a in DIFFERENT},
        }
    ).rename_axis("arm"),
    f"Each gain on the learning curve, at {OWN:,} real pictures; the interval is the gain's, not the curve's",
)

# %% [markdown]
# **Your plan** was written before any of this was seen. What does it say? (Did you want to change it just now?)

# %% jupyter={"source_hidden": true}
by_plan = {
    method: exercise_5.answer_or_reference(
        100 * gains[method].lo, 100 * gains[method].hi, MATTERS, finished[method]["passed"]
    )
    for method in RECIPES
}
show.table(
    pd.DataFrame(
        {
            "points over real": {m: gains[m].text(100) for m in by_plan},
            "finished": {m: "yes" if finished[m]["passed"] else "no" for m in by_plan},
            "by the plan": by_plan,
        }
    ).rename_axis("arm"),
    f"What the plan says, to which a gain of {enough} matters, over {len(lesson.seeds)} seeds",
)

# %% jupyter={"source_hidden": true}
harmed = gains["wrong_labels"].hi < 0
show.markdown(
    f"**Controls.** More real pictures: {'seen' if seen else '**not seen**'}. Wrong labels: "
    + (
        "seen to harm."
        if harmed
        else "**not seen to harm**; so ask whether what was added had any effect."
    )
    + " "
    + " ".join(
        f"`{method}` against `real`: {said[method, 'real']}"
        + (
            ""
            if finished[method]["passed"] or said[method, "real"] == "helps"
            else ", by generators that were not finished; of finished ones the run says nothing"
        )
        + "."
        for method in RECIPES
    )
)
show.sentences(answers.sentences)

# %% [markdown]
# ## 10 · One call for all of it
#
# What you have built, `verdict` does with a folder: it audits the pictures, splits them so that neither groups nor near
# duplicates leak, measures your machine, plans what fits into the time, trains, and writes a report. From a terminal:
#
# ```sh
# .venv/bin/course verdict my_pictures --groups '(patient\d+)' --hours 1
# ```
#
# Here in miniature, and from Python. Set FOLDER at the top to a folder of class folders of your own, and HOURS to the time
# that you give it. Or see what it makes of a folder that the lesson writes: your clothes, the sealed ones in `test/`, and
# beside it a folder of *synthetic* pictures. Many people have such a folder, and ask whether it is any good. These are by
# the first diffusion model, which has seen half of the clothes and none of the test.


# %% jupyter={"source_hidden": true}
def written(pixels, labels, path):
    """Write pictures as PNG files, a folder for each class."""
    for k, (picture, label) in enumerate(zip(pixels, labels, strict=True)):
        own = path / classes[label].replace("/", " or ")
        own.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture[0].cpu().numpy()).save(own / f"{k:04}.png")


def example(path):
    """Write the lesson's folders `clothes` and `made`."""
    few = sealed.sample(min(600, len(sealed)), lesson.generator("folder"))
    written(collected.pixels, collected.labels, path / "clothes" / "train")
    written(few.pixels, few.labels, path / "clothes" / "test")
    written(final(("diffusion", SEED)), half.labels, path / "made")
    return path / "clothes", path / "made"


# %%
with tempfile.TemporaryDirectory() as there:
    real, synthetic = (Path(FOLDER), None) if FOLDER else example(Path(there))
    pictures = folder.load(real, 28)
    ready_made = folder.load(synthetic, like=pictures.all).all if synthetic else None
found = audit(pictures)
print("\n".join(found.lines()))

# %% [markdown]
# **What do you notice?** The *audit* comes first. Are there pictures twice? In a split that `verdict` draws, near duplicates
# stay on one side, like the views of one animal. A `test/` of yours it takes as it is, and warns where it leaks.

# %%
cut = split(pictures, found, generator(SEED, "folder"), test=0.25)
print("\n".join(cut.lines))
parts = [cut.train.merge(cut.val), cut.test, ready_made]
options = {"hours": HOURS}
if not FOLDER:  # in miniature
    parts = [replace(part, pixels=resized(part.pixels, S["verdict_side"])) for part in parts]
    options = {
        "hours": S["verdict_minutes"] / 60,
        "seeds": S["verdict_seeds"],
        "flip": "no",
        "train": False,
    }
report = verdict.run(*parts, **options, on_progress=show.progress("the verdict"))
show.publish({"text/html": report._repr_html_(), "text/plain": report.verdict})

# %% jupyter={"source_hidden": true}
show.markdown(
    f"**{report.verdict}**\n\nIts plan left out: "
    + ("; ".join(report.found["left_out"]) or "nothing")
    + ". In a minute it can do no better. A report that deserves trust takes an hour."
)

# %% [markdown]
# **What do you notice?** Find in the report: the controls, the smallest difference that it could have seen, and whether
# it says *not judged*. Which of these would you have believed an hour ago?
#
# **What this does *not* show**
#
# - What generated pictures do for *your* data. That is what section 10 is for.
# - What larger classifiers, or longer training, would make of the same pictures. A verdict moves with the budget: see how
#   far the generators had come, and that all arms got the same, short training.
# - What a generator that was trained on *other* pictures would bring. Ours know nothing but your half.
# - What other *test* pictures would change. The intervals here hold other seeds, halves and generators, on one test set;
#   those of `verdict` hold other test pictures as well.
# - Anything about pictures on top of classic augmentation. `verdict` asks that, too.
#
# If DATA is a sample or a stand-in (see *Set-up* and section 3), nothing here speaks about the whole data sets.
#
# ## 11 · Quiz

# %%
quiz(lesson.slug)

# %% [markdown]
# ## 12 · Make something: bring your own pictures
#
# **A transfer task.** Choose a set of pictures that matters to you: a folder for each class, some hundred pictures in all
# or more. Write down *before* you run anything:
#
# 1. What must be new in the test: patient, writer, place, day? Can a file's name tell it (`--groups`)?
# 2. Which gain would be worth the effort, in points? And what would as many real pictures cost you?
# 3. What do you expect: helps, harms, or cannot tell?
#
# Then run `course verdict`, for an hour or a night, and hold the report against your notes. If you have pictures from a
# generator already, `--synthetic` judges them, with all controls.
#
# ## Key points
#
# - Split by what will be new in use. A leak makes the accuracy too high, and makes it look sure.
# - A gain has a price: the number of real pictures that would give it.
# - Without a positive control that was seen, *no difference* is no finding.
# - Say with every "we cannot tell" which effect could have been seen.
# - A generator that was not finished judges the time that it had.
#
# **That was the last lesson.** The question is yours now, and so is the tool.

# %% [markdown]
# ---
# The last cells write the results and check that the lesson is whole.


# %% jupyter={"source_hidden": true}
saved = lesson.save(
    central,
    CENTRAL_ALT,
    **experiment.summary(outcome, baseline="real"),
    baseline="real",
    classic="classic",
    updates=dict.fromkeys([*on_curve, *others], S["updates"]),
    verdict=" ".join(
        answers[method, "real", "accuracy"].sentence()
        if finished[method]["passed"] or said[method, "real"] == "helps"
        else f"What pictures by {name} do is not judged: it was not finished in the time."
        for method, name in (("gan", "the GAN"), ("diffusion", "the diffusion model"))
    ),
    verdicts=answers.sentences,
    pairs={a.key: experiment.entry(a.values) for a in answers.values()},
    leak={
        BY_PICTURE: experiment.entry(leaky),
        BY_ANIMAL: experiment.entry(clean),
        "difference": experiment.entry(leaky - clean),
    },
    generators={
        method: {name: experiment.entry(t[name].tolist()) for name in MEASURES}
        for method, t in by_method.items()
    },
    gate=finished,
    control_seen=bool(seen),
    seeds_for_half_a_point=for_half_a_point,
    worth={a: price(gains[a]) for a in DIFFERENT},
)

# %% jupyter={"source_hidden": true} tags=["nbval-check-output"]
# The contract: what must hold in every profile, on any data. CI compares this cell's output.
print("arms:", *saved["arms"])
print("metrics:", *saved["arms"]["real"])
print("equal updates:", len(set(saved["updates"].values())) == 1, "| sealed:", test.sealed)
print("no animal on both sides:", both[BY_ANIMAL] == 0)
print(
    "a generator of its own for each seed:",
    len({digest for digest, _ in made.values()}) == len(lesson.seeds),
)
