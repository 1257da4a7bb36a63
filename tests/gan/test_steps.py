"""One update of each method: what each network may touch, and the mistakes that scripts make."""

import inspect
import math
from functools import partial

import pytest
import torch
from small_gans import ADVERSARIAL, METHODS, fc, noise
from torch import nn

from course_utils.core.stacked import Stacked
from course_utils.gan import losses, train
from course_utils.gan.steps import acgan_step, bagan_step, cyclegan_step, gan_step


def weights(net):
    return {name: p.detach().clone() for name, p in net.named_parameters()}


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def sgd(net, lr=0.1):
    return torch.optim.SGD(net.parameters(), lr=lr)


def take(method, G, D, stream, opt_G, opt_D, n=0):
    batch = stream(n)
    torch.manual_seed(5)
    dim = 1 if hasattr(G, "models") else 0
    latents = G.prior(batch[0].shape[dim]) if hasattr(G, "prior") else ()
    return method.step(G, D, opt_G, opt_D, *batch, *latents)


# ------------------------------------------------------------------ every method


@pytest.mark.parametrize("name", ADVERSARIAL)
@pytest.mark.parametrize(("lr_G", "lr_D"), [(0.0, 0.1), (0.1, 0.0)])
def test_each_update_reaches_its_own_network_alone(name, lr_G, lr_D):
    G, D, stream = METHODS[name].build()
    before = weights(G), weights(D)
    take(METHODS[name], G, D, stream, sgd(G, lr_G), sgd(D, lr_D))
    assert same(before[0], weights(G)) == (lr_G == 0)
    assert same(before[1], weights(D)) == (lr_D == 0)
    assert all(p.requires_grad for p in D.parameters())


class Watch(torch.optim.SGD):
    """Calls `seen` before each step."""

    def __init__(self, net, seen):
        super().__init__(net.parameters(), lr=0.1)
        self.seen = seen

    def step(self, *args):
        self.seen()
        return super().step(*args)


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_no_update_leaves_gradients_in_the_other_network(name):
    G, D, stream = METHODS[name].build()
    marks = {}

    def clean(net):
        return all(p.grad is None or not p.grad.any() for p in net.parameters())

    # whoever is second finds its own gradients only: those of the first were cleared, or never reached it
    opt_D = Watch(D, lambda: marks.update(G_clean=clean(G)))
    opt_G = Watch(G, lambda: marks.update(D_grads=[None if p.grad is None else p.grad.clone() for p in D.parameters()]))
    take(METHODS[name], G, D, stream, opt_G, opt_D)
    if name == "cyclegan":  # G goes first there
        assert all(g is None for g in marks["D_grads"])
    else:
        assert marks["G_clean"]  # a missing detach would leave gradients there
        after = [p.grad for p in D.parameters()]
        assert all(torch.equal(a, b) for a, b in zip(marks["D_grads"], after, strict=True))  # G's pass added nothing


@pytest.mark.parametrize("name", [name for name in ADVERSARIAL if name != "cyclegan"])
def test_g_plays_against_the_new_d(name):
    """With a larger rate of D, the loss of D is the same and that of G another."""
    found = []
    for lr_D in (0.0, 0.5):
        G, D, stream = METHODS[name].build()
        found.append(take(METHODS[name], G, D, stream, sgd(G), sgd(D, lr_D)))
    assert torch.equal(found[0][0], found[1][0]) and not torch.equal(found[0][1], found[1][1])


@pytest.mark.parametrize("name", METHODS)
def test_losses_come_back_as_numbers_without_a_graph(name):
    G, D, stream = METHODS[name].build()
    for loss in take(METHODS[name], G, D, stream, sgd(G), D and sgd(D)):
        assert loss.ndim == 0 and not loss.requires_grad and torch.isfinite(loss)


@pytest.mark.parametrize("step", [METHODS[name].step for name in METHODS if name != "dcgan"])
def test_a_step_reads_like_its_paper(step):
    source = inspect.getsource(step)
    body = [line for line in source[source.rindex('"""') :].splitlines()[1:] if line.strip()]
    assert len(body) <= 25
    assert not any(word in source for word in (".item()", "cuda", ".to(", "print", "autocast"))


# ------------------------------------------------------------------ single methods


