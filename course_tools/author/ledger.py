"""Hold every number and every claim of the papers against ours, with a status computed from the committed results.

How a number is joined with results/<slug>/<profile>.json is written in lessons/<slug>/ledger.toml:

    settings    patterns of the keys of paper.toml that only say how the paper was set up; * stands for any text
    [metrics]   names of our measures, and where each stands in the results JSON; {arm} is put in there. First fit wins
    [arms]      other names of our arms, as sentences use them
    [full]      metrics and arms that full.json has elsewhere, or has alone
    other_data  why no value of ours can be compared with the paper's, where our images are not its images
    [[join]]    keys of paper.toml, and our measure of the same thing: `Join`
    [[claim]]   a comparison that the paper states in words: `Claim`

and, for `course_tools.author.prose`, [[sentence]] and [allowed]. A measure of ours is written `ARM: METRIC`, a
comparison of two arms `ARM > ARM: METRIC`, with `<` for lower and `?` where the paper says that there is no difference.

Only a full run judges a paper, and only where the gates passed that a number or claim rests on; a quick run's numbers
are shown as what the five-minute lesson shows. What the statuses mean is said in `statuses`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import numpy as np

from course_tools.author import tables
from course_tools.author.statuses import (
    INCONCLUSIVE,
    NOT_A_TEST,
    NOT_JUDGED,
    NOT_RUN,
    SETTING,
    STATUSES,
    UNDER,
    of_claim,
    of_number,
)
from course_tools.run import report
from course_tools.run.lessons import Lesson
from course_utils.core.errors import CourseError
from course_utils.core.profiles import PROFILES
from course_utils.core.results import read as read_results
from course_utils.evaluate.comparisons import p_text
from course_utils.evaluate.statistics import (
    Interval,
    as_sentence,
    holm,
    holm_caveat,
    paired_differences,
    paired_p,
    prediction_interval,
    t_interval,
    verdict,
)
from course_utils.experiment.evidence import missed_gates

QUICK, FULL = "quick", "full"
ONLY_QUICK = "only a five-minute run exists, which judges no paper"
OTHER_DATA = "our images are not the paper's"

MEASURE = re.compile(r"(?:(?P<arm>[^:]+?)(?: (?P<sign>[-<>?]) (?P<other>[^:]+?))?: )?(?P<metric>.+)")


@dataclass(frozen=True)
class Join:
    """Says how numbers of a paper are joined with ours.

    keys: of paper.toml; {name} in a key stands for any text, and is put into what follows. value: our measure of the
    same thing, `ARM: METRIC`; or difference: `ARM - ARM: METRIC`; or not_run: why there is none. against: the paper's
    number of another arm, which ours must tell it from. images: on how many the paper tested, if not on ours. printed:
    the step to which the paper rounds. highest: what our measure can be at most; inf for a loss. gates: of full.json,
    which must have passed; [] for none. profiles: those that run this; all if left out. missing: the detail that the
    paper leaves out; then the number is under-specified, whatever else is known. remark: shown beside.
    """

    keys: str | tuple[str, ...]
    value: str = ""
    difference: str = ""
    not_run: str = ""
    against: str = ""
    images: int | None = None
    printed: float = 0.0
    highest: float = 1.0
    gates: tuple[str, ...] | None = None
    profiles: tuple[str, ...] = PROFILES
    missing: str = ""
    remark: str = ""

    @property
    def ours(self) -> str:
        """Give our measure or difference; empty where there is none."""
        return self.value or self.difference

    def fit(self, key: str) -> dict[str, str] | None:
        """Find what the {names} stand for in a key; None where none of `keys` fits it."""
        keys = [self.keys] if isinstance(self.keys, str) else self.keys
        return next((found for pattern in keys if (found := fit(pattern, key)) is not None), None)


@dataclass(frozen=True)
class Claim:
    """Says how a claim in words is tested. says, where: the claim, and its place in the paper. holds: the comparison of
    ours, `ARM > ARM: METRIC`, that is true if the claim is. scale: 100 where shares are shown in points. matters: the
    smallest difference that matters, as it is shown. before: what this ledger said of it when five-minute runs still
    judged. The other fields are those of `Join`."""

    says: str
    where: str
    holds: str = ""
    scale: float = 100
    matters: float | None = None
    before: str = ""
    not_run: str = ""
    gates: tuple[str, ...] | None = None
    profiles: tuple[str, ...] = PROFILES
    missing: str = ""
    remark: str = ""

    @property
    def ours(self) -> str:
        """Give the comparison, as `Join.ours` does."""
        return self.holds


@dataclass(frozen=True)
class Row:
    """Holds a number of the paper, or a claim without one, and its status; all in the paper's unit.

    ours: our mean, or mean difference, with its interval; run: where one further run of ours falls; profile: of the run
    that they are from. test: whether ours could tell the number from that of another arm, where ours is compared at
    all. quick: what the five-minute lesson shows of a claim. before: see `Claim`.
    """

    key: str
    value: float | None
    unit: str
    means: str
    where: str
    status: str
    why: str = ""
    ours: Interval | None = None
    run: Interval | None = None
    profile: str = ""
    test: bool | None = None
    quick: str = ""
    before: str = ""


@dataclass(frozen=True)
class Ledger:
    """Holds one lesson's ledger.toml, paper.toml and committed results."""

    lesson: Lesson
    about: dict[str, str]
    paper: dict[str, dict[str, Any]]
    settings: tuple[str, ...] = ()
    metrics: dict[str, str] = field(default_factory=dict)
    arms: dict[str, str] = field(default_factory=dict)
    full: dict[str, dict[str, str]] = field(default_factory=dict)
    other_data: str = ""
    joins: tuple[Join, ...] = ()
    claims: tuple[Claim, ...] = ()
    sentences: tuple[dict[str, Any], ...] = ()
    allowed: dict[str, str] = field(default_factory=dict)

    @cached_property
    def results(self) -> dict[str, dict[str, Any]]:
        """Read profile → committed results, the largest profile last. Raises CourseError on a damaged file."""
        folder = self.lesson.root / "results" / self.lesson.slug
        needed = {QUICK: (), FULL: ("gate", "seeds", "device", "wall_s")}
        return {p: read_results(path, *needed[p]) for p in needed if (path := folder / f"{p}.json").is_file()}

    # ------------------------------------------------------------------ our side

    def arms_of(self, profile: str) -> dict[str, str]:
        """Give the other names of the arms in one profile."""
        return self.arms | (self.full.get("arms", {}) if profile == FULL else {})

    def values(self, profile: str, arm: str, metric: str) -> np.ndarray:
        """Find a measure of ours, one value a run; raises CourseError where the results do not hold it."""
        own = self.full.get("metrics", {}) if profile == FULL else {}
        places = own | self.metrics | own  # those of [full] come first, and win
        named = ((path, found) for name, path in places.items() if (found := fit(name, metric)) is not None)
        path, found = next(named, (None, None))
        if path is None:
            raise CourseError(f"[metrics] does not name {metric!r}")
        place = path.format(**found, arm=self.arms_of(profile).get(arm, arm))
        at: Any = self.results[profile]
        for part in place.split("/"):
            if not isinstance(at, dict) or part not in at:
                raise CourseError(f"{profile}.json has no {place}: there is no {part!r}")
            at = at[part]
        values = at.get("values") if isinstance(at, dict) else None
        if not isinstance(values, list) or len(values) < 2 or not all(isinstance(v, int | float) for v in values):
            raise CourseError(f"{place} of {profile}.json has no values of several runs: save an experiment.entry")
        return np.array(values, float)

    def differences(self, profile: str, arm: str, other: str, metric: str) -> np.ndarray:
        """Compute the paired differences arm − other over the seeds that both have, which begin with the same one."""
        values, others = (self.values(profile, name, metric) for name in (arm, other))
        n = min(len(values), len(others))
        return paired_differences(values[:n], others[:n])

    def difference(self, profile: str, arm: str, other: str, metric: str) -> Interval:
        """Compute the mean of `differences` with its 95 % interval."""
        return t_interval(self.differences(profile, arm, other, metric))

    def _sentence(self, profile: str, claim: Claim) -> str:
        """Give the sentence on a claim's comparison that our interval supports."""
        arm, sign, other, metric = _measure(claim.holds)
        if sign not in ("<", ">", "?"):
            raise CourseError(f"{claim.holds!r} is no comparison; write ARM > ARM: METRIC, with >, < or ?")
        d = self.difference(profile, arm, other, metric)
        digits = 1 if claim.scale == 100 else 1 + report.decimals([{"ci95": [d.lo, d.hi]}])
        arms = self.arms_of(profile)
        names = [name if name in arms else f"`{name}`" for name in (arm, other)]
        sentence = verdict(d, *names, metric, claim.scale, digits)
        return as_sentence(sentence)

    def _profile_of(self, entry: Join | Claim) -> str:
        """Name the largest profile that runs an entry and has results; "" for none."""
        return next((p for p in (FULL, QUICK) if p in self.results and p in entry.profiles), "")

    def _unjudged(self, entry: Join | Claim, names: dict[str, str]) -> tuple[str, str]:
        """Give the status of what cannot be judged, and why; ("", "") where a full run that passed its gates can."""
        if entry.missing:
            return UNDER, entry.missing
        if not entry.ours:
            return NOT_RUN, entry.not_run
        profile = self._profile_of(entry)
        if not profile:
            return NOT_RUN, "it needs a full run" if entry.profiles == (FULL,) else ""
        if profile == QUICK:
            return NOT_JUDGED, ONLY_QUICK
        if entry.gates is None:
            raise CourseError("the full run judges it: name the `gates` of full.json that it rests on, [] for none")
        gate, who = self.results[FULL]["gate"], [name.format(**names) for name in entry.gates]
        if unknown := [name for name in who if name not in gate]:
            raise CourseError(f"full.json has no gate {unknown[0]!r}; it has {', '.join(gate)}")
        missed = missed_gates(gate, *who)
        return (NOT_JUDGED, missed) if missed else ("", "")

    # ------------------------------------------------------------------ claims

    def asked(self, claim: Claim, faults: list[str]) -> tuple[Row, np.ndarray | None]:
        """Make a claim's row, and give its paired differences where they may judge it."""
        row = Row("", None, "", claim.says, claim.where, NOT_RUN, before=claim.before)
        try:
            if claim.holds and QUICK in self.results and QUICK in claim.profiles:
                row = replace(row, quick=self._sentence(QUICK, claim))
            status, why = self._unjudged(claim, {})
            if status:
                return replace(row, status=status, why=_joined(why, claim.remark, ". ")), None
            arm, sign, other, metric = _measure(claim.holds)
            if sign == "?" and claim.matters is None:
                raise CourseError("it says that there is no difference: `matters` says which would be one")
            row = replace(row, why=self._sentence(FULL, claim), profile=FULL)
            return row, self.differences(FULL, arm, other, metric)
        except (CourseError, KeyError) as error:
            faults.append(f"{claim.says!r}: {error}")
            return row, None

    # ------------------------------------------------------------------ numbers

    def numbers(self, faults: list[str] | None = None) -> list[Row]:
        """Make a row for each number of the paper, in order; faults found go to `faults`."""
        faults, rows = [] if faults is None else faults, []
        for key, number in self.paper.items():
            row = Row(key, number["value"], number.get("unit", ""), number["means"], number["where"], SETTING)
            setting = any(fnmatchcase(key, pattern) for pattern in self.settings)
            join, names = self._join_of(key)
            if not setting and not join:
                faults.append(f"{key} of paper.toml has no row: name it in settings, or in a [[join]]")
            if setting and join:
                faults.append(f"{key} is named in settings and joined as well: which is it?")
            try:
                rows.append(self._number(row, join, names) if join else row)
            except (CourseError, KeyError) as error:
                faults.append(f"{key}: {error}")
                rows.append(replace(row, status=NOT_RUN))
        return rows

    def _join_of(self, key: str) -> tuple[Join | None, dict[str, str]]:
        fitting = ((join, names) for join in self.joins if (names := join.fit(key)) is not None)
        return next(fitting, (None, {}))

    def _number(self, row: Row, join: Join, names: dict[str, str]) -> Row:
        """Complete a number's row: our value of it, and its status."""
        status, why = self._unjudged(join, names)
        profile = self._profile_of(join) if join.ours else ""
        if not profile:
            return replace(row, status=status, why=_joined(why, join.remark))
        scale = 100 if row.unit in ("%", "points") else 1
        arm, _, other, metric = _measure(join.ours.format(**names))
        if join.difference:
            values, run = self.differences(profile, arm, other, metric), None
            wrong, lowest = 0.0, -join.highest
        else:
            values = self.values(profile, arm, metric)
            run = prediction_interval(values, images=join.images).times(scale)
            wrong, lowest = self._wrong(row.key, join, names), 0.0
        ours = t_interval(values).times(scale)
        limits = scale * lowest, scale * join.highest
        found, reason = of_number(row.value, wrong, run or ours, len(values), *limits, join.printed)
        if self.other_data and join.value:
            found, reason = NOT_A_TEST, _joined(OTHER_DATA, reason if found == NOT_A_TEST else "")
        test = found != NOT_A_TEST
        if not status:
            status, why = found, reason
        elif status == NOT_JUDGED:
            why = _joined(why.removeprefix(ONLY_QUICK), "" if test else f"it would be no test: {reason}")
        row = replace(row, status=status, why=_joined(why, join.remark), ours=ours, run=run, profile=profile)
        return replace(row, test=None if status == UNDER else test)

    def _wrong(self, key: str, join: Join, names: dict[str, str]) -> float | None:
        """Give the paper's number of the other arm; None where the join names none, or this number itself."""
        against = join.against.format(**names)
        if against and against not in self.paper:
            raise CourseError(f"the number that it is held against, {against}, is none of paper.toml")
        return self.paper[against]["value"] if against and against != key else None

    # ------------------------------------------------------------------ what is wrong

    def faults(self) -> list[str]:
        """List what does not fit between paper.toml, ledger.toml and the committed results, a line each."""
        found: list[str] = []
        claims([self], found)
        self.numbers(found)
        for pattern in self.settings:
            if not any(fnmatchcase(key, pattern) for key in self.paper):
                found.append(f"settings name {pattern!r}, which fits no key of paper.toml")
        for join in self.joins:
            if all(join.fit(key) is None for key in self.paper):
                found.append(f"a [[join]] names {join.keys!r}, which fits no key of paper.toml")
        for entry in (*self.joins, *self.claims):
            ways = [getattr(entry, way, "") for way in ("value", "difference", "holds", "not_run")]
            n = sum(map(bool, ways))
            if n > 1 or (n == 0 and not entry.missing):
                name = entry.says if isinstance(entry, Claim) else entry.keys
                found.append(f"{name!r} needs one measure of ours, or not_run, or missing")
        return list(dict.fromkeys(found))


