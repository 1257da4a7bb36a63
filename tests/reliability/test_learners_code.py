"""What learners' code may do to a check: it is reported within the limit, nothing of it stays, the next check works."""

# ruff: noqa: E722, NPY002, SIM105, for answers that do what one should not

import random
import signal
import sys
import threading
import time
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from course_utils.teach.exercises.exercise import Exercise, Wrong

sys.path.append(str(Path(__file__).parents[1] / "teach" / "exercises"))
from test_every_exercise import ALL

pytestmark = [
    pytest.mark.reliability("learners' code"),
    pytest.mark.filterwarnings(
        "ignore::pytest.PytestUnraisableExceptionWarning"
    ),  # TimeUp in a weak reference's callback
]

SHORT = 0.2
"""Seconds until code that never ends is stopped here."""

STOPPED = "Your code was stopped after 0.2 s: does its loop end?"


@pytest.fixture(autouse=True)
def course_home(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))


class Double(Exercise):
    lesson, title, minutes, difficulty = "01_x", "Double it", 3, 1

    @staticmethod
    def reference(x):
        return 2 * x

    def test(self, answer):
        if answer(3) != 6:
            raise Wrong("Not the double.")


# ------------------------------------------------------------------ code that never ends


def loops(*given):
    while True:
        pass


def loops_and_catches_everything(*given):
    while True:
        try:
            sum(range(100))
        except:
            pass


def sleeps(*given):
    time.sleep(10**6)


def waits_for_what_never_comes(*given):
    threading.Event().wait()


def prints_for_ever(*given):
    while True:
        print("again", end=" ")


def turns_the_end_into_an_error(*given):
    try:
        loops()
    except BaseException:
        raise ValueError("never mind") from None


def raises_what_says_nothing_for_ever(*given):
    raise type("Endless", (Exception,), {"__str__": lambda error: loops()})


ENDLESS = [
    loops,
    loops_and_catches_everything,
    sleeps,
    waits_for_what_never_comes,
    prints_for_ever,
    turns_the_end_into_an_error,
    raises_what_says_nothing_for_ever,
]

# ------------------------------------------------------------------ code that leaves, or raises something odd


def calls_itself(*given):
    return calls_itself(*given)


def raises_what_breaks_when_read(*given):
    raise type("Unreadable", (Exception,), {"__str__": lambda error: 1 / 0})


def raises_what_leaves_when_read(*given):
    raise type("Leaving", (Exception,), {"__str__": lambda error: sys.exit()})


def raising(error):
    def answer(*given):
        raise error

    answer.__name__ = f"raises_{error.__name__ if isinstance(error, type) else type(error).__name__}"
    return answer


def returning(name, **methods):
    def answer(*given):
        return type(name, (), methods)()

    answer.__name__ = f"gives_{name}"
    return answer


def fails(*_):
    raise RuntimeError("no")


LEAVING = [
    lambda *given: sys.exit("bye"),
    lambda *given: exit(1),
    calls_itself,
    raising(BaseException("all")),
    raising(BaseExceptionGroup("several", [KeyboardInterrupt(), ValueError()])),
    raising(StopIteration),
    raising(MemoryError),
    raising(ValueError("a" * 10**6)),
    raising(ValueError("<script>`</script>\n" * 100)),
    raises_what_breaks_when_read,
    raises_what_leaves_when_read,
    returning("what_cannot_be_compared", __eq__=fails, __hash__=None),
    returning("what_cannot_be_read", __repr__=fails, __str__=fails),
    returning("what_has_no_length", __len__=fails, __iter__=fails, __getitem__=fails),
    returning("what_leaves", __float__=lambda _: sys.exit(), __array__=lambda *_: sys.exit(), __eq__=lambda *_: exit()),
]


def outcome(exercise, answer, capsys):
    exercise.check(answer)
    return capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize("answer", ENDLESS)
def test_code_that_never_ends_is_stopped_at_the_limit_and_the_next_check_works(answer, capsys, amount, figure):
    exercise = Double()
    tries = amount(1, 10)
    for _ in range(tries):
        exercise.limit = SHORT
        said = outcome(exercise, answer, capsys)
        assert said == f"**✘ Incorrect.** {STOPPED} The lesson goes on with the reference solution."
        exercise.limit = Exercise.limit
        assert "Correct" in outcome(exercise, lambda x: 2 * x, capsys)
    figure("hostile answers tried", tries)


@pytest.mark.parametrize("answer", LEAVING, ids=lambda answer: answer.__name__.strip("<>"))
def test_code_that_leaves_or_raises_is_reported_in_a_line_and_the_next_check_works(answer, capsys, figure):
    exercise = Double()
    said = outcome(exercise, answer, capsys)
    assert said.startswith("**✘ Incorrect.** ") and len(said) < 500
    assert exercise.answer_or_reference is Double.reference
    assert "Correct" in outcome(exercise, lambda x: 2 * x, capsys)
    figure("hostile answers tried", 1)


