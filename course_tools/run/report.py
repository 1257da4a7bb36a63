"""The page of a run: index.html, self-contained, with each lesson's verdict, main figure and table."""

from __future__ import annotations

import base64
import math
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_utils.core import files
from course_utils.core.errors import CourseError
from course_utils.core.profiles import SUBSTITUTES
from course_utils.core.results import read as read_results

if TYPE_CHECKING:
    from course_tools.run.run import Outcome

STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --soft: #595959; --line: #d0d0d0; --page: #fff; --panel: #f6f6f4;
  --good: #00614a; --bad: #a33b00; --warn: #fff3cd; --warn-ink: #4d3800; --link: #00558c; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececec; --soft: #b0b0b0; --line: #444; --page: #161616;
  --panel: #202020; --good: #58c9a5; --bad: #ff9b62; --warn: #453600; --warn-ink: #ffe9a8; --link: #7cc4f5; } }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.25rem; margin: 0; } h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
a { color: var(--link); }
article { border-top: 2px solid var(--line); margin-top: 2rem; padding-top: 1rem; }
.verdict { font-size: 1.15rem; } .state { font-weight: 600; } .ok { color: var(--good); } .failed { color: var(--bad); }
.banner { background: var(--warn); border-radius: .3rem; color: var(--warn-ink); font-weight: 600;
  padding: .6rem .8rem; }
