"""Let the learner play the discriminator: each round shows a real picture beside a generated one; which one is real?

This is a two-alternative forced choice: a player who sees no difference scores one half, whatever the player's bias
towards calling pictures real.
"""

from __future__ import annotations

import hashlib
import math
import time
from typing import Any

import torch
from torch import Tensor

from course_utils.core.errors import CourseError
from course_utils.core.seeds import generator
from course_utils.evaluate import statistics
from course_utils.teach import progress, show
from course_utils.teach.plots import figures
from course_utils.teach.widgets import page

SIDES = ("left", "right")
CHANCE = 0.5
SEEN_S = 0.4  # nobody has looked at a new pair in less; a click that comes sooner is the second of a double click
KEY = f"In brackets: a 95 % interval. Chance alone: {100 * CHANCE:.0f} %."


class Game:
    """Hold the rounds of one game and the choices made so far, which are saved in the learner's record each round.

    pairs: uint8, rounds × 2 × C × H × W, left and right. truth: the side of the real picture in each round, 0 left,
    1 right; d_choices: the side to which D gives the higher value, the left one where both are equal.
    """

    def __init__(
        self,
        lesson: str,
        real: Tensor,
        fake: Tensor,
        d_real: Tensor,
        d_fake: Tensor,
        key: str = progress.GAME,
        rounds: int = 20,
        seed: int = 0,
    ) -> None:
        _check(real, fake, d_real, d_fake, rounds)
        self.lesson, self.key = lesson, key
        rng = generator(seed, "real or fake")
        n = min(rounds, len(real), len(fake))
        places = [torch.randperm(len(real), generator=rng)[:n]]
        places.append(places[0] if len(fake) == len(real) else torch.randperm(len(fake), generator=rng)[:n])
        self.truth = torch.randint(len(SIDES), (n,), generator=rng)
        self.pairs = self._sided(real, fake, places)
        left, right = self._sided(d_real.flatten(), d_fake.flatten(), places).T
        self.d_choices = (right > left).long()
        self._digest = hashlib.sha256(self.pairs.contiguous().numpy()).hexdigest()[:12]
        known = progress.entry(lesson, "games", key)
        self.choices: list[int] = list(known["choices"]) if known.get("pictures") == self._digest else []

    def _sided(self, real: Tensor, fake: Tensor, places: list[Tensor]) -> Tensor:
        """Pair the chosen entries of both, rounds × 2 × …, with the real one on its side."""
        both = torch.stack([part.detach().cpu()[where] for part, where in zip((real, fake), places, strict=True)], 1)
        return torch.where(self.truth.view(-1, *[1] * (both.ndim - 1)) == 0, both, both.flip(1))

    @property
    def over(self) -> bool:
        """Have all rounds been played?"""
        return len(self.choices) == len(self.pairs)

    def choose(self, side: int) -> None:
        """Choose one side's picture as the real one, and save; do nothing when all rounds are played.

        Raises NotWritten where it cannot be saved; the choice counts all the same, and is saved with the next one.
        """
        if self.over:
            return
        self.choices.append(side)
        n = len(self.choices)
        entry = {"right": int(self.hits().sum()), "d_right": int(self.d_hits()[:n].sum()), "of": len(self.pairs)}
        progress.write(
            self.lesson, "games", self.key, {"pictures": self._digest, "choices": list(self.choices), **entry}
        )

    def hits(self) -> Tensor:
        """Say for each round played, as bool, whether the learner found the real picture."""
        return torch.tensor(self.choices, dtype=torch.int64) == self.truth[: len(self.choices)]

    def d_hits(self) -> Tensor:
        """Say for each round of the game, as bool, whether D gives the real picture the higher value."""
        return self.d_choices == self.truth


def real_or_fake(
    lesson: str,
    real: Tensor,
    fake: Tensor,
    d_real: Tensor,
    d_fake: Tensor,
    alt: str,
    *,
    key: str = progress.GAME,
    rounds: int = 20,
    seed: int = 0,
) -> Game:
    """Let the learner play against D on the same pairs; returns the game.

    real, fake: uint8, N × C × H × W and M × C × H × W, of which `rounds` pairs are drawn by `seed`. Where there are as
    many of both, picture i of `real` and picture i of `fake` make a pair: give both in the same order, say of the same
    classes, or the class helps to tell. Where there are not, any two may meet. d_real, d_fake: what D says of them, one
    number each, larger for "real"; logits, because probabilities saturate. Take real pictures that D was not trained
    on, or it may know them by heart. alt: what is on a picture, such as "A handwritten digit."

    Headless all pairs are drawn with numbers, the answers folded below. Raises CourseError on shapes that do not fit,
    and on an empty `alt`.
    """
    show.check_alt(alt)
    game = Game(lesson, real, fake, d_real, d_fake, key, rounds, seed)
    pairs = f"{alt} {len(game.pairs)} pairs, a above b; one of each pair is generated."
    if show.interactive():
        page.show(game_form(game, alt), show.picture(_sheet(game.pairs), pairs)[0])
    else:
        show.figure(_sheet(game.pairs), pairs)
        real_ones = ", ".join(f"{n}{'ab'[side]}" for n, side in enumerate(game.truth.tolist(), 1))
        show.markdown(
            "In each pair, which one is real? Decide before you unfold; in JupyterLab this is a game.\n\n"
            f"<details><summary>The real ones, and what D scores</summary>\n\n{real_ones}.\n\n"
            f"{_score('D', game.d_hits())} {KEY}\n</details>"
        )
    return game


