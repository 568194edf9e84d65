from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.growth.face_plane import face_plane
from engine.lab.drawn_pets import drawn_growth
from engine.lab.drawn_pets.drawn_growth import (
    CORRECTION_SIDE,
    coat_mask,
    grow,
    hair_band,
    hair_fade,
    head_mask,
    learned_correction,
    source_points,
)
from engine.lab.drawn_pets.landmarks import Landmarks, landmarks_of
from engine.messages import Head, Species
from engine.vision.alignment import FaceTemplate, align_to

FACE = Head(
    box=(20.0, 10.0, 180.0, 170.0), left_eye=(70.0, 80.0), right_eye=(130.0, 80.0), nose=(102.0, 128.0), score=1.0
)


def marks(count: int = 1) -> Landmarks:
    eyes = torch.tensor([[[-0.5, 0.0], [0.5, 0.0]]]).repeat(count, 1, 1)
    return Landmarks(
        eyes,
        torch.tensor([[0.0, 0.8]]).repeat(count, 1),
        torch.full((count,), -1.6),
        torch.zeros(count, dtype=torch.bool),
    )


def checks(count: int = 1, side: int = 64) -> torch.Tensor:
    """A picture with structure everywhere."""
    points = face_plane(side)
    waves = torch.stack([torch.sin(5 * points[..., 0]), torch.cos(6 * points[..., 1]), torch.sin(4 * points.sum(-1))])
    return waves.repeat(count, 1, 1, 1)


def test_the_eyes_of_an_aligned_head_lie_half_a_unit_to_each_side() -> None:
    found = landmarks_of([(FACE, align_to((200, 200), FACE, FaceTemplate.STORYBOOK, 256))], [Species.DOG])
    torch.testing.assert_close(found.eyes, torch.tensor([[[-0.5, 0.0], [0.5, 0.0]]]), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.nose, torch.tensor([[2 / 60, 0.8]]), atol=1e-5, rtol=0)
    assert found.top.item() == pytest.approx(-70 / 60)


def test_hidden_parts_lie_where_they_do_in_most_faces() -> None:
    hidden = Head(box=FACE.box, left_eye=FACE.left_eye, right_eye=None, nose=None, score=0.5)
    found = landmarks_of([(hidden, align_to((200, 200), hidden, FaceTemplate.STORYBOOK, 256))], [Species.DOG])
    assert found.eyes[0, 1].tolist() == [0.5, 0.0]
    assert found.nose[0, 1] > 0.5


def test_today_is_the_photo_itself() -> None:
    faces = checks(2)
    torch.testing.assert_close(grow(faces, marks(2), torch.zeros(2)), faces, atol=2e-3, rtol=0)


def test_a_young_face_has_larger_eyes_and_a_nose_nearer_to_them() -> None:
    points = torch.tensor([[[0.5, 0.15], [0.0, 0.55]]])
    ((eye_rim, muzzle),) = source_points(points, marks(), torch.ones(1))[0]
    assert 0 < eye_rim[1] < 0.13  # what lies on a larger eye's rim was further inside
    assert muzzle[1] > 0.65  # the nose of today, at 0.8, is seen higher up


@settings(deadline=None)
@given(st.floats(-0.5, 1.2))
def test_mirrored_faces_grow_mirrored(age: float) -> None:
    turned = Landmarks(
        torch.tensor([[[-0.45, 0.05], [0.5, 0.0]]]),
        torch.tensor([[0.2, 0.7]]),
        torch.tensor([-1.4]),
        torch.tensor([True]),
    )
    faces, ages = checks(), torch.tensor([age])
    flipped = grow(faces.flip(-1), turned.mirrored(torch.tensor([True])), ages).flip(-1)
    torch.testing.assert_close(flipped, grow(faces, turned, ages), atol=1e-4, rtol=0)


def test_the_way_is_continuous_and_grows_with_age() -> None:
    face = checks()
    ages = torch.linspace(0, 1, 11)
    way = [grow(face, marks(), age[None]) for age in ages]
    steps = [float((b - a).abs().mean()) for a, b in pairwise(way)]
    distances = [float((picture - face).abs().mean()) for picture in way]
    assert max(steps) < 3 * min(steps)
    assert distances == sorted(distances)


