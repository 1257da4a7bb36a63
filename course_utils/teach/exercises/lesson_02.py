"""The checked exercises of lesson 2, `02_emnist_bagan`."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from scipy import stats
from torch import Tensor

from course_utils.teach.exercises.compare import (
    PER_CENT,
    Mistakes,
    check_draws,
    check_loss,
    close,
    cross_entropy_mistakes,
    expect,
    numbers,
    parts,
)
from course_utils.teach.exercises.exercise import Exercise, Wrong, brief, cloud

LESSON = "02_emnist_bagan"


class AccuracyAndRecall(Exercise):
    """Accuracy over all classes, and the recall of the starved one."""

    lesson, title, minutes, difficulty = LESSON, "Accuracy and recall", 5, 1
    hints = (
        "`right = predictions == labels` is True where the classifier is right.",
        "Accuracy is the share of `right` among all images. Recall asks the same of the images that *are* of class "
        "`starved`.",
        "`labels == starved` picks those images; `right[labels == starved].float().mean()` is their share.",
    )

    @staticmethod
    def reference(labels: Tensor, predictions: Tensor, starved: int) -> tuple[float, float]:
        right = predictions == labels
        return float(right.float().mean()), float(right[labels == starved].float().mean())

    def example(self) -> tuple[object, ...]:
        return torch.tensor([0, 1, 2, 2, 2]), torch.tensor([0, 1, 2, 2, 0]), 2

    def test(self, answer: object) -> None:
        # Ten zeros, six of them found, and two other digits that are taken for zeros; a one is missed as well.
        labels = torch.tensor([0] * 10 + [1, 2, 3, 4, 5] * 4)
        predictions = labels.clone()
        predictions[:4], predictions[12:14], predictions[15] = 6, 0, 7
        want = self.reference(labels, predictions, 0)
        accuracy, recall = got = numbers(answer(labels, predictions, 0), "accuracy, recall")
        is_0, said_0 = labels == 0, predictions == 0
        if close(got, [100 * value for value in want]):
            raise Wrong(PER_CENT)
        if close(got, want[::-1]):
            raise Wrong("The two are swapped: first accuracy, then recall.")
        by_class = [self.reference(labels, predictions, k)[1] for k in range(6)]
        mistakes = {
            "That is the share of errors; accuracy is the share of right answers.": 1 - want[0],
            "That is the *mean of the recalls*, balanced accuracy. Here every image counts once.": np.mean(by_class),
            "That is how many are right; divide by the number of images.": want[0] * len(labels),
            "Those are odds, right over wrong. Divide by all images.": want[0] / (1 - want[0]),
        }
        expect(accuracy, want[0], mistakes, "Accuracy")
        hits = float((is_0 & said_0).sum())
        mistakes = {
            "That is *precision*: of the images it called `starved`, how many are. Recall: of those that are, how many "
            "it found.": hits / float(said_0.sum()),
            "You divided by all images; divide by those whose *label* is `starved`.": hits / len(labels),
            "That is the share it missed; recall is the share it found.": 1 - want[1],
            "That is the recall of all the *other* classes.": float((labels == predictions)[~is_0].float().mean()),
            "You gave accuracy twice: look only at the images whose label is `starved`.": want[0],
            "That is *how many* it found: divide by the images whose label is `starved`.": hits,
            "That is F1, the harmonic mean of precision and recall. Recall alone is asked.": 2
            * hits
            / float(is_0.sum() + said_0.sum()),
            "That is the accuracy of the question `starved` or not: it counts the *other* images, too.": float(
                (is_0 == said_0).float().mean()
            ),
        }
        expect(recall, want[1], mistakes, "The recall of class 0")
        never = torch.where(labels == 0, 6, labels)
        if not close(numbers(answer(labels, never, 0), "accuracy, recall"), self.reference(labels, never, 0)):
            raise Wrong(
                "For a classifier that never says 0 it breaks: its recall is 0. Do not divide by how often it *said* 0."
            )
        if not close(
            numbers(answer(labels, predictions, 1), "accuracy, recall"), self.reference(labels, predictions, 1)
        ):
            raise Wrong("Right for class 0, not for class 1: use the argument `starved`.")


class ClassGaussian(Exercise):
    """Mean and a factor of the covariance of one class's latents, also for a handful of images."""

    lesson, title, minutes, difficulty = LESSON, "The Gaussian of a class", 10, 3
    hints = (
        "`centred = latents - latents.mean(0)`; the covariance is `centred.T @ centred / (n − 1)`.",
        "`torch.linalg.cholesky` wants a covariance of full rank, and n images span at most n − 1 dimensions. "
        "`values, vectors = torch.linalg.eigh(covariance)` always works: covariance = V diag(values) Vᵀ.",
        "Half of that on either side: the factor is `vectors * values.sqrt()`. Rounding leaves some eigenvalues just "
        "below 0: `values.clamp(min=0)` first. And one image has n − 1 = 0: divide by `max(n - 1, 1)`.",
    )

    @staticmethod
    def reference(latents: Tensor) -> tuple[Tensor, Tensor]:
        mean = latents.mean(0)
        centred = latents - mean
        covariance = centred.T @ centred / max(len(latents) - 1, 1)
        values, vectors = torch.linalg.eigh(covariance)
        return mean, vectors * values.clamp(min=0).sqrt()

    def example(self) -> tuple[object, ...]:
        return (torch.tensor([[0.0, 0.0], [2.0, 4.0], [4.0, 2.0]]),)

    def describe(self, value: tuple[Tensor, Tensor]) -> str:
        mean, factor = value
        return f"mean {brief(mean)} and a factor with factor @ factor.T = {brief(factor @ factor.T)}"

    def test(self, answer: object) -> None:
        mixing = torch.tensor([[2.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, -0.5, 0.5]])
        latents = torch.randn(20, 3, generator=torch.Generator().manual_seed(0)) @ mixing.T + torch.tensor([3.0, 0, -2])
        mean, factor = self._parts(answer(latents), dimensions=3)
        covariance, n = torch.cov(latents.T), len(latents)
        zero = {
            "The mean is zero: it must be that of the latents.": torch.zeros(3),
        }
        expect(mean, latents.mean(0), zero, "The mean")
        mistakes = {
            "You divided by n. The mean came from the same images, so divide by n − 1.": covariance * (n - 1) / n,
            "You did not divide: the covariance is the sum over the images / (n − 1).": covariance * (n - 1),
            "Subtract the mean first: the spread is measured from the mean, not from 0.": [
                latents.T @ latents / (n - 1),
                latents.T @ latents / n,
            ],
            "F @ F.T is the covariance *squared*: you gave the covariance itself, or multiplied by the eigenvalues. "
            "Take the square roots of the eigenvalues.": covariance @ covariance,
            "Each dimension has its spread, but how they move *together* is "
            "lost: the whole matrix is needed.": covariance.diag().diag(),
            "The eigenvectors alone have length 1: multiply each by the root of its eigenvalue.": torch.eye(3),
        }
        product, tolerance = factor @ factor.T, {"rtol": 1e-3, "atol": 1e-3}
        if not close(product, covariance, **tolerance) and close(factor.T @ factor, covariance, **tolerance):
            raise Wrong("Transpose it: F.T @ F is the covariance here, F @ F.T should be.")
        expect(product, covariance, mistakes, "F @ F.T", **tolerance)
        self._few_images(answer)

    def _few_images(self, answer: object) -> None:
        for n, seed in [(5, seed) for seed in range(5)] + [(1, 0)]:
            latents = torch.randn(n, 12, generator=torch.Generator().manual_seed(seed))
            latents[:, -1] = 0.0  # a unit that never fires: exactly singular, on any machine
            try:
                mean, factor = self._parts(answer(latents), dimensions=12)
                finite = bool(torch.isfinite(mean).all() and torch.isfinite(factor).all())
            except (torch.linalg.LinAlgError, np.linalg.LinAlgError):
                if n > 1:
                    raise Wrong(
                        f"With {n} images in 12 dimensions it stops: they span at most {n - 1} dimensions, the "
                        "covariance is *singular*, and Cholesky wants full rank. `torch.linalg.eigh` does not mind."
                    ) from None
                finite = False
            if not finite and n == 1:
                raise Wrong("With a single image it divides by n − 1 = 0: divide by `max(n - 1, 1)`.")
            if not finite:
                raise Wrong(
                    f"With {n} images in 12 dimensions it gives NaN. Some eigenvalues are 0, rounding makes them "
                    "−0.0000001, and such a root is NaN: `clamp(min=0)` first."
                )
            centred = latents - latents.mean(0)
            if not close(factor @ factor.T, centred.T @ centred / max(n - 1, 1), rtol=1e-2, atol=1e-2):
                raise Wrong(f"Right for many images, but for {n} in 12 dimensions F @ F.T is not the covariance.")
            beyond = _spread_beyond(factor, centred)
            if beyond > JITTER:
                raise Wrong(
                    f"You added something to the diagonal (*jitter*, about {beyond:.0e}). Cholesky runs then, and the "
                    f"draws leave the {n - 1} dimensions that {n} images span: a little noise in all 12. The "
                    "covariance as it is has a factor, too: `torch.linalg.eigh`, with the eigenvalues clamped at 0."
                )

    @staticmethod
    def _parts(value: object, dimensions: int) -> tuple[Tensor, Tensor]:
        parts(value, "mean, factor", "tensors")
        if any(not isinstance(part, Tensor) or part.dtype != torch.float32 for part in value):
            raise Wrong("Both must be tensors of float32, as the latents are: the generator takes nothing else.")
        mean, factor = (part.detach() for part in value)
        if mean.shape != (dimensions,):
            raise Wrong(
                f"The mean of latents with {dimensions} dimensions has {dimensions} entries; yours has shape "
                f"{tuple(mean.shape)}. Average over the images: `mean(0)`."
            )
        if factor.shape != (dimensions, dimensions):
            raise Wrong(
                f"The factor must be {dimensions} × {dimensions}, one row a latent dimension; yours has shape "
                f"{tuple(factor.shape)}."
            )
        return mean, factor


