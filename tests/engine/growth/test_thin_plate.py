"""The smoothest displacement: exact where it is told, affine where it can be, alike for one and for many."""

import pytest
import torch
from torch import Tensor

from engine.growth.face_plane import face_plane
from engine.growth.thin_plate import thin_plate


def points(count: int, seed: int = 0) -> Tensor:
    return torch.rand(1, count, 2, generator=torch.Generator().manual_seed(seed)) * 3 - 1.5


def moves(count: int, seed: int = 1) -> Tensor:
    return torch.randn(1, count, 2, generator=torch.Generator().manual_seed(seed)) * 0.2


def test_without_stiffness_each_point_moves_as_told() -> None:
    at, told = points(12), moves(12)
    torch.testing.assert_close(thin_plate(at, told, at, 0.0), told[:, None], atol=1e-4, rtol=0)


@pytest.mark.parametrize("stiffness", [0.0, 0.02, 5.0])
def test_turning_stretching_and_shifting_is_reproduced_everywhere(stiffness: float) -> None:
    at, where = points(8), face_plane(32)
    matrix, shift = torch.tensor([[0.2, -0.3], [0.1, 0.05]]), torch.tensor([0.4, -0.1])
    spread = thin_plate(at, at @ matrix + shift, where, stiffness)
    torch.testing.assert_close(spread[0], where @ matrix + shift, atol=1e-4, rtol=0)


def test_between_its_points_it_is_smooth() -> None:
    at, told = points(12), moves(12)

    def bends(side: int) -> Tensor:
        """The largest second difference on a grid of `side` points: a fold's does not shrink with the grid."""
        line = torch.linspace(-1.5, 1.5, side)
        y, x = torch.meshgrid(line, line, indexing="ij")
        return thin_plate(at, told, torch.stack([x, y], -1), 0.0)[0].diff(n=2, dim=0).abs().max()

    assert bends(257) < bends(65) / 3


def test_the_stiffer_the_smoother_and_the_farther_from_its_points() -> None:
    at, told, where = points(12), moves(12), face_plane(64)

    def found(stiffness: float) -> tuple[float, float]:
        off = (thin_plate(at, told, at, stiffness)[:, 0] - told).norm(dim=-1).mean()
        bends = thin_plate(at, told, where, stiffness)[0].diff(n=2, dim=0).square().mean()
        return float(off), float(bends)

    (exact, rough), (near, smooth), (far, smoothest) = (found(stiffness) for stiffness in (0.0, 0.02, 1.0))
    assert exact < near < far
    assert rough > smooth > smoothest


def test_many_solved_at_once_are_those_solved_one_by_one() -> None:
    where = face_plane(16)
    at = torch.cat([points(9, seed) for seed in range(4)])
    told = torch.cat([moves(9, seed) for seed in range(4, 8)])
    alone = [thin_plate(at[i : i + 1], told[i : i + 1], where, 0.01) for i in range(4)]
    torch.testing.assert_close(thin_plate(at, told, where, 0.01), torch.cat(alone), atol=1e-4, rtol=0)
