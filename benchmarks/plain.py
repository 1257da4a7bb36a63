"""The plain recipe: data, loops and losses as in the scripts that learners copy. Slow on purpose, wrong nowhere.

Each picture goes from a PIL image through ToTensor and Normalize into a DataLoader without workers; D ends in a sigmoid
under BCELoss and is not frozen in G's step; optimisers have their default implementation; everything is float32; each
loss is read with `.item()` in each step.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from course_utils.data.images import Images
from course_utils.gan.networks import StackedLinear

Batches = Iterable[tuple[Tensor, Tensor]]


class Pictures(Dataset):
    """Grey pictures one by one, as torchvision's MNIST gives them: (float32 1 × H × W in [-1, 1], label)."""

    def __init__(self, images: Images) -> None:
        self.data, self.targets = images.pixels[:, 0], images.labels
        self.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.data[index].numpy())), int(self.targets[index])


def batches(images: Images, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Shuffled full batches (x, labels), epoch after epoch."""
    loader = DataLoader(Pictures(images), batch_size=size, shuffle=True, drop_last=True)
    while True:
        yield from loader


def unstacked(net: nn.Sequential) -> nn.Sequential:
    """The same network with the same weights in `nn.Linear` layers, from a stack of one."""
    return nn.Sequential(
        *(_linear(layer) if isinstance(layer, StackedLinear) else copy.deepcopy(layer) for layer in net)
    )


def _linear(stack: StackedLinear) -> nn.Linear:
    (weight,), (bias,) = stack.weight.detach(), stack.bias.detach()
    linear = nn.Linear(*weight.shape)
    linear.load_state_dict({"weight": weight.T, "bias": bias[0]})
    return linear


def gan(G: nn.Module, D: nn.Module, batches: Batches, latent: int) -> Iterator[tuple[float, float]]:
    """Train G and D (which ends in a sigmoid) in place; yields (loss of D, loss of G) of each step."""
    adversarial_loss = nn.BCELoss()
    optimizer_G = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
    optimizer_D = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
    for x, _ in batches:
        valid, fake = torch.ones(len(x), 1), torch.zeros(len(x), 1)
        generated = G(torch.randn(len(x), latent))

        optimizer_D.zero_grad()
        loss_D = adversarial_loss(D(x.flatten(1)), valid) + adversarial_loss(D(generated.detach()), fake)
        loss_D.backward()
        optimizer_D.step()

        optimizer_G.zero_grad()
        loss_G = adversarial_loss(D(generated), valid)
        loss_G.backward()
        optimizer_G.step()

        yield loss_D.item(), loss_G.item()


def classifier(model: nn.Module, batches: Batches, lr: float) -> Iterator[float]:
    """Train `model` in place with paper 1's RMSProp; yields the loss of each update."""
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=lr, alpha=0.9, eps=1e-7)
    model.train()
    for x, labels in batches:
        optimizer.zero_grad()
        loss = criterion(model(x), labels)
        loss.backward()
        optimizer.step()
        yield loss.item()
