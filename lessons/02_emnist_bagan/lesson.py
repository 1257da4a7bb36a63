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
# # Lesson 2 · Can a GAN feed a starved class?
#
# **The question:** one class of ten has hardly any training images. Does a generator that has learned from the other
# nine make up for it better than a few turned and stretched copies do?
#
# **The paper:** Mike Murugan and Amit Kulkarni, *Improved Reliability using Data Augmentation*. They starve the digit
# zero of EMNIST, and balance it again in two ways: with a **Balancing GAN** (BAGAN) and by hand. It is a well-built
# comparison of four arms at three sizes, and its table prints more than most. We ask what its numbers can bear.

# %% [markdown]
# **When you are through, you can**
#
# - *say* why accuracy hides what happens to one class, and *compute* what shows it;
# - *put* an interval on a single accuracy, and *count* a difference in images;
# - *build* BAGAN in three steps: an autoencoder, a Gaussian for each class, a game with one class more;
# - *tell* a generator that draws from one that copies;
# - *name* the controls without which a gain is not the GAN's.
#
# **You need** lesson 1's ideas (one run is one draw, placebo, pairs), Python and a little PyTorch. No GPU.

# %% tags=["parameters"]
PROFILE = None  # "smoke", "quick" or "full"; None: $COURSE_PROFILE, else "quick"
DATA = None  # "real", "standin"; None: real images if they can be had
SEED = 0
DEVICE = None  # "cpu", "cuda"; None: a GPU if there is one
STARVED = 0  # the digit that is starved; the paper's is 0
SHARE = 0.05  # the share of it that is left; the paper's is 0.05

# %% [markdown]
# ## 1 · Set-up

# %% jupyter={"source_hidden": true}
import copy
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from scipy import stats

from course_utils import experiment
from course_utils.classify import train as classifier
from course_utils.classify.networks import EMNISTCNN, LeNet, count_parameters
from course_utils.core.parallel import parallel_map
from course_utils.core.seeds import generator
from course_utils.data.augment import PAPER_2, augmented
from course_utils.data.images import Images
from course_utils.evaluate import class_scores, classification, samples, statistics
from course_utils.evaluate.comparisons import against_paper, compare, p_text, paper_table
from course_utils.evaluate.judge import Judge, rounded
from course_utils.experiment import evidence
from course_utils.gan import train as gan
from course_utils.gan.networks import Autoencoder, BAGANGenerator, Decoder, Encoder
from course_utils.gan.recipes import fit_gaussians, train_autoencoder, train_bagan, train_cvae
from course_utils.gan.steps import bagan_step
from course_utils.teach import show
from course_utils.teach.budget import show_full_run
from course_utils.teach.exercises import lesson_02 as exercises
from course_utils.teach.lesson import start
from course_utils.teach.plots import comparisons, figures, imbalance
from course_utils.teach.shots import noted
from course_utils.teach.toys import mixture
from course_utils.teach.widgets.explorer import explorer
from course_utils.teach.widgets.live import too_early, watch
from course_utils.teach.widgets.predict import predict, reveal
from course_utils.teach.widgets.quiz import quiz

# %% jupyter={"source_hidden": true}
lesson = start(
    "02_emnist_bagan",
    "Can a GAN feed a starved class?",
    "emnist",
    profile=PROFILE,
    data=DATA,
    seed=SEED,
    device=DEVICE,
)
S = lesson.settings
AS_IN_PAPER = (lesson.claimed("starved_class"), lesson.claimed("kept")) == (
    STARVED,
    100 * SHARE,
)
PAPERS_ARMS = ("balanced", "starved", "bagan", "manual")

# %% [markdown]
# ## 2 · The claim
#
# Four training sets: **balanced** (A); **starved** (B), in which most zeros are gone; **bagan** (C), where generated zeros
# take their place; **manual** (D), where turned, noisy and zoomed copies of the few zeros do. The paper's accuracies:

# %% jupyter={"source_hidden": true}
claims = pd.DataFrame(
    {
        f"{subset} % of EMNIST": {
            arm: lesson.claimed(f"accuracy_{arm}_{subset}") for arm in PAPERS_ARMS
        }
        for subset in (1, 20, 100)
    }
).rename_axis("training set")
show.table(claims, "Paper, Table 1: accuracy, one run each")
show.markdown(
    "The paper concludes: *for the smaller population, BAGAN helps to improve accuracy; for medium or larger "
    "populations, manual augmentation surpasses BAGAN.*"
)

# %% [markdown]
# **What do you notice?** Compare the rows *bagan* and *manual*, column by column, with the conclusion.
#
# <details><summary>One reading</summary>
#
# In the first column BAGAN is ahead, by very little. In the second it is <i>still</i> ahead, though the conclusion says
# that manual augmentation wins there. In the third, manual augmentation is ahead, and BAGAN is even below the starved
# set.
# </details>

# %% jupyter={"source_hidden": true}
predict(
    lesson.slug,
    "winner",
    "At the smallest size, over several seeds and tested on **all** test images: what will the paired difference in "
    "accuracy between `bagan` and `manual` say?",
    options=["BAGAN is better", "manual is better", "we cannot tell"],
)

# %% jupyter={"source_hidden": true}
predict(
    lesson.slug,
    "recall",
    f"A classifier is trained on the starved set, without any help. What share of the test images of class {STARVED} will "
    "it find, on average over our seeds?",
    low=0,
    high=100,
    step=1,
    unit="%",
)

# %% [markdown]
# ## 3 · The data
#
# EMNIST Digits: digits written by many Americans, of the same origin as MNIST, with many more writers. A training set of
# the paper's smallest size, before and after the cut:

