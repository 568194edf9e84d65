"""Pasting back: exact where nothing changed, in the right place where something did, and no square to be seen."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from engine.images.pixels import Pixels
from engine.messages import Head
from engine.rendering.compositing import paste_back
from engine.vision.alignment import Alignment, align, align_to
from engine.vision.alignment import FaceTemplate as Framing
from engine.vision.geometry import similarity

CROP = 128


def scenery(width: int, height: int, fineness: float = 3) -> Image.Image:
    """Blurred noise in the middle tones, like fur and leaves."""
    noise = np.random.default_rng(5).integers(0, 256, (height, width, 3), dtype=np.uint8)
    blurred = np.asarray(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(fineness)), np.float32)
    return Image.fromarray((128 + (blurred - 128) * 2).clip(40, 215).astype(np.uint8))


def tilted(photo: Image.Image, scale: float, turn: float = 0.3) -> Alignment:
    """A turned crop around the photo's middle, `scale` crop pixels for one of the photo's."""
    matrix = similarity((photo.width / 2, photo.height / 2), turn, scale, (CROP / 2, CROP / 2))
    return Alignment(matrix, CROP)


def cut(photo: Image.Image, alignment: Alignment) -> Pixels:
    inverse = tuple(alignment.inverse.ravel())
    size = (alignment.size, alignment.size)
    return np.asarray(photo.transform(size, Image.Transform.AFFINE, inverse, Image.Resampling.BICUBIC))


def difference(one: Image.Image, other: Image.Image) -> NDArray[np.float64]:
    """[H, W] the largest difference of the three colours."""
    gap: NDArray[np.float64] = np.abs(np.asarray(one, np.float64) - np.asarray(other, np.float64)).max(axis=2)
    return gap


def spotted(crop: Pixels, x: float, y: float, radius: float = 9) -> Pixels:
    """`crop` with a soft dark spot."""
    rows, columns = np.mgrid[0 : crop.shape[0], 0 : crop.shape[1]] + 0.5
    spot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * radius**2))[..., None]
    marked: Pixels = (crop * (1 - spot)).round().astype(np.uint8)
    return marked


@pytest.mark.parametrize("scale", [0.2, 1.0, 2.5])
def test_without_an_edit_the_photo_is_unchanged_to_the_bit(scale: float) -> None:
    photo = scenery(700, 500)
    alignment = tilted(photo, scale)
    crop = cut(photo, alignment)
    pasted = paste_back(photo, crop, crop, alignment)
    assert difference(pasted, photo).max() == 0


@pytest.mark.parametrize("scale", [0.4, 1.0, 2.0])
@pytest.mark.parametrize("turn", [-0.5, 0.0, math.pi])
def test_an_edit_lands_where_it_was_cut(scale: float, turn: float) -> None:
    photo = scenery(600, 600, 5)
    alignment = tilted(photo, scale, turn)
    crop = cut(photo, alignment)
    pasted = paste_back(photo, spotted(crop, 44, 70), crop, alignment)
    change = difference(pasted, photo)
    rows, columns = np.mgrid[0:600, 0:600] + 0.5
    strong = np.where(change > 30, change, 0)
    seen = (strong * columns).sum() / strong.sum(), (strong * rows).sum() / strong.sum()
    assert seen == pytest.approx(alignment.to_photo((44, 70)), abs=2 / scale)
    within = np.hypot(columns - seen[0], rows - seen[1]) < 60 / scale
    assert change[~within].max() <= 6


def test_what_lies_outside_the_crop_is_untouched() -> None:
    photo = scenery(500, 400)
    alignment = tilted(photo, 1.0)
    pasted = paste_back(photo, 255 - cut(photo, alignment), cut(photo, alignment), alignment)
    rows, columns = np.mgrid[0:400, 0:500] + 0.5
    inside = np.hypot(columns - 250, rows - 200) < CROP * math.sqrt(0.5)
    change = difference(pasted, photo)
    assert change[~inside].max() == 0
    assert change[180:220, 230:270].mean() > 20


def test_a_drift_of_colour_and_light_is_taken_away() -> None:
    photo = scenery(500, 400)
    alignment = tilted(photo, 1.0)
    crop = cut(photo, alignment)
    slope = np.linspace(0, 24, CROP)[:, None, None] * [1, -0.5, 0.2] + 12
    drifted = (crop + slope).clip(0, 255).round().astype(np.uint8)
    assert difference(paste_back(photo, drifted, crop, alignment), photo).max() <= 4
    both = paste_back(photo, spotted(drifted, 64, 64), crop, alignment)
    assert difference(both, photo)[195:205, 245:255].mean() > 60


def test_no_square_is_seen() -> None:
    photo = Image.new("RGB", (400, 400), (120, 130, 140))
    alignment = tilted(photo, 0.5, 0.1)
    crop = cut(photo, alignment)
    noise = np.random.default_rng(2).normal(0, 1, (CROP, CROP, 1)) * 40
    pasted = paste_back(photo, (crop + noise).clip(0, 255).astype(np.uint8), crop, alignment)
    change = difference(pasted, photo)
    rows, columns = np.mgrid[0:400, 0:400] + 0.5
    matrix = alignment.matrix
    x = (matrix[0, 0] * columns + matrix[0, 1] * rows + matrix[0, 2]) / CROP
    y = (matrix[1, 0] * columns + matrix[1, 1] * rows + matrix[1, 2]) / CROP
    rim = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
    assert change[(rim > 0) & (rim < 0.012)].max() <= 2
    assert change[rim > 0.3].mean() > 10


def test_a_moved_structure_leaves_no_ghost_in_a_finer_photo() -> None:
    """The photo is four times finer than the crop: where the edit wipes something out, its fine detail must go too."""
    photo = scenery(512, 512, 1)
    alignment = tilted(photo, 0.25, 0.0)
    crop = cut(photo.filter(ImageFilter.GaussianBlur(2)), alignment)
    rows, columns = np.mgrid[0:CROP, 0:CROP] + 0.5
    patch = np.hypot(columns - 64, rows - 64)[..., None] < 24
    wiped = np.where(patch, np.uint8(20), crop)
    pasted = np.asarray(paste_back(photo, wiped, crop, alignment), np.float64)
    inside = pasted[256 - 50 : 256 + 50, 256 - 50 : 256 + 50]
    assert inside.std() < 0.15 * np.asarray(photo, np.float64)[206:306, 206:306].std()


def test_a_face_at_the_border_and_one_beyond_it() -> None:
    photo = scenery(300, 200)
    head = Head((-20, -20, 120, 120), (25, 40), (75, 44), (50, 70), 1.0)
    crop, alignment = align(photo, head, Framing.STORYBOOK, CROP)
    eye = alignment.to_crop((75, 44))
    pasted = paste_back(photo, spotted(crop, *eye), crop, alignment)
    assert pasted.size == photo.size
    change = difference(pasted, photo)
    assert change[44, 75] > 60
    assert change[:, 250:].max() == 0

    away = Alignment(similarity((900, 900), 0.0, 1.0, (64, 64)), CROP)
    assert difference(paste_back(photo, 255 - crop, crop, away), photo).max() == 0


def test_crops_of_another_size_than_the_alignment_fit() -> None:
    photo = scenery(400, 300)
    alignment = align_to(photo.size, None, Framing.AFHQ, 512)
    crop = cut(photo, alignment.scaled(100))
    pasted = paste_back(photo, spotted(crop, 50, 50), crop, alignment)
    assert difference(pasted, photo)[150, 200] > 60


def test_a_feathered_edit_is_pasted_as_it_is_up_to_the_border() -> None:
    photo = scenery(500, 500)
    alignment = tilted(photo, 1.0, turn=0.0)
    crop = cut(photo, alignment)
    edited = spotted(crop, 16, 16, radius=4)  # in the corner, where other edits are feathered
    as_is, faded = (paste_back(photo, edited, crop, alignment, feathered=already) for already in (True, False))
    assert difference(Image.fromarray(cut(as_is, alignment)), Image.fromarray(edited)).max() <= 2
    assert difference(faded, photo).max() < difference(as_is, photo).max() / 2
