"""From one photo to the other: the ends are the photos, one of them is seen at a time, and nothing blurs or tears."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.growth.face_growth import FaceGrowth
from engine.growth.face_plane import face_plane
from engine.growth.morph import FaceMorph
from engine.images.filters import gaussian_blur
from engine.messages import Species
from engine.vision.head_parsing import LANDMARKS, ParsedHead
from tests.engine.parsed_faces import adult, parsed_face, turned, with_facts

SIDE = 256
ROUND = [(1.25 * np.sin(turn), 0.2 - 1.25 * np.cos(turn)) for turn in np.linspace(0, 2 * np.pi, 32, endpoint=False)]


def face_at(parsed: ParsedHead, species: Species = Species.DOG) -> FaceGrowth:
    return FaceGrowth(parsed, species)


def puppy() -> FaceGrowth:
    """A head with other proportions than the adult's: rounder, its nose nearer, its eyes closer and lower."""
    places = face_at(adult(Species.DOG)).landmarks * torch.tensor([0.8, 0.7]) + torch.tensor([0.0, 0.2])
    return face_at(parsed_face(places.tolist(), np.array(ROUND), (0, 0, 1, 0, 1, 0, 1, 0, 0)))


def spots(growth: FaceGrowth) -> Tensor:
    """[1, 3, SIDE, SIDE]: grey, with a soft dark spot at each eye and at the nose."""
    plane, picture = face_plane(SIDE), torch.full((SIDE, SIDE), 0.5)
    for place in features(growth):
        picture -= torch.exp(-(plane - place).square().sum(-1) / (2 * 0.07**2))
    return picture.expand(1, 3, -1, -1)


def features(growth: FaceGrowth) -> list[Tensor]:
    eyes = [growth.landmarks[start : start + 4].mean(0) for start in (0, 4)]
    return [*eyes, growth.landmarks[[LANDMARKS.index(f"nose_{part}") for part in ("top", "bottom")]].mean(0)]


def fur(seed: int, contrast: float = 0.2) -> Tensor:
    noise = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    return gaussian_blur(noise, 0.7) * contrast


def fineness(picture: Tensor) -> float:
    """How much of a picture is finer than 2 px."""
    return float((picture - gaussian_blur(picture, 2.0)).std())


def test_at_its_ends_the_morph_is_the_photos() -> None:
    young, now = fur(1), fur(2)
    morph = FaceMorph(young, puppy(), now, face_at(adult(Species.DOG)))
    torch.testing.assert_close(morph.at(0.0), young, atol=1e-3, rtol=0)
    torch.testing.assert_close(morph.at(1.0), now, atol=1e-3, rtol=0)


@pytest.mark.parametrize("share", [0.35, 0.5, 0.65])
def test_between_them_there_is_one_pair_of_eyes_and_one_nose(share: float) -> None:
    first, last = puppy(), face_at(adult(Species.DOG))
    picture = FaceMorph(spots(first), first, spots(last), last).at(share)[0, 0]
    plane = face_plane(SIDE)
    dark = (0.5 - picture).clamp(min=0)
    for before, after in zip(features(first), features(last), strict=True):
        place = torch.lerp(before, after, share)
        near = (plane - place).norm(dim=-1) < 0.25
        weights = torch.where(near, dark, torch.zeros_like(dark)).square()
        middle = (plane * weights[..., None]).sum((0, 1)) / weights.sum()
        assert (middle - place).norm() < 0.03
        assert dark[near].max() > 0.85  # two spots beside each other would both be pale
        dark = torch.where(near, torch.zeros_like(dark), dark)
    assert dark.max() < 0.2


def test_a_cross_fade_would_have_shown_two_pairs_of_eyes() -> None:
    """So that the test above is known to notice what it is there for."""
    first, last = puppy(), face_at(adult(Species.DOG))
    faded = (spots(first) + spots(last))[0, 0] / 2
    above = face_plane(SIDE)[..., 1] < 0.35
    assert (0.5 - faded)[above].max() < 0.6


