"""Say what a run bears out of a paper: of a number, and of a claim in words.

A number is a *test* only if it could have come out otherwise: see `of_number`. A claim is tested by the paired
difference of two arms, corrected for the number of questions asked at once: see `of_claim`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from course_utils.evaluate.statistics import Interval, below, equivalent, smallest_visible, t_interval

CONSISTENT, CONTRADICTED, INCONCLUSIVE = "consistent", "contradicted", "inconclusive"
NOT_JUDGED, NOT_A_TEST = "not judged", "not a test"
UNDER, NOT_RUN, SETTING = "under-specified", "not run", "setting"

FEWEST = 8

STATUSES = {
    CONSISTENT: "our interval holds the paper's number and not that of another arm; or our difference has the sign "
    "that the paper says, after Holm's correction",
    CONTRADICTED: "our interval leaves the paper's number out; or our difference has the other sign, or is shown to "
    "fall short of the smallest that matters",
    INCONCLUSIVE: "we cannot tell; said with the smallest effect that the run could have seen at 80 % power",
    NOT_JUDGED: "a generator or a classifier was not finished by the gate that was fixed before, or only a run of five "
    "minutes exists, which judges no paper",
    NOT_A_TEST: "the number of another arm, or a constant, would be hit as well: for a test our interval must keep to "
    f"what the measure can be, be shorter than half the claimed effect, and rest on {FEWEST} runs or more",
    UNDER: "the paper leaves out a detail without which there is nothing to compare",
    NOT_RUN: "we have no result to hold against it",
    SETTING: "how the paper was set up: no claim",
}
"""What each status means."""


def of_number(
    value: float, wrong: float | None, ours: Interval, runs: int, lowest: float, highest: float, printed: float = 0.0
) -> tuple[str, str]:
    """Hold a number of the paper against our interval: (status, why), all in one unit.

    wrong: the paper's number of another arm, or 0 for a difference; the two are the claimed effect. An interval shorter
    than half of it cannot hold both. runs: that `ours` rests on. lowest, highest: what the measure can be. printed: the
    step to which the paper rounds, which makes our interval so much longer.
    """
    if wrong is None or wrong == value:
        return NOT_A_TEST, "the paper has no other number to tell it from"
    length, half = ours.hi - ours.lo + printed, abs(value - wrong) / 2
    faults = []
    if runs < FEWEST:
        faults.append(f"it rests on {runs} runs, not on {FEWEST}")
    if ours.lo < lowest or ours.hi > highest:
        faults.append("our interval reaches beyond what the measure can be")
    if length >= half:
        faults.append(f"our interval is {length:.3g} long, half the claimed effect {half:.3g}")
    if faults:
        return NOT_A_TEST, "; ".join(faults)
    if ours.lo - printed / 2 <= value <= ours.hi + printed / 2:
        return CONSISTENT, ""
    return CONTRADICTED, "our interval holds the number of the other arm" if wrong in ours else ""


def of_claim(
    sign: str, differences: Sequence[float], p_holm: float, questions: int, matters: float | None
) -> tuple[str, str, float]:
    """Hold a claim against the paired differences of its two arms: (status, why, the smallest effect it could see).

    sign: ">" or "<", or "?" for "no difference". p_holm: corrected for all `questions`, for which the other limits are
    corrected too. matters: the smallest difference that matters, which "?" needs. A claim of a gain is contradicted by
    whatever is shown to be less than that, a loss as well as nothing.
    """
    level = 1 - 0.05 / questions
    found, seen = t_interval(differences), smallest_visible(differences, level=level)
    side = found.side(">", "<", "?") if p_holm < 0.05 else "?"
    if sign == "?":
        short = matters is not None and equivalent(differences, matters, level)
        status = CONSISTENT if short else CONTRADICTED if side != "?" else INCONCLUSIVE
    else:
        gain = np.asarray(differences) if sign == ">" else -np.asarray(differences)
        short = matters is not None and below(gain, matters, level)
        status = CONSISTENT if side == sign else CONTRADICTED if short or side != "?" else INCONCLUSIVE
    note = "be smaller than" if sign == "?" else "fall short of"
    return status, f"shown to {note} the smallest that matters" if short else "", seen
