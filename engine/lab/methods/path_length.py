"""Perceptual path length (Karras et al. 2019, section 4.1): how evenly a generator's pictures change along a way.

    l = E[d(g(t), g(t + ε)) / ε²]

On the way between two latents, the picture at t is compared with the one a little later. In Z the way is a slerp, in W
a straight line; "full" takes t from all of the way, "end" only its beginning. The paper crops faces and drops the
largest and the smallest percent; pictures here are faces already.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Sampling = Literal["full", "end"]
Draw = Callable[[Tensor], Tensor]  # latents [N, D] to pictures [N, 3, R, R]
Distance = Callable[[Tensor, Tensor], Tensor]  # two batches of pictures to distances [N]
Way = Callable[[Tensor, Tensor, Tensor], Tensor]  # from starts and ends [N, D], at moments [N], to latents [N, D]

EPSILON = 1e-4
_TRIMMED = 0.01  # at both ends
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class LatentSpace:
    """Where a generator's latents lie, and how to go from one to another."""

    draw: Draw
    random: Callable[[int, torch.Generator], Tensor]  # so many latents [N, D]
    between: Way


def normal_space(draw: Draw, z_dim: int) -> LatentSpace:
    """Standard normal z, whose length every way keeps at √z_dim."""

    def random(count: int, generator: torch.Generator) -> Tensor:
        return torch.randn(count, z_dim, generator=generator)

    return LatentSpace(lambda direction: draw(direction * z_dim**0.5), random, slerp)


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """On the great circle from a to b [N, D], normalised; t [N] in 0..1 (Shoemake 1985)."""
    a, b = (x / x.norm(dim=1, keepdim=True) for x in (a, b))
    cosine = (a * b).sum(dim=1, keepdim=True)
    angle = t[:, None] * cosine.clamp(-1, 1).acos()
    across = b - cosine * a
    across = across / across.norm(dim=1, keepdim=True)
    between: Tensor = a * angle.cos() + across * angle.sin()
    return between


def lerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """On the straight line from a to b [N, D]; t [N] in 0..1."""
    return a + (b - a) * t[:, None]


@torch.no_grad()
def path_length(
    space: LatentSpace, distance: Distance, sampling: Sampling, ways: int, epsilon: float = EPSILON, seed: int = 0
) -> float:
    """The mean over random ways. `distance` is a squared one, as the perceptual distances are."""
    random = torch.Generator().manual_seed(seed)
    starts, ends = (space.random(ways, random) for _ in range(2))
    t = torch.rand(ways, generator=random).to(starts) if sampling == "full" else torch.zeros_like(starts[:, 0])
    lengths = []
    for some in torch.split(torch.arange(ways), _AT_ONCE):
        way = starts[some], ends[some]
        now, then = (space.draw(space.between(*way, moment)) for moment in (t[some], t[some] + epsilon))
        lengths.append(distance(now, then) / epsilon**2)
    every = torch.cat(lengths).double()
    low, high = every.quantile(_TRIMMED), every.quantile(1 - _TRIMMED)
    return float(every[(every >= low) & (every <= high)].mean())
