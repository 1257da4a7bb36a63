import pytest
import torch
from torch import nn
from torch.func import vmap

from course_utils.gan.layers import Dropout


@pytest.mark.parametrize("p", [0.25, 0.3, 0.5, 0.999])
def test_values_are_dropped_at_the_rate_and_the_others_scaled_as_by_pytorch(p):
    torch.manual_seed(0)
    n = 200_001  # no multiple of the four units of a draw
    out = Dropout(p)(torch.ones(n))
    assert set(out.unique().tolist()) == set(nn.Dropout(p)(torch.ones(n)).unique().tolist())
    assert abs(float((out == 0).float().mean()) - p) < 4 * (p * (1 - p) / n) ** 0.5


def test_units_are_dropped_independently_of_their_neighbours_and_of_the_next_batch():
    torch.manual_seed(1)
    layer, x = Dropout(0.5), torch.ones(40_000)
    a, b = (layer(x) > 0).float(), (layer(x) > 0).float()
    for other in (b, *(a.roll(k) for k in range(1, 5))):
        assert abs(float(torch.corrcoef(torch.stack([a, other]))[0, 1])) < 0.02


def test_it_does_nothing_in_eval_mode_and_at_the_ends_what_pytorch_does():
    x = torch.randn(3, 5)
    assert Dropout(0.5).eval()(x) is x
    assert torch.equal(Dropout(0.0)(x), x)
    assert torch.equal(Dropout(1.0)(x), torch.zeros(3, 5))
    assert Dropout(0.5)(torch.ones(0, 3)).shape == (0, 3)


def test_the_gradient_flows_where_the_value_did():
    x = torch.randn(50, 7, requires_grad=True)
    out = Dropout(0.4)(x)
    out.backward(torch.ones_like(out))
    torch.testing.assert_close(x.grad, (out != 0) / 0.6)


def test_the_default_generator_decides():
    layer, x = Dropout(0.5), torch.ones(1000)
    torch.manual_seed(2)
    first, second = layer(x), layer(x)
    torch.manual_seed(2)
    assert torch.equal(layer(x), first) and not torch.equal(first, second)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_format_and_memory_format_stay(dtype):
    x = torch.ones(4, 6, 5, 5, dtype=dtype).contiguous(memory_format=torch.channels_last)
    for given in (x, torch.ones(6, 4, dtype=dtype).T):
        out = Dropout(0.5)(given)
        assert out.dtype == dtype and out.stride() == given.stride()
    assert Dropout(0.5)(torch.ones(5, 1).expand(5, 4)).shape == (5, 4)


def test_networks_of_a_stack_drop_other_units():
    out = vmap(Dropout(0.5), randomness="different")(torch.ones(2, 1000))
    assert not torch.equal(out[0], out[1])
    assert abs(float((out == 0).float().mean()) - 0.5) < 0.05
