"""Show the ledger: as lines in a terminal, as results/LEDGER.md, and as the block of README.md."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from course_tools.author.ledger import NOT_RUN, SETTING, UNDER, VERDICTS, Ledger, Row, counts, load
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


def lines(ledger: Ledger, profile: str) -> list[str]:
    """List one lesson in one profile for a terminal: claims, numbers but for the settings, and a count of all."""
    rows = ledger.rows(profile)
    claims = [f"{row.verdict}: {row.means}. {row.remark}" for row in rows if row.value is None]
    table = [["number", "paper", "ours, mean", "one run", "verdict", ""]]
    table += [[r.key, *_cells(r), r.verdict, r.remark] for r in rows if r.value is not None and r.verdict != SETTING]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    shown = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in table]
    found = {name: n for name, n in counts(rows).items() if n}
    total = f"{sum(found.values())} numbers: " + ", ".join(f"{n} {name}" for name, n in found.items())
    return [f"{ledger.lesson.slug}, profile {profile}", *claims, *shown, total, ""]


# ------------------------------------------------------------------ results/LEDGER.md


def page(root: Path = ROOT) -> str:
    """Write the whole ledger as Markdown."""
    every = ledgers(root)
    return render(
        "ledger.md",
        total=sum(len(ledger.paper) for ledger in every),
        verdicts=VERDICTS,
        counts=_counted(every),
        lessons=[part for ledger in every for part in _lesson(ledger)],
    )


def _counted(every: Iterable[Ledger]) -> str:
    """Make a table of how many numbers of each lesson and profile have each verdict."""
    body = []
    for ledger in every:
        for profile in ledger.profiles:
            found = counts(ledger.rows(profile)).values()
            body.append([f"{ledger.lesson.slug}, `{profile}`", *map(str, found), str(sum(found))])
    return _table(["lesson and profile", *VERDICTS, "in all"], body)


def _lesson(ledger: Ledger) -> list[str]:
    about = ledger.about
    title = next((found["title"] for found in ledger.results.values()), ledger.lesson.slug)
    parts = [
        f"## {ledger.lesson.slug[:2]} · {show.without_html(title)}",
        f"{about['author']}, *{about['title']}*. {about['venue']}.",
    ]
    for profile in ledger.profiles:
        rows = ledger.rows(profile)
        parts += [f"### Profile `{profile}`", _seeds(ledger, profile)]
        if claims := [row for row in rows if row.value is None]:
            parts.append(_claims(claims))
        numbers = [row for row in rows if row.value is not None and row.verdict not in (SETTING, NOT_RUN, UNDER)]
        if numbers:
            head = ["number", "paper", "ours, mean", "one run", "verdict"]
            parts.append(_table(head, [[_named(row), *_cells(row), _verdict(row)] for row in numbers]))
        why = defaultdict(list)
        for row in rows:
            if row.value is not None and row.verdict in (NOT_RUN, UNDER):
                why[row.verdict, row.remark].append(row)
        parts += [_folded(f"{len(g)} {verdict}: {remark or 'no results'}", g) for (verdict, remark), g in why.items()]
    settings = [row for row in ledger.rows(ledger.profiles[-1]) if row.verdict == SETTING]
    return [*parts, _folded(f"{len(settings)} settings of the paper", settings)]


def _seeds(ledger: Ledger, profile: str) -> str:
    if profile not in ledger.results:
        return "Not run yet."
    found = ledger.results[profile]
    data = SUBSTITUTES.get(report.data_source(found), "real data")
    return f"{len(found['seeds'])} seeds, {data}, {show.without_html(found['device'])}."


def _folded(summary: str, rows: list[Row]) -> str:
    table = _table(["number", "paper"], [[_named(row), _cells(row)[0]] for row in rows])
    return f"<details><summary>{show.without_html(summary)}</summary>\n\n{table}\n\n</details>"


# ------------------------------------------------------------------ README.md


def block(root: Path = ROOT) -> str:
    """Write README's block: how many numbers have which verdict, and the verdict on each claim."""
    every = ledgers(root)
    total = sum(len(ledger.paper) for ledger in every)
    claims = [(ledger, row) for ledger in every for row in ledger.rows(ledger.profiles[-1]) if row.value is None]
    body = [
        [f"[{ledger.lesson.slug[:2]}](notebooks/{ledger.lesson.slug}.ipynb)", row.means, _verdict(row)]
        for ledger, row in claims
    ]
    return "\n\n".join(
        [
            f"The lessons quote {total} numbers of their papers. What became of them, and of what the papers say in "
            "words (the `quick` profile trains smaller networks than the papers, and for a shorter time):",
            _counted(every),
            _table(["lesson", "the paper says", "we find"], body),
            f"[Every number, and what the verdicts mean]({PAGE})",
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


def _claims(rows: list[Row]) -> str:
    return _table(["the paper says", "where", "we find"], [[row.means, row.where, _verdict(row)] for row in rows])


def _named(row: Row) -> str:
    return f"`{row.key}`: {row.means} ({row.where})"


def _verdict(row: Row) -> str:
    return f"**{row.verdict}**" + (f": {row.remark}" if row.remark else "")


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
