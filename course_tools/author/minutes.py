"""Compute the minutes that a lesson takes a learner, and write them into its notebook and its TEACHING.md.

A heading that ends in `· deeper` marks what may be left out: its cells are run, but need not be read.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from nbformat import NotebookNode

from course_utils.teach.minutes import LINES_A_MINUTE, WORDS_A_MINUTE, Section, whole

DEEPER = " · deeper"
WITHIN = " / "  # between the titles of a section and of a part of it
SITTING = 90
AROUND = {"start-up": 5, "break": 10, "wrap-up": 5}
"""Minutes of a sitting in class that no section takes."""

MARKS = ("<!-- minutes: written by `make notebooks` -->", "<!-- end of minutes -->")
HEADING = re.compile(r"^(?=#{2,3} )", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HIDDEN = re.compile(r"<!--.*?-->|<[^>]+>|\]\([^)]*\)|base64,\S+", re.DOTALL)


# ------------------------------------------------------------------ counting


def measure(nb: NotebookNode) -> list[dict[str, Any]]:
    """Measure the sections of a notebook that papermill has executed, with its outputs and durations.

    A section begins at a heading of level 2, or at one of level 3 that is marked *deeper* or follows one that is.
    """
    sections, before = [Section("Opening")], ""
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            for part in HEADING.split(cell.source):
                sections += _begun(part, sections)
                sections[-1] = _plus(sections[-1], **_read(part))
            continue
        hidden = cell.metadata.get("jupyter", {}).get("source_hidden")
        lines = 0 if hidden else sum(bool(line.strip()) for line in cell.source.splitlines())
        sections[-1] = _plus(sections[-1], code=lines / LINES_A_MINUTE)
        for output in cell.outputs:
            sections[-1] = _plus(sections[-1], **_read(_text(output)))
        if "check" in cell.metadata.get("tags", []):
            exercise = exercise_of(cell.source, before)
            sections[-1] = _plus(sections[-1], exercises=exercise.minutes if exercise else 0)
        seconds = cell.metadata.get("papermill", {}).get("duration") or 0.0
        sections[-1] = _plus(sections[-1], waiting=seconds / 60)
        before += cell.source + "\n"
    return [{name: _rounded(value) for name, value in asdict(section).items()} for section in sections]


def exercise_of(check: str, before: str) -> Any:
    """Find the class of the exercise that a check cell checks, None where it is none of ours.

    check: the cell's source, `NAME.check(…)`; before: the sources of the cells before it, where NAME is made.
    """
    name = re.match(r"(\w+)\.check\(", check)
    made = name and re.search(rf"^{name[1]} = (\w+)\.(\w+)\(", before, re.MULTILINE)
    if not made:
        return None
    alias, kind = made.groups()
    module = re.search(rf"^from (\S+) import (\w+) as {alias}$", before, re.MULTILINE)
    return getattr(importlib.import_module(".".join(module.groups())), kind)


def _begun(part: str, sections: list[Section]) -> list[Section]:
    """Give the section that a piece of text begins, if it does."""
    heading = re.match(r"(#{2,3}) (.+)", part)
    if not heading:
        return []
    title, deeper = heading[2].removesuffix(DEEPER), heading[2].endswith(DEEPER)
    last = sections[-1]
    if heading[1] == "###":
        if last.deeper == deeper or (last.deeper and WITHIN not in last.title):  # a deeper section is deeper to its end
            return []
        title = f"{last.title.split(WITHIN)[0]}{WITHIN}{title}"
    return [Section(title, deeper)]


def _text(output: NotebookNode) -> str:
    """What there is to read in an output; of a picture, nothing."""
    data = output.get("data", {})
    found = next((data[mime] for mime in ("image/png", "text/markdown", "text/html", "text/plain") if mime in data), "")
    return output.get("text", "" if "image/png" in data else found)


def _read(text: str) -> dict[str, float]:
    """Count the minutes of a Markdown text: words, and the lines of code in it."""
    code = sum(bool(line.strip()) for found in FENCED.findall(text) for line in found.splitlines()[1:-1])
    words = len(HIDDEN.sub(" ", FENCED.sub(" ", text)).split())
    return {"reading": words / WORDS_A_MINUTE, "code": code / LINES_A_MINUTE}


def _plus(section: Section, **more: float) -> Section:
    found = asdict(section)
    found["longest"] = max(found["longest"], more.get("waiting", 0.0))
    return Section(**found | {name: found[name] + value for name, value in more.items()})


def _rounded(value: Any) -> Any:
    return round(value, 2) if isinstance(value, float) else value


# ------------------------------------------------------------------ telling


def shown(nb: NotebookNode, sections: list[Section]) -> NotebookNode:
    """Write the lesson's minutes below its title cell, and those of each section below its heading."""
    if not sections:
        return nb
    told = {section.title: section for section in sections}
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            cell.source = "".join(_told(part, told) for part in HEADING.split(cell.source))
    nb.cells[0].source += "\n\n" + _marked(_summary(sections))
    return nb


