"""The games that generators and discriminators play, in the order of their papers. Logits are of "real"."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """-E[log D(x)] - E[log(1 - D(G(z)))] (Goodfellow et al. 2014, equation 1)."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def minimax_loss(fake: Tensor) -> Tensor:
    """E[log(1 - D(G(z)))], what G lowers in equation 1; its gradient is D(G(z)): nothing, where D is sure."""
    return -F.softplus(fake).mean()


def non_saturating_loss(fake: Tensor) -> Tensor:
    """-E[log D(G(z))], what section 3 recommends instead. Where D is sure, its gradient is 1 - D(G(z)): all of it."""
    return F.softplus(-fake).mean()


def least_squares_loss(logits: Tensor, real: bool) -> Tensor:
    """E[(D - 1)²] or E[D²] (Mao et al. 2017, "LSGAN"), as CycleGAN and PFA-GAN use it."""
    return (logits - float(real)).square().mean()


def wasserstein_loss(real: Tensor, fake: Tensor) -> Tensor:
    """E[D(G(z))] - E[D(x)], what the critic lowers (Arjovsky et al. 2017)."""
    return fake.mean() - real.mean()


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """E[(‖∇D(x̂)‖ - 1)²] on lines from real to made pictures (Gulrajani et al. 2017, "WGAN-GP")."""
    share = torch.rand(len(real), 1, 1, 1, device=real.device)
    between = real.detach().lerp(fake.detach(), share).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    length: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
    return (length - 1).square().mean()


def r1_penalty(logits: Tensor, real: Tensor) -> Tensor:
    """E[‖∇D(x)‖²] on real pictures, which `logits` were computed from (Mescheder et al. 2018), without its γ/2."""
    (gradient,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()
