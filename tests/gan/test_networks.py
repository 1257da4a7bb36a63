import copy
from functools import partial

import pytest
import torch
from scipy import stats
from torch import nn

from course_utils.classify.networks import count_parameters
from course_utils.core.errors import CourseError
from course_utils.core.stacked import Stacked
from course_utils.data.images import Images
from course_utils.gan.networks import (
    ACDiscriminator,
    ACGenerator,
    AnimalDiscriminator,
    AnimalGenerator,
    Autoencoder,
    BAGANDiscriminator,
    BAGANGenerator,
    ClassGaussians,
    DCDiscriminator,
    DCGenerator,
    Decoder,
    Diffusion,
    Encoder,
    FCDiscriminator,
    FCGenerator,
    FourConvDiscriminator,
    ImagePool,
    PatchDiscriminator,
    ProjectionDiscriminator,
    ResidualGenerator,
    Translators,
    TransposedGenerator,
)

N = 6  # pictures in a batch: two of each class
CLASSES = 3


def digits(n=N):
    return torch.rand(n, 1, 28, 28) * 2 - 1


def labels(n=N):
    return torch.arange(n) % CLASSES


def gaussians(latent=4):
    return ClassGaussians.fit(torch.randn(30, latent), labels(30), CLASSES)


def bagan_discriminator():
    return BAGANDiscriminator.from_encoder(Encoder(4, 1 / 8), CLASSES)


GENERATORS = {  # → (network, shape of a batch of N)
    "fc": lambda: (FCGenerator(2, latent=4, hidden=(8,)), (2, N, 784)),
    "dcgan": lambda: (DCGenerator(1 / 32, latent=4), (N, 1, 28, 28)),
    "dcgan-classes": lambda: (DCGenerator(1 / 32, latent=4, classes=CLASSES), (N, 1, 28, 28)),
    "dcgan-virtual": lambda: (DCGenerator(1 / 32, latent=4, classes=CLASSES, reference=5), (N, 1, 28, 28)),
    "acgan": lambda: (ACGenerator(4, CLASSES, width=1 / 16), (N, 1, 28, 28)),
    "plain": lambda: (TransposedGenerator(4, width=1 / 8), (N, 1, 28, 28)),
    "dcgan-colour": lambda: (DCGenerator(1 / 32, 4, CLASSES, shape=(3, 10, 10)), (N, 3, 10, 10)),
    "bagan": lambda: (BAGANGenerator(Decoder(4, 1 / 16), gaussians()), (N, 1, 28, 28)),
    "animals-text": lambda: (AnimalGenerator(16, 4, "text", 1 / 16, CLASSES), (N, 3, 16, 16)),
    "animals-code": lambda: (AnimalGenerator(16, 4, "code", 1 / 16, CLASSES), (N, 3, 16, 16)),
}
CONDITIONAL = [name for name in GENERATORS if name not in ("fc", "dcgan", "plain")]
DISCRIMINATORS = {  # → (network, its inputs, shapes of its outputs)
    "fc": lambda: (FCDiscriminator(2, 9, (8,)), (torch.randn(2, N, 9),), [(2, N, 1)]),
    "dcgan": lambda: (DCDiscriminator(1 / 16, depth=2), (digits(),), [(N, 1)]),
    "dcgan-classes": lambda: (DCDiscriminator(1 / 16, classes=CLASSES), (digits(), labels()), [(N, 1)]),
    "dcgan-virtual": lambda: (
        DCDiscriminator(1 / 16, classes=CLASSES, reference=digits(5), reference_labels=labels(5)),
        (digits(), labels()),
        [(N, 1)],
    ),
    "acgan": lambda: (ACDiscriminator(CLASSES, 1 / 4), (digits(),), [(N, 1), (N, CLASSES)]),
    "plain": lambda: (FourConvDiscriminator(1 / 8), (digits(),), [(N, 1)]),
    "dcgan-colour": lambda: (
        DCDiscriminator(1 / 16, classes=CLASSES, shape=(3, 10, 10)),
        (torch.randn(N, 3, 10, 10), labels()),
        [(N, 1)],
    ),
    "projection": lambda: (
        ProjectionDiscriminator((3, 10, 10), CLASSES, width=1 / 8),
        (torch.randn(N, 3, 10, 10), labels()),
        [(N, 1)],
    ),
    "bagan": lambda: (bagan_discriminator(), (digits(),), [(N, CLASSES + 1)]),
    "animals-text": lambda: (
        AnimalDiscriminator(32, "text", 1 / 16, CLASSES),
        (torch.randn(N, 3, 32, 32), labels()),
        [(N, 1)],
    ),
    "animals-code": lambda: (
        AnimalDiscriminator(16, "code", 1 / 16, CLASSES),
        (torch.randn(N, 3, 16, 16), labels()),
        [(N, 1)],
    ),
    "patches": lambda: (PatchDiscriminator(3, 4, layers=1), (torch.randn(N, 3, 16, 16),), [(N, 1, 6, 6)]),
}