# %%
data = {name: images.to(lesson.device) for name, images in lesson.data.splits.items()}
whole, tests = data["train"], {"test": data["test"]}
test = tests["test"]
# One image in twenty is held out, as in the full run, whose generators are taken up in section 9.
train, _ = evidence.training_and_validation(whole, len(whole), len(whole) // 20)


def size(subset):
    """Images in one of the paper's subsets, or as many as this profile and this data set have."""
    return min(lesson.claimed(f"images_{subset}"), len(train), S.get("most_images", len(train)))


def balanced(train, rng, subset=1):
    """The paper's set A: a random subset, all classes as frequent as in the data."""
    return train.sample(size(subset), rng)


def starved(train, rng, subset=1):
    """The paper's set B: most images of one class taken away."""
    return balanced(train, rng, subset).subsample_class(STARVED, SHARE, rng)


# %% jupyter={"source_hidden": true}
first = lesson.seeds[0]
full, hungry = (make(train, generator(first, "arm")) for make in (balanced, starved))
show.table(
    pd.DataFrame(
        {"balanced": full.counts().tolist(), "starved": hungry.counts().tolist()},
        index=pd.Index(train.classes, name="class"),
    ).T,
    f"Training images of each class at 1 %, seed {first}; tested on {len(test):,}",
)
zeros = hungry.of_class(STARVED)
show.figure(
    figures.image_grid(
        torch.cat(
            [hungry.of_class(k).pixels[:10] for k in ((STARVED + 1) % 10, (STARVED + 4) % 10)]
            + [zeros.pixels[:10]]
        ),
        cols=10,
    ),
    "Two rows of training digits of other classes, and all that is left of the starved class, at most ten images.",
)
show.markdown(
    f"The last row shows {min(10, len(zeros))} of the **{len(zeros)}** images of class {STARVED} that are left. All ways to "
    "feed this class start from them."
)

# %% [markdown]
# **Starve any class yourself.** How small must the share be before you would say that variety is lost?


# %% jupyter={"source_hidden": true}
def what_is_left(digit, left):
    """Up to thirty of the images that are left of a class."""
    few = full.subsample_class(
        digit, int(left.split()[0]) / 100, lesson.generator("slider")
    ).of_class(digit)
    rows = -(-min(30, len(few)) // 10)
    count = f"{len(few)} of {len(full.of_class(digit))}"
    return figures.image_grid(few.pixels[:30], cols=10, row_titles=[count, "", ""][:rows])


explorer(
    what_is_left,
    "Images that are left of a starved class.",
    digit=[STARVED, *(k for k in range(10) if k != STARVED)],
    left=["5 %", "1 %", "2 %", "10 %", "20 %", "50 %", "100 %"],
)

# %% [markdown]
# ### Exercise 1 · accuracy, and the recall of one class
#
# **Recall** of a class: of the images that *are* of this class, the share that the classifier finds.


# %%
exercise_1 = exercises.AccuracyAndRecall()
exercise_1


# %% tags=["exercise"]
def accuracy_and_recall(labels, predictions, starved):
    """labels, predictions: int64, N; starved: a class. Returns (accuracy, recall of that class)."""
    ### BEGIN SOLUTION
    right = predictions == labels
    return float(right.float().mean()), float(right[labels == starved].float().mean())
    ### END SOLUTION


# %% tags=["check"]
exercise_1.check(accuracy_and_recall)  # stuck? exercise_1.hint(), then exercise_1.solution()

# %% [markdown]
# Now take a classifier that makes no mistake, except that it *never* says the starved digit. Predict both numbers.

# %%
never = torch.where(test.labels == STARVED, (STARVED + 6) % 10, test.labels)
accuracy, recall = exercise_1.answer_or_reference(test.labels, never, STARVED)
print(f"accuracy {100 * accuracy:.1f} %, recall of class {STARVED}: {100 * recall:.1f} %")

# %% [markdown]
# > **A common misconception.** "Accuracy went down a little, so the classifier is a little worse." It may be as good as
# > ever on nine classes, and useless on one. Look at the class that you changed.
#
# ## 4 · What one accuracy can tell
#
# The paper's accuracies are whole multiples of a small number: its test set was cut down together with the training set.
# How sure is *one* accuracy on so many images?
#
# ### Exercise 2 · the interval of one accuracy
#
# Each test image is right or wrong: a coin that lands on "right" with an unknown share. Wilson's interval holds the
# shares that go well with what was seen.
#
# **Where it comes from.** If the true share were $q$, the share $p$ seen in $n$ images would have a standard error of
# $\sqrt{q(1-q)/n}$: that of $q$, not of $p$. Keep every $q$ from which our $p$ lies at most $z$ of *its* standard errors
# away ($z$ is the normal quantile for 95 %):
#
# $\displaystyle (p - q)^2 \le z^2 \, \frac{q(1-q)}{n}$
#
# At both ends the two sides are equal, a quadratic equation in $q$. Divide by $1 + z^2/n$, complete the square:
#
# $\displaystyle q = \frac{p + \frac{z^2}{2n} \pm z\sqrt{\frac{p(1-p)}{n} + \frac{z^2}{4n^2}}}{1 + \frac{z^2}{n}}$
#
# At $q = 0$ and at $q = 1$ the right side is nothing, so no end ever lies beyond them.


# %%
exercise_2 = exercises.BinomialInterval()
exercise_2


# %% tags=["exercise"]
def binomial_interval(right, n):
    """right of n images are right. Returns (low, high), Wilson's 95 % interval, shares from 0 to 1."""
    ### BEGIN SOLUTION
    p, z = right / n, stats.norm.ppf(0.975)
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return centre - half, centre + half
    ### END SOLUTION


# %% tags=["check"]
exercise_2.check(binomial_interval)

# %% jupyter={"source_hidden": true}
tested = {subset: lesson.claimed(f"tested_{subset}") for subset in (1, 20, 100)}
show.figure(
    imbalance.single_accuracies(
        {
            f"{subset} % of EMNIST": {
                arm: (lesson.claimed(f"accuracy_{arm}_{subset}"), n) for arm in PAPERS_ARMS
            }
            for subset, n in tested.items()
        }
    ),
    "The paper's accuracies of four arms at three sizes, each with the interval that one accuracy on so many test "
    "images deserves; at the smallest size the intervals of all but the starved set overlap widely.",
)

# %% [markdown]
# **What do you notice?** In the left panel: by how many *images* do `bagan` and `manual` differ? In which panel would you
# believe the order of the two?

# %% jupyter={"source_hidden": true}
apart = {
    subset: round(
        n
        * (
            lesson.claimed(f"accuracy_bagan_{subset}")
            - lesson.claimed(f"accuracy_manual_{subset}")
        )
    )
    for subset, n in tested.items()
}
found = {
    arm: round(tested[1] / 10 * lesson.claimed(f"recall_{arm}_1_class_0"))
    for arm in PAPERS_ARMS
}
low, high = exercise_2.answer_or_reference(
    round(tested[1] * lesson.claimed("accuracy_bagan_1")), tested[1]
)
show.markdown(
    "<details><summary>One reading</summary>\n\nBAGAN minus manual, in images: "
    + ", ".join(f"{n:+d} of {tested[subset]:,} at {subset} %" for subset, n in apart.items())
    + f". At 1 % the single accuracy of BAGAN may stand for anything from {100 * low:.1f} to {100 * high:.1f} %. And the "
    f"starved class itself: of {tested[1] // 10} zeros the paper's classifiers found "
    + ", ".join(f"{n} ({arm})" for arm, n in found.items())
    + ". By the class that was starved, manual augmentation is ahead just where BAGAN is said to win.\n</details>"
)

# %% [markdown]
# ## 5 · Baselines
#
# The paper's classifier is the network of a well-known Keras example. And the classic rival: few images, turned, zoomed
# and made noisy. The paper names these three and gives no ranges; ours are below.

# %% jupyter={"source_hidden": true}
paper_cnn, our_cnn = EMNISTCNN(), EMNISTCNN(S["width"])
show.table(
    pd.DataFrame(
        [
            {"network": name, "parameters": f"{count_parameters(net)[0]:,}"}
            for name, net in (
                ("the paper's width", paper_cnn),
                (f"this profile, width × {S['width']:g}", our_cnn),
            )
        ]
    ),
    "The classifier",
)
few = zeros.subset(torch.arange(10) % len(zeros))
copies = [augmented(few, PAPER_2, lesson.generator("classic", i)).pixels for i in range(3)]
show.figure(
    figures.image_grid(torch.cat([few.pixels, *copies]), row_titles=["left", *["manual"] * 3]),
    "Images that are left of the starved class, and below them copies: turned, zoomed, with noise.",
)
show.markdown(f"`{PAPER_2}`")

# %% [markdown]
# **Two controls come before every other,** because they cost nothing. *Repeat* the few images until the class is as large
# as the others. Or leave the data alone and *weigh* the loss. Neither brings anything new into the training set. Would
# you expect them to help?
#
# ## 6 · The idea, on a toy
#
# Points in the plane: a frequent class (●) and a rare one (■). Move the share of the rare class. What do *repeating* its
# points and *generating* points from a Gaussian do for it, and what does the frequent class pay?

# %% jupyter={"source_hidden": true}
explorer(
    lambda rare, shape, seed: mixture.picture(int(rare.split()[0]) / 100, shape, seed),
    "Three classifiers on an imbalanced toy: nothing added, rare points repeated, rare points generated; each with the "
    "recall of both classes.",
    rare=["3 %", "2 %", "5 %", "10 %", "20 %", "50 %"],
    shape=["blob", "arc"],
    seed=[0, 1, 2, 3],
)

# %% [markdown]
# **What do you notice?** Choose *blob*: a Gaussian fits the rare class. Then *arc*: no Gaussian fits it. When does
# generating do more than repeating, and when does it do harm?
#
# <details><summary>One reading</summary>
#
# Repeated points are weight: the border moves towards the frequent class, but only around the points that are there. On
# the blob generated points fill the gaps, because the assumption behind them is true. On the arc they fill the middle,
# where the <i>other</i> class lives, and the frequent class pays. <b>A generator adds its assumptions, not new
# facts.</b> When both classes are large, all three are alike.
# </details>
#
# ## 7 · Build BAGAN
#
# BAGAN's assumption is better than one Gaussian in pixel space: *zeros are drawn with the same strokes as other digits.*
# It learns strokes from all classes, and zeros from the few that are left. Three steps.
#
# ### Step 1 · an autoencoder, on all classes
#
# The *encoder* turns an image into a short vector, the *decoder* turns the vector back into the image. No labels, no
# game.

# %%
BATCH = 64
SIZE = {"latent": S["latent"], "width": S["gan_width"]}


# `train_autoencoder??` in a cell of its own shows how: networks, step, batches, optimiser.
def autoencoding(images, seed):
    """The training of step 1."""
    return train_autoencoder(
        images, S["ae_steps"], seed, batch=BATCH, **SIZE, checkpoint=lesson.cache
    )


training = autoencoding(hungry, first)
rebuilt = await watch(training, title="Step 1: the autoencoder's reconstructions")
autoencoder = training.G
encoder = autoencoder.encoder
# %% jupyter={"source_hidden": true}
show.figure(
    figures.image_grid(
        torch.cat([hungry.pixels[:10], rebuilt.samples()]), row_titles=["image", "rebuilt"]
    ),
    "Ten training images, and below each its reconstruction by the autoencoder, which is blurred.",
)

# %% [markdown]
# **What do you notice?** What is lost on the way through so few numbers?
#
# ### Step 2 · a Gaussian for each class
#
# Encode every image: each class is a cloud of points. Fit a Gaussian to each cloud; then a new zero is a draw from the
# cloud of zeros, decoded.
#
# ### Exercise 3 · the Gaussian of a class
#
# The class has fewer images than the latent space has dimensions. Then the covariance is singular, and the textbook's
# Cholesky factor does not exist. Find a factor that does. (A little *jitter* on the diagonal gives Cholesky what it wants,
# and the factor of another covariance: one that spreads in directions which no image has shown.)


# %%
exercise_3 = exercises.ClassGaussian()
exercise_3


# %% tags=["exercise"]
def class_gaussian(latents):
    """latents: n × L, n ≥ 1. Returns (mean: L, factor: L × L) with factor @ factor.T the covariance."""
    ### BEGIN SOLUTION
    mean = latents.mean(0)
    centred = latents - mean
    covariance = centred.T @ centred / max(len(latents) - 1, 1)
    values, vectors = torch.linalg.eigh(covariance)
    return mean, vectors * values.clamp(min=0).sqrt()
    ### END SOLUTION


# %% tags=["check"]
exercise_3.check(class_gaussian)

# %% [markdown]
# ### Exercise 4 · draw from it


# %%
exercise_4 = exercises.DrawLatents()
exercise_4


# %% tags=["exercise"]
def draw(mean, factor, n, generator):
    """Returns n × L draws of the Gaussian with that mean and covariance factor @ factor.T."""
    ### BEGIN SOLUTION
    noise = torch.randn(n, len(mean), generator=generator).to(mean)
    return mean + noise @ factor.T
    ### END SOLUTION


# %% tags=["check"]
exercise_4.check(draw)


# %%
# Step 2 with your function: one Gaussian a class.
gaussians = fit_gaussians(encoder, hungry, exercise_3.answer_or_reference)
# %% jupyter={"source_hidden": true}
show.figure(
    imbalance.latent_clouds(
        encoder.encode(hungry), hungry.labels, gaussians.mean, gaussians.factor, STARVED
    ),
    "Encoded training images, projected onto two directions, with an ellipse for each class's Gaussian; the starved "
    "class has only a few points.",
)
rank = [
    int((torch.linalg.svdvals(f) > 1e-3 * torch.linalg.svdvals(f)[0]).sum())
    for f in gaussians.factor
]
show.markdown(
    f"The latent space has {S['latent']} dimensions. The Gaussian of class {STARVED}, from {len(zeros)} images, spreads "
    f"in **{rank[STARVED]}** of them, that of another class in {rank[(STARVED + 1) % 10]}."
)

# %% [markdown]
# **Question.** A draw from the Gaussian of the starved class is always a mixture of its few images (in latent space). Which
# zeros can it never draw?
#
# ### Step 3 · the game, with one class more
#
# G starts as the *decoder*. D starts as the *encoder*, with a new last layer that knows the ten digits and an eleventh
# answer: **fake**. Latent points are drawn with all classes equally frequent, so G practises zeros as often as any digit.
#
# ### Exercise 5 · what G pays
#
# D gives eleven logits. G was asked for a digit, and wants D to say *that digit*: not another one, and not "fake".


# %%
exercise_5 = exercises.ClassLoss()
exercise_5


# %% tags=["exercise"]
def class_loss(logits, asked):
    """logits: N × (K + 1), the last one "fake"; asked: N, classes. Returns G's loss, one number."""
    ### BEGIN SOLUTION
    return F.cross_entropy(logits, asked)
    ### END SOLUTION


# %% tags=["check"]
exercise_5.check(class_loss)

# %% [markdown]
# And this is the step that uses it. D sees as many fakes as it sees images of one class. Why not as many as real images?

# %%
show.source(bagan_step)

# %% [markdown]
# *While this trains:* the reconstructions of step 1 were blurred. Who could tell G so, now?


# %%
def game(images, autoencoder, gaussians, seed, **other):
    """The training of step 3, with your loss."""
    return train_bagan(
        images,
        autoencoder,
        gaussians,
        S["gan_steps"],
        seed,
        batch=BATCH,
        g_loss=exercise_5.answer_or_reference,
        checkpoint=lesson.cache,
        **other,
    )


def shown(gaussians, seed, label=STARVED):
    """What a game reports: ten images of one class, always of the same latent points."""
    c = torch.full((10,), label, device=lesson.device)
    return {"reports": 12, "fixed": (gaussians.draw(c, generator(seed, "shown")), c)}


shots = {}
unplayed = BAGANGenerator(
    copy.deepcopy(autoencoder.decoder), gaussians
).eval()  # for later: before the game
bagan = await watch(
    noted(
        game(hungry, autoencoder, gaussians, first, **shown(gaussians, first)),
        shots,
        lesson.cache,
    ),
    title="Step 3: the starved class, drawn by BAGAN",
)

# %% [markdown]
# **What would a GAN without the autoencoder give?** The same networks, the same game, the same number of steps, but fresh
# weights in place of the autoencoder's.

# %%
torch.manual_seed(first)
one, other = (Autoencoder(Encoder(**SIZE), Decoder(**SIZE)) for _ in range(2))
fresh = Autoencoder(other.encoder, one.decoder)
plain = game(hungry, fresh, gaussians, first, stop_on_collapse=False).finish()
# %% jupyter={"source_hidden": true}
c10 = torch.full((10,), STARVED, device=lesson.device)
z10 = gaussians.draw(c10, generator(first, "shown"))
epoch = len(hungry) / BATCH
moments = sorted(shots)[2::3]
show.figure(
    figures.image_grid(
        torch.cat(
            [
                gan.sample(unplayed, z10, c10),
                *(shots[n] for n in moments),
                gan.sample(plain.generator, z10, c10),
            ]
        ),
        row_titles=[
            "autoencoder",
            *(f"epoch {n / epoch:.1f}" for n in moments),
            "no autoencoder",
        ],
    ),
    "Ten latent points of the starved class, decoded before the game, at four moments of it, and by a generator that "
    "played the game without the autoencoder's weights.",
)
show.markdown(
    "The paper shows its zeros after epochs "
    + ", ".join(str(lesson.claimed(f"shown_after_{k}")) for k in (1, 2, 3, 4))
    + f". This profile plays {S['gan_steps']:,} steps, about {S['gan_steps'] / epoch:.0f} epochs."
)

# %% [markdown]
# **What do you notice?** What does the game change in the images, from the first row to the fifth? And what does the last
# row lack: sharpness, shape, or variety?
#
# > **A common misconception.** "The game makes the images better." It makes them *sharper*, for that is what D can tell.
# > Compare the first row with the fifth in variety, too: does each latent point still give a zero of its own?
#
# ## 8 · Play
#
# Walk in latent space from one digit to another. Where does one become the other?

# %% jupyter={"source_hidden": true}
eval_rng = lesson.generator("walk")
anchors = gaussians.draw(torch.arange(10, device=lesson.device), eval_rng)


def between(start, end, generator_of):
    """Ten images on the straight way between draws of two classes."""
    t = torch.linspace(0, 1, 10, device=lesson.device)[:, None]
    z = (1 - t) * anchors[start] + t * anchors[end]
    G = {"BAGAN": bagan, "no autoencoder": plain}[generator_of].generator
    return figures.image_grid(gan.sample(G, z, torch.full((10,), start, device=lesson.device)))


explorer(
    between,
    "Ten images on a walk in latent space from one digit to another.",
    start=[STARVED, *(k for k in range(10) if k != STARVED)],
    end=[(STARVED + 6) % 10, *(k for k in range(10) if k != (STARVED + 6) % 10)],
    generator_of=["BAGAN", "no autoencoder"],
)

# %% [markdown]
# ## 9 · Judge the samples
#
# A LeNet trained on *all* training images is the judge. **Agreement:** the share of fakes that it takes for the class
# asked for; high is good. **Fidelity and variety,** as in lesson 1: the distance `fd_lenet`, low is good; density and
# coverage, high is good. **Memorisation:** distance to the nearest of the *few* training images, over the same for new
# real ones: about 1 is good, well below 1 means copies.
#
# You have seen the game make the autoencoder's zeros sharper. Look at those rows once more, and say what the measures will
# say.

# %% jupyter={"source_hidden": true}
GAME = ("they cover more", "they cover less", "they cover the same")
predict(
    lesson.slug,
    "game",
    f"Zeros of the autoencoder *before* the game, and of BAGAN *after* it: what does the game change about how much of the "
    f"variety of real images of class {STARVED} they cover?",
    options=GAME,
)

# %% jupyter={"source_hidden": true}
torch.manual_seed(SEED)
judge = classifier.train(
    LeNet(),
    train,
    classifier.adam(),
    updates=S["judge_updates"],
    batch_size=64,
    generator=lesson.generator("judge"),
)
right = classifier.logits(judge, test).argmax(1) == test.labels
judge_accuracy = statistics.proportion_interval(int(right.sum()), len(right))
of_class = {"train": train.of_class(STARVED), "test": test.of_class(STARVED)}
n_eval = min(1000, *(len(images) for images in of_class.values()))
reference = of_class["train"].sample(n_eval, lesson.generator("reference")).pixels
new_real = of_class["test"].sample(n_eval, lesson.generator("new")).pixels
judged = Judge(judge, reference=reference, train=zeros.pixels, new=new_real)


def from_gaussian(G, n, rng):
    """n images of the starved class: your draws of its Gaussian, decoded by G."""
    own = G.gaussians
    z = exercise_4.answer_or_reference(own.mean[STARVED], own.factor[STARVED], n, rng)
    return gan.sample(G, z, torch.full((n,), STARVED, device=z.device))


def turned(n, train, rng):
    """n hand-made copies of the images of the starved class."""
    mine = train.of_class(STARVED)
    return augmented(
        mine.subset(torch.randint(len(mine), (n,), generator=rng)), PAPER_2, rng
    ).pixels


fakes = from_gaussian(bagan.generator, n_eval, lesson.generator("fakes"))
images = {
    "real, new": new_real,
    "repeated": zeros.subset(torch.arange(n_eval) % len(zeros)).pixels,
    "manual": turned(n_eval, hungry, lesson.generator("turned")),
    "autoencoder, no game": from_gaussian(unplayed, n_eval, lesson.generator("fakes")),
    "BAGAN": fakes,
    "BAGAN, no autoencoder": from_gaussian(plain.generator, n_eval, lesson.generator("fakes")),
}
asked = torch.full((n_eval,), STARVED, device=lesson.device)
quality = {
    name: {
        "agreement": f"{100 * class_scores.conditional_accuracy(judge, pixels, asked):.0f} %",
        **rounded(judged(pixels)),
    }
    for name, pixels in images.items()
}
show.table(
    pd.DataFrame(quality).T.rename_axis("images"),
    f"{n_eval:,} images of class {STARVED} judged against as many real training images; memorisation against the "
    f"{len(zeros)} that are left",
)

# %% [markdown]
# **What do you notice?** Read *coverage* from *repeated* to *BAGAN*: how much of the variety of real zeros does each way
# bring back? And who is nearest to copying? Then hold the row *BAGAN* against the one above it: what did the **game** do
# to the autoencoder's zeros, by distance and by coverage? Is that what their looks made you expect?

# %% jupyter={"source_hidden": true}
wider = max(("manual", "BAGAN"), key=lambda name: quality[name]["coverage"])
before, after = quality["autoencoder, no game"], quality["BAGAN"]
nearer = after["fd_lenet"] < before["fd_lenet"]
covers_more = after["coverage"] > before["coverage"]
if nearer and covers_more:
    by_both = "by both these zeros are better than before the game."
elif nearer or covers_more:
    by_both = "the two measures do not agree about it, so say which of them you need."
else:
    by_both = (
        "neither says that these sharper zeros are better than the blurred ones before. D asks for sharp strokes, and G may pay "
        "with variety; or the game was too short, and a finished one is another question."
    )
early = too_early(rebuilt, bagan)
the_game = (
    f"{early}The game moved the distance from {before['fd_lenet']} to {after['fd_lenet']} (low is good) and coverage from "
    f"{before['coverage']:.2f} to {after['coverage']:.2f} (high is good): {by_both}"
)
show.markdown(
    f"<details><summary>One reading</summary>\n\nNew real images cover {quality['real, new']['coverage']:.2f} of the "
    f"training images of this class, the few that are left {quality['repeated']['coverage']:.2f}. "
    f"Manual copies reach {quality['manual']['coverage']:.2f}, BAGAN {quality['BAGAN']['coverage']:.2f}: wider is "
    f"<b>{wider}</b>. Without the autoencoder the game ends at a coverage of "
    f"{quality['BAGAN, no autoencoder']['coverage']:.2f}. Memorisation is "
    f"{after['memorisation']:.2f} for BAGAN and {quality['manual']['memorisation']:.2f} for manual copies, "
    "which are copies by design. The judge is one network with "
    f"{judge_accuracy.text(100)} % on the test set.\n</details>"
)
reveal(
    lesson.slug,
    "game",
    None
    if early
    else GAME[0 if covers_more else 1 if after["coverage"] < before["coverage"] else 2],
    f"{the_game} One autoencoder and one game: a lead, and no verdict on BAGAN.",
)

# %% jupyter={"source_hidden": true}
_, which, partners = samples.nearest_pairs(judged.features(fakes), judged.train, 10)
show.figure(
    figures.image_grid(
        torch.cat([fakes[which], zeros.pixels[partners]]), row_titles=["fake", "nearest"]
    ),
    "The ten fakes of the starved class that lie closest to one of its training images, each above that image.",
)

# %% [markdown]
# These are the ten fakes *closest* to one of the images that are left. Would you call them copies?
#
# ### Stopped too early?
#
# Your BAGAN was trained for about a minute. The same three steps were once taken for much longer, with wider networks, on the
# starved training set of each seed; and so was another GAN, the class-conditional one of lesson 4 (*ccGAN*), which is *asked*
# for a digit and sees the few images of this class repeated until they are as many as the others. *Before you look:* which of
# the measures above will be better, and will any be worse?


# %% jupyter={"source_hidden": true}
def by_longer(images, seed):
    """What generators that were trained longer on these images made of the starved class, by their names."""
    found = [lesson.stored(f"train_{kind}/{seed}", images) for kind in ("bagan", "ccgan")]
    return {
        name: pixels.to(lesson.device)
        for tensors, _ in (found if all(found) else [])
        for name, pixels in tensors.items()
        if name != "shown"
    }


hungry_of = {seed: starved(train, generator(seed, "arm")) for seed in lesson.seeds}
longer = {  # by training set
    images.digest(): made
    for seed, images in hungry_of.items()
    if (made := by_longer(images, seed))
}
if len(longer) < len(hungry_of):  # the full run has generators for its own seeds only
    longer = {}
NAMES = {
    "autoencoder": "autoencoder alone, longer",
    "bagan": "BAGAN, longer",
    "ccgan": "ccGAN, longer",
}
if longer:
    of_first = longer[hungry.digest()]
    rows = {"real": new_real, "BAGAN, yours": fakes}
    rows |= {title: of_first[name] for name, title in NAMES.items()}
    show.figure(
        figures.image_grid(
            torch.cat([pixels[:10] for pixels in rows.values()]), row_titles=list(rows)
        ),
        "Ten zeros each: real, by your BAGAN, and by an autoencoder, a BAGAN and a ccGAN that were trained longer.",
    )
    n_few = min(len(made[name]) for made in longer.values() for name in NAMES)

    def scored_few(pixels, images):
        """The measures of as many of these as all have, beside the images that this training set has left."""
        few_judged = Judge(
            judge,
            reference=reference[:n_few],
            train=images.of_class(STARVED).pixels,
            new=new_real[:n_few],
        )
        agreement = class_scores.conditional_accuracy(judge, pixels[:n_few], asked[:n_few])
        return {"agreement": agreement} | few_judged(pixels[:n_few])

    quality_longer = {
        name: rounded(scored_few(rows[name], hungry)) for name in ("real", "BAGAN, yours")
    }
    for name, title in NAMES.items():
        of_seeds = [
            scored_few(longer[images.digest()][name], images) for images in hungry_of.values()
        ]
        quality_longer[title] = {
            m: statistics.t_interval([row[m] for row in of_seeds])
            .within(0, 1 if m in ("agreement", "coverage") else np.inf)
            .text(digits=1 if m == "fd_lenet" else 2)
            for m in of_seeds[0]
        }
    show.table(
        pd.DataFrame(quality_longer).T.rename_axis("images"),
        f"{n_few} images of class {STARVED} judged against as many real ones, so that distances are longer than above; of "
        f"those that were trained longer, means over {len(longer)} training sets and generators with 95 % intervals",
    )
else:
    quality_longer = {}
    show.markdown(
        "Not every training set here has generators that were trained longer on it, so they are left out."
    )

# %% [markdown]
# **What do you notice?** How much of what you saw above was *BAGAN*, and how much its minute? And what did so much
# more of the *game* add to the autoencoder that it starts from?
#
# ## 10 · Break it · deeper
#
# BAGAN's assumption was that other digits teach the strokes. Take them away: train the same BAGAN on **20 images of this
# one class, and nothing else**. Predict: will its losses warn you? Will its images look bad?

# %%
lone = full.of_class(STARVED)
lone = lone.subset(torch.arange(20) % len(lone))
lone = Images(lone.pixels, torch.zeros_like(lone.labels), (str(STARVED),), "20 images alone")


def bagan_of(images, seed, label=STARVED, **other):
    """BAGAN's three steps on these images, with your functions."""
    training = autoencoding(images, seed)
    training.finish()
    gaussians = fit_gaussians(training.G.encoder, images, exercise_3.answer_or_reference)
    return game(
        images, training.G, gaussians, seed, **shown(gaussians, seed, label), **other
    ).finish()


lone_bagan = bagan_of(lone, first, label=0, stop_on_collapse=False)
# %% jupyter={"source_hidden": true}
alone = gan.sample(
    lone_bagan.generator, *lone_bagan.generator.prior(n_eval, lesson.generator("lone"))
)
judged_alone = Judge(judge, reference=reference, train=lone.pixels, new=new_real)
_, which, partners = samples.nearest_pairs(judged_alone.features(alone), judged_alone.train, 10)
show.figure(
    figures.image_grid(
        torch.cat([alone[which], lone.pixels[partners]]), row_titles=["fake", "nearest"]
    ),
    "Fakes of a BAGAN that saw 20 images of one class only, each above the training image nearest to it.",
)
hugging = {
    name: {
        **{measure: row[measure] for measure in ("memorisation", "coverage")},
        "loss of D": round(last.losses["D"][-1], 2),
        "loss of G": round(last.losses["G"][-1], 2),
    }
    for name, row, last in (
        ("20 images alone", rounded(judged_alone(alone)), lone_bagan),
        ("few images among other digits", quality["BAGAN"], bagan),
    )
}
show.table(
    pd.DataFrame(hugging).T.rename_axis("BAGAN of"),
    "New real images have a memorisation of about 1",
)

# %% [markdown]
# **Diagnose.** Single images look fine, and the losses have nothing to tell. The distance to the nearest training image
# does, but only when it is compared with that of *new* real images. Which of the two generators hugs its few images, and
# which covers more of what zeros can look like? Why would copies be no disaster in a picture book, and one in training
# data?
#
# ## 11 · The experiment
#
# | arm | the starved class | why |
# |---|---|---|
# | `balanced` | never starved | what all the others want back (A) |
# | `starved` | the few images that are left | the baseline (B) |
# | `bagan` | filled up with BAGAN's images | the paper (C) |
# | `manual` | filled up with turned, zoomed, noisy copies | the rival (D) |
# | `oversample` | filled up by repeating | is it *weight* alone? |
# | `class_weights` | as starved; errors on it cost more | the same without a single copy |
# | `placebo_noise` | filled up with noise | does *anything* help? |
# | `mixed` | half BAGAN's, half manual | do the rivals add up? |
# | `cvae` | filled up with a CVAE's images | what the paper calls promising |
#
# Every arm has the same number of optimiser updates. In each seed all arms share the random subset, the images that are
# left, the initial weights and the test images; and **each seed has a BAGAN of its own**, so the intervals hold what
# training the GAN again would change. Where section 9 found one that was trained longer on this very training set, it is
# that one; else a BAGAN of your functions, trained here.
#
# **Optional: the CVAE.** A conditional variational autoencoder is trained in one piece, without a game: the encoder answers
# with a small cloud in place of a point, and a penalty keeps all clouds near one common Gaussian. Then one can draw
# without fitting anything. Its price: blur.

# %% jupyter={"source_hidden": true}
generators = {}  # by training set: (BAGAN, CVAE), None in the place of what is not needed


def feed(images, seed, with_cvae):
    """BAGAN in its three steps, unless there is a longer one, and a CVAE, for one starved training set."""
    own = None if images.digest() in longer else bagan_of(images, seed).generator
    return own, cvae_of(images, seed) if with_cvae else None


def cvae_of(images, seed):
    """A CVAE of one training set."""
    run = train_cvae(
        images,
        S["cvae_steps"],
        seed,
        batch=BATCH,
        latent=S["cvae_latent"],
        width=S["gan_width"],
        checkpoint=lesson.cache,
    )
    return run.finish().generator


generators[hungry.digest()] = bagan.generator, cvae_of(hungry, first)
todo = {  # the other training sets
    (subset, seed): starved(train, generator(seed, "arm"), subset)
    for subset in S["subsets"]
    for seed in lesson.seeds
    if (subset, seed) != (1, first)
}


def fed(task):
    """The generators of one of them."""
    subset, seed = task
    return feed(todo[task], seed, with_cvae=subset == S["subsets"][0])


done = show.progress("BAGAN and CVAE of every other training set")
for task, made in parallel_map(fed, todo, workers=S.get("workers"), on_progress=done).items():
    generators[todo[task].digest()] = made


# %%
def by_bagan(n, train, rng):
    """n images of the starved class by the BAGAN of this training set, the longer one if there is one."""
    made = longer.get(train.digest())
    return made["bagan"][:n] if made else from_gaussian(generators[train.digest()][0], n, rng)


def by_cvae(n, train, rng):
    """The same by its CVAE."""
    cvae = generators[train.digest()][1]
    z, c = cvae.prior(n, rng)
    return gan.sample(cvae, z, torch.full_like(c, STARVED))


def by_ccgan(n, train, rng):
    """The same by the ccGAN that was trained longer."""
    return longer[train.digest()]["ccgan"][:n]


def half_and_half(n, train, rng):
    """Half by BAGAN, half by hand."""
    return torch.cat([by_bagan(n // 2, train, rng), turned(n - n // 2, train, rng)])


def on(subset):
    """The arms on one subset: first the training set is starved, then the arm does something about it."""

    def after(arm):
        return lambda train, rng: arm(starved(train, rng, subset), rng)

    arms = {
        "balanced": lambda train, rng: balanced(train, rng, subset),
        "starved": after(experiment.real),
        "bagan": after(experiment.top_up(STARVED, by_bagan)),
        "manual": after(experiment.top_up(STARVED, turned)),
        "oversample": after(experiment.oversample),
        "class_weights": after(experiment.weighted),
        "placebo_noise": after(experiment.top_up(STARVED, experiment.noise)),
        "mixed": after(experiment.top_up(STARVED, half_and_half)),
    }
    if subset == S["subsets"][0]:
        arms["cvae"] = after(experiment.top_up(STARVED, by_cvae))
    return arms


# %% jupyter={"source_hidden": true}
show.figure(
    figures.image_grid(
        torch.cat(
            [
                by(5, images, generator(seed, "show"))
                for seed, images in hungry_of.items()
                for by in (by_bagan, by_cvae)
            ]
        ),
        cols=10,
        row_titles=[f"seed {seed}" for seed in lesson.seeds],
    ),
    "Images of the starved class, a row for each seed: five by its BAGAN, then five by its CVAE.",
)

# %% [markdown]
# Left five by each seed's BAGAN, right five by its CVAE. Does training the same method again give the same zeros?


# %% jupyter={"source_hidden": true}
def scored(labels, predictions):
    """Accuracy, macro F1, the recall of each class, and precision and F1 of the starved one."""
    report = classification.report(labels, predictions, test.classes)
    metrics = classification.scores(labels, predictions)
    metrics |= {f"recall_{k}": float(report["recall"].iloc[k]) for k in range(len(report))}
    return metrics | {
        f"{name}_{STARVED}": float(report[name].iloc[STARVED]) for name in ("precision", "f1")
    }


updates = {int(subset): n for subset, n in S["updates"].items()}
batch_size = lesson.claimed("batch_size")
plans = {
    f"{subset} %": experiment.Plan(
        on(subset),
        experiment.Recipe(
            partial(EMNISTCNN, S["width"]), classifier.adadelta(), updates[subset], batch_size
        ),
        ("test",),
    )
    for subset in S["subsets"]
}
if longer:
    smallest_size = plans[f"{S['subsets'][0]} %"]
    fed_by_ccgan = experiment.top_up(STARVED, by_ccgan)
    plans["longer"] = replace(
        smallest_size,
        arms={"ccgan": lambda train, rng: fed_by_ccgan(starved(train, rng), rng)},
    )

# %% [markdown]
# *While this runs:* suppose `bagan` raises the recall of the starved class by twenty points over `starved`. Which two arms
# must you look at before you credit the GAN?

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
SMALL = f"{S['subsets'][0]} %"
outcome = outcomes[SMALL]
results = experiment.summary(outcome, baseline="starved")
ARMS = list(plans[SMALL].arms)
RECALL = f"recall_{STARVED}"

# %% jupyter={"source_hidden": true}
show.figure(
    comparisons.runs_and_intervals(
        {
            f"recall of class {STARVED}": comparisons.arm_rows(outcome, metric=RECALL),
            "accuracy": comparisons.arm_rows(outcome),
        },
        xlabel="%:  | one seed   ●━ mean with 95 % interval",
        ends=(0, 100),
    ),
    "Recall of the starved class and accuracy of nine arms at the smallest size: a tick a seed, and the mean with its "
    "95 % interval.",
)

# %% [markdown]
# These intervals ask Wilson's question of *seeds*: which true shares have our mean within $t$ standard errors? The error is
# that between the seeds, and it shrinks towards the ends as that of every share does. So they, too, end where shares end
# (`statistics.share_interval`).
#
# **What do you notice?** How far do the two panels agree about the order of the arms? Where does `oversample` stand, which has
# nothing new in it?

# %% jupyter={"source_hidden": true}
mean = {
    metric: {arm: 100 * results["arms"][arm][metric]["test"]["mean"] for arm in ARMS}
    for metric in (RECALL, "accuracy")
}
lost = {metric: mean[metric]["balanced"] - mean[metric]["starved"] for metric in mean}
back = {
    arm: 100 * (mean[RECALL][arm] - mean[RECALL]["starved"]) / max(lost[RECALL], 1e-9)
    for arm in ("bagan", "manual", "oversample", "class_weights", "placebo_noise")
}
show.markdown(
    f"<details><summary>One reading</summary>\n\nStarving costs {lost['accuracy']:.1f} points of accuracy and "
    f"{lost[RECALL]:.1f} points of the class's recall. Of that recall the arms bring back, on average: "
    + ", ".join(f"{arm} {share:.0f} %" for arm, share in back.items())
    + ". What <code>oversample</code> and <code>class_weights</code> bring back is <i>weight</i>; only what goes beyond "
    "them can be new information.\n</details>"
)

# %% jupyter={"source_hidden": true}
starved_recall = statistics.share_interval(outcome.values("starved", "test", RECALL))
reveal(
    lesson.slug,
    "recall",
    (round(100 * starved_recall.lo, 1), round(100 * starved_recall.hi, 1)),
    f"Without help the classifiers find {starved_recall.text(100)} % of the images of class {STARVED}.",
)

# %% [markdown]
# ## 12 · Pair, and judge
#
# Seed by seed, arm minus `starved`:

# %% jupyter={"source_hidden": true}
show.figure(
    comparisons.runs_and_intervals(
        {
            f"recall of class {STARVED}": comparisons.difference_rows(
                outcome, "starved", metric=RECALL
            ),
            "accuracy": comparisons.difference_rows(outcome, "starved"),
        },
        reference=0,
        xlabel="arm − starved, points",
        order=ARMS,
    ),
    "Paired differences of eight arms from the starved baseline in recall of the starved class and in accuracy, with "
    "95 % intervals; the dashed line is no difference.",
)

# %% [markdown]
# **What do you notice?** Do the gains of `bagan` go beyond those of `oversample`? And what does `placebo_noise` do?
#
# Five questions, each answered by a paired interval. Asking five at once makes a chance "yes" likelier; *Holm's* correction
# raises each *p* accordingly. Where an interval leaves out 0 and the corrected *p* does not bear it out, the difference is a
# *lead*: worth a study of its own, and no finding yet.

# %%
questions = [
    ("bagan", "manual"),
    ("bagan", "oversample"),
    ("manual", "oversample"),
    ("bagan", "starved"),
    ("cvae", "bagan"),
]
# %% jupyter={"source_hidden": true}
answers = compare(
    *(
        {(*pair, name): outcome.paired(*pair, metric=metric) for pair in questions}
        for metric, name in (("accuracy", "accuracy"), (RECALL, f"recall of class {STARVED}"))
    )
)
show.table(
    answers.table(), f"Paired over {len(lesson.seeds)} seeds, on all {len(test):,} test images"
)
show.sentences(answers.sentences)

# %% jupyter={"source_hidden": true}
headline = answers["bagan", "manual", "accuracy"]
winner = headline.interval
reveal(
    lesson.slug,
    "winner",
    winner.side("BAGAN is better", "manual is better", "we cannot tell"),
    f"BAGAN minus manual: {winner.text(100)} points of accuracy.",
)
smallest = abs(lesson.claimed("accuracy_bagan_1") - lesson.claimed("accuracy_manual_1"))
show.markdown(
    f"To see a true difference as small as the paper's ({100 * smallest:.2f} points) at the spread that we found, a study "
    f"would need about **{statistics.seeds_needed(headline.values, smallest):,} seeds** of each arm."
)

# %% [markdown]
# **And another GAN?** BAGAN is one GAN of many. The ccGAN of section 9 had the same few zeros, and comes nearer to
# real ones or does not, as its table says. *Before you look:* will it help the class more than BAGAN, and more than repeating?

# %% jupyter={"source_hidden": true}
beside_longer = {}
if longer:
    rivals = ("bagan", "oversample", "manual")
    by_arm = dict.fromkeys(rivals, outcome) | {"ccgan": outcomes["longer"]}
    beside_longer = {
        arm: {m: o.values(arm, "test", m) for m in ("accuracy", RECALL)}
        for arm, o in by_arm.items()
    }
    others = {
        ("ccgan", rival, name): beside_longer["ccgan"][m] - beside_longer[rival][m]
        for m, name in (
            ("accuracy", f"accuracy at {SMALL} of EMNIST"),
            (RECALL, "recall of the starved class"),
        )
        for rival in rivals
    }
    show.sentences(compare(others).sentences)
else:
    show.markdown("No such GAN for these images is at hand, so this stays open here.")

# %% [markdown]
# **One test set, two networks.** There is a test for a *single* pair of networks, too: McNemar's. It looks only at the test
# images on which the two disagree, and holds nothing of what another seed would change.

# %% jupyter={"source_hidden": true}
correct = {
    arm: outcome.predictions[arm, first]["test"].to(test.labels) == test.labels
    for arm in ("bagan", "manual")
}
one_pair = statistics.mcnemar(correct["bagan"], correct["manual"])
signs = headline.values
show.markdown(
    f"Seed {first}: {one_pair.only_a} test images are right with `bagan` only, {one_pair.only_b} with `manual` only; "
    f"exact McNemar gives a p of {p_text(one_pair.p)}. But over our {len(signs)} seeds BAGAN is ahead in {int((signs > 0).sum())} and "
    f"behind in {int((signs < 0).sum())}: p of one pair speaks about these two networks, not about the methods."
)

# %% [markdown]
# ### How the budget moves the verdict
#
# Five minutes are short for the classifier, too. The comparison was once run for hours, with classifiers of the paper's full
# width at several budgets. The last table says whether generators and classifiers had come to rest. *Before you look:* the
# starved classifiers above miss most of the starved class. Will they still, after a few times as many updates?

# %% jupyter={"source_hidden": true}
show_full_run(
    lesson.committed("full"),
    {
        "bagan - starved": "BAGAN − starved",
        "bagan - oversample": "BAGAN − repeated images",
        "bagan - manual": "BAGAN − manual",
        "ccgan - oversample": "ccGAN − repeated images",
    },
    {"train_bagan": "BAGAN", "train_ccgan": "ccGAN"},
)

# %% [markdown]
# **What do you notice?** At which number of updates would somebody who stops there say something else? How much of a gain
# over `starved` is the images', and how much the hurry of a classifier that has seen few zeros so far?
#
# ## 13 · The paper and ours

# %% jupyter={"source_hidden": true}
metrics_of_paper = {
    "accuracy": "accuracy",
    f"precision_{STARVED}": "precision",
    RECALL: "recall",
    f"f1_{STARVED}": "f1",
}


def papers(arm, metric, subset):
    """The paper's value, or None where it has none: its starved class is 0."""
    if arm not in PAPERS_ARMS or not AS_IN_PAPER:
        return None
    name = metrics_of_paper[metric]
    end = f"_{subset}" if name == "accuracy" else f"_{subset}_class_0"
    return lesson.claimed(f"{name}_{arm}{end}")


def beside(subset):
    """Our intervals, where one further run falls, and the paper's values on one subset, as panels."""
    o, panels = outcomes[f"{subset} %"], {}
    for metric in metrics_of_paper:
        name = metrics_of_paper[metric]
        # an F1 rests on the images of a class and on those called so
        tested_on = tested[subset] // {"accuracy": 1, "f1": 5}.get(name, 10)
        title = name if name == "accuracy" else f"{name}, class {STARVED}"
        panels[title] = [
            against_paper(
                arm,
                o.values(arm, "test", metric),
                papers(arm, metric, subset),
                images=tested_on,
            )
            for arm in plans[f"{subset} %"].arms
        ]
    return panels


central = imbalance.beside_paper(beside(S["subsets"][0]), "% of all test images", ARMS)
CENTRAL_ALT = (
    "Accuracy, and precision, recall and F1 of the starved class, of nine arms at the smallest size, with 95 % intervals; "
    "squares are the paper's values, filled where one further run of ours could fall."
)
show.figure(central, CENTRAL_ALT)
for subset in S["subsets"][1:]:
    show.figure(
        imbalance.beside_paper(beside(subset), "% of all test images", ARMS),
        f"The same at {subset} % of EMNIST Digits.",
    )

# %% jupyter={"source_hidden": true}
if AS_IN_PAPER:
    tables = [
        paper_table(beside(s), 100, unit=" %").assign(subset=f"{s} %") for s in S["subsets"]
    ]
    show.table(
        pd.concat(tables).set_index("subset"),
        "The paper's Table 1, single runs on its own few test images; our means with 95 % intervals over seeds; and where "
        "one further run of ours would fall, tested on as few images as the paper's",
    )
not_run = [subset for subset in (1, 20, 100) if subset not in S["subsets"]]
show.markdown(
    (
        f"Not run in this profile: {', '.join(f'{subset} %' for subset in not_run)} of EMNIST Digits (see the `full` profile)."
        if not_run
        else "All of the paper's sizes were run."
    )
    + (
        ""
        if AS_IN_PAPER
        else f" The paper starves class 0; here it is class {STARVED}, so its numbers do not apply."
    )
)

# %% [markdown]
# **What this does *not* show**
#
# - That BAGAN is worse or better in general: one data set, one class, one small BAGAN, of which section 9 says how long it
#   was trained.
# - What happens with more data: see the table for the sizes that this profile has not run.
# - The paper's own spread. Its classifier had its full width and twelve epochs; below `full` ours is narrower and has fewer
#   updates, so accuracies lie lower.
# - That the writers of training and test images are different people: this copy of EMNIST does not tell who wrote what.
# - What a longer game with other settings would give: the paper names no learning rates, ours were not tuned on the
#   classifier.
# - What other ranges of manual augmentation would give. The paper names the kinds only; the ranges are ours, and were not
#   tuned.
#
# If DATA is a sample (see *Set-up*), nothing here speaks about the whole of EMNIST.
#
# ## 14 · Quiz

# %%
quiz(lesson.slug)

# %% [markdown]
# ## 15 · Make something · deeper
#
# **A transfer task.** How hungry must a class be before generation pays? Choose three shares of the starved class, run
# `starved`, `oversample`, `manual` and `bagan` at each, and draw the paired difference `bagan − oversample` over the
# share. Write down first at which share you expect the GAN to stop mattering. A frame to start from:
#
# ```python
# def starved(train, rng, subset=1): return balanced(train, rng, subset).subsample_class(STARVED, …, rng)
# # each new training set needs its own entry in `generators`: feed(images, seed, with_cvae=False)
# mine = experiment.run({"hungrier": …}, train, tests, lesson.seeds, scores=scored)["hungrier"]
# ```
#
# ## Key points
#
# - Accuracy averages the starved class away. Report the recall *of the class that you changed*, with an interval.
# - One accuracy has an interval, too: count how many images a difference is.
# - BAGAN = an autoencoder that learns strokes from all classes, a Gaussian a class, and a game with the answer "fake".
# - A generator adds its assumptions. Where few images span the class, it cannot draw what they do not span.
# - Weight is free: compare every generator with repeating and with class weights before you credit it.
#
# **Next:** two animals, eighty photographs. What is an independent example?

# %% [markdown]
# ---
# The last cells write the results and check that the lesson is whole.


# %% jupyter={"source_hidden": true}
saved = lesson.save(
    central,
    CENTRAL_ALT,
    **results,
    baseline="starved",
    classic="manual",
    starved={"class": STARVED, "share": SHARE, "left": len(zeros)},
    updates=dict.fromkeys(ARMS, updates[S["subsets"][0]]),
    verdict=headline.sentence("BAGAN", "manual augmentation", f"accuracy at {SMALL}"),
    verdicts=answers.sentences,
    pairs={
        f"{arm} - {other}": {
            metric: experiment.entry(outcome.paired(arm, other, metric=metric))
            for metric in ("accuracy", RECALL)
        }
        for arm, other in questions
    },
    experiments={
        name: experiment.summary(o, baseline="starved")
        for name, o in outcomes.items()
        if name not in (SMALL, "longer")
    },
    longer={
        arm: {m: {"test": experiment.entry(values)} for m, values in metrics.items()}
        for arm, metrics in beside_longer.items()
    },
    samples=quality,
    samples_longer=quality_longer,
    hugging=hugging,
    judge_accuracy=round(judge_accuracy.mean, 4),
)

# %% jupyter={"source_hidden": true} tags=["nbval-check-output"]
# The contract: what must hold in every profile, on any data. CI compares this cell's output.
assert set(saved["arms"]) == set(ARMS) and all(
    len(a["accuracy"]["test"]["values"]) == len(lesson.seeds) for a in saved["arms"].values()
)
print("paper's CNN:", f"{count_parameters(paper_cnn)[0]:,}", "parameters")
print("arms:", *saved["arms"])
print("metrics:", *saved["arms"]["starved"])
print("test sets:", *tests, "| sealed:", all(images.sealed for images in tests.values()))
print("equal updates:", len(set(saved["updates"].values())) == 1)
print(
    "a training set for each seed, and its generators:",
    len(generators) == len(lesson.seeds) * len(S["subsets"]),
)
fed = on(S["subsets"][0])["bagan"](train, generator(first, "arm")).counts()
others = [int(n) for k, n in enumerate(fed) if k != STARVED]
print("fed up to the others:", min(others) <= int(fed[STARVED]) <= max(others))
