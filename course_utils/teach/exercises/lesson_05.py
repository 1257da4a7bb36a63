"""The checked exercises of lesson 5, `05_fashion_acgan`."""

from __future__ import annotations

import math
import operator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.teach.exercises import lesson_01
from course_utils.teach.exercises.compare import (
    Mistakes,
    check_loss,
    cross_entropy_mistakes,
    expect,
    numbers,
    parts,
)
from course_utils.teach.exercises.exercise import Exercise, Wrong

LESSON = "05_fashion_acgan"


class SourceLoss(lesson_01.DiscriminatorLoss):
    """−L_S, the discriminator's loss on the source, from logits (Odena et al. 2017, eq. 2)."""

    lesson, title, minutes, difficulty = LESSON, "Real or fake: the loss L_S", 6, 2
    hints = (
        "L_S = mean log P(S = real | real image) + mean log P(S = fake | fake image). D maximises it, so its *loss* is "
        "−L_S: two terms, both positive.",
        "With a logit a, P(real) = sigmoid(a) and P(fake) = 1 − sigmoid(a) = sigmoid(−a).",
        "−log sigmoid(a) is `F.softplus(-a)`, which also holds where the sigmoid has become 0 or 1: "
        "`F.softplus(-real).mean()` is the first term. Which sign has the second?",
    )

    @staticmethod
    def reference(real: Tensor, fake: Tensor) -> Tensor:
        return F.softplus(-real).mean() + F.softplus(fake).mean()

    def example(self) -> tuple[object, ...]:
        return torch.tensor([[1.0], [-2.0]]), torch.tensor([[0.0], [2.0]])