@pytest.fixture(autouse=True)
def _same_weights():
    torch.manual_seed(0)


def outputs(network, *inputs):
    out = network(*inputs)
    return out if isinstance(out, tuple) else (out,)


def assert_gradient_reaches_every_parameter(network, *inputs):
    sum((out * torch.randn_like(out)).sum() for out in outputs(network, *inputs)).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_draws_pictures_between_minus_one_and_one_from_its_prior(name):
    G, shape = GENERATORS[name]()
    latents = G.prior(N)
    assert G(*latents).shape == shape
    wild = G(1000 * latents[0], *latents[1:])
    assert wild.abs().max() <= 1
    assert_gradient_reaches_every_parameter(G, *latents)


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_a_discriminator_answers_in_logits(name):
    D, inputs, shapes = DISCRIMINATORS[name]()
    assert [out.shape for out in outputs(D, *inputs)] == shapes
    assert not any(isinstance(layer, nn.Sigmoid | nn.Softmax | nn.LogSoftmax | nn.Tanh) for layer in D.modules())
    assert_gradient_reaches_every_parameter(D, *inputs)


@pytest.mark.reliability("determinism")
@pytest.mark.parametrize("name", GENERATORS)
def test_a_prior_draws_normal_points_and_uniform_labels_from_one_generator_alone(name):
    G, _ = GENERATORS[name]()
    drawn, again = (G.prior(2000, torch.Generator().manual_seed(3)) for _ in range(2))
    assert all(torch.equal(*pair) for pair in zip(drawn, again, strict=True))
    z, *c = drawn
    assert name == "bagan" or stats.kstest(z.flatten().numpy(), "norm").pvalue > 0.001
    assert len(c) == (name in CONDITIONAL)
    for asked in c:
        assert asked.dtype == torch.int64
        assert stats.chisquare(torch.bincount(asked, minlength=CLASSES).numpy()).pvalue > 0.001
    torch.manual_seed(2)
    first, second = G.prior(N), G.prior(N)
    torch.manual_seed(2)
    assert torch.equal(G.prior(N)[0], first[0]) and not torch.equal(first[0], second[0])


@pytest.mark.parametrize("name", [name for name in CONDITIONAL if name != "bagan"])
def test_the_label_changes_the_output_of_conditional_networks(name):
    G = GENERATORS[name]()[0].eval()
    z, c = G.prior(N)
    assert not torch.equal(G(z, c), G(z, (c + 1) % CLASSES))
    D, (x, *y), _ = DISCRIMINATORS[name]()
    D.eval()
    assert not y or not torch.equal(D(x, *y), D(x, (y[0] + 1) % CLASSES))


