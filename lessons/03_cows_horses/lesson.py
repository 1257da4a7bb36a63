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
# # Lesson 3 · What can two toy animals teach?
#
# **The question:** there are few photographs of cows and horses. Do generated and translated photographs help a
# classifier to know another cow when it sees one?
#
# **The paper:** Charbel Abi Hana, *Enhancing Image Classification Using Conditional GAN-Based Data Augmentation*, a
# project at Université Paris-Saclay. It builds a conditional GAN and a CycleGAN, shows what they draw, prints its whole
# table, and publishes its code and its data. So we can do what is rarely possible: run it again on the very same
# photographs.

# %% [markdown]
# **When you are through, you can**
#
# - *count* the independent examples of a data set, which are seldom its files;
# - *compute* what a constant answer scores, before you explain a score;
# - *build* a conditional GAN with one-sided label smoothing, and *ask* it for a class;
# - *tell* what CycleGAN's losses demand, and what they leave open;
# - *design* a test set that is new in the way that matters.
#
# **You need** the ideas of lessons 1 and 2 (one run is one draw, placebo, pairs), Python and a little PyTorch. No GPU.

# %% tags=["parameters"]
PROFILE = None  # "smoke", "quick" or "full"; None: $COURSE_PROFILE, else "quick"
DATA = None  # "real", "standin"; None: real images if they can be had
SEED = 0
DEVICE = None  # "cpu", "cuda"; None: a GPU if there is one
VARIANT = (
    "text"  # the conditional GAN: "text" as the paper describes it, "code" as it was published
)

# %% [markdown]
# ## 1 · Set-up

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F

from course_utils import experiment
from course_utils.classify import train as classifier
from course_utils.classify.networks import AnimalCNN, SmallCNN, count_parameters
from course_utils.data.augment import Classic, augmented
from course_utils.data.images import Images, resized, scaled
from course_utils.evaluate import class_scores, classification, statistics
from course_utils.evaluate.comparisons import against_paper, compare, paper_table
from course_utils.evaluate.confusions import confusions
from course_utils.gan import losses
from course_utils.gan import train as gan
from course_utils.gan.recipes import train_cgan, train_cyclegan
from course_utils.gan.steps import cyclegan_step
from course_utils.teach import show
from course_utils.teach.exercises import lesson_03 as exercises
from course_utils.teach.lesson import start
from course_utils.teach.plots import comparisons, constant, figures
from course_utils.teach.shots import noted
from course_utils.teach.toys import clusters, cycles
from course_utils.teach.widgets.explorer import explorer
from course_utils.teach.widgets.live import watch
from course_utils.teach.widgets.predict import predict, reveal
from course_utils.teach.widgets.quiz import quiz

# %% jupyter={"source_hidden": true}
lesson = start(
    "03_cows_horses",
    "What can two toy animals teach?",
    "cows-horses",
    profile=PROFILE,
    data=DATA,
    seed=SEED,
    device=DEVICE,
)
S = lesson.settings
HORSE, COW = lesson.claimed("label_horse"), lesson.claimed("label_cow")

# %% [markdown]
# ## 2 · Look first
#
# The photographs come from ETH-80, a public collection: ten cows and ten horses, each taken from many sides. Some lie on
# the disk as PNG, others as JPEG. JPEG leaves traces, and a network could tell animals by them. So *every* photograph went
# through the same encoding before it came here.
#
# These are photographs of the training set, shuffled.

# %% jupyter={"source_hidden": true}
whole = lesson.data["objects"]  # all animals, in one encoding
large, small = (
    whole.with_pixels(resized(whole.pixels, S[side])).to(lesson.device)
    for side in ("side", "classifier_side")
)


def of_split(images, split):
    """The photographs of the animals of one of the paper's two sets."""
    return images.subset(torch.isin(images.groups, lesson.data[split].groups.to(lesson.device)))


photos = of_split(large, "train")  # what the GANs see
train = of_split(small, "train")  # what the classifiers see
tests = {"test": of_split(small, "test").seal(), "train": train.seal()}
test = tests["test"]
shuffled = photos.sample(min(30, len(photos)), lesson.generator("look"))
show.figure(
    figures.image_grid(shuffled.pixels),
    "Photographs of the training set in random order: brown and white toy animals on blue cloth, from many sides.",
)

# %% jupyter={"source_hidden": true}
predict(
    lesson.slug,
    "animals",
    f"The training set has {len(photos)} such photographs. How many **independent animals** does it show?",
    low=1,
    high=lesson.claimed("train_images"),
    step=1,
    unit="animals",
)

# %% [markdown]
# Make up your mind before you run the next cell. It sorts the photographs by animal, and sets the *test* animals below
# them. (Looking at a test set is allowed. Choosing by what you see is not.)

# %% jupyter={"source_hidden": true}
by_animal = {}
for split in ("train", "test"):
    for label in (COW, HORSE):
        views = of_split(large, split).of_class(label)
        pick = torch.linspace(0, len(views) - 1, 10).round().long()
        by_animal[f"{split}, {views.classes[label]}"] = views.pixels[pick]
show.figure(
    figures.image_grid(torch.cat(list(by_animal.values())), row_titles=list(by_animal)),
    "Four rows of ten photographs: one cow and one horse of the training set, and another cow and another horse of the "
    "test set, each from ten sides.",
)
reveal(
    lesson.slug,
    "animals",
    len(photos.groups.unique()),
    f"{len(photos)} photographs of {len(photos.groups.unique())} toys. The test set shows "
    f"{len(test.groups.unique())} others.",
)

# %% [markdown]
# **What do you notice?** Which properties tell the training cow from the training horse? How many of them would also tell
# the *test* cow from the *test* horse?
#
# <details><summary>One reading</summary>
#
# Colour, pattern, the length of neck and legs, even how glossy the plastic is: all of it tells one toy from the other, and
# a network may use any of it. Nothing in the training set says which of these differences belong to <i>cow</i> and
# <i>horse</i>, and which to these two toys.
# </details>
#
# > **A common misconception.** "So many photographs, so many examples." A further view of the same cow tells nothing about
# > how cows *differ*. The unit that must be new in the test is the animal; so the unit to count is the animal.
#
# All ten cows and all ten horses, one photograph of each. The paper uses two of each row; we shall come back to the others.

# %% jupyter={"source_hidden": true}
one_each = torch.stack(
    [
        large.pixels[large.groups == group][0]
        for label in (COW, HORSE)
        for group in large.of_class(label).groups.unique().sort().values
    ]
)
show.figure(
    figures.image_grid(one_each, row_titles=["cow", "horse"]),
    "Ten different toy cows and ten different toy horses, one photograph of each.",
)

# %% [markdown]
# ## 3 · The claim
#
# The paper trains a small classifier on the photographs alone, then with generated ones added. This is its Table I, the
# columns of the test set.

# %% jupyter={"source_hidden": true}
PAPERS = ("real", "cgan_250", "cgan_500", "cgan_1000")
SHARES = ("accuracy", "precision", "recall")
LOSSES = ("bce", "mse")
METRICS = ("bce", *SHARES, "mse")
claims = pd.DataFrame(
    {arm: {m: lesson.claimed(f"{m}_{arm}_val") for m in ("bce", *SHARES)} for arm in PAPERS}
).rename_axis("metric")
show.table(
    claims,
    "Paper, Table I, test set, one run each; positive class: cow; bce: binary cross-entropy",
)
show.markdown(
    f"On the training set the paper reports an accuracy of {lesson.claimed('accuracy_real_train')} for the photographs "
    "alone. It concludes that generated images make the test loss *much more stable*, though the network still overfits."
)

