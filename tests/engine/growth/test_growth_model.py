"""The model of growth: stages at their ages, proportions as defined, and none younger than it may be."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from engine.growth.growth_model import (
    PROPORTIONS,
    RAYS,
    SPECIES,
    YOUNGEST,
    as_youngest,
    load_growth_model,
    proportions,
    within_range,
)
from engine.messages import Species
from engine.vision.alignment import EYE_DISTANCE, EYE_HEIGHT
from engine.vision.head_parsing import LANDMARKS, SIDE
from tests.engine.parsed_faces import adult

MODEL = load_growth_model()


def landmarks_of(species: Species) -> Tensor:
    """Of the known adult, on the face plane."""
    places = torch.from_numpy(adult(species).landmarks)
    return (places - torch.tensor([SIDE / 2, EYE_HEIGHT * SIDE])) / (EYE_DISTANCE * SIDE)


def kinds_of(species: Species) -> Tensor:
    return torch.cat([torch.ones(1), torch.from_numpy(adult(species).kinds)])


@pytest.mark.parametrize("species", SPECIES)
def test_today_nothing_moves(species: Species) -> None:
    moves, radii = MODEL.growth(species, kinds_of(species), 0.0)
    assert moves.shape == (len(LANDMARKS), 2)
    assert radii.shape == (RAYS,)
    assert moves.abs().max() == radii.abs().max() == 0


@pytest.mark.parametrize("species", SPECIES)
def test_three_quarters_of_the_way_are_four_months_and_its_end_eight_weeks(species: Species) -> None:
    kinds, index = kinds_of(species), SPECIES.index(species)
    for age, stage in ((0.75, MODEL.young), (1.0, MODEL.baby)):
        moves, radii = MODEL.growth(species, kinds, age)
        torch.testing.assert_close(torch.cat([moves.flatten(), radii]), kinds @ stage[index])


@pytest.mark.parametrize("species", SPECIES)
def test_towards_old_age_it_goes_the_other_way(species: Species) -> None:
    kinds = kinds_of(species)
    for age in (0.5, 1.0):
        older, baby = (MODEL.growth(species, kinds, one)[0] for one in (-age, 1.0))
        torch.testing.assert_close(older, -age * baby)


@pytest.mark.parametrize("species", SPECIES)
def test_growth_is_continuous(species: Species) -> None:
    kinds = kinds_of(species)
    ages = torch.linspace(-1, 1, 201).tolist()
    ways = torch.stack([MODEL.growth(species, kinds, age)[0] for age in ages])
    assert ways.diff(dim=0).norm(dim=-1).max() < 0.03


@pytest.mark.parametrize("species", SPECIES)
def test_both_sides_of_the_mean_face_grow_alike(species: Species) -> None:
    moves, _ = MODEL.growth(species, kinds_of(species), 1.0)
    for index, name in enumerate(LANDMARKS):
        if "left" in name:
            other = moves[LANDMARKS.index(name.replace("left", "right"))]
            torch.testing.assert_close(moves[index], other * torch.tensor([-1.0, 1.0]), atol=1e-5, rtol=0)


def test_young_animals_have_what_was_measured() -> None:
    """As in the medians of marked faces: a puppy's jaw is shorter, a kitten's ears stand farther apart."""

    def change(species: Species, name: str) -> float:
        face, index = landmarks_of(species), PROPORTIONS.index(name)
        moves, _ = MODEL.growth(species, kinds_of(species), 1.0)
        return float((proportions(face + moves) - proportions(face))[index])

    assert change(Species.DOG, "eyes to chin") < -0.05
    assert change(Species.DOG, "nose width") < -0.03
    assert change(Species.DOG, "forehead") > 0.05
    assert change(Species.CAT, "ear distance") > 0.05
    assert change(Species.CAT, "eye height") > 0.005


def test_proportions_of_a_known_face() -> None:
    found = dict(zip(PROPORTIONS, proportions(landmarks_of(Species.DOG)).tolist(), strict=True))
    assert found == pytest.approx(
        {
            "eye width": np.hypot(0.28, 0.03),
            "eye height": 0.21,
            "nose width": 0.52,
            "eyes to nose": (0.62 + 0.62 + 0.44 + 0.84) / 4,
            "eyes to chin": 1.4,
            "forehead": 0.9,
            "ear length": np.hypot(1.22 - 0.86, 0.9 + 0.415),
            "ear distance": 1.6,
        },
        abs=1e-4,
    )


def test_a_proportion_of_what_is_hidden_is_unknown() -> None:
    face = landmarks_of(Species.CAT)
    face[LANDMARKS.index("chin")] = torch.nan
    hidden = proportions(face).isnan()
    assert hidden.tolist() == [name == "eyes to chin" for name in PROPORTIONS]


@settings(max_examples=40, deadline=None)
@given(
    species=st.sampled_from(SPECIES),
    widths=st.lists(st.floats(0.0, 0.25), min_size=8, max_size=8),
    middles=st.lists(st.floats(-0.5, 0.5), min_size=8, max_size=8),
)
def test_each_proportion_comes_to_its_youngest_or_as_near_as_it_may_and_never_becomes_older(
    species: Species, widths: list[float], middles: list[float]
) -> None:
    face = landmarks_of(species)
    before = proportions(face)
    middle, reach = before + torch.tensor(middles), torch.tensor(widths)
    after = proportions(face + as_youngest(face, middle - reach, middle + reach, species))
    for name, goal in YOUNGEST[species].items():
        index = PROPORTIONS.index(name)
        wanted = float(middle[index] + goal.quantile * reach[index])
        allowed = min(max(wanted, goal.least * float(before[index])), goal.most * float(before[index]))
        assert float(after[index]) == pytest.approx(allowed, abs=0.01), name


@settings(max_examples=40, deadline=None)
@given(
    species=st.sampled_from(SPECIES),
    widths=st.lists(st.floats(0.0, 0.25), min_size=8, max_size=8),
    middles=st.lists(st.floats(-0.5, 0.5), min_size=8, max_size=8),
)
def test_no_proportion_leaves_its_range_and_none_is_turned_round(
    species: Species, widths: list[float], middles: list[float]
) -> None:
    face = landmarks_of(species)
    moves, _ = MODEL.growth(species, kinds_of(species), 1.0)
    before, usual = proportions(face), proportions(face + moves) - proportions(face)
    lower, upper = (before + torch.tensor(middles) + sign * torch.tensor(widths) for sign in (-1, 1))
    after = proportions(face + within_range(face, moves, lower, upper))
    expected = before + usual * (((before + usual).clamp(lower, upper) - before) / usual).clamp(0, 1)
    torch.testing.assert_close(after, expected, atol=0.01, rtol=0)


def test_what_lies_in_its_range_grows_as_usual() -> None:
    face = landmarks_of(Species.DOG)
    moves, _ = MODEL.growth(Species.DOG, kinds_of(Species.DOG), 1.0)
    wide = torch.full((len(PROPORTIONS),), 9.0)
    torch.testing.assert_close(within_range(face, moves, -wide, wide), moves)


def test_a_hidden_part_stays_while_the_others_become_younger() -> None:
    face = landmarks_of(Species.CAT)
    face[LANDMARKS.index("chin")] = torch.nan
    ways = as_youngest(face, proportions(face) * 2, proportions(face) * 3, Species.CAT)
    assert ways.isfinite().all()
    assert ways[LANDMARKS.index("eye_left_top")].norm() > 0.01


def test_a_face_as_young_as_can_be_stays() -> None:
    face = landmarks_of(Species.DOG)
    now = proportions(face)
    torch.testing.assert_close(as_youngest(face, now, now, Species.DOG), torch.zeros_like(face), atol=1e-5, rtol=0)


@pytest.mark.parametrize("species", SPECIES)
def test_the_youngest_have_larger_eyes_a_smaller_muzzle_and_a_higher_forehead(species: Species) -> None:
    goals = YOUNGEST[species]
    assert {name for name, goal in goals.items() if goal.most > 1} == {"eye width", "eye height", "forehead"}
    assert all(goal.least == 1 or goal.most == 1 for goal in goals.values())
    assert all(-1 <= goal.quantile <= 1 for goal in goals.values())


def test_of_two_eyes_that_are_unlike_the_smaller_grows_more() -> None:
    face = landmarks_of(Species.CAT)
    left = [i for i, name in enumerate(LANDMARKS) if name.startswith("eye_left")]
    face[left] = face[left].mean(0) + 0.8 * (face[left] - face[left].mean(0))
    now = proportions(face)
    grown = face + as_youngest(face, 1.1 * now, 1.2 * now, Species.CAT)

    def narrower(points: torch.Tensor) -> float:
        left_width, right_width = (
            (points[LANDMARKS.index(f"eye_{side}_inner")] - points[LANDMARKS.index(f"eye_{side}_outer")]).norm()
            for side in ("left", "right")
        )
        return float(left_width / right_width)

    assert narrower(grown) > narrower(face) + 0.05


@pytest.mark.parametrize("species", SPECIES)
def test_the_range_of_the_young_holds_their_mean(species: Species) -> None:
    kinds, index = kinds_of(species), SPECIES.index(species)
    lower, upper = MODEL.young_range(species, kinds)
    mean = kinds @ (MODEL.mean[index] + MODEL.baby[index])
    usual = proportions(mean[:-RAYS].view(-1, 2))
    assert (lower < usual).all()
    assert (usual < upper).all()