def test_batch_normalisation_has_pytorchs_eps_and_the_momentum_meant():
    momenta = {"dcgan": 0.1, "acgan": 1 - 0.8, "plain": 1 - 0.99}  # the latter two from Keras, which counts what stays
    for name, momentum in momenta.items():
        norms = [m for m in GENERATORS[name]()[0].modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
        assert norms
        assert all(norm.eps == 1e-5 and norm.momentum == pytest.approx(momentum) for norm in norms)


@pytest.mark.parametrize("name", [name for name in GENERATORS if name != "fc"])
def test_networks_work_in_a_stack(name):
    for build in (GENERATORS, DISCRIMINATORS):
        networks = [build[name]()[0].eval() for _ in range(2)]
        stack = Stacked(networks).eval()
        if build is GENERATORS:
            inputs = stack.prior(N)
        else:
            inputs = tuple(torch.stack([part, part.flip(0)]) for part in DISCRIMINATORS[name]()[1])
        for k, network in enumerate(networks):
            for mine, own in zip(outputs(stack, *inputs), outputs(network, *(x[k] for x in inputs)), strict=True):
                torch.testing.assert_close(mine[k], own, rtol=1e-4, atol=1e-5)


# ---------------------------------------------------------------- paper 4


def test_paper_4s_d_has_its_capacity_and_a_label_starts_as_strong_as_a_picture():
    G, D = DCGenerator(), DCDiscriminator(classes=10)
    assert round(count_parameters(G)[0] / 1e6) == 7
    assert count_parameters(DCDiscriminator())[0] == pytest.approx(310_000, rel=0.005)
    assert float(D.label.weight.detach().std()) == pytest.approx(1, rel=0.05)


def test_capacity_multiplies_maps_and_depth_adds_blocks():
    def convolutions(D):
        return [layer.out_channels for layer in D.modules() if isinstance(layer, nn.Conv2d)]

    assert convolutions(DCDiscriminator(2)) == [2 * maps for maps in convolutions(DCDiscriminator())]
    assert convolutions(DCGenerator(3))[0] == 3 * convolutions(DCGenerator())[0]
    assert [len(convolutions(DCDiscriminator(1 / 32, depth))) for depth in (1, 2, 3)] == [2, 4, 6]


def times_the_class(z, c, classes):
    return torch.cat([z * (1 + c[:, None]), torch.zeros(len(z), classes)], dim=1)


def beside_the_label(x, y, plane):
    return torch.cat([x, plane(torch.eye(plane.in_features)[y]).unflatten(1, (1, 28, 28))], dim=1)


@pytest.mark.parametrize("reference", [0, 5])
def test_a_learners_join_is_what_g_is_fed(reference):
    G, twin = (DCGenerator(1 / 32, 4, CLASSES, reference, **join) for join in ({"join": times_the_class}, {}))
    seen = []
    G.body.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    z, c = G.prior(N)
    G(z, c)
    assert torch.equal(seen[0][reference:], times_the_class(z, c, CLASSES))
    assert G.reference is None or (G.reference[:, 4:] == 0).all()
    assert [p.shape for p in G.parameters()] == [p.shape for p in twin.parameters()]


def test_a_learners_join_is_what_d_is_fed_and_trains_its_dense_layer():
    torch.manual_seed(1)
    D = DCDiscriminator(1 / 16, classes=CLASSES, join=beside_the_label)
    torch.manual_seed(1)
    twin = DCDiscriminator(1 / 16, classes=CLASSES)
    x, y = digits(), labels()
    assert torch.equal(D(x, y), twin(x, y)), "the same function, written otherwise"
    assert_gradient_reaches_every_parameter(D, x, y)


def test_virtual_batch_norm_keeps_examples_apart_where_batch_norm_does_not():
    x, other = digits(), digits()
    other[0] = x[0]
    virtual, batch = DCDiscriminator(1 / 16, reference=digits(5)), DCDiscriminator(1 / 16)
    torch.testing.assert_close(virtual(x)[0], virtual(other)[0])
    assert ((virtual(x)[1:] - virtual(other)[1:]).abs() > 1e-6).all()
    assert (batch(x)[0] - batch(other)[0]).abs() > 1e-5

    G = DCGenerator(1 / 32, latent=4, reference=5)
    (z,) = G.prior(N)
    torch.testing.assert_close(G(z)[:1], G(z[:1]))
    assert not torch.equal(G(z)[:1], G(z[1:])[:1])


def test_the_reference_batch_stays_and_is_saved():
    G, twin = (DCGenerator(1 / 32, latent=4, reference=5) for _ in range(2))
    (z,) = G.prior(N)
    assert torch.equal(G(z), G(z)) and not torch.equal(G(z), twin(z))
    twin.load_state_dict(G.state_dict())
    assert torch.equal(G(z), twin(z))


# ---------------------------------------------------------------- paper 2


def test_bagan_starts_from_the_autoencoder():
    encoder, decoder = Encoder(4, 1 / 8), Decoder(4, 1 / 16)
    assert Autoencoder(encoder, decoder)(digits()).shape == (N, 1, 28, 28)
    G, D = BAGANGenerator(decoder, gaussians()), BAGANDiscriminator.from_encoder(encoder, CLASSES)
    assert G.decoder is decoder
    before = copy.deepcopy(encoder.state_dict())
    for name, parameter in D.trunk.named_parameters():
        assert torch.equal(parameter, before[f"trunk.{name}"]), "the trunk is not the encoder's"
    torch.optim.SGD(D.parameters(), lr=1.0).step(closure=lambda: D(digits()).square().sum().backward())
    assert not torch.equal(D.trunk[0].weight, encoder.trunk[0].weight)
    assert all(torch.equal(before[name], tensor) for name, tensor in encoder.state_dict().items()), "a copy, not it"
    assert D.head.out_features == CLASSES + 1


def test_encoding_a_set_has_no_dropout_and_leaves_the_mode_as_it_was():
    encoder = Encoder(4, 1 / 8).train()
    pixels = torch.randint(0, 256, (N, 1, 28, 28), dtype=torch.uint8)
    images = Images(pixels, labels(), ("a", "b", "c"))
    latents = encoder.encode(images, size=4)
    assert latents.shape == (N, 4) and encoder.training
    torch.testing.assert_close(latents, encoder.encode(images))
    assert not torch.equal(encoder(digits()), encoder(digits()))


def covariance(gaussians):
    return gaussians.factor @ gaussians.factor.mT


@pytest.mark.parametrize("few", [1, 2, 5])
def test_a_class_has_the_gaussian_of_its_images_even_where_they_do_not_span_the_space(few):
    L = 8
    x = torch.cat([torch.randn(40, L), 50 + torch.randn(few, L)])
    found = ClassGaussians.fit(x, (torch.arange(40 + few) >= 40).long(), 2)
    torch.testing.assert_close(covariance(found)[0], torch.cov(x[:40].T), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.mean[1], x[40:].mean(0), rtol=1e-4, atol=1e-4)
    assert torch.linalg.matrix_rank(covariance(found)[1], rtol=1e-4) == few - 1
    assert found.draw(torch.ones(10, dtype=torch.int64)).isfinite().all()


def test_draws_have_the_mean_and_covariance_of_the_class_asked_for():
    found = ClassGaussians(torch.tensor([[0.0, 0], [9, -9]]), torch.randn(2, 2, 2))
    z = found.draw(torch.ones(20_000, dtype=torch.int64), torch.Generator().manual_seed(6))
    torch.testing.assert_close(z.mean(0), found.mean[1], rtol=0, atol=0.1)
    torch.testing.assert_close(torch.cov(z.T), covariance(found)[1], rtol=0.05, atol=0.05)
    z = found.draw(torch.tensor([0, 1, 0]))
    assert ((z[:, 0] > 4.5) == torch.tensor([False, True, False])).all()


def test_a_class_without_images_is_named():
    with pytest.raises(CourseError, match="class 1 has no image"):
        ClassGaussians.fit(torch.randn(4, 2), torch.tensor([0, 0, 2, 2]), 3)


# ---------------------------------------------------------------- paper 3


def test_animal_networks_have_the_papers_layers():
    G, D = AnimalGenerator(64), AnimalDiscriminator(64)
    ups = [layer for layer in G.modules() if isinstance(layer, nn.ConvTranspose2d)]
    assert [(up.out_channels, up.kernel_size, up.stride) for up in ups] == [(128, (4, 4), (2, 2))] * 3
    assert sum(isinstance(layer, nn.Conv2d) for layer in D.modules()) == 4
    code = AnimalDiscriminator(16, "code")
    assert [m.out_features for m in code.modules() if isinstance(m, nn.Linear)] == [512, 512, 512, 1]


@pytest.mark.parametrize("build", [AnimalGenerator, AnimalDiscriminator])
def test_animal_networks_refuse_another_size_or_variant(build):
    with pytest.raises(CourseError, match="multiple of 16"):
        build(50)
    with pytest.raises(CourseError, match=r"'paper'.*choose one of text, code"):
        build(64, variant="paper")


# ---------------------------------------------------------------- any size


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 14, 14), (3, 32, 32), (3, 50, 50), (1, 64, 64), (3, 128, 128)])
def test_conditional_gans_take_square_pictures_of_any_size(shape):
    G, D = DCGenerator(1 / 32, 4, CLASSES, shape=shape), DCDiscriminator(1 / 32, classes=CLASSES, shape=shape)
    z, c = G.prior(2)
    assert G(z, c).shape == (2, *shape) and D(G(z, c), c).shape == (2, 1)
    assert ProjectionDiscriminator(shape, CLASSES, 1 / 32)(G(z, c), c).shape == (2, 1)


