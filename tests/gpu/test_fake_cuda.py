"""What can be known of CUDA without a GPU: each step, stack and classifier goes forward on PyTorch's fake CUDA tensors.

They have a device, a shape, a type and a memory layout, and no numbers. Backward passes need the real thing.
"""

import copy

import pytest
import torch
from small_gans import METHODS
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from course_utils.classify.networks import EMNISTCNN, AnimalCNN, KannadaCNN, LeNet, SmallCNN
from course_utils.core.precision import autocast
from course_utils.core.stacked import Stacked
from course_utils.gan import steps
from course_utils.gan.train import fit

CUDA = torch.device("cuda")
# a stack already, a step that uses more of its networks than a call, or spectral norm, which vmap does not know
OWN_PARTS = {"fc", "bagan", "cyclegan", "cvae", "projection", "diffusion"}


@pytest.fixture(autouse=True)
def a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *_: True)
    monkeypatch.setattr(steps, "update", lambda optimizer, loss: None)


def on_fake_cuda(network):
    """The network itself, its tensors replaced by fake ones; call it in a FakeTensorMode."""
    for layer in network.modules():
        for tensors in (layer._parameters, layer._buffers):
            for name, tensor in tensors.items():
                if tensor is not None:
                    fake = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=CUDA)
                    tensors[name] = nn.Parameter(fake) if tensors is layer._parameters else fake
    return network


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize("name", METHODS)
def test_a_step_goes_forward(name, stacked, precision):
    if stacked and name in OWN_PARTS:
        pytest.skip("has no stack of this kind")
    G, D, batches = METHODS[name].build()
    data, draws = batches(0), hasattr(G, "prior")
    if stacked:
        G, D = (network and Stacked([network, copy.deepcopy(network)]) for network in (G, D))
    with FakeTensorMode():
        nets = [network and on_fake_cuda(network) for network in (G, D)]
        batch = [torch.empty((2, *t.shape) if stacked else t.shape, dtype=t.dtype, device=CUDA) for t in data]
        latents = G.prior(data[0].shape[name == "fc"]) if draws else ()
        with autocast(CUDA, precision):
            losses = METHODS[name].step(*nets, None, None, *batch, *latents)
    assert all(loss.device == torch.device("cuda:0") and loss.dtype == torch.float32 for loss in losses)


CLASSIFIERS = {
    "LeNet": (LeNet, (1, 28, 28)),
    "SmallCNN": (lambda: SmallCNN(maps=4), (3, 32, 32)),
    "KannadaCNN": (lambda: KannadaCNN(1 / 16), (1, 28, 28)),
    "EMNISTCNN": (lambda: EMNISTCNN(1 / 16), (1, 28, 28)),
    "AnimalCNN": (lambda: AnimalCNN(32), (3, 32, 32)),
}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_stack_of_classifiers_goes_forward(name, precision):
    make, shape = CLASSIFIERS[name]
    stack = Stacked([make() for _ in range(3)])
    with FakeTensorMode(), autocast(CUDA, precision):
        answers = on_fake_cuda(stack)(torch.empty(3, 8, *shape, device=CUDA))
    assert answers.shape[:2] == (3, 8) and answers.device.type == "cuda"


@pytest.mark.parametrize("name", ["dcgan", "acgan"])
def test_a_stack_with_batch_normalisation_trains_in_bfloat16(name, monkeypatch):
    monkeypatch.undo()  # here the CPU computes, and goes backward
    G, D, batches = METHODS[name].build()
    nets = [Stacked([network, copy.deepcopy(network)]) for network in (G, D)]
    twice = lambda n: tuple(torch.stack([t, t]) for t in batches(n))  # noqa: E731
    last = fit(METHODS[name].step, *nets, twice, steps=2, seed=0, precision="bfloat16", stop_on_collapse=False)
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in last.generator.parameters())
