"""Coats of young animals, painted on plain faces."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.breeds import BREEDS
from engine.growth.coat import BREEDS_WITH_YOUNG_COATS, younger_coat
from engine.growth.face_growth import FaceGrowth
from engine.growth.face_plane import face_plane
from engine.messages import Species
from engine.vision.head_parsing import LANDMARKS
from tests.engine.parsed_faces import adult

SIDE = 256
BLACK, GREY, GOLD, SEAL, CREAM, MEADOW = (
    (0.12, 0.11, 0.1),
    (0.6, 0.6, 0.6),
    (0.75, 0.55, 0.3),
    (0.2, 0.14, 0.1),
    (0.85, 0.78, 0.68),
    (0.3, 0.5, 0.25),
)
X, Y = face_plane(SIDE).unbind(-1)


def growth_of(species: Species, breed: str) -> FaceGrowth:
    return FaceGrowth(adult(species), species, breed)


def plain(*colour: float) -> Tensor:
    return torch.tensor(colour)[None, :, None, None].expand(1, 3, SIDE, SIDE).clone() * 2 - 1


def changed(face: Tensor, growth: FaceGrowth, margin: int = 0) -> Tensor:
    coat = younger_coat(face, growth, margin)
    assert coat is not None
    return coat.change


def chin_of(growth: FaceGrowth) -> Tensor:
    x, y = growth.landmarks[LANDMARKS.index("chin")]
    inside: Tensor = (X - x).square() + (Y - y + 0.1).square() < 0.1**2
    return inside


def ear_of(growth: FaceGrowth) -> Tensor:
    corners = [LANDMARKS.index(f"ear_left_{part}") for part in ("outer", "tip", "inner")]
    x, y = growth.landmarks[corners].mean(0)
    inside: Tensor = (X - x).square() + (Y - y).square() < 0.08**2
    return inside


def luma(face: Tensor, where: Tensor) -> float:
    return float(((face + 1) / 2)[0, :, where].mean())


def test_a_breed_of_which_nothing_is_known_keeps_its_coat() -> None:
    assert younger_coat(plain(*BLACK), growth_of(Species.DOG, "")) is None
    assert younger_coat(plain(*BLACK), growth_of(Species.DOG, "pug")) is None


def test_every_breed_with_a_young_coat_is_one_that_can_be_chosen() -> None:
    assert set(BREEDS) >= BREEDS_WITH_YOUNG_COATS


def test_a_grey_chin_of_a_black_dog_is_black_again_and_white_beside_the_face_stays() -> None:
    growth, face = growth_of(Species.DOG, "labrador_retriever"), plain(*BLACK)
    chin = chin_of(growth)
    face[..., chin] = torch.tensor(GREY)[:, None] * 2 - 1
    change = changed(face, growth)
    assert luma(face + change, chin) < 0.5 * luma(face, chin)
    crown = (X.abs() < 0.2) & ((Y + 0.5).abs() < 0.1)
    assert luma(face + change, crown) == pytest.approx(luma(face, crown), abs=0.02)
    assert change[..., 0, :].abs().max() < 0.02


def test_a_pale_dog_has_no_grey_to_lose() -> None:
    growth, face = growth_of(Species.DOG, "labrador_retriever"), plain(*GOLD)
    face[..., chin_of(growth)] = torch.tensor(GREY)[:, None] * 2 - 1
    change = changed(face, growth)
    assert change.abs().max() < 0.05


def test_points_are_paler_and_the_coat_around_them_stays() -> None:
    growth, face = growth_of(Species.CAT, "siamese"), plain(*CREAM)
    points = X.square() + (Y - 0.4).square() < 0.55**2
    face[..., points] = torch.tensor(SEAL)[:, None] * 2 - 1
    change = changed(face, growth)
    inner = X.square() + (Y - 0.2).square() < 0.15**2
    assert luma(face, inner) * 1.2 < luma(face + change, inner) < 0.6 * luma(face, ~points)


def test_a_golden_yorkshire_terrier_was_black_and_tan() -> None:
    growth, face = growth_of(Species.DOG, "yorkshire_terrier"), plain(*GOLD)
    change = changed(face, growth)
    crown, muzzle = (X.abs() < 0.1) & ((Y + 0.45).abs() < 0.1), chin_of(growth)
    assert luma(face + change, crown) < 0.6 * luma(face, crown)
    assert luma(face + change, muzzle) > 0.8 * luma(face, muzzle)


def test_a_golden_retriever_was_paler_and_less_so_on_its_ears() -> None:
    growth, face = growth_of(Species.DOG, "golden_retriever"), plain(*GOLD)
    young = face + changed(face, growth)
    crown, ear = (X.abs() < 0.1) & ((Y + 0.45).abs() < 0.1), ear_of(growth)
    assert luma(young, crown) > luma(young, ear) > luma(face, crown) + 0.02


def test_hairs_that_stand_out_from_a_head_change_with_it_and_what_is_between_them_stays() -> None:
    growth, face = growth_of(Species.DOG, "yorkshire_terrier"), plain(*MEADOW)
    head = growth.head_mask(SIDE)[0, 0]
    hairs = (torch.arange(SIDE) % 6 < 2) & (Y < -0.3) & (F.max_pool2d(head[None], 17, 1, 8)[0] > 0.5)
    face[..., (head > 0.5) | hairs] = torch.tensor(GREY)[:, None] * 2 - 1
    outside = (Y < -0.3) & (X.abs() < 0.3) & (head < 0.2)
    young = face + changed(face, growth)
    assert luma(young, outside & hairs) < 0.75 * luma(face, outside & hairs)
    assert luma(young, outside & ~hairs) == pytest.approx(luma(face, outside & ~hairs), abs=0.03)


def test_fur_without_colour_is_white_at_every_age() -> None:
    growth, face = growth_of(Species.DOG, "golden_retriever"), plain(*GREY)
    assert changed(face, growth).abs().max() < 0.02


def test_a_body_like_the_head_changes_with_it_and_what_is_beside_it_stays() -> None:
    growth, face = growth_of(Species.DOG, "poodle"), plain(*MEADOW)
    neck, pet = (X.abs() < 0.7) & (Y > 1), growth.head_mask(SIDE)[0, 0] > 0.5
    face[..., neck | pet] = torch.tensor(GOLD)[:, None] * 2 - 1
    coat = younger_coat(face, growth)
    assert coat is not None
    assert coat.of_body
    chest = (X.abs() < 0.3) & ((Y - 2).abs() < 0.2)
    assert luma(face + coat.change, chest) < 0.9 * luma(face, chest)
    beside = (X.abs() > 1.1) & (Y > 1.5)
    assert coat.change[0, :, beside].abs().max() < 0.05


def test_no_cushion_under_a_chin_is_taken_for_a_body() -> None:
    growth, face = growth_of(Species.DOG, "poodle"), plain(*MEADOW)
    face[..., growth.head_mask(SIDE)[0, 0] > 0.5] = torch.tensor(GOLD)[:, None] * 2 - 1
    below = (X.abs() < 0.3) & ((Y - 2).abs() < 0.2)
    assert changed(face, growth)[0, :, below].abs().max() < 0.05


@pytest.mark.parametrize("breed", ["siamese", "yorkshire_terrier", "labrador_retriever", "golden_retriever"])
def test_a_margin_around_the_crop_makes_no_difference_to_the_face(breed: str) -> None:
    growth = growth_of(BREEDS[breed].species, breed)
    face = plain(*SEAL) + torch.linspace(0, 0.6, SIDE)
    wide = torch.nn.functional.pad(face, (32,) * 4, mode="replicate")
    one, other = changed(face, growth), changed(wide, growth, 32)
    assert (one - other[..., 32:-32, 32:-32]).abs().mean() < 0.02
