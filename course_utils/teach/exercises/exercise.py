"""Define checked exercises: `ex.check(answer)` says correct, incorrect or not attempted; `ex.hint()` helps.

An exercise is a subclass of `Exercise` in teach/exercises/<lesson>.py and one instance of it:

    class ReplaceImages(Exercise):
        lesson, title, minutes, difficulty = "01_kannada_gan", "Replace k images", 5, 1
        hints = ("…", "…")

        @staticmethod
        def reference(real, fake, k): ...

        def example(self):
            return torch.tensor([10, 20, 30]), torch.tensor([90]), 1

        def test(self, answer):
            if len(answer(real, fake, 3)) != len(real):
                raise Wrong("Your set grew: replace images, do not add them.")
"""

from __future__ import annotations

import inspect
import textwrap
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils.teach import progress, show
from course_utils.teach.exercises import guard


class Wrong(Exception):
    """Raised by a test: the answer is wrong, and the message names the mistake."""


class _Untried(Exception):
    """The learner's function returned None or `...`."""


class Exercise(ABC):
    """One exercise; see the top of the module. minutes: time a learner needs; difficulty: 1 to 3.

    limit: seconds after which a check stops the learner's code; the references take a few at most. device: that of the
    lesson, on which an answer has to run as well; `teach.lesson.start` sets it.
    """

    device = torch.device("cpu")

    lesson: str
    title: str
    minutes: int
    difficulty: int
    hints: tuple[str, ...] = ()
    limit: float = 60
    reference: Callable[..., Any]

    def __init__(self) -> None:
        self._passed: Any = None
        self._hints_seen = 0
        self._given: tuple[Any, ...] = ()  # to the answer, in the last call of a test

    def __repr__(self) -> str:
        level = "●" * self.difficulty + "○" * (3 - self.difficulty)
        return f"Exercise: {self.title} · {self.minutes} minutes · difficulty {level}{self._target()}"

    def example(self) -> tuple[Any, ...]:
        """Give arguments for the *target output* in the display: few, small, none that `test` uses; () shows none."""
        return ()

    def describe(self, value: Any) -> str:
        """Describe what the reference gives for the example, in numbers or words that hold for every right answer."""
        return brief(value)

    @abstractmethod
    def test(self, answer: Any) -> None:
        """Return if `answer` is right, raise Wrong if not."""

    def check(self, answer: Any) -> None:
        """Say whether the answer is correct, incorrect and why, or not attempted.

        The answer runs for at most `limit` seconds, with limited output, and the settings that it changes are put back
        (see `guard`). While nbgrader executes the notebook, whatever is not correct raises Wrong, which costs the cell
        its points.
        """
        self._passed = None
        outcome, message = self._judge(answer)
        if outcome == "correct":
            self._passed = answer
        show.markdown(f"**{_SIGNS[outcome]} {outcome.capitalize()}.** {message}")
        if outcome != "not attempted":
            before = progress.entry(self.lesson, "exercises", type(self).__name__)
            tries = before.get("tries", 0) + 1
            self._record(outcome="correct" if before.get("outcome") == "correct" else outcome, tries=tries)
        if outcome != "correct" and show.graded():
            raise Wrong(message)

    def hint(self) -> None:
        """Show the next hint."""
        if self._hints_seen < len(self.hints):
            self._hints_seen += 1
            show.markdown(f"**Hint {self._hints_seen} of {len(self.hints)}.** {self.hints[self._hints_seen - 1]}")
            self._record(hints=self._hints_seen)
        else:
            show.markdown("No more hints; `solution()` shows one way to write it.")

    def solution(self) -> None:
        """Show the source of the reference solution."""
        source = textwrap.dedent(inspect.getsource(self.reference)).removeprefix("@staticmethod\n")
        show.markdown(f"```python\n{source}```")
        self._record(solution_seen=True)

    @property
    def answer_or_reference(self) -> Any:
        """Give the learner's answer if its last check passed, else the reference: what the lesson uses from here on."""
        return self.reference if self._passed is None else self._passed

    def _target(self) -> str:
        with torch.no_grad(), torch.random.fork_rng(()):
            arguments = self.example()
            if not arguments:
                return ""
            names = inspect.signature(self.reference).parameters
            given = named(names, arguments)
            parts = f"Target output: for {given}", f"it gives {self.describe(self.reference(*arguments))}"
        if len(" ".join(parts)) <= WIDTH:
            return "\n" + " ".join(parts)
        return "".join(f"\n{textwrap.fill(part, WIDTH, break_on_hyphens=False)}" for part in parts)

    def _judge(self, answer: Any) -> tuple[str, str]:
        goes_on = "The lesson goes on with the reference solution."
        if answer is None or answer is ...:
            return "not attempted", goes_on
        result, changed = guard.run(lambda: self._run_test(answer), self.limit)
        outcome, message = result or ("incorrect", f"Your code was stopped after {self.limit:g} s: does its loop end?")
        if changed:
            message += f" Your code changed {', '.join(changed)}; that was put back."
        if outcome == "correct":
            goes_on = "From here on the lesson uses your version."
        return outcome, f"{message} {goes_on}".strip()

    def _run_test(self, answer: Any) -> tuple[str, str]:
        """Return outcome and message of `test`. An interrupt and the end of the time get through."""
        warnings.simplefilter("ignore")  # no warning above a verdict; nbgrader takes such a cell for a failed one
        self._given = ()
        try:
            self.test(self._checked(answer))
            if self.device.type != "cpu" and inspect.isroutine(answer):
                self.test(self._on_device(self._checked(answer)))
        except Wrong as wrong:
            return "incorrect", show.without_html(str(wrong)) + self._hidden_test()
        except _Untried:
            return "not attempted", "Your function gives back nothing (or `...`): has it a `return`?"
        except (KeyboardInterrupt, guard.TimeUp):
            raise
        except BaseException as error:
            line = _first_line(error)
            if "ellipsis" in line:  # the stub's own `...` was reached
                return "not attempted", "There is still a `...` to fill in."
            if isinstance(error, NotImplementedError) and not line:  # nbgrader's own stub
                return "not attempted", "There is still a `raise NotImplementedError` to replace."
            name = type(error).__name__
            raised = show.code(f"{name}: {line}" if line else name)
            return "incorrect", f"Your code raised {raised}.{self._hidden_test()}"
        return "correct", ""

    def _hidden_test(self) -> str:
        """Write what the answer was given when it failed: those inputs stand nowhere on the page."""
        names = inspect.signature(self.reference).parameters
        if len(names) != len(self._given):
            return ""
        given = dict(zip(names, self._given, strict=True))
        seen = {name: value for name, value in given.items() if not isinstance(value, torch.Generator)}
        return f" The hidden test gave it {show.code(named(seen, seen.values()))}."

    def _checked(self, answer: Any) -> Any:
        """Make the learner's function raise _Untried where it returns None or `...`; other answers stay as they are."""
        if not inspect.isroutine(answer):
            return answer

        @wraps(answer)
        def call(*args: Any, **kwargs: Any) -> Any:
            self._given = args
            value = answer(*args, **kwargs)
            if value is None or any(part is ... for part in (value if isinstance(value, tuple) else (value,))):
                raise _Untried
            return value

        return call

    def _on_device(self, answer: Callable[..., Any]) -> Callable[..., Any]:
        """Make an answer raise Wrong where it does not run on the lesson's device, and the reference does.

        Its value there is not compared: tests are written for the CPU.
        """

        def there(value: Any) -> Any:
            if isinstance(value, torch.Generator):
                return value.clone_state()
            if not isinstance(value, Tensor):
                return value
            return value.detach().to(self.device).requires_grad_(value.requires_grad)

        @wraps(answer)
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                self.reference(*map(there, args), **kwargs)
            except Exception:  # as with a generator of the CPU: the lesson does not call it so
                return answer(*args, **kwargs)
            try:
                answer(*map(there, args), **kwargs)
            except Exception as error:
                raise Wrong(
                    f"Right on the CPU, but this lesson trains on {self.device}, and there it raised "
                    f"{show.code(_first_line(error))}. Make new tensors where the given ones are: `device=x.device`."
                ) from None
            return answer(*args, **kwargs)

        return call

    def _record(self, **news: Any) -> None:
        key = type(self).__name__
        progress.record(self.lesson, "exercises", key, {**progress.entry(self.lesson, "exercises", key), **news})


