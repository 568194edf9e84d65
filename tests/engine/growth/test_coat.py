"""Coats of young animals, painted on plain faces."""

import pytest
import torch
from torch import Tensor

from engine.breeds import BREEDS
from engine.growth.coat import BREEDS_WITH_YOUNG_COATS, younger_coat
from engine.growth.face_growth import FaceGrowth
from engine.growth.face_plane import face_plane
from engine.messages import Species
from engine.vision.head_parsing import LANDMARKS
from tests.engine.parsed_faces import adult

SIDE = 256
BLACK, GREY, GOLD, SEAL, CREAM = (
    (0.12, 0.11, 0.1),
    (0.6, 0.6, 0.6),
    (0.75, 0.55, 0.3),
    (0.2, 0.14, 0.1),
    (0.85, 0.78, 0.68),
)
X, Y = face_plane(SIDE).unbind(-1)


def growth_of(species: Species, breed: str) -> FaceGrowth:
    return FaceGrowth(adult(species), species, breed)


def plain(*colour: float) -> Tensor:
    return torch.tensor(colour)[None, :, None, None].expand(1, 3, SIDE, SIDE).clone() * 2 - 1


def chin_of(growth: FaceGrowth) -> Tensor:
    x, y = growth.landmarks[LANDMARKS.index("chin")]
    inside: Tensor = (X - x).square() + (Y - y + 0.1).square() < 0.1**2
    return inside


def luma(face: Tensor, where: Tensor) -> float:
    return float(((face + 1) / 2)[0, :, where].mean())


def test_a_breed_of_which_nothing_is_known_keeps_its_coat() -> None:
    assert younger_coat(plain(*BLACK), growth_of(Species.DOG, "")) is None
    assert younger_coat(plain(*BLACK), growth_of(Species.DOG, "beagle")) is None


def test_every_breed_with_a_young_coat_is_one_that_can_be_chosen() -> None:
    assert set(BREEDS) >= BREEDS_WITH_YOUNG_COATS


def test_a_grey_chin_of_a_black_dog_is_black_again_and_white_beside_the_face_stays() -> None:
    growth, face = growth_of(Species.DOG, "labrador_retriever"), plain(*BLACK)
    chin = chin_of(growth)
    face[..., chin] = torch.tensor(GREY)[:, None] * 2 - 1
    change = younger_coat(face, growth)
    assert change is not None
    assert luma(face + change, chin) < 0.5 * luma(face, chin)
    crown = (X.abs() < 0.2) & ((Y + 0.5).abs() < 0.1)
    assert luma(face + change, crown) == pytest.approx(luma(face, crown), abs=0.02)
    assert change[..., 0, :].abs().max() < 0.02


def test_a_pale_dog_has_no_grey_to_lose() -> None:
    growth, face = growth_of(Species.DOG, "labrador_retriever"), plain(*GOLD)
    face[..., chin_of(growth)] = torch.tensor(GREY)[:, None] * 2 - 1
    change = younger_coat(face, growth)
    assert change is not None
    assert change.abs().max() < 0.05


def test_points_are_paler_and_the_coat_around_them_stays() -> None:
    growth, face = growth_of(Species.CAT, "siamese"), plain(*CREAM)
    points = X.square() + (Y - 0.4).square() < 0.55**2
    face[..., points] = torch.tensor(SEAL)[:, None] * 2 - 1
    change = younger_coat(face, growth)
    assert change is not None
    inner = X.square() + (Y - 0.2).square() < 0.15**2
    assert luma(face, inner) * 1.2 < luma(face + change, inner) < 0.6 * luma(face, ~points)


def test_a_golden_yorkshire_terrier_was_black_and_tan() -> None:
    growth, face = growth_of(Species.DOG, "yorkshire_terrier"), plain(*GOLD)
    change = younger_coat(face, growth)
    assert change is not None
    crown, muzzle = (X.abs() < 0.1) & ((Y + 0.45).abs() < 0.1), chin_of(growth)
    assert luma(face + change, crown) < 0.6 * luma(face, crown)
    assert luma(face + change, muzzle) > 0.8 * luma(face, muzzle)


@pytest.mark.parametrize("breed", ["siamese", "yorkshire_terrier", "labrador_retriever"])
def test_a_margin_around_the_crop_makes_no_difference_to_the_face(breed: str) -> None:
    growth = growth_of(BREEDS[breed].species, breed)
    face = plain(*SEAL) + torch.linspace(0, 0.6, SIDE)
    wide = torch.nn.functional.pad(face, (32,) * 4, mode="replicate")
    one, other = younger_coat(face, growth), younger_coat(wide, growth, 32)
    assert one is not None
    assert other is not None
    assert (one - other[..., 32:-32, 32:-32]).abs().mean() < 0.02
