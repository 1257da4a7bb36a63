import copy

import pytest
import torch
from torch import nn

from course_utils.core.errors import CourseError
from course_utils.core.stacked import Stacked

K, B = 3, 6


def cnn(maps=4):
    return nn.Sequential(
        nn.Conv2d(1, maps, 3, stride=2, padding=1, bias=False),  # before batch normalisation its gradient is rounding
        nn.BatchNorm2d(maps),
        nn.LeakyReLU(0.2),
        nn.ConvTranspose2d(maps, 2, 4, stride=2, padding=1),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(2 * 64, 3),
    )


class Drawing(nn.Module):
    """A generator whose prior depends on a buffer of its own."""

    def __init__(self, mean):
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.register_buffer("mean", torch.full((2,), mean))

    def forward(self, z):
        return self.layer(z)

    def prior(self, n, generator=None):
        return (self.mean + torch.randn(n, 2, generator=generator),)


@pytest.fixture
def networks():
    torch.manual_seed(0)
    networks = [cnn() for _ in range(K)]
    for network in networks:
        network[5].p = 0.0
    return networks


def one_step(network, x):
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    out = network(x)
    out.square().mean(dim=(-2, -1)).sum().backward()
    optimizer.step()
    return out.detach()


def unstacked(stack):
    given = [cnn() for _ in range(K)]
    stack.unstack(given)
    return given


def assert_same_state(one, other):
    for name, tensor in one.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], tensor, rtol=1e-4, atol=1e-5, msg=name)


def test_outputs_an_adam_step_and_running_statistics_are_those_of_the_networks_one_by_one(networks):
    x = torch.randn(K, B, 1, 8, 8) + torch.arange(K).view(K, 1, 1, 1, 1)
    stack, before = Stacked(networks), copy.deepcopy(networks[0].state_dict())
    together = one_step(stack, x)
    assert all(torch.equal(before[name], tensor) for name, tensor in networks[0].state_dict().items())  # copied
    alone = torch.stack([one_step(network, x[k]) for k, network in enumerate(networks)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    for mine, theirs in zip(unstacked(stack), networks, strict=True):
        assert_same_state(mine, theirs)
        assert int(mine[1].num_batches_tracked) == 1


def test_unstack_fills_the_networks_that_are_given_with_copies(networks):
    stack = Stacked(networks)
    filled = unstacked(stack)
    with torch.no_grad():
        stack.network[0].weight.zero_()
    for one, original in zip(filled, networks, strict=True):
        assert_same_state(one, original)
    twin = copy.deepcopy(stack)
    assert not twin.network[0].weight.any() and twin.network[0].weight.shape == (K, 4, 1, 3, 3)


def test_model_k_sees_only_its_own_input(networks):
    stack = Stacked(networks)
    x = torch.randn(K, B, 1, 8, 8)
    other = x.clone()
    other[1] = 0
    same = (stack(x) == stack(other)).flatten(1).all(dim=1)
    assert same.tolist() == [True, False, True]


def test_eval_mode_leaves_running_statistics_alone_and_uses_them(networks):
    stack = Stacked(networks).eval()
    x = torch.randn(K, B, 1, 8, 8)
    before = copy.deepcopy(stack.state_dict())
    together = stack(x)
    assert all(torch.equal(before[name], tensor) for name, tensor in stack.state_dict().items())
    alone = torch.stack([network.eval()(x[k]) for k, network in enumerate(networks)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    assert stack.train().network[1].training


def test_dropout_drops_other_units_in_each_network():
    torch.manual_seed(0)
    one = nn.Sequential(nn.Linear(4, 50), nn.Dropout(0.5))
    first, second = Stacked([one, copy.deepcopy(one)])(torch.ones(2, 1, 4))
    assert not torch.equal(first == 0, second == 0)


def test_prior_draws_for_each_network_from_its_own():
    stack = Stacked([Drawing(-100.0), Drawing(100.0)])
    (z,) = stack.prior(5)
    assert z.shape == (2, 5, 2)
    assert (z[0] < 0).all() and (z[1] > 0).all()
    assert not torch.allclose(z[0] + 100, z[1] - 100)
    first, again = (stack.prior(5, torch.Generator().manual_seed(1))[0] for _ in range(2))
    assert torch.equal(first, again)


@pytest.mark.parametrize("odd", [lambda: cnn(5), lambda: nn.Linear(2, 2)])
def test_networks_of_another_architecture_are_refused(odd):
    with pytest.raises(CourseError, match=r"network 1.*same arguments"):
        Stacked([cnn(), odd()])