@pytest.mark.parametrize(
    "build",
    [
        DCGenerator,
        DCDiscriminator,
        *(partial(network, classes=CLASSES) for network in (ProjectionDiscriminator, Diffusion)),
    ],
)
@pytest.mark.parametrize("shape", [(1, 28, 32), (3, 6, 6)])
def test_networks_of_any_size_refuse_oblong_and_tiny_pictures(build, shape):
    with pytest.raises(CourseError, match=rf"{shape[1]} × {shape[2]}, expected squares"):
        build(shape=shape)


def test_no_layer_of_the_projection_discriminator_stretches_its_input():
    D = ProjectionDiscriminator((1, 16, 16), CLASSES, width=1 / 8)
    weights = [layer.weight.detach().flatten(1) for layer in D.modules() if hasattr(layer, "parametrizations")]
    assert len(weights) == 5
    assert all(torch.linalg.matrix_norm(weight, 2) == pytest.approx(1, abs=0.1) for weight in weights)


def test_translators_answer_with_both_sides():
    G = Translators(*(ResidualGenerator(1, 2, blocks=1) for _ in range(2)))
    a, b = torch.randn(2, 1, 8, 12), torch.randn(3, 1, 8, 12)
    out = G(a, b)
    assert out.shape == (5, 1, 8, 12) and out.abs().max() <= 1
    assert torch.equal(out[:2], G.AB(a)) and torch.equal(out[2:], G.BA(b))
    assert_gradient_reaches_every_parameter(G, a, b)


