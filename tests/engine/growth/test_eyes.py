"""Irises are found where the renderer has drawn them, and turn blue; nothing else does."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from engine.growth.eyes import blue_shift, blueness, iris_mask
from engine.growth.landmarks import face_plane
from engine.images.ycbcr import rgb_to_ycbcr, ycbcr_to_rgb
from engine.lab.drawn_pets.parameters import PARAMETERS, sample_pets
from engine.lab.drawn_pets.renderer import render

SIDE = 256
NO_EYES = torch.zeros(0, 2)
EYES = torch.tensor([[-0.5, 0.0], [0.5, 0.0]])


def cat(breed: str, seed: int, **parameters: float) -> Tensor:
    pet = sample_pets([breed], torch.Generator().manual_seed(seed))
    for name, value in parameters.items():
        pet[:, list(PARAMETERS).index(name)] = value
    return pet


def drawn_irises(pet: Tensor) -> Tensor:
    """bool [SIDE, SIDE]: what changes when the eyes have another colour."""
    red, green = (pet.clone() for _ in range(2))
    red[:, list(PARAMETERS).index("eye_red")], green[:, list(PARAMETERS).index("eye_red")] = 0.9, 0.1
    difference: Tensor = (render(red, SIDE) - render(green, SIDE))[0].abs().amax(dim=0)
    return difference > 0.3


@pytest.mark.parametrize("breed", ["tabby", "black_cat", "russian_blue", "persian"])
def test_irises_are_found_where_they_are_drawn(breed: str) -> None:
    pet = cat(breed, 5, eye_red=0.55, eye_green=0.6, eye_blue=0.1, lid=0.0)
    face = rgb_to_ycbcr(render(pet, SIDE))
    found, drawn = iris_mask(face, EYES)[0, 0], drawn_irises(pet)
    assert found[drawn].mean() > 0.6
    away = (face_plane(SIDE)[:, :, None] - EYES).norm(dim=-1).amin(dim=-1) > 0.35
    assert found[away].max() < 0.01


def test_the_found_turn_blue_and_keep_their_light() -> None:
    pet = cat("tabby", 5, eye_red=0.55, eye_green=0.6, eye_blue=0.1, lid=0.0)
    picture = render(pet, SIDE)
    face = rgb_to_ycbcr(picture)
    change = blue_shift(face, EYES)
    drawn = drawn_irises(pet)
    assert face[0, 1][drawn].mean() < 0
    assert (face[0, 1] + change[0, 0])[drawn].mean() > 0.08
    blue = rgb_to_ycbcr(picture + ycbcr_to_rgb(change))
    torch.testing.assert_close(blue[:, :1], face[:, :1], atol=1e-5, rtol=0)
    torch.testing.assert_close(blue[:, 1:], face[:, 1:] + change, atol=1e-5, rtol=0)


def test_blue_eyes_stay_as_they_are() -> None:
    siamese = cat("tabby", 5, eye_red=0.2, eye_green=0.45, eye_blue=0.95, lid=0.0)
    change = blue_shift(rgb_to_ycbcr(render(siamese, SIDE)), EYES)
    assert change.abs().amax(dim=1)[0, drawn_irises(siamese)].mean() < 0.03


@pytest.mark.parametrize("tone", [(1.0, 1.0, 1.0), (1.0, 0.86, 0.66)])
def test_photos_of_one_tone_stay_so(tone: tuple[float, float, float]) -> None:
    black = render(cat("black_cat", 5, eye_red=0.9, eye_green=0.9, eye_blue=0.6, lid=0.0), SIDE)
    toned = (black.mean(dim=1, keepdim=True) + 1) * torch.tensor(tone)[:, None, None] - 1
    assert iris_mask(rgb_to_ycbcr(toned), EYES).max() > 0.5
    assert blue_shift(rgb_to_ycbcr(toned), EYES).abs().max() < 0.02


def test_where_no_eye_is_seen_nothing_changes() -> None:
    face = rgb_to_ycbcr(render(cat("tabby", 5), SIDE))
    assert not blue_shift(face, NO_EYES).any()
    noise = 0.3 * torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))  # the same everywhere
    assert iris_mask(rgb_to_ycbcr(noise), EYES).max() < 0.1
    assert iris_mask(torch.zeros(1, 3, SIDE, SIDE), EYES).max() < 0.1


def test_eyes_turn_blue_late_on_the_way_to_youth() -> None:
    assert [blueness(age) for age in (-1.0, 0.0, 0.5)] == [0.0, 0.0, 0.0]
    ages = [0.5 + i / 10 for i in range(6)]
    assert all(a < b for a, b in pairwise(map(blueness, ages)))
    assert blueness(1.6) == blueness(1.0) < 1