def _told(part: str, told: dict[str, Section]) -> str:
    heading, newline, rest = part.partition("\n")
    title = re.sub(r"^#+ ", "", heading).removesuffix(DEEPER)
    section = told.get(title) or next((one for name, one in told.items() if name.endswith(WITHIN + title)), None)
    if not HEADING.match(part) or section is None:
        return part
    skip = ", of which the core path only waits: run its cells, read it another day" if section.deeper else ""
    minutes = f"*{_minutes(section.total)}{skip}*"
    return f"{heading}\n{_marked(minutes)}\n{rest}" if newline else f"{heading}\n{_marked(minutes)}"


def _marked(text: str) -> str:
    return f"{MARKS[0]}\n\n{text}\n\n{MARKS[1]}"


def _minutes(number: float) -> str:
    return f"{whole(number)} minute{'s' if whole(number) > 1 else ''}"


def _summary(sections: list[Section]) -> str:
    total, core = (sum(getattr(section, name) for section in sections) for name in ("total", "core"))
    parts = {name: sum(getattr(section, name) for section in sections) for name in ("reading", "code", "exercises")}
    waiting = sum(section.waiting for section in sections)
    deeper = [section.title for section in sections if section.deeper]
    kinds = ", ".join(f"{name} {whole(value)}" for name, value in parts.items() if value)
    said = f"**Time.** About {_minutes(total)}: {kinds}, and {_minutes(waiting)} of waiting for the computer."
    if deeper:
        said += (
            f" The **core path** takes {_minutes(core)}: without what is marked *deeper*, of which you run the cells "
            "and leave the reading for another day."
        )
    return said


def teaching(sections: list[Section]) -> str:
    """Write the block of TEACHING.md: the minutes of each section, and sittings of them."""
    if not sections:
        return "`make notebooks` writes the minutes of each section here."
    lines = [
        "| section | minutes | reading | code | exercises | waiting | longest cell | to start here |",
        "|---|---|---|---|---|---|---|---|",
    ]
    waited = 0.0
    for section in sections:
        parts = (section.reading, section.code, section.exercises, section.waiting, section.longest, waited)
        name = f"*{section.title} (deeper)*" if section.deeper else section.title
        lines.append(f"| {name} | {whole(section.total)} | " + " | ".join(f"{part:.1f}" for part in parts) + " |")
        waited += section.waiting
    start = "*To start here*: what *Run All Above Selected Cell* takes; what is left open in exercises is filled in."
    lines += ["", f"{start} *Deeper* sections can be skipped: run their cells, and go on."]
    plans = {"The core path": "core"} if any(section.deeper for section in sections) else {}
    for name, attribute in (plans | {"Everything": "total"}).items():
        lines += ["", f"{name}, in sittings of at most {SITTING} minutes:", ""]
        lines += ["| sitting | sections | minutes |", "|---|---|---|"]
        for number, sitting in enumerate(_sittings(sections, attribute), 1):
            around = ", ".join(f"{what} {minutes}" for what, minutes in AROUND.items())
            minutes = sum(whole(getattr(section, attribute)) for section in sitting)
            named = [section.title.split(" · ")[0] for section in sitting]
            span = named[0] if len(named) == 1 else f"{named[0]} to {named[-1]}"
            total = minutes + sum(AROUND.values())
            lines.append(f"| {number} | {span}: {minutes}; {around} | {total} |")
    return "\n".join(lines)


def filled(text: str, sections: list[Section]) -> str:
    """Give the text of a TEACHING.md with its block renewed; one without the marks stays as it is."""
    before, begin, rest = text.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    return f"{before}{begin}\n\n{teaching(sections)}\n\n{end}{after}" if begin and end else text


def _sittings(sections: list[Section], attribute: str) -> Iterator[list[Section]]:
    """Cut the sections into runs that fit into a sitting; a section that is longer than one is one by itself."""
    left = SITTING - sum(AROUND.values())
    sitting: list[Section] = []
    for section in sections:
        if sitting and sum(whole(getattr(one, attribute)) for one in (*sitting, section)) > left:
            yield sitting
            sitting = []
        sitting.append(section)
    yield sitting
