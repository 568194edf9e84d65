"""The model of growth, fitted to faces whose growth is known."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from engine.growth.growth_model import RAYS, RAYS_FROM, SPECIES, GrowthModel, load_growth_model, proportions
from engine.lab.recogniser.growth_fitting import (
    fit_growth,
    muzzle_reach,
    outline_radii,
    save_growth,
    symmetrical_shape,
)
from engine.lab.recogniser.part_annotations import Floats, MarkedParts
from engine.messages import Species
from engine.vision.head_parsing import LANDMARKS, SIDE
from tests.engine.parsed_faces import adult

CHIN, CROWN = LANDMARKS.index("chin"), LANDMARKS.index("crown")
GROWN_BY = {"baby": (-0.2, 0.15), "young": (-0.1, 0.05), "adult": (0.0, 0.0)}  # how chin and crown differ from adults'
RADII = {"baby": 1.05, "young": 1.1, "adult": 1.2}


def circle(radius: float, points: int = 96) -> Floats:
    turns = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.array(RAYS_FROM) + radius * np.stack([np.sin(turns), -np.cos(turns)], -1)


def face(species: Species, age: str, random: np.random.Generator, ears: str = "hanging") -> MarkedParts:
    """The known adult, grown younger as told, marked a little inexactly in a photo of its own frame."""
    unit, middle = 0.235 * SIDE, np.array([SIDE / 2, 0.44 * SIDE])
    landmarks = adult(species).landmarks.astype(float)
    chin, crown = GROWN_BY[age]
    landmarks[CHIN, 1] += chin * unit
    landmarks[CROWN, 1] -= crown * unit
    landmarks[8:] += random.normal(0, 0.02 * unit, landmarks[8:].shape)
    return MarkedParts(
        path=Path("face.jpg"),
        species=species,
        frontal=True,
        age=age,
        ears=ears,
        muzzle="middle",
        coat="short",
        mouth_open=False,
        eyes="open",
        flash=False,
        landmarks=landmarks,
        outline=circle(RADII[age]) * unit + middle,
        eye_centres=np.stack([landmarks[:4].mean(0), landmarks[4:8].mean(0)]),
        held_out=False,
    )


@pytest.fixture(scope="module")
def fitted() -> GrowthModel:
    random = np.random.default_rng(0)
    faces = [face(species, age, random) for species in SPECIES for age in ("baby", "young", "adult") for _ in range(40)]
    return fit_growth(faces)[0]


@pytest.mark.parametrize("species", SPECIES)
@pytest.mark.parametrize(("stage", "age"), [("young", 0.75), ("baby", 1.0)])
def test_growth_that_is_in_the_faces_is_found(fitted: GrowthModel, species: Species, stage: str, age: float) -> None:
    kinds = torch.tensor([1.0, 0, 0, 1, 0, 1, 0, 1, 0, 0])
    moves, radii = fitted.growth(species, kinds, age)
    chin, crown = GROWN_BY[stage]
    assert moves[CHIN, 1].item() == pytest.approx(chin, abs=0.02)
    assert moves[CROWN, 1].item() == pytest.approx(-crown, abs=0.02)
    others = [index for index in range(len(LANDMARKS)) if index not in (CHIN, CROWN)]
    assert moves[others].abs().max() < 0.02
    torch.testing.assert_close(radii, torch.full((RAYS,), RADII[stage] - RADII["adult"]), atol=0.02, rtol=0)


def test_what_no_face_shows_grows_as_the_species_does() -> None:
    """Kinds without young animals are no exception, and one odd face does not make a rule."""
    random = np.random.default_rng(1)
    faces = [face(one, age, random) for one in SPECIES for age in ("baby", "young", "adult") for _ in range(20)]
    faces += [face(Species.DOG, "adult", random, "standing") for _ in range(20)]
    odd = face(Species.DOG, "baby", random)
    odd.landmarks[CHIN, 1] += 60
    model, counts = fit_growth([*faces, odd])
    standing, hanging = (torch.tensor([1.0, *ears, 0, 1, 0, 1, 0, 0]) for ears in ((1, 0, 0), (0, 0, 1)))
    found = [model.growth(Species.DOG, kinds, 1.0)[0][CHIN, 1].item() for kinds in (standing, hanging)]
    assert found == pytest.approx([GROWN_BY["baby"][0]] * 2, abs=0.06)
    assert counts["dog"]["adult"] == 40
    assert counts["dog"]["standing ears, adult"] == 20
    assert counts["dog"]["standing ears, baby"] == 0


def test_most_young_faces_lie_in_the_range_of_the_young(fitted: GrowthModel) -> None:
    random = np.random.default_rng(2)
    lower, upper = fitted.young_range(Species.CAT, torch.tensor([1.0, 0, 0, 1, 0, 1, 0, 1, 0, 0]))
    shapes = [symmetrical_shape(face(Species.CAT, age, random))[0] for age in ("baby", "young") for _ in range(50)]
    found = proportions(torch.from_numpy(np.array(shapes)).float())
    inside = ((lower <= found + 1e-4) & (found - 1e-4 <= upper)).float().mean(0)
    assert (inside > 0.75).all()


def test_shorter_muzzles_are_found_in_turned_faces() -> None:
    """The nose of a turned face lies aside by the muzzle's reach times the sine of the angle; its cheeks shift too."""
    random = np.random.default_rng(4)
    reaches = {"baby": 0.5, "young": 0.75, "adult": 1.0}
    faces = []
    for age, reach in reaches.items():
        for angle in np.linspace(-0.4, 0.4, 15):
            one = face(Species.DOG, age, random)
            unit = 0.235 * SIDE
            for name, shift in (("nose", -reach * np.sin(angle)), ("cheek", np.sin(angle) / 2)):
                one.landmarks[[i for i, known in enumerate(LANDMARKS) if known.startswith(name)], 0] += shift * unit
            faces.append(one)
    assert muzzle_reach(faces) == pytest.approx((reaches["young"], reaches["baby"]), abs=0.05)


