"""Computes with similarity transforms between a photo and a crop, and with the boxes of heads.

Points are continuous: the centre of the first pixel lies at (0.5, 0.5). Nothing here needs torch.
"""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.messages import Head, Point

Matrix = NDArray[np.float64]


def centre(head: Head) -> Point:
    x0, y0, x1, y1 = head.box
    return (x0 + x1) / 2, (y0 + y1) / 2


def head_size(head: Head) -> float:
    """The head's size: the side, in photo pixels, of the square with its box's area."""
    x0, y0, x1, y1 = head.box
    return math.sqrt(max(1.0, (x1 - x0) * (y1 - y0)))


def similarity(source: Point, angle: float, scale: float, target: Point) -> Matrix:
    """[2, 3]: turns by −`angle` radians about `source`, scales, and moves `source` to `target`."""
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    turn = np.array([[cos, sin], [-sin, cos]])
    return np.column_stack([turn, np.array(target) - turn @ np.array(source)])


def fitted(photo_size: tuple[int, int], side: int) -> Matrix:
    """[2, 3]: the whole photo, centred, into a square of `side` px."""
    width, height = photo_size
    return similarity((width / 2, height / 2), 0.0, side / max(photo_size), (side / 2, side / 2))


def invert(matrix: Matrix) -> Matrix:
    """The inverse, [2, 3], of a transform [2, 3]."""
    back = np.linalg.inv(matrix[:, :2])
    return np.column_stack([back, -back @ matrix[:, 2]])


def transform(matrix: Matrix, point: Point) -> Point:
    """The point to which `matrix` [2, 3] maps `point`."""
    x, y = matrix[:, :2] @ np.array(point) + matrix[:, 2]
    return float(x), float(y)


def resample(image: Image.Image, matrix: Matrix, size: int) -> Image.Image:
    """Draw `size` × `size` pixels of an RGB photo through `matrix` (photo → drawing); mid grey outside the photo.

    Antialiased well enough for a network to look at, and quick.
    """
    factor = max(1, int(1 / scale_of(matrix)))
    if factor > 1:
        # reduce() rounds the size up; its pixels still are `factor` photo pixels each.
        image, matrix = image.reduce(factor), matrix * np.array([factor, factor, 1])
    back = invert(matrix)
    return image.transform(
        (size, size), Image.Transform.AFFINE, tuple(back.ravel()), Image.Resampling.BICUBIC, fillcolor=(127, 127, 127)
    )


def scale_of(matrix: Matrix) -> float:
    return float(math.sqrt(abs(np.linalg.det(matrix[:, :2]))))
