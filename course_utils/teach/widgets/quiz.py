"""Ask the quiz at the end of a lesson, read from `lessons/<lesson>/quiz.toml` so that the notebook holds no answers.

[[question]]
key = "spread"                        # short name, unique in the file
kind = "choice"
text = "Markdown: what is asked"

[[question.option]]                   # two or more, at least one of them right
text = "The table shows noise"        # plain text: a button cannot show marks
right = true
why = "Yes: *one* run each …"         # said to whoever chooses it; `code`, *emphasis* and **strong** are shown

[[question.option]]
text = "A larger batch is better"
why = "Two runs cannot tell: …"       # `right` left away is false

[[question]]
key = "images"
kind = "number"
text = "How many test images is that?"
unit = "images"                       # may be left away
lo = 1                                # right from lo to hi, both included
hi = 1
why = "0.945 − 0.9425 = 1/400."

[[question.wrong]]                    # any number of them: named wrong answers, lo to hi
lo = 100
hi = 100
why = "Of 40,000, but this test set has 400."
"""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from course_utils.core.errors import CourseError
from course_utils.core.profiles import ROOT
from course_utils.teach import progress, show
from course_utils.teach.widgets import page

GROUPED = re.compile(r"([-+]?[1-9]\d{0,2}([,\s'’])\d{3}(?:\2\d{3})*)((?!\2)[.,]\d+)?")  # \s: thin spaces, too


@dataclass(frozen=True)
class Option:
    """Hold one answer to choose, and the comment shown for it."""

    text: str
    why: str
    right: bool = False


@dataclass(frozen=True)
class Range:
    """Hold a range of numbers, `lo` to `hi` included, and the comment shown for it."""

    lo: float
    hi: float
    why: str


@dataclass(frozen=True)
class Question:
    """Hold a question: `options` to choose from, or (without options) a number in the `right` range."""

    key: str
    text: str
    options: tuple[Option, ...] = ()
    right: Range | None = None
    wrong: tuple[Range, ...] = ()
    unit: str = ""


def quiz(lesson: str) -> None:
    """Ask a lesson's questions: widgets in JupyterLab, the list of questions (no answers) in a headless run.

    Raises CourseError if the file is missing or malformed.
    """
    for number, question in enumerate(load(ROOT / "lessons" / lesson / "quiz.toml"), 1):
        show.markdown(f"**Question {number}.** {question.text}{'' if show.interactive() else _listed(question)}")
        if show.interactive():
            page.show(form(lesson, question), {"text/markdown": _listed(question), "text/plain": _listed(question)})


def mark(question: Question, answer: str | float) -> tuple[bool, str]:
    """Mark an answer: (whether it is right, the message to the learner, with `code` marks).

    answer: an option's text, or a number as typed.

    A number may be typed as people write it: "1,5", "60,000", "60 000 images". "1,500" can be read in two ways: it is
    fifteen hundred, but where the question knows nothing of that number, and of one and a half it does, that.
    """
    if question.options:
        option = next((option for option in question.options if option.text == answer), None)
        return (option.right, option.why) if option else (False, f"{answer!r} is none of the options.")
    values = numbers(str(answer), question.unit)
    if not values:
        return False, f"{str(answer)!r} is not a number; write it with digits, such as 12.5."
    for value in values:
        for known in (question.right, *question.wrong):
            if known.lo <= value <= known.hi:
                return known is question.right, known.why
    return False, f"Not {values[0]:.12g} {question.unit}".rstrip() + "; look at the figures again and count once more."


def numbers(typed: str, unit: str = "") -> list[float]:
    """Read a typed number: its possible values, the likelier first; [] if it is no number. The unit is optional.

    A comma, a space or an apostrophe before groups of three digits parts thousands, and before other digits a comma is
    a decimal one. Only a single group after a comma, as in "1,500", has two readings; "0,250" has one.
    "1/5" is a fraction.
    """
    bare = typed.strip().replace("−", "-").removesuffix(unit).removesuffix(unit.removesuffix("s")).strip(" %")
    readings = [bare.replace(",", ".")] if bare.count(",") < 2 else []
    if grouped := GROUPED.fullmatch(bare):
        whole, separator, fraction = grouped.groups("")
        readings.insert(0, whole.replace(separator, "") + fraction.replace(",", "."))
    found = []
    for text in readings:
        try:
            found.append(float(Fraction(text.replace(" / ", "/"))) if "/" in text else float(text))
        except (ValueError, ZeroDivisionError):  # "60 000" is a number in one reading only
            continue
    return found


