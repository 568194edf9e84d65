"""Eyes of painted faces: a puppy's get dark, a kitten's blue, and a flash's glow goes."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from engine.growth.eyes import mend_flash, younger_eyes
from engine.growth.face_growth import FaceGrowth
from engine.growth.face_plane import face_plane
from engine.images.ycbcr import rgb_to_ycbcr
from engine.messages import Species
from engine.vision.head_parsing import LANDMARKS
from tests.engine.parsed_faces import adult, with_facts

SIDE = 512
SPECIES = list(Species)
FUR, AMBER, BLACK, GLOW, WHITE = (
    (0.55, 0.42, 0.3),
    (0.55, 0.38, 0.12),
    (0.05, 0.04, 0.04),
    (0.75, 0.85, 0.5),
    (1.0, 1.0, 1.0),
)
CATCHLIGHT = -0.03, -0.04  # from the eye's middle, on the face plane
NEW_CATCHLIGHT = -0.05, -0.05  # about where one is drawn


def painted(pupil: tuple[float, ...] = BLACK, catchlight: bool = True, iris: tuple[float, ...] = AMBER) -> Tensor:
    """A face of plain fur with two open eyes, [1, 3, SIDE, SIDE] in -1..1."""
    picture = torch.tensor(FUR)[:, None, None].expand(3, SIDE, SIDE).clone()
    for radius, colour in ((0.16, iris), (0.055, pupil)):
        picture[:, distance() < radius] = torch.tensor(colour)[:, None]
    if catchlight:
        picture[:, distance(CATCHLIGHT) < 0.016] = torch.tensor(WHITE)[:, None]
    return picture[None] * 2 - 1


def distance(aside: tuple[float, float] = (0.0, 0.0)) -> Tensor:
    """[SIDE, SIDE]: from the nearer eye's middle, or a point so far aside of it, in eye distances."""
    plane = face_plane(SIDE)
    middles = torch.tensor([(-0.5, 0.0), (0.5, 0.0)]) + torch.tensor(aside)
    nearest: Tensor = (plane[:, :, None] - middles).norm(dim=-1).amin(-1)
    return nearest


def growth_of(species: Species, **facts: float) -> FaceGrowth:
    return FaceGrowth(with_facts(adult(species), **facts), species)


def seen(face: Tensor, where: Tensor) -> tuple[float, float, float]:
    """Mean luma, Cb and Cr (0..1, and around 0) of the marked pixels."""
    luma, blue, red = rgb_to_ycbcr(face)[0, :, where].mean(1).tolist()
    return (luma + 1) / 2, blue / 2, red / 2


IRIS = (distance() > 0.065) & (distance() < 0.085) & (distance(CATCHLIGHT) > 0.03)
OUTER_IRIS = (
    (distance() > 0.13) & (distance() < 0.15) & (face_plane(SIDE)[..., 1].abs() < 0.06)
)  # a kitten's pupil is large
PUPIL = (distance() < 0.04) & (distance(CATCHLIGHT) > 0.03)
LIGHT = distance(CATCHLIGHT) < 0.01
AWAY = distance() > 0.3


def test_a_puppys_eyes_are_darker_and_their_catchlights_stay() -> None:
    face = painted()
    young = face + younger_eyes(face, growth_of(Species.DOG))
    assert seen(young, IRIS)[0] < 0.75 * seen(face, IRIS)[0]
    assert seen(young, PUPIL)[0] < seen(face, PUPIL)[0]
    assert seen(young, LIGHT)[0] > 0.97


def test_dark_eyes_without_a_catchlight_get_one() -> None:
    face = painted(catchlight=False)
    young = face + younger_eyes(face, growth_of(Species.DOG))
    lit = ((rgb_to_ycbcr(young)[0, 0] + 1) / 2 > 0.6) & (distance() < 0.1)
    assert 0 < lit.sum() < 0.1 * (distance() < 0.1).sum()
    assert not (((rgb_to_ycbcr(face)[0, 0] + 1) / 2 > 0.6) & (distance() < 0.1)).any()


def test_no_rest_of_an_amber_iris_is_left_below_a_lid_that_was_found_too_high() -> None:
    face, parsed = painted(), adult(Species.CAT)
    landmarks = parsed.landmarks.copy()
    landmarks[[LANDMARKS.index(f"eye_{side}_bottom") for side in ("left", "right")], 1] -= 3
    young = face + younger_eyes(face, FaceGrowth(replace(parsed, landmarks=landmarks), Species.CAT))
    assert seen(young, IRIS)[1] > 0.0 > seen(face, IRIS)[1]


@pytest.mark.parametrize("species", SPECIES)
def test_a_dark_lid_over_the_eye_stays(species: Species) -> None:
    face = painted()
    lid = (distance() < 0.16) & (distance() > 0.13) & (face_plane(SIDE)[..., 1] < -0.08)
    face[0, :, lid] = -0.9
    young = face + younger_eyes(face, growth_of(species))
    assert seen(young, lid)[0] < seen(face, lid)[0] + 0.02
    assert (younger_eyes(face, growth_of(species))[0, :, IRIS].abs() > 0.1).any()


