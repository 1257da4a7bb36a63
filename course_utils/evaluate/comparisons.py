"""Compare arms in pairs, seed by seed, corrected for how many questions are asked; as a table and as sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from course_utils.evaluate.statistics import (
    Interval,
    as_sentence,
    holm,
    holm_caveat,
    paired_p,
    prediction_interval,
    share_interval,
    t_interval,
    verdict,
)

Question = tuple[str, str, str]  # (arm, other arm, measure in words)

ABBREVIATIONS = {name.lower(): name for name in ("GAN", "cGAN", "ccGAN", "ACGAN", "BAGAN", "CycleGAN", "CVAE", "PPCA")}


@dataclass(frozen=True)
class Difference:
    """Answer one question: an arm minus another by one measure, with p before and after Holm's correction.

    values: shares, one a seed (or fold), float64.
    """

    arm: str
    other: str
    measure: str
    values: np.ndarray
    p: float
    p_holm: float

    @property
    def interval(self) -> Interval:
        """The mean difference with its 95 % interval, in shares."""
        return t_interval(self.values).within(-1, 1)

    @property
    def key(self) -> str:
        """The name of the pair in the results JSON."""
        return f"{self.arm} - {self.other}"

    @property
    def label(self) -> str:
        """The name of the pair in tables and figures."""
        return f"{readable(self.arm)} − {readable(self.other)}"

    @property
    def caveat(self) -> str:
        """What must follow the verdict where Holm's correction does not bear it out, else nothing."""
        return holm_caveat(self.interval, self.p_holm)

    def sentence(self, arm: str | None = None, other: str | None = None, measure: str | None = None) -> str:
        """Say what the interval supports, with its caveat; `arm`, `other` and `measure` replace the names."""
        names = (arm or readable(self.arm), other or readable(self.other), measure or self.measure)
        return as_sentence(verdict(self.interval, *names)) + self.caveat


class Comparison(dict[Question, Difference]):
    """Question → its answer, in the order asked."""

    @property
    def sentences(self) -> list[str]:
        """One sentence a question, each with its caveat."""
        return [difference.sentence() for difference in self.values()]

    def table(self) -> pd.DataFrame:
        """One row a question: points with their interval, p, and p after Holm's correction."""
        table = pd.DataFrame(
            {
                "difference": [d.label for d in self.values()],
                "measure": [d.measure for d in self.values()],
                "points": [d.interval.text(100) for d in self.values()],
                "p": [p_text(d.p) for d in self.values()],
                "p, Holm": [p_text(d.p_holm) for d in self.values()],
            }
        )
        return table if table["measure"].nunique() > 1 else table.drop(columns="measure")


def compare(*families: Mapping[Question, Sequence[float]]) -> Comparison:
    """Answer questions from their paired differences, shares, one a seed.

    Holm's correction counts the questions of one family; families are corrected each by itself. Raises CourseError
    for a family without questions, and for fewer than two differences.
    """
    found = Comparison()
    for family in families:
        p_values = [paired_p(values) for values in family.values()]
        for (question, values), p, p_holm in zip(family.items(), p_values, holm(p_values), strict=True):
            found[question] = Difference(*question, np.asarray(values, float), p, float(p_holm))
    return found


class AgainstPaper(NamedTuple):
    """Hold one arm against a paper: our mean, where one further run of ours falls, and the paper's value or None."""

    arm: str
    ours: Interval
    further: Interval
    claim: float | None


def against_paper(
    arm: str,
    values: Sequence[float],
    claim: float | None,
    highest: float = 1,
    images: int | None = None,
) -> AgainstPaper:
    """Hold our values, one a seed, against the one value of a paper.

    highest: of a measure that starts at 0; 1 is that of a share. images: on how many the paper tested, see
    `prediction_interval`.
    """
    ours = share_interval(values) if highest == 1 else t_interval(values).within(0, highest)
    return AgainstPaper(arm, ours, prediction_interval(values, images=images).within(0, highest), claim)


def paper_table(
    panels: Mapping[str, Sequence[AgainstPaper]], scale: float = 1.0, digits: int = 1, unit: str = ""
) -> pd.DataFrame:
    """Tabulate, for each metric and arm that the paper has a value of: the paper, ours, and one further run."""
    return pd.DataFrame(
        {
            "metric": metric,
            "arm": readable(row.arm),
            "paper": row.claim,
            "ours": row.ours.text(scale, digits, unit),
            "one further run": row.further.ends(scale, digits, unit),
            "paper inside": "yes" if row.claim in row.further else "no",
        }
        for metric, rows in panels.items()
        for row in rows
        if row.claim is not None
    )


def readable(text: str) -> str:
    """Write the code names of arms in a text as a reader would: `classic+acgan_all` as "classic + ACGAN all"."""
    return re.sub(r"[a-z]\w*(?:\+\w+)*", lambda found: _words(found[0]), text)


def code_name(readable_name: str) -> str:
    """Give back the code name of an arm, small letters and underscores, from what `readable` wrote."""
    return readable_name.lower().replace(" + ", "+").replace(" ", "_")


def _words(name: str) -> str:
    words = name.replace("_", " ").replace("+", " + ").split(" ")
    return " ".join(ABBREVIATIONS.get(word, word) for word in words)


def p_text(p: float) -> str:
    """Write a p value with three digits; '< 0.001' below them."""
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"
