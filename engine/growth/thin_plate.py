"""Thin-plate splines: the smoothest displacement of the plane that moves given points (Bookstein 1989)."""

import torch
from torch import Tensor


def thin_plate(at: Tensor, moves: Tensor, where: Tensor, stiffness: float) -> Tensor:
    """Spread the displacements `moves` [A, P, 2] of the points `at` [A, P, 2] over the points `where` [H, W, 2].

    `stiffness` ≥ 0 trades exactness at the points for smoothness between them, in squared units of the points.
    Returns [A, H, W, 2]. A is the number of displacements solved at once.
    """
    count = at.shape[1]
    flat = torch.cat([at.new_ones(len(at), count, 1), at], dim=2)
    kernel = _radial(torch.cdist(at, at)) + stiffness * torch.eye(count, dtype=at.dtype, device=at.device)
    corner = at.new_zeros(len(at), 3, 3)
    system = torch.cat([torch.cat([kernel, flat], 2), torch.cat([flat.transpose(1, 2), corner], 2)], 1)
    solved = torch.linalg.solve(system, torch.cat([moves, moves.new_zeros(len(at), 3, 2)], 1))
    points = where.reshape(1, -1, 2).to(at).expand(len(at), -1, -1)
    bent = _radial(torch.cdist(points, at)) @ solved[:, :count]
    flat_part = torch.cat([points.new_ones(*points.shape[:2], 1), points], dim=2) @ solved[:, count:]
    spread: Tensor = bent + flat_part
    return spread.view(len(at), *where.shape)


def _radial(distances: Tensor) -> Tensor:
    """r² log r."""
    return distances.square() * distances.clamp(min=1e-9).log()
