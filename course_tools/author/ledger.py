"""Hold every number of the papers against ours, with a verdict that is computed from the committed results.

How a number is joined with results/<slug>/<profile>.json is written in lessons/<slug>/ledger.toml:

    settings    patterns of the keys of paper.toml that only say how the paper was set up; * stands for any text
    [metrics]   names of our measures, and where each stands in the results JSON; {arm} is put in there. First fit wins
    [arms]      other names of our arms, as sentences use them
    [[join]]    keys of paper.toml, and our measure of the same thing: `Join`
    [[claim]]   a comparison that the paper states in words: `Claim`

and, for `course_tools.author.prose`, [[sentence]] and [allowed]. A measure of ours is written `ARM: METRIC`, a
comparison of two arms `ARM > ARM: METRIC`, with `<` for lower and `?` where we cannot tell them apart.

The verdicts. A *value* is what one run of the paper printed. It is reproduced if it lies where one further run of ours
would fall (`statistics.prediction_interval`): the interval of our mean would be unfair to it, since hardly any single
run lies that close to a mean. A *difference*, and a claim in words, is what the paper says that a method does. It is
reproduced if the interval of our mean paired difference holds it: that a single run could show it by chance does not
make it an effect.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import numpy as np

from course_tools.author import tables
from course_tools.run import report
from course_tools.run.lessons import Lesson
from course_utils.core.errors import CourseError
from course_utils.core.profiles import PROFILES
from course_utils.core.results import read as read_results
from course_utils.evaluate.statistics import Interval, paired_differences, prediction_interval, t_interval, verdict

REPRODUCED, DIRECTION, NOT = "reproduced", "direction only", "not reproduced"
UNDER, NOT_RUN, SETTING = "under-specified", "not run yet", "setting"
VERDICTS = {
    REPRODUCED: "a value lies where one further run of ours would fall; a difference, in the 95 % interval of ours",
    DIRECTION: "it does not, but our paired difference has the paper's sign, and its interval leaves out 0",
    NOT: "neither",
    UNDER: "the paper leaves out a detail without which there is nothing to compare",
    NOT_RUN: "we have no result to hold against it",
    SETTING: "how the paper was set up: no claim",
}
"""What each verdict means."""

MEASURE = re.compile(r"(?:(?P<arm>[^:]+?)(?: (?P<sign>[-<>?]) (?P<other>[^:]+?))?: )?(?P<metric>.+)")


@dataclass(frozen=True)
class Join:
    """Says how numbers of a paper are joined with ours.

    keys: of paper.toml; {name} in a key stands for any text, and is put into what follows. value: our measure of the
    same thing, `ARM: METRIC`; or difference: `ARM - ARM: METRIC`; or not_run: why there is none. against: the paper's
    number that it is compared with there, which gives a value a direction. images: on how many the paper tested, if not
    on ours. printed: the step to which the paper rounds. profiles: those that run this; all if left out. missing: the
    detail that the paper leaves out; then the number is under-specified, whatever else is known. remark: shown beside.
    """

    keys: str | tuple[str, ...]
    value: str = ""
    difference: str = ""
    not_run: str = ""
    against: str = ""
    images: int | None = None
    printed: float = 0.0
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
    ours, `ARM > ARM: METRIC`, that is true if the claim is. scale: 100 where shares are shown in points. The other
    fields are those of `Join`."""

    says: str
    where: str
    holds: str = ""
    scale: float = 100
    not_run: str = ""
    profiles: tuple[str, ...] = PROFILES
    missing: str = ""
    remark: str = ""

    @property
    def ours(self) -> str:
        """Give the comparison, as `Join.ours` does."""
        return self.holds


@dataclass(frozen=True)
class Row:
    """Holds a number of the paper, or a claim without one, and its verdict; all in the paper's unit.

    ours: our mean, or mean difference, with its interval; run: where one further run of ours falls.
    """

    key: str
    value: float | None
    unit: str
    means: str
    where: str
    verdict: str
    ours: Interval | None = None
    run: Interval | None = None
    remark: str = ""


