"""The checked exercises of lesson 3, `03_cows_horses`."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.teach.exercises.compare import (
    PER_CENT,
    Mistakes,
    check_loss,
    close,
    expect,
    must_train,
    numbers,
    scalar,
)
from course_utils.teach.exercises.exercise import Exercise, Wrong

LESSON = "03_cows_horses"

Translator = Callable[[Tensor], Tensor]


class ConditionalInput(Exercise):
    """Noise and the class asked for, side by side: what a conditional generator is fed (Mirza & Osindero 2014)."""

    lesson, title, minutes, difficulty = LESSON, "The conditional input", 5, 1
    hints = (
        "G needs two things in one row: the noise z, and which class is asked for. Put them side by side.",
        "A class number is not a quantity: cow = 1 is not *more* than horse = 0. One column a class, with a 1 in the "
        "column of the class asked for: `F.one_hot(c, classes)`.",
        "`torch.cat([z, F.one_hot(c, classes)], dim=1)`: dimension 0 is the batch, dimension 1 the columns.",
    )
    multiplied = (
        "You *multiplied* noise and class: that is what the project's published code does, with a learned embedding. "
        "Here they stand side by side: concatenate."
    )

    @staticmethod
    def reference(z: Tensor, c: Tensor, classes: int) -> Tensor:
        return torch.cat([z, F.one_hot(c, classes)], dim=1)

    def example(self) -> tuple[object, ...]:
        return torch.tensor([[0.5, -1.0], [2.0, 0.0]]), torch.tensor([1, 0]), 3

    def test(self, answer: object) -> None:
        # As many classes as latent dimensions, so that a product or a wrong dimension runs, and is named.
        z, c = torch.randn(3, 4, generator=torch.Generator().manual_seed(0)), torch.tensor([1, 0, 2])
        got, code = answer(z, c, 4), F.one_hot(c, 4).float()
        if not isinstance(got, Tensor):
            raise Wrong(f"It should be one tensor, noise and class in one row; yours is a {type(got).__name__}.")
        mistakes = {
            self.multiplied: z * code,
            f"{self.multiplied} (And class 0 has lost its noise: whatever z is, it is 0 now.)": z * c[:, None],
            "You *added* them: G could not tell noise from class. Concatenate.": z + code,
            "The class stands there as a *number*: class 2 would be twice class 1. Give each class a column of its "
            "own: `F.one_hot`.": torch.cat([z, c[:, None]], dim=1),
            "`F.one_hot(c)` makes as many columns as the largest class *in this batch* needs; another batch would have "
            "another width. Tell it: `F.one_hot(c, classes)`.": torch.cat([z, F.one_hot(c)], dim=1),
            "They stand *below* each other, which makes more rows: dimension 0 is the batch. Use `dim=1`.": torch.cat(
                [z, code], dim=0
            ),
            "The order is turned round: first z, then the class.": torch.cat([code, z], dim=1),
            "Your code says −1 where the class is another; one-hot says 0 there.": torch.cat([z, 2 * code - 1], dim=1),
            "Noise and class became two *layers* of one block: put them side by side in one row, `torch.cat`.": (
                torch.stack([z, code], dim=1)
            ),
            "The code is shifted or mirrored: class k has its 1 in column k, counted from 0.": [
                torch.cat([z, code.roll(1, 1)], dim=1),
                torch.cat([z, code.flip(1)], dim=1),
            ],
            "That is the noise alone: G does not hear which class is asked for.": z,
            "That is the class alone: without noise G draws one picture a class.": code,
        }
        expect(got, self.reference(z, c, 4), mistakes, "Each row is z and then the code of its class. The tensor")
        z, c = torch.randn(5, 100, generator=torch.Generator().manual_seed(1)), torch.tensor([0, 0, 1, 0, 1])
        if not close(answer(z, c, 2), self.reference(z, c, 2)):
            raise Wrong("Right for 4 classes, not for 2: use the argument `classes`.")


class SmoothedLoss(Exercise):
    """The discriminator's loss with one-sided label smoothing, from logits (Salimans et al. 2016, section 3.4)."""

    lesson, title, minutes, difficulty = LESSON, "One-sided label smoothing", 8, 2
    hints = (
        "Without smoothing D is told: real is 1, fake is 0. *One-sided* changes one of the two targets. Which?",
        "The cross-entropy of logits against targets between 0 and 1 is `F.binary_cross_entropy_with_logits(logits, "
        "targets)`; the targets are a tensor of the logits' shape.",
        "`torch.full_like(real, target)` for real images, `torch.zeros_like(fake)` for fakes; add the two means.",
    )

    @staticmethod
    def reference(real: Tensor, fake: Tensor, target: float = 0.9) -> Tensor:
        on_real = F.binary_cross_entropy_with_logits(real, torch.full_like(real, target))
        on_fake = F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
        return on_real + on_fake

    def example(self) -> tuple[object, ...]:
        return torch.tensor([2.0, 0.0]), torch.tensor([-1.0, -2.0]), 0.7

    def test(self, answer: object) -> None:
        real, fake = torch.tensor([2.0, -1.0, 0.5, 3.0]), torch.tensor([-2.0, 1.0, 0.0, -0.5])
        check_loss(
            answer,
            self.reference,
            (real, fake),
            0.9,
            mistakes=self._mistakes(real, fake, 0.9),
            deep=(torch.tensor([-200.0]), torch.tensor([200.0]), 0.9),
            reason="sigmoid runs into log 0. `F.binary_cross_entropy_with_logits` is the same function and does not.",
        )
        for target in (1.0, 0.8):
            if not close(scalar(answer(real, fake, target)), self.reference(real, fake, target)):
                raise Wrong(f"Right for a target of 0.9, not for {target:g}: use the argument `target`.")

    def _mistakes(self, real: Tensor, fake: Tensor, target: float) -> Mistakes:
        def towards(logits: Tensor, wanted: float) -> Tensor:
            return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, wanted))

        want = self.reference(real, fake, target)
        probability = torch.cat([real, fake]).sigmoid().split(len(real))
        floor = float(-(target * F.logsigmoid(torch.ones(())) + (1 - target) * F.logsigmoid(-torch.ones(()))))
        return {
            "You smoothed the fakes as well. Then where D sees only fakes the best answer is not 0: it would keep G's "
            "mistakes alive. "
            "*One-sided*: the target of fakes stays 0.": towards(real, target) + towards(fake, 1 - target),
            "You smoothed the wrong side: the target of *real* images is 0.9, that of fakes stays 0.": towards(real, 1)
            + towards(fake, 1 - target),
            "You made the real term smaller; its best D(x) is still 1. Smoothing changes the *target* inside the "
            "cross-entropy: 0.9 parts of −log D(x) "
            "and 0.1 parts of −log(1 − D(x)).": target * towards(real, 1) + towards(fake, 0),
            "You made the whole loss smaller; what is best for D stays as it was. The *target* must change.": target
            * (towards(real, 1) + towards(fake, 0)),
            "That is the paper's sentence word for word: its 0.9 stands in the term of the *fakes*. There it does not "
            "keep D(x) away from 1, and has no logarithm where D(G(z)) exceeds 0.9. "
            "Change the target of real images.": -(
                probability[0].log().mean() + (target - probability[1]).log().mean()
            ),
            f"You took a sigmoid, and the loss takes another: for real images it cannot fall below {floor:.2f}. Give "
            "it the logits.": towards(probability[0], target) + towards(probability[1], 0),
            "`target` is not used: that is the loss without smoothing.": towards(real, 1) + towards(fake, 0),
            "You averaged the two terms; the loss is their sum.": want / 2,
            "That is the sum over the batch: take the mean of each term.": want * len(real),
            "You turned the target round: that of real images is `target`, not 1 − `target`.": towards(real, 1 - target)
            + towards(fake, 0),
            "You made the *logits* smaller. The target must change.": towards(target * real, 1) + towards(fake, 0),
            "Those are squared errors, the least-squares GAN's loss. Take the cross-entropy.": (target - probability[0])
            .square()
            .mean()
            + probability[1].square().mean(),
            "Real and fake are swapped: your D is paid for calling fakes real.": towards(fake, target)
            + towards(real, 0),
            "Only the real term is there: D must also be told what a fake is.": towards(real, target),
            "The fakes have the target of real images: theirs is 0.": towards(torch.cat([real, fake]), target),
        }