def test_a_kittens_irises_are_blue_and_a_little_darker() -> None:
    face = painted()
    young = face + younger_eyes(face, growth_of(Species.CAT))
    (luma, blue, red), (luma_before, blue_before, red_before) = seen(young, OUTER_IRIS), seen(face, OUTER_IRIS)
    assert 0.5 * luma_before < luma < luma_before
    assert blue > 0.01 > blue_before
    assert red < 0 < red_before
    assert seen(young, LIGHT)[0] > 0.9


def test_a_kittens_eyes_do_not_glow_in_dim_light() -> None:
    dim = (painted(iris=(0.14, 0.1, 0.04)) + 1) * 0.5 - 1
    young = dim + younger_eyes(dim, growth_of(Species.CAT))
    assert seen(young, OUTER_IRIS)[0] <= seen(dim, OUTER_IRIS)[0]
    pupil = PUPIL & (distance(NEW_CATCHLIGHT) > 0.07)
    assert seen(young, pupil)[0] < 0.05  # a faint reflection of the catchlight lies in it


@pytest.mark.parametrize("species", SPECIES)
def test_nothing_changes_outside_the_eyes(species: Species) -> None:
    change = younger_eyes(painted(), growth_of(species))
    assert change[..., AWAY].abs().max() == 0
    assert change.abs().max() > 0.1


@pytest.mark.parametrize("species", SPECIES)
def test_both_eyes_change_alike(species: Species) -> None:
    """But for the light, which falls on both from one side."""
    change = younger_eyes(painted(catchlight=False), growth_of(species))
    light = distance(NEW_CATCHLIGHT) < 0.07
    difference = (change - change.flip(-1)).abs().amax(1)[:, ~(light | light.flip(-1))]
    assert difference.max() < 0.4  # at the rim of the pupil
    assert difference.mean() < 0.01 * change.abs().max()


@pytest.mark.parametrize("species", SPECIES)
@pytest.mark.parametrize("facts", [{"eyes_open": 0.0}, {"baby": 1.0}])
def test_closed_eyes_and_those_of_the_young_stay(species: Species, facts: dict[str, float]) -> None:
    assert younger_eyes(painted(), growth_of(species, **facts)).abs().max() == 0


@pytest.mark.parametrize("species", SPECIES)
def test_a_margin_around_the_crop_makes_no_difference(species: Species) -> None:
    face, growth = painted(), growth_of(species)
    wide = torch.nn.functional.pad(face, (32,) * 4, mode="replicate")
    change = younger_eyes(wide, growth, 32)[..., 32:-32, 32:-32]
    torch.testing.assert_close(change, younger_eyes(face, growth), atol=1e-4, rtol=0)


@pytest.mark.parametrize("species", SPECIES)
def test_a_pupil_that_glows_from_a_flash_becomes_dark_with_a_catchlight(species: Species) -> None:
    face, growth = painted(pupil=GLOW, catchlight=False), growth_of(species, flash=0.9)
    mended = mend_flash(face, growth)
    middle = distance() < 0.02
    assert seen(face, middle)[0] > 0.7
    assert seen(mended, middle)[0] < 0.2
    eyes = distance() < 0.055
    lit = ((rgb_to_ycbcr(mended)[0, 0] + 1) / 2 > 0.5) & eyes
    assert 0 < lit.sum() < 0.2 * eyes.sum()
    assert torch.equal(mended[..., AWAY], face[..., AWAY])


def test_both_eyes_are_mended_alike() -> None:
    mended = mend_flash(painted(pupil=GLOW, catchlight=False), growth_of(Species.DOG, flash=0.9))
    left, right = ((distance() < 0.05) & (side * face_plane(SIDE)[..., 0] > 0) for side in (-1, 1))
    assert seen(mended, left) == pytest.approx(seen(mended, right), abs=0.02)


def test_a_glow_too_bright_for_any_iris_is_mended_though_the_flash_is_uncertain() -> None:
    blinding, bright = (painted(pupil=pupil, catchlight=False) for pupil in ((0.95, 1.0, 0.8), (0.6, 0.65, 0.5)))
    growth = growth_of(Species.CAT, flash=0.15)
    assert seen(mend_flash(blinding, growth), distance() < 0.02)[0] < 0.2
    assert mend_flash(bright, growth) is bright


@pytest.mark.parametrize("species", SPECIES)
def test_nothing_is_drawn_where_eyes_are_hardly_seen(species: Species) -> None:
    assert not younger_eyes(painted(), growth_of(species, eyes_open=0.28)).any()
    assert younger_eyes(painted(), growth_of(species, eyes_open=0.6)).any()


