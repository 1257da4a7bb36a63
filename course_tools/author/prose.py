"""What is written by hand must be borne out: numbers and comparisons in the lessons' text, TEACHING.md and README.md.

- A number is one of the paper's, or `[allowed]` in ledger.toml, with a reason.
- A sentence that compares arms or methods is marked as data: a [[sentence]] of ledger.toml has its `text`, word for
  word, and what bears it out: `paper`, comparisons of keys of paper.toml as Python writes them, and `ours`, comparisons
  of our arms, which must hold in every profile with results. Numbers that stand in `paper` may stand in the sentence.
- A sentence in the form of `statistics.verdict`, in committed results, stored outputs or README.md, is computed again.

[allowed] of ledger.toml, and of lessons/ledger.toml for all lessons and README.md, holds texts and reasons. A heading,
such as `## Exam questions`, allows what stands below it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from course_tools.author.ledger import Ledger, read_toml
from course_utils.core.errors import CourseError
from course_utils.core.profiles import ROOT
from course_utils.evaluate.statistics import proportion_interval, verdict

NUMBER = re.compile(r"(?<![\w.,])(?<![A-Za-z]-)(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e-?\d+)?|(?<![\w.])\.\d+")
REFERENCE = re.compile(
    r"\b(?:lessons?|sections?|exercises?|steps?|figures?|tables?) [\d.]*\d(?:(?:, | and | to |–)[\d.]*\d)*",
    re.IGNORECASE,
)
CODE = re.compile(r"```.*?```|\$[^$]*\$|<!--.*?-->|<[^>]+>|\]\([^)]*\)", re.DOTALL)
STRUCTURE = re.compile(r"^\s*\d+\. |(?<=^## )\d+ · |(?<=\|)[\d ,–]+(?=\|)", re.MULTILINE)  # of lists, heads, cells

METHOD = r"\b\w*GANs?\b|\bP?PCA\b|\bC?VAE\b|\baugmentation\b|\bgenerated (?:image|picture|zero|digit|photograph)s?\b"
COMPARES = re.compile(
    r"\b(?:better|worse|best|worst|beats?|wins?|raises?|lowers?|higher|lower|highest|lowest|ahead|behind|below|above|"
    r"surpass(?:es)?|outperforms?|leads?|loses?|exceeds?|as (?:good|well|much) as)\b"
)
SUPPOSES = re.compile(
    r"\?|\b(?:if|suppose|whether|would|could|may|might|should|must|can|has to|have to|predict)\b", re.IGNORECASE
)

VERDICT = re.compile(
    r"(?:[Ww]e cannot tell (?P<a0>.+?) from (?P<b0>.+?) by (?P<m0>.+?)"
    r"|(?P<a>[`\w][`\w +-]*?) (?:raises|lowers) (?P<m>[^:|]+?) (?:over|against) (?P<b>[^:|]+?))"
    r": (?P<mean>−?[\d.]+) \[−?[\d.]+, −?[\d.]+\](?P<unit> points)?(?:, an interval that holds 0)?\."
)

UNREAD = re.compile(r"an interval that holds 0|\b(?:raises|lowers)\b[^.|]*? (?:over|against) [^.|]*?\[")
"""What looks like such a sentence."""

FUNCTIONS = {"round": round, "min": min, "max": max, "log": math.log, "exp": math.exp}
FUNCTIONS["wilson"] = lambda share, images: proportion_interval(round(share * images), images)
"""What the comparisons of the paper's numbers may use."""