class CycleLoss(Exercise):
    """Mean |BA(AB(a)) − a| + mean |AB(BA(b)) − b| (Zhu et al. 2017, eq. 2)."""

    lesson, title, minutes, difficulty = LESSON, "The cycle loss", 6, 2
    hints = (
        "Translate a picture, translate it back, and compare with the picture you began with. Do it for both sides.",
        "From side A: `AB(a)` is its translation, `BA(AB(a))` comes back. The difference is `BA(AB(a)) - a`.",
        "`(BA(AB(a)) - a).abs().mean()` is one half; the other begins with b. Add them.",
    )

    @staticmethod
    def reference(a: Tensor, b: Tensor, AB: Translator, BA: Translator) -> Tensor:
        return (BA(AB(a)) - a).abs().mean() + (AB(BA(b)) - b).abs().mean()

    def example(self) -> tuple[object, ...]:
        def AB(x: Tensor) -> Tensor:
            """x → 3x"""
            return 3 * x

        def BA(x: Tensor) -> Tensor:
            """x → x − 1"""
            return x - 1

        return torch.tensor([0.0, 1.0]), torch.tensor([1.0, 3.0]), AB, BA

    def test(self, answer: object) -> None:
        rng = torch.Generator().manual_seed(0)
        a, b = torch.rand(2, 3, 3, 2, 2, generator=rng)
        weight = torch.tensor(2.0, requires_grad=True)

        def AB(x: Tensor) -> Tensor:
            """x → 2x + 0.1"""
            return weight * x + 0.1

        def BA(x: Tensor) -> Tensor:
            """x → (x − 0.1)² / 2"""
            return (x - 0.1).square() / weight

        with torch.no_grad():
            want = float(self.reference(a, b, AB, BA))
            mistakes = self._mistakes(a, b, AB, BA)
        loss = answer(a, b, AB, BA)
        got = scalar(loss)
        expect(got, want, mistakes, "The loss")
        must_train(loss, self.reference(a, b, AB, BA), weight)
        if not close(scalar(answer(a[:1], b, AB, BA)), scalar(self.reference(a[:1], b, AB, BA))):
            raise Wrong("Right for as many a as b, not for one a and three b: take the mean of each side by itself.")

    def _mistakes(self, a: Tensor, b: Tensor, AB: Translator, BA: Translator) -> Mistakes:
        from_a, from_b = BA(AB(a)) - a, AB(BA(b)) - b
        one = "That is the way there and back from side {} only: with it alone {} may forget what it likes."
        pairs = (
            "You compared AB(a) with b. They are not a pair: no photograph here shows *this* cow as a horse. That is "
            "why the picture goes there and *back*, and is compared with itself."
        )
        return {
            one.format("A", "the way from B"): from_a.abs().mean(),
            one.format("B", "the way from A"): from_b.abs().mean(),
            "Those are squares. CycleGAN takes absolute values, which blur less.": from_a.square().mean()
            + from_b.square().mean(),
            "The absolute value is missing: errors of both signs cancel, "
            "and a loss below 0 could be had.": from_a.mean() + from_b.mean(),
            "The absolute value comes too late: pixels that are too bright and too "
            "dark have cancelled in the mean.": from_a.mean().abs() + from_b.mean().abs(),
            pairs: [(AB(a) - b).abs().mean() + (BA(b) - a).abs().mean(), (AB(a) - b).abs().mean()],
            "The order is turned round: a lies on side A, so AB comes first. `BA(AB(a))`.": (AB(BA(a)) - a).abs().mean()
            + (BA(AB(b)) - b).abs().mean(),
            "That is the *identity* loss: what is already on the right side should stay as it is. The cycle goes there "
            "and back.": (AB(b) - b).abs().mean() + (BA(a) - a).abs().mean(),
            "You compared the translation with its original: then the best translator changes nothing.": (AB(a) - a)
            .abs()
            .mean()
            + (BA(b) - b).abs().mean(),
            "A weight does not belong here: the step multiplies the whole loss by λ.": [
                10 * (from_a.abs().mean() + from_b.abs().mean()),
                10 * from_a.abs().mean() + from_b.abs().mean(),
                from_a.abs().mean() + 10 * from_b.abs().mean(),
            ],
            "You compared what came back with a picture of the *other* side: compare it with the one you began with.": (
                BA(AB(a)) - b
            )
            .abs()
            .mean()
            + (AB(BA(b)) - a).abs().mean(),
            "That is a length, the root of a sum of squares: it grows with the picture. Take the mean of absolute "
            "values.": from_a.norm() + from_b.norm(),
            "You took one side from the other: then they could cancel. Add them.": from_a.abs().mean()
            - from_b.abs().mean(),
            "You went the same way twice: `BA` comes back.": (AB(AB(a)) - a).abs().mean()
            + (BA(BA(b)) - b).abs().mean(),
            "You averaged the two sides; the loss is their sum.": (from_a.abs().mean() + from_b.abs().mean()) / 2,
            "That is the sum over all pixels: take the mean of each side.": from_a.abs().sum() + from_b.abs().sum(),
        }


