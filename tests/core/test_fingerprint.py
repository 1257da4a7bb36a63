"""Equal for what does the same, different for what does not."""

import os
import subprocess
import sys
import types
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from course_utils.classify.networks import KannadaCNN, LeNet
from course_utils.classify.train import adam, rmsprop
from course_utils.core.fingerprint import Unknown, fingerprint
from course_utils.data.augment import PAPER_1, PAPER_2
from course_utils.data.images import Images
from course_utils.gan import losses, train
from course_utils.gan.steps import cyclegan_step, gan_step


def function(source, **names):
    """`f` of a notebook in which `names` are there as well."""
    exec(source, scope := {"__name__": "__main__"} | names)
    return scope["f"]


def test_code_counts_and_its_comments_and_names_of_files_do_not():
    base = fingerprint(function("def f(x):\n    return x + 1"))
    assert base == fingerprint(function("def f(x):\n    # adds one\n    return (x + 1)"))
    assert fingerprint(function("f = lambda: 'a'")) != fingerprint(function("f = lambda: 'b'"))
    assert base != fingerprint(function("def f(x):\n    return x + 2"))
    assert base != fingerprint(function("def f(x):\n    return x - 1"))
    assert base != fingerprint(function("def f(x, y=0):\n    return x + 1"))


def test_what_a_function_reaches_counts():
    def closing_over(n):
        return lambda x: x + n

    def calling(n):
        return function("def f(x):\n    return g(x)", g=function(f"def f(x):\n    return x * {n}"))

    for making in (closing_over, calling):
        assert fingerprint(making(1)) == fingerprint(making(1)) != fingerprint(making(2))


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


def test_what_cannot_be_read_is_told():
    deep = []
    for _ in range(2000):
        deep = [deep]
    for thing, says in (
        (iter([1]), "cannot tell what"),
        (torch.zeros(2, 2).to_sparse(), "cannot read the values of a tensor"),
        (deep, "lies too deep"),
    ):
        with pytest.raises(Unknown, match=says):
            fingerprint(thing)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": 2}),
        ([1, 2], [1, 3]),
        ({1, 2}, {1, 3}),
        (np.zeros(3), np.array([0, 0, 1.0])),
        (1, 2),
        (torch.zeros(3), torch.tensor([0, 0, 1.0])),
        (torch.zeros(3, dtype=torch.bfloat16), torch.ones(3, dtype=torch.bfloat16)),
        (np.array([[1], [2]], dtype=object), np.array([[1], [3]], dtype=object)),
        (partial(max, 1), partial(max, 2)),
        (nn.Linear(2, 2), nn.Linear(2, 2)),
        (torch.relu, torch.sigmoid),
        (nn.functional.relu, nn.functional.gelu),
        (np.exp, np.log),
        ({"a": 1}.get, {"a": 2}.get),
        (torch.float32, torch.float64),
    ],
)
def test_every_global_value_counts_and_what_is_in_it(one, other):
    assert fingerprint(function("f = lambda x: value", value=one)) == fingerprint(
        function("f = lambda x: value", value=one)
    )
    for within in (lambda value: value, lambda value: [value], lambda value: {"key": (value,)}):
        keys = [fingerprint(function("f = lambda x: value", value=within(value))) for value in (one, other)]
        assert keys[0] != keys[1]


def test_what_is_reached_through_a_module_counts(monkeypatch):
    step, loop = fingerprint(cyclegan_step), fingerprint(train.training)
    monkeypatch.setattr(losses, "least_squares_generator_loss", lambda fake: fake.mean())
    monkeypatch.setattr("course_utils.core.checkpoint.save", lambda *args: None)
    assert fingerprint(cyclegan_step) != step and fingerprint(train.training) != loop


def test_a_learners_own_modules_count_and_installed_ones_by_name(tmp_path, monkeypatch):
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "__init__.py").write_text("from my_package import inner\nimport my_package\n")
    inner = tmp_path / "my_package" / "inner.py"
    call = "import my_package as p\nf = lambda x: p.inner.g(x)"
    script = (
        f"import sys; sys.path[:0] = {[str(tmp_path), *sys.path]!r}; sys.dont_write_bytecode = True\n"
        "from course_utils.core.fingerprint import fingerprint\n"
        f"scope = {{'__name__': '__main__'}}; exec({call!r}, scope); print(fingerprint(scope['f']))\n"
    )

    def key(source, seed="0"):
        inner.write_text(source)
        env = os.environ | {"PYTHONHASHSEED": seed}
        return subprocess.run(
            [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True
        ).stdout

    one = key("TABLE = {1, 2, 'a', 'b', 'c'}\ndef g(x): return h(x)\ndef h(x): return x in TABLE\n")
    assert one == key("TABLE = {1, 2, 'a', 'b', 'c'}\ndef g(x): return h(x)\ndef h(x): return x in TABLE\n", "7")
    assert one != key("TABLE = {1, 2, 'a', 'b', 'd'}\ndef g(x): return h(x)\ndef h(x): return x in TABLE\n")
    assert one != key("TABLE = {1, 2, 'a', 'b', 'c'}\ndef g(x): return h(x)\ndef h(x): return x not in TABLE\n")


def test_a_module_that_was_made_by_hand_is_a_learners(monkeypatch):
    keys = set()
    for n in (1, 2):
        helper = types.ModuleType("helper_made_by_hand")
        monkeypatch.setitem(sys.modules, helper.__name__, helper)
        exec(f"def g(x): return x + {n}", vars(helper))
        keys.add(fingerprint(function("f = lambda x: helper.g(x)", helper=helper)))
    assert len(keys) == 2


def test_which_of_the_things_that_were_met_comes_again_counts():
    f, g = (function(f"def f(x):\n    return x * {n}") for n in (1, 2))
    things = [[f, g, f], [f, g, g], [[1], 2], [[1, 2]], {"a": {}, "b": 1}, {"a": {"b": 1}}]
    things += [
        ([1], [1]),
        ([1], [2]),
        partial(f, (64,), 32),
        partial(f, (64, 32)),
        ((1,), 2),
        ((1, 2),),
        ({1}, 2),
        ({1, 2},),
    ]
    assert len({fingerprint(thing) for thing in things}) == len(things)
    assert fingerprint([(k, k) for k in range(300)]) == fingerprint([(k, k) for k in range(300)])
    pair = [1, 2]
    once = tuple(pair)
    assert fingerprint([once, once]) == fingerprint([once, tuple(pair)])


def test_what_reaches_itself_comes_to_an_end():
    f = function(
        "def f(x):\n    return all_of[0], names, f(x)\nall_of, names = [f], {f}\nall_of.append(all_of)",
    )
    assert fingerprint(f) == fingerprint(f)
