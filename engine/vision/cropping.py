"""Chooses the part of an aligned face that is shown.

A network sees a face with much around it, in every third photo more than the photo has. What lies outside the photo is
invented (`engine.vision.alignment`), and looks so. Then a smaller square is shown, as far as the photo fills it and the
head lies in it; the face is drawn so much larger that the shown part always has the same number of pixels.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from engine.images.pixels import Pixels
from engine.messages import Head
from engine.vision.alignment import Alignment, FaceTemplate, align_to

SIDE = 512  # px of the part that is shown

_FACE_SIDES = (512, 576, 640, 704, 768, 832)  # px of the whole face, to be tried in turn
_CELL_SIDE = 8  # px between two positions of a window; smaller is finer and slower
_SIDE_CELLS = SIDE // _CELL_SIDE
MAX_EXTRAPOLATED = 0.01  # largest invented share of a crop that is accepted without trying a smaller one
HEAD_LOSS_WEIGHT = 4.0  # cost of leaving out the whole head, if a wholly invented crop costs 1
OFF_CENTRE_WEIGHT = 0.002  # cost of lying off the centre by the crop's own side, likewise

_Mask = NDArray[np.bool_]


class CropWindow(NamedTuple):
    """A square of `SIDE` px in an aligned face of `side` × `side` px."""

    side: int
    left: int = 0
    top: int = 0

    def rows(self, shrunk: int = 1) -> range:
        """The shown rows of a face that is `shrunk` so many times."""
        return range(self.top // shrunk, (self.top + SIDE) // shrunk)

    def columns(self, shrunk: int = 1) -> range:
        """The shown columns of a face that is `shrunk` so many times."""
        return range(self.left // shrunk, (self.left + SIDE) // shrunk)

    def of(self, faces: Tensor) -> Tensor:
        """The shown part of faces [..., side, side]."""
        return faces[..., self.top : self.top + SIDE, self.left : self.left + SIDE]

    def box(self, side: int) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the shown part in the same face at `side` × `side` px."""
        scale = side / self.side
        return self.left * scale, self.top * scale, (self.left + SIDE) * scale, (self.top + SIDE) * scale

    def of_pixels(self, face: Pixels) -> Pixels:
        """The shown part of a face [side, side, 3], or of one that is a whole number of times as large."""
        times = face.shape[0] // self.side
        top, left, shown = self.top * times, self.left * times, SIDE * times
        return face[top : top + shown, left : left + shown]


def choose_crop(photos: Sequence[tuple[tuple[int, int], Head | None]], template: FaceTemplate) -> CropWindow:
    """The largest window that all photos, given as (width, height) and head, fill, or the one nearest to that."""
    best, least = CropWindow(SIDE), np.inf
    heads_in = [(size, head) for size, head in photos if head is not None]
    if len(heads_in) < len(photos):
        return best
    for side in _FACE_SIDES:
        missing, heads = np.zeros((side // _CELL_SIDE,) * 2, bool), np.zeros((side // _CELL_SIDE,) * 2, bool)
        for size, head in heads_in:
            alignment = align_to(size, head, template, side // _CELL_SIDE)
            beyond = ~within((0, 0, *size), alignment)
            missing |= beyond
            heads |= within(head.box, alignment) & ~beyond
        if not heads.any():
            return CropWindow(SIDE)
        invented, seen = _summed(missing) / _SIDE_CELLS**2, _summed(heads) / heads.sum()
        y, x = np.indices(invented.shape)
        aside = np.hypot(y - (len(invented) - 1) / 2, x - (len(invented) - 1) / 2) / _SIDE_CELLS
        cost = invented + HEAD_LOSS_WEIGHT * (1 - seen) + OFF_CENTRE_WEIGHT * aside
        top, left = np.unravel_index(cost.argmin(), cost.shape)
        if cost[top, left] < least:
            best, least = CropWindow(side, int(left) * _CELL_SIDE, int(top) * _CELL_SIDE), cost[top, left]
        if least < MAX_EXTRAPOLATED:
            break
    return best


def within(box: tuple[float, float, float, float], alignment: Alignment) -> _Mask:
    """[size, size]: the pixels of a crop that lie in a box of its photo."""
    middles = np.indices((alignment.size,) * 2)[::-1].reshape(2, -1) + 0.5
    x, y = alignment.inverse[:, :2] @ middles + alignment.inverse[:, 2:]
    inside: _Mask = (x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3])
    return inside.reshape(alignment.size, alignment.size)


def _summed(cells: _Mask) -> NDArray[np.float64]:
    """The number of set cells in the window at each place: [P, P]."""
    sums, n = np.pad(cells.cumsum(0).cumsum(1), ((1, 0), (1, 0))).astype(float), _SIDE_CELLS
    windows: NDArray[np.float64] = sums[n:, n:] - sums[:-n, n:] - sums[n:, :-n] + sums[:-n, :-n]
    return windows
