"""Measures how sharp aligned faces are, and takes sharpness away, so that it tells nobody which face is real."""

import numpy as np
from PIL import Image

from engine.images.pixels import Pixels

_RADIUS = 0.42  # of the side: the head, without the corners that photos often do not fill
_LEAST_SIDE = 12  # px, to which a face is shrunk at most


def laplacian_energy(face: Pixels) -> float:
    """The mean square of the Laplacian of the grey levels (0..255) in the middle of a face [S, S, 3]."""
    grey = face.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    y, x = np.indices(inner.shape) - (len(inner) - 1) / 2
    return float((laplacian[np.hypot(x, y) < _RADIUS * len(grey)] ** 2).mean())


def softened(face: Pixels, energy: float) -> Pixels:
    """The face as sharp as `energy` says at most: shrunk to the side for that and enlarged again."""
    if laplacian_energy(face) <= energy:
        return face
    low, high = _LEAST_SIDE, len(face)
    while high - low > 1:  # `high` is too sharp
        middle = (low + high) // 2
        low, high = (low, middle) if laplacian_energy(_shrunk(face, middle)) > energy else (middle, high)
    return _shrunk(face, low)


def _shrunk(face: Pixels, side: int) -> Pixels:
    small = Image.fromarray(face).resize((side, side), Image.Resampling.LANCZOS)
    return np.array(small.resize((len(face), len(face)), Image.Resampling.BICUBIC))
