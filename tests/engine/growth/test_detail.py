"""A photo warped to other ages: today it is itself, the background stays, and films show what stills do."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from engine.growth.detail import WarpDetail, younger_share
from engine.growth.face_growth import FaceGrowth
from engine.images.tensors import to_pixels, to_tensor
from engine.lab.drawn_pets.parameters import sample_pets
from engine.lab.drawn_pets.renderer import heads_of, render
from engine.messages import Species
from engine.rendering.video import as_levels
from engine.vision.alignment import FaceTemplate, align_to, crop_face
from engine.vision.cropping import SIDE, CropWindow
from tests.engine.parsed_faces import adult, adult_of, with_facts

MARGIN = 64  # px


pytestmark = pytest.mark.usefixtures("one_thread")


def warped(side: int = SIDE) -> tuple[WarpDetail, FaceGrowth, Tensor]:
    """A drawn pet to be warped, its growth, and its aligned face today [1, 3, side, side]."""
    pet = sample_pets(["beagle"], torch.Generator().manual_seed(1))
    photo, head = Image.fromarray(to_pixels(render(pet, SIDE))), heads_of(pet, SIDE)[0]
    growth = FaceGrowth(adult_of(photo, head, Species.DOG), Species.DOG)
    placed = align_to(photo.size, head, FaceTemplate.STORYBOOK, side).widened(MARGIN)
    face = to_tensor(crop_face(photo, placed))
    return WarpDetail(face, MARGIN, growth), growth, face[..., MARGIN:-MARGIN, MARGIN:-MARGIN]


def changed(first: Tensor, second: Tensor) -> Tensor:
    """Mean absolute difference of each pixel: [H, W]."""
    return (first - second).abs().mean((0, 1))


def test_today_the_photo_is_itself_and_young_only_the_head_changes() -> None:
    detail, growth, now = warped()
    assert changed(detail.frame(0.0), now).mean() < 0.003
    change = changed(detail.frame(1.0), now)
    head = growth.head_mask(SIDE)[0, 0] > 0.5
    assert change[head].mean() > 0.02
    corner = slice(0, SIDE // 16)
    assert change[corner, corner].mean() < change[head].mean() / 10


@pytest.mark.parametrize("age", [1.0, 1.6, -1.0])
def test_growth_folds_nothing_over(age: float) -> None:
    """Where a motion turned back on itself, a strip of the photo would be seen mirrored."""
    _, growth, _ = warped()
    ways = growth.flow(age, 128)[0]
    down, across = torch.gradient(ways, dim=(1, 2))
    turned = (1 + across[0]) * (1 + down[1]) - across[1] * down[0]
    assert ways.abs().max() > 1
    assert turned.min() > 0


def test_feathered_it_is_the_photo_at_the_border_and_the_young_face_in_the_middle() -> None:
    detail, _, now = warped()
    feathered, young = detail.feathered(1.0), detail.frame(1.0)
    middle = slice(4 * SIDE // 10, 6 * SIDE // 10)
    of_middle = changed(feathered, young)[middle, middle].mean()
    assert of_middle < changed(now, young)[middle, middle].mean() / 5
    border = changed(feathered, now)
    assert max(border[[0, -1]].mean(), border[:, [0, -1]].mean()) < 0.01


@pytest.mark.parametrize("window", [CropWindow(SIDE), CropWindow(SIDE + 64, 16, 48)])
def test_the_levels_of_a_film_are_those_of_the_picture(window: CropWindow) -> None:
    detail, _, _ = warped(window.side)
    plan = detail.plan(0.7)
    levels, expected = detail.in_planes(window)(plan, 0.7), as_levels(window.of(detail.carried(plan, 0.7)))
    assert levels.shape == expected.shape
    assert (levels - expected).abs().mean() < 0.3


def grown(species: Species, **facts: float) -> FaceGrowth:
    """The growth of an adult whose parts are known, in a photo that is the crop."""
    return FaceGrowth(with_facts(adult(species), **facts), species)


def test_young_fur_is_softer_on_the_head_alone() -> None:
    side, margin = 256, 16
    noise = torch.randn(1, 3, side + 2 * margin, side + 2 * margin, generator=torch.Generator().manual_seed(4))
    growth = grown(Species.DOG, eyes_open=0.0)
    detail = WarpDetail(noise * 0.2, margin, growth)
    still = torch.zeros_like(detail.plan(1.0))
    now, young = detail.carried(still, 0.0), detail.carried(still, 1.0)
    head = growth.head_mask(side)[0, 0]
    fur, body = (float(young[..., part].std() / now[..., part].std()) for part in (head > 0.99, head < 0.01))
    assert 0.7 < fur < 0.95
    assert body == pytest.approx(1, abs=0.01)


def test_looks_change_late() -> None:
    shares = [younger_share(age) for age in (-1.0, 0.0, 0.3, 0.5, 0.75, 1.0, 1.6)]
    assert shares[:3] == [0.0, 0.0, 0.0]
    assert shares[5:] == [1.0, 1.0]
    assert 0.0 < shares[3] < 0.3 < shares[4] < 1.0


def test_eyes_that_a_flash_made_glow_are_mended_at_every_age() -> None:
    glow = torch.full((1, 3, 288, 288), 0.9)
    detail = WarpDetail(glow, 16, grown(Species.DOG, flash=0.9))
    assert all(detail.frame(age).min() < -0.5 for age in (0.0, 0.5, 1.0))


@pytest.mark.parametrize("species", list(Species))
@pytest.mark.parametrize("age", [-1.0, 0.75, 1.0, 1.6])
def test_feathered_growth_folds_nothing_over(species: Species, age: float) -> None:
    """The colours of the picture say where its pixels are from; on the head alone, as the rest lies behind it."""
    margin, side = 16, 128
    line = (torch.arange(side + 2 * margin) + 0.5 - margin) / side
    y, x = torch.meshgrid(line, line, indexing="ij")
    places = torch.stack([x, y, torch.zeros_like(x)])[None] * 0.2 - 0.9  # too dark for a flash
    whole = replace(adult(species), eyes_open=0.0, mask=np.ones_like(adult(species).mask))
    across, down = WarpDetail(places, margin, FaceGrowth(whole, species)).feathered(age)[0, :2] * (side / 0.2)
    (across_y, across_x), (down_y, down_x) = torch.gradient(across), torch.gradient(down)
    assert (across_x * down_y - across_y * down_x).min() > 0