def claims(ledgers: Sequence[Ledger], faults: list[str] | None = None) -> list[tuple[Ledger, Row]]:
    """Make a row for each claim of these ledgers; Holm's correction counts all of them that are judged.

    So a claim may be consistent among its paper's and inconclusive in a longer list. Faults found go to `faults`.
    """
    faults = [] if faults is None else faults
    asked = [(ledger, claim, *ledger.asked(claim, faults)) for ledger in ledgers for claim in ledger.claims]
    tested = [found for *_, found in asked if found is not None]
    p_values = iter(holm([paired_p(found) for found in tested]) if tested else ())
    return [
        (ledger, row if found is None else _answered(row, claim, found, float(next(p_values)), len(tested)))
        for ledger, claim, row, found in asked
    ]


def _answered(row: Row, claim: Claim, found: np.ndarray, p: float, questions: int) -> Row:
    """Add the status to a claim that may be judged. found: its paired differences; p: corrected for all questions."""
    unit = " points" if claim.scale == 100 else ""
    sign = _measure(claim.holds)[1]
    status, note, seen = of_claim(sign, claim.scale * found, p, questions, claim.matters)
    shown = p_text(p)
    said = f"p {shown if shown.startswith('<') else f'= {shown}'}, Holm's correction for {questions} judged"
    if note:
        said += f"; {note}, {claim.matters:g}{unit}"
    if status == INCONCLUSIVE:
        said += f"; at 80 % power the run sees {seen:.2g}{unit} or more"
    lead = holm_caveat(t_interval(found), p)
    return replace(row, status=status, why=_joined(f"{row.why}{lead} ({said}.)", claim.remark, " "))