# %% [markdown]
# **What do you notice?** Read a *column* from top to bottom. Is there a column that reminds you of something?

# %% jupyter={"source_hidden": true}
GAIN = ["higher with generated images", "lower with generated images", "we cannot tell"]
predict(
    lesson.slug,
    "gain",
    "Over several seeds, the paper's classifier, tested on the other cow and the other horse: what will the paired "
    f"difference in accuracy between `cgan_{lesson.claimed('added_500')}` and `real` say?",
    options=GAIN,
)

# %% [markdown]
# ### Exercise 1 · what does a constant answer score?
#
# Before you explain a score, compute what can be had for nothing. A classifier answers **one half** to every photograph,
# and one half counts as *cow*. What are its cross-entropy, accuracy, precision and recall, if a given share of the
# photographs are cows?

# %%
exercise_1 = exercises.ConstantScores()
exercise_1


# %% tags=["exercise"]
def constant_scores(positive_share):
    """positive_share: share of cows, 0..1. Returns (bce, accuracy, precision, recall) of "one half, cow" to all."""
    ### BEGIN SOLUTION
    return -np.log(0.5), positive_share, positive_share, 1.0
    ### END SOLUTION


# %% tags=["check"]
exercise_1.check(constant_scores)  # stuck? exercise_1.hint(), then exercise_1.solution()

# %% jupyter={"source_hidden": true}
cows_tested = lesson.claimed("train_cows") / lesson.claimed("train_images")
CONSTANT = dict(
    zip(METRICS, (*exercise_1.answer_or_reference(cows_tested), 0.5**2), strict=True)
)
beside = claims.assign(constant=[round(float(CONSTANT[m]), 3) for m in claims.index])
show.table(beside, "The paper's test columns beside a constant answer")
n = lesson.claimed("test_images") // 2
fits = {a: confusions(*(lesson.claimed(f"{m}_{a}_val") for m in SHARES), n, n) for a in PAPERS}
show.table(
    pd.Series({arm: len(found) for arm, found in fits.items()}, name="ways")
    .rename_axis("column")
    .to_frame(),
    f"Ways to call {n} cows and {n} horses that print as accuracy, precision and recall of that column",
)

# %% [markdown]
# **What do you notice?** Which columns look like the constant? And what does a zero in the last table mean?

# %% jupyter={"source_hidden": true}
same = [
    arm
    for arm in PAPERS
    if all(
        round(float(CONSTANT[m]), 1) == lesson.claimed(f"{m}_{arm}_val")
        for m in ("bce", *SHARES)
    )
]
impossible = [arm for arm, found in fits.items() if not found]
show.markdown(
    f"<details><summary>One reading</summary>\n\nTo the precision printed, {' and '.join(same)} score what a constant "
    "answer scores, in all four rows. Nothing is as stable as a constant: a loss that stays at log 2 while accuracy stays "
    "at one half says that the classifier gave up on these animals. "
    f"And no classifier can score the columns {' and '.join(impossible)} on {n} cows and {n} horses: no counts round to "
    "them. Perhaps the numbers were read off fluctuating curves at different epochs. That is easily done, and only "
    "printing everything, as this paper does, lets a reader see it.\n</details>"
)

# %% [markdown]
# ## 4 · Baselines
#
# The paper's classifier: three convolutions, three dense layers. Beside it a **second judge**, a small network as one
# would write it today, with batch normalisation.

# %% jupyter={"source_hidden": true}
PAPERS_CNN, TODAYS_CNN = "the paper's CNN", "today's CNN"
networks = {
    PAPERS_CNN: (partial(AnimalCNN, S["classifier_side"]), lesson.claimed("classifier_lr")),
    TODAYS_CNN: (SmallCNN, 1e-3),
}
show.table(
    pd.DataFrame(
        [
            {
                "network": name,
                "parameters": f"{count_parameters(make())[0]:,}",
                "learning rate": lr,
            }
            for name, (make, lr) in networks.items()
        ]
    ),
    f"Two classifiers for pictures of {S['classifier_side']} × {S['classifier_side']}",
)

# %% [markdown]
# **Watch one run** of the paper's network, on the photographs alone, for as long as in the experiment below. The
# curve to look at is the loss on the *test* animals.


# %% jupyter={"source_hidden": true}
def probabilities(net, images):
    """The probability of a cow, N."""
    return classifier.logits(net, images).softmax(1)[:, COW]


