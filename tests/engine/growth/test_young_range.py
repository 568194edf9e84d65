"""On real faces: nobody grows out of the range of real young animals."""

import sys

import pytest
import torch
from PIL import Image
from torch import Tensor

from engine.growth.face_growth import FaceGrowth
from engine.growth.growth_model import PROPORTIONS, proportions
from engine.lab.annotations import AnnotatedPhoto, usable_faces
from engine.vision.alignment import HeadPose
from engine.vision.head_parsing import parse_head
from tests.shared import SHARED, needs_shared

COUNT = 200  # adults
SAME = 0.01  # eye distances that are no difference


@pytest.fixture(scope="module")
def faces() -> list[FaceGrowth]:
    """Real adults, evenly from all folders of marked photos."""
    photos = [photo for name in ("photos", "heads") for photo in usable_faces(SHARED / name) if _is_adult(photo)]
    return [_growth(photo) for photo in photos[:: len(photos) // COUNT][:COUNT]]


def _is_adult(photo: AnnotatedPhoto) -> bool:
    return photo.young is False and photo.head_pose is HeadPose.FRONTAL


def _growth(photo: AnnotatedPhoto) -> FaceGrowth:
    with Image.open(photo.path) as image:
        return FaceGrowth(parse_head(image.convert("RGB"), photo.head), photo.species)


@needs_shared
def test_proportions_of_real_faces_come_into_the_range_of_the_young_and_never_leave_it(
    faces: list[FaceGrowth],
) -> None:
    assert len(faces) == COUNT
    before = torch.stack([proportions(face.landmarks) for face in faces])
    after = torch.stack([proportions(face.landmarks + face.landmark_moves(1.0)) for face in faces])
    lower, upper = (torch.stack(ends) for ends in zip(*(face.young_range for face in faces), strict=True))

    def off(found: Tensor) -> Tensor:
        return (lower - found).clamp(min=0) + (found - upper).clamp(min=0)

    was_off, is_off = off(before), off(after)
    inside, nearer = is_off < SAME, is_off < was_off - 1e-4
    # What lies beyond the range on the side that growth leads to is younger than the young already, and stays.
    stays = (after - before).abs() < SAME
    for index, name in enumerate(PROPORTIONS):
        shares = [float(part[:, index].float().mean()) for part in (was_off < SAME, inside, inside | nearer)]
        sys.stdout.write(f"{name}: {shares[0]:.0%} inside before, {shares[1]:.0%} after, {shares[2]:.0%} or nearer\n")
        assert shares[1] > shares[0], name
    assert ((was_off < SAME) & ~inside).float().mean() < 0.005
    assert (is_off > was_off + SAME).float().mean() < 0.005
    assert ((inside | nearer | stays).float().mean(0) >= 0.98).all()
    assert ((inside | nearer).float().mean(0) >= 0.9).all()
