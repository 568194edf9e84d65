"""The head parser finds the parts of a real face where people see them, in the photo and in its mirror image."""

import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from engine.messages import Head
from engine.vision.face_detection import find_heads
from engine.vision.head_parsing import COATS, EARS, LANDMARKS, MIRRORED, MUZZLES, SIDE, STRIDE, ParsedHead, parse_head
from tests.engine.dachshund import dachshund

MARKS = {  # of the dachshund, by hand on the photo enlarged three times; px of the photo
    "eye_left_inner": (180, 209),
    "eye_left_outer": (146, 200),
    "eye_left_top": (163, 186),
    "eye_left_bottom": (163, 216),
    "eye_right_inner": (259, 211),
    "eye_right_outer": (292, 195),
    "eye_right_top": (275, 182),
    "eye_right_bottom": (276, 214),
    "ear_left_inner": (116, 114),
    "ear_left_tip": (92, 363),
    "ear_right_inner": (306, 96),
    "ear_right_tip": (354, 332),
    "nose_left": (196, 313),
    "nose_right": (259, 308),
    "nose_top": (228, 297),
    "nose_bottom": (229, 349),
    "chin": (225, 364),
    "crown": (228, 100),
}
EYES_APART = 112.0  # px, in that photo


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return dachshund()


@pytest.fixture(scope="module")
def head(photo: Image.Image) -> Head:
    return find_heads(photo)[0]


@pytest.fixture(scope="module")
def parsed(photo: Image.Image, head: Head) -> ParsedHead:
    return parse_head(photo, head)


@pytest.mark.parametrize("name", MARKS)
def test_parts_are_where_people_see_them(parsed: ParsedHead, name: str) -> None:
    x, y = parsed.landmarks[LANDMARKS.index(name)].tolist()
    assert math.dist(parsed.alignment.to_photo((x, y)), MARKS[name]) < 0.15 * EYES_APART


def test_it_is_seen_what_kind_of_head_it_is(parsed: ParsedHead) -> None:
    ears, muzzle, coat = np.split(parsed.kinds, 3)
    for part in (ears, muzzle, coat):
        assert part.sum() == pytest.approx(1, abs=1e-4)
    assert EARS[int(ears.argmax())] == "hanging"
    assert MUZZLES[int(muzzle.argmax())] in ("middle", "long")
    assert COATS[int(coat.argmax())] == "long"
    assert parsed.eyes_open > 0.5 > max(parsed.mouth_open, parsed.flash, parsed.baby)
    assert parsed.visible.min() > 0.5


def test_the_mask_shows_the_head_and_not_what_is_around(parsed: ParsedHead) -> None:
    cells = SIDE // STRIDE
    assert parsed.mask.shape == (cells, cells)
    assert parsed.mask.min() >= 0
    assert parsed.mask.max() <= 1
    for name in ("eye_left_top", "nose_top", "cheek_right"):
        x, y = (parsed.landmarks[LANDMARKS.index(name)] / STRIDE).astype(int)
        assert parsed.mask[y, x] > 0.9
    assert max(parsed.mask[0].mean(), parsed.mask[-1].mean(), parsed.mask[:, 0].mean(), parsed.mask[:, -1].mean()) < 0.1


def test_a_mirrored_photo_is_parsed_as_the_mirrored_parse(photo: Image.Image, head: Head, parsed: ParsedHead) -> None:
    def flipped(point: tuple[float, float] | None) -> tuple[float, float] | None:
        return point and (photo.width - point[0], point[1])

    x0, y0, x1, y1 = head.box
    box = (photo.width - x1, y0, photo.width - x0, y1)
    facing = Head(box, flipped(head.right_eye), flipped(head.left_eye), flipped(head.nose), head.score)
    other = parse_head(ImageOps.mirror(photo), facing)
    order = list(MIRRORED)
    landmarks = other.landmarks[order] * np.array([-1, 1]) + np.array([SIDE, 0])
    assert np.linalg.norm(landmarks - parsed.landmarks, axis=1).max() < 0.03 * 0.235 * SIDE
    assert np.abs(other.visible[order] - parsed.visible).max() < 0.05
    assert np.abs(other.mask[:, ::-1] - parsed.mask).mean() < 0.01
    assert np.abs(other.kinds - parsed.kinds).max() < 0.05


def test_every_part_has_its_mirror_image() -> None:
    assert sorted(MIRRORED) == list(range(len(LANDMARKS)))
    for index, name in enumerate(LANDMARKS):
        assert MIRRORED[MIRRORED[index]] == index
        other = LANDMARKS[MIRRORED[index]]
        assert other == name or {"left", "right"} <= {*name.split("_"), *other.split("_")}


def test_without_a_head_the_middle_of_the_photo_is_looked_at() -> None:
    parsed = parse_head(Image.new("RGB", (300, 200), (90, 120, 200)), None)
    assert parsed.landmarks.shape == (len(LANDMARKS), 2)
    assert torch.from_numpy(parsed.landmarks).isfinite().all()
    assert parsed.alignment.to_photo((SIDE / 2, SIDE / 2)) == pytest.approx((150, 100))