.note { color: var(--soft); font-size: .875rem; }
img { background: #fff; display: block; height: auto; max-width: 100%; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); overflow-wrap: normal; padding: .3rem .8rem .3rem 0; text-align: right; }
th:first-child { text-align: left; } td, td span { white-space: nowrap; }
.wide { margin-bottom: 1rem; }
@media (max-width: 40rem) { table { font-size: .75rem; } th, td { padding-right: .5rem; } td span { display: block; } }
pre { background: var(--panel); font-size: .8rem; overflow-x: auto; overflow-wrap: normal; padding: .75rem; }
"""

EARLIER = "from an earlier run"


def write(folder: Path, profile: str, outcomes: list[Outcome]) -> None:
    """Writes `folder`/index.html: this run's lessons, then those of which an earlier run left results in `folder`."""
    ran = {outcome.slug for outcome in outcomes}
    earlier = [(path.stem, *_load(path)) for path in sorted(folder.glob("results/*.json")) if path.stem not in ran]
    articles = [_article(folder, o.slug, o.results, o.error, _state(o), o.wall_s) for o in outcomes]
    articles += [
        _article(folder, slug, found, fault, "failed" if fault else EARLIER, found.get("wall_s"))
        for slug, found, fault in earlier
    ]
    everything = [o.results for o in outcomes if o.results] + [found for _, found, _ in earlier]
    banner = ""
    if any(data_source(found) in SUBSTITUTES for found in everything):
        banner = _banner("Some of these lessons ran on samples or stand-ins: no scientific claim. Each says so.")
    failures = sum(o.error is not None for o in outcomes)
    found = sum(o.found for o in outcomes)
    count = f"{len(outcomes) - found} run, {f'{failures} failed' if failures else 'all ok'}"
    count += f", {found} found finished" if found else ""
    files.write(
        folder / "index.html",
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Lessons, profile {escape(profile)}</title><style>{STYLE}</style></head>\n<body><main>\n"
        f"<h1>Lessons, profile {escape(profile)}: {count}</h1>\n{banner}\n"
        + "\n".join(articles)
        + "\n</main></body></html>\n",
    )


def _state(outcome: Outcome) -> str:
    if outcome.error:
        return f"failed: {outcome.kind}"
    return EARLIER if outcome.found else "ok"


def duration(seconds: float) -> str:
    """`48 s`, `4 min 12 s`, `2 h 05 min`."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours} h {m:02} min" if hours else f"{m} min {s:02} s" if m else f"{s} s"


def data_source(results: dict[str, Any]) -> str:
    """Where a lesson's data came from, as `Dataset.source`; `unknown` if its results do not say."""
    return str((results.get("data") or {}).get("source", "unknown"))


def decimals(estimates: list[dict[str, Any]]) -> int:
    """How many decimals a column of estimates deserves: two digits of its narrowest 95 % interval, 4 without one."""
    halves = [(high - low) / 2 for low, high in map(_interval, estimates) if low is not None]
    narrowest = min((half for half in halves if half > 0), default=0.0099)
    return min(6, max(0, 1 - math.floor(math.log10(narrowest))))


def number(value: float | None, places: int, signed: bool = False) -> str:
    """The value with so many decimals, thousands separated; a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    return f"{value:{'+' if signed else ''},.{places}f}".replace("-", "−")


def _load(path: Path) -> tuple[dict[str, Any], str | None]:
    """The results in a file, or none and what is wrong with it: one odd file must not cost the whole page."""
    try:
        return read_results(path, renewal=f"course run {path.stem} --again"), None
    except CourseError as error:
        return {}, f"results/{path.name} cannot be shown: {error}"


def _banner(text: str) -> str:
    return f'<p class="banner" role="note">{escape(text)}</p>'


def _article(
    folder: Path, slug: str, results: dict[str, Any] | None, error: str | None, state: str, wall_s: float | None
) -> str:
    try:
        return _lesson(folder, slug, results, error, state, wall_s)
    except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as fault:
        return _lesson(folder, slug, None, f"results/{slug}.json cannot be shown: {fault!r}", "failed", None)


def _lesson(
    folder: Path, slug: str, results: dict[str, Any] | None, error: str | None, state: str, wall_s: float | None
) -> str:
    kind = "failed" if error else "ok"
    time = f", {duration(wall_s)}" if wall_s is not None else ""
    parts = [
        f"<h2>{escape(str((results or {}).get('title') or slug))}</h2>",
        f'<p class="note"><span class="state {kind}">{state}</span>{time}{_links(folder, slug)}</p>',
    ]
    if error:
        parts.append(f"<pre>{escape(error)}</pre>")
    if results:
        if words := SUBSTITUTES.get(data_source(results)):
            parts.append(_banner(f"{words}: no scientific claim"))
        parts.append(f'<p class="verdict">{escape(str(results.get("verdict") or "No verdict."))}</p>')
        parts.append(_figure(folder, slug, results.get("figure")))
        parts.append(_tables("Arms", results.get("arms"), signed=False))
        parts.append(_tables("Differences", results.get("differences"), signed=True))
        parts.append(f'<p class="note">{escape(provenance(results))}</p>')
    return f'<article id="{escape(slug)}">' + "\n".join(filter(None, parts)) + "</article>"


def _links(folder: Path, slug: str) -> str:
    targets = (
        (f"{slug}.html", "executed notebook"),
        (f"{slug}.failed.ipynb", "notebook up to the failure"),
        (f"results/{slug}.json", "results as JSON"),
    )
    return "".join(f' · <a href="{escape(path)}">{text}</a>' for path, text in targets if (folder / path).exists())


def _figure(folder: Path, slug: str, figure: dict[str, str] | None) -> str:
    if not figure:
        return ""
    path = folder / "results" / Path(figure["file"]).name
    if not path.is_file():
        return f'<p class="note">The figure {escape(path.name)} is missing.</p>'
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img src="data:image/png;base64,{data}" alt="{escape(figure.get("alt") or slug)}">'


def _tables(heading: str, rows: dict[str, dict[str, dict[str, Any]]] | None, signed: bool) -> str:
    """One table a metric: a row an arm (or pair of arms), a column a test set."""
    if not rows:
        return ""
    columns: dict[tuple[str, str], list] = {}  # (metric, test set) → one estimate a row, or None
    for found in rows.values():
        columns |= {(metric, test): [] for metric in found for test in found[metric]}
    for (metric, test), estimates in columns.items():
        estimates += [found.get(metric, {}).get(test) for found in rows.values()]
    tables = [f"<h3>{heading}, mean [95 % interval]</h3>"]
    for wanted in dict.fromkeys(metric for metric, _ in columns):
        tests = [test for metric, test in columns if metric == wanted]
        cells = zip(*(_cells(columns[wanted, test], signed) for test in tests), strict=True)
        head = "".join(f'<th scope="col">{escape(test)}</th>' for test in tests)
        body = "".join(
            f'<tr><th scope="row">{escape(name)}</th>{"".join(row)}</tr>' for name, row in zip(rows, cells, strict=True)
        )
        tables.append(
            f'<div class="wide"><table><thead><tr><th scope="col">{escape(wanted)}</th>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )
    return "\n".join(tables)


def _cells(estimates: list[dict[str, Any] | None], signed: bool) -> list[str]:
    places = decimals([estimate for estimate in estimates if estimate])
    cells = []
    for estimate in estimates:
        if not estimate:
            cells.append("<td>–</td>")
            continue
        mean, low, high = (number(value, places, signed) for value in (estimate.get("mean"), *_interval(estimate)))
        cells.append(f"<td>{mean} <span>[{low}, {high}]</span></td>")
    return cells


def _interval(estimate: dict[str, Any]) -> tuple[float | None, float | None]:
    """(lo, hi), both None unless both are numbers."""
    low, high = estimate.get("ci95") or (None, None)
    return (None, None) if None in (low, high) or math.isnan(low + high) else (low, high)


def provenance(results: dict[str, Any]) -> str:
    """Where results come from, in a line: profile, data, seeds, device, versions, commit, wall time."""
    data = results.get("data") or {}
    versions = results.get("versions") or {}
    facts = {
        "profile": results.get("profile"),
        "data": " ".join(str(data[key]) for key in ("name", "source") if key in data),
        "seeds": ", ".join(map(str, results.get("seeds") or [])),
        "device": results.get("device"),
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "commit": results.get("commit"),
        "wall time": duration(results["wall_s"]) if results.get("wall_s") is not None else None,
    }
    return " · ".join(f"{name}: {fact}" for name, fact in facts.items() if fact)