def watched_run(updates, looks):
    """Cross-entropy on both sets, and accuracy on the test set, `looks` times in one training run."""
    torch.manual_seed(SEED)
    net, curve = networks[PAPERS_CNN][0](), []
    optimizer = classifier.adam(networks[PAPERS_CNN][1])
    rng = lesson.generator("watch")
    steps = classifier.training(
        net, train, optimizer, updates=updates, batch_size=S["classifier_batch"], generator=rng
    )
    for k, _ in enumerate(steps, 1):
        if k % max(1, updates // looks) == 0:
            said = {name: probabilities(net, images) for name, images in tests.items()}
            row = {
                f"bce, {s}": float(F.binary_cross_entropy(p, tests[s].labels.float()))
                for s, p in said.items()
            }
            right = (said["test"] > 0.5) == (test.labels == COW)
            curve.append(row | {"accuracy, test": float(right.float().mean())})
    return pd.DataFrame(curve)


# %% [markdown]
# Before you run it: a network that has learned nothing yet answers about one half. Where must its loss begin?

# %% jupyter={"source_hidden": true}
curve = watched_run(S["updates"], looks=20)
fig = figures.loss_curves(
    {name: curve[name].tolist() for name in curve}, every=S["updates"] / 20
)
fig.axes[0].axhline(np.log(2), color="0.3", linestyle=":", linewidth=1.5)
fig.axes[0].set(ylabel="loss, and accuracy 0..1", xlabel="optimiser updates; dotted: log 2")
show.figure(
    fig,
    "Cross-entropy on training and test photographs and accuracy on the test set while the paper's classifier trains; a "
    "dotted line marks log 2.",
)

# %% [markdown]
# **What do you notice?** Where does the test loss begin? Which way does it go while the training loss falls?

# %% jupyter={"source_hidden": true}
start_at, end_at = curve.iloc[0], curve.iloc[-1]
show.markdown(
    "<details><summary>One reading</summary>\n\nThe test loss begins at "
    f"{start_at['bce, test']:.2f} (log 2 is {np.log(2):.2f}) and ends at {end_at['bce, test']:.2f}, the training loss at "
    f"{end_at['bce, train']:.2f}; test accuracy ends at {end_at['accuracy, test']:.2f}. A loss above log 2 is a network "
    "that is surer than it may be. One that says <i>I do not know</i> would be back at log 2, and score as well or as badly.\n</details>"
)

# %% [markdown]
# The other baseline is **classic augmentation**. The paper has none; the ranges are ours, and were not tuned.

# %% jupyter={"source_hidden": true}
TURNED = Classic(rotation=10, shift=0.1, zoom=0.1)
some = photos.sample(8, lesson.generator("classic"))
copies = [augmented(some, TURNED, lesson.generator("classic", i)).pixels for i in range(2)]
show.figure(
    figures.image_grid(
        torch.cat([some.pixels, *copies]), cols=8, row_titles=["photo", "classic", "classic"]
    ),
    "Eight training photographs and two rows of classic augmentations: turned, shifted, zoomed.",
)
show.markdown(f"`{TURNED}`")

# %% [markdown]
# ## 5 · Ask a GAN for a class
#
# Lesson 1 labelled fakes afterwards. A **conditional GAN** is *asked* for a class: G gets noise *and* the class, D gets a
# picture *and* the class it is said to be.
#
# ### Exercise 2 · the conditional input
#
# Put noise and class side by side, in one row for each picture. A class is no quantity: give each a column of its own.


# %%
exercise_2 = exercises.ConditionalInput()
exercise_2


# %% tags=["exercise"]
def conditional_input(z, c, classes):
    """z: N × latent; c: int64, N, classes asked for. Returns N × (latent + classes)."""
    ### BEGIN SOLUTION
    return torch.cat([z, F.one_hot(c, classes)], dim=1)
    ### END SOLUTION


# %% tags=["check"]
exercise_2.check(conditional_input)

# %% [markdown]
# A toy: two clusters in the plane. The first row of pictures is a GAN fed by *your* function, the second one that does not
# hear the class at all.

# %% jupyter={"source_hidden": true}
show.figure(
    clusters.picture(clusters.asked_for(exercise_2.answer_or_reference, steps=S["toy_steps"])),
    "Two clusters in the plane, and what a conditional GAN draws for each class at five moments of its training.",
)
show.figure(
    clusters.picture(clusters.asked_for(lambda z, c, classes: z, steps=S["toy_steps"])),
    "The same for a generator that is not told the class: both classes lie on top of each other.",
)

# %% [markdown]
# **What do you notice?** Is the second GAN worse at drawing *points of the data*? What exactly can it not do?
#
# <details><summary>One reading</summary>
#
# Its points may lie on the data as well as the first one's. But the same noise gives the same point, whichever class was
# asked for: it cannot take orders. A critic that sees the class refuses half of them, so this G is pulled to both sides.
# </details>
#
# ### Exercise 3 · one-sided label smoothing
#
# D soon tells real from fake with great certainty, and a D that is certain teaches G little. **One-sided smoothing** tells D
# that real pictures are real to a share a little below one. The target of fakes stays zero.


# %%
exercise_3 = exercises.SmoothedLoss()
exercise_3


# %% tags=["exercise"]
def smoothed_loss(real, fake, target):
    """real, fake: logits of D, any shape; target: what D should answer to real pictures. Returns one number."""
    ### BEGIN SOLUTION
    on_real = F.binary_cross_entropy_with_logits(real, torch.full_like(real, target))
    on_fake = F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
    return on_real + on_fake
    ### END SOLUTION


# %% tags=["check"]
exercise_3.check(smoothed_loss)

# %%
SMOOTHING = lesson.claimed("smoothing")
answers = torch.linspace(-8, 8, 3201)
for target in (1.0, SMOOTHING):
    paid = torch.stack(
        [
            exercise_3.answer_or_reference(a[None], torch.tensor([-50.0]), target)
            for a in answers
        ]
    )
    best = answers[paid.argmin()].sigmoid()
    print(
        f"target {target}: among answers up to {answers.max().sigmoid():.4f}, D(x) = {best:.4f} costs least"
    )

# %% [markdown]
# > **A common misconception.** "Smooth both sides." With a target above zero for fakes, D would be told to leave some of
# > G's mistakes alone. (In words the paper smooths real pictures; its formula changes the term of the fakes. A slip of the
# > pen, and a reason to read formulas twice.)
#
# ## 6 · The paper's conditional GAN
#
# The published code is another GAN than the text. That happens often, and is seldom noticed:

# %% jupyter={"source_hidden": true}
differ = pd.DataFrame(
    {
        "the text": [
            f"{lesson.claimed('gan_lr'):g}",
            f"{lesson.claimed('d_hidden_layers')} hidden layers, convolutional",
            "beside the noise (ours; the text does not say)",
            f"{SMOOTHING} for real pictures",
        ],
        "its code": [
            f"{lesson.claimed('code_gan_lr'):g}, beta1 {lesson.claimed('code_gan_beta1')}",
            f"{lesson.claimed('code_d_dense_layers')} dense layers of {lesson.claimed('code_d_units')}",
            "an embedding *times* the noise",
            "none",
        ],
    },
    index=pd.Index(
        ["Adam's learning rate", "D", "how the class enters", "label smoothing"], name="part"
    ),
)
show.table(differ, "What the paper says, and what its code does")

# %% [markdown]
# We follow the text, its learning rate included; then we try the code's rate, and the code's networks. The switch `VARIANT`
# at the top chooses which of the two serves the experiment.
#
# As in the paper, four cows and four horses are drawn as the training runs: always from the same noise.

# %%
RATES = {"text": lesson.claimed("gan_lr"), "code": lesson.claimed("code_gan_lr")}
N_COWS, N_HORSES = lesson.claimed("shown_cows"), lesson.claimed("shown_horses")
asked = torch.tensor([COW] * N_COWS + [HORSE] * N_HORSES, device=lesson.device)
noise8 = torch.randn(len(asked), lesson.claimed("latent"), generator=lesson.generator("z"))


# `train_cgan??` in a cell of its own shows how: networks, step, batches, optimiser.
def conditional_gan(images, variant, lr, steps, reports=12):
    """The training of a conditional GAN on these pictures, with your loss."""
    smooth = partial(exercise_3.answer_or_reference, target=SMOOTHING)
    return train_cgan(
        images,
        steps,
        SEED,
        variant=variant,
        width=S["gan_width"],
        batch=lesson.claimed("gan_batch"),
        lr=lr,
        d_loss=smooth if variant == "text" else losses.discriminator_loss,
        reports=reports,
        fixed=(noise8, asked),
        stop_on_collapse=False,
        checkpoint=lesson.cache,
    )


# %% [markdown]
# *While this trains:* the generator sees two animals. What is the best that it could possibly draw?

# %%
shots = {}
cgan = await watch(
    noted(
        conditional_gan(photos, VARIANT, RATES[VARIANT], S["gan_steps"]), shots, lesson.cache
    ),
    title="Conditional GAN: four cows, four horses",
)

# %% jupyter={"source_hidden": true}
moments = [step for step in sorted(shots) if step][:: max(1, len(shots) // 5)]
if moments[-1] != max(shots):
    moments.append(max(shots))
real_rows = torch.cat([photos.of_class(k).pixels[: (asked == k).sum()] for k in (COW, HORSE)])
show.figure(
    figures.image_grid(
        torch.cat([*(shots[step] for step in moments), real_rows]),
        cols=len(asked),
        row_titles=[*(f"step {step:,}" for step in moments), "photos"],
    ),
    "Four cows and four horses drawn by the conditional GAN from the same noise at several moments of its training, and "
    "a row of real photographs.",
)
show.markdown(
    f"The paper shows its pictures after {lesson.claimed('shown_early'):,} and after {lesson.claimed('shown_late'):,} of "
    f"{lesson.claimed('gan_steps'):,} steps. This profile trains {S['gan_steps']:,}."
)

# %% [markdown]
# **What do you notice?** When does the *class* become visible, when the *animal*? Are the four cows four different views?
#
# **The code's learning rate, and the code's networks.** The text's rate is ten times the usual one, which is the code's.
# Predict: which of the two holds, which of them fails, and how would you see it, in the losses or in the pictures?

# %% jupyter={"source_hidden": true}
tried = {
    f"{variant}, {RATES[rate]:g}": (variant, RATES[rate])
    for variant, rate in (("text", "text"), ("text", "code"), ("code", "code"))
}
served = min(shots, key=lambda step: abs(step - S["compare_steps"]))
report = round(served / S["gan_steps"] * len(cgan.losses["D"])) - 1
drawn_by, lost_by = {}, {}
for name, (variant, lr) in tried.items():
    if (variant, lr) == (VARIANT, RATES[VARIANT]):  # trained already: what it drew at that step
        drawn_by[name] = shots[served]
        lost_by[name] = {who: values[report] for who, values in cgan.losses.items()}
    else:
        run = conditional_gan(photos, variant, lr, S["compare_steps"], reports=6).finish()
        drawn_by[name] = run.samples()
        lost_by[name] = {who: values[-1] for who, values in run.losses.items()}
# %% [markdown]
# Look at the pictures first:

# %% jupyter={"source_hidden": true}
show.figure(
    figures.image_grid(
        torch.cat(list(drawn_by.values())), cols=len(asked), row_titles=list(drawn_by)
    ),
    "Four cows and four horses by three conditional GANs after the same number of steps: the text's networks at both "
    "learning rates, and the code's networks.",
)

# %% [markdown]
# **What do you notice?** Say what you see before you read the numbers: which rows hold two kinds of animal, and which rows
# vary within a kind?

# %% jupyter={"source_hidden": true}


def variety(pixels):
    """Mean distance of two pictures of one class, in grey levels a pixel."""
    parts = (pixels[asked == k].flatten(1).float() for k in (COW, HORSE))
    return float(np.mean([float(torch.pdist(p).mean()) / p.shape[1] ** 0.5 for p in parts]))


rates = pd.DataFrame(
    {
        name: {
            **{f"loss of {who}": round(loss, 2) for who, loss in lost_by[name].items()},
            "variety": round(variety(pixels), 1),
        }
        for name, pixels in drawn_by.items()
    }
).T
show.table(
    rates.rename_axis("networks, learning rate"),
    f"After about {S['compare_steps']:,} steps; variety of the photographs above: {variety(real_rows):.1f} grey levels",
)

# %% [markdown]
# Which of the runs would you stop early? By its losses, or by its pictures?

# %% jupyter={"source_hidden": true}
flattest = min(drawn_by, key=lambda name: rates.loc[name, "variety"])
fails = rates.loc[flattest, "variety"] < variety(real_rows) / 4
show.markdown(
    "<details><summary>One reading</summary>\n\nThe four pictures of a class differ least for "
    f"<i>{flattest}</i>: {rates.loc[flattest, 'variety']} grey levels a pixel, against {variety(real_rows):.1f} of the "
    "photographs. "
    + (
        "That is less than a quarter: so far this run draws nearly <b>one picture a class</b>, be it that it has collapsed "
        "or that it has hardly begun. "
        if fails
        else "None of the three has shrunk to one picture a class so far. "
    )
    + "Variety is one number; whether a picture is an animal, only looking tells.\n</details>"
)

# %% [markdown]
# ## 7 · There and back again
#
# **CycleGAN** translates: a photograph of a cow becomes a picture of a horse, and the other way. Nobody has a photograph of
# *this* cow as a horse, so there are no pairs to learn from. Two translators, AB and BA, learn from two critics ("is this
# side B?") and from a promise: **there and back again is where you began.**
#
# ### Exercise 4 · the cycle loss
#
# The mean absolute difference after the way from A to B and back, plus the same for the way from B to A and back.


# %%
exercise_4 = exercises.CycleLoss()
exercise_4


# %% tags=["exercise"]
def cycle_loss(a, b, AB, BA):
    """a, b: batches of side A and side B; AB, BA: translators. Returns one number."""
    ### BEGIN SOLUTION
    return (BA(AB(a)) - a).abs().mean() + (AB(BA(b)) - b).abs().mean()
    ### END SOLUTION


# %% tags=["check"]
exercise_4.check(cycle_loss)

# %% [markdown]
# **Play.** Side B is side A, turned. The *right* translation takes each colour to its own cluster. Turn the translators:
# where is your cycle loss large? Where do all points land on side B? Where is the translation *right*? Then choose
# another kind.

# %% jupyter={"source_hidden": true}
explorer(
    lambda kind, turn: cycles.picture(kind, turn, cycle_loss=exercise_4.answer_or_reference),
    "Three panels: five clusters of side A, their translation over side B, and the way back.",
    kind=list(cycles.KINDS),
    turn=cycles.TURNS,
)

# %% [markdown]
# <details><summary>One reading</summary>
#
# Every rotation, every reflection and every exchange of clusters can be undone, so its cycle loss is zero. Several of them
# even land on side B, which satisfies the critics. Only one is right. <b>The cycle asks that nothing be forgotten, not that
# the translation be the one you mean.</b> Only the kind that forgets, all onto one, is caught.
# </details>
#
# ## 8 · CycleGAN on cows and horses
#
# This is the step. Find the three terms of the translators' loss, and the pool of earlier fakes. Why do the critics of a
# translation look at small patches only?

# %%
show.source(cyclegan_step)

# %%
cows, horses = photos.of_class(COW), photos.of_class(HORSE)
EPOCH = min(len(cows), len(horses))
FIVE = torch.linspace(0, EPOCH - 1, 5).round().long()
shown = scaled(cows.pixels[FIVE]), scaled(horses.pixels[FIVE])


def cyclegan(a, b, steps, reports, **other):
    """The training of two translators between two sets of pictures."""
    return train_cyclegan(
        a,
        b,
        steps,
        SEED,
        width=S["cyclegan_width"],
        blocks=S["cyclegan_blocks"],
        layers=S["cyclegan_layers"],
        lr=lesson.claimed("cyclegan_lr"),
        reports=reports,
        fixed=shown,
        stop_on_collapse=False,
        checkpoint=lesson.cache,
        **other,
    )


# %% [markdown]
# *While this trains:* the critic of side B has seen one horse. What is the least that a translator must change on a cow
# to please it?

# %%
epochs = {}  # by step: five cows as horses, then five horses as cows
steps = S["cyclegan_epochs"] * EPOCH
long_run = cyclegan(cows, horses, steps, S["cyclegan_epochs"])
translated = await watch(
    noted(long_run, epochs, lesson.cache), title="CycleGAN: cows as horses, horses as cows"
)

# %% jupyter={"source_hidden": true}
AB, BA = translated.generator.AB, translated.generator.BA
originals = torch.cat([cows.pixels[FIVE], horses.pixels[FIVE]])
early, late = min(epochs), max(epochs)  # fewer epochs where you pressed Stop
there = epochs[late]
back = torch.cat([gan.sample(BA, scaled(there[:5])), gan.sample(AB, scaled(there[5:]))])
show.figure(
    figures.image_grid(
        torch.cat([originals, epochs[early], there, back]),
        row_titles=[
            "photo",
            f"epoch {early / EPOCH:.0f}",
            f"epoch {late / EPOCH:.0f}",
            "and back",
        ],
    ),
    "Five cows and five horses; their translations after one epoch and after the last; and the way back.",
)
show.markdown(
    f"The paper shows its translations after {lesson.claimed('cyclegan_epochs_early')} and after "
    f"{lesson.claimed('cyclegan_epochs')} epochs. This profile trains {S['cyclegan_epochs']}."
)

# %% [markdown]
# **What do you notice?** First look at coats and background, then at necks, heads and legs. What was translated, and what
# was only painted over? Which row would you show a friend, and which row would the critic accept? Move through the epochs:


# %% jupyter={"source_hidden": true}
def after(epoch):
    """The ten photographs above their translations after so many epochs."""
    nearest = min(epochs, key=lambda step: abs(step - epoch * EPOCH))
    return figures.image_grid(
        torch.cat([originals, epochs[nearest]]), row_titles=["photo", "translated"]
    )


explorer(
    after,
    "Five cows and five horses, and their translations after a number of epochs.",
    epoch=(1, S["cyclegan_epochs"], 1),
)

# %% [markdown]
# ## 9 · Break it, one term at a time · deeper
#
# Three short trainings from the same weights, each with one of the three terms switched off, beside the same moment of the
# whole CycleGAN. Predict each row before you run the cell. What happens without the critics? Without the cycle? Without
# the identity term?

# %%
short = S["ablation_epochs"] * EPOCH
moment = min(epochs, key=lambda step: abs(step - short))
broken = {}
for term in (
    "adversarial",
    "cycle",
    "identity",
):  # at this step the rate of the long run is still flat
    run = cyclegan(cows, horses, short, 2, decay=False, **{term: 0.0})
    broken[f"no {term}"] = run.finish()
# %% jupyter={"source_hidden": true}
show.figure(
    figures.image_grid(
        torch.cat([originals, epochs[moment], *(run.samples() for run in broken.values())]),
        row_titles=["photo", "all terms", *broken],
    ),
    "Five cows and five horses, and their translations by four CycleGANs of the same age: all terms, no adversarial term, "
    "no cycle term, no identity term.",
)

# %% [markdown]
# **What do you notice?** Which row changes least? Now by the numbers, on all photographs, with *your* cycle loss:

# %% jupyter={"source_hidden": true}


@torch.no_grad()
def measured(G):
    """What a pair of translators changes, and what your cycle loss says of it; grey levels a pixel."""
    a, b = (scaled(side.pixels) for side in (cows, horses))
    changed = ((G.AB(a) - a).abs().mean() + (G.BA(b) - b).abs().mean()) / 2
    kept = ((G.AB(b) - b).abs().mean() + (G.BA(a) - a).abs().mean()) / 2
    cycle = exercise_4.answer_or_reference(a, b, G.AB, G.BA) / 2
    parts = {
        "changed by translation": changed,
        "lost on the way back": cycle,
        "identity error": kept,
    }
    return {name: round(127.5 * float(value), 1) for name, value in parts.items()}


ablation = {name: measured(run.generator) for name, run in broken.items()}
ablation[f"all terms, {S['cyclegan_epochs']} epochs"] = measured(translated.generator)
show.table(
    pd.DataFrame(ablation).T.rename_axis("loss"),
    "Mean absolute differences, in grey levels a pixel",
)

# %% [markdown]
# **Diagnose.** Why is changing nothing the *best* solution without critics? Which row loses most on the way back? A row
# that looks fine: which other row would you compare it with before you call its term useless?

# %% jupyter={"source_hidden": true}
losses_of = pd.DataFrame(ablation).T.loc[list(broken)]
least, forgets = (
    losses_of["changed by translation"].idxmin(),
    losses_of["lost on the way back"].idxmax(),
)
show.markdown(
    f"<details><summary>One reading</summary>\n\nOf the three short runs <i>{least}</i> changes least, and <i>{forgets}</i> "
    "loses most on the way back. Without critics nobody asks for a change, and the perfect answer to the other two terms "
    "is the photograph itself. After a run as short as this, differences of a grey level or two are the run's, not the "
    "term's.\n</details>"
)

# %% [markdown]
# ## 10 · Whose label? · deeper
#
# A cow was translated to a horse, and shall join the training set. **As a horse, or as a cow?** We can ask a witness: a
# classifier trained on the *other* animals of ETH-80, which has seen none of the paper's four.

# %% jupyter={"source_hidden": true}
papers_animals = torch.cat([train.groups, test.groups])
others = small.subset(~torch.isin(small.groups, papers_animals))
torch.manual_seed(SEED)
witness = classifier.train(
    SmallCNN(),
    others,
    classifier.adam(),
    updates=S["witness_updates"],
    batch_size=32,
    generator=lesson.generator("witness"),
    transform=TURNED,
)

# %% [markdown]
# We shall ask about four heaps of pictures. Guess its answer for each: does a translated cow look like a horse to it?

# %%


def drawn(n, rng, G=cgan.generator):
    """n pictures by the conditional GAN, as many cows as horses."""
    labels = torch.arange(n, device=lesson.device) % 2
    pixels = gan.sample(G, G.prior(n, rng)[0], labels)
    return Images(resized(pixels, S["classifier_side"]), labels, train.classes, "drawn")


def translations(kept_label, AB=AB, BA=BA, a=cows, b=horses):
    """Each photograph, translated; labelled as what it became, or with `kept_label` as what it was."""
    pixels = torch.cat([gan.sample(AB, scaled(a.pixels)), gan.sample(BA, scaled(b.pixels))])
    was = torch.cat([a.labels, b.labels])
    labels = was if kept_label else 1 - was
    return Images(resized(pixels, S["classifier_side"]), labels, train.classes, "translated")


# %% jupyter={"source_hidden": true}
fakes = drawn(200, lesson.generator("fakes"))
became = translations(kept_label=False)
asked_of = {
    "photographs, training animals": train,
    "drawn by the conditional GAN": fakes,
    "cows, translated to horses": became.of_class(HORSE),
    "horses, translated to cows": became.of_class(COW),
}
agreement = {
    name: class_scores.conditional_accuracy(witness, images.pixels, images.labels)
    for name, images in asked_of.items()
}
show.table(
    pd.Series(
        {name: f"{100 * share:.0f} %" for name, share in agreement.items()}, name="agrees"
    )
    .rename_axis("pictures")
    .to_frame(),
    "Share of pictures that the witness takes for what they were meant to be; a coin: 50 %",
)

# %% [markdown]
# **What do you notice?** How far is the witness itself to be trusted (first row)? Do pictures change sides when they are
# translated, in both directions? And which has become a horse, the shape or the coat?

# %% jupyter={"source_hidden": true}
sides = [
    agreement[name] for name in ("cows, translated to horses", "horses, translated to cows")
]
show.markdown(
    "<details><summary>One reading</summary>\n\nThe witness knows the training animals, which it has never seen, in "
    f"{100 * agreement['photographs, training animals']:.0f} % of their photographs. Of the translated pictures "
    f"{100 * float(np.mean(sides)):.0f} % have changed sides for it. "
    + (
        "But look at legs and backs: the shapes are those of the photographs. Whoever follows the coat follows the "
        "translation, and this witness seems to follow the coat. "
        if min(sides) > 0.5
        else "It goes by more than what was painted over. "
    )
    + "\n</details>"
)

# %% [markdown]
# One witness is one network, and it judges these animals from the outside. The experiment below asks the question that
# counts: which label makes better *training data*?
#
# ## 11 · Play
#
# Ask the conditional GAN. `turn` walks through latent space; the class is yours to choose. Does the same noise give the
# same pose for both?

# %% jupyter={"source_hidden": true}
ends = torch.randn(2, 8, lesson.claimed("latent"), generator=lesson.generator("walk")).to(
    lesson.device
)


def walk(animal, turn):
    """Eight pictures of one class at points of latent space that turn together."""
    angle = torch.tensor(turn * torch.pi / 180)
    z = angle.cos() * ends[0] + angle.sin() * ends[1]
    label = torch.full((8,), train.classes.index(animal), device=lesson.device)
    return figures.image_grid(gan.sample(cgan.generator, z, label), cols=8)


explorer(
    walk,
    "Eight pictures of one class by the conditional GAN, at a place of latent space.",
    animal=[train.classes[COW], train.classes[HORSE]],
    turn=(0, 360, 5),
)

# %% [markdown]
# ## 12 · The experiment, on the paper's split
#
# | arm | training set | why |
# |---|---|---|
# | `real` | the photographs | the baseline |
# | `classic` | turned, shifted, zoomed afresh in every batch | the rival that costs nothing |
# | `placebo_noise` | pictures of noise added, with labels | does *anything* help? |
# | `placebo_repeat` | the photographs repeated | does *more* help by itself? |
# | `cgan_…` | pictures of the conditional GAN added, in the paper's three doses | the paper |
# | `cyclegan` | every photograph also translated, labelled as what it became | what the paper proposes |
# | `cyclegan_kept` | the same, labelled as what it was | whose label? |
#
# Both classifiers, several seeds; all arms get the same number of optimiser updates, and in each seed the same initial
# weights. The placebos add as many pictures as the middle dose.

# %%
DOSES = [lesson.claimed(f"added_{n}") for n in (250, 500, 1000)]


def noise_added(n):
    """n pictures of noise, half of them called cows."""

    def arm(train, rng):
        labels = torch.arange(n, device=train.device) % 2
        pixels = experiment.noise(n, train, rng).to(train.device)
        return train.merge(Images(pixels, labels, train.classes, "noise"))

    return arm


ARMS = {
    "real": experiment.real,
    "classic": experiment.classic(TURNED),
    "placebo_noise": noise_added(DOSES[1]),
    "placebo_repeat": experiment.placebo_repeat(DOSES[1]),
    **{f"cgan_{n}": lambda train, rng, n=n: train.merge(drawn(n, rng)) for n in DOSES},
    "cyclegan": lambda train, rng: train.merge(became),
    "cyclegan_kept": lambda train, rng: train.merge(translations(kept_label=True)),
}

# %% [markdown]
# Five metrics, all for the class *cow*. Which of them can a constant answer make look perfect?


# %% jupyter={"source_hidden": true}


def scored(labels, predicted):
    """The paper's five metrics, all for the class cow; predicted: probabilities of both classes, N × 2."""
    cow = classification.report(labels, predicted.argmax(1), train.classes).iloc[COW]
    p = predicted[:, COW].clamp(1e-7, 1 - 1e-7)  # as Keras does
    y = (labels == COW).to(p)
    return {
        "bce": float(F.binary_cross_entropy(p, y)),
        "accuracy": float((predicted.argmax(1) == labels).float().mean()),
        "precision": float(cow["precision"]),
        "recall": float(cow["recall"]),
        "mse": float(F.mse_loss(p, y)),
    }


def recipe(network, updates):
    """How one of the two classifiers is trained."""
    make, lr = networks[network]
    return experiment.Recipe(make, classifier.adam(lr), updates, S["classifier_batch"])


plans = {
    name: experiment.Plan(
        ARMS, recipe(name, S["updates"]), ("test", "train"), probabilities=True
    )
    for name in networks
}

# %% [markdown]
# *While this runs:* suppose the test loss falls to log 2 in one arm, and its accuracy is one half. What happened?

# %%
outcomes = experiment.run(
    plans,
    train,
    tests,
    lesson.seeds,
    workers=S.get("workers"),
    cache=lesson.cache,
    scores=scored,
    on_progress=show.progress("the experiment"),
)
outcome = outcomes[PAPERS_CNN]
results = experiment.summary(outcome, baseline="real", losses=LOSSES)

# %% [markdown]
# **Who gave up?** A detector marks each run that gives *one* answer to all test photographs, whatever its scores.

# %% jupyter={"source_hidden": true}
gave_up = {
    name: {
        arm: [
            classification.constant_answer(o.predictions[arm, seed]["test"].argmax(1))
            for seed in lesson.seeds
        ]
        for arm in ARMS
    }
    for name, o in outcomes.items()
}
marks = {
    name: {arm: sum(answer is not None for answer in found) for arm, found in by_arm.items()}
    for name, by_arm in gave_up.items()
}
show.table(
    pd.DataFrame(marks).rename_axis("arm"),
    f"Runs, of {len(lesson.seeds)}, that give one answer to every test photograph",
)

# %% [markdown]
# Table I's metrics, all for the class *cow*, with ours as means and intervals, and the constant answer as a dashed line.
# Low is good for the two losses, bce and mse; high for accuracy, precision and recall.


# %% jupyter={"source_hidden": true}
def beside(arm, metric):
    """Our interval, where one further run falls, and the paper's value, or None where it has none."""
    known = arm in PAPERS and metric != "mse"
    claim = lesson.claimed(f"{metric}_{arm}_val") if known else None
    return against_paper(arm, outcome.values(arm, "test", metric), claim, HIGHEST[metric])


HIGHEST = {metric: 1 if metric in SHARES else np.inf for metric in METRICS}
panels = {metric: [beside(arm, metric) for arm in ARMS] for metric in METRICS}
central = constant.beside_constant(
    panels,
    CONSTANT,
    {arm: (marks[PAPERS_CNN][arm], len(lesson.seeds)) for arm in ARMS},
    HIGHEST,
)
CENTRAL_ALT = (
    "Cross-entropy, accuracy, precision, recall and squared error on the test animals of nine arms of the paper's "
    "classifier, with 95 % intervals, and where one further run falls; dashed lines are a constant answer, squares the "
    "paper's values."
)
show.figure(central, CENTRAL_ALT)

# %% [markdown]
# **What do you notice?** Which arms lie on the dashed line in *all* panels? Is there an arm whose loss looks good *because*
# it says little?

# %% jupyter={"source_hidden": true}
near = [
    arm
    for arm in ARMS
    if CONSTANT["accuracy"] in statistics.share_interval(outcome.values(arm, "test"))
]
lowest = min(ARMS, key=lambda arm: results["arms"][arm]["bce"]["test"]["mean"])
best = max(ARMS, key=lambda arm: results["arms"][arm]["accuracy"]["test"]["mean"])
on_photos = statistics.share_interval(outcome.values("real", "train"))
show.markdown(
    f"<details><summary>One reading</summary>\n\nThe interval of accuracy holds a coin's one half for {len(near)} of "
    f"{len(ARMS)} arms ({', '.join(near) or 'none'}). The lowest test loss has {lowest}, the highest accuracy {best}. On "
    f"its own training photographs <code>real</code> scores {on_photos.text(100)} %. Of {len(ARMS) * len(lesson.seeds)} runs each, "
    + " and ".join(f"{sum(by_arm.values())} of {name}" for name, by_arm in marks.items())
    + " gave up.\n</details>"
)

# %% jupyter={"source_hidden": true}
show.figure(
    comparisons.runs_and_intervals(
        {name: comparisons.arm_rows(o) for name, o in outcomes.items()},
        reference=100 * CONSTANT["accuracy"],
        xlabel="accuracy on the test animals, %:  | one seed   ●━ mean with 95 % interval",
        ends=(0, 100),
    ),
    "Accuracy on the test animals of nine arms, for the paper's classifier and for today's: a tick a seed, and the mean "
    "with its 95 % interval; the dashed line is a coin.",
)

# %% [markdown]
# **What do you notice?** Do the two networks agree about the arms? By how many *photographs of the same cow* do two arms
# differ?
#
# ## 13 · Pair, and judge
#
# Seed by seed, arm minus `real`, for both networks; and the questions that were asked, with *Holm's* correction.

# %% jupyter={"source_hidden": true}
show.figure(
    comparisons.runs_and_intervals(
        {name: comparisons.difference_rows(o, "real") for name, o in outcomes.items()},
        reference=0,
        xlabel="arm − real, points of accuracy",
        order=list(ARMS),
    ),
    "Paired differences of eight arms from the baseline on the test animals, for both networks, with 95 % intervals; the "
    "dashed line is no difference.",
)

# %% [markdown]
# **What do you notice?** Does the middle dose do anything that repeating the photographs does not?

# %%
middle = f"cgan_{DOSES[1]}"
questions = [
    (middle, "real"),
    (middle, "placebo_repeat"),
    (middle, "classic"),
    ("cyclegan", "cyclegan_kept"),
    ("cyclegan", "real"),
]
# %% jupyter={"source_hidden": true}
answers = compare(
    *(
        {(*pair, f"accuracy of {name}"): o.paired(*pair) for pair in questions}
        for name, o in outcomes.items()
    )
)
show.table(
    answers.table(), f"Paired over {len(lesson.seeds)} seeds, on {len(test)} photographs"
)
show.sentences(answers.sentences)

# %% jupyter={"source_hidden": true}
headline = answers[middle, "real", f"accuracy of {PAPERS_CNN}"]
reveal(
    lesson.slug,
    "gain",
    headline.interval.side(*GAIN),
    f"{headline.label}: {headline.interval.text(100)} points of accuracy of the paper's network.",
)
show.markdown(
    "Be careful with a *yes*. These intervals hold what another seed would change. They hold nothing of what **another "
    "cow** would change, for there is only one in the test set."
)

# %% [markdown]
# ## 14 · Leave one animal out
#
# The honest protocol: take one cow and one horse away, *with all their photographs*, train on the others, test on the two.
# Then take the next two. Each fold has other test animals, and the interval over folds holds what another animal would
# change.
#
# | arm | training set of a fold | why |
# |---|---|---|
# | `real` | all photographs of nine cows and nine horses | the baseline |
# | `classic` | the same, turned, shifted, zoomed | the rival |
# | `one_animal` | one cow, one horse, all their views | what the paper's split has |
# | `few_views` | as many photographs, spread over nine cows and nine horses | animals or photographs? |
#
# And where the profile has the time, a conditional GAN and a CycleGAN of each fold's own. Beside it the split that is done
# most often, and that flatters: *photographs* drawn at random, so that every animal is on both sides. Predict two things:
# its accuracy, and whether `few_views` beats `one_animal`.

# %%
animals = [small.of_class(k).groups.unique().sort().values for k in (COW, HORSE)]
folds = list(zip(*animals, strict=True))[: S["folds"]]
fold_tests, fold_plans = {}, {}
plainly = recipe(TODAYS_CNN, S["fold_updates"])


def one_animal(images, rng):
    """One cow and one horse, drawn at random, with all their photographs."""
    groups = [images.of_class(k).groups.unique() for k in (COW, HORSE)]
    pick = [g[int(torch.randint(len(g), (1,), generator=rng))] for g in groups]
    return images.subset(torch.isin(images.groups, torch.stack(pick)))


def few_views(images, rng):
    """As many photographs of each class as one animal has, of all animals."""
    count = len(images) // len(images.groups.unique())
    parts = [images.of_class(k).sample(count, rng) for k in (COW, HORSE)]
    return parts[0].merge(parts[1])


# %% [markdown]
# *Question:* where GANs belong to the arms of a fold, each fold trains its own. Why may the GAN of the whole data set not
# serve here?


# %%
def fold_arms(out, seen_by_gans):
    """The arms of one fold; `out` marks the photographs of the two animals that are left out."""
    arms = {"real": ARMS["real"], "classic": ARMS["classic"]}
    arms |= {"one_animal": one_animal, "few_views": few_views}
    if S["fold_gan_steps"]:
        run = conditional_gan(seen_by_gans, VARIANT, RATES[VARIANT], S["fold_gan_steps"], 2)
        G = run.finish().generator
        arms["cgan"] = lambda train, rng: train.merge(drawn(len(train), rng, G))
    if S["fold_cyclegan_steps"]:
        a, b = seen_by_gans.of_class(COW), seen_by_gans.of_class(HORSE)
        T = cyclegan(a, b, S["fold_cyclegan_steps"], 2).finish().generator
        made = translations(False, T.AB, T.BA, a, b)
        arms["cyclegan"] = lambda train, rng: train.merge(made)
    return {
        name: lambda images, rng, arm=arm: arm(images.subset(~out), rng)
        for name, arm in arms.items()
    }


# %% jupyter={"source_hidden": true}
for k, pair in enumerate(folds, 1):
    out = torch.isin(small.groups, torch.stack(pair))
    fold_tests[f"fold {k}"] = small.subset(out).seal()
    arms = fold_arms(out, large.subset(~out))
    fold_plans[f"fold {k}"] = experiment.Plan(arms, plainly, (f"fold {k}",), probabilities=True)
FOLD_ARMS = list(arms)
mixed, held_back = small.split(0.9, lesson.generator("photographs"), by_group=False)
fold_tests["photographs"] = held_back.seal()
at_random = {"photographs at random": lambda images, rng: mixed}
fold_plans["photographs"] = experiment.Plan(
    at_random, plainly, ("photographs",), probabilities=True
)

# %% jupyter={"source_hidden": true}
fold_seeds = lesson.seeds[: S["fold_seeds"]]
by_fold = experiment.run(
    fold_plans,
    small,
    fold_tests,
    fold_seeds,
    workers=S.get("workers"),
    cache=lesson.cache,
    scores=scored,
    on_progress=show.progress("leave one animal out"),
)


def over_folds(arm, metric="accuracy"):
    """One value a fold: the mean over its seeds."""
    return np.array([by_fold[name].values(arm, name, metric).mean() for name in FOLDS])


FOLDS = [name for name in fold_plans if name != "photographs"]
random_split = by_fold["photographs"].values("photographs at random", "photographs")
fold_rows = comparisons.rows(
    {arm: over_folds(arm) for arm in FOLD_ARMS}, interval=statistics.share_interval
)
flattering = 100 * random_split.mean()
fold_rows.append(("random split", 100 * random_split, flattering, flattering, flattering))
show.figure(
    comparisons.runs_and_intervals(
        {"one animal of each class left out": fold_rows},
        reference=100 * CONSTANT["accuracy"],
        xlabel="accuracy, %:  | one pair of animals   ●━ mean with 95 % interval over folds",
        ends=(0, 100),
    ),
    "Accuracy of today's network on animals that were left out: a tick a fold, and the mean with its 95 % interval over "
    "folds; and, as a mean only, when photographs are split at random.",
)

# %% [markdown]
# **What do you notice?** How far do single *animals* lie apart, compared with single *seeds* in the last section? And what
# did the random split promise?

# %% jupyter={"source_hidden": true}
spread = {
    "animals": float(np.ptp(100 * over_folds("real"))),
    "seeds": float(np.ptp(100 * outcomes[TODAYS_CNN].values("real", "test"))),
}
fold_mean = {arm: statistics.share_interval(over_folds(arm)).text(100) for arm in FOLD_ARMS}
show.markdown(
    f"<details><summary>One reading</summary>\n\nA random split of photographs promises {flattering:.1f} %; on animals that "
    f"were left out it is {fold_mean['real']} %, with {fold_mean['one_animal']} % when trained on one animal of each class. "
    f"From best to worst, pairs of animals lie {spread['animals']:.0f} points apart; on the paper's split, seeds of the "
    f"same network {spread['seeds']:.0f}.\n</details>"
)

# %% [markdown]
# In pairs, fold by fold: the same two animals left out, the same initial weights.

# %% jupyter={"source_hidden": true}
fold_questions = [(arm, "real") for arm in FOLD_ARMS[1:]] + [("few_views", "one_animal")]
over_animals = compare(
    {
        (arm, other, "accuracy on animals left out"): over_folds(arm) - over_folds(other)
        for arm, other in fold_questions
    }
)
show.figure(
    comparisons.runs_and_intervals(
        {
            "difference in accuracy, points": comparisons.rows(
                {answer.label: answer.values for answer in over_animals.values()}
            )
        },
        reference=0,
        xlabel="| one fold   ●━ mean with 95 % interval over folds",
    ),
    "Paired differences over folds of the arms from all photographs of nine animals, and of few views of nine animals from "
    "all views of one; the dashed line is no difference.",
)
show.sentences(over_animals.sentences)

# %% [markdown]
# **What do you notice?** The last row compares as many photographs with as many photographs. What does it say about the
# unit to count?
#
# The folds' training sets overlap, so the folds are not quite independent, and the interval is a little too short. It is
# still the one that speaks about animals.
#
# ## 15 · The paper and ours

# %% jupyter={"source_hidden": true}
comparison = paper_table(panels, digits=2)
show.table(
    comparison.assign(constant=comparison["metric"].map(CONSTANT).round(2)),
    "Table I, test set: the paper's single runs, our means with 95 % intervals over seeds, and where one further run of "
    "ours would fall",
)

# %% [markdown]
# **What this does *not* show**
#
# - That GANs cannot help with few photographs: one conditional GAN and one CycleGAN, small and trained for a short time
#   below the `full` profile, served all seeds. Our intervals do not hold what training *them* again would change.
# - Anything about cattle in a meadow: toys on blue cloth, one size, one light.
# - What the paper's classifier does at its full size and length: below `full` it sees smaller pictures and has fewer
#   updates.
# - How the paper's numbers came about. Where a column cannot be right we say so; why, we do not know.
# - That the label of a translation never matters: see its interval.
#
# If DATA is a stand-in (see *Set-up*), nothing here speaks about ETH-80 at all.
#
# ## 16 · Quiz

# %%
quiz(lesson.slug)

# %% [markdown]
# ## 17 · Make something · deeper
#
# **A transfer task.** What is one more cow worth, counted in generated pictures? Train on one, two, four and eight animals
# of each class, always with the *same number of photographs*, and test on animals left out; draw accuracy over the number
# of animals. Then add generated pictures to the smallest set. Before you run it, write down how many animals you expect
# them to replace. A frame to start from:
#
# ```python
# def animals_only(n):
#     keep = torch.cat([groups[:n] for groups in animals])
#     return lambda images, rng: images.subset(torch.isin(images.groups, keep)).sample(…, rng)
# mine = experiment.run({"animals": experiment.Plan({f"{n} animals": animals_only(n) for n in (…)}, plainly, (FOLDS[-1],),
#     probabilities=True)}, small, fold_tests, lesson.seeds, scores=scored)["animals"]
# ```
#
# ## Key points
#
# - Count what is independent: animals, patients, writers. Not files.
# - Compute what a constant answer scores before you explain a score; mark the runs that gave up.
# - A conditional GAN hears a class because G *and* D are told it.
# - A cycle asks that nothing be forgotten. It does not say which translation is meant.
# - A test must be new in the way in which the world will be new: leave whole animals out.
#
# **Next:** what is the simplest generator that could work? PCA against a GAN.

# %% [markdown]
# ---
# The last cells write the results and check that the lesson is whole.


# %% jupyter={"source_hidden": true}
saved = lesson.save(
    central,
    CENTRAL_ALT,
    **results,
    baseline="real",
    classic="classic",
    variant=VARIANT,
    updates=dict.fromkeys(ARMS, S["updates"]),
    verdict=headline.sentence(measure="accuracy on the test animals"),
    verdicts=[*answers.sentences, *over_animals.sentences],
    pairs={
        name: {
            f"{arm} - {other}": experiment.entry(o.paired(arm, other))
            for arm, other in questions
        }
        for name, o in outcomes.items()
    },
    gave_up={
        name: {
            arm: {"runs": len(a), "constant": marks[name][arm], "answers": a}
            for arm, a in arms.items()
        }
        for name, arms in gave_up.items()
    },
    experiments={
        TODAYS_CNN: experiment.summary(outcomes[TODAYS_CNN], baseline="real", losses=LOSSES)
    },
    folds={
        "seeds": fold_seeds,
        "animals": [[int(group) for group in pair] for pair in folds],
        "arms": {
            arm: {
                metric: experiment.entry(over_folds(arm, metric), share=metric in SHARES)
                for metric in METRICS
            }
            for arm in FOLD_ARMS
        },
        "pairs": {
            answer.key: experiment.entry(answer.values) for answer in over_animals.values()
        },
        "random split of photographs": [round(float(v), 6) for v in random_split],
    },
    witness={name: round(share, 4) for name, share in agreement.items()},
    cyclegan=ablation,
    learning_rates=rates.to_dict("index"),
)

# %% jupyter={"source_hidden": true} tags=["nbval-check-output"]
# The contract: what must hold in every profile, on any data. CI compares this cell's output.
assert set(saved["arms"]) == set(ARMS) and all(
    len(a["accuracy"]["test"]["values"]) == len(lesson.seeds) for a in saved["arms"].values()
)
print(
    "paper's CNN:",
    f"{count_parameters(AnimalCNN(lesson.claimed('gan_side')))[0]:,}",
    "parameters",
)
print("arms:", *saved["arms"])
print("metrics:", *saved["arms"]["real"])
print(
    "test set sealed:",
    test.sealed,
    "| animals on both sides:",
    bool(torch.isin(test.groups, train.groups).any()),
)
print("equal updates:", len(set(saved["updates"].values())) == 1)
left = [set(fold_tests[name].groups.tolist()) for name in FOLDS]
print("folds test other animals each:", len(set.union(*left)) == sum(map(len, left)))
print(
    "every run is marked:",
    all(
        a["runs"] == len(lesson.seeds) for by in saved["gave_up"].values() for a in by.values()
    ),
)
