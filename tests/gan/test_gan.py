"""The adversarial step and loop: what each network may touch, and what a run repeats."""

import math

import pytest
import torch
import torch.nn.functional as F

from course_utils.data.images import Images
from course_utils.gan import losses, train
from course_utils.gan.networks import FCDiscriminator, FCGenerator, StackedLinear
from course_utils.gan.steps import gan_step


def nets(models=1, seed=0):
    torch.manual_seed(seed)
    G = FCGenerator(models, latent=4, pixels=9, hidden=(8,))
    return G, FCDiscriminator(models, pixels=9, hidden=(8,), dropout=0)


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def forever(x):
    while True:
        yield x


def state(net):
    return [p.detach().clone() for p in net.parameters()]


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_losses_are_cross_entropy_on_logits_and_do_not_saturate():
    real, fake = noise(64), noise(64, seed=1)
    ones, zeros = torch.ones(64), torch.zeros(64)
    bce = F.binary_cross_entropy_with_logits
    torch.testing.assert_close(losses.discriminator_loss(real, fake), bce(real, ones) + bce(fake, zeros))
    torch.testing.assert_close(losses.generator_loss(fake), bce(fake, ones))
    assert float(losses.discriminator_loss(zeros, zeros)) == pytest.approx(2 * math.log(2))
    sure = torch.tensor([-30.0], requires_grad=True)
    losses.generator_loss(sure).backward()
    assert float(sure.grad) == pytest.approx(-1, abs=1e-6)


@pytest.mark.parametrize(("lr_G", "lr_D"), [(0.0, 0.1), (0.1, 0.0)])
def test_each_update_reaches_its_own_network_alone(lr_G, lr_D):
    G, D = nets()
    before = state(G), state(D)
    opt_G, opt_D = torch.optim.SGD(G.parameters(), lr=lr_G), torch.optim.SGD(D.parameters(), lr=lr_D)
    gan_step(G, D, opt_G, opt_D, noise(1, 16, 9), noise(1, 16, 4, seed=1))
    assert same(before[0], state(G)) == (lr_G == 0)
    assert same(before[1], state(D)) == (lr_D == 0)
    assert all(p.requires_grad for p in D.parameters())


def test_ds_update_leaves_no_gradient_in_g():
    G, D = nets()
    seen = []

    class Watch(torch.optim.SGD):
        def step(self, *args):
            seen.append(all(p.grad is None for p in G.parameters()))
            return super().step(*args)

    gan_step(
        G, D, torch.optim.SGD(G.parameters(), lr=0.1), Watch(D.parameters(), lr=0.1), noise(1, 8, 9), noise(1, 8, 4)
    )
    assert seen == [True]  # a missing detach would leave gradients there


def test_stacked_networks_are_the_networks_one_by_one():
    stack = StackedLinear(3, 5, 7)
    x = noise(3, 4, 5)
    for k in range(3):
        torch.testing.assert_close(stack(x)[k], F.linear(x[k], stack.weight[k].T, stack.bias[k, 0]))


def test_a_stack_trains_as_its_members_would_alone():
    x, z = noise(3, 16, 9), noise(3, 16, 4, seed=1)
    G, D = nets(models=3)
    alone = []
    for k in range(3):
        g, d = nets(models=1)
        for one, many in ((g, G), (d, D)):
            for p, q in zip(one.parameters(), many.parameters(), strict=True):
                p.data.copy_(q.data[k : k + 1])
        alone.append((g, d))
    for nets_, pick in [((G, D), slice(None)), *((pair, slice(k, k + 1)) for k, pair in enumerate(alone))]:
        # eps 0: the mean over three networks scales gradients by 1/3, which Adam undoes
        opts = [torch.optim.Adam(net.parameters(), lr=0.01, eps=0) for net in nets_]
        for _ in range(5):
            gan_step(*nets_, *opts, x[pick], z[pick])
    for k, (g, _) in enumerate(alone):
        for p, q in zip(g.parameters(), G.parameters(), strict=True):
            torch.testing.assert_close(p.data, q.data[k : k + 1], rtol=1e-3, atol=1e-4)


def run(seed, steps=12, **settings):
    G, D = nets(seed=seed)
    reports = list(
        train.training(
            gan_step,
            G,
            D,
            forever(noise(1, 16, 9)),
            steps=steps,
            generator=torch.Generator().manual_seed(seed),
            **settings,
        )
    )
    return G, reports[-1], len(reports)


def test_a_run_repeats_with_its_seed_and_reports_to_its_end():
    (G, last, n), (H, _, _) = run(0, reports=4), run(0, reports=4)
    assert same(state(G), state(H)) and not same(state(G), state(run(1)[0]))
    assert n == 4 and last.step == last.steps == 12 and len(last.losses["D"]) == len(last.losses["G"]) == 4


def test_the_average_lags_behind_g_and_takes_no_gradient():
    G, last, _ = run(0, average=0.9)
    assert not same(state(G), state(last.generator))
    assert not any(p.requires_grad for p in last.generator.parameters())
    far = sum((p - q).abs().sum() for p, q in zip(G.parameters(), last.generator.parameters(), strict=True))
    start = sum((p - q).abs().sum() for p, q in zip(G.parameters(), nets()[0].parameters(), strict=True))
    assert far < start


def test_a_loss_that_is_no_number_stops_with_step_and_name():
    def broken(G, D, opt_G, opt_D, x, z):
        return torch.tensor(0.5), torch.tensor(float("nan"))

    G, D = nets()
    with pytest.raises(train.TrainingFailed, match="step 3: the loss of G is nan"):
        train.fit(broken, G, D, forever(noise(1, 4, 9)), steps=12, generator=torch.Generator(), reports=4)


def test_stacked_batches_give_each_network_its_own_set():
    sets = [
        Images(torch.full((20, 1, 2, 2), value, dtype=torch.uint8), torch.zeros(20, dtype=torch.int64), ("a",))
        for value in (0, 255)
    ]
    batch = next(train.stacked_batches(sets, 8, torch.Generator()))
    assert batch.shape == (2, 8, 4) and (batch[0] == -1).all() and (batch[1] == 1).all()


def test_a_gan_finds_a_ring_of_points():
    rng = torch.Generator().manual_seed(0)
    angle = 2 * torch.pi * torch.rand(512, generator=rng)
    ring = 0.7 * torch.stack([angle.cos(), angle.sin()], 1)
    torch.manual_seed(0)
    G = FCGenerator(latent=2, pixels=2, hidden=(32, 32))
    D = FCDiscriminator(pixels=2, hidden=(32, 32), dropout=0)
    last = train.fit(gan_step, G, D, forever(ring[None]), steps=400, generator=rng, lr=2e-3)
    radius = last.generator(noise(1, 400, 2))[0].norm(dim=1)
    assert (radius - 0.7).abs().median() < 0.15
