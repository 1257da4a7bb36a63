import pytest
import torch
import torch.nn.functional as F
from torch.func import vmap

from course_utils.gan.layers import InstanceNorm


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
