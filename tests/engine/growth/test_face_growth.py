"""One face's growth as a flow: none today, none outside the head, never a fold, less where it is less certain."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.growth.face_growth import FaceGrowth, is_growth_known
from engine.growth.growth_model import PROPORTIONS, proportions
from engine.images.warping import without_folds
from engine.messages import Head, Species
from engine.vision.alignment import EYE_DISTANCE, FaceTemplate
from engine.vision.head_parsing import COATS, EARS, LANDMARKS, MUZZLES, SIDE
from tests.engine.parsed_faces import adult, mean_adult, turned, with_facts

UNIT = EYE_DISTANCE * 128  # px between the eyes in flows of 128 px
SPECIES = list(Species)
KINDS = [
    tuple(
        float(index == chosen) for part, chosen in zip((EARS, MUZZLES, COATS), one, strict=True) for index in range(3)
    )
    for one in product(range(3), repeat=3)
]


def grown(species: Species, **facts: float) -> FaceGrowth:
    return FaceGrowth(with_facts(adult(species), **facts), species)


def mean_way(growth: FaceGrowth, age: float = 1.0) -> float:
    """In eye distances, over the whole crop."""
    return float(growth.flow(age, 128).norm(dim=1).mean()) / UNIT


def areas(flow: Tensor) -> Tensor:
    """What becomes of a pixel's area [H, W]; below 0 it is seen from behind."""
    down, across = torch.gradient(flow[0], dim=(1, 2))
    return (1 + across[0]) * (1 + down[1]) - across[1] * down[0]


@pytest.mark.parametrize("species", SPECIES)
def test_today_nothing_moves_and_later_what_is_beside_head_and_body_does_not(species: Species) -> None:
    growth = grown(species)
    assert growth.flow(0.0, 128).abs().max() == 0
    for age in (1.0, -1.0):
        flow = growth.flow(age, 128)
        assert flow.norm(dim=1).max() > 0.1 * UNIT
        for edge in (flow[..., 0, :], flow[..., :64, 0], flow[..., :64, -1]):
            assert edge.abs().max() < 0.01 * UNIT
        assert flow[..., -1, :].abs().max() < 0.05 * UNIT  # a body goes on below the crop


def test_a_turned_dogs_muzzle_stands_out_less_and_a_frontal_one_stays_in_the_middle() -> None:
    aside = FaceGrowth(turned(adult(Species.DOG), 0.5), Species.DOG)
    nose = [LANDMARKS.index(f"nose_{part}") for part in ("left", "right", "top", "bottom")]
    shown = (aside.landmarks + aside.landmark_moves(1.0))[nose, 0].mean()
    assert 0.7 < float(shown / aside.landmarks[nose, 0].mean()) < 0.95
    middle = grown(Species.DOG)
    assert abs(float((middle.landmarks + middle.landmark_moves(1.0))[nose, 0].mean())) < 0.03


@pytest.mark.parametrize("species", SPECIES)
@pytest.mark.parametrize("age", [-1.0, -0.5, 0.4, 0.75, 1.0])
def test_nothing_folds_over(species: Species, age: float) -> None:
    for kinds in KINDS:
        assert areas(FaceGrowth(mean_adult(species, kinds), species).flow(age, 128)).min() > 0.05, kinds


@pytest.mark.parametrize("species", SPECIES)
def test_the_picture_has_the_proportions_that_the_model_says(species: Species) -> None:
    growth = grown(species)
    flow, today = growth.flow(1.0, SIDE), torch.from_numpy(growth.parsed.landmarks)
    there = today
    for _ in range(20):  # where a flow leads from is found step by step
        grid = (there / SIDE * 2 - 1)[None, :, None]
        there = today - F.grid_sample(flow, grid, align_corners=False)[0, :, :, 0].T
    left, right = there[:4].mean(0), there[4:8].mean(0)
    shown = (there - (left + right) / 2) / (right - left).norm()
    wanted = proportions(growth.landmarks + growth.landmark_moves(1.0))
    before = proportions(growth.landmarks)
    for name, now, drawn, told in zip(PROPORTIONS, before, proportions(shown), wanted, strict=True):
        if name == "forehead":  # the head is larger, and held back near its outline
            assert 0.85 * now < drawn < told
        else:
            assert drawn.item() == pytest.approx(told.item(), rel=0.12, abs=0.02), name


@pytest.mark.parametrize("species", SPECIES)
@pytest.mark.parametrize("age", [1.0, -1.0])
def test_a_turned_face_moves_less(species: Species, age: float) -> None:
    aside = FaceGrowth(turned(adult(species), 0.5), species)
    assert mean_way(aside, age) < 0.9 * mean_way(grown(species), age)


@pytest.mark.parametrize("species", SPECIES)
def test_parts_move_without_a_jump(species: Species) -> None:
    """Also where a proportion turns round, comes to the end of its range, or lies beyond it."""
    for aside, long in product((0.0, 0.3), (0.8, 1.0, 1.3)):
        parsed = turned(adult(species), aside)
        growth = FaceGrowth(replace(parsed, landmarks=(parsed.landmarks - 128) * np.float32(long) + 128), species)
        ways = torch.stack([growth.landmark_moves(age) for age in torch.linspace(-1, 1, 201).tolist()])
        assert ways.diff(dim=0).norm(dim=-1).max() < 0.03