JITTER = 3e-6
"""The variance, at most, that rounding in float32 leaves in a direction that the images do not span."""


def _spread_beyond(factor: Tensor, centred: Tensor) -> float:
    """Compute the mean variance of a factor's draws in the directions that n centred images do not span."""
    _, lengths, directions = torch.linalg.svd(centred.double())
    outside = directions[int((lengths > 1e-5).sum()) :]
    return float((outside @ factor.double()).square().sum() / len(outside))


class DrawLatents(Exercise):
    """Draws from a Gaussian given by its mean and a factor of its covariance."""

    lesson, title, minutes, difficulty = LESSON, "Draw from it", 4, 2
    hints = (
        "Standard normal noise, `torch.randn(n, len(mean), generator=generator)`, has the identity as covariance.",
        "If z has covariance I, then F z has covariance F Fᵀ. The rows of your noise are the z: `noise @ factor.T`.",
    )

    @staticmethod
    def reference(mean: Tensor, factor: Tensor, n: int, generator: torch.Generator) -> Tensor:
        noise = torch.randn(n, len(mean), generator=generator).to(mean)
        return mean + noise @ factor.T

    def example(self) -> tuple[object, ...]:
        factor = torch.tensor([[1.0, 0.0], [2.0, 1.0]])
        return torch.tensor([1.0, -2.0]), factor, 100_000, torch.Generator().manual_seed(0)

    def describe(self, value: Tensor) -> str:
        return cloud(value)

    def test(self, answer: object) -> None:
        mean, factor = torch.tensor([3.0, -1.0]), torch.tensor([[2.0, 0.0], [1.5, 0.5]])
        covariance = factor @ factor.T
        mistakes = {
            "The factor must be transposed: each row is a z, so F z is `noise @ factor.T`.": factor.T @ factor,
            "That is plain noise: shape it with the factor.": torch.eye(2),
            "You multiplied by the covariance: the factor alone is its square root.": covariance @ covariance,
            "The dimensions vary independently: multiply by the whole matrix.": covariance.diag().diag(),
        }
        check_draws(answer, mean, factor, 20_000, mistakes, rtol=0.05, atol=0.05)