def test_an_ear_that_one_photo_lacks_is_there_or_not_but_never_a_ghost() -> None:
    first, parsed = puppy(), adult(Species.DOG)
    mask = parsed.mask.copy()
    size = len(mask)
    mask[size // 16 : size // 3, size // 8 : size // 4] = 1.0  # stands out beside the head
    last = face_at(replace(parsed, mask=mask))

    def light_heads(growth: FaceGrowth) -> Tensor:
        return (growth.head_mask(SIDE) * 1.6 - 0.8).expand(1, 3, -1, -1)

    young, now = light_heads(first), light_heads(last)
    morph = FaceMorph(young, first, now, last)
    above = face_plane(SIDE)[..., 1] < 0.6  # below, there is a body behind the head

    def half_there(picture: Tensor) -> float:
        return float((picture[0, 0][above].abs() < 0.4).float().mean())

    edges = max(half_there(young), half_there(now))
    shown = [half_there(morph.at(share)) for share in torch.linspace(0, 1, 21).tolist()]
    assert sum(one > 1.2 * edges for one in shown) <= 2  # while the head changes
    assert max(shown[9:12]) <= 1.2 * edges
    assert half_there(torch.lerp(young, now, 0.5)) > 1.6 * edges


@pytest.mark.parametrize("young_better", [True, False])
def test_where_heads_fit_badly_the_middle_is_the_better_photo(young_better: bool) -> None:
    """Its contrast is more; the other is darker."""
    first, last = (face_at(turned(adult(Species.DOG), aside)) for aside in (-0.35, 0.35))
    pale, dark = fur(1, 0.3 if young_better else 0.1), fur(2, 0.1 if young_better else 0.3) - 0.5
    picture = FaceMorph(pale, first, dark, last).at(0.5)
    own, other = (pale, dark) if young_better else (dark, pale)
    assert abs(picture.mean() - own.mean()) < 0.1 * abs(other.mean() - own.mean())


def test_where_heads_fit_badly_even_a_crisp_photo_with_closed_eyes_is_left_soon() -> None:
    first, parsed = face_at(turned(adult(Species.DOG), -0.35)), turned(adult(Species.DOG), 0.35)
    asleep, awake = (face_at(with_facts(parsed, eyes_open=chance)) for chance in (0.05, 1.0))
    young, now = fur(1, 0.1), fur(2, 0.3)
    shown = [fineness(FaceMorph(young, first, now, last).at(0.5)) for last in (asleep, awake)]
    assert shown[0] < 0.5 * shown[1]


def test_where_heads_fit_both_photos_are_in_the_middle() -> None:
    first, last = (face_at(turned(adult(Species.DOG), aside)) for aside in (-0.05, 0.05))
    pale, dark = torch.full((1, 3, SIDE, SIDE), 0.5), torch.full((1, 3, SIDE, SIDE), -0.5)
    shown = [float(FaceMorph(pale, first, dark, last).at(share).mean()) for share in (0.1, 0.3, 0.5, 0.7, 0.9)]
    assert shown == sorted(shown, reverse=True)
    assert shown[0] > 0.45
    assert abs(shown[2]) < 0.1
    assert shown[-1] < -0.45


def test_heads_that_do_not_fit_are_moved_without_tearing() -> None:
    """The nose of one lies where the cheek of the other is."""
    first, last = face_at(turned(adult(Species.DOG), -0.7)), face_at(turned(adult(Species.DOG), 0.7))
    stripes = (face_plane(SIDE) * 12).sin().mean(-1).expand(1, 3, -1, -1)
    for share in (0.1, 0.45, 0.55, 0.9):
        picture = FaceMorph(stripes, first, stripes, last).at(share)
        assert (picture.diff(dim=3).abs().amax() < 2.5 * stripes.diff(dim=3).abs().amax()).item()


@pytest.mark.parametrize("contrasts", [(0.2, 0.2), (0.1, 0.3)])
def test_all_the_way_fur_is_nearly_as_crisp_as_at_the_softer_end(contrasts: tuple[float, float]) -> None:
    young, now = (fur(seed, contrast) for seed, contrast in enumerate(contrasts))
    morph = FaceMorph(young, puppy(), now, face_at(adult(Species.DOG)))
    middle = slice(SIDE // 4, 3 * SIDE // 4)

    def crispness(picture: Tensor) -> float:
        return fineness(picture[..., middle, middle])

    softer = min(crispness(young), crispness(now))
    assert all(crispness(morph.at(share)) > 0.85 * softer for share in torch.linspace(0, 1, 21).tolist())


def test_it_changes_without_a_jump_and_stays_in_range() -> None:
    first, last = puppy(), face_at(adult(Species.DOG))
    morph = FaceMorph(spots(first), first, spots(last), last)
    frames = [F.avg_pool2d(morph.at(share), 4) for share in torch.linspace(0, 1, 21).tolist()]
    steps = [float((one - other).abs().mean()) for one, other in pairwise(frames)]
    assert max(steps) < 5 * sorted(steps)[len(steps) // 2]
    assert all(frame.abs().max() < 1.1 for frame in frames)


def test_parts_that_one_photo_hides_are_left_to_the_others() -> None:
    parsed = adult(Species.DOG)
    visible = parsed.visible.copy()
    visible[[name.startswith("ear") for name in LANDMARKS]] = 0.0
    hidden = face_at(replace(parsed, visible=visible))
    young = fur(3)
    torch.testing.assert_close(FaceMorph(young, puppy(), fur(4), hidden).at(0.0), young, atol=1e-3, rtol=0)