LONGEST = 300
"""How many characters of an error's message are shown."""

WIDTH = 110
"""Characters of a line in the display."""

MOST_NUMBERS = 40
"""Larger arrays are shown by their shape only."""

_SIGNS = {"correct": "✔", "incorrect": "✘", "not attempted": "…"}


def brief(value: Any) -> str:
    """Write numbers, arrays or a tuple of them in a few characters, as Python writes lists; functions by their doc."""
    if isinstance(value, tuple):
        return f"({', '.join(map(brief, value))})"
    if isinstance(value, torch.Generator):
        return "any"
    if callable(value):
        return str(value.__doc__)
    if isinstance(value, Tensor) and value.is_meta:
        return "a tensor without a value"
    array = np.asarray(value.detach().cpu() if isinstance(value, Tensor) else value)
    if array.ndim == 4 and array[..., 0, 0].size <= MOST_NUMBERS and (array == array[..., :1, :1]).all():
        return f"{_nested(array[..., 0, 0].tolist())} (each {_shape(array[0, 0])} times)"
    most = MOST_NUMBERS // 2 if array.ndim == 4 else MOST_NUMBERS  # nobody reads pictures in brackets
    return _nested(array.tolist()) if array.size <= most else f"{_shape(array)} numbers"


def named(names: Iterable[str], values: Iterable[Any]) -> str:
    """Write arguments with their names, as in a call."""
    return ", ".join(f"{name} = {brief(value)}" for name, value in zip(names, values, strict=True))


def cloud(draws: Tensor) -> str:
    """Write mean and covariance of n × d random draws to one decimal: the same for all seeds if there are many."""
    mean, covariance = ((10 * part).round() / 10 for part in (draws.mean(0), torch.cov(draws.T)))
    return f"{_shape(draws)} random numbers, with mean ≈ {brief(mean)} and covariance ≈ {brief(covariance)}"


def _shape(array: np.ndarray | Tensor) -> str:
    return " × ".join(map(str, array.shape))


def _nested(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_nested, value))}]"
    return f"{value + 0.0:.3g}" if isinstance(value, float) else str(value)  # + 0.0: no -0


def _first_line(error: BaseException) -> str:
    """Return the first line of an error's message, cut where it is long."""
    try:
        line = next(iter(str(error).splitlines()), "")
        return line if len(line) <= LONGEST else f"{line[:LONGEST]} …"
    except (Exception, SystemExit):
        return "its message cannot be read"