class ClassLoss(Exercise):
    """−log P(class asked for | G(z)), from the K + 1 logits of BAGAN's discriminator."""

    lesson, title, minutes, difficulty = LESSON, "The generator's loss with K + 1 classes", 6, 2
    hints = (
        "D names one of K digits, or calls an image fake (the last class). G was asked for a digit. What should D say?",
        "The loss is −log of the probability that D gives to the class asked for, averaged over the batch: that is "
        "cross-entropy.",
        "`F.cross_entropy(logits, target)` takes logits as they are (it contains the softmax) and averages.",
    )

    @staticmethod
    def reference(logits: Tensor, asked: Tensor) -> Tensor:
        return F.cross_entropy(logits, asked)

    def example(self) -> tuple[object, ...]:
        return torch.tensor([[2.0, 0.0, 1.0], [0.0, 0.0, 3.0]]), torch.tensor([0, 1])

    def test(self, answer: object) -> None:
        logits = torch.tensor([[2.0, -1.0, 0.5, 1.0], [0.0, 1.5, -2.0, 3.0], [-1.0, 0.0, 1.0, 0.2]])
        asked, fake = torch.tensor([0, 2, 2]), torch.tensor([3, 3, 3])
        mistakes = {
            "That rewards D's answer *fake*: G would learn to be caught. The "
            "target is the class asked for.": F.cross_entropy(logits, fake),
            "You left the class *fake* out of the sum: D may cry 'fake' as it "
            "likes, and G would not hear it.": F.cross_entropy(logits[:, :-1], asked),
            "You added a term for *fake*: naming the class asked for is all that G is paid for.": [
                F.cross_entropy(logits, asked) + sign * F.cross_entropy(logits, fake) for sign in (1, -1)
            ],
            "A sigmoid asks of each class by itself; D chooses *between* classes: softmax.": F.softplus(
                -logits.gather(1, asked[:, None])
            ).mean(),
            "That only runs away from *fake*. G should move towards the class that it was asked for.": -F.cross_entropy(
                logits, fake
            ),
            **cross_entropy_mistakes(logits, asked),
        }
        check_loss(
            answer,
            self.reference,
            (logits,),
            asked,
            mistakes=mistakes,
            deep=(torch.tensor([[-200.0, 0.0, 0.0, 200.0]]), torch.tensor([0])),
            reason="softmax runs into log 0. `F.cross_entropy` is the same function and does not.",
        )


