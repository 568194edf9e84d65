"""Of a face, a square is shown that the photo fills, and that holds the head."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.messages import Head
from engine.vision.alignment import FaceTemplate, align_to
from engine.vision.cropping import SIDE, CropWindow, choose_crop
from engine.vision.geometry import transform

PHOTO = 1000, 1000
STORYBOOK = FaceTemplate.STORYBOOK


def head(x: float, y: float, eyes: float = 100, tilt: float = 0.0) -> Head:
    """A head of usual proportions with its eyes around (x, y)."""
    right = np.array([np.cos(tilt), np.sin(tilt)]) * eyes / 2
    box = (x - 1.1 * eyes, y - 1.2 * eyes, x + 1.1 * eyes, y + 1.5 * eyes)
    return Head(box, (x - right[0], y - right[1]), (x + right[0], y + right[1]), None, 1.0)


def made_up(window: CropWindow, size: tuple[int, int], of: Head) -> float:
    """The share of what is shown that lies beyond the photo's border."""
    back = align_to(size, of, STORYBOOK, window.side).inverse
    step = 16
    places = [(window.left + x + 0.5, window.top + y + 0.5) for x in range(0, SIDE, step) for y in range(0, SIDE, step)]
    points = [transform(back, at) for at in places]
    return float(np.mean([not (0 <= x <= size[0] and 0 <= y <= size[1]) for x, y in points]))


def test_a_photo_with_much_around_the_head_is_shown_as_the_network_sees_it() -> None:
    assert choose_crop([(PHOTO, head(500, 500))], STORYBOOK) == CropWindow(SIDE)


@pytest.mark.parametrize("at", [(500, 820), (500, 130), (840, 500), (150, 500), (820, 820)])
def test_near_the_border_less_is_shown_but_all_of_the_head(at: tuple[float, float]) -> None:
    pet = head(*at)
    assert made_up(CropWindow(SIDE), PHOTO, pet) > 0.09
    window = choose_crop([(PHOTO, pet)], STORYBOOK)
    assert made_up(window, PHOTO, pet) < 0.04
    alignment = align_to(PHOTO, pet, STORYBOOK, window.side)
    (left, top), (right, bottom) = (alignment.to_crop(corner) for corner in (pet.box[:2], pet.box[2:]))
    assert window.left - 8 <= left < right <= window.left + SIDE + 8
    assert window.top - 8 <= top < bottom <= window.top + SIDE + 8


def test_a_head_is_not_cut_off_for_the_border() -> None:
    """Where the photo ends at the ears, what is beyond them is made up rather than the ears left out."""
    pet = head(110, 120)
    window = choose_crop([(PHOTO, pet)], STORYBOOK)
    left, _ = align_to(PHOTO, pet, STORYBOOK, window.side).to_crop((0, 0))
    assert window.left <= left + 8


def test_without_a_head_all_is_shown() -> None:
    near_the_border = PHOTO, head(500, 130)
    assert choose_crop([near_the_border], STORYBOOK) != CropWindow(SIDE)
    assert choose_crop([((300, 1000), None)], STORYBOOK) == CropWindow(SIDE)
    assert choose_crop([near_the_border, (PHOTO, None)], STORYBOOK) == CropWindow(SIDE)
    assert choose_crop([(PHOTO, head(-900, -900))], STORYBOOK) == CropWindow(SIDE)


def test_a_network_whose_square_the_head_fills_is_shown_whole() -> None:
    assert choose_crop([(PHOTO, head(500, 500))], FaceTemplate.AFHQ) == CropWindow(SIDE)


def test_the_window_of_two_photos_suits_both() -> None:
    high, low = head(500, 160), head(500, 800)
    window = choose_crop([(PHOTO, high), (PHOTO, low)], STORYBOOK)
    assert max(made_up(window, PHOTO, one) for one in (high, low)) < 0.03


@settings(deadline=None)
@given(x=st.floats(0, 1000), y=st.floats(0, 1000), eyes=st.floats(20, 600), tilt=st.floats(-3, 3))
def test_a_window_lies_in_the_face_and_is_no_worse_than_all_of_it(x: float, y: float, eyes: float, tilt: float) -> None:
    pet = head(x, y, eyes, tilt)
    window = choose_crop([(PHOTO, pet)], STORYBOOK)
    assert 0 <= window.left <= window.side - SIDE
    assert 0 <= window.top <= window.side - SIDE
    assert made_up(window, PHOTO, pet) <= made_up(CropWindow(SIDE), PHOTO, pet) + 0.02


def test_what_is_seen_is_the_same_of_pixels_and_of_tensors_of_any_size() -> None:
    window = CropWindow(640, 64, 32)
    face = torch.arange(640 * 640).view(1, 640, 640)
    assert window.of_pixels(face[0, ..., None].numpy())[..., 0].tolist() == window.of(face)[0].tolist()
    assert window.box(320) == (32, 16, 288, 272)
    assert (window.rows(2), window.columns(2)) == (range(16, 272), range(32, 288))
