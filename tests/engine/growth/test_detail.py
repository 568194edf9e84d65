"""A photo warped to other ages: today it is itself, the background stays, and films show what stills do."""

from collections.abc import Iterator

import pytest
import torch
from PIL import Image
from torch import Tensor

from engine.growth.detail import WarpDetail
from engine.growth.face_growth import FaceGrowth
from engine.images.tensors import to_pixels, to_tensor
from engine.lab.drawn_pets.parameters import sample_pets
from engine.lab.drawn_pets.renderer import heads_of, render
from engine.messages import Species
from engine.rendering.video import as_levels
from engine.vision.alignment import FaceTemplate, align_to, crop_face
from engine.vision.cropping import SIDE, CropWindow
from engine.vision.head_parsing import parse_head

MARGIN = 64  # px


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def warped(side: int = SIDE) -> tuple[WarpDetail, FaceGrowth, Tensor]:
    """A drawn pet to be warped, its growth, and its aligned face today [1, 3, side, side]."""
    pet = sample_pets(["beagle"], torch.Generator().manual_seed(1))
    photo, head = Image.fromarray(to_pixels(render(pet, SIDE))), heads_of(pet, SIDE)[0]
    growth = FaceGrowth(parse_head(photo, head), Species.DOG)
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