def load(lesson: Lesson) -> Ledger:
    """Read a lesson's paper.toml and ledger.toml; without ledger.toml no number has a row.

    Raises CourseError where one of them is not what its schema says, see `tables`.
    """
    paper, found = (tables.read(lesson.folder / name) for name in ("paper.toml", "ledger.toml"))
    return Ledger(
        lesson,
        paper.get("paper", {}),
        {number["key"]: number for number in paper.get("number", [])},
        tuple(found.get("settings", ())),
        found.get("metrics", {}),
        found.get("arms", {}),
        found.get("full", {}),
        found.get("other_data", ""),
        joins=tuple(Join(**_tuples(join)) for join in found.get("join", ())),
        claims=tuple(Claim(**_tuples(claim)) for claim in found.get("claim", ())),
        sentences=tuple(found.get("sentence", ())),
        allowed=found.get("allowed", {}),
    )


def counts(rows: Iterable[Row]) -> dict[str, int]:
    """Count the rows that have each status."""
    found = Counter(row.status for row in rows)
    return {name: found[name] for name in STATUSES}


def fit(pattern: str, text: str) -> dict[str, str] | None:
    """Find what the {names} of a pattern stand for in a text; None where it does not fit."""
    parts = re.split(r"\{(\w+)\}", pattern)
    regex = "".join(f"(?P<{part}>.+?)" if i % 2 else re.escape(part) for i, part in enumerate(parts))
    found = re.fullmatch(regex, text)
    return found.groupdict() if found else None


def _measure(text: str) -> tuple[str, str, str, str]:
    """Split `ARM > ARM: METRIC` into arm, sign, other arm and metric; what is left out is empty."""
    found = MEASURE.fullmatch(text)
    if not found:
        raise CourseError(f"{text!r} is no measure; write ARM: METRIC")
    return found["arm"] or "", found["sign"] or "", found["other"] or "", found["metric"]


def _joined(why: str, remark: str, between: str = "; ") -> str:
    return between.join(filter(None, (why, remark)))


def _tuples(table: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
