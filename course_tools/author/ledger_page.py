"""Show the ledger: as lines in a terminal, as results/LEDGER.md, and as the block of README.md."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from course_tools.author import full_page
from course_tools.author.ledger import FULL, QUICK, Ledger, Row, claims, counts, load
from course_tools.author.statuses import FEWEST, NOT_RUN, SETTING, STATUSES, UNDER
from course_tools.run import report
from course_tools.run.lessons import find
from course_tools.templates import render
from course_utils.core import files
from course_utils.core.profiles import ROOT, SUBSTITUTES
from course_utils.evaluate.statistics import Interval
from course_utils.teach import show

PAGE = "results/LEDGER.md"


def ledgers(root: Path = ROOT) -> list[Ledger]:
    """Load the ledgers of the lessons that rebuild a paper."""
    return [ledger for ledger in map(load, find(root)) if ledger.paper]


# ------------------------------------------------------------------ terminal


def lines(ledger: Ledger) -> list[str]:
    """List one lesson for a terminal: claims, numbers but for the settings, and a count of these."""
    rows = ledger.numbers()
    said = [f"{row.status}: {row.means}. {row.why}" for _, row in claims([ledger])]
    table = [["number", "paper", "ours, mean", "one run", "from", "status", ""]]
    table += [[r.key, *_cells(r), r.profile, r.status, r.why] for r in rows if r.status != SETTING]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    shown = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in table]
    found = {name: n for name, n in counts(rows).items() if n}
    total = f"{sum(found.values())} numbers: " + ", ".join(f"{n} {name}" for name, n in found.items())
    return [ledger.lesson.slug, *filter(None, [ledger.other_data]), *said, *shown, total, ""]


# ------------------------------------------------------------------ results/LEDGER.md


def page(root: Path = ROOT) -> str:
    """Write the whole ledger as Markdown."""
    every = ledgers(root)
    body = [
        [ledger.lesson.slug[:2], row.means, row.before, f"**{row.status}**", row.why] for ledger, row in claims(every)
    ]
    return render(
        "ledger.md",
        statuses=STATUSES,
        headline=_headline(every),
        claims=_table(["lesson", "the paper says", "verdict before", "status now", "why"], body),
        counts=_counted(every),
        lessons=[part for ledger in every for part in _lesson(ledger)],
    )


def _headline(every: Iterable[Ledger]) -> str:
    """Say how many of the numbers that stand beside ours tell the paper's arms apart."""
    rows = [row for ledger in every for row in ledger.numbers()]
    compared = [row for row in rows if row.test is not None]
    return (
        f"The lessons quote {len(rows)} numbers of their papers. {len(compared)} of them stand beside a value of ours, "
        f"and **{sum(row.test for row in compared)} of these {len(compared)} discriminate**: only there could we have "
        "told the number of the paper from that of another of its arms, or from a constant (our interval keeps to what "
        f"the measure can be, is shorter than half the claimed effect, and rests on {FEWEST} runs or more). The others "
        "are shown, and bear no verdict."
    )


def _counted(every: Iterable[Ledger]) -> str:
    """Make a table of how many numbers of each lesson have each status."""
    body = []
    for ledger in every:
        found = counts(ledger.numbers()).values()
        body.append([ledger.lesson.slug[:2], *map(str, found), str(sum(found))])
    return _table(["numbers of lesson", *STATUSES, "in all"], body)


