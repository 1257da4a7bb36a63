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
# # Lesson 5 · Do generated clothes make a classifier better?
#
# **The question:** a generator can be asked for a shirt, a sneaker, a bag, as often as you like. Does a classifier that
# sees its pictures beside the real ones know real clothes better?
#
# **The paper:** Kalpana Devi Bai Mudavathu and M. V. P. Chandra Sekhara Rao, *Building Adverserial networks to
# augment Image Data Sets*. It trains a plain GAN and prints its losses as they go; then it trains an **ACGAN** on
# Fashion-MNIST, shows its pictures from the first epoch to the last, and proposes to add them to the training data.
# One number is missing, the one that the proposal rests on: what they do for a classifier. This lesson supplies it.

# %% [markdown]
# **When you are through, you can**
#
# - *tell* an equilibrium from a surrender, by more than a loss;
# - *write* the two losses of an ACGAN, and *find* the most copied mistake in them by its floor;
# - *say* what an "accuracy in generating" measures, and *measure* what it hides: variety, and leaks between classes;
# - *design* an augmentation experiment in which no arm has seen more real data than another;
# - *decide* whether generated images would help on data of your own.
#
# **You need** the ideas of lessons 1 and 2 (one run is one draw, placebo, pairs), Python and a little PyTorch. No GPU.

# %% tags=["parameters"]
PROFILE = None  # "smoke", "quick" or "full"; None: $COURSE_PROFILE, else "quick"
DATA = None  # "real", "standin"; None: real images if they can be had
SEED = 0
DEVICE = None  # "cpu", "cuda"; None: a GPU if there is one

# %% [markdown]
# ## 1 · Set-up

# %% jupyter={"source_hidden": true}
import copy
from functools import partial

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn

from course_utils import experiment
from course_utils.classify import train as classifier
from course_utils.classify.networks import EMNISTCNN, LeNet, count_parameters
from course_utils.core.parallel import parallel_map
from course_utils.core.seeds import generator
from course_utils.data.augment import Classic, augmented
from course_utils.data.images import Images, scaled, to_pixels
from course_utils.evaluate import classification, samples, statistics
from course_utils.evaluate.comparisons import compare
from course_utils.gan import train as gan
from course_utils.gan.networks import ACDiscriminator, ACGenerator
from course_utils.gan.recipes import train_acgan, train_plain_gan
from course_utils.gan.steps import acgan_step
from course_utils.teach import show
from course_utils.teach.budget import show_full_run
from course_utils.teach.exercises import lesson_05 as exercises
from course_utils.teach.lesson import start
from course_utils.teach.plots import by_class, comparisons, curves, equilibrium, figures
from course_utils.teach.shots import noted
from course_utils.teach.toys import borders
from course_utils.teach.widgets.explorer import explorer
from course_utils.teach.widgets.live import too_early, watch
from course_utils.teach.widgets.predict import predict, reveal
from course_utils.teach.widgets.quiz import quiz

# %% jupyter={"source_hidden": true}
lesson = start(
    "05_fashion_acgan",
    "Do generated clothes make a classifier better?",
    "fashion",
    profile=PROFILE,
    data=DATA,
    seed=SEED,
    device=DEVICE,
)
S = lesson.settings
BATCH = lesson.claimed("batch_size")

# %% [markdown]
# ## 2 · The claim

# %% jupyter={"source_hidden": true}
claims = {
    "images": f"{lesson.claimed('images'):,}, of which {lesson.claimed('train_share')} % to train on",
    "length": f"{lesson.claimed('epochs'):,} epochs, batches of {BATCH}",
    "losses": f"stable after epoch {lesson.claimed('settles')}",
    "quality of the images": f"an accuracy of {lesson.claimed('accuracy')} % in generating",
    "what they do for a classifier": "they improve its accuracy; no number",
}
show.table(
    pd.Series(claims, name="the paper").rename_axis("of").to_frame(),
    "What the paper reports of its ACGAN",
)

# %% [markdown]
# **What do you notice?** An accuracy is a share of something. Of what, here? And who decides what is right?
#
# <details><summary>One reading</summary>
#
# The paper does not say. The reading that makes sense: ask G for a class, show the picture to a classifier, and count
# how often it sees the class that was asked for. We shall call that <i>conditional accuracy</i>. It says nothing
# about a classifier that is <b>trained</b> on these pictures; for that, the paper has no number at all.
# </details>

# %% jupyter={"source_hidden": true}
GAIN = ["higher with ACGAN's images", "lower with ACGAN's images", "we cannot tell"]
RARE = f"{S['shares'][0]} %"
predict(
    lesson.slug,
    "gain",
    f"A classifier gets {RARE} of the training images, and as many images of an ACGAN that was trained on the same "
    f"{RARE}. Over several seeds: what will its accuracy be, compared with the same classifier without them?",
    options=GAIN,
)

# %% jupyter={"source_hidden": true}
predict(
    lesson.slug,
    "variety",
    "Take two real shirts: they lie some distance apart. Now two *generated* shirts, by an ACGAN that saw all training "
    "images. How far apart are they, on average over all classes, in per cent of the real distance?",
    low=0,
    high=150,
    step=5,
    unit="%",
)

# %% [markdown]
# ## 3 · The data, and two ways to split them
#
# Fashion-MNIST: clothes and accessories, as small and grey as MNIST's digits. It comes in two parts, of which one is
# sealed as a test set. The paper mixes both and splits anew. Mixing breaks the seal, so it is done once, in the open,
# and the new test part is sealed again. The split hangs on no seed of ours: you and we get the same images.

# %% jupyter={"source_hidden": true}
official = {name: images.to(lesson.device) for name, images in lesson.data.splits.items()}
whole = Images(
    torch.cat([part.pixels for part in official.values()]),
    torch.cat([part.labels for part in official.values()]),
    official["train"].classes,
    "all images",
    groups=torch.cat([torch.full_like(p.labels, p.sealed) for p in official.values()]),
)
PERCENT = lesson.claimed("train_share")
train, rest = whole.split(PERCENT / 100, generator(PERCENT, "paper 5"), by_group=False)
test = rest.seal()
scored = test.sample(min(S["tested"], len(test)), generator(PERCENT, "scored"))
tests, classes = {"test": scored}, train.classes
show.table(
    pd.DataFrame(
        {
            "official": [len(official["train"]), len(official["test"]), 0],
            "the paper's": [len(train), len(test), int(train.groups.sum())],
        },
        index=["to train on", "to test on", "official test images that are trained on"],
    ).rename_axis("images"),
    f"Two splits of {len(whole):,} images; fingerprint of the second: {train.digest()[:8]}",
)

# %%
eight = torch.cat([train.of_class(k).pixels[:8] for k in range(10)])
show.figure(
    figures.image_grid(eight, cols=8, row_titles=list(classes)),
    "Eight training images of each of the ten classes of clothes and accessories.",
)

# %% [markdown]
# **What do you notice?** Which classes would *you* mix up? And what would go wrong if somebody trained on the paper's
# split and tested on the official test set?
#
# <details><summary>One reading</summary>
#
# Shirt, T-shirt, pullover and coat: four names for a torso with sleeves. Remember them. And most of the official test
# set is training data here: on it this classifier would be tested on what it has seen. So we train <i>and</i> test on
# the paper's split, because its claim is about that one; the official split serves for a comparison of the two.
# </details>
#
# ## 4 · Baselines, and a judge
#
# The paper names no classifier. Ours is **LeNet**, small enough to be trained many times. One LeNet, trained on *all*
# training images, becomes the **judge** of generated ones; it is none of those in the experiment. The same network on
# the official split, beside it:


# %% jupyter={"source_hidden": true}
def trained(network, images, updates, *key, transform=None):
    """A network trained on these images, ready to judge."""
    torch.manual_seed(lesson.number(*key))
    rng = lesson.generator(*key)
    settings = {"updates": updates, "batch_size": 64, "generator": rng, "transform": transform}
    return classifier.train(network(), images, classifier.adam(2e-3), **settings)


def right(network, images):
    """How many it gets right, with Wilson's interval."""
    hits = classifier.logits(network, images).argmax(1) == images.labels
    return statistics.proportion_interval(int(hits.sum()), len(images))


judge = trained(LeNet, train, S["judge_updates"], "judge")
officially = trained(LeNet, official["train"], S["judge_updates"], "judge")
judge_accuracy = right(judge, test)
both_splits = {
    "the paper's split (the judge)": judge_accuracy,
    "the official split": right(officially, official["test"]),
    "trained on the paper's, tested on the official": right(judge, official["test"]),
}
show.table(
    pd.DataFrame(
        {"accuracy, %": {name: interval.text(100) for name, interval in both_splits.items()}}
    ).rename_axis("split"),
    "The same LeNet on both splits; intervals: what other test images would change",
)

# %% [markdown]
# Does it matter which split one takes? And why is the last row worth nothing, even if it looks no better?
#
# **The rival that costs nothing** is classic augmentation. The paper has none. The ranges are ours, chosen on a
# validation part of the training images. Would you also mirror the images, as one does with photographs? Look at the
# shoes first.

