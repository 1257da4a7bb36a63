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
# # Lesson 1 · Can a GAN's digits make a classifier better?
#
# **The question:** a few training images are replaced by generated ones. Does the classifier get better, or did
# somebody just roll the dice again?
#
# **The paper:** Prateik Harwalker, *A method to improve classifier performance using GAN based data augmentation on the
# Kannada MNIST dataset*, a course project at Stanford University. It is a clear, honest report of one student's
# experiment, and it asks a good question. We run it again, many times, and look at what one run can tell.

# %% [markdown]
# **When you are through, you can**
#
# - *write* the two losses of a GAN, and *train* one with them on real handwriting;
# - *label* generated images, by hand or by machine, and *say* what the labelling does to them;
# - *run* an experiment with a baseline, a classic rival and two placebos;
# - *compute* a paired interval, and *judge* whether a table shows an effect or noise.
#
# **You need** Python, a little PyTorch, and what a classifier is. No GPU.
#
# **How it works.** Run the cells from top to bottom. Write where it says `# your code here`; whatever you leave open,
# the lesson fills in and goes on. Predict before you look: a wrong prediction teaches more than a right one.

# %% tags=["parameters"]
PROFILE = None  # "smoke", "quick" or "full"; None: $COURSE_PROFILE, else "quick"
DATA = None  # "real", "standin"; None: real images if they can be had
SEED = 0
DEVICE = None  # "cpu", "cuda"; None: a GPU if there is one

# %% [markdown]
# ## 1 · Set-up
#
# The first cell imports; the second loads the data and says what this run is. A *profile* sets how much is computed:
# `smoke` only checks that everything runs, `quick` is for a laptop (a narrow network and a small part of an epoch, so
# that you get several seeds of every arm within minutes), `full` has the paper's full width.

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from scipy import stats

from course_utils import experiment
from course_utils.classify import train as classifier
from course_utils.classify.networks import KannadaCNN, LeNet, count_parameters
from course_utils.data.augment import PAPER_1, augmented
from course_utils.data.images import Images
from course_utils.evaluate import classification, samples, statistics
from course_utils.evaluate.comparisons import compare
from course_utils.evaluate.judge import Judge, rounded
from course_utils.gan import train as gan
from course_utils.gan.networks import ACGenerator, FCDiscriminator, FCGenerator
from course_utils.gan.recipes import train_fc_gans
from course_utils.gan.steps import gan_step
from course_utils.teach import show
from course_utils.teach.budget import show_full_run
from course_utils.teach.exercises import lesson_01 as exercises
from course_utils.teach.lesson import start
from course_utils.teach.plots import comparisons, curves, figures
from course_utils.teach.widgets.explorer import explorer
from course_utils.teach.widgets.label_tool import label_tool
from course_utils.teach.widgets.live import watch
from course_utils.teach.widgets.predict import predict, reveal
from course_utils.teach.widgets.quiz import quiz

# %% jupyter={"source_hidden": true}
lesson = start(
    "01_kannada_gan",
    "Can a GAN's digits make a classifier better?",
    "kannada",
    profile=PROFILE,
    data=DATA,
    seed=SEED,
    device=DEVICE,
)
S = lesson.settings
BATCHES = {int(size): updates for size, updates in S["batches"].items()}
LR, LR_TRIED, N_REPLACED = (lesson.claimed(key) for key in ("lr", "lr_tried", "replaced"))

# %% [markdown]
# ## 2 · The claim
#
# The paper trains a convolutional network (CNN) on handwritten Kannada digits, with four batch sizes. Then it replaces
# a batch of training images by images from a GAN, and trains again. This is its table of results, in per cent of test
# images.

# %% jupyter={"source_hidden": true}
claims = pd.DataFrame(
    [
        {
            "batch size": b,
            "real": lesson.claimed(f"real_{b}"),
            "with GAN images": lesson.claimed(f"gan_{b}"),
        }
        for b in (64, 512, 1024, 2048)
    ]
)
claims["change"] = (claims["with GAN images"] - claims["real"]).round(2)
show.table(
    claims,
    f"Paper, Table 2: accuracy in %, {N_REPLACED} of {lesson.claimed('train_images'):,} images "
    f"replaced",
)

# %% [markdown]
# **What do you notice?** Look at the signs of the last column before you read on.
#
# <details><summary>One reading</summary>
#
# The same change of the data raises the accuracy at two batch sizes and lowers it at the two others. The paper's
# abstract reports the first row. Nothing in the paper is hidden: the whole table is there for us to ask.
# </details>

# %% jupyter={"source_hidden": true}
predict(
    lesson.slug,
    "change",
    f"We replace {N_REPLACED} of {len(lesson.data['train']):,} training images by GAN images "
    f"and leave everything else, seed "
    "included, as it was. By how many points will the accuracy on Dig-MNIST change, on average "
    "over our seeds?",
    low=-20,
    high=20,
    step=0.5,
    unit="points",
)

# %% jupyter={"source_hidden": true}
predict(
    lesson.slug,
    "spread",
    "Now we change **nothing but the seed**. How far apart may two such runs lie, in 95 % of "
    "cases?",
    options=["less than 1 point", "1 to 3 points", "3 to 6 points", "more than 6 points"],
)

# %% [markdown]
# ## 3 · The data
#
# Kannada is a language of South India, and this is how its ten digits are written by hand. Each column is one digit.

# %% jupyter={"source_hidden": true}
data = {name: images.to(lesson.device) for name, images in lesson.data.splits.items()}
train, tests = data["train"], {"test": data["test"], "dig": data["dig"]}
looks = {
    name: images.sample(len(images), lesson.generator("look")) for name, images in data.items()
}
rows = [
    torch.stack([looks[name].of_class(k).pixels[i] for k in range(10)])
    for name in looks
    for i in range(2)
]
show.figure(
    figures.image_grid(torch.cat(rows), row_titles=[name for name in looks for _ in range(2)]),
    "Handwritten Kannada digits, zero to nine, two rows each of the training set, the test set "
    "and Dig-MNIST.",
)

# %% [markdown]
# **What do you notice** about the rows called *dig*? Which of the three sets would you expect a classifier to find
# hardest?
#
# <details><summary>One reading</summary>
#
# The rows of <i>train</i> and <i>test</i> look alike: the same kind of sheet, the same kind of pen, other writers. The
# rows of <i>dig</i> were written by other people under other conditions. Strokes differ in width, place and shape.
# This set is called Dig-MNIST, and it is <i>out of distribution</i>: it asks whether the classifier learned digits or
# a data set.
# </details>