def game_form(game: Game, alt: str) -> Any:
    """Build the widget of a `Game`: a pair, a button under each picture, and the score beside D's.

    Before the choice the page holds nothing of a pair but its two pictures. A click within `SEEN_S` of a new pair was
    meant for the pair before and is ignored.
    """
    import ipywidgets as w

    count = w.IntProgress(max=len(game.pairs), layout=w.Layout(width="100%"))
    line, board, last, error = w.Label(), w.HTML(), w.HTML(), w.HTML()
    pictures = [w.HTML() for _ in SIDES]
    wide = w.Layout(width="98%")
    since = -math.inf  # when the pair on the screen took the place of another
    buttons = [w.Button(description=f"{side} is real", layout=wide) for side in SIDES]

    def refresh() -> None:
        n = count.value = len(game.choices)
        for side, picture, button in zip((0, 1), pictures, buttons, strict=True):
            button.disabled = game.over
            if not game.over:
                tag = show.tag(figures.enlarged(game.pairs[n, side], 224), f"{alt} The {SIDES[side]} one of two.")
                picture.value = tag
        if n:
            scores = [_score("You", game.hits()), _score("D", game.d_hits()[:n]), f"<small>{KEY}</small>"]
            board.value = "<br>".join(scores)
            last.value = _last(game, alt)
        if game.over:
            board.value += f"<br>{_compared(game)}"
        line.value = "All rounds played." if game.over else f"Round {n + 1} of {len(game.pairs)}: which one is real?"

    def choose(side: int) -> None:
        nonlocal since
        try:
            game.choose(side)
        finally:
            refresh()
            since = time.monotonic()

    choose = page.show_errors(choose, error, "The game goes on, but this round could not be saved.")
    for side, button in enumerate(buttons):
        button.on_click(lambda _, side=side: time.monotonic() - since < SEEN_S or choose(side))
    refresh()
    fixed = w.Layout(flex="0 0 auto", margin="0 8px 0 0")  # or a long line on the right would squeeze the pictures
    pair = [w.VBox([picture, button], layout=fixed) for picture, button in zip(pictures, buttons, strict=True)]
    right = w.VBox([board, last], layout=w.Layout(padding="0 0 0 16px"))
    return w.VBox([line, w.HBox([*pair, right]), error, count])


def _score(who: str, hits: Tensor) -> str:
    share = statistics.proportion_interval(int(hits.sum()), len(hits))
    return f"<b>{who}</b>: {int(hits.sum())} of {len(hits)} right, {share.text(100, 0)} %."


def _last(game: Game, alt: str) -> str:
    """Write the HTML of the round just played, small, with its answer."""
    n = len(game.choices) - 1
    names = ["real" if side == game.truth[n] else "generated" for side in range(len(SIDES))]
    cells = "".join(
        f"<td>{show.tag(figures.enlarged(pixels, 84), f'{alt} This one was {name}.')}<br>{name}</td>"
        for pixels, name in zip(game.pairs[n], names, strict=True)
    )
    yours, its = ("✔ found" if hits[n] else "✘ missed" for hits in (game.hits(), game.d_hits()))
    return f"Round {n + 1}: you {yours} the real one, D {its} it.<table><tr>{cells}</tr></table>"


def _compared(game: Game) -> str:
    """Compare a finished game with chance, and the learner with D, in HTML."""
    yours = statistics.proportion_interval(int(game.hits().sum()), len(game.pairs))
    if CHANCE in yours:
        eye = "Your interval holds 50 %: this game cannot tell you from a coin."
    elif yours.lo > CHANCE:
        eye = "Your interval lies above 50 %: you see a difference."
    else:
        eye = "Your interval lies below 50 %: you see a difference, and take it for the wrong one."
    test = statistics.mcnemar(game.hits(), game.d_hits())
    return (
        f"{eye}<br>Only you were right in {test.only_a}, only D in {test.only_b} rounds; if you two were equally good, "
        f"a split as uneven or more would come up with probability {test.p:.2f}.<br>"
        "Another seed in this cell draws other pairs."
    )


def _sheet(pairs: Tensor, cols: int = 10) -> Any:
    """Draw all pairs as one figure, `cols` a line, the left ones (a) above the right ones (b)."""
    pixels, titles = [], []
    for start in range(0, len(pairs), cols):
        block = pairs[start : start + cols]
        blank = block.new_full((cols - len(block), *block.shape[2:]), 255) if start else block[:0, 0]
        for side, letter in enumerate("ab"):
            pixels += [block[:, side], blank]
            titles += [f"{start + i + 1}{letter}" for i in range(len(block))] + [""] * len(blank)
    return figures.image_grid(torch.cat(pixels), cols=min(cols, len(pairs)), titles=titles)


def _check(real: Tensor, fake: Tensor, d_real: Tensor, d_fake: Tensor, rounds: int) -> None:
    for name, pixels, said in (("real", real, d_real), ("fake", fake, d_fake)):
        if pixels.dtype != torch.uint8 or pixels.ndim != 4 or not len(pixels):
            raise CourseError(f"{name}: expected uint8, N × C × H × W, got {pixels.dtype} {tuple(pixels.shape)}")
        if said.numel() != len(pixels):
            raise CourseError(f"d_{name} has {said.numel()} numbers for {len(pixels)} pictures; give one for each")
    if real.shape[1:] != fake.shape[1:]:
        raise CourseError(f"real pictures are {tuple(real.shape[1:])}, fake ones {tuple(fake.shape[1:])}; scale them")
    if rounds < 1:
        raise CourseError(f"a game of {rounds} rounds cannot be played; choose 1 or more")
