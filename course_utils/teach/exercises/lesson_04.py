"""The checked exercises of lesson 4, `04_mnist_gan_vs_pca`."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.teach.exercises import lesson_03
from course_utils.teach.exercises.compare import Mistakes, check_draws, close, expect, must_train, scalar
from course_utils.teach.exercises.exercise import Exercise, Wrong, cloud

LESSON = "04_mnist_gan_vs_pca"

Draw = Callable[[Tensor, Tensor, int, torch.Generator], Tensor]


class ConditionalAccuracy(Exercise):
    """The share of generated images that the judge takes for the class asked for: paper 4's score."""

    lesson, title, minutes, difficulty = LESSON, "Conditional accuracy", 4, 1
    hints = (
        "For each image the judge gives ten logits, one a class. Which class does it say?",
        "`logits.argmax(dim=1)` is what the judge says, one class an image. Compare it with `asked`, image by image.",
        "`(… == asked).float().mean().item()`: True counts 1, False 0, and their mean is the share.",
    )

    @staticmethod
    def reference(logits: Tensor, asked: Tensor) -> float:
        said = logits.argmax(dim=1)
        return (said == asked).float().mean().item()

    def example(self) -> tuple[object, ...]:
        return torch.tensor([[2.0, 0.0], [1.0, 3.0], [0.5, -1.0]]), torch.tensor([0, 0, 1])

    def test(self, answer: object) -> None:
        # Fifteen images of five classes, asked for unequally often; a judge that is sure of some and unsure of others.
        asked = torch.tensor([0] * 6 + [1] * 4 + [2, 2, 3, 3, 4])
        said = torch.tensor([0, 0, 0, 0, 0, 1, 1, 1, 0, 2, 2, 2, 3, 0, 3])
        noise = torch.rand(len(asked), 5, generator=torch.Generator().manual_seed(2))
        logits = noise + F.one_hot(said, 5) * torch.linspace(1.5, 4, len(asked))[:, None] - 2
        got, want = scalar(answer(logits, asked), "The accuracy"), self.reference(logits, asked)
        expect(got, want, self._mistakes(logits, asked, said), "The accuracy")
        if not close(scalar(answer(logits + 5, asked), "The accuracy"), want):
            raise Wrong(
                "All logits rose by the same amount, and your answer changed: only which is the largest counts."
            )
        if not close(scalar(answer(logits[:, [1, 2, 3, 4, 0]], (asked - 1) % 5), "The accuracy"), want):
            raise Wrong("With the classes numbered otherwise it breaks: compare with `asked`.")

    def _mistakes(self, logits: Tensor, asked: Tensor, said: Tensor) -> Mistakes:
        right, p, n = (said == asked).float(), logits.softmax(1), len(asked)
        recalls = torch.stack([right[asked == k].mean() for k in range(5)])
        precisions = torch.stack([right[said == k].mean() for k in range(4)])
        often = sum(min(int((said == k).sum()), int((asked == k).sum())) for k in range(5))
        return {
            "That is per cent. Give a share between 0 and 1.": 100 * right.mean(),
            "You divided by the number of *classes*. Count images.": [right.sum() / 5, right.sum() / 10],
            "That is the share of images that miss. It asks for those that hit.": 1 - right.mean(),
            "That is *how many* hit: divide by the number of images.": right.sum(),
            "You divided by the number of logits; there are ten an image. Count images.": right.sum() / logits.numel(),
            "That is the mean over classes. Here every image counts once, also where classes are unequally often asked "
            "for.": recalls.mean(),
            "That is the mean precision. Every image counts once here.": precisions.mean(),
            "That is the mean *probability* of the class asked for. An "
            "accuracy only counts which is largest.": p.gather(1, asked[:, None]).mean(),
            "That is the mean logit of the class asked for. Which is largest?": logits.gather(1, asked[:, None]).mean(),
            "That is how *sure* the judge is; whether it is right stands nowhere in it.": p.max(dim=1).values.mean(),
            "That is the cross-entropy, a loss. Count how often `argmax` is right.": F.cross_entropy(logits, asked),
            "You let the judge say two classes an image. Its first choice counts.": (
                (logits.topk(2, dim=1).indices == asked[:, None]).any(1).float().mean()
            ),
            "You compared how *often* each class is seen and asked for. A 3 in place of a 5 and a 5 in place of a 3 "
            "would cancel: compare image by image.": often / n,
        }


