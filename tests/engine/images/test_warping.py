"""How far a flow stretches what it moves."""

import pytest
import torch
from torch import Tensor

from engine.images.warping import stretches

SIDE = 32


def flow_of(matrix: list[list[float]]) -> Tensor:
    """The flow with which each place p shows what is at matrix · p."""
    y, x = torch.meshgrid(torch.arange(SIDE) + 0.5, torch.arange(SIDE) + 0.5, indexing="ij")
    (xx, xy), (yx, yy) = matrix
    return torch.stack([(xx - 1) * x + xy * y, yx * x + (yy - 1) * y])[None]


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ([[1, 0], [0, 1]], (1, 1)),
        ([[0.5, 0], [0, 3]], (0.5, 3)),
        ([[0.8, -0.6], [0.6, 0.8]], (1, 1)),  # turned
        ([[1, 1], [0, 1]], (0.618, 1.618)),  # sheared: by the golden ratio
        ([[-1, 0], [0, 2]], (-1, 2)),  # turned over
    ],
)
def test_stretches_are_the_singular_values_of_what_the_flow_does(
    matrix: list[list[float]], expected: tuple[float, float]
) -> None:
    assert stretches(flow_of(matrix)) == pytest.approx(expected, abs=1e-3)


def test_the_worst_place_of_all_flows_counts() -> None:
    still, stretched = flow_of([[1, 0], [0, 1]]), flow_of([[1, 0], [0, 1]])
    stretched[0, 0, 10, 10] += 0.9
    least, most = stretches(torch.cat([still, stretched]))
    assert least < 0.2
    assert most > 1.8
