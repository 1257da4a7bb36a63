"""Seeds by name, and isolated random numbers."""

from contextlib import suppress

import pytest
import torch

from course_utils.core import seeds
from course_utils.core.errors import CourseError

CPU = torch.device("cpu")


def test_a_key_names_its_stream():
    assert seeds.number(0, "batches") == seeds.number(0, "batches")
    keys = [(0,), (1,), (0, "a"), (0, "b"), ("a", 0), (0, "a", 1)]
    assert len({seeds.number(*key) for key in keys}) == len(keys)
    drawn = torch.rand(3, generator=seeds.generator(0, "a"))
    assert torch.equal(drawn, torch.rand(3, generator=seeds.generator(0, "a")))


def test_the_documented_keys_share_a_number():
    """These numbers must never change: all results depend on them."""
    assert seeds.number(0, "batches") == 2396711050464383184
    for one, other in [((0, "a", 0), (0, "a")), (("a",), (97,)), ((2**32,), (0, 1)), ((0,), ())]:
        assert seeds.number(*one) == seeds.number(*other)
    assert seeds.number(0, "a name of many words", 0) != seeds.number(0, "a name of many words")


@pytest.mark.parametrize("key", [(-1,), (0, "batches", -3)])
def test_a_number_below_0_is_named(key):
    with pytest.raises(CourseError, match=rf"holds {min(k for k in key if k != 'batches')}, expected 0 or more"):
        seeds.generator(*key)


@pytest.mark.reliability("determinism")
def test_an_isolated_rng_continues_where_it_stopped_and_leaves_the_default_generator_alone():
    torch.manual_seed(3)
    alone = torch.rand(6)
    torch.manual_seed(8)
    outside = torch.rand(4)

    torch.manual_seed(8)
    own, parts = seeds.IsolatedRNG(3, CPU), []
    mine = [torch.rand(2)]
    with own:
        parts.append(torch.rand(2))
    mine.append(torch.rand(1))
    with suppress(KeyboardInterrupt), own:
        parts.append(torch.rand(4))
        raise KeyboardInterrupt
    mine.append(torch.rand(1))
    assert torch.equal(torch.cat(parts), alone)
    assert torch.equal(torch.cat(mine), outside)
