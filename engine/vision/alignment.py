"""Cuts a face out of a photo as a network expects it, and keeps the way back.

Points are continuous: the centre of the first pixel lies at (0.5, 0.5). Nothing here needs torch.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from engine.images.pixels import Pixels
from engine.messages import Head, Point
from engine.vision.geometry import Matrix, centre, head_size, invert, scale_of, similarity, transform

EYE_DISTANCE = 0.235  # of the crop's width, STORYBOOK
EYE_HEIGHT = 0.44  # of the crop's height, STORYBOOK
_HEAD_MARGIN = 1.08  # AFHQ: the crop's side over the head's size; larger leaves more room around ears and chin

_TYPICAL_EYE_DISTANCE = 0.36  # distance between the eyes over the head's size √(w·h): the median of 568 frontal heads
# A turned head shows its eyes closer together; below this it would be magnified beyond its size.
_LEAST_EYE_DISTANCE = 0.26
_UPSIDE_DOWN_NOSE = 0.12  # height of the nose above the eyes, over the head's size, from which the head hangs down

_OVERSAMPLING = 2  # a crop smaller than in the photo is drawn this much larger, then shrunk with a proper filter
# Blurs beyond the photo's border: σ, and how far outside it has its full strength, both over the crop's side. They get
# stronger farther out, or streaks would be seen.
_BORDER_BLURS = ((0.02, 0.02), (0.05, 0.14), (0.12, 0.35))


class FaceTemplate(StrEnum):
    """Where in its square a network was trained to see a face."""

    STORYBOOK = "storybook"  # eyes level, EYE_DISTANCE apart at EYE_HEIGHT, the midpoint between them centred
    AFHQ = "afhq"  # eyes level, the whole head centred and filling the square


class HeadPose(StrEnum):
    """The side from which a face is seen."""

    FRONTAL = "frontal"
    THREE_QUARTER = "three-quarter"
    PROFILE = "profile"  # one eye hidden, or both


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Where a crop of `size` × `size` pixels lies in its photo: `matrix` [2, 3] maps photo points to crop points."""

    matrix: Matrix
    size: int

    @property
    def inverse(self) -> Matrix:
        """[2, 3], maps crop points to photo points, for pasting the crop back."""
        return invert(self.matrix)

    @property
    def scale(self) -> float:
        """Crop pixels for one photo pixel."""
        return scale_of(self.matrix)

    def scaled(self, size: int) -> "Alignment":
        """The same cut at another resolution."""
        return Alignment(self.matrix * (size / self.size), size)

    def widened(self, margin: int) -> "Alignment":
        """The same cut with `margin` more crop pixels on every side."""
        matrix = self.matrix.copy()
        matrix[:, 2] += margin
        return Alignment(matrix, self.size + 2 * margin)

    def to_crop(self, point: Point) -> Point:
        return transform(self.matrix, point)

    def to_photo(self, point: Point) -> Point:
        return transform(self.inverse, point)


class Aligned(NamedTuple):
    crop: Pixels  # [size, size, 3], RGB
    alignment: Alignment


def align(image: Image.Image, head: Head | None, template: FaceTemplate, size: int) -> Aligned:
    """Cut `head` out of an RGB photo, `size` pixels square, as `template` says.

    A hidden eye is inferred from the other landmarks and the box; without a head the middle of the photo is taken.
    Outside the photo a narrow strip is its mirror image, and farther out its border's colours continue.
    """
    alignment = align_to(image.size, head, template, size)
    return Aligned(crop_face(image, alignment), alignment)


def crop_face(image: Image.Image, alignment: Alignment) -> Pixels:
    """The part of an RGB photo in the alignment's square, [size, size, 3]; outside the photo as `align` says."""
    large = alignment.scaled(alignment.size * (_OVERSAMPLING if alignment.scale < 1 else 1))
    factor = max(1, int(1 / large.scale))
    reduced = image.reduce(factor) if factor > 1 else image
    matrix = large.matrix * np.array([factor, factor, 1])
    canvas, corner = _mirrored(reduced, matrix, large.size)
    matrix[:, 2] += matrix[:, :2] @ corner
    drawn = canvas.transform(
        (large.size, large.size), Image.Transform.AFFINE, tuple(invert(matrix).ravel()), Image.Resampling.BICUBIC
    )
    if large.size != alignment.size:
        drawn = drawn.resize((alignment.size, alignment.size), Image.Resampling.LANCZOS)
    return np.array(drawn)


def align_to(photo_size: tuple[int, int], head: Head | None, template: FaceTemplate, size: int) -> Alignment:
    """The square that `align` would cut out. `photo_size` is (width, height)."""
    if head is None:
        width, height = photo_size
        return Alignment(
            similarity((width / 2, height / 2), 0.0, size / min(width, height), (size / 2, size / 2)), size
        )
    midpoint, angle, distance = _eye_line(head)
    match template:
        case FaceTemplate.STORYBOOK:
            target = (size / 2, EYE_HEIGHT * size)
            return Alignment(similarity(midpoint, angle, EYE_DISTANCE * size / distance, target), size)
        case FaceTemplate.AFHQ:
            centre_x, centre_y = centre(head)
            # The box leans to the side to which hair hangs; the eyes know better where the face is.
            middle = ((centre_x + midpoint[0]) / 2, centre_y)
            return Alignment(
                similarity(middle, angle, size / (_HEAD_MARGIN * head_size(head)), (size / 2, size / 2)), size
            )