def faults(ledger: Ledger) -> list[str]:
    """What one lesson's text, outputs and results say and nothing bears out, a line each."""
    allowed = _shared(ledger.lesson.root) | ledger.allowed
    texts = list(_texts(ledger))
    every = " ".join(_plain(text) for _, text in texts)
    found = [fault for sentence in ledger.sentences for fault in _marked(ledger, sentence, every)]
    for where, text in texts:
        found += [f"{where}: {fault}" for fault in _unsupported(text, allowed, ledger)]
    for where, profile, text in _computed(ledger):
        found += [f"{where}: {fault}" for fault in _verdicts(ledger, profile, text)]
    for text in ledger.allowed:
        if _plain(text) not in every:
            found.append(f"[allowed] names {text!r}, which stands nowhere")
    return list(dict.fromkeys(found))


def readme_faults(ledgers: list[Ledger], root: Path = ROOT) -> list[str]:
    """The same of README.md: what is written by hand in it, and the verdicts that it quotes."""
    text = (root / "README.md").read_text(encoding="utf-8")
    found = []
    for line in text.splitlines():
        for ledger in ledgers:
            if f"notebooks/{ledger.lesson.slug}.ipynb" in line and ledger.results:
                found += _verdicts(ledger, ledger.profiles[-1], line)
    generated = re.compile(r"<!-- (\w+): written by .*?<!-- end of \1 -->", re.DOTALL)
    found += _unsupported(generated.sub("", text), _shared(root), None)
    return [f"README.md: {fault}" for fault in dict.fromkeys(found)]


# ------------------------------------------------------------------ what is read


def _texts(ledger: Ledger) -> Iterator[tuple[str, str]]:
    """(where, text) of all that is written by hand for a lesson."""
    for number, cell in enumerate(_cells(ledger), 1):
        if cell["cell_type"] == "markdown":
            yield f"cell {number}", "".join(cell["source"])
    path = ledger.lesson.folder / "TEACHING.md"
    if path.is_file():
        yield path.name, path.read_text(encoding="utf-8")


def _computed(ledger: Ledger) -> Iterator[tuple[str, str, str]]:
    """(where, profile, text) of all that a run wrote: committed results, and outputs of the stored notebook."""
    for profile, results in ledger.results.items():
        for text in _strings(results):
            yield f"{profile}.json", profile, text
    for number, cell in enumerate(_cells(ledger), 1):
        for output in cell.get("outputs", []):
            for text in _strings({mime: text for mime, text in output.get("data", {}).items() if "image" not in mime}):
                yield f"output of cell {number}", "cpu", text


def _cells(ledger: Ledger) -> list[dict[str, Any]]:
    path = ledger.lesson.notebook
    return json.loads(path.read_text(encoding="utf-8"))["cells"] if path.is_file() else []


def _strings(found: Any) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, list) and all(isinstance(part, str) for part in found):
        yield "\n".join(map(str.rstrip, found))  # a notebook's text, a line each, or several sentences
    elif isinstance(found, dict | list):
        for part in found.values() if isinstance(found, dict) else found:
            yield from _strings(part)


def _shared(root: Path) -> dict[str, str]:
    return read_toml(root / "lessons" / "ledger.toml").get("allowed", {})


# ------------------------------------------------------------------ what is written by hand


def _marked(ledger: Ledger, sentence: dict[str, Any], every: str) -> Iterator[str]:
    """What is wrong with a marked sentence, which stands in `every` text of the lesson."""
    text = sentence["text"]
    named = f"the marked sentence {text[:60]!r}"
    if _plain(text) not in every:
        yield f"{named} stands nowhere in the lesson: was it changed?"
    known = {key: number["value"] for key, number in ledger.paper.items()} | FUNCTIONS
    for claim in sentence.get("paper", []):
        try:
            held = eval(claim, {"__builtins__": {}}, known)  # a line of our own ledger.toml
        except (NameError, SyntaxError, TypeError) as error:
            yield f"{named}: {claim!r} cannot be computed ({error})"
            continue
        if not held:
            yield f"{named}: among the paper's numbers {claim!r} does not hold"
    for claim in sentence.get("ours", []):
        for profile in ledger.results:
            try:
                held, found = ledger.holds(profile, claim, sentence.get("scale", 100))
            except CourseError as error:
                yield f"{named}: {error}"
                continue
            if not held:
                yield f"{named}: {profile}.json does not bear out {claim!r}: {found}"


