"""Ask for predictions before a result is computed, and compare them with it afterwards."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from course_utils.core.errors import CourseError
from course_utils.teach import progress, show
from course_utils.teach.widgets import page


@dataclass(frozen=True)
class Question:
    """Hold what was asked: one of `options`, or a number from `low` to `high` in steps of `step`."""

    lesson: str
    key: str
    text: str
    options: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    step: float = 0.0
    unit: str = ""

    def said(self, answer: Any) -> str:
        """Write an answer, or an interval (lo, hi), with the unit."""
        if self.options:
            return str(answer)
        numbers = " to ".join(f"{value:.4g}" for value in (answer if isinstance(answer, tuple) else (answer,)))
        return f"{numbers} {self.unit}".strip()

    def recorded(self) -> dict[str, Any]:
        """Read the learner's entry, {} where it holds no possible answer; its option may no longer exist."""
        entry = progress.entry(self.lesson, "predictions", self.key)
        answer = entry.get("answer")
        return entry if type(answer) in ((str,) if self.options else (int, float)) else {}


_asked: dict[tuple[str, str], Question] = {}
_revealed: set[tuple[str, str]] = set()


def predict(
    lesson: str,
    key: str,
    question: str,
    options: Sequence[str] = (),
    *,
    low: float | None = None,
    high: float | None = None,
    step: float | None = None,
    unit: str = "",
) -> None:
    """Ask for a prediction: one of `options`, or a number between `low` and `high`. `question` is Markdown.

    In JupyterLab it can be recorded once; a headless run shows the question as text.
    Raises CourseError if neither options nor a range are given.
    """
    where = f"predict({lesson!r}, {key!r})"
    if options and (low, high, step) == (None, None, None):
        asked = Question(lesson, key, question, tuple(options))
    elif not options and None not in (low, high, step) and low < high and step > 0:
        asked = Question(lesson, key, question, (), low, high, step, unit)
    else:
        raise CourseError(f"{where} needs either options=[…], or low < high and a step > 0")
    _asked[lesson, key] = asked
    if show.interactive():
        show.markdown(f"**Your prediction.** {question}")
        page.show(form(asked), _instead(asked))
    else:
        show.markdown(f"**Your prediction.** {question}\n{_instead(asked)['text/plain']}")


def _instead(asked: Question) -> dict[str, str]:
    """Say in Markdown what can be chosen, for where there is no form."""
    choices = "".join(f"\n- {option}" for option in asked.options)
    number = "" if asked.options else f"\nA number from {asked.low:g} to {asked.said(asked.high)}."
    text = f"{choices}{number}\n\n*Run this cell in JupyterLab to record yours.*"
    return {"text/markdown": text, "text/plain": text}


def form(asked: Question) -> Any:
    """Build the widget that takes one prediction, and locks when it is recorded."""
    import ipywidgets as w

    wide = w.Layout(width="max-content")
    if asked.options:
        field = w.RadioButtons(options=asked.options, value=None, layout=wide)
    else:
        field = w.FloatSlider(
            value=asked.low + round((asked.high - asked.low) / 2 / asked.step) * asked.step,
            min=asked.low,
            max=asked.high,
            step=asked.step,
            readout_format=f".{max(0, -Decimal(str(asked.step)).normalize().as_tuple().exponent)}f",
            layout=w.Layout(width="28em"),
        )
    button = w.Button(
        description="Record my prediction", button_style="primary", disabled=bool(asked.options), layout=wide
    )
    status, error = w.HTML(), w.HTML()

    def lock(entry: dict[str, Any]) -> None:
        field.disabled = button.disabled = True
        status.value = (
            f"Recorded: <b>{html.escape(asked.said(entry['answer']))}</b>. It stays as it is; we come back to it."
        )

    def record(_: Any = None) -> None:
        late = (asked.lesson, asked.key) in _revealed
        entry = {"question": asked.text, "answer": field.value, "late": late}
        progress.write(asked.lesson, "predictions", asked.key, entry)
        lock(entry)

    record = page.show_errors(
        record, error, "Your prediction is not recorded yet. Mend this, then press the button again."
    )

    def changed(_: Any) -> None:
        if field.disabled:  # the last move of the slider, overtaken by the click on the button
            record()
        button.disabled = field.disabled

    entry = asked.recorded()
    if "answer" in entry:
        if not asked.options or entry["answer"] in asked.options:
            field.value = entry["answer"]
        lock(entry)
    else:
        button.on_click(record)
        field.observe(changed, "value")
    return w.VBox([w.HBox([field, w.Label(asked.unit)]), button, status, error])


def reveal(lesson: str, key: str, truth: str | float | tuple[float, float] | None, explanation: str) -> None:
    """Show the learner's prediction beside what came out. `explanation` is Markdown.

    truth: the right option, a number, an interval (lo, hi), or None where a run was stopped too early to tell; then the
    prediction is not scored. Raises CourseError if the question was not asked in this session or the truth is none of
    its options.
    """
    asked = _asked.get((lesson, key))
    if asked is None:
        raise CourseError(
            f"reveal({lesson!r}, {key!r}): no such prediction was asked; run the cell with predict(…) first"
        )
    if truth is None:
        show.markdown(f"**What came out:** too early to tell.\n\n{explanation}")
        return
    if asked.options and truth not in asked.options:
        raise CourseError(f"reveal({lesson!r}, {key!r}): {truth!r} is none of the options {list(asked.options)}")
    entry = asked.recorded()
    _revealed.add((lesson, key))
    lines = [f"**What came out:** {asked.said(truth)}"]
    if "answer" in entry:
        hit, verdict = score(asked, entry["answer"], truth)
        late = " (recorded after the result was shown)" if entry["late"] else ""
        lines = [f"**You predicted:** {show.without_html(asked.said(entry['answer']))}{late}", *lines, verdict]
        if entry.get("hit") != hit:
            progress.record(lesson, "predictions", key, {**entry, "hit": hit})
    else:
        lines.append("*You recorded no prediction for this one.*")
    show.markdown("  \n".join(lines) + f"\n\n{explanation}")


def score(asked: Question, answer: Any, truth: Any) -> tuple[bool, str]:
    """Judge a prediction: (whether it held, a friendly sentence). Within half a step of a number is a hit."""
    surprise = "A surprise, and those are worth the most: what did you expect to happen that did not?"
    if asked.options:
        return (True, "You saw it coming.") if answer == truth else (False, surprise)
    lo, hi = truth if isinstance(truth, tuple) else (truth - asked.step / 2, truth + asked.step / 2)
    if lo <= answer <= hi:
        return True, "You saw it coming." if not isinstance(truth, tuple) else "Inside the interval: you saw it coming."
    edge = truth if not isinstance(truth, tuple) else min(truth, key=lambda end: abs(end - answer))
    off = f"{asked.said(abs(edge - answer))} {'below' if answer < lo else 'above'}"
    if abs(edge - answer) <= 0.1 * (asked.high - asked.low):
        return False, f"Close: {off} it."
    return False, f"You were {off} it. {surprise}"