def test_what_photos_say_of_growth_goes_where_the_marks_are() -> None:
    """Half as wide a face, as one that is turned away: half the way, at half the distance."""
    points = torch.tensor([[[0.4, 0.3]]])
    turned = Landmarks(
        torch.tensor([[[-0.25, 0.0], [0.25, 0.0]]]),
        torch.tensor([[0.0, 0.65]]),
        torch.tensor([-1.6]),
        torch.tensor([True]),
    )
    frontal = replace(turned, eyes=2 * turned.eyes)
    age, none = torch.ones(1), torch.zeros(2, 2, CORRECTION_SIDE, CORRECTION_SIDE)
    wide = source_points(points, frontal, age) - source_points(points, frontal, age, none)
    narrow_points = points * torch.tensor([0.5, 1.0])
    narrow = source_points(narrow_points, turned, age) - source_points(narrow_points, turned, age, none)
    assert wide.abs().max() > 0.005
    torch.testing.assert_close(narrow, wide * torch.tensor([0.5, 1.0]), atol=1e-5, rtol=0)


def test_what_photos_say_is_of_youth_and_gentle() -> None:
    way, points = learned_correction(), face_plane(64)
    older = torch.tensor([-0.5])
    torch.testing.assert_close(
        source_points(points, marks(), older), source_points(points, marks(), older, torch.zeros_like(way))
    )
    for cat in (False, True):
        face = replace(marks(), cats=torch.tensor([cat]))
        (taken,) = source_points(points, face, torch.ones(1))
        across, down = taken.diff(dim=1)[:-1], taken.diff(dim=0)[:, :-1]
        turns = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
        assert turns.min() > 0  # no part of the face is folded over another


def test_however_young_strands_fade_but_never_turn_over() -> None:
    assert hair_fade(torch.tensor([-1.0, 0.0, 0.5, 1.0, 3.0])).tolist() == [0, 0, 0.5, 1, 1]


def test_a_young_coat_is_softer_and_eyes_are_as_clear_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    side = 256
    hairs = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0)) - 0.5
    young = grow(hairs, marks(), torch.ones(1))
    monkeypatch.setattr(drawn_growth, "hair_fade", torch.zeros_like)
    as_hard = grow(hairs, marks(), torch.ones(1))

    def crispness(picture: torch.Tensor, x: float, y: float) -> float:
        """Around a place of the face plane."""
        near = (face_plane(side) - torch.tensor([x, y])).square().sum(dim=-1) < 0.12**2
        return float(picture.diff(dim=-1)[0, :, near[:, 1:]].abs().mean())

    assert crispness(young, 0.0, 1.4) < 0.7 * crispness(as_hard, 0.0, 1.4)
    assert crispness(young, 0.5, 0.0) > 0.95 * crispness(as_hard, 0.5, 0.0)


def test_the_coat_leaves_out_eyes_and_nose_where_they_are_at_that_age() -> None:
    points = face_plane(128)
    for age, nose in ((0.0, 0.8), (1.0, 0.8 * (1 - 0.32))):
        found = coat_mask(marks(), age, 128)[0, 0]
        for x, y in ((-0.5, 0.0), (0.5, 0.0), (0.0, nose)):
            here = (points - torch.tensor([x, y])).square().sum(dim=-1).argmin()
            assert found.flatten()[here] < 0.01
        assert found[-1, 0] == 1


def test_marks_that_fall_together_still_grow() -> None:
    flat = Landmarks(torch.zeros(1, 2, 2), torch.zeros(1, 2), torch.tensor([-1.0]), torch.tensor([False]))
    assert grow(checks(), flat, torch.ones(1)).isfinite().all()


def test_a_dark_head_does_not_glow_before_a_light_background() -> None:
    side = 256
    across = face_plane(side)[..., 0].expand(1, 3, side, side)
    picture = torch.where(across < 0.0, -0.9, 0.7)
    assert hair_band(picture, side).abs().max() < 0.05
    hair = 0.15 * torch.sin(across * 60)  # of the width of hair, with its contrast
    assert hair_band(hair, side).std() > 0.7 * hair.std()


def test_the_head_is_where_the_marks_are() -> None:
    side = 64
    where = head_mask(marks(), side)[0, 0]
    y, x = face_plane(side)[..., 1], face_plane(side)[..., 0]
    assert where[(x.abs() < 0.9) & (y > -1.0) & (y < 1.0)].min() == 1
    assert where[y > 2.1].max() == 0
    assert where[(x.abs() > 1.9) & (y > 1.2)].max() == 0
    lower = replace(marks(), nose=torch.tensor([[0.0, 1.3]]))
    assert head_mask(lower, side).sum() > where.sum()
