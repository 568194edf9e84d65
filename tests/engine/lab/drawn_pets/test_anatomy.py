"""Landmarks, outline and kind of a drawn adult are those of its picture."""

import pytest
import torch
from torch import Tensor

from engine.growth.face_plane import face_plane
from engine.lab.drawn_pets.anatomy import Anatomy
from engine.lab.drawn_pets.parameters import BREEDS, INDEX
from engine.lab.drawn_pets.renderer import render
from engine.vision.head_parsing import COATS, EARS, LANDMARKS, MIRRORED, MUZZLES
from tests.engine.lab.drawn_pets.test_renderer import pets

SIDE = 192


def at(landmarks: Tensor, name: str) -> Tensor:
    return landmarks[:, LANDMARKS.index(name)]


def plain(*breeds: str) -> Tensor:
    """Adults without markings, smooth and white, before a black background, whose body cannot be seen."""
    drawn = pets(*breeds)
    for name in ("mask", "blaze", "bib", "patch", "brows", "points", "stripes", "cap", "ear_dark", "fur_length"):
        drawn[:, INDEX[name]] = 0.0
    for name in ("coat", "second"):
        drawn[:, INDEX[f"{name}_red"] : INDEX[f"{name}_blue"] + 1] = 1.0
    for name in ("top", "bottom"):
        drawn[:, INDEX[f"{name}_red"] : INDEX[f"{name}_blue"] + 1] = 0.0
    drawn[:, INDEX["blobs"]] = drawn[:, INDEX["fur_contrast"]] = 0.0
    drawn[:, INDEX["body_width"]] = 0.01
    drawn[:, INDEX["exposure"]] = 1.0
    return drawn


@pytest.mark.parametrize("breed", list(BREEDS))
def test_the_mask_is_what_is_drawn_of_the_head(breed: str) -> None:
    drawn = plain(breed)
    seen = render(drawn, SIDE).mean(dim=1)[0] > -0.5
    told = Anatomy(drawn).mask(SIDE)[0] > 0.5
    apart = (face_plane(SIDE)[..., 1] < 0.2) & ((face_plane(SIDE) - torch.tensor([0.5, 0.0])).norm(dim=-1) > 0.35)
    apart &= (face_plane(SIDE) + torch.tensor([0.5, 0.0])).norm(dim=-1) > 0.35
    assert (seen & told & apart).sum() / ((seen | told) & apart).sum() > 0.88  # its edge is soft


def test_landmarks_lie_on_what_they_are_called_after() -> None:
    drawn = plain("samoyed", "tuxedo", "beagle")
    drawn[:, INDEX["nose_pink"]] = -1.0
    landmarks, points = Anatomy(drawn).landmarks(), face_plane(SIDE)
    dark = render(drawn, SIDE).mean(dim=1) < -0.4
    for i in range(len(drawn)):
        nose = points[dark[i] & ((points - at(landmarks, "nose_top")[i]).norm(dim=-1) < 0.6)]
        # Above are the eyes, below is the mouth.
        nose = nose[(nose[:, 1] > 0.25) & (nose[:, 1] < at(landmarks, "nose_right")[i, 1] + 0.1)]
        assert nose[:, 0].max() == pytest.approx(float(at(landmarks, "nose_right")[i, 0]), abs=0.05)
        assert nose[:, 1].min() == pytest.approx(float(at(landmarks, "nose_top")[i, 1]), abs=0.05)
    head = Anatomy(drawn).mask(SIDE) > 0.5
    for name in ("ear_left_tip", "ear_right_tip", "crown", "chin", "cheek_left", "cheek_right"):
        for i, place in enumerate(at(landmarks, name)):
            away = (points[head[i]] - place).norm(dim=-1)
            assert away.min() < 0.06, name
            inside = (points - place).norm(dim=-1) < 0.15
            assert not head[i][inside].all(), name  # all lie at the outline


@pytest.mark.parametrize("breed", list(BREEDS))
def test_a_frontal_face_is_its_own_mirror_image(breed: str) -> None:
    landmarks = Anatomy(pets(breed)).landmarks()
    assert landmarks.isfinite().all()
    mirrored = landmarks[:, list(MIRRORED)] * torch.tensor([-1.0, 1.0])
    torch.testing.assert_close(mirrored, landmarks, atol=1e-4, rtol=0)


def test_a_turned_head_carries_its_muzzle_aside() -> None:
    drawn = pets("beagle")
    drawn[:, INDEX["yaw"]] = 0.4
    landmarks = Anatomy(drawn).landmarks()
    assert at(landmarks, "nose_top")[0, 0] == pytest.approx(0.18)
    assert at(landmarks, "chin")[0, 0] > 0.1
    assert at(landmarks, "eye_left_inner")[0, 0] == -at(landmarks, "eye_right_inner")[0, 0]


def test_kinds_are_those_of_the_breed() -> None:
    drawn = pets("samoyed", "beagle", "dachshund", "persian")
    kinds = Anatomy(drawn).kinds()
    names = [
        (EARS[int(row[:3].argmax())], MUZZLES[int(row[3:6].argmax())], COATS[int(row[6:].argmax())]) for row in kinds
    ]
    assert names[0] == ("standing", "middle", "long")
    assert names[1] == ("hanging", "middle", "short")
    assert names[2][1] == "long"
    assert names[3] == ("standing", "short", "long")
    torch.testing.assert_close(kinds.view(4, 3, 3).sum(dim=2), torch.ones(4, 3))