def test_an_eye_that_glows_less_is_mended_with_the_other() -> None:
    face, growth = painted(pupil=GLOW, catchlight=False), growth_of(Species.CAT, flash=0.9)
    left = (distance() < 0.16) & (face_plane(SIDE)[..., 0] < 0)
    face[..., left] = torch.tensor([0.5, 0.4, 0.3])[:, None] * 2 - 1  # no lighter in the middle than around it
    assert seen(mend_flash(face, growth), left & (distance() < 0.02))[0] < 0.2


def test_a_glow_of_another_colour_is_mended_though_the_iris_is_as_light() -> None:
    face = painted(pupil=(0.35, 0.75, 0.65), catchlight=False, iris=(0.8, 0.62, 0.1))
    middle = distance() < 0.02
    assert seen(face, middle)[0] == pytest.approx(seen(face, IRIS)[0], abs=0.05)
    assert seen(mend_flash(face, growth_of(Species.CAT, flash=0.4)), middle)[0] < 0.2


def test_a_lamp_in_a_black_eye_is_mended_whatever_the_flash_is_thought_to_be() -> None:
    face = painted(pupil=(0.8, 0.85, 0.75), catchlight=False, iris=(0.1, 0.08, 0.06))
    assert seen(mend_flash(face, growth_of(Species.DOG, flash=0.03)), distance() < 0.02)[0] < 0.2


def test_a_glow_is_mended_where_hair_hides_the_other_eye_and_no_eye_is_drawn_on_the_hair() -> None:
    growth = growth_of(Species.DOG, flash=0.0, eyes_open=0.6)
    face = painted(catchlight=False, iris=(0.12, 0.08, 0.06))
    glow = (distance((0.06, -0.03)) < 0.05) & (face_plane(SIDE)[..., 0] < 0)
    face[..., glow] = torch.tensor((0.95, 0.95, 0.5))[:, None] * 2 - 1
    assert mend_flash(face, growth) is face  # one that is seen as well, and does not glow, says that it is no flash
    right = (face_plane(SIDE)[..., 0] > 0) & (distance() < 0.2)
    face[..., right] = torch.tensor(FUR)[:, None] * 2 - 1
    mended = mend_flash(face, growth)
    assert seen(mended, glow)[0] < 0.5 * seen(face, glow)[0]
    assert (mended - face)[..., right].abs().max() == 0
    assert not younger_eyes(mended, growth).any()


def test_pale_fur_on_closed_lids_is_no_flash() -> None:
    pale = torch.full((1, 3, SIDE, SIDE), 0.9)
    assert mend_flash(pale, growth_of(Species.CAT, flash=0.9, eyes_open=0.1)) is pale
    assert mend_flash(pale, growth_of(Species.CAT, flash=0.0)) is pale
    assert mend_flash(pale, growth_of(Species.CAT, flash=0.9)) is not pale


@pytest.mark.parametrize("flash", [0.0, 0.9])
@pytest.mark.parametrize("iris", [AMBER, (0.75, 0.6, 0.2), (0.45, 0.55, 0.65)])
def test_eyes_with_a_dark_pupil_stay_as_they_are(flash: float, iris: tuple[float, ...]) -> None:
    face = painted(iris=iris)
    assert mend_flash(face, growth_of(Species.CAT, flash=flash)) is face


@pytest.mark.parametrize("species", SPECIES)
def test_what_cannot_be_an_eye_is_left_alone(species: Species) -> None:
    """Where hair hides an eye, its corners may be guessed one above the other."""
    parsed = adult(species)
    landmarks = parsed.landmarks.copy()
    inner, outer = (LANDMARKS.index(f"eye_right_{corner}") for corner in ("inner", "outer"))
    landmarks[outer] = landmarks[inner] + (4, 40)
    face, growth = painted(), FaceGrowth(replace(parsed, landmarks=landmarks, flash=0.9), species)
    assert younger_eyes(face, growth).abs().max() == 0
    assert mend_flash(face, growth) is face


@pytest.mark.parametrize("species", SPECIES)
def test_where_there_is_only_fur_no_eye_is_drawn(species: Species) -> None:
    fur = painted(pupil=FUR, catchlight=False, iris=FUR)
    assert not younger_eyes(fur, growth_of(species)).any()


@pytest.mark.parametrize("species", SPECIES)
def test_eyes_of_very_unlike_widths_stay_as_one_of_them_is_not_an_eye(species: Species) -> None:
    head = adult(species)
    landmarks = head.landmarks.copy()
    corners = [LANDMARKS.index(f"eye_left_{part}") for part in ("inner", "outer")]
    landmarks[corners] = landmarks[corners].mean(0) + 0.5 * (landmarks[corners] - landmarks[corners].mean(0))
    assert FaceGrowth(head, species).eyes > 0.9
    assert FaceGrowth(replace(head, landmarks=landmarks), species).eyes == 0