def _unsupported(text: str, allowed: dict[str, str], ledger: Ledger | None) -> Iterator[str]:
    """Numbers and comparisons in a text that nothing bears out."""
    for heading in (one for one in allowed if one.startswith("#")):
        level = heading.split()[0]
        section = rf"^{re.escape(heading)}\n.*?(?=^#{{1,{len(level)}}} |\Z)"
        text = re.sub(section, "", text, flags=re.DOTALL | re.MULTILINE)
    marked = list(ledger.sentences) if ledger else []
    papers = {number["value"] for number in ledger.paper.values()} if ledger else set()
    arms = {f"`{arm}`" for results in (ledger.results.values() if ledger else ()) for arm in results["arms"]}
    subject = re.compile("|".join([METHOD, *map(re.escape, [*arms, *(ledger.arms if ledger else ())])]))
    text = STRUCTURE.sub("", CODE.sub(" ", text))
    for part in re.split(r"\n\s*\n|\n\s*(?=[-*#>] )|\|", text):
        part = _plain(re.sub(r"\n>", "\n", part))
        for sentence in marked:
            plain = _plain(sentence["text"])
            borne_out = {_value(found) for claim in sentence.get("paper", []) for found in NUMBER.findall(claim)}
            left = [found for found in NUMBER.findall(_without(plain, allowed)) if _value(found) not in borne_out]
            part = part.replace(plain, " ".join(left))
        part = _without(part, allowed)
        for found in NUMBER.findall(REFERENCE.sub(" ", re.sub(r"`[^`]*`", " ", part))):
            if _value(found) not in papers | {0, 1}:
                yield f"{found} is no number of the paper; in: {_around(part, found)}"
        for sentence in re.split(r"(?<=[.?!:;]) ", re.sub(r'"[^"]*"', " ", part)):
            if subject.search(sentence) and COMPARES.search(sentence) and not SUPPOSES.search(sentence):
                yield f"a comparison that nothing bears out; mark it as a [[sentence]]: {sentence.strip()}"


def _verdicts(ledger: Ledger, profile: str, text: str) -> Iterator[str]:
    """Sentences of `statistics.verdict` that are not what the results say."""
    for found in VERDICT.finditer(text):
        arm, other, metric = (found[f"{name}0"] or found[name] for name in "abm")
        digits = len(found["mean"].partition(".")[2])
        try:
            d = ledger.difference(profile, *(_arm(name, ledger) for name in (arm, other)), metric)
        except CourseError as error:
            yield f"{error}; in: {found[0]}"
            continue
        right = verdict(d, arm, other, metric, 100 if found["unit"] else 1, digits)
        if found[0].strip().lower() != right.lower():
            yield f"{found[0].strip()!r} is not what {profile}.json says: {right!r}"
    rest = VERDICT.sub("", text)
    if left := UNREAD.search(rest):
        said = rest[max(0, left.start() - 60) : left.end()]
        yield f"a comparison that is no sentence of statistics.verdict: … {said} …"


def _arm(name: str, ledger: Ledger) -> str:
    """An arm's name without its marks, and without the capital of a sentence's beginning."""
    small = name[0].lower() + name[1:]
    return small if small in ledger.arms else name.strip("`")


def _plain(text: str) -> str:
    """In one line, without tags and targets of links."""
    return " ".join(CODE.sub(" ", text).split())


def _without(text: str, allowed: dict[str, str]) -> str:
    for one in sorted(map(_plain, allowed), key=len, reverse=True):
        text = text.replace(one, " ")
    return text


def _value(number: str) -> float:
    return float(number.replace(",", ""))


def _around(text: str, found: str) -> str:
    at = text.index(found)
    return f"… {text[max(0, at - 50) : at + 40]} …"
