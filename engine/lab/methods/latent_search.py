"""Finding a face in a generator whose input are vectors (Zhu et al. 2016; Lipton & Tripathi 2017)."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Draw = Callable[[Tensor], Tensor]  # vectors [N, Z] to pictures [N, 3, R, R]
Distance = Callable[[Tensor], Tensor]  # pictures [N, 3, R, R] to their distances [N] from what is looked for

_STEPS = 60
_RATE = 0.1
_PRIOR_WEIGHT = 0.002  # z is to stay about as long as the generator is used to
_AT_ONCE = 25


def find_latents(draw: Draw, faces: Tensor, start: Tensor, steps: int = _STEPS) -> Tensor:
    """The vectors [N, Z] whose pictures come nearest to the faces [N, 3, R, R], by Adam from `start` [N, Z]."""
    found = [
        _descend(draw, pixel_distance(some), begin, steps)
        for some, begin in zip(torch.split(faces, _AT_ONCE), torch.split(start, _AT_ONCE), strict=True)
    ]
    return torch.cat(found)


def pixel_distance(faces: Tensor) -> Distance:
    """Mean absolute differences, at full size and at a quarter."""

    def distance(made: Tensor) -> Tensor:
        small = F.avg_pool2d(made, 4) - F.avg_pool2d(faces, 4)
        return (made - faces).abs().mean(dim=(1, 2, 3)) + small.abs().mean(dim=(1, 2, 3))

    return distance


@torch.enable_grad()
def _descend(draw: Draw, distance: Distance, start: Tensor, steps: int) -> Tensor:
    z = start.detach().clone().requires_grad_()
    optimiser = torch.optim.Adam([z], _RATE)
    for _ in range(steps):
        loss = distance(draw(z)).sum() + _PRIOR_WEIGHT * z.square().sum()
        (z.grad,) = torch.autograd.grad(loss, z)
        optimiser.step()
    return z.detach()
