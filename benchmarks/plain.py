"""The plain recipe: data, loops and losses as in the scripts that learners copy. Slow on purpose, wrong nowhere.

Each picture goes from a PIL image through ToTensor and Normalize into a DataLoader without workers; D ends in a sigmoid
under BCELoss and is not frozen in G's step; optimisers have their default implementation; everything is float32; each
loss is read with `.item()` in each step.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from course_utils.data.images import Images

Batches = Iterable[tuple[Tensor, Tensor]]
Losses = Iterator[tuple[float, float]]


class Pictures(Dataset):
    """Pictures one by one, as torchvision's data sets give them: (float32 C × H × W in [-1, 1], label)."""

    def __init__(self, images: Images) -> None:
        self.data = images.pixels.movedim(1, -1).squeeze(-1).contiguous()  # PIL has the colours last
        self.targets = images.labels
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


def gan(G: nn.Module, D: nn.Module, batches: Batches, latent: int) -> Losses:
    """Train G and D (which ends in a sigmoid) in place; yields (loss of D, loss of G) of each step."""
    adversarial_loss = nn.BCELoss()
    optimizer_G, optimizer_D = _adam(G), _adam(D)
    for x, _ in batches:
        valid, fake = torch.ones(len(x), 1), torch.zeros(len(x), 1)
        generated = G(torch.randn(len(x), latent))

        optimizer_D.zero_grad()
        loss_D = adversarial_loss(D(x), valid) + adversarial_loss(D(generated.detach()), fake)
        loss_D.backward()
        optimizer_D.step()

        optimizer_G.zero_grad()
        loss_G = adversarial_loss(D(generated), valid)
        loss_G.backward()
        optimizer_G.step()

        yield loss_D.item(), loss_G.item()


def acgan(G: nn.Module, D: nn.Module, batches: Batches, latent: int, classes: int = 10) -> Losses:
    """As `gan`; D answers with a probability of being real and with logits of the classes."""
    adversarial_loss, auxiliary_loss = nn.BCELoss(), nn.CrossEntropyLoss()
    optimizer_G, optimizer_D = _adam(G), _adam(D)
    for x, labels in batches:
        valid, fake = torch.ones(len(x), 1), torch.zeros(len(x), 1)
        z, c = torch.randn(len(x), latent), torch.randint(classes, (len(x),))
        generated = G(z, c)

        optimizer_D.zero_grad()
        source, seen = D(x)
        source_fake, seen_fake = D(generated.detach())
        loss_D = adversarial_loss(source, valid) + adversarial_loss(source_fake, fake)
        loss_D = loss_D + auxiliary_loss(seen, labels) + auxiliary_loss(seen_fake, c)
        loss_D.backward()
        optimizer_D.step()

        optimizer_G.zero_grad()
        source, seen = D(generated)
        loss_G = adversarial_loss(source, valid) + auxiliary_loss(seen, c)
        loss_G.backward()
        optimizer_G.step()

        yield loss_D.item(), loss_G.item()


class ReplayBuffer:
    """The last 50 fakes, in a list."""

    def __init__(self, size: int = 50) -> None:
        self.size, self.data = size, []

    def push_and_pop(self, fakes: Tensor) -> Tensor:
        """Fakes, some of them replaced by earlier ones once the list is full."""
        out = []
        for fake in fakes.detach().split(1):
            if len(self.data) < self.size:
                self.data.append(fake)
                out.append(fake)
            elif random.random() > 0.5:
                k = random.randrange(self.size)
                out.append(self.data[k].clone())
                self.data[k] = fake
            else:
                out.append(fake)
        return torch.cat(out)


def cyclegan(
    AB: nn.Module, BA: nn.Module, D_A: nn.Module, D_B: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]
) -> Losses:
    """Train two translators and two critics in place on pairs of batches; yields (loss of critics, of translators)."""
    criterion_GAN, criterion_L1 = nn.MSELoss(), nn.L1Loss()
    optimizer_G, optimizer_D = _adam(AB, BA), _adam(D_A, D_B)
    buffer_A, buffer_B = ReplayBuffer(), ReplayBuffer()
    for a, b in batches:
        optimizer_G.zero_grad()
        loss_identity = criterion_L1(BA(a), a) + criterion_L1(AB(b), b)
        fake_b, fake_a = AB(a), BA(b)
        answer_a, answer_b = D_A(fake_a), D_B(fake_b)
        valid, fake = torch.ones_like(answer_a), torch.zeros_like(answer_a)
        loss_GAN = criterion_GAN(answer_a, valid) + criterion_GAN(answer_b, valid)
        loss_cycle = criterion_L1(BA(fake_b), a) + criterion_L1(AB(fake_a), b)
        loss_G = loss_GAN + 10 * loss_cycle + 5 * loss_identity
        loss_G.backward()
        optimizer_G.step()

        optimizer_D.zero_grad()
        old_a, old_b = buffer_A.push_and_pop(fake_a), buffer_B.push_and_pop(fake_b)
        loss_D_A = (criterion_GAN(D_A(a), valid) + criterion_GAN(D_A(old_a), fake)) / 2
        loss_D_B = (criterion_GAN(D_B(b), valid) + criterion_GAN(D_B(old_b), fake)) / 2
        loss_D = loss_D_A + loss_D_B
        loss_D.backward()
        optimizer_D.step()

        yield loss_D.item(), loss_G.item()


def latents(means: np.ndarray, covariances: np.ndarray, size: int) -> Iterator[Tensor]:
    """Batches of BAGAN's latent points, size × latent, each point drawn on its own, as the published script does."""
    rng = np.random.default_rng()
    while True:
        classes = rng.integers(len(means), size=size)
        drawn = [rng.multivariate_normal(means[c], covariances[c]) for c in classes]
        yield torch.tensor(np.array(drawn), dtype=torch.float32)


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


def _adam(*networks: nn.Module) -> torch.optim.Adam:
    weights = itertools.chain(*(network.parameters() for network in networks))
    return torch.optim.Adam(weights, lr=2e-4, betas=(0.5, 0.999))
