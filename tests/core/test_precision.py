"""Number formats: what may be asked for, what is measured, and that updates are seen inside autocast."""

import pytest
import torch
from torch import nn

from course_utils.core import precision
from course_utils.core.errors import CourseError

CPU = torch.device("cpu")


def test_names_are_checked_and_auto_is_one_of_them():
    assert [precision.resolve(name, CPU) for name in ("float32", "bfloat16")] == ["float32", "bfloat16"]
    assert precision.resolve("auto", CPU) in ("float32", "bfloat16")
    assert precision.gigaflops("cpu") > 0 and precision.gigaflops("cuda") is None
    with pytest.raises(CourseError, match="'half'; choose one of auto, float32, bfloat16"):
        precision.resolve("half", CPU)


@pytest.mark.parametrize(
    ("factor", "expected", "tries"), [(0.02, "float32", 1), (1.1, "float32", 2), (2.0, "bfloat16", 2)]
)
def test_bfloat16_is_taken_only_where_it_is_clearly_faster_and_a_small_product_shows_where_it_is_hopeless(
    monkeypatch, factor, expected, tries
):
    asked = []
    monkeypatch.setattr(
        precision, "_seconds", lambda n: asked.append(n) or {torch.float32: n, torch.bfloat16: n / factor}
    )
    assert precision.fastest.__wrapped__("cpu") == expected and len(asked) == tries


def test_an_update_inside_autocast_is_seen_by_the_next_forward():
    torch.manual_seed(0)
    net, x = nn.Linear(4, 4), torch.randn(3, 4)
    with precision.autocast(CPU, "bfloat16"):
        before = net(x)  # a cache of casts would be filled here
        with torch.no_grad():
            net.weight.mul_(2), net.bias.mul_(2)
        after = net(x)
    assert before.dtype == torch.bfloat16
    torch.testing.assert_close(after, 2 * before)
    with precision.autocast(CPU, "float32"):
        assert net(x).dtype == torch.float32