def test_a_face_and_its_mirror_image_have_one_shape() -> None:
    one = face(Species.DOG, "adult", np.random.default_rng(3))
    shape, radii = symmetrical_shape(one)
    for index, name in enumerate(LANDMARKS):
        if "left" in name:
            np.testing.assert_allclose(shape[index] * [-1, 1], shape[LANDMARKS.index(name.replace("left", "right"))])
    np.testing.assert_allclose(radii, radii[(-np.arange(RAYS)) % RAYS])


@pytest.mark.parametrize("radius", [0.6, 1.0, 1.7])
def test_a_circle_reaches_as_far_in_every_direction(radius: float) -> None:
    np.testing.assert_allclose(outline_radii(circle(radius)), radius, rtol=0.01)


def test_of_an_outline_folded_in_the_farthest_point_counts_and_where_there_is_none_nothing() -> None:
    square = np.array(RAYS_FROM) + np.array([(-1, -1), (0, -0.4), (1, -1), (1, 1), (-1, 1)], float)
    radii = outline_radii(square)
    assert radii[0] == pytest.approx(0.4)
    assert radii[RAYS // 8] == pytest.approx(np.sqrt(2))
    aside = outline_radii(circle(0.5) + np.array([3.0, 0.0]))
    assert np.isnan(aside[RAYS * 3 // 4])
    assert aside[RAYS // 4] == pytest.approx(3.5, abs=0.02)


def test_a_model_is_kept(fitted: GrowthModel, tmp_path: Path) -> None:
    save_growth(fitted, tmp_path / "model.safetensors")
    kept = GrowthModel(**load_file(tmp_path / "model.safetensors"))
    torch.testing.assert_close(kept.baby, fitted.baby)
    assert kept.spread.shape == load_growth_model().spread.shape
