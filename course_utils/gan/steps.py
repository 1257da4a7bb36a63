"""One function a method: networks in, two losses out, in the textbook's order."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.optim import Optimizer

from course_utils.gan.losses import discriminator_loss, generator_loss


def gan_step(
    G: nn.Module,
    D: nn.Module,
    opt_G: Optimizer,
    opt_D: Optimizer,
    x: Tensor,
    z: Tensor,
    d_loss: Callable[[Tensor, Tensor], Tensor] = discriminator_loss,
    g_loss: Callable[[Tensor], Tensor] = generator_loss,
) -> tuple[Tensor, Tensor]:
    """One update of D on real x and fake G(z), then one of G against the new D (Goodfellow et al. 2014, algorithm
    1, k = 1).

    Real and fake go through D in two passes. Returns (loss of D, loss of G), scalars on the device.
    """
    fake = G(z)

    loss_D = d_loss(D(x), D(fake.detach()))  # detach: D's update must not reach into G
    opt_D.zero_grad(set_to_none=True)
    loss_D.backward()
    opt_D.step()

    D.requires_grad_(False)  # G's update needs the gradient through D, not D's own
    loss_G = g_loss(D(fake))
    opt_G.zero_grad(set_to_none=True)
    loss_G.backward()
    opt_G.step()
    D.requires_grad_(True)

    return loss_D.detach(), loss_G.detach()