def _lesson(ledger: Ledger) -> list[str]:
    about, rows = ledger.about, ledger.numbers()
    title = next((found["title"] for found in ledger.results.values()), ledger.lesson.slug)
    parts = [
        f"## {ledger.lesson.slug[:2]} · {show.without_html(title)}",
        f"{about['author']}, *{about['title']}*. {about['venue']}.",
        f"**{ledger.other_data}**" if ledger.other_data else "",
        *_runs(ledger),
    ]
    if said := [[r.means, r.where, _status(r), r.quick] for _, r in claims([ledger])]:
        parts.append(_table(["the paper says", "where", "status", "the five-minute lesson shows"], said))
    if numbers := [row for row in rows if row.ours]:
        head = ["number", "paper", "ours, mean", "one run", "from", "status"]
        parts.append(_table(head, [[_named(row), *_cells(row), f"`{row.profile}`", _status(row)] for row in numbers]))
    why = defaultdict(list)
    for row in rows:
        if not row.ours and row.status in (NOT_RUN, UNDER):
            why[row.status, row.why].append(row)
    parts += [_folded(f"{len(g)} {status}: {reason or 'no results'}", g) for (status, reason), g in why.items()]
    settings = [row for row in rows if row.status == SETTING]
    return [*filter(None, parts), _folded(f"{len(settings)} settings of the paper", settings)]


def _runs(ledger: Ledger) -> list[str]:
    """Say what runs a lesson has, and of a full one whether it passed its gates and what varies from seed to seed."""
    parts = []
    if found := ledger.results.get(QUICK):
        data = SUBSTITUTES.get(report.data_source(found), "real data")
        parts.append(f"`quick`: {len(found['seeds'])} seeds, {data}, {found['device']}.")
    if found := ledger.results.get(FULL):
        parts.append(f"`full`: {full_page.made(found)}. Gates: {full_page.gates(found)}.")
        if "spread" in found:
            parts.append(full_page.spread(found))
    return [show.without_html(part) for part in parts] or ["Not run yet."]


def _folded(summary: str, rows: list[Row]) -> str:
    table = _table(["number", "paper"], [[_named(row), _cells(row)[0]] for row in rows])
    return f"<details><summary>{show.without_html(summary)}</summary>\n\n{table}\n\n</details>"


# ------------------------------------------------------------------ README.md


def block(root: Path = ROOT) -> str:
    """Write README's block: the status of each claim, then how many numbers have which."""
    every = ledgers(root)
    body = [
        [f"[{ledger.lesson.slug[:2]}](notebooks/{ledger.lesson.slug}.ipynb)", row.means, _status(row)]
        for ledger, row in claims(every)
    ]
    notes = [f"Lesson {ledger.lesson.slug[1:2]}: {ledger.other_data}" for ledger in every if ledger.other_data]
    return "\n\n".join(
        [
            _table(["lesson", "the paper says", "status"], body),
            *notes,
            _headline(every),
            _counted(every),
            f"[Every claim and number, what the statuses mean, and what was said before]({PAGE})",
        ]
    )


# ------------------------------------------------------------------ parts


def write(root: Path = ROOT) -> None:
    """Write results/LEDGER.md."""
    files.write(root / PAGE, page(root))


def check(root: Path = ROOT) -> list[str]:
    """Say, in at most one line, whether results/LEDGER.md is out of date."""
    path = root / PAGE
    if path.is_file() and path.read_text(encoding="utf-8") == page(root):
        return []
    return [f"{PAGE} is not what paper.toml, ledger.toml and results/ say; renew it with: course ledger --write"]


def _named(row: Row) -> str:
    return f"`{row.key}`: {row.means} ({row.where})"


def _status(row: Row) -> str:
    return f"**{row.status}**" + (f": {row.why}" if row.why else "")


def _cells(row: Row) -> tuple[str, str, str]:
    """Format the paper's value, our mean with its interval, and the interval of one run."""
    value = "" if row.value is None else f"{row.value:,}{' ' + row.unit if row.unit else ''}"
    found = [interval for interval in (row.ours, row.run) if interval]
    places = min(4, report.decimals([{"ci95": [one.lo, one.hi]} for one in found]))

    def text(interval: Interval | None, mean: bool) -> str:
        if interval is None:
            return ""
        ends = f"[{report.number(interval.lo, places)},\N{NO-BREAK SPACE}{report.number(interval.hi, places)}]"
        return f"{report.number(interval.mean, places)} {ends}" if mean else ends

    return value, text(row.ours, True), text(row.run, False)


def _table(head: list[str], body: list[list[str]]) -> str:
    rows = [[show.without_html(cell).replace("|", r"\|") for cell in row] for row in (head, *body)]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])