# %% jupyter={"source_hidden": true}
TURNED = Classic(rotation=2, shift=0.02, zoom=0.03)
some = train.sample(10, lesson.generator("classic"))
copies = [augmented(some, TURNED, lesson.generator("classic", i)).pixels for i in range(2)]
show.figure(
    figures.image_grid(
        torch.cat([some.pixels, *copies]), row_titles=["real", "classic", "classic"]
    ),
    "Ten training images, and below them two rows of classic augmentations: slightly turned, shifted, zoomed.",
)
show.markdown(f"`{TURNED}`")

# %% [markdown]
# ## 5 · The paper's first part: a plain GAN, and a gate
#
# The paper begins with a GAN without classes, and with a rule for the game: *if the generator's loss is below the
# discriminator's, the generator pauses; if the discriminator's is below, the discriminator pauses.*
#
# ### Exercise 1 · the gate

# %%
exercise_1 = exercises.Gate()
exercise_1


# %% tags=["exercise"]
def gate(d_loss, g_loss):
    """d_loss, g_loss: scalar tensors. Returns (d_trains, g_trains), bool tensors; equal losses: both train."""
    ### BEGIN SOLUTION
    return d_loss >= g_loss, g_loss >= d_loss
    ### END SOLUTION


# %% tags=["check"]
exercise_1.check(gate)  # stuck? exercise_1.hint(), then exercise_1.solution()

# %% [markdown]
# Before you see the paper's table: what do both networks lose when D gives up, and says **one half** to every picture,
# real or fake? D's loss has two terms, −log ½ each; G's has one.

# %%
print(
    f"D says one half: loss of D {equilibrium.ONE_HALF['D']:.4f}, of G {equilibrium.ONE_HALF['G']:.4f}"
)

# %% [markdown]
# Now twice the same plain GAN, from the same weights: with your gate, and without.

# %%
ROWS = range(0, lesson.claimed("plain_steps") + 1, lesson.claimed("table_every"))
N_FD = min(500, len(test))
plain_z = torch.randn(N_FD, 100, generator=lesson.generator("plain z"))


GATES = {"gate on": exercise_1.answer_or_reference, "gate off": False}


def plain_gan(name):
    """A plain GAN, trained: its last report, its fakes of the same latent points at each report, and its D."""
    shots = {}
    run = train_plain_gan(
        train,
        S["plain_steps"],
        SEED,
        width=S["plain_width"],
        batch=S["plain_batch"],
        lr=S["plain_lr"],
        gate=GATES[name],
        reports=len(ROWS) - 1,
        fixed=(plain_z,),
        stop_on_collapse=False,
        checkpoint=lesson.cache,
    )
    *_, last = noted(run, shots, lesson.cache)
    return last, shots, run.D.eval()


# %% [markdown]
# *While this trains:* the gate lets the loser catch up. Which way does it push the two losses?

# %%
AT_ONCE = {"workers": S.get("workers")}  # trainings side by side, in a process a core
plain = parallel_map(plain_gan, GATES, **AT_ONCE)

# %% jupyter={"source_hidden": true}
papers = {who: [lesson.claimed(f"{who.lower()}_loss_{n}") for n in ROWS] for who in ("D", "G")}
table = pd.DataFrame(
    {
        ("the paper", "D"): papers["D"][1:],
        ("the paper", "G"): papers["G"][1:],
        **{
            (name, who): np.round(last.losses[who][: len(ROWS) - 1], 3)
            for name, (last, *_) in plain.items()
            for who in ("D", "G")
        },
    },
    index=pd.Index([f"{100 * n / ROWS[-1]:.0f} %" for n in ROWS[1:]], name="of the run"),
)
show.table(
    table,
    f"The paper's loss table ({ROWS[-1]:,} steps, rows after the first) beside our {S['plain_steps']:,} steps, "
    "each row the mean of a tenth of the run",
)
ours = {
    name: {who: [np.nan, *values] for who, values in last.losses.items()}  # nothing at 0 %
    for name, (last, *_) in plain.items()
}
show.figure(
    equilibrium.losses({"the paper": papers, **ours}),
    "Losses of D and G over the run: the paper's table, our plain GAN with the gate, and without it; dashed and dotted "
    "lines mark what both lose where D says one half.",
)

# %% [markdown]
# **What do you notice?** Where do the paper's losses end? And ours, with and without the gate? Theory says: if G draws
# *exactly* the real distribution, the best D says one half. Then both losses lie on these lines. **Equilibrium, then?**
# Decide before you look at the pictures.

# %% jupyter={"source_hidden": true}
floor = samples.fd_lenet(judge, train.pixels, test.pixels, N_FD)
away = {
    name: {
        n: samples.fd_lenet(judge, train.pixels, pixels, N_FD) for n, pixels in shots.items()
    }
    for name, (_, shots, _) in plain.items()
}
final = [shots[max(shots)][:10] for _, shots, _ in plain.values()]
show.figure(
    figures.image_grid(
        torch.cat([*final, train.sample(10, lesson.generator("look")).pixels]),
        row_titles=[*plain, "real"],
    ),
    "Ten pictures each by the plain GAN with the gate and without it at the end of training, and ten real images.",
)
show.figure(
    equilibrium.distances(away, floor),
    "Frechet distance in LeNet's features from the real images along the training of both plain GANs, far above "
    "that of new real images, which is the dashed line.",
)

# %% [markdown]
# A decisive witness is cheap: **a fresh critic**, a new network trained for a moment on nothing but these fakes and
# real images. In an equilibrium it could do no better than a coin. If it tells them apart at once, then D says one
# half because it *cannot tell*, not because there is nothing to tell.


# %% jupyter={"source_hidden": true}
known, unknown = train.split(0.5, lesson.generator("critic"), by_group=False)


def fresh_critic(fakes):
    """Accuracy of a new network that learns to tell these pictures from real ones, on others of both."""
    half = len(fakes) // 2
    real = known.pixels
    labels = torch.arange(2, device=lesson.device).repeat_interleave(half)
    learn, exam = (
        Images(torch.cat([real[part], fakes[part]]), labels, ("real", "fake"), "critic")
        for part in (slice(half), slice(half, 2 * half))
    )
    critic = trained(partial(LeNet, 2), learn, S["critic_updates"], "critic")
    return right(critic, exam.seal())


# %% [markdown]
# A measurement needs its zero: what would the critic score if the "fakes" were real, too? Beside it, what each D
# itself says, on average, of real images and of its own G's fakes.

# %% jupyter={"source_hidden": true}
n_critic = min(1500, len(known))
critics, table = {}, {}
for name, (last, _, D) in plain.items():
    fakes = gan.sample(last.generator, *last.generator.prior(n_critic, lesson.generator("D")))
    with torch.no_grad():
        real_said, fake_said = (
            float(D(scaled(pixels)).sigmoid().mean())
            for pixels in (unknown.pixels[:n_critic], fakes)
        )
    critics[name] = fresh_critic(fakes)
    table[f"plain GAN, {name}"] = {
        "D says to real images": f"{real_said:.2f}",
        "D says to fakes": f"{fake_said:.2f}",
        "fresh critic, % right": critics[name].text(100),
        "fd_lenet": f"{away[name][max(away[name])]:.1f}",
    }
table["other real images"] = {
    "fresh critic, % right": fresh_critic(unknown.pixels[:n_critic]).text(100),
    "fd_lenet": f"{floor:.1f}",
}
show.table(
    pd.DataFrame(table).T.fillna("").rename_axis("pictures"),
    "What D says, and what a fresh critic can tell; a coin is right in half of the cases. One training each; "
    "intervals: what other pictures would change",
)

# %% jupyter={"source_hidden": true}
low = sum(g < d for d, g in zip(papers["D"], papers["G"], strict=True))
told = [name for name, interval in critics.items() if interval.lo > 0.75]
at_end = {name: [last.losses[who][-1] for who in "DG"] for name, (last, *_) in plain.items()}
apart = {name: abs(d - g) for name, (d, g) in at_end.items()}
near_half = [name for name in told if abs(at_end[name][0] - equilibrium.ONE_HALF["D"]) < 0.1]
show.markdown(
    "<details><summary>One reading</summary>\n\nThe paper's D ends at "
    f"{papers['D'][-1]:.2f}, near 2 log 2 = {equilibrium.ONE_HALF['D']:.2f}. Ours ends at "
    + " and ".join(f"{d:.2f} ({name})" for name, (d, _) in at_end.items())
    + f". In {low} of {len(ROWS)} rows of the paper's table G has the lower loss, so the gate, as it is written, "
    "pauses G there: D's loss adds two terms, G's is one. In our two runs, one each, the losses of D and G end "
    + " and ".join(f"{gap:.2f} apart ({name})" for name, gap in apart.items())
    + (
        ": the gate has brought two numbers together that measure different things. "
        if apart["gate on"] < apart["gate off"]
        else ": here the gate has not brought the two together. "
    )
    + (
        f"A fresh critic tells the fakes of <i>{' and '.join(told)}</i> from real images most of the time, after "
        f"{S['critic_updates']} updates: there was much to tell. "
        if told
        else "A fresh critic has trouble as well: after so short a time it, too, cannot tell. "
    )
    + (
        f"Yet the D of <i>{' and '.join(near_half)}</i> ends near 2 log 2. <b>A D near one half that a newcomer beats "
        "has surrendered.</b> "
        if near_half
        else ""
    )
    + "A loss is a score in a game against this one opponent. It does not measure pictures.\n</details>"
)