class ConstantScores(Exercise):
    """What a classifier scores that answers one half to everything."""

    lesson, title, minutes, difficulty = LESSON, "The scores of a constant answer", 6, 1
    hints = (
        "The cross-entropy of one image is −log of the probability given to its true class. Which probability is that "
        "here, for a cow and for a horse?",
        "0.5 counts as *cow*, so every image is called a cow. Of 100 images, how many does it get right?",
        "Precision: of those it *called* cows, how many are. Recall: of those that *are* cows, how many it called so. "
        "`math.log` is the natural logarithm.",
    )

    @staticmethod
    def reference(positive_share: float) -> tuple[float, float, float, float]:
        bce = -math.log(0.5)
        accuracy = positive_share
        precision = positive_share
        recall = 1.0
        return bce, accuracy, precision, recall

    def example(self) -> tuple[object, ...]:
        return (0.7,)

    def test(self, answer: object) -> None:
        for share in (0.2, 0.9, 0.5):
            names = "bce, accuracy, precision, recall"
            got = numbers(answer(share), names)
            for name, said, want in zip(names.split(", "), got, self.reference(share), strict=True):
                expect(said, want, self._mistakes(share)[name], f"With a share of {share:g} the {name}")

    def _mistakes(self, share: float) -> dict[str, Mistakes]:
        entropy = -share * math.log(share) - (1 - share) * math.log(1 - share)
        horse = "At exactly 0.5 somebody must decide: the paper's recall of 1.0 says that it counts as *cow*."
        return {
            "bce": {
                "That is one *bit*, the logarithm to base 2. Keras and PyTorch take the natural logarithm.": 1.0,
                "That is the logarithm to base 10. Keras and PyTorch take the natural logarithm.": -math.log10(0.5),
                "The sign is missing: a cross-entropy is −log, and positive.": math.log(0.5),
                "The logarithm is missing: −log of the probability given to the true class.": 0.5,
                "That is −log of the *share*: the classifier gives each image 0.5, whatever the share.": -math.log(
                    share
                ),
                "You counted each image twice: only the term of its true class counts.": 2 * math.log(2),
                "That is what a constant scores that *knows* the share and answers it. This one answers 0.5.": entropy,
            },
            "accuracy": {
                f"So many are horses. {horse}": 1 - share,
                f"With a share of {share:g} it calls all cows, and is right on the cows.": 0.5,
                "So a classifier would score that always says the more frequent animal. This one says *cow*.": max(
                    share, 1 - share
                ),
                "Then it would be right on horses too, which it calls cows.": 1.0,
                PER_CENT: 100 * share,
            },
            "precision": {
                f"Then it would never be right when it says *cow*. {horse}": 0.0,
                "That is recall. Precision: of those it *called* cows, how many are? It called all so.": 1.0,
                f"Of those it calls cows, which are all images, a share of {share:g} are.": 0.5,
                PER_CENT: 100 * share,
            },
            "recall": {
                f"Then it would call nothing a cow. {horse}": 0.0,
                "So a coin would score, which calls half of the cows horses. This classifier calls none so.": 0.5,
                "That is precision. Recall: of those that *are* cows, how many did it call so?": share,
                PER_CENT: 100.0,
            },
        }
