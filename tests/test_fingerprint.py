"""Equal for what does the same, different for what does not."""

from functools import partial

import pytest
import torch
from torch import nn

from course_utils.classify.networks import KannadaCNN, LeNet
from course_utils.classify.train import adam, rmsprop
from course_utils.data.augment import PAPER_1, PAPER_2
from course_utils.data.images import Images
from course_utils.fingerprint import Unknown, fingerprint
from course_utils.gan import losses
from course_utils.gan.steps import gan_step

SHIFT = 1


def written(source, **names):
    exec(source, {"__name__": "__main__"} | names, here := {})
    return here["f"]


def test_code_counts_and_its_comments_and_names_of_files_do_not():
    base = fingerprint(written("def f(x):\n    return x + 1"))
    assert base == fingerprint(written("def f(x):\n    # adds one\n    return (x + 1)"))
    assert fingerprint(written("f = lambda: 'a'")) != fingerprint(written("f = lambda: 'b'"))
    assert base != fingerprint(written("def f(x):\n    return x + 2"))
    assert base != fingerprint(written("def f(x):\n    return x - 1"))
    assert base != fingerprint(written("def f(x, y=0):\n    return x + 1"))


def test_what_a_function_reaches_counts():
    calls = "def f(x):\n    return g(x)"
    one, two = (written(f"def f(x):\n    return x * {n}") for n in (1, 2))
    reached = {}
    for name, g in (("one", one), ("two", two)):
        scope = {"__name__": "__main__", "g": g}
        exec(calls, scope)
        reached[name] = fingerprint(scope["f"])
    assert reached["one"] != reached["two"]

    def closing_over(n):
        return lambda x: x + n

    assert fingerprint(closing_over(1)) != fingerprint(closing_over(2))
    assert fingerprint(closing_over(1)) == fingerprint(closing_over(1))


def test_constants_of_the_module_count():
    def shifted(x):
        return x + SHIFT

    before = fingerprint(shifted)
    shifted.__globals__["SHIFT"] = 2
    try:
        assert fingerprint(shifted) != before
    finally:
        shifted.__globals__["SHIFT"] = 1


def test_settings_of_a_recipe_count():
    different = [
        *(KannadaCNN, partial(KannadaCNN, 0.5), partial(KannadaCNN, 0.25), LeNet),
        *(adam(), adam(0.01), rmsprop(0.002), rmsprop(0.02), PAPER_1, PAPER_2),
        *(gan_step, partial(gan_step, d_loss=partial(losses.discriminator_loss, target=0.9))),
        *(None, True, 1.5, "a", (1, 2), [1, 2], {"a": 1}, {1, 2}),
    ]
    keys = [fingerprint(thing) for thing in different]
    assert len(set(keys)) == len(keys)
    assert keys == [fingerprint(thing) for thing in different]
    assert fingerprint(rmsprop(0.002)) == fingerprint(rmsprop(0.002))


def test_pictures_tensors_and_weights_count():
    pixels, labels = torch.zeros(4, 1, 2, 2, dtype=torch.uint8), torch.zeros(4, dtype=torch.int64)
    a = Images(pixels, labels, ("a",))
    changed = pixels.clone()
    changed[3, 0, 1, 1] = 1
    assert fingerprint(a) == fingerprint(Images(pixels.clone(), labels, ("a",)))
    assert fingerprint(a) != fingerprint(a.with_pixels(changed))
    assert fingerprint(torch.ones(2)) != fingerprint(torch.ones(2, dtype=torch.int64))
    torch.manual_seed(0)
    one, other = nn.Linear(2, 2), nn.Linear(2, 2)
    assert fingerprint(one) != fingerprint(other)
    other.load_state_dict(one.state_dict())
    assert fingerprint(one) == fingerprint(other)


def test_two_equal_values_are_not_taken_for_one_object():
    assert fingerprint(([1], [1])) != fingerprint(([1], [2]))
    assert fingerprint([(k, k) for k in range(300)]) == fingerprint([(k, k) for k in range(300)])


def test_what_cannot_be_read_is_told():
    with pytest.raises(Unknown, match="cannot tell what"):
        fingerprint(iter([1]))
