"""The diffusion model: its schedule, its step against a plain loop, and DDIM on data whose exact noise is known."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from course_utils.gan.networks import Diffusion
from course_utils.gan.networks.diffusion import cosine_schedule
from course_utils.gan.steps import diffusion_step

CLASSES = 3


def small(shape=(1, 8, 8), **settings):
    torch.manual_seed(0)
    return Diffusion(shape, CLASSES, width=1 / 16, **settings)


def test_the_schedule_falls_from_one_to_almost_nothing_as_a_squared_cosine():
    share = cosine_schedule(1000)
    assert share.dtype == torch.float32 and len(share) == 1001
    assert share[0] == 1 and 0 < share[-1] < 1e-4 and (share.diff() < 0).all()
    assert (share[1:] / share[:-1]).min() > 0.0009  # no step takes more than 99.9 %
    at = [math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2 for t in (0, 0.25, 0.5, 0.75)]
    torch.testing.assert_close(share[[0, 250, 500, 750]], torch.tensor(at) / at[0], rtol=1e-4, atol=0)


class Told(nn.Module):
    """Predicts the noise by a formula of one weight, and notes what it was asked."""

    def __init__(self, T=10):
        super().__init__()
        self.T, self.no_class, self.asked = T, CLASSES, None
        self.weight = nn.Parameter(torch.tensor(0.3))
        self.register_buffer("alpha_bar", cosine_schedule(T))

    def noise(self, x, t, c):
        self.asked = t, c
        return self.weight * x + 0.1 * t.view(-1, 1, 1, 1) - 0.2 * c.view(-1, 1, 1, 1)


def test_a_step_is_algorithm_1_picture_by_picture():
    torch.manual_seed(0)
    G, (x, noise), y = Told(), torch.randn(2, 100, 1, 4, 4), torch.arange(100) % CLASSES
    (loss,) = diffusion_step(G, None, torch.optim.SGD(G.parameters(), lr=0.5), None, x, y, noise, y)
    t, c = G.asked
    assert set(t.tolist()) == set(range(1, 11))
    squares, slopes = [], []
    for k in range(100):
        share = float(G.alpha_bar[t[k]])
        noisy = math.sqrt(share) * x[k].numpy() + math.sqrt(1 - share) * noise[k].numpy()
        error = 0.3 * noisy + 0.1 * int(t[k]) - 0.2 * int(c[k]) - noise[k].numpy()
        squares.append(error**2 / share)
        slopes.append(2 * error * noisy / share)
    assert float(loss) == pytest.approx(np.mean(squares), rel=1e-4)
    assert float(G.weight.detach()) == pytest.approx(0.3 - 0.5 * np.mean(slopes), rel=1e-4)


@pytest.mark.parametrize(("unlabelled", "share"), [(0.0, 0.0), (0.3, 0.3), (1.0, 1.0)])
def test_some_labels_are_hidden(unlabelled, share):
    G, x, y = Told(), torch.zeros(2000, 1, 1, 1), torch.arange(2000) % CLASSES
    torch.manual_seed(0)
    diffusion_step(G, None, torch.optim.SGD(G.parameters(), lr=0.0), None, x, y, x, y, unlabelled=unlabelled)
    _, c = G.asked
    hidden = c == G.no_class
    assert float(hidden.float().mean()) == pytest.approx(share, abs=0.05)
    assert torch.equal(c[~hidden], y[~hidden])


def points(G, pictures):
    """Let G know the exact noise where class k is one picture, of the value `pictures[k]`; the last is of no class."""

    def noise(x, t, c):
        share = G.alpha_bar[t].view(-1, 1, 1, 1)
        return (x - share.sqrt() * torch.tensor(pictures)[c].view(-1, 1, 1, 1)) / (1 - share).sqrt()

    G.noise = noise
    return G


@pytest.mark.parametrize("draws", [2, 25])
def test_ddim_with_the_exact_noise_of_a_point_draws_that_point(draws):
    G = points(small(draws=draws), [-0.9, 0.0, 0.7, 9.0])
    z, c = G.prior(20)
    torch.testing.assert_close(G(z, c), torch.tensor([-0.9, 0, 0.7])[c].view(-1, 1, 1, 1).expand_as(z))


def test_guidance_goes_from_no_class_through_the_class_and_beyond():
    G = points(small(guidance=2.0), [0.2, 0.2, 0.2, 0.1])
    assert G(*G.prior(4)).flatten().tolist() == pytest.approx([0.4] * 4 * 64, abs=1e-4)


def test_ddim_with_the_exact_noise_of_a_gaussian_draws_that_gaussian():
    G, sd = small(draws=200), 0.2
    G.noise = lambda x, t, c: x * (1 - (a := G.alpha_bar[t[0]])).sqrt() / (a * sd**2 + 1 - a)
    z, c = G.prior(20)
    torch.testing.assert_close(G(z, c), (sd * z).clamp(-1, 1), rtol=0.05, atol=0.005)  # z alone decides


def test_the_noise_follows_from_what_the_network_predicts():
    G = small()
    x_0, noise = torch.randn(2, 5, 1, 8, 8)
    t, c = torch.tensor([1, 200, 500, 900, 1000]), torch.arange(5) % CLASSES
    share = G.alpha_bar[t].view(-1, 1, 1, 1)
    G.unet.forward = lambda x, time, c: share.sqrt() * noise - (1 - share).sqrt() * x_0
    torch.testing.assert_close(G.noise(share.sqrt() * x_0 + (1 - share).sqrt() * noise, t, c), noise)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 50, 50), (1, 64, 64), (3, 128, 128)])
def test_it_takes_square_pictures_of_any_size(shape):
    G = small(shape, draws=1)
    z, c = G.prior(2)
    pictures = G(1000 * z, c)
    assert pictures.shape == (2, *shape) and pictures.abs().max() <= 1


def test_every_weight_learns_and_time_and_class_matter():
    G = small()
    z, c = G.prior(4)
    t = torch.tensor([1, 300, 600, 1000])
    (G.noise(z, t, c) * torch.randn_like(z)).sum().backward()
    for name, p in G.named_parameters():
        assert p.grad is not None and p.grad.abs().sum() > 0, name
    seen = G.unet(z, t / G.T, c)
    assert not torch.equal(seen, G.unet(z, t.flip(0) / G.T, c)) and not torch.equal(
        seen, G.unet(z, t / G.T, (c + 1) % 3)
    )