def head_pose(head: Head) -> HeadPose:
    """Guess from its landmarks from which side a face is seen (for advice to the sender, not for measuring)."""
    if head.left_eye is None or head.right_eye is None:
        return HeadPose.PROFILE
    (left_x, left_y), (right_x, right_y) = head.left_eye, head.right_eye
    across = (right_x - left_x, right_y - left_y)
    distance = math.hypot(*across)
    aside = 0.0
    if head.nose is not None and distance > 0:
        to_nose = (head.nose[0] - (left_x + right_x) / 2, head.nose[1] - (left_y + right_y) / 2)
        aside = abs(to_nose[0] * across[0] + to_nose[1] * across[1]) / distance
    turned = aside / head_size(head) + max(0.0, _TYPICAL_EYE_DISTANCE * 0.8 - distance / head_size(head))
    return HeadPose.FRONTAL if turned < 0.065 else HeadPose.THREE_QUARTER


def _eye_line(head: Head) -> tuple[Point, float, float]:
    """The point between the eyes, the angle of the line through them (radians) and their distance (pixels)."""
    size, (centre_x, _), (_, top, _, bottom) = head_size(head), centre(head), head.box
    if head.left_eye is not None and head.right_eye is not None:
        (left_x, left_y), (right_x, right_y) = head.left_eye, head.right_eye
        distance = math.hypot(right_x - left_x, right_y - left_y)
        angle = math.atan2(right_y - left_y, right_x - left_x)
        middle = ((left_x + right_x) / 2, (left_y + right_y) / 2)
        if head.nose is not None:
            below = (head.nose[1] - middle[1]) * math.cos(angle) - (head.nose[0] - middle[0]) * math.sin(angle)
            if below < -_UPSIDE_DOWN_NOSE * size:
                angle += math.pi
        return middle, angle, max(distance, _LEAST_EYE_DISTANCE * size)
    seen = head.left_eye or head.right_eye
    if seen is not None:  # the hidden one is about as far behind the outline as this one is before it
        return ((seen[0] + centre_x) / 2, seen[1]), 0.0, _TYPICAL_EYE_DISTANCE * size
    return (centre_x, top + EYE_HEIGHT * (bottom - top)), 0.0, _TYPICAL_EYE_DISTANCE * size


def _mirrored(image: Image.Image, matrix: Matrix, size: int) -> tuple[Image.Image, NDArray[np.float64]]:
    """The part of the photo, mirrored at its borders, that a drawing of `size` px shows, and its corner in the photo.

    Outside the photo the mirror image soon turns into a blur of the border, so that no second face appears.
    """
    corners = np.array([transform(invert(matrix), (x, y)) for x in (0, size) for y in (0, size)])
    margin = 4  # the bicubic filter's reach
    x0, y0 = (int(v) for v in np.floor(corners.min(0)) - margin)
    x1, y1 = (int(v) for v in np.ceil(corners.max(0)) + margin)
    if min(x0, y0) >= 0 and x1 <= image.width and y1 <= image.height:
        return image.crop((x0, y0, x1, y1)), np.array([x0, y0], float)
    columns, rows = _reflected(x0, x1, image.width), _reflected(y0, y1, image.height)
    box = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
    region = np.asarray(image.crop(box))

    def filled(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Image.Image:
        return Image.fromarray(region.take(rows - box[1], 0).take(columns - box[0], 1))

    canvas = filled(rows, columns)
    beyond_x = _beyond(x0, x1, image.width)
    beyond_y = _beyond(y0, y1, image.height)
    if beyond_x.any() or beyond_y.any():
        side = size / scale_of(matrix)
        far = np.hypot(beyond_y[:, None], beyond_x[None, :])
        # Farther out a mirrored head would appear as a dark cloud; there the border's own colours continue.
        drawn_out = filled(np.arange(y0, y1).clip(0, image.height - 1), np.arange(x0, x1).clip(0, image.width - 1))
        for sigma, within in _BORDER_BLURS:
            weight = np.minimum(far * (255 / (within * side)), 255).astype(np.uint8)
            canvas = Image.composite(_blurred(drawn_out, sigma * side), canvas, Image.fromarray(weight))
    return canvas, np.array([x0, y0], float)


def _blurred(image: Image.Image, sigma: float) -> Image.Image:
    """A Gaussian blur; a wide one is computed on a smaller picture, with no visible difference."""
    factor = max(1, int(sigma / 2))
    small = image.reduce(factor).filter(ImageFilter.GaussianBlur(sigma / factor))
    return small.resize(image.size, Image.Resampling.BILINEAR)


def _reflected(start: int, stop: int, length: int) -> NDArray[np.intp]:
    """The pixels 0..length−1 seen at start..stop−1 when the row is mirrored at both ends, again and again."""
    position = np.arange(start, stop) % (2 * length)
    return np.minimum(position, 2 * length - 1 - position)


def _beyond(start: int, stop: int, length: int) -> NDArray[np.float32]:
    """How far positions start..stop−1 lie outside 0..length−1."""
    position = np.arange(start, stop, dtype=np.float32)
    return np.clip(np.maximum(-position, position - (length - 1)), 0, None)