def fully_connected():
    """Three networks in one, and each alone."""
    stack = fc(models=3)
    alone = [fc(models=1) for _ in range(3)]
    for k, pair in enumerate(alone):
        for one, many in zip(pair, stack, strict=True):
            for p, q in zip(one.parameters(), many.parameters(), strict=True):
                p.data.copy_(q.data[k : k + 1])
    return stack, alone, (noise(3, 16, 784), noise(3, 16, 4, seed=1)), lambda k: slice(k, k + 1)


def convolutional():
    """Two DCGANs in a stack, and each alone."""
    alone = [METHODS["dcgan"].build(seed)[:2] for seed in (1, 2)]
    stack = [Stacked([pair[k] for pair in alone]) for k in (0, 1)]
    return stack, alone, (noise(2, 4, 1, 28, 28), noise(2, 4, 8, seed=1)), lambda k: k


@pytest.mark.parametrize(("build", "lr", "steps"), [(fully_connected, 1e-2, 5), (convolutional, 1e-3, 3)])
def test_a_stack_trains_as_its_members_would_alone(build, lr, steps):
    stack, alone, (x, z), member = build()
    for nets, part in [(stack, slice(None)), *((pair, member(k)) for k, pair in enumerate(alone))]:
        # eps 0: the mean over the networks scales gradients by 1 / K, which Adam cancels
        opts = [torch.optim.Adam(net.parameters(), lr=lr, eps=0) for net in nets]
        for _ in range(steps):
            gan_step(*nets, *opts, x[part], z[part])
    for k, (G, D) in enumerate(alone):
        for one, many, given in ((G, stack[0], z), (D, stack[1], x)):
            expected = one.eval()(given[member(k)])
            torch.testing.assert_close(many.eval()(given)[member(k)], expected, rtol=1e-2, atol=2e-3)


def test_acgan_d_learns_classes_of_fakes_only_where_asked_to():
    """D's loss differs by the class loss on fakes, and only that one depends on the classes asked for."""
    found = {}
    for on_fakes in (True, False):
        for shift in (0, 1):
            G, D, stream = METHODS["acgan"].build()
            D.eval()  # no dropout: the same answer each time
            x, y = stream(0)
            torch.manual_seed(5)
            z, c = G.prior(len(x))
            with torch.no_grad():
                fake = G(z, c)
            G.forward = lambda z, c, fake=fake, G=G: fake + 0 * next(G.parameters()).sum()
            step = partial(acgan_step, class_on_fakes=on_fakes)
            found[on_fakes, shift] = float(step(G, D, sgd(G), sgd(D), x, y, z, (c + shift) % 3)[0])
    assert found[False, 0] == found[False, 1] and found[True, 0] != found[True, 1]
    assert found[True, 0] > found[False, 0]


def test_acgans_losses_are_those_that_it_is_given():
    def losses_with(**given):
        G, D, stream = METHODS["acgan"].build()
        D.eval()
        x, y = stream(0)
        torch.manual_seed(5)
        return torch.stack(acgan_step(G, D, sgd(G, 0), sgd(D, 0), x, y, *G.prior(len(x)), **given))

    source = losses_with(class_loss=lambda seen, y: 0 * seen.sum())
    classes = losses_with() - source
    doubled = losses_with(source_loss=lambda real, fake: 2 * losses.discriminator_loss(real, fake))
    torch.testing.assert_close(doubled, torch.stack([2 * source[0] + classes[0], source[1] + classes[1]]))


class Asked(nn.Module):
    """A BAGAN discriminator that notes what it was shown."""

    def __init__(self, classes):
        super().__init__()
        self.classes, self.shown = classes, []
        self.logits = nn.Parameter(torch.zeros(classes + 1))

    def forward(self, x):
        self.shown.append(len(x))
        return self.logits.expand(len(x), -1) + 0 * x.mean()


@pytest.mark.parametrize(("batch", "classes", "fakes"), [(64, 10, 7), (30, 10, 3), (4, 3, 2)])
def test_bagan_shows_d_as_many_fakes_as_a_class_has_real_images(batch, classes, fakes):
    D = Asked(classes)
    G = nn.Linear(2, 5)
    G.forward = lambda z, c: z @ G.weight.T + G.bias
    x, y = noise(batch, 5), torch.arange(batch) % classes
    bagan_step(G, D, sgd(G, 0), sgd(D, 1.0), x, y, noise(batch, 2), y.clone())
    assert D.shown == [batch + fakes, batch]
    # one step of gradient descent from equal logits: what a label was given for, rises by its share
    share = torch.bincount(torch.cat([y, torch.full((fakes,), classes)]), minlength=classes + 1) / (batch + fakes)
    torch.testing.assert_close(D.logits.detach(), share - 1 / (classes + 1))