class BinomialInterval(Exercise):
    """Wilson's 95 % interval of an accuracy."""

    lesson, title, minutes, difficulty = LESSON, "The interval of one accuracy", 8, 2
    hints = (
        "p = right / n has the standard error √(p(1 − p)/n). p ± 1.96 of those is fine in the middle, and breaks near "
        "0 and 1, which is where accuracies live.",
        "Wilson asks instead: which true shares q have p within z standard errors √(q(1 − q)/n) *of q*? "
        "z is `stats.norm.ppf(0.975)`.",
        "Solved for q: centre = (p + z²/2n) / (1 + z²/n), half = z √(p(1 − p)/n + z²/4n²) / (1 + z²/n).",
    )

    @staticmethod
    def reference(right: int, n: int) -> tuple[float, float]:
        p, z = right / n, stats.norm.ppf(0.975)
        centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
        return centre - half, centre + half

    def example(self) -> tuple[object, ...]:
        return 9, 10

    def test(self, answer: object) -> None:
        n = 40
        for right in (24, 36, 0, n):
            got, want = numbers(answer(right, n), "lo, hi"), self.reference(right, n)
            expect(got, want, self._mistakes(right, n), f"(lo, hi) for {right} of {n}")

    def _mistakes(self, right: int, n: int) -> Mistakes:
        almost = (n - 1) / n
        beyond = almost + stats.norm.ppf(0.975) * math.sqrt(almost * (1 - almost) / n)
        normal = (
            f"That is p ± 1.96 standard errors. It breaks where accuracies live: for {n - 1} of {n} right it reaches "
            f"{beyond:.3f}, more than all, and for {n} of {n} it has no width. Use Wilson's."
        )
        return {**self._slips(right, n, normal), **_other_intervals(right, n, normal)}

    def _slips(self, right: int, n: int, normal: str) -> Mistakes:
        """List mistakes in Wilson's formula, and the interval of the normal approximation, which `normal` names."""
        p, z = right / n, stats.norm.ppf(0.975)
        lo, hi = self.reference(right, n)
        shrink, inner = 1 + z**2 / n, p * (1 - p) / n + z**2 / (4 * n**2)
        centre, half = (lo + hi) / 2, (hi - lo) / 2
        wald = z * math.sqrt(p * (1 - p) / n)
        return {
            normal: _around(p, wald),
            f"{normal} Cutting it off at 0 and 1 does not mend it.": (max(p - wald, 0), min(p + wald, 1)),
            "The two ends are swapped: `return lo, hi`.": (hi, lo),
            PER_CENT: (100 * lo, 100 * hi),
            "Those are numbers of images. Give shares between 0 and 1.": (n * lo, n * hi),
            "The square root is missing: p(1 − p)/n is a variance.": _around(p, z * p * (1 - p) / n),
            "The square root is missing.": _around(centre, z * inner / shrink),
            "That is the spread of single images; the *share* of n of them is √n times tighter: divide by n.": _around(
                p, z * math.sqrt(p * (1 - p))
            ),
            "That is one standard error on each side, which holds in 68 % of cases only.": _around(p, wald / z),
            "The width is Wilson's, the centre is not: it moves from p towards one half.": _around(p, half),
            "Divide both, centre and half-width, by (1 + z²/n).": _around(centre * shrink, half * shrink),
        }