# %% [markdown]
# > **A common misconception.** "The losses have settled, so the GAN has converged." Two weak players draw as steadily
# > as two strong ones.
#
# ## 6 · The idea, on a toy
#
# An **ACGAN** has a class for each picture. D answers *two* questions: real or fake (the **source**), and which
# **class**. G is paid for both. What might the second payment do to the pictures? Two overlapping classes in the
# plane, and the dotted line between them: raise the weight of the class loss.

# %% jupyter={"source_hidden": true}
explorer(
    borders.picture,
    "Real points of two overlapping classes, generated points, and the profile of both across the class border, "
    "with the spread of what is generated as a share of the real spread.",
    weight=[1.0, 0.0, 0.3, 3.0],
    heads=list(borders.HEADS),
    seed=[0, 1, 2],
)

# %% [markdown]
# **What do you notice?** Set the weight to zero, then raise it. What happens to points near the border, and to the
# spread *across* it? Does another seed agree? And a class head that learns from real points only?
#
# (At zero there is no class head left to ask. There the toy trains a *conditional* GAN, whose D is told the class.)
#
# <details><summary>One reading</summary>
#
# The class loss pays for points that nobody mistakes, and those lie away from the border. Real classes overlap; the
# generated ones avoid the overlap. Conditional accuracy goes <i>up</i>, above that of real points, while the spread
# goes down. <b>A score that real data cannot reach is no compliment.</b>
# </details>
#
# ## 7 · Build it: two losses
#
# ### Exercise 2 · the source
#
# Odena's L_S is a log-likelihood, which D *maximises*. Write the loss, −L_S, from D's logits.

# %%
exercise_2 = exercises.SourceLoss()
exercise_2


# %% tags=["exercise"]
def source_loss(real, fake):
    """real, fake: logits of D's source head. Returns D's loss −L_S, one number."""
    ### BEGIN SOLUTION
    return F.softplus(-real).mean() + F.softplus(fake).mean()
    ### END SOLUTION


# %% tags=["check"]
exercise_2.check(source_loss)

# %% [markdown]
# ### Exercise 3 · the class
#
# L_C is the log-likelihood of the right class. From **logits**, please: that word will matter in section 11.

# %%
exercise_3 = exercises.ClassLoss()
exercise_3


# %% tags=["exercise"]
def class_loss(logits, labels):
    """logits: N × classes of D's class head; labels: int64, N. Returns −L_C, one number."""
    ### BEGIN SOLUTION
    return F.cross_entropy(logits, labels)
    ### END SOLUTION


# %% tags=["check"]
exercise_3.check(class_loss)

# %% [markdown]
# And this is the step that uses them. Find the three places in which the class loss is paid: two by D, one by G.
# Which one does `class_on_fakes` switch off?

# %%
show.source(acgan_step)

# %% [markdown]
# ## 8 · Train it
#
# The paper's moments are epochs. It does not say what an epoch is. If it is a pass over the images, the training was
# enormous. In the widely copied script that it resembles, one *epoch* is **one batch**.

# %% jupyter={"source_hidden": true}
LATENT = 100
NOISE = torch.randn(50, LATENT, generator=lesson.generator("noise"))
Z, C = (
    NOISE.repeat_interleave(10, 0),
    torch.arange(10).repeat(50),
)  # a row a noise, a column a class
REPORTS = 14  # looks at the training, evenly spread

# %% [markdown]
# Every sample below is drawn from the same fixed points. Why would new noise at each look make the training harder to
# judge?


# %%
# `train_acgan??` in a cell of its own shows how: networks, step, batches, optimiser.
def acgan(images, steps, seed, reports=2, **other):
    """The training of an ACGAN on these images, with your losses."""
    losses = {
        "source_loss": exercise_2.answer_or_reference,
        "class_loss": exercise_3.answer_or_reference,
    }
    return train_acgan(
        images,
        steps,
        seed,
        latent=LATENT,
        width=S["g_width"],
        batch=BATCH,
        lr=S["gan_lr"],
        reports=reports,
        fixed=(Z, C),
        stop_on_collapse=False,
        **{"checkpoint": lesson.cache, **losses, **other},
    )


# %% jupyter={"source_hidden": true}
untrained = acgan(train, S["gan_steps"], SEED)
per_pass = len(train) // BATCH
show.markdown(
    f"{lesson.claimed('epochs'):,} passes over the {len(train):,} training images would be "
    f"{lesson.claimed('epochs') * per_pass:,} steps of {BATCH} images; {lesson.claimed('epochs'):,} batches are "
    f"{lesson.claimed('epochs') / per_pass:.1f} passes. This profile trains {S['gan_steps']:,} steps "
    f"({S['gan_steps'] / per_pass:.1f} passes), with G at {S['g_width']:g} of full width "
    f"({count_parameters(untrained.G)[0]:,} parameters, D {count_parameters(untrained.D)[0]:,})."
)

# %% [markdown]
# In section 12 ACGANs that see only *few* images are trained for fewer steps. To compare like with like there, we copy G
# on the way, at the looks that come nearest to those steps.