# %% jupyter={"source_hidden": true}
sizes = pd.DataFrame(
    [
        {
            "set": name,
            "images": len(i),
            "per class": int(i.counts().float().mean()),
            "sealed": "yes" if i.sealed else "no",
        }
        for name, i in data.items()
    ]
)
show.table(sizes, "Our three sets")
show.markdown(
    f"The paper's text names {lesson.claimed('test_images'):,} test images. But its per-class "
    f"report counts "
    f"{lesson.claimed('reported_per_class'):,} images a class, "
    f"{lesson.claimed('reported_images'):,} in all: that is the size "
    "of Dig-MNIST. So its accuracies are those of the *hard* set. We score on both."
)

# %% [markdown]
# **Sealed.** A test set that was looked at while you chose your settings is no test any more. In this course the sets
# refuse:

# %%
try:
    next(tests["dig"].batches(64, lesson.generator("never")))
except Exception as refusal:
    print(f"{type(refusal).__name__}: {refusal}")

# %% [markdown]
# ## 4 · Baselines
#
# First the paper's network, layer by layer as in its Figure 4. A *width* factor makes it narrow enough for a laptop.

# %% jupyter={"source_hidden": true}
paper_cnn, our_cnn = KannadaCNN(), KannadaCNN(S["width"])
show.table(
    pd.DataFrame(
        [
            {
                "network": name,
                "parameters": f"{count_parameters(net)[0]:,}",
                "running statistics": count_parameters(net)[1],
            }
            for name, net in (
                ("paper's width", paper_cnn),
                (f"this profile, width × {S['width']:g}", our_cnn),
            )
        ]
    ),
    f"The paper counts {lesson.claimed('parameters'):,} parameters",
)
print(*list(paper_cnn)[:8], "…", sep="\n")

# %% [markdown]
# **Watch one run.** We train it once, and look at both test sets as it goes. (Looking is allowed. Choosing by what you
# see is not.)


