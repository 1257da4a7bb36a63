import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.func import vmap

from course_utils.core.errors import CourseError
from course_utils.gan.layers import InstanceNorm, StackedLinear, UpConv, VirtualBatchNorm, dcgan_init, one_hot


def two_steps(layer, x):
    """Upsampling, then convolution, as the papers say it."""
    x = F.interpolate(x, scale_factor=2, mode="nearest")
    edge = layer.kernel_size[0] // 2
    x = F.pad(x, (edge,) * 4, mode="constant" if layer.padding_mode == "zeros" else layer.padding_mode)
    return F.conv2d(x, layer.weight, layer.bias)


def with_gradients(function, layer, x, weights):
    x = x.clone().requires_grad_()
    layer.zero_grad()
    out = function(x)
    (out * weights).sum().backward()
    return [out.detach(), x.grad, *(p.grad.clone() for p in layer.parameters())]


@settings(max_examples=20)
@given(
    kind=st.sampled_from([(1, "zeros"), (3, "zeros"), (5, "zeros"), (3, "reflect")]),
    bias=st.booleans(),
    height=st.integers(2, 6),
    width=st.integers(2, 6),
    seed=st.integers(0, 99),
)
def test_upconv_is_upsampling_then_convolution_with_its_gradients_and_at_the_borders(kind, bias, height, width, seed):
    torch.manual_seed(seed)
    layer = UpConv(2, 3, kind[0], bias, padding_mode=kind[1]).double()
    shapes = (2, 2, height, width), (2, 3, 2 * height, 2 * width)
    x, weights = (torch.randn(*shape, dtype=torch.float64) for shape in shapes)
    for mine, theirs in zip(
        with_gradients(layer, layer, x, weights),
        with_gradients(lambda x: two_steps(layer, x), layer, x, weights),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("kernel", "mode"), [(4, "zeros"), (5, "reflect"), (3, "circular")])
def test_upconv_refuses_what_it_cannot_compute(kernel, mode):
    with pytest.raises(CourseError, match=f"kernel of {kernel} with padding_mode '{mode}'; choose"):
        UpConv(1, 1, kernel, padding_mode=mode)


def norm_of(places, reference=4, features=3):
    torch.manual_seed(1)
    layer = VirtualBatchNorm(features, reference)
    with torch.no_grad():
        layer.weight.uniform_(0.5, 2)
        layer.bias.uniform_(-1, 1)
    return layer, 3 + 2 * torch.randn(reference + 5, features, *places)


@pytest.mark.parametrize("places", [(), (4, 6)])
def test_virtual_batch_norm_is_the_papers_formula(places):
    layer, x = norm_of(places)
    out, reference, R = layer(x), x[:4], 4
    dims = (0, 2, 3)[: 1 + len(places)]
    ref_mean, ref_square = reference.mean(dims), reference.square().mean(dims)
    for n in range(4, len(x)):
        own = x[n].flatten(1) if places else x[n][:, None]
        mean = own.mean(1) / (R + 1) + R / (R + 1) * ref_mean
        square = own.square().mean(1) / (R + 1) + R / (R + 1) * ref_square
        scale = layer.weight / torch.sqrt(square - mean**2 + layer.eps)
        expected = (own - mean[:, None]) * scale[:, None] + layer.bias[:, None]
        torch.testing.assert_close(out[n].reshape(expected.shape), expected, rtol=1e-4, atol=1e-5)
    batch_norm = F.batch_norm(reference, None, None, layer.weight, layer.bias, training=True, eps=layer.eps)
    torch.testing.assert_close(out[:4], batch_norm, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("places", [(), (4, 6)])
def test_virtual_batch_norm_does_not_leak_between_examples(places):
    layer, x = norm_of(places)
    other = x.clone()
    other[5:] = 100 * torch.randn_like(other[5:])
    assert torch.equal(layer(x)[4], layer(other)[4])
    assert not torch.equal(layer(x)[5], layer(other)[5])
    other = x.clone()
    other[0] += 1
    assert not torch.equal(layer(x)[4], layer(other)[4])


def test_gradients_of_an_example_flow_through_the_reference():
    layer, x = norm_of((4, 6))
    x.requires_grad_()
    layer(x)[4].square().sum().backward()
    assert x.grad[:4].abs().sum() > 0
    assert x.grad[5:].abs().sum() == 0


def test_virtual_batch_norm_of_a_constant_far_from_zero_is_finite():
    layer = VirtualBatchNorm(2, 3)
    assert layer(torch.full((5, 2, 4, 4), 1e4)).isfinite().all()


def test_dcgan_init_draws_weights_and_scales_and_clears_biases():
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(100, 200), nn.Conv2d(20, 50, 3), nn.ConvTranspose2d(50, 20, 4), UpConv(20, 50), nn.BatchNorm2d(5000)
    )
    net.append(VirtualBatchNorm(5000, 2)).append(nn.BatchNorm1d(5000))
    net.requires_grad_(False)
    for layer in net:
        layer.bias.fill_(3)
    dcgan_init(net)
    for layer in net:
        mean = 0 if layer.weight.ndim > 1 else 1
        assert float(layer.weight.mean()) == pytest.approx(mean, abs=0.001)
        assert float(layer.weight.std()) == pytest.approx(0.02, rel=0.05)
        assert not layer.bias.any()


def test_one_hot_is_pytorchs():
    labels = torch.tensor([2, 0, 1, 2])
    assert torch.equal(one_hot(labels, 4), F.one_hot(labels, 4).float())


def test_stacked_linear_is_linear_layers_side_by_side():
    torch.manual_seed(0)
    stack, x = StackedLinear(3, 5, 7), torch.randn(3, 4, 5)
    for k in range(3):
        torch.testing.assert_close(stack(x)[k], F.linear(x[k], stack.weight[k].T, stack.bias[k, 0]))
    reach = 1 / 5**0.5
    assert stack.weight.abs().max() <= reach and stack.bias.abs().max() <= reach


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("training", [True, False])
def test_it_is_pytorchs_instance_norm_with_its_gradient(n, training):
    torch.manual_seed(0)
    x = (3 + 2 * torch.randn(n, 4, 5, 6, dtype=torch.float64)).requires_grad_()
    layer, weights = InstanceNorm(4).train(training), torch.randn_like(x)
    outs = [layer(x), F.instance_norm(x)]
    grads = [torch.autograd.grad((out * weights).sum(), x)[0] for out in outs]
    torch.testing.assert_close(outs[0], outs[1], rtol=0, atol=1e-12)
    torch.testing.assert_close(grads[0], grads[1], rtol=0, atol=1e-12)
    assert not list(layer.parameters()) and not list(layer.buffers())


def test_one_picture_stays_in_channels_last():
    x = torch.randn(1, 4, 5, 6).contiguous(memory_format=torch.channels_last)
    assert InstanceNorm(4)(x).is_contiguous(memory_format=torch.channels_last)


def test_in_a_stack_each_picture_is_normalised_alone():
    x = torch.randn(3, 1, 4, 5, 6)
    torch.testing.assert_close(vmap(InstanceNorm(4))(x)[:, 0], F.instance_norm(x[:, 0]), rtol=0, atol=1e-5)