class Cheat(Exercise):
    """A generator that draws one training image a class, for ever: a full score by the paper, without any variety."""

    lesson, title, minutes, difficulty = LESSON, "The three-line cheat", 5, 1
    hints = (
        "No network is needed. To whoever asks for a 7, hand the first 7 of the training set.",
        "`pixels[labels == k]` are the images of class k, `pixels[labels == k][0]` is the first of them.",
        "First a lookup, one image a class: `first = {k: pixels[labels == k][0] for k in labels.unique().tolist()}`. "
        "Then `torch.stack([first[k] for k in …])`, in the order in which they are asked for.",
    )

    @staticmethod
    def reference(asked: Tensor, pixels: Tensor, labels: Tensor) -> Tensor:
        first = {k: pixels[labels == k][0] for k in labels.unique().tolist()}
        return torch.stack([first[k] for k in asked.tolist()])

    def example(self) -> tuple[object, ...]:
        pixels = torch.tensor([10, 20, 30, 40], dtype=torch.uint8)[:, None, None, None].repeat(1, 1, 28, 28)
        return torch.tensor([7, 3, 7]), pixels, torch.tensor([3, 7, 7, 3])

    def test(self, answer: object) -> None:
        rng = torch.Generator().manual_seed(0)
        labels = torch.cat([torch.randperm(10, generator=rng) for _ in range(4)])
        pixels = torch.randint(256, (len(labels), 1, 28, 28), generator=rng, dtype=torch.uint8)
        asked = torch.tensor([3, 3, 0, 9, 1, 0, 7, 3])
        before, got = pixels.clone(), answer(asked, pixels, labels)
        if not isinstance(got, Tensor):
            raise Wrong(f"It should be one tensor of images; yours is a {type(got).__name__}. Try `torch.stack`.")
        if got.dtype != torch.uint8:
            raise Wrong(f"Images are uint8, as in the training set; yours are {got.dtype}.")
        if got.shape != (want := self.reference(asked, pixels, labels)).shape:
            raise Wrong(f"8 images were asked for, so 8 × 1 × 28 × 28; yours are {tuple(got.shape)}.")
        if not torch.equal(before, pixels):
            raise Wrong("You changed the training images themselves: hand out, do not write into `pixels`.")
        if not torch.equal(got, want):
            raise self._wrong(got, asked, pixels, labels)
        if not torch.equal(answer(asked[:2], pixels, labels), want[:2]):
            raise Wrong("Right for 8 images asked for, not for 2 of one class: look up the class of each.")

    def _wrong(self, got: Tensor, asked: Tensor, pixels: Tensor, labels: Tensor) -> Wrong:
        own = [[i for i in range(len(labels)) if torch.equal(pixels[i], picture)] for picture in got]
        last = torch.stack([pixels[labels == k][-1] for k in asked])
        mean = torch.stack([pixels[labels == k].float().mean(0) for k in asked])
        if torch.equal(got, pixels[asked]):
            return Wrong(
                "`pixels[asked]` takes the classes for *positions*: asked for a 3 it hands the image at place 3, "
                "whatever it shows. Look among the images whose label is 3."
            )
        if (got == pixels[0]).all():
            return Wrong("That is the first image of all, whatever is asked for: the first *of its class* is asked.")
        if torch.equal(got, last):
            return Wrong("Those are the *last* of each class; take the first.")
        if all((picture.float() - m).abs().max() <= 1 for picture, m in zip(got, mean, strict=True)):
            return Wrong("That is each class's mean image: it is blurred. Take one that was written.")
        if not all(own):
            return Wrong("Some of your images are not in the training set at all: hand them out as they are.")
        if any(labels[places[0]] != k for places, k in zip(own, asked.tolist(), strict=True)):
            if sorted(int(labels[places[0]]) for places in own) == sorted(asked.tolist()):
                return Wrong("The right images in the wrong order: image i must be of class `asked[i]`.")
            return Wrong("Some images are of another class than the one asked for.")
        return Wrong(
            "Right classes, real images, but not always the *same* one: for each class hand the first one, each time. "
            "(Real images drawn at random are another cheat: which measure would catch that one?)"
        )


class JoinToNoise(lesson_03.ConditionalInput):
    """The label enters G: its one-hot code beside the noise (paper 4, section 3.1)."""

    lesson, title, minutes, difficulty = LESSON, "The label joins the noise", 3, 1
    hints = (
        "G's first dense layer should see both, noise and label: make one row of the two.",
        "A label is no quantity: 8 is not twice 4. One column a class, and a 1 in that of the label: "
        "`F.one_hot(c, classes)`.",
        "`torch.cat([z, F.one_hot(c, classes)], dim=1)`: dimension 0 is the batch, dimension 1 the columns.",
    )
    multiplied = (
        "You *multiplied* noise and label. With a learned embedding that is a way, too, and lesson 5 goes it; here "
        "they stand side by side: concatenate."
    )


