"""Check that every number and every verdict in the lessons' text, TEACHING.md and README.md is computed or injected.

- A number typed in prose must be one of the paper's, or stand in a [[sentence]] or under `[allowed]` of ledger.toml.
- A [[sentence]] has its `text`, word for word, and `paper`: Python expressions over the keys of paper.toml that must be
  true. The numbers in them may stand in the sentence.
- [allowed] maps texts to the reason why their numbers may be typed; a heading, such as `## Exam questions`, allows the
  numbers of its section. `lessons/ledger.toml` allows them in all lessons and README.md.
- A sentence in the form of `statistics.verdict`, in committed results, stored outputs or README.md, is computed again.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from course_tools.author import tables
from course_tools.author.ledger import Ledger
from course_utils.core.errors import CourseError
from course_utils.core.profiles import ROOT
from course_utils.evaluate.comparisons import code_name
from course_utils.evaluate.statistics import proportion_interval, verdict

NUMBER = re.compile(r"(?<![\w.,])(?<![A-Za-z]-)(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e-?\d+)?|(?<![\w.])\.\d+")
CODE = re.compile(r"```.*?```|\$[^$]*\$|<!--.*?-->|<[^>]+>|\]\([^)]*\)", re.DOTALL)
GENERATED = re.compile(r"<!-- ([\w ]+): written by .*?<!-- end of \1 -->", re.DOTALL)
LAYOUT = re.compile(r"^\s*\d+\. |(?<=^## )\d+ · |(?<=\|)[\d ,–]+(?=\|)", re.MULTILINE)
"""Numbers of list items and headings, and cells of a table that hold nothing but numbers."""

REFERENCE = re.compile(
    r"\b(?:lessons?|sections?|exercises?|steps?|figures?|tables?) [\d.]*\d(?:(?:, | and | to |–)[\d.]*\d)*",
    re.IGNORECASE,
)

VERDICT = re.compile(
    r"(?:[Ww]e cannot tell (?P<a0>.+?) from (?P<b0>.+?) by (?P<m0>.+?)"
    r"|(?P<a>[`\w][`'\w +-]*?) scores (?:higher|lower) than (?P<b>[^:|]+?) in (?P<m>[^:|]+?))"
    r": (?P<mean>−?[\d.]+) \[−?[\d.]+, −?[\d.]+\](?P<unit> points)?(?:, an interval that includes 0)?\."
)
LIKE_A_VERDICT = re.compile(
    r"an interval that (?:includes|holds) 0|\b(?:raises|lowers|scores)\b[^.|]*? (?:over|against|than) [^|\n]*?\d \["
)

FUNCTIONS = {"round": round, "min": min, "max": max, "log": math.log, "exp": math.exp}
FUNCTIONS["wilson"] = lambda share, images: proportion_interval(round(share * images), images)
"""What the expressions over the paper's numbers may call."""


def faults(ledger: Ledger) -> list[str]:
    """List one lesson's typed numbers and verdicts that nothing supports, and its marked sentences that are wrong."""
    allowed = _shared(ledger.lesson.root) | ledger.allowed
    texts = list(_written(ledger))
    every = " ".join(_plain(text) for _, text in texts)
    found = [fault for sentence in ledger.sentences for fault in _marked(ledger, sentence, every)]
    for where, text in texts:
        found += [f"{where}: {fault}" for fault in _typed(text, allowed, ledger)]
    for where, profile, text in _computed(ledger):
        found += [f"{where}: {fault}" for fault in _verdicts(ledger, profile, text)]
    found += [f"[allowed] names {text!r}, which stands nowhere" for text in ledger.allowed if _plain(text) not in every]
    return list(dict.fromkeys(found))


def readme_faults(ledgers: list[Ledger], root: Path = ROOT) -> list[str]:
    """List README.md's typed numbers outside its generated blocks, and verdicts that the largest results contradict."""
    text = (root / "README.md").read_text(encoding="utf-8")
    found = []
    for line in text.splitlines():
        for ledger in ledgers:
            if f"notebooks/{ledger.lesson.slug}.ipynb" in line and ledger.results:
                found += _verdicts(ledger, list(ledger.results)[-1], line)
    found += _typed(text, _shared(root), None)
    return [f"README.md: {fault}" for fault in dict.fromkeys(found)]


# ------------------------------------------------------------------ what is read


def _written(ledger: Ledger) -> Iterator[tuple[str, str]]:
    """Yield (where, text) of all that a person wrote for a lesson: markdown cells and TEACHING.md."""
    for number, cell in enumerate(_cells(ledger), 1):
        if cell["cell_type"] == "markdown":
            yield f"cell {number}", "".join(cell["source"])
    path = ledger.lesson.folder / "TEACHING.md"
    if path.is_file():
        yield path.name, path.read_text(encoding="utf-8")


def _computed(ledger: Ledger) -> Iterator[tuple[str, str, str]]:
    """Yield (where, profile, text) of all that a run wrote: committed results and outputs of the stored notebook."""
    for profile, results in ledger.results.items():
        for text in _strings(results):
            yield f"{profile}.json", profile, text
    for number, cell in enumerate(_cells(ledger), 1):
        for output in cell.get("outputs", []):
            for text in _strings({mime: text for mime, text in output.get("data", {}).items() if "image" not in mime}):
                yield f"output of cell {number}", "quick", text