def test_cyclegan_normalises_by_the_picture_alone_and_without_a_bias_before_it():
    for network in (ResidualGenerator(1, 2, blocks=2), PatchDiscriminator(1, 2)):
        layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.InstanceNorm2d)]
        norms = [layer for layer in layers if isinstance(layer, nn.InstanceNorm2d)]
        assert norms and not any(norm.track_running_stats or norm.affine for norm in norms)
        for layer, after in zip(layers, [*layers[1:], None], strict=True):
            if isinstance(layer, nn.Conv2d):
                assert (layer.bias is None) == isinstance(after, nn.InstanceNorm2d)
        x = torch.randn(2, 1, 32, 32)
        torch.testing.assert_close(network(x)[:1], network(x[:1]))
        torch.testing.assert_close(network(x), network.eval()(x))


def test_a_patch_is_70_by_70():
    D = PatchDiscriminator(1, 2)
    for k, layer in enumerate(D):
        if isinstance(layer, nn.InstanceNorm2d):  # it sees the whole picture
            D[k] = nn.Identity()
    x = torch.randn(1, 1, 128, 128, requires_grad=True)
    D(x)[0, 0, 7, 7].backward()
    rows, columns = x.grad[0, 0].nonzero(as_tuple=True)
    assert int(rows.max() - rows.min()) + 1 == int(columns.max() - columns.min()) + 1 == 70


def numbered(*numbers):
    return torch.tensor(numbers, dtype=torch.float32)[:, None, None, None].expand(-1, 1, 2, 2)


def test_a_pool_returns_new_fakes_until_it_is_full():
    pool = ImagePool((1, 2, 2), size=3)
    fakes = numbered(1, 2).clone().requires_grad_()
    out = pool(fakes)
    assert torch.equal(out, fakes) and not out.requires_grad
    assert torch.equal(pool(numbered(3)), numbered(3))
    assert int(pool.filled) == 3 and torch.equal(pool.pictures, numbered(1, 2, 3))


def test_a_full_pool_swaps_half_of_the_time_and_loses_nothing():
    pool, swaps = ImagePool((1, 2, 2), size=3), 0
    pool(numbered(0, 1, 2))
    for k in range(3, 1003):
        before = set(pool.pictures[:, 0, 0, 0].tolist())
        out = float(pool(numbered(k))[0, 0, 0, 0])
        after = set(pool.pictures[:, 0, 0, 0].tolist())
        if out == k:
            assert after == before
        else:
            swaps += 1
            assert out in before and after == before - {out} | {k}
    assert stats.binomtest(swaps, 1000).pvalue > 0.001
    assert int(pool.filled) == 3