def test_a_baby_hardly_moves() -> None:
    assert mean_way(grown(Species.CAT, baby=0.97)) < 0.1 * mean_way(grown(Species.CAT))


@pytest.mark.parametrize("species", SPECIES)
def test_closed_eyes_stay_as_they_are(species: Species) -> None:
    eyes = torch.tensor([name.startswith("eye") for name in LANDMARKS])
    awake, asleep = grown(species), grown(species, eyes_open=0.0)
    assert asleep.landmark_moves(1.0)[eyes].abs().max() == 0
    assert awake.landmark_moves(1.0)[eyes].abs().max() > 0.005
    assert (asleep.landmark_moves(1.0) - awake.landmark_moves(1.0))[~eyes].abs().max() == 0


def test_hidden_eyes_stay_and_both_are_alike() -> None:
    parsed = adult(Species.CAT)
    visible = parsed.visible.copy()
    visible[LANDMARKS.index("eye_left_top")] = 0.0
    eyes = torch.tensor([name.startswith("eye") for name in LANDMARKS])
    hidden = FaceGrowth(replace(parsed, visible=visible), Species.CAT)
    assert hidden.landmark_moves(1.0)[eyes].abs().max() == 0


def test_an_open_mouth_keeps_most_of_its_jaw() -> None:
    jaw = LANDMARKS.index("chin")
    closed, panting = (grown(Species.DOG, mouth_open=mouth).landmark_moves(1.0)[jaw, 1] for mouth in (0.0, 1.0))
    assert closed < -0.05
    assert 0.5 * closed < panting < 0.3 * closed


@pytest.mark.parametrize("species", SPECIES)
def test_flows_at_two_sides_are_the_same(species: Species) -> None:
    growth = grown(species)
    small, large = growth.flow(1.0, 128) / 128, growth.flow(1.0, 512) / 512
    torch.testing.assert_close(F.avg_pool2d(large, 4), small, atol=0.002, rtol=0)


def test_the_outline_is_where_the_mask_ends() -> None:
    rows, columns = np.mgrid[: SIDE // 4, : SIDE // 4] + 0.5
    x, y = (columns * 4 / SIDE - 0.5) / EYE_DISTANCE, (rows * 4 / SIDE - 0.44) / EYE_DISTANCE
    round_head = (np.hypot(x, y - 0.35) < 1.2).astype(np.float32)
    reach, ways = FaceGrowth(replace(adult(Species.DOG), mask=round_head), Species.DOG).outline
    assert reach.shape == (24, 1)
    torch.testing.assert_close(reach, torch.full_like(reach, 1.2), atol=0.06, rtol=0)
    torch.testing.assert_close(ways.norm(dim=1), torch.ones(24))


def test_growth_is_known_of_heads_in_the_frame_it_was_measured_in() -> None:
    head = Head((0.0, 0.0, 9.0, 9.0), (3.0, 4.0), (6.0, 4.0), (4.5, 6.0), 1.0)
    assert is_growth_known(head, FaceTemplate.STORYBOOK)
    assert not is_growth_known(head, FaceTemplate.AFHQ)
    assert not is_growth_known(None, FaceTemplate.STORYBOOK)


def test_a_flow_that_folds_is_smoothed_there_and_nowhere_else() -> None:
    y, x = torch.meshgrid(*(torch.arange(64.0),) * 2, indexing="ij")

    def swelling(strength: float) -> Tensor:
        """Grows the left half's middle, and moves the rest a little."""
        bump = strength * torch.exp(-((x - 16).square() + (y - 32).square()) / 18)
        return torch.stack([bump + 0.02 * x, 0.01 * y])[None]

    assert areas(swelling(8)).min() < 0
    mended = without_folds(swelling(8))
    assert areas(mended).min() > 0.05
    assert mended[..., 16].max() > 1
    torch.testing.assert_close(mended[..., 40:], swelling(8)[..., 40:])
    assert without_folds(swelling(1)).equal(swelling(1))


def test_an_ear_seen_from_its_edge_makes_no_spike_in_the_mask() -> None:
    dog = adult(Species.DOG)
    landmarks = dog.landmarks.copy()
    outer, tip, inner = (LANDMARKS.index(f"ear_left_{part}") for part in ("outer", "tip", "inner"))
    landmarks[outer] = (landmarks[tip] + landmarks[inner]) / 2 + (0.3, 0.0)
    mask = FaceGrowth(replace(dog, landmarks=landmarks), Species.DOG).head_mask(SIDE)
    parsed = torch.from_numpy(dog.mask)[None, None]
    far = F.max_pool2d(parsed, 5, 1, 2)  # what the parser sees, and a little around it
    beyond = F.interpolate(far, (SIDE, SIDE)) < 0.05
    assert float(mask[beyond].max()) < 0.1