class JoinToImage(Exercise):
    """The label enters D: a dense layer makes a picture of it, stacked as a channel (paper 4, section 3.1)."""

    lesson, title, minutes, difficulty = LESSON, "The label joins the image", 8, 2
    hints = (
        "D's convolutions take maps of 28 × 28, and a label is one number. `plane` is a dense layer that makes 784 "
        "numbers of its one-hot code: a picture of the label.",
        "`F.one_hot(y, plane.in_features).float()` is the code, N × classes (a dense layer takes floats). After "
        "`plane` it is N × 784; `.view(-1, 1, 28, 28)` makes one map an image of it.",
        "Images are N × 1 × 28 × 28: batch, channel, row, column. As a second channel: `torch.cat([x, …], dim=1)`.",
    )

    @staticmethod
    def reference(x: Tensor, y: Tensor, plane: nn.Linear) -> Tensor:
        code = F.one_hot(y, plane.in_features).float()
        channel = plane(code).view(-1, 1, 28, 28)
        return torch.cat([x, channel], dim=1)

    def example(self) -> tuple[object, ...]:
        plane = nn.Linear(2, 28 * 28, bias=False)
        plane.weight = nn.Parameter(torch.tensor([[3.0, 5.0]]).repeat(28 * 28, 1))
        plane.__doc__ = "a layer that makes 3s of class 0 and 5s of class 1"
        return torch.tensor([0.5, -1.0])[:, None, None, None].repeat(1, 1, 28, 28), torch.tensor([1, 0]), plane

    def test(self, answer: object) -> None:
        for classes in (10, 4):
            x = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1
            x.requires_grad_()
            y, plane = torch.tensor([1, 0, 2]), nn.Linear(classes, 28 * 28)
            plane.__doc__ = f"a dense layer from {classes} to 784"
            plane.register_forward_pre_hook(_takes_codes)
            got, want = answer(x, y, plane), self.reference(x, y, plane)
            if not isinstance(got, Tensor):
                raise Wrong(
                    f"It should be one tensor, image and label as two channels; yours is a {type(got).__name__}."
                )
            with torch.no_grad():
                expect(got, want, self._mistakes(x, y, plane), "First the image, then the label's map. The tensor")
            must_train(got, want, x, plane.weight)

    def _mistakes(self, x: Tensor, y: Tensor, plane: nn.Linear) -> Mistakes:
        code = F.one_hot(y, plane.in_features).float()
        channel = plane(code).view(-1, 1, 28, 28)
        constant = code[:, :, None, None].expand(-1, -1, 28, 28)
        stack = "Stack them as two *channels*: batch, channel, row, column, so `dim=1`."
        return {
            f"You *added* the two: D could not tell stroke from label. {stack}": x + channel,
            f"You *multiplied* the two: where the paper is black, nothing of the label is left. {stack}": x * channel,
            "The order is turned round: first the image, then the label.": torch.cat([channel, x], dim=1),
            f"They stand one after the other in the *batch*: 6 images. {stack}": torch.cat([x, channel], dim=0),
            f"They stand one *below* the other, a picture of 56 × 28. {stack}": torch.cat([x, channel], dim=2),
            f"They stand *beside* each other, a picture of 28 × 56. {stack}": torch.cat([x, channel], dim=3),
            "You stacked one constant map a class. That is a good way, too; the paper sends the code through a dense "
            "layer first, `plane`, which makes one map of it.": torch.cat([x, constant], dim=1),
            "The label stands there as a *number*: 8 would be twice 4. Give its one-hot code to `plane`.": torch.cat(
                [x, y[:, None, None, None].expand_as(x)], dim=1
            ),
            "The map is turned on its side: `.view(-1, 1, 28, 28)` is enough.": torch.cat([x, channel.mT], dim=1),
            "You multiplied the label's map with the image: where the paper is black, nothing of the label is "
            "left.": torch.cat([x, x * channel], dim=1),
            "You changed the image: it goes in as it is, from −1 to 1.": torch.cat([x / 2 + 0.5, channel], dim=1),
            "A softmax over the code flattens it: the label would whisper. Give the one-hot code itself.": torch.cat(
                [x, plane(code.softmax(1)).view(-1, 1, 28, 28)], dim=1
            ),
            "Image and map became two *layers* of a block with five dimensions: `torch.cat`, not "
            "`torch.stack`.": torch.stack([x, channel], dim=1),
            "No activation is asked for: take what `plane` gives.": [
                torch.cat([x, activation(channel)], dim=1) for activation in (torch.tanh, torch.sigmoid, torch.relu)
            ],
            "That is the image twice: D does not hear the label.": torch.cat([x, x], dim=1),
            "That is the image alone: D does not hear the label.": x,
            "That is the label alone: D does not see the image.": channel,
        }


