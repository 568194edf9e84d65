"""Detail is carried where the motion, which is known here, says; at age 0 the photo is the photo."""

import math
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.growth.flow_detail import FlowDetail
from engine.growth.optical_flow import estimate_flow
from engine.images.warping import warp

SIDE, SMALL = 256, 64
AGES = [i / 8 for i in range(9)]


pytestmark = pytest.mark.usefixtures("one_thread")


def scenery(side: int = SIDE) -> Tensor:
    """[1, 3, side, side] structures of all sizes, from blotches to single hairs, in -1..1."""
    chance = torch.Generator().manual_seed(4)
    picture = torch.zeros(1, 3, side, side)
    cells = 4
    while cells <= side:
        layer = torch.randn(1, 3, cells, cells, generator=chance)
        picture += F.interpolate(layer, size=(side, side), mode="bicubic") * (4 / cells) ** 0.5
        cells *= 2
    return (picture / picture.std() * 0.35).clamp(-1, 1)


def swelling(side: int, age: float, strength: float = 0.35) -> Tensor:
    """Backward motion [1, 2, side, side] in px: the middle grows by up to a third, as eyes do in a puppy."""
    line = (torch.arange(side) + 0.5) / side - 0.5
    y, x = torch.meshgrid(line, line, indexing="ij")
    pull = -strength * age * torch.exp(-(x * x + y * y) / 0.03)
    return torch.stack([x * pull, y * pull])[None] * side


def drawn(picture: Tensor) -> Tensor:
    """What a small network would draw of it."""
    return F.interpolate(picture, size=(SMALL, SMALL), mode="bicubic", antialias=True)


def younger(photo: Tensor, age: float) -> Tensor:
    return warp(photo, swelling(photo.shape[-1], age), mode="bicubic")


def chain_of(photo: Tensor, ages: list[float]) -> Tensor:
    return torch.cat([drawn(younger(photo, age)) for age in ages])


def off(one: Tensor, other: Tensor) -> float:
    """Root mean square difference away from the border."""
    inner = slice(SIDE // 8, -SIDE // 8)
    return float((one - other)[..., inner, inner].square().mean().sqrt())


@pytest.mark.parametrize("move", [(3.0, -2.0), (-0.4, 0.3), (0.0, 0.0)])
def test_a_shift_is_found_to_a_fraction_of_a_pixel(move: tuple[float, float]) -> None:
    still = F.interpolate(scenery(), size=(128, 128), mode="bicubic", antialias=True)
    true = torch.tensor(move).view(1, 2, 1, 1).expand(1, 2, 128, 128)
    found = estimate_flow(warp(still, true, mode="bicubic"), still)
    error = (found - true).norm(dim=1)[..., 16:-16, 16:-16]
    assert error.mean() < 0.05


def test_a_swelling_is_found() -> None:
    still = F.interpolate(scenery(), size=(128, 128), mode="bicubic", antialias=True)
    true = swelling(128, 1.0)
    found = estimate_flow(warp(still, true, mode="bicubic"), still)
    assert true.norm(dim=1).max() > 3
    assert (found - true).norm(dim=1).mean() < 0.1


def test_motion_is_found_under_a_drift_of_light_and_colour() -> None:
    still = F.interpolate(scenery(), size=(128, 128), mode="bicubic", antialias=True)
    true = swelling(128, 1.0)
    moved = warp(still, true, mode="bicubic") * 0.8 + torch.tensor([0.2, 0.0, -0.1]).view(1, 3, 1, 1)
    assert (estimate_flow(moved, still) - true).norm(dim=1).mean() < 0.2


def test_a_plain_picture_does_not_move() -> None:
    plain = torch.full((1, 3, 64, 64), 0.3)
    assert estimate_flow(plain, plain).abs().max() < 1e-6


def test_at_age_0_the_photo_is_itself() -> None:
    photo = scenery()
    chain = chain_of(photo, AGES)
    result = FlowDetail(photo, chain, AGES).frame(0.0, chain[:1])
    assert (result - photo).abs().max() < 1e-5


def test_the_photos_detail_arrives_where_the_edit_moved_it() -> None:
    photo = scenery()
    chain = chain_of(photo, AGES)
    carrier = FlowDetail(photo, chain, AGES)
    for i, age in ((2, 0.25), (8, 1.0)):
        truth = younger(photo, age)
        soft = F.interpolate(chain[i : i + 1], size=(SIDE, SIDE), mode="bicubic")
        assert off(carrier.frame(age, chain[i : i + 1]), truth) < 0.45 * off(soft, truth)


def test_it_moves_continuously_through_ages_between_those_of_the_chain() -> None:
    photo = scenery()
    carrier = FlowDetail(photo, chain_of(photo, AGES), AGES)
    walk = [i / 16 for i in range(17)]
    frames = [carrier.frame(age, drawn(younger(photo, age))) for age in walk]
    steps = [off(a, b) for a, b in pairwise(frames)]
    assert max(steps) < 2 * sorted(steps)[len(steps) // 2]
    assert steps[0] < 0.3 * off(frames[0], frames[-1])


def test_ages_on_both_sides_of_now_are_carried() -> None:
    photo = scenery()
    ages = [-0.5, -0.25, 0.0, 0.25, 0.5]
    chain = chain_of(photo, ages)
    carrier = FlowDetail(photo, chain, ages)
    for i, age in enumerate(ages):
        truth = younger(photo, age)
        soft = F.interpolate(chain[i : i + 1], size=(SIDE, SIDE), mode="bicubic")
        assert off(carrier.frame(age, chain[i : i + 1]), truth) < 0.45 * off(soft, truth)


def test_where_the_looks_change_altogether_old_detail_fades() -> None:
    photo = scenery()
    now = drawn(photo)
    new = now.clone()
    new[..., :, SMALL // 2 :] = 0.9
    result = FlowDetail(photo, torch.cat([now, new]), [0.0, 1.0]).frame(1.0, new)
    assert result[..., :, -SIDE // 4 :].std() < 0.25 * (photo - F.interpolate(now, size=(SIDE, SIDE))).std()
    assert (result - photo)[..., : SIDE // 4].square().mean().sqrt() < 0.05


def test_networks_of_any_size_are_served() -> None:
    photo = scenery()
    for side in (32, 96, 256):
        chain = torch.cat(
            [F.interpolate(younger(photo, a), size=(side, side), mode="bicubic", antialias=True) for a in AGES]
        )
        result = FlowDetail(photo, chain, AGES).frame(0.5, chain[4:5])
        assert result.shape == photo.shape
        assert math.isfinite(float(result.sum()))


@pytest.mark.parametrize("ages", [[0.0, 1.0, 0.5], [0.5, 1.0, 1.5], [0.0, 0.0, 1.0], [0.0, 1.0]])
def test_ages_must_rise_and_contain_now(ages: list[float]) -> None:
    with pytest.raises(ValueError, match="ages must rise"):
        FlowDetail(scenery(64), torch.zeros(3, 3, 32, 32), ages)