def _other_intervals(right: int, n: int, normal: str) -> Mistakes:
    """List other intervals of a share that are in use; `normal` says what is wrong with p ± z standard errors."""
    p, z, z_one_sided = right / n, stats.norm.ppf(0.975), stats.norm.ppf(0.95)
    share, scatter = stats.binomtest(right, n), math.sqrt(p * (1 - p))
    padded, plus_four = (right + z**2 / 2) / (n + z**2), (right + 2) / (n + 4)
    lo, hi = _around(padded, z * math.sqrt(padded * (1 - padded) / (n + z**2)))
    jeffreys = stats.beta(right + 0.5, n - right + 0.5).ppf([0.025, 0.975]).tolist()
    agresti = (
        "That is Agresti and Coull's interval: Wilson's centre, with p ± z standard errors around it. It is a fair "
        "approximation, {} Write Wilson's own half-width here."
    )
    return {
        f"z = {z_one_sided:.3f} leaves 5 % on each side; for 95 % inside it is {z:.3f}.": tuple(
            share.proportion_ci(confidence_level=0.9, method="wilson")
        ),
        "That is the interval of Clopper and Pearson: a fair one, longer than it need be. Write Wilson's here.": tuple(
            share.proportion_ci(method="exact")
        ),
        f"That is Wilson's with z = 2. For 95 % z is `stats.norm.ppf(0.975)`, {z:.3f}.": _wilson(p, n, 2),
        agresti.format("and reaches below 0 where nothing is right."): [(lo, hi), (max(0, lo), min(1, hi))],
        agresti.format("here with 2 right and 2 wrong images added."): _around(
            plus_four, z * math.sqrt(plus_four * (1 - plus_four) / (n + 4))
        ),
        "That is Jeffreys' interval, from the Beta distribution with one half added to each side: a fair one. "
        "Write Wilson's here.": [
            tuple(jeffreys),
            (jeffreys[0] if right else 0.0, jeffreys[1] if right < n else 1.0),
        ],
        "That is a Bayesian interval with a uniform prior: a fair one. Write Wilson's here.": tuple(
            stats.beta(right + 1, n - right + 1).ppf([0.025, 0.975]).tolist()
        ),
        "That is Wilson's *with continuity correction*, which is longer. Leave the correction out.": tuple(
            share.proportion_ci(method="wilsoncc")
        ),
        f"{normal} Student's t does not mend it either: right and wrong are no measurements with a spread of their "
        "own.": [_around(p, stats.t.ppf(0.975, n - 1) * scatter / math.sqrt(size)) for size in (n, n - 1)],
    }


def _wilson(p: float, n: int, z: float) -> tuple[float, float]:
    """Compute Wilson's interval with a given z."""
    shrink = 1 + z**2 / n
    centre, half = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return _around(centre / shrink, half / shrink)


def _around(centre: float, half: float) -> tuple[float, float]:
    return centre - half, centre + half
