"""The checked exercises of lesson 1, `01_kannada_gan`."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from scipy import stats
from torch import Tensor

from course_utils.teach.exercises.compare import Mistakes, check_loss, expect, must_train, numbers, parts, scalar
from course_utils.teach.exercises.exercise import Exercise, Wrong

LESSON = "01_kannada_gan"


class DiscriminatorLoss(Exercise):
    """−log D(x) − log(1 − D(G(z))), from logits."""

    lesson, title, minutes, difficulty = LESSON, "The discriminator's loss", 8, 2
    hints = (
        "D should say 'real' to `real` (a large logit) and 'fake' to `fake` (a very negative one). Two terms, one "
        "for each.",
        "The probability is sigmoid(logit), and −log sigmoid(a) = softplus(−a). Which sign does each term need?",
        "−log(1 − sigmoid(a)) = softplus(a). Take the mean of each term over the batch, and add the two.",
    )

    @staticmethod
    def reference(real: Tensor, fake: Tensor) -> Tensor:
        return F.softplus(-real).mean() + F.softplus(fake).mean()

    def example(self) -> tuple[object, ...]:
        return torch.tensor([2.0, 0.0]), torch.tensor([-1.0, -2.0])

    def test(self, answer: object) -> None:
        real, fake = torch.tensor([[2.0], [-1.0], [0.5], [3.0]]), torch.tensor([[-2.5], [1.0], [0.3], [-0.5]])
        check_loss(
            answer,
            self.reference,
            (real, fake),
            mistakes=self._mistakes(real, fake),
            deep=(torch.tensor([[-200.0]]), torch.tensor([[200.0]])),
            reason="sigmoid runs into log 0. `F.softplus(-a)` is −log sigmoid(a), and does not.",
        )

    def _mistakes(self, real: Tensor, fake: Tensor) -> Mistakes:
        want = self.reference(real, fake)
        on_real, on_fake = F.softplus(-real).mean(), F.softplus(fake).mean()
        p, q = real.sigmoid(), fake.sigmoid()
        floor = float(self.reference(torch.ones(()), torch.zeros(())))
        return {
            "That is what D *maximises*. An optimiser makes a loss small: return its negative.": -want,
            "Only the real half is there: D must also be told what a fake is.": on_real,
            "Only the fake half is there: D must also be told what is real.": on_fake,
            "Real and fake are swapped: your D is paid for calling fakes real.": self.reference(fake, real),
            "That is the *generator's* loss: −log P(real | fake). D is paid for calling fakes fake.": F.softplus(
                -fake
            ).mean(),
            "The sign in the second term is turned round: this D is paid for calling *everything* real.": on_real
            + F.softplus(-fake).mean(),
            "The sign in the first term is turned round: this D is paid for calling *everything* fake.": F.softplus(
                real
            ).mean()
            + on_fake,
            "The fake term has the wrong sign: the two costs add up.": on_real - on_fake,
            f"You took a sigmoid, and softplus contains one: this loss cannot fall below {floor:.2f}, however good D "
            "gets. Give it the logits.": self.reference(p, q),
            "The logarithms are missing: the loss of one image is −log p, not −p.": -(p.mean() + (1 - q).mean()),
            "First the logarithm, then the mean over the batch.": -(p.mean().log() + (1 - q).mean().log()),
            "You averaged the two terms; the loss is their sum.": want / 2,
            "That is the least-squares GAN's loss (Mao et al. 2017). Here it is −log p.": (1 - p).square().mean()
            + q.square().mean(),
            "That is the hinge loss, a fair one for a GAN. Here it is −log p.": F.relu(1 - real).mean()
            + F.relu(1 + fake).mean(),
            "That is the critic's loss of a Wasserstein GAN, whose scores are no probabilities. Here it is "
            "−log p.": fake.mean() - real.mean(),
            "You multiplied the two terms; the loss is their sum.": on_real * on_fake,
            "That is the sum over the batch: take the mean of each term.": len(real) * want,
            "That is in bits, the logarithm to base 2. Take the natural logarithm.": want / math.log(2),
        }


class GeneratorLoss(Exercise):
    """−log D(G(z)), the non-saturating loss, from logits."""

    lesson, title, minutes, difficulty = LESSON, "The generator's loss", 6, 2
    hints = (
        "G wants D to answer 'real' on its fakes. You have just written what D pays for saying 'fake' to "
        "something real …",
        "−log sigmoid(a) = softplus(−a): small when the logit is large.",
    )

    @staticmethod
    def reference(fake: Tensor) -> Tensor:
        return F.softplus(-fake).mean()

    def example(self) -> tuple[object, ...]:
        return (torch.tensor([-1.0, 2.0]),)

    def test(self, answer: object) -> None:
        fake = torch.tensor([-2.0, 1.0, 0.0, -0.5])
        logits = fake.clone().requires_grad_()
        loss, right = answer(logits), self.reference(logits)
        got, want = scalar(loss), scalar(right)
        f = F.softplus(fake)
        mistakes = {
            "That is log(1 − D(G(z))), the loss of the *minimax* game. It is a fair choice on paper, but it is flat "
            "just where G is bad. Write −log D(G(z)).": -f.mean(),
            "The sign is turned round: this G is paid for being caught.": f.mean(),
            "That is the sum over the batch: take the mean.": len(fake) * want,
            "It goes down when D is *less* fooled: a loss must be small when G does well.": -want,
            "The logarithm is missing: the loss of one image is −log p, not −p.": -fake.sigmoid().mean(),
            "First the logarithm, then the mean over the batch.": -fake.sigmoid().mean().log(),
            "That is the loss of a Wasserstein GAN, whose scores are no probabilities. Here: −log p.": -fake.mean(),
            "That is the least-squares GAN's loss (Mao et al. 2017). Here it is −log p.": (1 - fake.sigmoid())
            .square()
            .mean(),
        }
        expect(got, want, mistakes, "The loss")
        must_train(loss, right, logits)
        deep = torch.tensor([-30.0], requires_grad=True)
        (gradient,) = torch.autograd.grad(answer(deep), deep)
        if abs(float(gradient)) < 0.9:
            raise Wrong(
                "Right in value, but where D is sure (a logit of −30) its gradient has vanished, and G could not "
                "learn. Use `F.softplus` on the logit instead of the logarithm of a sigmoid."
            )


class ReplaceImages(Exercise):
    """k random training images replaced by generated ones, the size of the set kept."""

    lesson, title, minutes, difficulty = LESSON, "Replace k images", 10, 2
    hints = (
        "Which places? `torch.randperm(n, generator=rng)[:k]` gives k different ones.",
        "Writing into `pixels` changes the caller's training set for every arm that comes later: `clone()` first.",
        "A picture that moves in brings its label along.",
    )

    @staticmethod
    def reference(
        pixels: Tensor, labels: Tensor, new_pixels: Tensor, new_labels: Tensor, rng: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        places = torch.randperm(len(pixels), generator=rng)[: len(new_pixels)]
        pixels, labels = pixels.clone(), labels.clone()
        pixels[places], labels[places] = new_pixels, new_labels
        return pixels, labels

    def example(self) -> tuple[object, ...]:
        pixels = torch.tensor([10, 20, 30, 40, 90, 90], dtype=torch.uint8)[:, None, None, None].repeat(1, 1, 28, 28)
        labels = torch.tensor([0, 0, 1, 1, 7, 7])
        return pixels[:4], labels[:4], pixels[4:], labels[4:], torch.Generator().manual_seed(0)

    def describe(self, value: tuple[Tensor, Tensor]) -> str:
        pixels, labels, new, *_ = self.example()
        grey, got = value[0][:, 0, 0, 0], value[1]
        came = grey == new[0, 0, 0, 0]
        kept = sum((grey == pixels[i, 0, 0, 0]) & (got == labels[i]) for i in range(len(pixels)))
        return (
            f"{len(grey)} images: {int(came.sum())} of {int(grey[came][0])} with label {int(got[came][0])}, at places "
            f"drawn by rng, and {int(kept.sum())} as before"
        )

    def test(self, answer: object) -> None:
        n, k = 60, 12
        pixels = torch.arange(n, dtype=torch.uint8).reshape(n, 1, 1, 1).repeat(1, 1, 2, 2)
        labels, new_labels = torch.arange(n) % 10, torch.full((k,), 7)
        new_pixels = torch.arange(200, 200 + k, dtype=torch.uint8).reshape(k, 1, 1, 1).repeat(1, 1, 2, 2)
        places = []
        for seed in (0, 1, 0):
            given, given_labels = pixels.clone(), labels.clone()
            rng = torch.Generator().manual_seed(seed)
            out = answer(given, given_labels, new_pixels, new_labels, rng)
            got, got_labels = parts(out, "pixels, labels", "tensors")
            if [getattr(part, "dtype", None) for part in (got, got_labels)] != [torch.uint8, torch.int64]:
                raise Wrong("Pixels stay uint8 and labels int64, as they were: the classifier takes nothing else.")
            if len(got) != n:
                raise Wrong(f"The set has {len(got)} images now, {n} before: replace images, do not add them.")
            if not torch.equal(given, pixels) or not torch.equal(given_labels, labels):
                raise Wrong(
                    "Your function changed the training set it was given; every later arm would see that. "
                    "`clone()` first."
                )
            new = got.flatten(1)[:, 0] >= 200
            if int(new.sum()) != k:
                raise Wrong(
                    f"{int(new.sum())} images came in instead of {k}: two fell on one place? Draw *different* "
                    f"places, "
                    "with `torch.randperm`."
                )
            if sorted(got[new][:, 0, 0, 0].tolist()) != new_pixels[:, 0, 0, 0].tolist():
                raise Wrong(f"{k} images came in, but not each of the {k} new ones once.")
            if len(got_labels) != n or not (got_labels[new] == 7).all():
                raise Wrong("The new pictures kept the labels of those they replaced: labels must move in with them.")
            if not torch.equal(got[~new], pixels[~new]) or not torch.equal(got_labels[~new], labels[~new]):
                raise Wrong(
                    "Images that should have stayed were changed or moved: the others keep their places, so that "
                    "arms of a seed differ in k images only. Write into k places of a `clone()`."
                )
            places.append(torch.nonzero(new).flatten().tolist())
        if places[0] == places[1] or places[0] == list(range(k)):
            raise Wrong(
                "The places are the same whatever the random generator says. The set is sorted by writer: the "
                "first k images "
                "are one person's hand. Use `rng`."
            )
        if places[0] != places[2]:
            raise Wrong("The same `rng` gives other places each time: pass it on, `generator=rng`.")


class PairedInterval(Exercise):
    """Mean and 95 % t interval of paired differences."""

    lesson, title, minutes, difficulty = LESSON, "The paired interval", 10, 3
    hints = (
        "Pair first: one difference a seed. What both runs of a seed share cancels out.",
        "The standard error is `d.std(ddof=1) / sqrt(n)`: ddof=1, because the mean was estimated from the same "
        "numbers.",
        "With so few seeds 1.96 is too short: `stats.t.ppf(0.975, n - 1)`.",
    )

    @staticmethod
    def reference(after: np.ndarray, before: np.ndarray) -> tuple[float, float, float]:
        d = after - before
        half = stats.t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / np.sqrt(len(d))
        return d.mean(), d.mean() - half, d.mean() + half

    def example(self) -> tuple[object, ...]:
        return np.array([0.7, 0.8, 0.9]), np.array([0.6, 0.6, 0.9])

    def test(self, answer: object) -> None:
        before = np.array([0.71, 0.66, 0.75, 0.69, 0.78])
        after = before + np.array([0.02, 0.01, 0.03, -0.01, 0.02])
        mean, lo, hi = numbers(answer(after, before), "mean, lo, hi")
        want, want_lo, want_hi = self.reference(after, before)
        reversed_sign = {
            "The sign is turned round: it is after − before.": -want,
            "That is the median; the interval is of the *mean*.": float(np.median(after - before)),
        }
        expect(mean, want, reversed_sign, "The mean difference")
        half, d, n = (hi - lo) / 2, after - before, len(before)
        t, s = stats.t.ppf(0.975, n - 1), d.std(ddof=1)
        root, unpaired = math.sqrt(n), math.sqrt((after.var(ddof=1) + before.var(ddof=1)) / n)
        mistakes = {
            "That is the spread of single differences; the *mean* of n of them is √n times tighter.": t * s,
            "`std()` of NumPy divides by n: write `ddof=1`.": t * d.std(ddof=0) / root,
            f"1.96 holds for many seeds; for {n} it is `stats.t.ppf(0.975, n - 1)` = {t:.2f}.": 1.96 * s / root,
            f"The normal quantile is too short for {n} seeds: use Student's t.": stats.norm.ppf(0.975) * s / root,
            "0.95 leaves 5 % above alone; 2.5 % on each side is 0.975.": stats.t.ppf(0.95, n - 1) * s / root,
            "The degrees of freedom are n − 1, since the mean was estimated too.": stats.t.ppf(0.975, n) * s / root,
            "You treated the two lists as strangers. They are paired: take the differences first.": t * unpaired,
            "That is the interval of two *independent* groups: pair them first.": stats.t.ppf(0.975, 2 * n - 2)
            * unpaired,
        }
        lowest, highest = np.quantile(d, [0.025, 0.975])
        mistakes |= {
            f"2 is a rule of thumb for many seeds; for {n} it is `stats.t.ppf(0.975, n - 1)` = {t:.2f}.": 2 * s / root,
            "That holds 95 % of the *differences seen*. Where does their true mean lie?": (highest - lowest) / 2,
            "From the least to the greatest difference: that grows with the number of seeds, an interval of the mean "
            "shrinks.": (d.max() - d.min()) / 2,
            "The square root is missing: a standard error takes the standard deviation, not the variance.": t
            * s**2
            / root,
        }
        expect(half, (want_hi - want_lo) / 2, mistakes, "The half-width")
        expect(lo, want_lo, {}, "The interval should lie around the mean. Its lower end")


class GainOfChoosing(Exercise):
    """What choosing the best of several equal settings adds to the score that is reported."""

    lesson, title, minutes, difficulty = LESSON, "Keep the best", 8, 2
    hints = (
        "One row is one study. Which column does it choose? `chosen_by.argmax(axis=1)`.",
        "The study reports the score of that column, from the *other* array: "
        "`reported[np.arange(len(reported)), best]`.",
        "The mean of what all studies report, minus the truth, times 100.",
    )

    @staticmethod
    def reference(chosen_by: np.ndarray, reported: np.ndarray, truth: float) -> float:
        best = chosen_by.argmax(axis=1)
        return 100 * (reported[np.arange(len(reported)), best].mean() - truth)

    def example(self) -> tuple[object, ...]:
        return np.array([[0.7, 0.9], [0.8, 0.6]]), np.array([[0.7, 0.8], [0.9, 0.6]]), 0.75

    def test(self, answer: object) -> None:
        chosen_by = np.array([[0.61, 0.72, 0.65], [0.74, 0.66, 0.71], [0.68, 0.63, 0.69], [0.70, 0.75, 0.64]])
        reported = np.array([[0.70, 0.61, 0.73], [0.69, 0.75, 0.62], [0.77, 0.60, 0.64], [0.67, 0.79, 0.58]])
        got = scalar(answer(chosen_by, reported, 0.7), "The gain")
        expect(got, self.reference(chosen_by, reported, 0.7), self._mistakes(chosen_by, reported), "The gain in points")
        same = scalar(answer(reported, reported, 0.7), "The gain")
        what = "Where the score reported chooses as well, the gain in points"
        expect(same, self.reference(reported, reported, 0.7), {}, what)

    def _mistakes(self, chosen_by: np.ndarray, reported: np.ndarray) -> Mistakes:
        want, truth, rows = self.reference(chosen_by, reported, 0.7), 0.7, np.arange(len(reported))
        peeked = self.reference(reported, reported, truth)
        by_column = reported[chosen_by.argmax(axis=0), np.arange(reported.shape[1])]
        return {
            "That is a share. A point is 0.01: take it times 100.": want / 100,
            "That is what they report. How far is it from the *truth*?": want + 100 * truth,
            "You chose by the score that is reported. Choose by `chosen_by`, and report from `reported`.": peeked,
            "That is the score by which they chose. Report the same column of `reported`.": self.reference(
                chosen_by, chosen_by, truth
            ),
            "One *row* is a study: choose along `axis=1`.": 100 * (by_column.mean() - truth),
            "That is the mean of all columns: nobody has chosen yet.": 100 * (reported.mean() - truth),
            "Only one study is left of all: choose in each, and take the mean.": [
                100 * (reported[np.unravel_index(chosen_by.argmax(), chosen_by.shape)] - truth),
                100 * (reported.max() - truth),
            ],
            "That is the worst: they keep the best.": 100 * (reported[rows, chosen_by.argmin(axis=1)].mean() - truth),
            "The sign is turned round: reported minus truth.": -want,
        }