class ClassLoss(Exercise):
    """−log P(class | image) from logits: for real images and for fakes a term of −L_C (Odena et al. 2017, eq. 3)."""

    lesson, title, minutes, difficulty = LESSON, "Which class: the loss L_C", 5, 1
    hints = (
        "L_C is the mean of log P(C = c | image), c being the label of a real image, or the class asked for. The loss "
        "is −L_C. It is called once for real images and once for fakes.",
        "The probabilities are the softmax of the logits; only that of the class `labels` counts.",
        "`F.cross_entropy(logits, labels)` takes logits *as they are*: softmax, logarithm, sign and mean are in it.",
    )

    @staticmethod
    def reference(logits: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(logits, labels)

    def example(self) -> tuple[object, ...]:
        return torch.tensor([[2.0, 0.0, 1.0], [0.0, -1.0, 0.5]]), torch.tensor([0, 1])

    def test(self, answer: object) -> None:
        logits = 2 * torch.randn(4, 10, generator=torch.Generator().manual_seed(5))
        labels = torch.tensor([3, 0, 9, 3])
        check_loss(
            answer,
            self.reference,
            (logits,),
            labels,
            mistakes=cross_entropy_mistakes(logits, labels),
            deep=(torch.tensor([[-200.0, 0.0, 200.0]]), torch.tensor([0])),
            reason="softmax runs into log 0. `F.cross_entropy` on the logits does not.",
        )


class Gate(Exercise):
    """Who trains in the next step: the network with the lower loss pauses (paper 5, section V)."""

    lesson, title, minutes, difficulty = LESSON, "The gate", 4, 1
    hints = (
        "The lower loss pauses: D trains unless its loss is *below* G's, and the other way round.",
        "A comparison of two tensors is a tensor of its own: `d_loss >= g_loss` needs no `if`.",
        "What should hold at equal losses? With `>=` in both comparisons both train.",
    )

    @staticmethod
    def reference(d_loss: Tensor, g_loss: Tensor) -> tuple[Tensor, Tensor]:
        return d_loss >= g_loss, g_loss >= d_loss

    def example(self) -> tuple[object, ...]:
        return torch.tensor(0.4), torch.tensor(0.9)

    def test(self, answer: object) -> None:
        cases = ((1.1, 0.8), (0.4, 0.5), (0.9, 0.9))  # no fixed threshold gets both of the first two right
        got = [self._pair(answer(torch.tensor(d), torch.tensor(g))) for d, g in cases]
        # D's loss higher, lower, equal
        mistakes = {
            ((False, True), (True, False), (True, True)): "It is turned round: the network with the *lower* loss "
            "pauses, and the first of the two answers is D's.",
            ((False, True), (True, False), (False, False)): "You said who *pauses*; give back who trains.",
            ((True, False), (False, True), (False, False)): "Right, but for equal losses: then both would pause, and "
            "nobody learns. Let both train.",
            ((True, False), (False, True), (False, True)): "Right, but for equal losses: then neither is the lower "
            "one, and both train. Yours pauses D.",
            ((True, False), (False, True), (True, False)): "Right, but for equal losses: then neither is the lower "
            "one, and both train. Yours pauses G.",
            ((True, True), (True, True), (True, True)): "Nobody ever pauses.",
        }
        if got != [(True, False), (False, True), (True, True)]:
            said = "; ".join(
                f"D {d:g}, G {g:g}: D {'trains' if one else 'pauses'}, G {'trains' if other else 'pauses'}"
                for (d, g), (one, other) in zip(cases, got, strict=True)
            )
            raise Wrong(mistakes.get(tuple(got), f"The network with the lower loss should pause. Yours says: {said}."))
        nowhere = torch.empty((), device="meta")  # a tensor without a value: who looks at it gets an error
        try:
            here = [part.device.type for part in answer(nowhere, nowhere)]
        except (RuntimeError, NotImplementedError):
            here = []
        if here != ["meta", "meta"]:
            raise Wrong(
                "The answers are right, but your function reads the losses' values (an `if`, `bool()`, `.item()`), or "
                "makes new tensors. On a GPU each reading would stop the training until the step is done. Compare the "
                "two tensors, and return the comparisons."
            )

    @staticmethod
    def _pair(value: object) -> tuple[bool, bool]:
        parts(value, "d_trains, g_trains", "answers")
        if any(isinstance(part, (bool, np.bool_)) for part in value):
            raise Wrong(
                "Those are plain Python truth values, so your function has read the losses. Leave out `if`, `bool()` "
                "and `.item()`: the comparison of two tensors is the tensor that is wanted."
            )
        if any(not isinstance(part, Tensor) or part.dtype != torch.bool or part.numel() != 1 for part in value):
            raise Wrong("Each of the two should be a tensor that is true or false, as a comparison of tensors gives.")
        return bool(value[0]), bool(value[1])


class ConfidenceFilter(Exercise):
    """Which fakes an independent classifier takes for the class asked for, with a probability of at least `least`."""

    lesson, title, minutes, difficulty = LESSON, "The filter", 5, 1
    hints = (
        "First probabilities: the softmax of each row of `logits`, N × classes.",
        "Of each row only one probability counts, that of the class asked for. `probabilities[rows, asked]` picks it, "
        "with `rows = torch.arange(len(asked))`; so does `gather`.",
        "`logits.softmax(1).gather(1, asked[:, None])` is N × 1; `.squeeze(1)` makes it N. Compare with `least`.",
    )

    @staticmethod
    def reference(logits: Tensor, asked: Tensor, least: float) -> Tensor:
        probabilities = logits.softmax(dim=1)
        of_asked = probabilities.gather(1, asked[:, None]).squeeze(1)
        return of_asked >= least

    def example(self) -> tuple[object, ...]:
        return torch.tensor([[3.0, 0.0], [3.0, 2.0], [0.0, 3.0]]), torch.tensor([0, 0, 0]), 0.8

    def test(self, answer: object) -> None:
        # rows: sure and right; sure and wrong; right and unsure; nearly; exactly one half; far ahead, with low logits;
        # surely wrong; the surest of all; second of two high ones
        logits = torch.tensor(
            [
                [4.0, 0.0, 0.0],
                [5.0, 0.0, 0.0],
                [0.4, 0.2, 0.0],
                [1.2, 3.0, 1.2],
                [1.0, 1.0, -90.0],
                [-9.0, -8.0, -2.0],
                [0.3, 0.0, 3.0],
                [9.0, 0.0, 0.0],
                [2.5, 3.0, -9.0],
            ]
        )
        asked = torch.tensor([0, 1, 0, 1, 1, 2, 2, 0, 0])
        for least in (0.9, 0.7, 0.5):
            mask, want = self._mask(answer(logits, asked, least), len(asked)), self.reference(logits, asked, least)
            expect(mask, want, self._mistakes(logits, asked, least), f"With at least {least:g} the mask")

    def _mistakes(self, logits: Tensor, asked: Tensor, least: float) -> Mistakes:
        p = logits.softmax(1)
        rows = torch.arange(len(asked))
        want, said = p[rows, asked] >= least, p.argmax(1) == asked
        return {
            "You keep what the classifier is sure of, *whatever* it sees: a coat that is surely a bag would stay, with "
            "the label coat. Ask for the probability of the class asked for.": p.amax(1) >= least,
            "You keep every fake that is taken for the class asked for, however unsure "
            "the classifier is: use `least`.": said,
            "Those are logits, not probabilities: take the softmax of each row first.": logits[rows, asked] >= least,
            "A sigmoid asks of each class by itself; the classifier "
            "chooses *between* classes: softmax.": logits.sigmoid()[rows, asked] >= least,
            "Your softmax runs over the fakes: images would compete with each "
            "other. Classes should: `dim=1`.": logits.softmax(0)[rows, asked] >= least,
            "It is turned round: you keep what should be thrown away.": ~want,
            "You ask the *logit* of the class that is seen: take the softmax, and of it the class asked for.": said
            & (logits.amax(1) >= least),
            "You keep none. Logarithms of probabilities lie below 0: compare the probability itself.": torch.zeros(
                len(asked), dtype=torch.bool
            ),
            "One that reaches `least` exactly is kept: `>=`.": p[rows, asked] > least,
            "The threshold does not follow the argument: use `least`.": [
                p[rows, asked] >= fixed for fixed in (0.9, 0.7, 0.5)
            ],
        }

    @staticmethod
    def _mask(value: object, n: int) -> Tensor:
        if isinstance(value, Tensor) and value.dtype == torch.int64 and value.ndim and value.shape != (n,):
            raise Wrong("Those are the positions of the kept fakes. Give back the mask: true or false for each fake.")
        if not isinstance(value, Tensor) or value.shape != (n,):
            raise Wrong(
                f"It should be a tensor with true or false for each of the {n} fakes; yours has shape "
                f"{tuple(np.shape(value))}."
            )
        if value.dtype != torch.bool:
            raise Wrong("It should say true or false for each fake: compare the probability with `least`.")
        return value


class Leakage(Exercise):
    """The largest leak from a class asked for to another that is seen."""

    lesson, title, minutes, difficulty = LESSON, "The worst leak", 8, 2
    hints = (
        "Count first: `counts[a, b]` is how many fakes were asked to be a and are seen as b. "
        "`torch.bincount(asked * classes + seen, minlength=classes**2)` counts all pairs at once; `.view` makes it "
        "square.",
        "A share is of the fakes *asked for*: divide each row by its sum, `counts.sum(1, keepdim=True)`. A class that "
        "nobody asked for has the sum 0: `.clamp(min=1)`.",
        "The diagonal is no leak: `shares.fill_diagonal_(-1)`. Then `divmod(int(shares.argmax()), classes)` is row and "
        "column of the largest.",
    )

    @staticmethod
    def reference(asked: Tensor, seen: Tensor, classes: int) -> tuple[int, int, float]:
        counts = torch.bincount(asked * classes + seen, minlength=classes**2).view(classes, classes)
        shares = counts / counts.sum(1, keepdim=True).clamp(min=1)
        shares.fill_diagonal_(-1)  # what is seen as asked is no leak, and -1 is below every share
        a, b = divmod(int(shares.argmax()), classes)
        return a, b, float(shares[a, b])

    def example(self) -> tuple[object, ...]:
        return torch.tensor([0, 0, 0, 0, 0, 1, 1]), torch.tensor([0, 0, 0, 1, 1, 1, 0]), 2

    def test(self, answer: object) -> None:
        # The largest leak is 2 → 3; in counts it would be 0 → 1, by columns 3 → 2. Nobody asks for 5, or sees one.
        counts = torch.tensor(
            [
                [70, 20, 3, 0, 7, 0],
                [15, 85, 0, 0, 0, 0],
                [0, 1, 6, 3, 0, 0],
                [0, 0, 8, 32, 0, 0],
                [1, 0, 0, 0, 39, 0],
                [0, 0, 0, 0, 0, 0],
            ]
        )
        classes = range(len(counts))
        pairs = torch.tensor([(a, b) for a in classes for b in classes]).repeat_interleave(counts.flatten(), dim=0)
        asked, seen = pairs[torch.randperm(len(pairs), generator=torch.Generator().manual_seed(0))].T
        want = self.reference(asked, seen, len(counts))
        answered = answer(asked, seen, len(counts))
        got = numbers(answered, "a, b, share")
        if math.isnan(got[2]):
            raise Wrong("Class 5 was never asked for in the hidden test, and 0/0 is NaN: divide by `.clamp(min=1)`.")
        expect(got, want, self._mistakes(counts, want), "(a, b, share)")
        try:
            operator.index(answered[0]), operator.index(answered[1])
        except TypeError:
            raise Wrong(
                "Right, but the lesson looks up the names of classes a and b: make both whole, `int(a)`."
            ) from None

    def _mistakes(self, counts: Tensor, want: tuple[int, int, float]) -> Mistakes:
        a, b, share = want
        leaks, total = counts.clone().fill_diagonal_(0), float(counts.sum())
        of_asked, of_seen = (counts.sum(dim, keepdim=True).clamp(min=1) for dim in (1, 0))

        def largest(shares: Tensor) -> tuple[int, int, float]:
            row, column = divmod(int(shares.argmax()), len(shares))
            return row, column, float(shares[row, column])

        row, column, count = largest(leaks)
        down, across, seen_share = largest(leaks / of_seen)
        among_leaks = largest(leaks / leaks.sum(1, keepdim=True).clamp(min=1))
        by_count = (
            f"You looked for the largest *count*, {row} → {column}. Class {a} was asked for less often, and more of it "
            "leaks: divide each row by its sum first."
        )
        columns = "You divided by the columns: of what is *seen* as a class. Divide by what was asked for, the rows."
        return {
            "The two classes are swapped: first the one asked for, then the one seen.": (b, a, share),
            "That lies on the diagonal: seen as asked is no leak. Leave the diagonal out.": largest(counts / of_asked),
            "That is per cent. Give a share between 0 and 1.": (a, b, 100 * share),
            "That is the share of those that are *not* seen as b.": (a, b, 1 - share),
            "That is how many leak; divide by how often the class was asked for.": (a, b, float(counts[a, b])),
            "Divide by how often class a was asked for, not by all fakes.": (a, b, float(counts[a, b]) / total),
            "That is a share among the *leaks* of a row; divide by all fakes "
            "asked for, those seen as asked too.": among_leaks,
            by_count: [
                (row, column, count),
                (row, column, count / total),
                (row, column, float((leaks / of_asked)[row, column])),
            ],
            columns: [(down, across, seen_share), (across, down, seen_share)],
        }