class PPCASample(Exercise):
    """Draws from probabilistic PCA: mean + W z, z from N(0, I) (Tipping & Bishop 1999)."""

    lesson, title, minutes, difficulty = LESSON, "Sample from probabilistic PCA", 6, 2
    hints = (
        "Each image is the mean and a random mixture of q eigen-digits. How many random numbers does one image take?",
        "One a column of W: `torch.randn(n, W.shape[1], generator=generator)`, a row an image.",
        "W z for each row z is `z @ W.T`, n × P. Add the mean. The columns are scaled already: nothing else is needed.",
    )

    @staticmethod
    def reference(mean: Tensor, W: Tensor, n: int, generator: torch.Generator) -> Tensor:
        z = torch.randn(n, W.shape[1], generator=generator)
        return mean + z @ W.T

    def example(self) -> tuple[object, ...]:
        return torch.tensor([1.0, 0.0]), torch.tensor([[2.0], [-1.0]]), 100_000, torch.Generator().manual_seed(0)

    def describe(self, value: Tensor) -> str:
        return cloud(value)

    def test(self, answer: object) -> None:
        # Three pixels, two components: a flat cloud in space. Six standard errors of a covariance are within `atol`.
        mean, W = torch.tensor([3.0, -1.0, 0.5]), torch.tensor([[2.0, 0.0], [0.8, 0.6], [0.0, -1.5]])
        draw = _shapes_explained(answer)
        check_draws(draw, mean, W, 50_000, self._mistakes(W), rtol=0.05, atol=0.15)
        draw(mean, W[:, :1], 4, torch.Generator().manual_seed(0))

    def _mistakes(self, W: Tensor) -> Mistakes:
        lengths, covariance = W.norm(dim=0), W @ W.T
        return {
            "You scaled the components once more: the columns of W have their lengths already.": (W * lengths)
            @ (W * lengths).T,
            "You took the length off the columns: then a component that hardly varies counts like the first.": (
                W / lengths
            )
            @ (W / lengths).T,
            "There is noise on each pixel as well. These draws are mean + W z; "
            "the pixel noise is left out here.": covariance + torch.eye(3),
            "That is noise on each pixel: the components do not come into it.": torch.eye(3),
            "Each pixel varies as it should, but by itself: one z mixes "
            "the components for *all* pixels.": covariance.diag().diag(),
            "You doubled the noise: z comes from N(0, I), with a standard deviation of 1.": 4 * covariance,
            "Your z has one sign only (`abs`): a Gaussian goes to both sides of the mean.": (1 - 2 / torch.pi)
            * covariance,
            "You multiplied by W Wᵀ, the covariance; W alone is its square root.": covariance @ covariance,
        }


def _takes_codes(plane: nn.Linear, args: tuple[Tensor, ...]) -> None:
    """Name what is often handed to a dense layer in the place of a one-hot code."""
    (code,) = args
    if code.ndim != 2 or code.shape[1] != plane.in_features:
        raise Wrong(
            f"`plane` takes the one-hot code of each label, N × {plane.in_features}; it got {tuple(code.shape)}. "
            "`F.one_hot(y)` alone makes as many columns as the largest label *in this batch* needs: tell it "
            "`F.one_hot(y, plane.in_features)`."
        )
    if not code.is_floating_point():
        raise Wrong(f"A dense layer takes floats, and `F.one_hot` makes {code.dtype}: add `.float()`.")


def _shapes_explained(answer: Draw) -> Draw:
    """Make an answer raise Wrong, with an explanation, where the shapes inside do not fit."""

    def draw(mean: Tensor, W: Tensor, n: int, generator: torch.Generator) -> Tensor:
        try:
            return answer(mean, W, n, generator)
        except RuntimeError as error:
            pixels, components = W.shape
            raise Wrong(
                f"The shapes do not fit ({error}). W is {pixels} × {components}, so each image takes {components} "
                f"random numbers, one a *component*, and W z for every row z is `z @ W.T`."
            ) from None

    return draw