def spoils_what_it_is_given(*given):
    """Every number it can reach becomes −1."""
    for part in given:
        if isinstance(part, torch.nn.Module):
            spoils_what_it_is_given(*part.parameters())
        elif isinstance(part, torch.Tensor):
            part.data.copy_(torch.full_like(part, 1).neg())
        elif isinstance(part, np.ndarray):
            part[...] = -1
    return -1


def test_every_exercise_of_the_course_survives_them_all(capsys, amount, figure):
    tried = 0
    hostile = [*LEAVING, spoils_what_it_is_given, changes_everything, *ENDLESS[: amount(1, len(ENDLESS))]]
    for kind in ALL[:: amount(len(ALL) // 3, 1)]:
        exercise = kind()
        for answer in hostile:
            exercise.limit = SHORT if answer in ENDLESS else Exercise.limit
            said = outcome(exercise, answer, capsys)
            assert said.startswith("**✘ Incorrect.** "), (kind, answer, said)
            assert (STOPPED in said) == (answer in ENDLESS), (kind, answer, said)
            tried += 1
        exercise.limit = Exercise.limit
        exercise.check(exercise.reference)
        assert "**✔ Correct.** From here on the lesson uses your version." in capsys.readouterr().out
    figure("hostile answers tried", tried)


@pytest.mark.parametrize("answer", [calls_itself, LEAVING[0]])
def test_a_check_in_another_thread_than_the_first_is_guarded_as_well(answer, capsys, figure):
    exercise = Double()
    exercise.limit = SHORT
    checking = threading.Thread(target=exercise.check, args=(answer,))
    checking.start()
    checking.join()
    assert "**✘ Incorrect.** " in capsys.readouterr().out
    figure("hostile answers tried", 1)


def test_the_person_s_own_interrupt_ends_the_check_at_once():
    """The limit is far away: what ends the code is the signal that Ctrl-C and the Stop button send."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored, where tests run in the background
    exercise, started = Double(), threading.Event()
    exercise.limit = 10**6

    def answer(x):
        started.set()
        while True:
            time.sleep(0.01)

    def interrupt():
        started.wait()
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)  # as a terminal does: to this thread

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        exercise.check(answer)
    thread.join()
    signal.signal(signal.SIGINT, before)


def test_signals_and_tracing_are_as_before(capsys):
    exercise = Double()
    exercise.limit = SHORT
    before = signal.getsignal(signal.SIGALRM), sys.gettrace()
    for answer in (loops, lambda x: 2 * x):
        exercise.check(answer)
    assert (signal.getsignal(signal.SIGALRM), sys.gettrace()) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


# ------------------------------------------------------------------ printing


@pytest.mark.parametrize("stream", ["out", "err"])
@pytest.mark.parametrize(("line", "times"), [("a line\n", 500_000), ("x" * 1_000_000, 100)])
def test_of_endless_output_the_beginning_is_shown(stream, line, times, capsys):
    def writes(x):
        for _ in range(times):
            getattr(sys, f"std{stream}").write(line)
        return 2 * x

    Double().check(writes)
    said = capsys.readouterr()
    shown = getattr(said, stream)
    assert shown.startswith((line * times)[:2000] + "\n… ") and len(shown) < 3000
    assert f"{len(line) * times - 2000:,} more characters are not shown" in shown
    assert "Correct" in said.out


# ------------------------------------------------------------------ global state


def changes_everything(*given):
    """Change everything that `state` reads."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    warnings.simplefilter("error")
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    torch.set_grad_enabled(False)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(torch.get_num_threads() + 1)
    np.seterr(all="raise")
    plt.rcParams["figure.dpi"] = 7
    sys.stdout = sys.stderr = None
    return -1


def state():
    return {
        "random": random.getstate(),
        "NumPy's random state": repr(np.random.get_state()),
        "PyTorch's random state": torch.get_rng_state().tolist(),
        "warnings": list(warnings.filters),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "gradients": torch.is_grad_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "threads": torch.get_num_threads(),
        "NumPy": np.geterr(),
        "matplotlib": dict(plt.rcParams),
        "streams": (sys.stdout, sys.stderr),
    }


def test_what_an_answer_changes_for_others_is_put_back_and_named(capsys, figure):
    before = state()
    said = outcome(Double(), lambda x: (changes_everything(), 2 * x)[1], capsys)
    after = state()
    assert [name for name in before if after[name] != before[name]] == []
    assert said.startswith("**✔ Correct.** Your code changed PyTorch's default dtype, ") and "was put back" in said
    figure("kinds of global state put back", len(before))