def test_bagan_g_wants_the_class_asked_for_and_not_the_fake_one():
    D = Asked(3)
    G = nn.Linear(2, 5)
    G.forward = lambda z, c: z @ G.weight.T + G.bias
    y = torch.zeros(6, dtype=torch.int64)
    D.logits.data = torch.tensor([5.0, 0, 0, 0])
    losses_of = [
        float(bagan_step(G, D, sgd(G, 0), sgd(D, 0), noise(6, 5), y, noise(6, 2), torch.full((6,), c))[1])
        for c in (0, 1, 2)
    ]
    assert losses_of[0] < 0.1 < losses_of[1] == losses_of[2]


class Same(nn.Module):
    """A translator that changes nothing, or adds `shift`."""

    def __init__(self, shift=0.0):
        super().__init__()
        self.shift = nn.Parameter(torch.tensor(shift))

    def forward(self, x):
        return x + self.shift


class Flat(nn.Module):
    """A critic whose logits are what its parameter says, and a pool that hands back what it gets."""

    def __init__(self, logit):
        super().__init__()
        self.logit = nn.Parameter(torch.tensor(logit))

    def forward(self, x):
        return self.logit + 0 * x


def cycle(shift_AB, shift_BA, logit=0.0, **terms):
    G, D = nn.Module(), nn.Module()
    G.AB, G.BA = Same(shift_AB), Same(shift_BA)
    D.A, D.B, D.pool_A, D.pool_B = Flat(logit), Flat(logit), nn.Identity(), nn.Identity()
    x = noise(2, 1, 4, 4)
    return cyclegan_step(G, D, sgd(G, 0), sgd(D, 0), x, x.clone(), **terms)


def test_cyclegan_adds_its_three_losses_and_halves_that_of_the_critics():
    loss_D, loss_G = cycle(0.0, 0.0)
    assert float(loss_G) == pytest.approx(2)  # two critics that say 0 to fakes, which should be 1
    assert float(loss_D) == pytest.approx((1 + 1) / 2)  # real images should be 1: twice 1, halved
    # there and back again is no change, though each way is wrong: cycle loss 0, identity loss 2 × 0.3
    assert float(cycle(0.3, -0.3, adversarial=0, identity=0)[1]) == pytest.approx(0, abs=1e-6)
    assert float(cycle(0.3, -0.3, adversarial=0, cycle=0, identity=1)[1]) == pytest.approx(0.6)
    assert float(cycle(0.3, 0.3, adversarial=0, identity=0, cycle=1)[1]) == pytest.approx(1.2)


def test_an_autoencoder_learns_its_input_and_a_cvae_its_class():
    for name, steps_ in (("autoencoder", 30), ("cvae", 60)):
        method = METHODS[name]
        G, _, stream = method.build()
        last = train.fit(method.step, G, None, stream, steps=steps_, seed=0, lr=3e-3, reports=3)
        assert list(last.losses) == ["G"] and last.losses["G"][-1] < 0.6 * last.losses["G"][0]
    z = torch.zeros(3, G.latent)
    drawn = last.generator(z, torch.arange(3))[:, 0, :27].reshape(3, 3, 9, 28).mean(dim=(2, 3))
    assert torch.equal(drawn.argmax(dim=1), torch.arange(3))  # a class is a bar at a height of its own


def test_the_cvaes_loss_is_reconstruction_and_divergence():
    G, _, stream = METHODS["cvae"].build()
    x, y = stream(0)
    z, c = noise(len(x), G.latent), y
    mean, log_variance = (t.detach() for t in G.encode(x, y))
    posterior = torch.distributions.Normal(mean, (log_variance / 2).exp())
    divergence = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0, 1)).sum(dim=1)
    at = torch.distributions.Normal(G(mean + z * posterior.stddev, y).detach(), G.variance**0.5)
    constant = 784 * math.log((2 * math.pi * G.variance) ** 0.5)
    expected = (-at.log_prob(x).flatten(1).sum(dim=1) - constant + divergence).mean()
    (loss,) = METHODS["cvae"].step(G, None, sgd(G, 0), None, x, y, z, c)
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-2)