def _cells(ledger: Ledger) -> list[dict[str, Any]]:
    path = ledger.lesson.notebook
    return json.loads(path.read_text(encoding="utf-8"))["cells"] if path.is_file() else []


def _strings(found: Any) -> Iterator[str]:
    """Yield the texts in a JSON value; a list of texts, which is how a notebook stores lines, is one text."""
    if isinstance(found, str):
        yield found
    elif isinstance(found, list) and all(isinstance(part, str) for part in found):
        yield "\n".join(map(str.rstrip, found))
    elif isinstance(found, dict | list):
        for part in found.values() if isinstance(found, dict) else found:
            yield from _strings(part)


def _shared(root: Path) -> dict[str, str]:
    return tables.read(root / "lessons" / "ledger.toml").get("allowed", {})


# ------------------------------------------------------------------ numbers that a person typed


def _marked(ledger: Ledger, sentence: dict[str, Any], every: str) -> Iterator[str]:
    """Yield what is wrong with a [[sentence]]; `every`: the lesson's whole text, in which it must stand."""
    text = sentence["text"]
    named = f"the marked sentence {text[:60]!r}"
    if _plain(text) not in every:
        yield f"{named} stands nowhere in the lesson: was it changed?"
    known = {key: number["value"] for key, number in ledger.paper.items()} | FUNCTIONS
    for claim in sentence["paper"]:
        try:
            if not eval(claim, {"__builtins__": {}}, known):  # a line of our own ledger.toml
                yield f"{named}: among the paper's numbers {claim!r} does not hold"
        except (NameError, SyntaxError, TypeError) as error:
            yield f"{named}: {claim!r} cannot be computed ({error})"


def _typed(text: str, allowed: dict[str, str], ledger: Ledger | None) -> Iterator[str]:
    """Yield the numbers in a text that are not the paper's and that no marked sentence or allowed text accounts for."""
    text = GENERATED.sub("", text)
    for heading in (one for one in allowed if one.startswith("#")):
        level = len(heading.split()[0])
        section = rf"^{re.escape(heading)}\n.*?(?=^#{{1,{level}}} |\Z)"
        text = re.sub(section, "", text, flags=re.DOTALL | re.MULTILINE)
    text = _plain(re.sub(r"\n> ?", "\n", LAYOUT.sub("", CODE.sub(" ", text))))
    for sentence in ledger.sentences if ledger else ():
        plain = _plain(sentence["text"])
        supported = {_value(found) for claim in sentence["paper"] for found in NUMBER.findall(claim)}
        left = [found for found in NUMBER.findall(_without(plain, allowed)) if _value(found) not in supported]
        text = text.replace(plain, " ".join(left))
    text = REFERENCE.sub(" ", re.sub(r"`[^`]*`", " ", _without(text, allowed)))
    papers = {number["value"] for number in ledger.paper.values()} if ledger else set()
    for found in NUMBER.finditer(text):
        if _value(found[0]) not in papers | {0, 1}:
            around = text[max(0, found.start() - 50) : found.end() + 40]
            yield f"{found[0]} is no number of the paper; in: … {around} …"


# ------------------------------------------------------------------ verdicts that a run wrote


def _verdicts(ledger: Ledger, profile: str, text: str) -> Iterator[str]:
    """Yield the sentences of `statistics.verdict` that are not what the results say."""
    for found in VERDICT.finditer(text):
        arm, other, metric = (found[f"{name}0"] or found[name] for name in "abm")
        digits = len(found["mean"].partition(".")[2])
        try:
            d = ledger.difference(profile, *(_arm(name, ledger, profile) for name in (arm, other)), metric)
        except CourseError as error:
            yield f"{error}; in: {found[0]}"
            continue
        right = verdict(d, arm, other, metric, 100 if found["unit"] else 1, digits)
        if found[0].strip().lower() != right.lower():
            yield f"{found[0].strip()!r} is not what {profile}.json says: {right!r}"
    rest = VERDICT.sub("", text)
    if left := LIKE_A_VERDICT.search(rest):
        around = rest[max(0, left.start() - 60) : left.end()]
        yield f"a comparison that is no sentence of statistics.verdict: … {around} …"


def _arm(name: str, ledger: Ledger, profile: str) -> str:
    """Give the code name of an arm that a sentence calls by another, with or without the capital of its beginning."""
    known = ledger.arms_of(profile)
    said = next((said for said in (name, name[0].lower() + name[1:]) if said in known), None)
    return said or code_name(name.strip("`"))


def _plain(text: str) -> str:
    """Put a text in one line, without tags and targets of links."""
    return " ".join(CODE.sub(" ", text).split())


def _without(text: str, allowed: dict[str, str]) -> str:
    for one in sorted(map(_plain, allowed), key=len, reverse=True):
        text = text.replace(one, " ")
    return text


def _value(number: str) -> float:
    return float(number.replace(",", ""))