@dataclass(frozen=True)
class Ledger:
    """Holds one lesson's ledger.toml, paper.toml and committed results."""

    lesson: Lesson
    about: dict[str, str]
    paper: dict[str, dict[str, Any]]
    settings: tuple[str, ...] = ()
    metrics: dict[str, str] = field(default_factory=dict)
    arms: dict[str, str] = field(default_factory=dict)
    joins: tuple[Join, ...] = ()
    claims: tuple[Claim, ...] = ()
    sentences: tuple[dict[str, Any], ...] = ()
    allowed: dict[str, str] = field(default_factory=dict)

    @cached_property
    def results(self) -> dict[str, dict[str, Any]]:
        """Read profile → committed results, the largest profile last. Raises CourseError on a damaged file."""
        paths = {p: self.lesson.root / "results" / self.lesson.slug / f"{p}.json" for p in ("quick",)}
        return {p: read_results(path) for p, path in paths.items() if path.is_file()}

    @property
    def profiles(self) -> list[str]:
        """List the profiles with results, the largest last; `quick` if there are none."""
        return list(self.results) or ["quick"]

    # ------------------------------------------------------------------ our side

    def values(self, profile: str, arm: str, metric: str) -> np.ndarray:
        """Find a measure of ours, one value a run; raises CourseError where the results do not hold it."""
        named = ((path, found) for name, path in self.metrics.items() if (found := fit(name, metric)) is not None)
        path, found = next(named, (None, None))
        if path is None:
            raise CourseError(f"[metrics] does not name {metric!r}")
        place = path.format(**found, arm=self.arms.get(arm, arm))
        at: Any = self.results[profile]
        for part in place.split("/"):
            if not isinstance(at, dict) or part not in at:
                raise CourseError(f"{profile}.json has no {place}: there is no {part!r}")
            at = at[part]
        values = at.get("values") if isinstance(at, dict) else None
        if not isinstance(values, list) or len(values) < 2 or not all(isinstance(v, int | float) for v in values):
            raise CourseError(f"{place} of {profile}.json has no values of several runs: save an experiment.entry")
        return np.array(values, float)

    def difference(self, profile: str, arm: str, other: str, metric: str) -> Interval:
        """Compute the mean paired difference arm − other with its 95 % interval, over the seeds that both have."""
        return _paired(*(self.values(profile, name, metric) for name in (arm, other)))

    def holds(self, profile: str, comparison: str, scale: float = 100) -> tuple[bool, str]:
        """Say whether `ARM > ARM: METRIC` holds (or <, or ?), and give the sentence that our interval supports."""
        arm, sign, other, metric = _measure(comparison)
        if sign not in ("<", ">", "?"):
            raise CourseError(f"{comparison!r} is no comparison; write ARM > ARM: METRIC, with >, < or ?")
        d = self.difference(profile, arm, other, metric)
        found = ">" if d.lo > 0 else "<" if d.hi < 0 else "?"
        digits = 1 if scale == 100 else 1 + report.decimals([{"ci95": [d.lo, d.hi]}])
        names = [name if name in self.arms else f"`{name}`" for name in (arm, other)]
        sentence = verdict(d, *names, metric, scale, digits)
        return found == sign, sentence[0].upper() + sentence[1:]

    # ------------------------------------------------------------------ rows

    def rows(self, profile: str, faults: list[str] | None = None) -> list[Row]:
        """Make a row for each claim and each number of the paper, in order; faults found go to `faults`."""
        faults = [] if faults is None else faults
        claims = [Row("", None, "", claim.says, claim.where, NOT_RUN) for claim in self.claims]
        rows = [self._row(row, claim, {}, profile, faults) for row, claim in zip(claims, self.claims, strict=True)]
        for key, number in self.paper.items():
            row = Row(key, number["value"], number.get("unit", ""), number["means"], number["where"], SETTING)
            setting = any(fnmatchcase(key, pattern) for pattern in self.settings)
            join, names = self._join_of(key)
            if not setting and not join:
                faults.append(f"{key} of paper.toml has no row: name it in settings, or in a [[join]]")
            if setting and join:
                faults.append(f"{key} is named in settings and joined as well: which is it?")
            rows.append(self._row(row, join, names, profile, faults) if join else row)
        return rows

    def _join_of(self, key: str) -> tuple[Join | None, dict[str, str]]:
        fitting = ((join, names) for join in self.joins if (names := join.fit(key)) is not None)
        return next(fitting, (None, {}))

    def _row(self, row: Row, entry: Join | Claim, names: dict[str, str], profile: str, faults: list[str]) -> Row:
        """Complete a row as its entry in ledger.toml says."""
        row = replace(row, verdict=UNDER if entry.missing else NOT_RUN, remark=entry.missing or entry.remark)
        if not entry.ours:
            return replace(row, remark=entry.missing or entry.not_run)
        if profile not in self.results or profile not in entry.profiles:
            where = "" if entry.profiles == PROFILES else f"only in the {', '.join(entry.profiles)} profile"
            return replace(row, remark="; ".join(filter(None, (where, row.remark))))
        try:
            if isinstance(entry, Claim):
                held, sentence = self.holds(profile, entry.holds, entry.scale)
                found = replace(row, verdict=REPRODUCED if held else NOT, remark=f"{sentence} {row.remark}".strip())
            else:
                found = self._compared(row, entry, names, profile)
        except (CourseError, KeyError) as error:
            faults.append(f"{row.key or repr(row.means)}: {error}")
            return row
        return replace(found, verdict=UNDER) if entry.missing else found

    def _compared(self, row: Row, join: Join, names: dict[str, str], profile: str) -> Row:
        """Add our value and the verdict to a row."""
        scale = 100 if row.unit in ("%", "points") else 1
        arm, _, other, metric = _measure(join.ours.format(**names))
        if join.difference:
            found = self.difference(profile, arm, other, metric)
            claimed, ours, inside, direction, run = row.value, found, found, found, None
        else:
            values = self.values(profile, arm, metric)
            ours, run = t_interval(values), prediction_interval(values, images=join.images)
            claimed, inside, direction = 0.0, run, None
            if join.against:
                against = join.against.format(**names)
                partner, its_names = self._join_of(against)
                if partner is None or not partner.value:
                    raise CourseError(f"the number that it is held against, {against}, has no value of ours")
                its_arm, _, _, its_metric = _measure(partner.value.format(**its_names))
                claimed = row.value - self.paper[against]["value"]
                direction = _paired(values, self.values(profile, its_arm, its_metric))
        half = join.printed / 2
        if scale * inside.lo - half <= row.value <= scale * inside.hi + half:
            verdict = REPRODUCED
        elif direction and (min(direction.lo, claimed) > 0 or max(direction.hi, claimed) < 0):
            verdict = DIRECTION
        else:
            verdict = NOT
        return replace(row, verdict=verdict, ours=_scaled(ours, scale), run=_scaled(run, scale))

    # ------------------------------------------------------------------ what is wrong

    def faults(self) -> list[str]:
        """List what does not fit between paper.toml, ledger.toml and the committed results, a line each."""
        found: list[str] = []
        for profile in self.profiles:
            self.rows(profile, found)
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
        joins=tuple(Join(**_tuples(join)) for join in found.get("join", ())),
        claims=tuple(Claim(**_tuples(claim)) for claim in found.get("claim", ())),
        sentences=tuple(found.get("sentence", ())),
        allowed=found.get("allowed", {}),
    )


def counts(rows: Iterable[Row]) -> dict[str, int]:
    """Count the *numbers* that have each verdict; claims in words are no numbers."""
    found = Counter(row.verdict for row in rows if row.value is not None)
    return {name: found[name] for name in VERDICTS}


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


def _paired(values: np.ndarray, others: np.ndarray) -> Interval:
    """Compute the interval of values − others, both in the order of the seeds, which begin with the same one."""
    n = min(len(values), len(others))
    return t_interval(paired_differences(values[:n], others[:n]))


def _scaled(interval: Interval | None, scale: float) -> Interval | None:
    return interval and Interval(scale * interval.mean, scale * interval.lo, scale * interval.hi)


def _tuples(table: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