def form(lesson: str, question: Question) -> Any:
    """Build the widget of one question: a field, a button, and the message after it."""
    import ipywidgets as w

    wide = w.Layout(width="max-content")
    if question.options:
        field = w.RadioButtons(options=[option.text for option in question.options], value=None, layout=wide)
        row = [field]
    else:
        field = w.Text(placeholder="a number", continuous_update=False, layout=w.Layout(width="10em"))
        row = [field, w.Label(question.unit)]
    button = w.Button(description="Check", button_style="primary", layout=wide)
    error = w.HTML()
    said = w.HTML(
        "✔ You have answered this one before." if progress.entry(lesson, "quiz", question.key).get("right") else ""
    )

    def check(_: Any) -> None:
        if field.value in (None, ""):
            said.value = "Give an answer first."
            return
        right, message = mark(question, field.value)
        said.value = f"<b>{'✔ Right.' if right else '✘ Not yet.'}</b> {with_marks(message)}"
        before = progress.entry(lesson, "quiz", question.key)
        if not before.get("right"):  # a question once answered stays answered
            tries = before.get("tries", 0) + 1
            progress.write(lesson, "quiz", question.key, {"right": right, "tries": tries})

    button.on_click(page.show_errors(check, error, "This answer is not recorded. Mend this, then press Check again."))
    field.observe(lambda _: setattr(said, "value", ""), "value")
    return w.VBox([w.HBox(row), button, said, error])


def with_marks(text: str) -> str:
    """Render `code`, *emphasis* and **strong** in a sentence as HTML; all else, tags and links, stays text."""
    import mistune

    marks = mistune.InlineParser()
    marks.rules = ["escape", "codespan", "emphasis"]  # no links, no pictures, no HTML
    return mistune.HTMLRenderer(escape=True).render_tokens(marks(text, {}), mistune.BlockState())


def load(path: Path) -> list[Question]:
    """Read the questions of a quiz file. Raises CourseError that names file, question, key and what was expected."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CourseError(
            f"{path} is missing; a lesson's quiz is described in course_utils/teach/widgets/quiz.py"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise CourseError(f"{path} is no TOML: {error}") from None
    if fault := _fault(raw):
        raise CourseError(f"{path}: {fault}")
    questions = [
        _question(entry, f"{path}: question {i} ({entry['key']})") for i, entry in enumerate(raw["question"], 1)
    ]
    keys = [question.key for question in questions]
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise CourseError(f"{path}: key {twice!r} names two questions; give each its own")
    return questions


def _fault(raw: dict[str, Any]) -> str:
    """What in a quiz file is not as described above; empty if nothing is."""
    try:
        import jsonschema
    except ModuleNotFoundError:  # `run --kernel none` does without it: the file was checked when the lesson was built
        return ""
    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(_FILE).iter_errors(raw))
    return f"{error.json_path}: {error.message}" if error else ""


def _table(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    """Give the JSON schema of a table with these keys and no others."""
    properties = {**required, **optional}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": 1}


_TEXT, _NUMBER = {"type": "string"}, {"type": "number"}
_ASKED = {"key": _TEXT, "kind": {"enum": ["choice", "number"]}, "text": _TEXT}
_RANGE = {"lo": _NUMBER, "hi": _NUMBER, "why": _TEXT}
_PLAIN = {"type": "string", "pattern": "^[^`*]*$"}  # a button cannot show marks
_OPTION = _table({"text": _PLAIN, "why": _TEXT}, right={"type": "boolean"})
_KINDS = {
    "choice": _table(_ASKED | {"option": _list(_OPTION)}),
    "number": _table(_ASKED | _RANGE, unit=_TEXT, wrong=_list(_table(_RANGE))),
}
_QUESTION = {
    "properties": _ASKED,
    "required": list(_ASKED),
    "allOf": [{"if": {"properties": {"kind": {"const": kind}}}, "then": then} for kind, then in _KINDS.items()],
}
_FILE = _table({"question": _list(_QUESTION)})


def _question(raw: dict[str, Any], where: str) -> Question:
    if raw["kind"] == "number":
        wrong = tuple(_range(entry, f"{where}, wrong {i}") for i, entry in enumerate(raw.get("wrong", []), 1))
        return Question(raw["key"], raw["text"], (), _range(raw, where), wrong, raw.get("unit", ""))
    options = tuple(Option(**option) for option in raw["option"])
    if len({option.right for option in options}) != 2:
        raise CourseError(f"{where}: key 'right' must be true in at least one option and not in all")
    if len({option.text for option in options}) < len(options):
        raise CourseError(f"{where}: two options have the same 'text'")
    return Question(raw["key"], raw["text"], options)


def _range(raw: dict[str, Any], where: str) -> Range:
    lo, hi = float(raw["lo"]), float(raw["hi"])
    if not lo <= hi or not math.isfinite(hi - lo):
        raise CourseError(f"{where}: keys 'lo' and 'hi' are {lo:g} and {hi:g}, expected lo ≤ hi")
    return Range(lo, hi, raw["why"])


def _listed(question: Question) -> str:
    if question.options:
        return "\n\n" + "\n".join(f"- {option.text}" for option in question.options)
    return f"\n\n*A number{' of ' + question.unit if question.unit else ''}.*"
