"""Writes the page of a run: index.html, self-contained, with each lesson's verdict, main figure and tables."""

from __future__ import annotations

import base64
import importlib.util
import math
from pathlib import Path
from typing import Any

from course_tools.run.outcome import Outcome, data_source, duration
from course_utils.core import files
from course_utils.core.errors import CourseError
from course_utils.core.profiles import SUBSTITUTES
from course_utils.core.results import read as read_results

STYLE = Path(__file__).parents[1] / "templates" / "report.css"
EARLIER = "from an earlier run"
UNSHOWABLE = (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError)


def write(folder: Path, profile: str, outcomes: list[Outcome]) -> Path | None:
    """Write `folder`/index.html: this run's lessons, then those of which an earlier run left results in `folder`.

    Returns its path, or None where jinja2 is not installed: `run --kernel none` does without the page.
    """
    if importlib.util.find_spec("jinja2") is None:
        return None
    from course_tools.templates import render

    articles = [_article(folder, o.slug, o.results, o.error, _state(o), o.wall_s) for o in outcomes]
    ran = {outcome.slug for outcome in outcomes}
    for path in sorted(folder.glob("results/*.json")):
        if path.stem not in ran:
            results, fault = _load(path)
            state = "failed" if fault else EARLIER
            articles.append(_article(folder, path.stem, results, fault, state, results.get("wall_s")))
    page = folder / "index.html"
    style = STYLE.read_text("utf-8")
    files.write(page, render("report.html", profile=profile, style=style, count=_count(outcomes), articles=articles))
    return page


def _count(outcomes: list[Outcome]) -> str:
    failures = sum(o.error is not None for o in outcomes)
    found = sum(o.found for o in outcomes)
    count = f"{len(outcomes) - found} run, {f'{failures} failed' if failures else 'all ok'}"
    return count + (f", {found} found finished" if found else "")


def _state(outcome: Outcome) -> str:
    if outcome.error:
        return f"failed: {outcome.kind}"
    return EARLIER if outcome.found else "ok"


def _load(path: Path) -> tuple[dict[str, Any], str | None]:
    """Read the results in a file, or say what is wrong with it: one odd file must not cost the whole page."""
    try:
        return read_results(path, renewal=f"course run {path.stem} --again"), None
    except CourseError as error:
        return {}, f"results/{path.name} cannot be shown: {error}"


def _article(
    folder: Path, slug: str, results: dict[str, Any] | None, error: str | None, state: str, wall_s: float | None
) -> dict[str, Any]:
    """Prepare what the template shows of a lesson."""
    try:
        return _lesson(folder, slug, results, error, state, wall_s)
    except UNSHOWABLE as fault:
        return _lesson(folder, slug, None, f"results/{slug}.json cannot be shown: {fault!r}", "failed", None)


def _lesson(
    folder: Path, slug: str, results: dict[str, Any] | None, error: str | None, state: str, wall_s: float | None
) -> dict[str, Any]:
    shown = {
        "slug": slug,
        "title": str((results or {}).get("title") or slug),
        "state": state,
        "time": None if wall_s is None else duration(wall_s),
        "links": _links(folder, slug),
        "error": error,
        **dict.fromkeys(("substitute", "verdict", "figure", "tables", "provenance")),
    }
    if results:
        shown |= {
            "substitute": SUBSTITUTES.get(data_source(results)),
            "verdict": str(results.get("verdict") or "No verdict."),
            "figure": _figure(folder, slug, results.get("figure")),
            "tables": [
                (heading, _tables(results[key], signed))
                for heading, key, signed in (("Arms", "arms", False), ("Differences", "differences", True))
                if results.get(key)
            ],
            "provenance": provenance(results),
        }
    return shown


def _links(folder: Path, slug: str) -> list[tuple[str, str]]:
    targets = (
        (f"{slug}.html", "executed notebook"),
        (f"{slug}.failed.ipynb", "notebook up to the failure"),
        (f"results/{slug}.json", "results as JSON"),
    )
    return [(path, text) for path, text in targets if (folder / path).exists()]


def _figure(folder: Path, slug: str, figure: dict[str, str] | None) -> dict[str, str | None] | None:
    if not figure:
        return None
    path = folder / "results" / Path(figure["file"]).name
    content = base64.b64encode(path.read_bytes()).decode() if path.is_file() else None
    return {"name": path.name, "alt": figure.get("alt") or slug, "content": content}


def _tables(rows: dict[str, dict[str, dict[str, Any]]], signed: bool) -> list[dict[str, Any]]:
    """Prepare one table a metric: a row an arm (or pair of arms), a column a test set."""
    test_sets: dict[str, dict[str, None]] = {}  # metric → its test sets, in order
    for measured in rows.values():
        for metric, by_test in measured.items():
            test_sets.setdefault(metric, {}).update(dict.fromkeys(by_test))
    tables = []
    for metric, tests in test_sets.items():
        columns = [_cells([row.get(metric, {}).get(test) for row in rows.values()], signed) for test in tests]
        named = list(zip(rows, zip(*columns, strict=True), strict=True))
        tables.append({"metric": metric, "test_sets": list(tests), "rows": named})
    return tables


def _cells(estimates: list[dict[str, Any] | None], signed: bool) -> list[dict[str, str] | None]:
    places = decimals([estimate for estimate in estimates if estimate])
    return [
        {
            name: number(value, places, signed)
            for name, value in zip(("mean", "low", "high"), (estimate.get("mean"), *_interval(estimate)), strict=True)
        }
        if estimate
        else None
        for estimate in estimates
    ]


def decimals(estimates: list[dict[str, Any]]) -> int:
    """Count the decimals that a column of estimates deserves: two digits of its narrowest interval, 4 without one."""
    halves = [(high - low) / 2 for low, high in map(_interval, estimates) if low is not None]
    narrowest = min((half for half in halves if half > 0), default=0.0099)
    return min(6, max(0, 1 - math.floor(math.log10(narrowest))))


def number(value: float | None, places: int, signed: bool = False) -> str:
    """Write a value with so many decimals, thousands separated; a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    return f"{value:{'+' if signed else ''},.{places}f}".replace("-", "−")


def _interval(estimate: dict[str, Any]) -> tuple[float | None, float | None]:
    """Give (low, high), both None unless both are numbers."""
    low, high = estimate.get("ci95") or (None, None)
    return (None, None) if None in (low, high) or math.isnan(low + high) else (low, high)


def provenance(results: dict[str, Any]) -> str:
    """Say in a line where results come from: profile, data, seeds, device, versions, commit, wall time."""
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