# %% jupyter={"source_hidden": true}
def watched_run(updates, looks):
    """One training run; accuracy on a part of each test set, `looks` times."""
    torch.manual_seed(SEED)
    net = KannadaCNN(S["width"])
    part = {
        name: images.sample(len(images) // 5, lesson.generator("part"))
        for name, images in tests.items()
    }
    curve = []
    steps = classifier.training(
        net,
        train,
        classifier.rmsprop(LR),
        updates=updates,
        batch_size=64,
        generator=lesson.generator("watch"),
    )
    for n, _ in enumerate(steps, 1):
        if n % max(1, updates // looks) == 0:
            right = {
                name: classifier.logits(net, images).argmax(1) == images.labels
                for name, images in part.items()
            }
            curve.append({name: 100 * float(r.float().mean()) for name, r in right.items()})
    return pd.DataFrame(curve)


curve = watched_run(updates=2 * BATCHES[64], looks=12)
fig = figures.loss_curves({name: curve[name].tolist() for name in curve}, every=BATCHES[64] / 6)
fig.axes[0].set(ylabel="accuracy, %", xlabel="optimiser updates")
show.figure(
    fig,
    "Accuracy of one training run on the test set and on Dig-MNIST as it goes; the second is "
    "lower and jumps.",
)

# %% [markdown]
# **What do you notice?** If the training had ended a moment earlier, would the number in the table be the same?

# %% jupyter={"source_hidden": true}
late = curve.tail(len(curve) // 2)["dig"]
show.markdown(
    f"<details><summary>One reading</summary>\n\nIn the second half of this run, accuracy on "
    f"<i>dig</i> went between "
    f"{late.min():.1f} and {late.max():.1f} %, a reach of {late.max() - late.min():.1f} "
    f"points, without any change of data. "
    "The last value is the one that gets reported.\n</details>"
)

# %% [markdown]
# The other baseline is **classic augmentation**: the same image, turned, shifted and stretched a little. It costs
# nothing, and a GAN has to beat it to be worth its trouble. These are the paper's own ranges (its Table 1).

# %% jupyter={"source_hidden": true}
some = train.sample(10, lesson.generator("classic"))
copies = [augmented(some, PAPER_1, lesson.generator("classic", i)).pixels for i in range(2)]
show.figure(
    figures.image_grid(
        torch.cat([some.pixels, *copies]), row_titles=["original", "classic", "classic"]
    ),
    "Ten training digits, and below each two classic augmentations: turned, shifted and "
    "stretched.",
)
show.markdown(f"`{PAPER_1}`")

# %% [markdown]
# **Question.** A quarter of the image is a long way to shift. Could such a shift hurt on the *test* set and help on
# *dig*? Keep your answer in mind for section 11.
#
# ## 5 · The idea, on a toy
#
# A **GAN** is two networks. The *generator* G turns random numbers *z* into data. The *discriminator* D is shown real
# data and G's fakes, and says which is which. D learns from its errors, G learns from D. Here the data are just points
# on a ring.

# %% jupyter={"source_hidden": true}
ring_rng = lesson.generator("ring")


def ring(n):
    """n points on a ring, n × 2."""
    angle = 2 * torch.pi * torch.rand(n, generator=ring_rng)
    return 0.7 * torch.stack([angle.cos(), angle.sin()], dim=1) + 0.03 * torch.randn(
        n, 2, generator=ring_rng
    )


G = FCGenerator(latent=2, pixels=2, hidden=(64, 64))
D = FCDiscriminator(pixels=2, hidden=(64, 64), dropout=0)
z = torch.randn(1, 300, 2, generator=ring_rng)
shots = {0: G(z)[0].detach()}
for progress in gan.training(
    gan_step,
    G,
    D,
    lambda n: (ring(128)[None],),
    steps=S["toy_steps"],
    seed=lesson.number("ring"),
    lr=1e-3,
    reports=4,
):
    shots[progress.step] = progress.generator(z)[0]
fig = comparisons.point_clouds(ring(300), shots)
show.figure(
    fig,
    "Five panels: real points on a ring, and the generator's points moving from a blob towards "
    "the ring.",
)

# %% [markdown]
# **What do you notice?** Does every part of the ring get its share of points?
#
# <details><summary>One reading</summary>
#
# G begins with a blob and is pulled to where D cannot tell any more. Often a part of the ring stays thin or empty: G
# is never asked to cover everything, only to be believed. That is called <b>mode dropping</b>, and it will matter when
# G's images become training data.
# </details>
#
# > **A common misconception.** "When the losses settle, the GAN is good." The losses say how the *game* stands, not
# > how good the samples are: both players may be strong, or both weak.
#
# ## 6 · Build it
#
# Two exercises, and the losses you write are the ones that train. D gives **logits**: large for "real", very negative
# for "fake". The probability is `sigmoid(logit)`. Useful: `F.softplus(a)` is $\log(1 + e^a)$, and $-\log
# \mathrm{sigmoid}(a) = \mathrm{softplus}(-a)$.
#
# ### Exercise 1 · what D pays
#
# D pays $-\log D(x)$ for each real image and $-\log(1 - D(G(z)))$ for each fake, each averaged over the batch.


# %%
exercise_1 = exercises.DiscriminatorLoss()
exercise_1


# %% tags=["exercise"]
def discriminator_loss(real, fake):
    """real, fake: logits of D, any shape. Returns one number."""
    ### BEGIN SOLUTION
    return F.softplus(-real).mean() + F.softplus(fake).mean()
    ### END SOLUTION


# %% tags=["check"]
exercise_1.check(
    discriminator_loss
)  # stuck? exercise_1.hint(), and in the end exercise_1.solution()

# %% [markdown]
# ### Exercise 2 · what G pays
#
# G pays $-\log D(G(z))$: little when D believes its fake. (The textbook game says "G maximises what D pays". That loss
# is flat exactly where G is bad, so hardly anybody uses it.)


# %%
exercise_2 = exercises.GeneratorLoss()
exercise_2


# %% tags=["exercise"]
def generator_loss(fake):
    """fake: logits of D for G's fakes. Returns one number."""
    ### BEGIN SOLUTION
    return F.softplus(-fake).mean()
    ### END SOLUTION


# %% tags=["check"]
exercise_2.check(generator_loss)

# %% [markdown]
# And this is the step that uses them. It is short: read every line. Why is there a `detach`? Why is D frozen in the
# second half?

# %%
show.source(gan_step)

# %% [markdown]
# ## 7 · Train
#
# **One GAN for all ten digits,** as in the paper: fully connected, LeakyReLU, tanh at the end.
#
# *While this trains:* nobody tells this GAN which digit is which. Its images come without labels. How would you get
# them into a training set?

# %%
# `train_fc_gans??` in a cell of its own shows how: networks, step, batches, optimiser.
LOSSES = {"d_loss": exercise_1.answer_or_reference, "g_loss": exercise_2.answer_or_reference}
one_gan = await watch(
    train_fc_gans(
        [train],
        S["gan_steps"],
        SEED,
        batch=128,
        average=0.998,
        checkpoint=lesson.cache,
        **LOSSES,
    ),
    title="One GAN for all digits",
)

# %% [markdown]
# **Ten GANs, one a digit,** trained side by side as one stack of networks. Now every image has a label from birth.

# %%
each_digit = [train.of_class(k) for k in range(10)]
ten_gans = await watch(
    train_fc_gans(
        each_digit,
        S["class_gan_steps"],
        SEED,
        name="class gan",
        checkpoint=lesson.cache,
        **LOSSES,
    ),
    title="Ten GANs, one a digit (a row each)",
)

# %% [markdown]
# **What do you notice?** Compare the two figures. Which would you rather label by hand?
#
# **Label them.** The paper's author looked at generated images and labelled "every image that was human readable". Try
# it: that is the step in which a person decides what the classifier will learn from.


# %% jupyter={"source_hidden": true}
def fakes_of(generator, n, rng):
    """n fakes of a stack of generators, the same number from each: uint8, n × 1 × 28 × 28."""
    z = torch.randn(generator.models, n // generator.models, generator.latent, generator=rng)
    return gan.sample(generator, z.to(lesson.device))


key = torch.stack([looks["train"].of_class(k).pixels[0] for k in range(10)])
show.figure(
    figures.image_grid(key, titles=list(train.classes)),
    "A key for labelling: one real image of each digit, zero to nine, with its number.",
)
fakes = fakes_of(one_gan.generator, S["fakes"], lesson.generator("fakes"))
tool = label_tool(fakes, train.classes, lesson.labels_file(fakes))

# %% [markdown]
# For those who do not click through them all, a classifier stands in for the person: a LeNet, trained on the real
# training images. It labels what it is sure of and discards the rest. It will also be our judge of samples. The next cell
# says whose labels the lesson uses, and from how many on they are yours.

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
right = classifier.logits(judge, tests["test"]).argmax(1) == tests["test"].labels
judge_accuracy = statistics.proportion_interval(int(right.sum()), len(right))
CONFIDENCE = 0.9


def labelled(pixels, by_hand=None):
    """The fakes labelled by hand, if labels are given; else those that the judge is sure of."""
    if by_hand is not None:
        keep, labels = by_hand >= 0, by_hand
    else:
        unlabelled = Images(
            pixels, torch.zeros_like(pixels[:, 0, 0, 0], dtype=torch.int64), train.classes
        )
        confidence, labels = classifier.logits(judge, unlabelled).softmax(1).max(1)
        keep = confidence >= min(CONFIDENCE, float(confidence.topk(N_REPLACED).values[-1]))
    return Images(pixels[keep], labels[keep], train.classes, "labelled fakes")


yours = int((tool.labels >= 0).sum())
use_yours = yours >= N_REPLACED  # as many as the experiment replaces
kept = labelled(fakes, tool.labels.to(lesson.device) if use_yours else None)
looked_at = tool.seen if use_yours else len(fakes)
discarded = 1 - len(kept) / looked_at
show.markdown(
    f"The judge, one network, scores {judge_accuracy.text(100)} % on the test set. **Whose labels?** "
    f"{'Yours' if use_yours else 'The judge’s'}: you have labelled {yours:,} fakes, and from {N_REPLACED:,} on your labels "
    f"are used (run this cell again when you have them). Of {looked_at:,} fakes that {'you' if use_yours else 'the judge'} "
    f"looked at, {len(kept):,} were kept and **{100 * discarded:.0f} % discarded**. Kept per class: "
    f"{', '.join(map(str, kept.counts().tolist()))}."
)

# %% [markdown]
# **What do you notice** about the counts? All classes are equally frequent in the training set.
#
# > **A common misconception.** "Filtering makes the data better." It makes them *easier*: what the judge cannot read
# > goes, and with it whatever it could have learned.
#
# ## 8 · Play
#
# Walk through the latent space of one digit: from one random point to another, in small steps. In JupyterLab the
# controls move; `denoise` cleans the images up, as the paper suggests for future work.

# %% jupyter={"source_hidden": true}
ends = torch.randn(2, 10, ten_gans.generator.latent, generator=lesson.generator("walk")).to(
    lesson.device
)


def walk(digit, turn, denoise):
    """Ten images on the way between two latent points, turned by `turn` degrees."""
    t = torch.linspace(0, torch.pi / 2, 10, device=lesson.device) + turn * torch.pi / 180
    z = t.cos()[:, None] * ends[0, digit] + t.sin()[:, None] * ends[1, digit]
    pixels = gan.sample(ten_gans.generator, z.expand(10, -1, -1))[10 * digit : 10 * (digit + 1)]
    return figures.image_grid(samples.denoised(pixels) if denoise == "yes" else pixels)


explorer(
    walk,
    "Ten generated images of one digit on a walk through latent space.",
    digit=[3, 0, 1, 2, 4, 5, 6, 7, 8, 9],
    turn=(0, 360, 5),
    denoise=["no", "yes"],
)

# %% [markdown]
# ## 9 · Judge the samples
#
# *Loss is not quality*, so we measure three things, all in the features of the judge. **Fidelity:** are the fakes near
# real images (`fd_lenet`, a Fréchet distance, and *density*)? **Variety:** how much of the real data do they cover
# (*coverage*)? **Memorisation:** are they copies (distance to the nearest training image, over the same for new real
# images: well below 1 means copied)? Low is good for `fd_lenet`, high for density and coverage, about 1 for memorisation.
# Two rows of real images to compare with: *real, training* are other training images, as near as it gets, and copies every
# one; *real, test* are new, but by other hands.

# %% jupyter={"source_hidden": true}
n_eval = min(2000, len(tests["test"]), len(train) // 2)
seen, others = train.sample(2 * n_eval, lesson.generator("judge", "train")).pixels.split(n_eval)
new_real = tests["test"].sample(n_eval, lesson.generator("judge", "test")).pixels
judged = Judge(judge, reference=seen, train=train.pixels, new=new_real)
many = fakes_of(one_gan.generator, n_eval, lesson.generator("many"))
many_class = fakes_of(ten_gans.generator, n_eval, lesson.generator("many", "class"))
images = {
    "real, training": others,
    "real, test": new_real,
    "one GAN": many,
    "one GAN, kept by the judge": labelled(many).pixels,
    "ten GANs": many_class,
    "ten GANs, denoised": samples.denoised(many_class),
}
quality = {
    name: rounded(judged(pixels))
    | {"non-zero pixels": f"{100 * float(samples.nonzero_share(pixels).mean()):.0f} %"}
    for name, pixels in images.items()
}
show.table(
    pd.DataFrame(quality).T.rename_axis("images"),
    f"Samples judged against {n_eval:,} training images",
)

# %% [markdown]
# **What do you notice?** Read the table row by row, against both rows of real images. Can a generator come nearer to the
# training images than the test set does? And what does the judge's filter change, and what not?

# %% jupyter={"source_hidden": true}
same, new, one, filtered = (
    quality[name]
    for name in ("real, training", "real, test", "one GAN", "one GAN, kept by the judge")
)
fakes_only = {name: row for name, row in quality.items() if not name.startswith("real")}
best = max(fakes_only, key=lambda name: fakes_only[name]["coverage"])
farther = [name for name, row in fakes_only.items() if row["memorisation"] > 1]
show.markdown(
    f"<details><summary>One reading</summary>\n\nImages by the same hands cover "
    f"{same['coverage']:.2f} of the real data, those by other hands {new['coverage']:.2f}, the "
    f"widest of ours ({best}) {quality[best]['coverage']:.2f}. By fd_lenet the test set lies at "
    f"{new['fd_lenet']:g}, training images at {same['fd_lenet']:g}: a generator learns from the "
    f"training hands, and may come nearer than the test set. But so do copies: "
    f"memorisation of training images is {same['memorisation']:.2f}. The filter moves density from "
    f"{one['density']:.2f} to "
    f"{filtered['density']:.2f} and coverage from {one['coverage']:.2f} to "
    f"{filtered['coverage']:.2f}. Memorisation above 1 "
    f"means <i>farther</i> from the training images than new real images are, so no copies: "
    f"that holds for {len(farther)} of "
    f"{len(fakes_only)} rows.\n</details>"
)

# %% [markdown]
# **And the last column,** the share of non-zero pixels? The paper saw it too: "the sparsity of the input images was
# reduced". A real image is mostly exact zeros; tanh never quite gets there. And what does denoising give back, and
# what not?

# %% jupyter={"source_hidden": true}
distance, where = samples.nearest(judged.features(many_class), judged.train)
closest = distance.argsort()[:10]
show.figure(
    figures.image_grid(
        torch.cat([many_class[closest], train.pixels[where[closest]]]),
        row_titles=["fake", "nearest"],
    ),
    "The ten fakes that lie closest to a training image, each above that training image.",
)

# %% [markdown]
# These are the ten fakes *closest* to a training image, with that image below. Would you call any of them a copy?
#
# ### Stopped too early?
#
# Your GANs were trained for a minute or two, fully connected as the paper's. Another GAN was once trained much longer, one
# for each of several seeds: it has convolutions, it is *asked* for a digit (lesson 3), and its discriminator is kept gentle
# (Miyato & Koyama 2018). *Before you look:* which of the measures above will be better, and will any be worse?


# %% jupyter={"source_hidden": true}
def restored(tensors, facts):
    """A generator from its stored weights."""
    network = ACGenerator(width=facts["width"])
    network.load_state_dict(tensors)
    return network.to(lesson.device).eval()


def asked_for(G, labels, rng):
    """One fake of G for each label: uint8."""
    return gan.sample(G, G.prior(len(labels), rng)[0], labels)


longer = [restored(*answer) for answer in lesson.finished("gan", train)]
in_turn = torch.arange(n_eval, device=lesson.device) % 10
if longer:
    by_longer = [
        asked_for(G, in_turn, lesson.generator("longer", k)) for k, G in enumerate(longer)
    ]
    rows = torch.cat([many[:10], many_class.unflatten(0, (10, -1))[:, 0], by_longer[0][:10]])
    show.figure(
        figures.image_grid(rows, row_titles=["one GAN", "ten GANs", "longer GAN"]),
        "Ten fakes of the one GAN, one of each of the ten GANs, and one of each digit by a GAN that was trained longer.",
    )
    of_longer = [judged(pixels) for pixels in by_longer]
    intervals = {
        m: statistics.t_interval([row[m] for row in of_longer]).within(0, np.inf).text()
        for m in of_longer[0]
    }
    quality["longer GAN, the first"] = rounded(of_longer[0]) | {
        "non-zero pixels": f"{100 * float(samples.nonzero_share(by_longer[0]).mean()):.0f} %"
    }
    show.table(
        pd.DataFrame(quality).T.rename_axis("images"),
        f"The same table with one of {len(longer)} GANs that were trained longer; over all of them: "
        + ", ".join(f"{m} {text}" for m, text in intervals.items()),
    )
else:
    show.markdown(
        "The GANs that were trained longer saw other images than those here, so they are left out."
    )

# %% [markdown]
# **What do you notice?** How much of what you saw above was *GANs*, and how much this GAN and its minutes? The longer ones
# enter the experiment in section 13.
#
# ## 10 · Break it · deeper
#
# We train one digit's GAN again, with a learning rate ten times as large and a D without dropout. Predict: will the
# losses explode? What will ten samples look like?

# %%
bad = train_fc_gans(
    [train.of_class(3)],
    300,
    SEED,
    name="bad",
    lr=4e-3,
    dropout=0,
    stop_on_collapse=False,
    **LOSSES,
).finish()
# %% jupyter={"source_hidden": true}
good_threes = ten_gans.samples()[30:40]
real_threes = train.of_class(3).sample(10, lesson.generator("variety")).pixels
show.figure(
    figures.image_grid(
        torch.cat([bad.samples(), good_threes, real_threes]),
        row_titles=["broken", "before", "real"],
    ),
    "Ten samples of the broken GAN, nearly the same image; ten of the one before; ten real "
    "images.",
)

# %% jupyter={"source_hidden": true}
variety = {
    name: float(torch.pdist(pixels.flatten(1).float()).mean() / 28)
    for name, pixels in (
        ("broken", bad.samples()),
        ("before", good_threes),
        ("real", real_threes),
    )
}
show.markdown(
    f"Last losses of the broken GAN: D {bad.losses['D'][-1]:.2f}, G {bad.losses['G'][-1]:.2f}. "
    f"For comparison: "
    f"2 ln 2 = {2 * np.log(2):.2f} and ln 2 = {np.log(2):.2f}.  \n"
    "Mean distance between two samples, in grey levels a pixel: "
    + ", ".join(f"{name} {value:.0f}" for name, value in variety.items())
    + "."
)

# %% [markdown]
# **Diagnose.** Compare the losses with 2 ln 2 and ln 2: what does D answer to every image? Is that the famous
# equilibrium, in which the fakes are as good as the data, or has D just given up? The losses cannot tell. Which number
# could?
#
# That failure is **mode collapse**: nearly one image for every *z*. As training data it would be one digit repeated,
# under a name that promises variety.
#
# ## 11 · The experiment
#
# Six ways to make a training set, the paper's two among them, and a seventh that the paper asks for. Each is called an
# **arm**. All arms get the same number of optimiser updates; in each seed they start from the same weights. So a
# difference between two arms of one seed is due to the data.
#
# | arm | training set | why |
# |---|---|---|
# | `real` | as it is | the baseline |
# | `classic` | every batch turned, shifted, stretched | the rival that costs nothing |
# | `placebo_noise` | some images replaced by noise | does it matter *what* replaces them? |
# | `gan_100` | as many replaced by labelled fakes of the one GAN | the paper |
# | `placebo_repeat` | many copies of real images added | does *more* help by itself? |
# | `gan_added` | as many fakes of the ten GANs added | the larger set that the paper asks for |
# | `gan_denoised` | the same, denoised | the clean-up that the paper asks for |
#
# ### Exercise 3 · replace k images
#
# Replace random images of the training set by new ones, labels included, and leave the caller's tensors alone.


# %%
exercise_3 = exercises.ReplaceImages()
exercise_3


# %% tags=["exercise"]
def replace_images(pixels, labels, new_pixels, new_labels, rng):
    """pixels: N × C × H × W, labels: N; k new ones likewise. Returns (pixels, labels), still N."""
    ### BEGIN SOLUTION
    places = torch.randperm(len(pixels), generator=rng)[: len(new_pixels)]
    pixels, labels = pixels.clone(), labels.clone()
    pixels[places], labels[places] = new_pixels, new_labels
    return pixels, labels
    ### END SOLUTION


# %% tags=["check"]
exercise_3.check(replace_images)


# %%
def gan_100(train, rng):
    """Fakes of the one GAN, labelled, in place of as many real images."""
    new = kept.sample(min(N_REPLACED, len(kept)), rng)
    pixels, labels = exercise_3.answer_or_reference(
        train.pixels, train.labels, new.pixels, new.labels, rng
    )
    return Images(pixels, labels, train.classes, "gan_100")


def gan_added(train, rng, clean=lambda pixels: pixels):
    """Fakes of the ten GANs added, the same number of each digit."""
    pixels = clean(fakes_of(ten_gans.generator, S["added"], rng))
    labels = torch.arange(10, device=pixels.device).repeat_interleave(len(pixels) // 10)
    return train.merge(Images(pixels, labels, train.classes, "fakes"))


ARMS = {
    "real": experiment.real,
    "classic": experiment.classic(PAPER_1),
    "placebo_noise": experiment.placebo_noise(N_REPLACED),
    "gan_100": gan_100,
    "placebo_repeat": experiment.placebo_repeat(S["added"]),
    "gan_added": gan_added,
    "gan_denoised": partial(gan_added, clean=samples.denoised),
}


def longer_gan_100(train, rng):
    """As many real images replaced by fakes of a GAN that was trained longer, which was asked for their digits."""
    G = longer[int(torch.randint(len(longer), (1,), generator=rng))]  # any of them in each seed
    asked = torch.randint(10, (N_REPLACED,), generator=rng).to(train.device)
    pixels, labels = exercise_3.answer_or_reference(
        train.pixels, train.labels, asked_for(G, asked, rng), asked, rng
    )
    return Images(pixels, labels, train.classes, "longer_gan_100")


LONGER = {"longer_gan_100": longer_gan_100}


def plan(arms, batch_size=64, lr=LR, scored_on=("dig",)):
    """Some of the arms with one batch size and learning rate."""
    network = partial(KannadaCNN, S["width"])
    recipe = experiment.Recipe(network, classifier.rmsprop(lr), BATCHES[batch_size], batch_size)
    return experiment.Plan({arm: (ARMS | LONGER)[arm] for arm in arms}, recipe, scored_on)


# %% [markdown]
# Everything runs at once: the seven arms; the paper's other batch sizes, with GAN images where the profile has the
# time, else the unchanged CNN alone; and the unchanged CNN at the paper's other learning rate.
#
# *While this runs:* suppose `gan_added` wins by two points over `real`. Which other arm must you look at before you
# believe in the GAN?

# %%
plans = {"B = 64": plan(ARMS, scored_on=("test", "dig"))}
for b in BATCHES:
    if b != 64:
        plans[f"B = {b}"] = plan(
            ("real", "gan_100") if b in S["pairs"] else ("real",), batch_size=b
        )
plans[f"learning rate {LR_TRIED}"] = plan(("real",), lr=LR_TRIED)
if longer:
    plans["longer"] = plan(LONGER)
outcomes = experiment.run(
    plans,
    train,
    tests,
    lesson.seeds,
    workers=S.get("workers"),
    cache=lesson.cache,
    on_progress=show.progress("the experiment"),
)
outcome = outcomes["B = 64"]
results = experiment.summary(outcome, baseline="real")

# %% jupyter={"source_hidden": true}
show.figure(
    comparisons.runs_and_intervals(
        {
            "test: like the training set": comparisons.arm_rows(outcome, "test"),
            "dig: other writers": comparisons.arm_rows(outcome, "dig"),
        },
        xlabel="accuracy, %:  | one seed   ●━ mean with 95 % interval",
        ends=(0, 100),
    ),
    "Accuracy of seven arms on the test set and on Dig-MNIST: a tick a seed, and the mean with "
    "its 95 % interval.",
)

# %% [markdown]
# **What do you notice?** How long are the intervals on *dig*, compared with those on *test*? Do the ticks of `real`
# alone cover most of the others?

# %% jupyter={"source_hidden": true}
width = {
    name: 100 * float(np.ptp(results["arms"]["real"]["accuracy"][name]["ci95"]))
    for name in tests
}
show.markdown(
    f"<details><summary>One reading</summary>\n\nThe interval of <code>real</code> is "
    f"{width['dig']:.1f} points long on <i>dig</i> and {width['test']:.1f} on <i>test</i>. "
    f"Intervals of "
    "single arms that overlap do not settle anything, though: the arms share seeds, and "
    "section 13 uses "
    "that.\n</details>"
)

# %% [markdown]
# ## 12 · What one run can tell
#
# The paper has four batch sizes, each run once without and once with GAN images. We have several runs of each,
# **without any change**.

# %% jupyter={"source_hidden": true}
claim_rows = []
for b in claims["batch size"]:
    runs = 100 * outcomes[f"B = {b}"].values("real", "dig") if b in BATCHES else None
    spread = None if runs is None else statistics.two_run_spread(runs)
    before, after = lesson.claimed(f"real_{b}"), lesson.claimed(f"gan_{b}")
    claim_rows.append(
        {"label": f"B = {b}", "before": before, "after": after, "runs": runs, "spread": spread}
    )
central = comparisons.claims_over_spread(claim_rows, "Dig-MNIST", "% (left) and points (right)")
CENTRAL_ALT = (
    "For each batch size, the paper's accuracy before and after adding GAN images, over our "
    "runs of the unchanged CNN; and the paper's "
    "change over the differences of any two of our unchanged runs."
)
inside = [
    row
    for row in claim_rows
    if row["runs"] is not None and abs(row["after"] - row["before"]) <= row["spread"]
]
ran = [row for row in claim_rows if row["runs"] is not None]
show.figure(central, CENTRAL_ALT)

# %% [markdown]
# **What do you notice?** Left, orange: the paper's accuracy before and after. Right: the same change as an arrow from
# 0, over the blue ticks, the differences between any two of *our* runs in which **nothing was changed but the seed**.
# How many of the arrows end inside the blue band?

# %% jupyter={"source_hidden": true}
show.markdown(
    f"<details><summary>One reading</summary>\n\nOf the {len(ran)} batch sizes run in this "
    f"profile, the paper's change lies inside our spread "
    f"at {len(inside)}: {', '.join(row['label'] for row in inside) or 'none'}. Such a change "
    f"can come from the seed alone. "
    "Our network in this profile may be narrower and is trained for a shorter time than the "
    "paper's, so our spread need not be the paper's; "
    "but the paper ran each setting once, and nobody can read its own spread off its "
    "table.\n</details>"
)
reveal(
    lesson.slug,
    "spread",
    ["less than 1 point", "1 to 3 points", "3 to 6 points", "more than 6 points"][
        int(np.searchsorted([1, 3, 6], claim_rows[0]["spread"], side="right"))
    ],
    f"In 95 % of cases two unchanged runs at batch size 64 lie less than "
    f"{claim_rows[0]['spread']:.1f} points apart on Dig-MNIST, "
    f"as estimated from {len(lesson.seeds)} seeds.",
)

# %% [markdown]
# The paper tells more than one number: a confusion matrix and a report for each class. Here are ours, of the first
# seed, on Dig-MNIST.

# %% jupyter={"source_hidden": true}
dig, seed = tests["dig"], lesson.seeds[0]
for arm in ("real", "gan_100"):
    answer = outcome.predictions[arm, seed]["dig"].to(dig.labels)
    matrix = classification.confusion(dig.labels, answer, 10)
    show.figure(
        figures.confusion(matrix, dig.classes, f"{arm}, seed {seed}"),
        f"Confusion matrix of the arm {arm} on Dig-MNIST: true digit by predicted digit.",
    )
reports = {
    arm: classification.report(
        dig.labels, outcome.predictions[arm, seed]["dig"].to(dig.labels), dig.classes
    )
    for arm in ARMS
}
recall = pd.DataFrame(
    {
        **{f"ours, {arm}": reports[arm]["recall"].round(2) for arm in ("real", "gan_100")},
        **{
            f"paper, {name}": [lesson.claimed(f"recall_{arm}_class_{k}") for k in range(10)]
            for arm, name in (("real", "real"), ("gan", "with GAN"))
        },
    }
)
show.table(recall, "Recall of each digit on Dig-MNIST: one run of ours, one run of the paper")

# %% [markdown]
# **What do you notice?** Do the *same* digits fare badly in the paper and here?
#
# ## 13 · Pair, and judge
#
# ### Exercise 4 · the paired interval
#
# In each seed, two arms share initial weights and test images. So subtract seed by seed, and put a 95 % interval of
# Student's *t* on the mean difference.


# %%
exercise_4 = exercises.PairedInterval()
exercise_4


# %% tags=["exercise"]
def paired_interval(after, before):
    """after, before: NumPy arrays, one value a seed. Returns (mean, low, high) of after − before."""
    ### BEGIN SOLUTION
    d = after - before
    half = stats.t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / np.sqrt(len(d))
    return d.mean(), d.mean() - half, d.mean() + half
    ### END SOLUTION


# %% tags=["check"]
exercise_4.check(paired_interval)

# %% jupyter={"source_hidden": true}
differences = {}
for name, title in (("test", "test"), ("dig", "dig: other writers")):
    differences[title] = [
        (
            arm,
            *(
                100 * np.array(v)
                for v in (after - before, *exercise_4.answer_or_reference(after, before))
            ),
        )
        for arm in ARMS
        if arm != "real"
        for after, before in [(outcome.values(arm, name), outcome.values("real", name))]
    ]
show.figure(
    comparisons.runs_and_intervals(
        differences, reference=0, xlabel="arm − real, points of accuracy", order=list(ARMS)
    ),
    "Paired differences of six arms from the baseline, on both test sets, with 95 % intervals; "
    "the dashed line is no difference.",
)

# %% [markdown]
# **What do you notice?** Which intervals leave out zero? Does a GAN arm do anything that its placebo does not? Compare
# the length of these intervals with that of the arms themselves.

# %% jupyter={"source_hidden": true}
apart = [
    f"{arm} on {name}"
    for name, rows in zip(("test", "dig"), differences.values(), strict=True)
    for arm, _, _, lo, hi in rows
    if lo > 0 or hi < 0
]
on_dig = {arm: outcome.values(arm, "dig") for arm in ("real", "gan_100")}
n = len(lesson.seeds)
error = np.sqrt(sum(values.var(ddof=1) for values in on_dig.values()) / n)
strangers = (
    2 * 100 * stats.t.ppf(0.975, 2 * n - 2) * error
)  # the interval of two arms that share nothing
paired_width = next(
    hi - lo for arm, *_, lo, hi in differences["dig: other writers"] if arm == "gan_100"
)
pays = paired_width < strangers
show.markdown(
    f"<details><summary>One reading</summary>\n\nZero is left out by: "
    f"{', '.join(apart) or 'none'}. {'Pairing pays' if pays else 'Pairing does not pay here'}: on <i>dig</i> the interval "
    f"of gan_100 − real is {paired_width:.1f} points long; had the two arms come from different seeds, it would be "
    f"{strangers:.1f}. Both arms of a seed start from the same weights and see nearly the same batches, "
    + (
        "and what they share cancels."
        if pays
        else "but training drives them apart, so that little is left that could cancel."
    )
    + "\n</details>"
)

# %% [markdown]
# And now as sentences, each computed from its interval. Who asks often finds something by chance, so each *p* is raised
# by the number of questions (*Holm's* correction, lesson 2): where it does not bear the interval out, the sentence says so.

# %%
pairs = [
    ("gan_100", "real"),
    ("gan_added", "placebo_repeat"),
    ("gan_added", "classic"),
    ("classic", "real"),
]
# %% jupyter={"source_hidden": true}
asked = {
    (arm, other, f"accuracy on {where}"): outcome.paired(arm, other, where)
    for arm, other in pairs
    for where in ("dig", "test")
}
asked["gan_100", "real", "macro F1 on dig"] = outcome.paired(
    "gan_100", "real", "dig", "macro_f1"
)
answers = compare(asked)
show.sentences(answers.sentences)
headline = answers["gan_100", "real", "accuracy on dig"]
needed = statistics.seeds_needed(headline.values, 0.01)
show.markdown(
    f"With {len(lesson.seeds)} seeds and {len(answers)} intervals, one in twenty leaves out "
    f"zero by chance alone. To see a true gain of one point of "
    f"`gan_100` over `real` on *dig*, at the spread that we found, a study would need about "
    f"**{needed:,} seeds** of each arm."
)

# %% jupyter={"source_hidden": true}
reveal(
    lesson.slug,
    "change",
    (round(100 * headline.interval.lo, 2), round(100 * headline.interval.hi, 2)),
    f"The mean change is {headline.interval.text(100)} points, in this profile and on this data.",
)

# %% [markdown]
# **And a better generator?** The one GAN above is far from real digits, as the table in section 9 says. Here one that was
# trained longer takes its place, with as many fakes. *Before you look:* will better fakes change the answer?

# %% jupyter={"source_hidden": true}
beside_longer = {}
if longer:
    pairs_of_longer = [
        ("longer_gan_100", other) for other in ("real", "gan_100", "placebo_noise")
    ]
    beside_longer = {arm: outcomes["longer"].values(arm, "dig") for arm in LONGER}
    beside_longer |= {other: outcome.values(other, "dig") for _, other in pairs_of_longer}
    show.sentences(
        compare(
            {
                (arm, other, "accuracy on the digits of Dig-MNIST"): beside_longer[arm]
                - beside_longer[other]
                for arm, other in pairs_of_longer
            }
        ).sentences
    )
else:
    show.markdown("No such GANs for these images are at hand, so this stays open here.")

# %% [markdown]
# ### How the budget moves the verdict
#
# Five minutes are short for the classifier, too. The comparison was once run for hours: a GAN of its own for each of several
# seeds, and classifiers at several budgets, which get a wider network, batches of 64 and all images but some that are held
# out. The last table says whether GANs and classifiers had come to rest. *Before you look:* a difference that is there after
# a few hundred updates, will it be there after ten times as many?

# %% jupyter={"source_hidden": true}
show_full_run(
    lesson.committed("full"),
    {
        "gan_100 - real": "100 GAN − real",
        "gan_added - repeat_added": "added GAN − repeated images",
        "gan_added - classic": "added GAN − classic",
        "classic+gan_100 - classic": "classic + 100 GAN − classic",
    },
    {"gan": "of all images"},
)

# %% [markdown]
# **What do you notice?** At which number of updates would somebody who stops there say something else? Where, if anywhere, is
# there a gain that repeated images do not give as well? And which of the gates was missed, if any: what may be said then?
#
# ### Exercise 5 · keep the best
#
# There is another way to a gain. Try several ratios of fake images, or stop at several epochs, and report the best. Suppose
# that *nothing helps at all*: each choice has the same true accuracy, and its scores scatter around it. Many studies choose
# by one score and report another one of the same choice. By how many points does the report beat the truth, on average?


# %%
exercise_5 = exercises.GainOfChoosing()
exercise_5


# %% tags=["exercise"]
def gain_of_choosing(chosen_by, reported, truth):
    """chosen_by, reported: scores 0..1, studies × choices; truth: of all choices. Returns the mean gain, in points."""
    ### BEGIN SOLUTION
    best = chosen_by.argmax(axis=1)
    return 100 * (reported[np.arange(len(reported)), best].mean() - truth)
    ### END SOLUTION


# %% tags=["check"]
exercise_5.check(gain_of_choosing)

# %% [markdown]
# Now with our own scatter: that of `real` over the seeds, on Dig-MNIST. Once the score that is reported chooses, as if the
# test set were a validation set; once other images do.

# %% jupyter={"source_hidden": true}
baseline = outcome.values("real", "dig")
truth, scatter = baseline.mean(), baseline.std(ddof=1)
CHOICES = (1, 2, 5, 10, 20, 50, 100)
STUDIES = 2000
drawn = np.random.default_rng(SEED).normal(truth, scatter, (2, STUDIES, max(CHOICES)))
by_choices = {"the score reported chooses": drawn[[1, 1]], "other images choose": drawn}
best_of = {
    way: {n: float(exercise_5.answer_or_reference(a[:, :n], b[:, :n], truth)) for n in CHOICES}
    for way, (a, b) in by_choices.items()
}
show.figure(
    curves.bands(
        {
            way: {n: statistics.Interval(v, v, v) for n, v in at.items()}
            for way, at in best_of.items()
        },
        "choices",
        "gain over the truth, points",
        levels={"nothing helps": statistics.Interval(0, 0, 0)},
        at=CHOICES,
    ),
    "The gain that is reported against the number of choices, where no choice helps: it rises if the score that is reported "
    "chooses, and stays at 0 if other images do.",
)
peeked = best_of["the score reported chooses"]
show.markdown(
    f"{STUDIES:,} studies of noise, a standard deviation of {100 * scatter:.1f} points from seed to seed. The best of five "
    f"is {peeked[5]:.1f} points better than the truth, the best of a hundred {peeked[100]:.1f} points. Chosen on other images, "
    f"the best of a hundred is {abs(best_of['other images choose'][100]):.1f} points away from it."
)

# %% [markdown]
# **What do you notice?** Five ratios with twenty epochs each are a hundred choices, though neighbouring epochs are nearly
# one. How large a gain would you believe of a study that does not say by what it chose?
#
# ## 14 · The paper and ours


# %% jupyter={"source_hidden": true}
def ours(batch_size, arm):
    """Mean and interval of an arm on Dig-MNIST, as text; a dash where it was not run."""
    name = f"B = {batch_size}"
    if name not in plans or arm not in plans[name].arms:
        return "– (full profile)"
    return statistics.share_interval(outcomes[name].values(arm, "dig")).text(100)


comparison = pd.DataFrame(
    {
        "batch size": claims["batch size"],
        "paper: real": claims["real"],
        "ours: real": [ours(b, "real") for b in claims["batch size"]],
        "paper: with GAN": claims["with GAN images"],
        "ours: gan_100": [ours(b, "gan_100") for b in claims["batch size"]],
    }
)
show.table(
    comparison,
    "Accuracy on Dig-MNIST in %: the paper's single runs, our means with 95 % intervals",
)
rates = pd.DataFrame(
    {
        f"learning rate {lr:g}": {
            "real": statistics.share_interval(o.values("real", "dig")).text(100)
        }
        for lr, o in ((LR, outcome), (LR_TRIED, outcomes[f"learning rate {LR_TRIED}"]))
    }
)
show.table(
    rates,
    "The unchanged CNN at both learning rates that the paper tried, batch size 64, accuracy on Dig-MNIST in %",
)

# %% [markdown]
# **What this does *not* show**
#
# - That GAN images never help. We tested one small, fully connected GAN, a few doses, one kind of classifier, one
#   script.
# - That the paper is wrong. Its numbers may be just what its runs gave. What they mean cannot be read from single runs.
# - Anything about the paper's own spread: below the `full` profile our network is narrower, and every profile trains
#   for fewer epochs.
# - How much of the spread comes from training the *GAN* again: our intervals vary the classifier and the sample of
#   fakes, not the GAN itself. In the full run each seed has a GAN of its own.
# - The paper does not say whether its runs with GAN images used classic augmentation too, nor some settings of its
#   networks; where it is silent we chose, and the docstrings of `course_utils` say so.
#
# If DATA is a stand-in (see *Set-up*), nothing here speaks about Kannada digits at all.
#
# ## 15 · Quiz

# %%
quiz(lesson.slug)

# %% [markdown]
# ## 16 · Make something · deeper
#
# **A transfer task.** Does the dose matter? Choose three doses of `gan_added`, each with its own `placebo_repeat`, run
# them with `experiment.run`, and draw the paired differences over the dose. Before you run it, write down which
# outcome would convince you that the GAN adds something. A frame to start from:
#
# ```python
# ARMS |= {f"copies {n}": experiment.placebo_repeat(n) for n in (…)}
# mine = experiment.run({"doses": plan(("real", …))}, train, tests, lesson.seeds)["doses"]
# ```
#
# ## Key points
#
# - A GAN is two losses and one step. Its losses tell how the game stands, not how good the pictures are.
# - Generated images need labels, and whoever labels them decides what is learned.
# - One run is one draw. First measure how far two *unchanged* runs lie apart; then look at a difference.
# - A comparison needs a rival that costs nothing and a placebo with nothing in it, at equal updates, in pairs.
# - "We cannot tell" is a result, and it names the number of seeds that could.
#
# **Next:** what if one class has hardly any images at all? That is where generated data should help most.

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
    updates=dict.fromkeys(ARMS, BATCHES[64]),
    verdict=headline.sentence(measure="accuracy on Dig-MNIST"),
    verdicts=answers.sentences,
    experiments={
        name: experiment.summary(o, baseline="real")
        for name, o in outcomes.items()
        if o is not outcome and name != "longer"
    },
    longer={
        arm: {"accuracy": {"dig": experiment.entry(values)}}
        for arm, values in beside_longer.items()
    },
    two_run_spread={row["label"]: round(row["spread"], 3) for row in ran},
    samples=quality,
    discarded=round(discarded, 4),
    judge_accuracy=round(judge_accuracy.mean, 4),
)

# %% jupyter={"source_hidden": true} tags=["nbval-check-output"]
# The contract: what must hold in every profile, on any data. CI compares this cell's output.
assert set(saved["arms"]) == set(ARMS) and all(
    len(a["accuracy"]["dig"]["values"]) == len(lesson.seeds) for a in saved["arms"].values()
)
print("paper's CNN:", *count_parameters(paper_cnn), "parameters, running statistics")
print(
    "agrees with the paper:",
    count_parameters(paper_cnn)
    == (lesson.claimed("parameters"), lesson.claimed("running_statistics")),
)
print("arms:", *saved["arms"])
print("test sets:", *tests, "| sealed:", all(images.sealed for images in tests.values()))
print("equal updates:", len(set(saved["updates"].values())) == 1)
print(
    "gan_100 keeps the size:", len(gan_100(train, lesson.generator("contract"))) == len(train)
)