# %% jupyter={"source_hidden": true}
FEW_STEPS = {int(share): n for share, n in S["few_steps"].items()}
looks = [S["gan_steps"] * n // REPORTS for n in range(1, REPORTS + 1)]
YOUNG = {share: min(looks, key=lambda look: abs(look - n)) for share, n in FEW_STEPS.items()}
young = {}  # step → the averaged G of that moment


def copying(run):
    """The same training; G is copied at the steps of `YOUNG`."""
    for item in run:
        if item.step in YOUNG.values():
            young[item.step] = copy.deepcopy(item.generator)
        yield item


# %% [markdown]
# *While this trains:* each row below will be one latent point, asked for all ten classes. What would you expect a row
# to have in common?

# %%
HEADS = borders.HEADS  # what D's class head learns from
shots = {head: {} for head in HEADS}
G = untrained.G.to(lesson.device).eval()
for head in HEADS:
    shots[head][0] = gan.sample(G, Z.to(lesson.device), C.to(lesson.device))
heads = {}
heads[HEADS[0]] = await watch(
    noted(
        copying(acgan(train, S["gan_steps"], SEED, REPORTS)),
        shots[HEADS[0]],
        lesson.cache,
    ),
    title="ACGAN",
    draw=lambda item: figures.training(
        item.samples()[:100], item.losses, every=item.step / len(item.losses["D"])
    ),
)
# %% jupyter={"source_hidden": true}
if len(young) < len(set(YOUNG.values())):  # found finished: its first steps once more
    again = acgan(train, S["gan_steps"], SEED, REPORTS, checkpoint=None)
    next(item for item in copying(again) if item.step == max(YOUNG.values()))

# %% jupyter={"source_hidden": true}
shown = [n["value"] for key, n in lesson.paper.items() if key.startswith("shown_")]


def at(epoch, head=HEADS[0]):
    """The step of our run that stands for one of the paper's epochs, by its share of the run."""
    due = epoch / lesson.claimed("epochs") * S["gan_steps"]
    return min(shots[head], key=lambda step: abs(step - due))


show.figure(
    figures.image_grid(
        torch.cat([shots[HEADS[0]][at(epoch)][:10] for epoch in shown]),
        row_titles=[f"{epoch:,} → step {at(epoch):,}" for epoch in shown],
    ),
    "One picture of each of the ten classes by the ACGAN at seven moments of its training, always from the same latent "
    "point.",
)
show.markdown(
    f"Left: the paper's epoch → our step, at the same share of the run. Columns: {', '.join(classes)}."
)

# %% [markdown]
# **What do you notice?** From which row on can you name all ten? The paper calls its earlier images
# noisier, and its losses stable from some epoch on. Where do ours settle, and what does the *distance to real images*
# do after that?

# %% jupyter={"source_hidden": true}
ends, WITHIN = heads[HEADS[0]].losses["G"], 0.15
steady = next(i for i in range(len(ends)) if max(ends[i:]) - min(ends[i:]) <= WITHIN * ends[-1])
settled = looks[steady]
along = {
    step: samples.fd_lenet(judge, train.pixels, pixels, N_FD)
    for step, pixels in shots[HEADS[0]].items()
    if step
}
show.figure(
    equilibrium.distances({"ACGAN": along}, floor),
    "Frechet distance of the ACGAN's pictures from the real images in LeNet's features, along its training.",
)

# %% jupyter={"source_hidden": true}
values = list(along.values())
resting = min(step for k, step in enumerate(along) if max(values[k:]) <= 1.2 * min(values[k:]))
if resting <= 0.75 * S["gan_steps"]:
    rests = f"from step {resting:,} on: as far as this run tells, longer training would change little."
else:
    rests = "only towards the very end, if at all: " + (
        "**this ACGAN was still improving when we stopped.**"
        if values[-1] < values[-2]
        else "it was still moving when we stopped, and not for the better."
    )
show.markdown(
    f"By a rule of ours, G's loss settles at step {settled:,} of {S['gan_steps']:,}: from there on it keeps within "
    f"{100 * WITHIN:.0f} % of where it ends. The paper says: after epoch {lesson.claimed('settles')}, by a rule that it "
    f"does not give. So we do not compare the two. The distance goes from {values[0]:.1f} to {values[-1]:.1f}; new real "
    f"images have {floor:.1f}. It moves by less than a fifth {rests}"
)

# %% [markdown]
# **Whom does the class head learn from?** In Odena's paper from real images *and fakes*. A shirt that G drew badly,
# but asked for as a shirt, then teaches D what a shirt is: the two may agree on a code of their own. Here is the same
# ACGAN, as long and from the same weights, with a head that learns from **real images only**.

# %%
second = acgan(train, S["gan_steps"], SEED, REPORTS, class_on_fakes=False)
for last in noted(second, shots[HEADS[1]], lesson.cache):
    heads[HEADS[1]] = last
# %% jupyter={"source_hidden": true}
show.figure(
    figures.image_grid(
        torch.cat([heads[head].samples()[:30] for head in HEADS]),
        row_titles=[HEADS[0], "", "", HEADS[1], "", ""],
    ),
    "Three latent points drawn as all ten classes: above by the ACGAN whose class head learns from real images "
    "and fakes, below by the one whose head learns from real images only.",
)

# %% [markdown]
# **What do you notice?** Which half would you rather have in a catalogue? In which half do the rows differ more? Eyes
# are poor judges of variety; section 10 measures it.
#
# ## 9 · Play
#
# Three explorers. First: the classes against the latent space. `turn` moves all four latent points at once; each column
# stays its class.

# %% jupyter={"source_hidden": true}
corners = torch.randn(2, 4, LATENT, generator=lesson.generator("play"))
all_classes = torch.arange(10, device=lesson.device)


def grid(turn, head):
    """Ten classes of four latent points that turn together."""
    angle = torch.tensor(turn * torch.pi / 180)
    z = (angle.cos() * corners[0] + angle.sin() * corners[1]).repeat_interleave(10, 0)
    return figures.image_grid(
        gan.sample(heads[head].generator, z.to(lesson.device), all_classes.repeat(4))
    )


explorer(
    grid, "Ten classes drawn from four latent points.", turn=(0, 360, 15), head=list(HEADS)
)

# %% [markdown]
# Second: **from a sneaker to an ankle boot.** The class enters G as a vector that multiplies the noise. Nothing stops
# us from asking for a class that lies *between* two. Where does the one become the other: gradually, or at once?


# %% jupyter={"source_hidden": true}
@torch.no_grad()
def between(start, end, head):
    """Three latent points on the straight way from the vector of one class to that of another."""
    G = heads[head].generator
    a, b = (G.embedding.weight[classes.index(name)] for name in (start, end))
    t = torch.linspace(0, 1, 10, device=lesson.device)[:, None]
    z = NOISE[:3].to(lesson.device).repeat_interleave(10, 0)
    return figures.image_grid(to_pixels(G.body(z * ((1 - t) * a + t * b).repeat(3, 1))))


first_shoe, second_shoe = classes[7], classes[9]
explorer(
    between,
    "Three latent points, each drawn on the way from one class to another in ten steps.",
    start=[first_shoe, *(name for name in classes if name != first_shoe)],
    end=[second_shoe, *(name for name in classes if name != second_shoe)],
    head=list(HEADS),
)

# %% [markdown]
# Third: **the moments of the training.** Compare the two heads at the same moment.


# %% jupyter={"source_hidden": true}
def moment(share, head):
    """Three latent points as all ten classes, after a share of the training."""
    step = min(shots[head], key=lambda step: abs(step - share / 100 * S["gan_steps"]))
    return figures.image_grid(shots[head][step][:30])


explorer(
    moment,
    "Three latent points drawn as all ten classes at a moment of the training, in per cent of the run.",
    share=(0, 100, 5),
    head=list(HEADS),
)

# %% [markdown]
# ## 10 · Judge: what an accuracy of generating hides
#
# Ask each ACGAN for all classes equally often, and let the judge say what it sees. Five fresh draws each, and beside them
# five of real test images that are new each time: the intervals hold what *other noise* and *other test images* would
# change. They hold nothing of what training the ACGAN again would change, for there is one.

# %% jupyter={"source_hidden": true}
DRAWS = 5
each = min(S["judged"] // 10, int(test.counts().min()))
asked = torch.arange(10, device=lesson.device).repeat(each)
in_judge = partial(samples.features, judge)


def equally(images, key, draw=0):
    """As many images of each class as of the fakes, in the order of `asked`; each draw new ones while there are any."""
    parts = []
    for k in range(10):
        mine = images.of_class(k)
        shuffled = mine.sample(len(mine), lesson.generator(key, k)).pixels
        parts.append(shuffled.roll(-draw * each, 0)[:each])
    return torch.stack(parts, 1).flatten(0, 1)


def drawn(G, labels, rng):
    """A fake for each label."""
    return gan.sample(G, G.prior(len(labels), rng)[0], labels)


reference = in_judge(equally(train, "reference"))

# %% [markdown]
# *Coverage* looks at each real image: does a fake lie as close to it as its fifth nearest real neighbour? And
# *distance of two* is what it says. Which of the two would miss a generator that draws two kinds of bags, far apart,
# and nothing between?


# %% jupyter={"source_hidden": true}
def measured(pixels):
    """What the judge sees, int64, and by class: agreement, coverage, mean distance of two; 3 × classes."""
    f = in_judge(pixels)
    with torch.no_grad():
        seen = judge.head(f).argmax(1)
    agree = [float((seen[asked == k] == k).float().mean()) for k in range(10)]
    cover = [
        samples.density_and_coverage(reference[asked == k], f[asked == k])[1] for k in range(10)
    ]
    apart = samples.mean_pairwise_distance(f, asked)
    return seen, np.array([agree, cover, [apart[k] for k in range(10)]])


new_real = [measured(equally(test, "new", i))[1] for i in range(DRAWS)]
draws = {
    head: [
        measured(drawn(run.generator, asked, lesson.generator("judge", i)))
        for i in range(DRAWS)
    ]
    for head, run in heads.items()
}

# %% [markdown]
# First the paper's number. Real test images are judged in the same way: that is what a *perfect* generator would get.

# %% jupyter={"source_hidden": true}
agreement = {head: [found[0].mean() for _, found in of_head] for head, of_head in draws.items()}
judged = {"all real test images": judge_accuracy}
judged |= {f"ACGAN, {head}": statistics.share_interval(v) for head, v in agreement.items()}
show.table(
    pd.DataFrame(
        {
            "taken for the class asked for, %": {n: i.text(100) for n, i in judged.items()},
            "the paper": {f"ACGAN, {HEADS[0]}": f"{lesson.claimed('accuracy')} %"},
        }
    )
    .fillna("")
    .rename_axis("images"),
    f"Conditional accuracy. Intervals, real: what other test images would change; ACGAN, one training each: what other "
    f"noise would change, from {DRAWS} draws of {len(asked):,} images",
)

# %% [markdown]
# **What do you notice?** Could a generator score *higher* than real images? What would that mean? Now the same, class
# by class, and with two measures of variety: **coverage** (which share of real images has a fake close by) and the
# **mean distance** of two images of the class. All three in per cent of what new real images have, draw by draw: the
# intervals hold the luck of both. High is good for the first two; for the distance, as much as real images have.

# %% jupyter={"source_hidden": true}
MEASURES = ("taken for its class", "coverage", "distance of two")
per_real = {  # draws × measures × classes
    head: np.stack(
        [
            fake / np.maximum(real, 1 / each)
            for (_, fake), real in zip(of_head, new_real, strict=True)
        ]
    )
    for head, of_head in draws.items()
}
variety = {
    name: {
        head: [statistics.t_interval(column).within(0, np.inf) for column in found[:, k].T]
        for head, found in per_real.items()
    }
    for k, name in enumerate(MEASURES)
}
show.figure(
    by_class.beside_real(variety, classes, order=list(HEADS)),
    "By class, for both ACGANs: agreement with the class asked for, coverage, and mean distance of two images, "
    "in per cent of what new real images have.",
)

# %% [markdown]
# **What do you notice?** Is there a class that is taken for itself *more* often than real images are, and covers
# *less*?

# %% jupyter={"source_hidden": true}
cover, spread = (
    {head: statistics.t_interval(found[:, k].mean(1)) for head, found in per_real.items()}
    for k in (1, 2)
)
both = [
    classes[k]
    for k in range(10)
    if variety[MEASURES[0]][HEADS[0]][k].lo > 1 and variety[MEASURES[1]][HEADS[0]][k].hi < 1
]
mixed, alone = HEADS
obeyed = {head: 100 * np.mean(values) for head, values in agreement.items()}
show.markdown(
    "<details><summary>One reading</summary>\n\nOn average over the classes two fakes lie "
    + " and ".join(f"{spread[head].text(100)} % ({head})" for head in HEADS)
    + " as far apart as two real images, and cover "
    + " and ".join(f"{cover[head].text(100)} % ({head})" for head in HEADS)
    + " of what new real images cover. A picture that has leaked into another class lies far from its own, and the "
    "distance counts that as variety. "
    + (
        f"For {', '.join(both)} both signs meet: recognised more often than real ones, and covering less. "
        if both
        else "Of no class can we say both, at these intervals: recognised more often than real images, and covering less. "
    )
    + f"The {alone} is obeyed {'more' if obeyed[alone] > obeyed[mixed] else 'no more'} often than the {mixed} "
    f"({obeyed[alone]:.1f} against {obeyed[mixed]:.1f} %), and its fakes cover "
    f"{'more' if cover[alone].mean > cover[mixed].mean else 'no more'}: one training each, so that is no verdict on the "
    "heads. None of this is seen by a conditional accuracy.\n</details>"
)
early = too_early(heads[mixed])
reveal(
    lesson.slug,
    "variety",
    None if early else round(100 * spread[mixed].mean),
    f"{early}Two generated images of a class lie {spread[mixed].text(100)} % as far apart as two real ones, in the "
    f"judge's features (one training; interval: other noise, other test images).",
)

# %% [markdown]
# ### Exercise 4 · the worst leak
#
# What is not taken for the class asked for is taken for another. A **leakage matrix** has a row for each class asked
# for and a column for each class seen. Find its largest entry off the diagonal.

# %%
exercise_4 = exercises.Leakage()
exercise_4


# %% tags=["exercise"]
def worst_leak(asked, seen, classes):
    """asked, seen: int64, N. Returns (a, b, share): this share of the fakes asked to be a is seen as b."""
    ### BEGIN SOLUTION
    counts = torch.bincount(asked * classes + seen, minlength=classes**2).view(classes, classes)
    shares = counts / counts.sum(1, keepdim=True).clamp(min=1)
    shares.fill_diagonal_(-1)
    a, b = divmod(int(shares.argmax()), classes)
    return a, b, float(shares[a, b])
    ### END SOLUTION


# %% tags=["check"]
exercise_4.check(worst_leak)

# %% jupyter={"source_hidden": true}
TOPS = [classes.index(name) for name in ("T-shirt/top", "Pullover", "Coat", "Shirt")]


def shares(seen, labels):
    """The leakage matrix: shares of each class asked for, K × K."""
    counts = classification.confusion(labels, seen, len(classes))
    return counts / np.maximum(counts.sum(1, keepdims=True), 1)


all_asked = asked.repeat(5)
all_seen = {head: torch.cat([seen for seen, _ in of_head]) for head, of_head in draws.items()}
real_seen = classifier.logits(judge, test).argmax(1)
matrices = {
    "real test images": shares(real_seen, test.labels),
    f"ACGAN, {HEADS[0]}": shares(all_seen[HEADS[0]], all_asked),
}
show.figure(
    by_class.leakage(matrices, classes, TOPS),
    "Which class the judge sees, for each class asked for, in per cent: real test images, and the ACGAN's "
    "pictures; the four kinds of top are framed.",
)

# %% [markdown]
# Guess from the right matrix: which entry outside of the diagonal is the largest? And is it a leak of *G*, or of the
# judge?

# %% jupyter={"source_hidden": true}
leaks = {
    "real test images": exercise_4.answer_or_reference(test.labels, real_seen, 10),
    **{
        f"ACGAN, {head}": exercise_4.answer_or_reference(all_asked, all_seen[head], 10)
        for head in HEADS
    },
}
for name, (a, b, share) in leaks.items():
    print(f"{name}: the worst leak is {classes[a]} → {classes[b]}, {100 * share:.0f} %")

# %% [markdown]
# **What do you notice?** The judge itself mixes up real tops: that is the left frame. Which leaks on the right go
# beyond it, and which are *smaller*? A leaked picture enters a training set with the wrong label; a missing overlap
# enters it as a border that is too clean. Which of the two does a classifier suffer from?
#
# ### Stopped too early?
#
# Your ACGANs were trained for minutes. The same generator, only wider, was once trained until it hardly moved any more, one
# for each of several seeds, against a discriminator that is steadier than the paper's: spectral normalisation keeps it
# gentle, and the label enters by a projection (Miyato & Koyama 2018). *Before you look:* which of the measures above will
# be better, and will any be worse?


# %% jupyter={"source_hidden": true}
def restored(tensors, facts):
    """A generator from its stored weights."""
    network = ACGenerator(width=facts["width"])
    network.load_state_dict(tensors)
    return network.to(lesson.device).eval()


finished = [restored(*answer) for answer in lesson.finished("gan_of_100", train)]
if finished:
    shown_now = [heads[HEADS[0]].generator, *finished]
    show.figure(
        figures.image_grid(
            torch.cat(
                [
                    gan.sample(G, Z[:20].to(lesson.device), C[:20].to(lesson.device))
                    for G in shown_now
                ]
            ),
            row_titles=[
                title
                for name in ("yours", *(f"finished, {k + 1}" for k in range(len(finished))))
                for title in (name, "")
            ],
        ),
        "Two pictures of each class by your ACGAN, and by each finished generator.",
    )
else:
    show.markdown(
        "The finished generators that are stored with the course saw other images than those here, so they are left out."
    )

# %% jupyter={"source_hidden": true}
if finished:
    kinds = {
        "new real images": [equally(test, "new", k) for k in range(DRAWS)],
        "your ACGAN": [
            drawn(heads[HEADS[0]].generator, asked, lesson.generator("judge", k))
            for k in range(DRAWS)
        ],
        "finished": [
            drawn(G, asked, lesson.generator("finished", k)) for k, G in enumerate(finished)
        ],
    }
    rows = {}
    for name, sets in kinds.items():
        agree, cover, _ = np.stack([measured(pixels)[1] for pixels in sets]).mean(2).T
        away_now = [samples.fd_lenet(judge, train.pixels, pixels, N_FD) for pixels in sets]
        rows[name] = {
            "taken for the class asked for, %": statistics.share_interval(agree).text(100),
            "coverage, %": statistics.share_interval(cover).text(100),
            "distance to real images": statistics.t_interval(away_now).within(0, np.inf).text(),
        }
    show.table(
        pd.DataFrame(rows).T.rename_axis("images"),
        "Intervals: other draws of one training (the first two), other trainings (the last)",
    )

# %% [markdown]
# **What do you notice?** How much of what you saw above was the method, and how much its minutes? In section 13 the
# finished generators enter the experiment.
#
# ## 11 · Break it: a softmax too many · deeper
#
# The most copied mistake in ACGAN scripts: D's class head ends in a *softmax*, and then goes through a cross-entropy
# that has a softmax of its own. Nothing crashes. Probabilities lie between zero and one, so the second softmax can
# never be sure. Predict the lowest value that this loss can have, with ten classes.


# %%
def double_softmax(logits, labels):
    """The mistake: a cross-entropy of probabilities."""
    return F.cross_entropy(logits.softmax(1), labels)


# %% jupyter={"source_hidden": true}
FLOOR = -np.log(np.e / (np.e + len(classes) - 1))  # right and sure: e¹ among e⁰s
updates = S["judge_updates"] // 5
every, curve = max(1, updates // 20), {}
for name, last in (("logits", nn.Identity()), ("a softmax too many", nn.Softmax(1))):
    torch.manual_seed(SEED)
    D = ACDiscriminator()
    head = nn.Sequential(D.body, D.category, last)  # D's class head as a classifier
    rng = lesson.generator("softmax")
    settings = {"updates": updates, "batch_size": BATCH, "generator": rng}
    paid = torch.stack(list(classifier.training(head, train, classifier.adam(), **settings)))
    curve[name] = [float(part.mean()) for part in paid.split(every)]
fig = figures.loss_curves(curve, every)
fig.axes[0].axhline(FLOOR, color="0.3", linestyle=":", linewidth=1.5)
fig.axes[0].set(
    ylim=(0, None), xlabel=f"update; dotted: the floor, {FLOOR:.3f}", ylabel="class loss"
)
show.figure(
    fig,
    "Class loss of D's class head, trained as a classifier on real images: from logits it falls far, with a "
    "softmax too many it stays above a floor, which is dotted.",
)

# %% [markdown]
# Why does the second curve fall so slowly, even far above its floor? And what happens to a *game* played with this
# loss?

# %% jupyter={"source_hidden": true}
broken = acgan(train, S["broken_steps"], SEED, class_loss=double_softmax).finish()
same_age = min((n for n in shots[HEADS[0]] if n), key=lambda n: abs(n - S["broken_steps"]))
compared = {
    "logits": shots[HEADS[0]][same_age],
    "a softmax too many": broken.samples(),
}
show.figure(
    figures.image_grid(
        torch.cat([pixels[:20] for pixels in compared.values()]),
        row_titles=[f"logits, step {same_age}", "", f"broken, step {S['broken_steps']}", ""],
    ),
    "Two latent points drawn as all ten classes by the ACGAN and by one with a softmax too many, at about the same "
    "age.",
)
obeys = {}
for name, pixels in compared.items():
    with torch.no_grad():
        hits = int((judge(scaled(pixels)).argmax(1).cpu() == C).sum())
    obeys[name] = statistics.proportion_interval(hits, len(C))
show.table(
    pd.DataFrame(
        {"taken for its class, %": {n: i.text(100) for n, i in obeys.items()}}
    ).rename_axis("class loss"),
    f"{len(C)} pictures each, at about the same age; one training each, and intervals (Wilson's) over the pictures",
)

# %% [markdown]
# **Diagnose.** A loss that stays well above zero, from the first step to the last: what would you print to find out
# why?

# %% jupyter={"source_hidden": true}
show.markdown(
    "<details><summary>One reading</summary>\n\nThe <i>floor</i> gives it away. A cross-entropy of probabilities "
    f"cannot get below {FLOOR:.3f}, whatever the data; here it ends at {curve['a softmax too many'][-1]:.3f}, for the "
    "head is not always right. The gradient is small for the same reason: between <i>sure and right</i> and <i>sure and "
    "wrong</i> the loss has only one unit of room. D learns the classes late, so G hears late what it was asked for. "
    "Long training may repair the pictures, which is why the mistake survives.\n</details>"
)

# %% [markdown]
# ## 12 · The experiment
#
# **Who has the data?** A researcher with few labelled images has no ACGAN that saw them all. So each ACGAN is trained
# on *exactly* the images that its classifier gets, and so is the network that filters. One arm does it the other way,
# to show what such a leak is worth: with the ACGAN of section 8, as it was after about as many steps.
#
# | arm | training set | why |
# |---|---|---|
# | `real` | the few images | the baseline |
# | `classic` | turned, shifted, zoomed afresh in every batch | the rival that costs nothing |
# | `placebo_noise` | as many pictures of noise added, with labels | what does it cost to *dilute* the real ones? |
# | `placebo_repeat` | the images once more | does *more* help by itself? |
# | `acgan` | as many pictures added by the ACGAN of these images | the paper |
# | `classic+acgan` | the same, all of it augmented as in `classic` | do the two add up? |
# | `acgan_filtered` | drawn anew where an independent classifier is not sure | does quality control help? |
# | `acgan_all` | pictures of the ACGAN that saw *all* training images, at about the same step | what a leak is worth |
#
# ### Exercise 5 · the filter
#
# Keep a fake if an independent classifier takes it for the class *asked for*, with at least a given probability.

# %%
exercise_5 = exercises.ConfidenceFilter()
exercise_5


# %% tags=["exercise"]
def confident(logits, asked, least):
    """logits: N × classes; asked: int64, N; least: 0..1. Returns a bool mask, N: which fakes to keep."""
    ### BEGIN SOLUTION
    return logits.softmax(1).gather(1, asked[:, None]).squeeze(1) >= least
    ### END SOLUTION


# %% tags=["check"]
exercise_5.check(confident)

# %% [markdown]
# Now the ACGANs of those who have little. *Question:* at the smallest share a batch holds a good part of *all* images
# that D will ever see. What can D learn by heart, and what is G paid for then?

# %% jupyter={"source_hidden": true}
SHARES, OWN, LEAST = S["shares"], S["own"], 0.8
UPDATES = {int(share): n for share, n in S["updates"].items()}


def few(share, train, rng):
    """The images that a researcher has: each seed's own where `OWN` says so, else one set for all seeds."""
    least = 2 / int(train.counts().min())  # two of a class, in small samples
    own = rng if share in OWN else lesson.generator("few", share)
    return train.split(max(share / 100, least), own, by_group=False)[0]


main_G = heads[HEADS[0]].generator  # it has seen all
of_all = {share: young[YOUNG[share]] if share in YOUNG else main_G for share in SHARES}


def own(task):
    """The fingerprint of the images of a share and seed, the G of their ACGAN, and their filter."""
    share, seed = task
    images = few(share, train, generator(seed, "arm"))
    key, G = images.digest(), main_G
    if share < 100:
        G = acgan(images, FEW_STEPS[share], seed).finish().generator
    sieve = trained(partial(EMNISTCNN, 0.25), images, S["filter_updates"], "filter", key[:8])
    return key, G, sieve


tasks = [
    (share, seed) for share in SHARES for seed in (lesson.seeds if share in OWN else [SEED])
]
done = show.progress("an ACGAN and a filter of each small training set")
found = parallel_map(own, tasks, on_progress=done, **AT_ONCE)
made = {key: (G, sieve, task) for task, (key, G, sieve) in found.items()}

# %% jupyter={"source_hidden": true}
rows_of = [
    (G, f"{share} %, seed {seed}" if share in OWN else f"{share} %")
    for G, _, (share, seed) in made.values()
]
rows_of += [
    (of_all[share], f"all, step {step:,}") for share, step in YOUNG.items() if share in SHARES
]
show.figure(
    figures.image_grid(
        torch.cat([gan.sample(G, Z[:10].to(lesson.device), all_classes) for G, _ in rows_of]),
        row_titles=[name for _, name in rows_of],
    ),
    "One picture of each class by every ACGAN of the experiment, each trained on few images, and in the last rows "
    "by the one that saw all training images, after about as many steps.",
)
few_fakes = {  # in the judge's features
    key: in_judge(drawn(G, asked, lesson.generator("few"))) for key, (G, *_) in made.items()
}
few_agreement = {share: [] for share in SHARES}
for key, (_, _, (share, _)) in made.items():
    with torch.no_grad():
        hits = judge.head(few_fakes[key]).argmax(1) == asked
    few_agreement[share].append(float(hits.float().mean()))
show.markdown(
    "Conditional accuracy: "
    + "; ".join(
        f"trained on {share} %: "
        + (
            statistics.share_interval(v).text(100) + f" % over {len(v)} ACGANs"
            if len(v) > 1
            else f"{100 * v[0]:.0f} %, one ACGAN"
        )
        for share, v in few_agreement.items()
    )
    + "."
)

# %% [markdown]
# **What do you notice?** Would you add the first rows to a training set? And the last ones: whose images did they need?
#
# **Learnt by heart?** *Memorisation* asks how far a fake lies from the nearest image that its ACGAN saw, beside how far
# a *new* real image lies from there (medians). What would copies score?

# %% jupyter={"source_hidden": true}
in_new = in_judge(equally(test, "new"))
by_heart = {}
for key, (_, _, (share, seed)) in made.items():
    if share == SHARES[0]:
        seen = in_judge(few(share, train, generator(seed, "arm")).pixels)
        by_heart[seed] = samples.memorisation(few_fakes[key], seen, in_new)
learnt = statistics.t_interval(list(by_heart.values()))
show.markdown(
    f"At {RARE}, over {len(by_heart)} ACGANs: {learnt.text(digits=2)}. "
    + learnt.side(
        "Their fakes lie *farther* from what the ACGAN saw than new real images do: off the data, and no sign of copies.",
        "Their fakes lie *nearer* to what the ACGAN saw than new real images do. Copies would, and so would pictures "
        "that all look alike.",
        "We cannot tell that from one, which is what new real images score: no sign of copies.",
        of=1,
    )
    + " A median says nothing of single copies."
)


# %%
def by_own(labels, images, rng):
    """Fakes by the ACGAN of these images."""
    return drawn(made[images.digest()][0], labels, rng)


def by_all(labels, images, rng):
    """Fakes by the ACGAN that saw all training images, at about the age of the one that saw these."""
    _, _, (share, _) = made[images.digest()]
    return drawn(of_all[share], labels, rng)


# %% [markdown]
# The filter draws again until it has enough, so that `acgan_filtered` adds as many pictures of each class as `acgan`.
# What would happen to the classes if it only threw away? It does not draw for ever: what its last try gives goes in
# unchecked, and we count it.


# %%
TRIES = 6


def kept(labels, images, rng):
    """Fakes by the ACGAN of these images, drawn anew until your filter keeps them; after the last try as they are."""
    G, sieve, (share, _) = made[images.digest()]
    pixels, again = drawn(G, labels, rng), torch.arange(len(labels), device=labels.device)
    for _ in range(TRIES):
        asked_now = labels[again]
        answers = classifier.logits(sieve, Images(pixels[again], asked_now, classes))
        again = again[~exercise_5.answer_or_reference(answers, asked_now, LEAST)]
        if not len(again):
            break
        pixels[again] = drawn(G, labels[again], rng)
    unchecked[share].append(len(again) / len(labels))
    return pixels


def noise(labels, images, rng):
    """Noise, whatever the label."""
    return experiment.noise(len(labels), images, rng)


# %% [markdown]
# *Question:* in `on`, each arm first draws the few images, from the same random stream. Why must that come first?


# %%
def on(share):
    """The arms of one share: first the few images are drawn, then the arm does something about them."""
    made_by_own = experiment.added(by_own)
    arms = {
        "real": experiment.real,
        "classic": experiment.classic(TURNED),
        "placebo_noise": experiment.added(noise),
        "placebo_repeat": experiment.added(experiment.repeats),
        "acgan": made_by_own,
        "classic+acgan": lambda images, rng: (made_by_own(images, rng), TURNED),
        "acgan_filtered": experiment.added(kept),
        "acgan_all": experiment.added(by_all),
    }
    return {name: after(share, arm) for name, arm in arms.items()}


def after(share, arm):
    """`arm` on the few images of a share."""
    return lambda train, rng: arm(few(share, train, rng), rng)


# %% [markdown]
# All arms of a share get the same number of optimiser updates, the same initial weights in each seed, and the same
# sealed test images. What varies over the seeds is different at the two shares, and the table says what.


# %% jupyter={"source_hidden": true}
def recipe(share):
    """How the classifier of a share is trained."""
    return experiment.Recipe(LeNet, classifier.adam(2e-3), UPDATES[share], batch_size=32)


PLANS = {share: f"{share} %" for share in SHARES}
plans = {
    name: experiment.Plan(on(share), recipe(share), ("test",)) for share, name in PLANS.items()
}
plans["ratios"] = experiment.Plan(
    {f"{r:g}": after(S["ratio_share"], experiment.added(by_own, r)) for r in S["ratios"]},
    recipe(S["ratio_share"]),
    ("test",),
)
ARMS = list(plans[RARE].arms)


def by_finished(labels, images, rng):
    """Fakes by a finished generator, another one for each seed. It has seen all images, as that of `acgan_all` has."""
    _, _, (_, seed) = made[images.digest()]
    return drawn(finished[lesson.seeds.index(seed) % len(finished)], labels, rng)


if finished:
    plans["finished"] = experiment.Plan(
        {"gan_finished": after(SHARES[0], experiment.added(by_finished))},
        recipe(SHARES[0]),
        ("test",),
    )

# %% jupyter={"source_hidden": true}
of_share = {}
for share, name in PLANS.items():
    whose = "its own" if share in OWN else "the same"
    n = len(few(share, train, generator(SEED, "arm")))
    passes = UPDATES[share] * recipe(share).batch_size / n
    leak = (
        f"one for all seeds, at about the same step ({YOUNG[share]:,})"
        if share in YOUNG
        else "that of acgan"
    )
    of_share[name] = {
        "real images": f"{n:,}",
        "updates": f"{UPDATES[share]:,}",
        "passes over the real images": f"{passes:.1f} in real, {passes / 2:.1f} with one fake for each",
        "real images of each seed": whose,
        "ACGAN and filter of each seed": whose,
        "ACGAN of acgan_all": leak,
        "steps of the ACGAN": f"{FEW_STEPS.get(share, S['gan_steps']):,}",
        "a fake in acgan_filtered": f"drawn anew up to {TRIES} times",
        "weights, batches, noise": "its own",
    }
show.table(
    pd.DataFrame(of_share).rename_axis("of each share"),
    "What the seeds vary; with the same images, an interval holds nothing of what others would change",
)

# %% [markdown]
# *While this runs:* `acgan` knows nothing that is not in the few images. Where could a gain come from at all?

# %%
unchecked = {share: [] for share in SHARES}  # of each training set that `kept` makes
outcomes = experiment.run(
    plans,
    train,
    tests,
    lesson.seeds,
    workers=S.get("workers"),
    cache=lesson.cache,
    on_progress=show.progress("the experiment"),
)
results = experiment.summary(outcomes[RARE], baseline="real")

# %% jupyter={"source_hidden": true}
show.markdown(
    "What the filter let in unchecked, after "
    f"{TRIES} new tries: "
    + "; ".join(
        f"{100 * np.mean(parts):.1f} % of the fakes of `acgan_filtered` at {PLANS[share]}"
        for share, parts in unchecked.items()
    )
    + f" (means over {len(lesson.seeds)} seeds). All others have passed it."
)

# %% [markdown]
# Now all runs, and the mean of each arm with its interval.

# %% jupyter={"source_hidden": true}
show.figure(
    comparisons.runs_and_intervals(
        {
            f"{plan} of the training images": comparisons.arm_rows(outcomes[plan])
            for plan in PLANS.values()
        },
        xlabel="accuracy on the test images, %:  | one seed   ●━ mean with 95 % interval",
        ends=(0, 100),
    ),
    "Accuracy on the test images of eight arms at each share of the training images: a tick a seed, and the mean "
    "with its 95 % interval.",
)

# %% [markdown]
# **What do you notice?** How wide are the intervals, compared with the distances between the arms? Where the seeds
# share their images, why are they narrower?
#
# ## 13 · Pair, and judge
#
# Seed by seed, arm minus `real`:

# %% jupyter={"source_hidden": true}
central = comparisons.runs_and_intervals(
    {
        f"{plan} of the training images": comparisons.difference_rows(outcomes[plan], "real")
        for plan in PLANS.values()
    },
    reference=0,
    xlabel="arm − real, points of accuracy",
    order=ARMS,
)
CENTRAL_ALT = (
    "Paired differences in accuracy of seven arms from real images alone, at each share of the training images, "
    "with 95 % intervals; the dashed line is no difference."
)
show.figure(central, CENTRAL_ALT)

# %% [markdown]
# **What do you notice?** With as many fakes as real images, a batch shows half as many real ones. What does that
# alone cost (`placebo_noise`)? Does `acgan` do anything that `placebo_repeat` does not? Does `classic+acgan` beat
# `classic`? And how much of the hope in `acgan_all` is the leak?
#
# The questions, with *Holm's* correction for asking so many at once:

# %%
QUESTIONS = [
    ("acgan", "real"),
    ("acgan", "placebo_noise"),
    ("acgan", "placebo_repeat"),
    ("acgan", "classic"),
    ("classic+acgan", "classic"),
    ("acgan_filtered", "real"),
    ("acgan_filtered", "acgan"),
    ("acgan_all", "acgan"),
]
# %% jupyter={"source_hidden": true}
answers = compare(
    {
        (*pair, f"accuracy at {plan}"): outcomes[plan].paired(*pair)
        for share, plan in PLANS.items()
        for pair in QUESTIONS
        if share in YOUNG or "acgan_all" not in pair  # with all images the two are one
    }
)
show.table(
    answers.table(), f"Paired over {len(lesson.seeds)} seeds, on {len(scored):,} test images"
)
show.sentences(answers.sentences)

# %% [markdown]
# Where an interval leaves out zero, and Holm's *p* is still above one in twenty, we have a lead: a question for new
# seeds.

# %% jupyter={"source_hidden": true}
headline = answers["acgan", "real", f"accuracy at {RARE}"]
reveal(
    lesson.slug,
    "gain",
    headline.interval.side(*GAIN),
    f"{headline.label} at {RARE} of the training images: {headline.interval.text(100)} points of accuracy.{headline.caveat}",
)

# %% [markdown]
# **How much of it?** The dose: a quarter of a synthetic image for each real one, up to several. What should the curve
# look like if the pictures help? And if they only dilute the real ones?

# %% jupyter={"source_hidden": true}
ratio_plan = PLANS[S["ratio_share"]]
base = outcomes[ratio_plan].values("real", "test")
dose = {
    r: statistics.t_interval(
        100 * (outcomes["ratios"].values(f"{r:g}", "test") - base)
        if r != 1
        else 100 * outcomes[ratio_plan].paired("acgan", "real")
    )
    for r in sorted([1, *S["ratios"]])
}
beside_dose = {
    arm: {1: statistics.t_interval(100 * outcomes[ratio_plan].paired(arm, "real"))}
    for arm in ("placebo_repeat", "acgan_all")
}
show.figure(
    curves.bands(
        {"acgan": dose, **beside_dose},
        "synthetic images for each real one",
        f"minus real, points of accuracy at {ratio_plan}",
        levels={"no difference": statistics.Interval(0, 0, 0)},
        order=ARMS,
        at=list(dose),
    ),
    "Difference in accuracy from real images alone against the number of synthetic images for each real one, with 95 % "
    "intervals, beside repeated images and the ACGAN that saw all images.",
)


# %% jupyter={"source_hidden": true}
def gains(arms, other):
    """Where arms raise accuracy over another: at which shares, by an interval that leaves out 0; or only a lead."""
    found = []
    for plan in PLANS.values():
        for arm in arms:
            answer = answers[arm, other, f"accuracy at {plan}"]
            if answer.interval.lo > 0:
                found.append(f"`{arm}` at {plan}" + (" (a lead only)" if answer.caveat else ""))
    return ", ".join(found) or "nowhere that we could show"


highest = max(dose, key=lambda r: dose[r].mean)
if all(interval.hi < 0 for interval in dose.values()):
    of_doses = f"Every dose at {ratio_plan} lowers accuracy, {highest:g} the least: {dose[highest].text()} points."
elif dose[highest].lo > 0:
    of_doses = (
        f"Of the doses at {ratio_plan}, {highest:g} came out highest, with {dose[highest].text()} points; a dose that is "
        "chosen after looking is a lead for a new experiment, and no finding."
    )
else:
    of_doses = (
        f"Whether any dose helps at {ratio_plan} we cannot tell: {highest:g} came out highest, with "
        f"{dose[highest].text()} points, an interval that does not lie above 0."
    )
show.markdown(
    "**Where, if anywhere, does it help?** Over `real`: "
    + gains(["acgan", "acgan_filtered"], "real")
    + ". On top of `classic`: "
    + gains(["classic+acgan"], "classic")
    + ". "
    + of_doses
)

# %% [markdown]
# **And a finished generator?** None of the ACGANs above was trained to its end. The finished ones of section 10 have seen
# all images, so they belong beside `acgan_all`: what is a leak worth when the pictures are *good*? *Before you look:* will
# they help the researcher with few images?

# %% jupyter={"source_hidden": true}
beside_finished = {}
if finished:
    others = ("real", "placebo_repeat", "classic", "acgan_all")
    beside_finished = {arm: outcomes[RARE].values(arm, "test") for arm in others}
    beside_finished["gan_finished"] = outcomes["finished"].values("gan_finished", "test")
    show.sentences(
        compare(
            {
                ("gan_finished", other, f"accuracy with {RARE} of the images"): beside_finished[
                    "gan_finished"
                ]
                - beside_finished[other]
                for other in others
            }
        ).sentences
    )
else:
    show.markdown(
        "No finished generators for these images are at hand, so this stays open here."
    )

# %% [markdown]
# ### How the budget moves the verdict
#
# The paper's claim is about *all* training images. That comparison was run once for hours: finished generators, one a
# seed, and classifiers at several budgets. The last table says whether both had come to rest. *Before you look:* the
# images teach the generator, and then the classifier gets the images *and* what the generator makes of them. Where could
# a gain come from?

# %% jupyter={"source_hidden": true}
show_full_run(
    lesson.committed("full"),
    {
        "gan_100 - real_100": "GAN − real",
        "gan_100 - repeat_100": "GAN − repeated images",
        "gan_100 - classic_100": "GAN − classic",
        "classic+gan_100 - classic_100": "classic + GAN − classic",
    },
    {"gan_of_100": "of all images"},
)

# %% [markdown]
# **What do you notice?** At which number of updates would somebody who stops there say something else? And what would you
# now answer to *"of course it did not help, you did not train the GAN"*?
#
# ## 14 · The paper and ours

# %% jupyter={"source_hidden": true}
comparison = pd.DataFrame(
    [
        {
            "of": "D's loss at the end, plain GAN with gate",
            "paper": f"{papers['D'][-1]:.2f}",
            "ours": f"{plain['gate on'][0].losses['D'][-1]:.2f}, one run",
        },
        {
            "of": "G's loss at the end, plain GAN with gate",
            "paper": f"{papers['G'][-1]:.2f}",
            "ours": f"{plain['gate on'][0].losses['G'][-1]:.2f}, one run",
        },
        {
            "of": "accuracy in generating (ours: conditional accuracy)",
            "paper": f"{lesson.claimed('accuracy')} %",
            "ours": f"{judged[f'ACGAN, {HEADS[0]}'].text(100)} %, over noise",
        },
        *(
            {
                "of": f"what the images do for a classifier's accuracy, {plan} of the training images",
                "paper": "improve it; no number",
                "ours": f"{answers['acgan', 'real', f'accuracy at {plan}'].interval.text(100)} points",
            }
            for plan in PLANS.values()
        ),
    ]
)
show.table(comparison, "The paper and our runs")
not_run = [f"{share} %" for share in (1, 10, 100) if share not in SHARES]
show.markdown(
    f"Not run in this profile: {', '.join(not_run)} of the training images (see the `full` profile)."
    if not_run
    else "All shares were run."
)

# %% [markdown]
# **What this does *not* show**
#
# - What the paper's own ACGAN would do for a classifier: it names no learning rates, hardly a width, and not what an epoch
#   is. The one width that it names, of the generator's first layer, we do not follow: ours is that of the scripts that it
#   resembles.
# - What longer training would give: see the distance along the training, and whether it had come to rest. Below the
#   `full` profile the ACGANs of the small shares are trained even shorter, and so are the classifiers: section 12 says how
#   few passes over the real images they get, and a fake for each halves them.
# - What the *paper's* ACGAN does with all training images for a classifier that has them all: the full run's generator is
#   the same, but its discriminator is another one.
# - What training the two main ACGANs again would change: there is one of each, and the intervals in section 10 hold
#   the noise and the test images only.
# - That no generator helps with few images. Ours learned from nothing else; one that was trained on *other* clothes
#   brings knowledge from outside, and that is another experiment.
# - Anything about other classifiers: LeNet is small, and its training short. Classic augmentation often needs longer
#   training than that to pay.
#
# If DATA is a sample (see *Set-up*), nothing here speaks about the whole of Fashion-MNIST.
#
# ## 15 · Quiz

# %%
quiz(lesson.slug)

# %% [markdown]
# ## 16 · Make something: would it help on *your* data? · deeper
#
# **A transfer task.** This is the frame of every lesson, for a data set of your own. Any pictures will do, if you can
# make `Images` of them: pixels (uint8, N × C × H × W), labels, class names. Write down three things first: who has
# the data (what may the generator see?), what is an independent example (what must be new in the test?), and which
# gain would be worth the effort.
#
# ```python
# mine = Images(pixels, labels, ("…", "…"), "mine")
# train, rest = mine.split(7 / 10, generator(0, "mine"))      # by whole animals, patients, writers, if `groups` says whose
# test = rest.seal()                                          # from here on only looked at and scored on
# G = train_acgan(train, steps=…, seed=0).finish().generator
# def fakes(labels, images, rng): return gan.sample(G, G.prior(len(labels), rng)[0], labels)
# arms = {"real": experiment.real, "classic": experiment.classic(…), "gan": experiment.added(fakes),
#         "placebo_repeat": experiment.added(experiment.repeats)}
# plan = experiment.Plan(arms, experiment.Recipe(…), ("test",))
# found = experiment.run({"mine": plan}, train, {"test": test}, range(5))["mine"]
# compare({("gan", "classic", "accuracy"): found.paired("gan", "classic")}).sentences
# ```
#
# Then ask the awkward question of `statistics.seeds_needed`: how many seeds would show the gain that you hoped for?
# Lesson 6 builds such a protocol step by step, and `course verdict FOLDER` runs it on a folder of pictures.
#
# ## Key points
#
# - A loss near 2 log 2 is what a D pays that cannot tell. Ask a fresh critic whether there was something to tell.
# - ACGAN: D names source and class, G is paid for both. From logits; a softmax too many shows itself by its floor.
# - Agreement with the class asked for rewards what is easily recognised. Report variety and leaks beside it.
# - The generator may see what the classifier may see, and nothing else. The rest is a leak of real data.
# - Compare with classic augmentation and placebos at equal updates. What counts is what comes *on top*.
#
# **You have come through all five papers.** The question of the course is now yours to ask, in lesson 6: *would it help on
# my data?*

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
    updates=dict.fromkeys(ARMS, UPDATES[SHARES[0]]),
    verdict=headline.sentence(
        "ACGAN", "real images alone", f"accuracy at {RARE} of the training images"
    ),
    verdicts=answers.sentences,
    pairs={
        plan: {
            answer.key: experiment.entry(answer.values)
            for answer in answers.values()
            if answer.measure == f"accuracy at {plan}"
        }
        for plan in PLANS.values()
    },
    experiments={
        name: experiment.summary(outcomes[name], baseline="real")
        for name in PLANS.values()
        if name != RARE
    },
    ratios={
        f"{r:g}": experiment.entry(
            outcomes["ratios"].values(f"{r:g}", "test")
            if r != 1
            else outcomes[ratio_plan].values("acgan", "test")
        )
        for r in dose
    },
    plain={
        name: {
            "losses": {
                who: [round(v, 4) for v in values] for who, values in last.losses.items()
            },
            "fd_lenet": {str(n): round(v, 2) for n, v in away[name].items()},
            "fresh_critic": round(critics[name].mean, 4),
        }
        for name, (last, *_) in plain.items()
    },
    acgan={
        head: {
            "conditional_accuracy": experiment.entry(agreement[head], share=True),
            "coverage": experiment.entry(per_real[head][:, 1].mean(1)),
            "distance_of_two": experiment.entry(per_real[head][:, 2].mean(1)),
        }
        for head in HEADS
    },
    few_acgans={
        plan: [round(v, 4) for v in few_agreement[share]] for share, plan in PLANS.items()
    },
    fd_lenet={
        "along": {str(n): round(v, 2) for n, v in along.items()},
        "floor": round(floor, 2),
    },
    finished={
        arm: {"accuracy": {"test": experiment.entry(values)}}
        for arm, values in beside_finished.items()
    },
    memorisation=experiment.entry(list(by_heart.values())),
    unchecked={
        PLANS[share]: [round(v, 4) for v in parts] for share, parts in unchecked.items()
    },
    acgan_all_steps={PLANS[share]: YOUNG[share] for share in SHARES if share in YOUNG},
    settled=settled,
    splits={name: round(interval.mean, 4) for name, interval in both_splits.items()},
    judge_accuracy=round(judge_accuracy.mean, 4),
)

# %% jupyter={"source_hidden": true} tags=["nbval-check-output"]
# The contract: what must hold in every profile, on any data. CI compares this cell's output.
assert set(saved["arms"]) == set(ARMS) and all(
    len(a["accuracy"]["test"]["values"]) == len(lesson.seeds) for a in saved["arms"].values()
)
G, D = ACGenerator(), ACDiscriminator()
print(
    "G and D at full width:", *(f"{count_parameters(net)[0]:,}" for net in (G, D)), "parameters"
)
print("arms:", *saved["arms"])
print("metrics:", *saved["arms"]["real"])
print("floor of a softmax too many:", round(float(FLOOR), 3))
print(
    "split:",
    f"{100 * len(train) / len(whole):.0f} to {100 * len(test) / len(whole):.0f}",
    "| sealed:",
    test.sealed and official["test"].sealed,
)
print("equal updates:", len(set(saved["updates"].values())) == 1)
seen_by = {key for key, (_, _, (share, _)) in made.items() if share in OWN}
print(
    "an ACGAN of its own for each seed at the smallest share:",
    len(seen_by) >= len(lesson.seeds),
)
