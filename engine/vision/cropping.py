"""What of an aligned face is shown.

A network sees a face with much around it, in every third photo more than there is. What lies beyond the photo's border
is made up (`engine.vision.alignment`), and looks it. Then a smaller square is shown, as far as the photo fills it and
the head lies in it, and the face is made so much larger that what is shown always has as many pixels.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from engine.images.pixels import Pixels
from engine.messages import Head
from engine.vision.alignment import Alignment, FaceTemplate, align_to

SIDE = 512  # px, of what is shown

_LARGER = (512, 576, 640, 704, 768, 832)  # px, of the whole face
_CELL = 8  # px, in which a window can lie
_CELLS = SIDE // _CELL
MAX_EXTRAPOLATED = 0.01  # share of a window, of which nobody minds that it is made up
HEAD_LOSS_WEIGHT = 4.0  # so much worse than made up is a share of the head that the window leaves out
OFF_CENTRE_WEIGHT = 0.002  # and so much one that lies aside, by its own side

_Mask = NDArray[np.bool_]


class CropWindow(NamedTuple):
    """A square of `SIDE` px in an aligned face of `side` × `side` px."""

    side: int
    left: int = 0
    top: int = 0

    def of(self, faces: Tensor, shrunk: int = 1) -> Tensor:
        """What of faces [..., side, side] is seen; they may be `shrunk` by 2."""
        left, top, shown = (length // shrunk for length in (self.left, self.top, SIDE))
        return faces[..., top : top + shown, left : left + shown]

    def box(self, side: int) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of what is seen of the same face at `side` × `side` px."""
        scale = side / self.side
        return self.left * scale, self.top * scale, (self.left + SIDE) * scale, (self.top + SIDE) * scale

    def of_pixels(self, face: Pixels) -> Pixels:
        """What of a face [side, side, 3] is seen."""
        return face[self.top : self.top + SIDE, self.left : self.left + SIDE]


def choose_crop(photos: Sequence[tuple[tuple[int, int], Head | None]], convention: FaceTemplate) -> CropWindow:
    """The largest window that all photos, (width, height) and head, fill; or the one that comes nearest to that."""
    best, least = CropWindow(SIDE), np.inf
    heads_in = [(size, head) for size, head in photos if head is not None]
    if len(heads_in) < len(photos):
        return best
    for side in _LARGER:
        missing, heads = np.zeros((side // _CELL,) * 2, bool), np.zeros((side // _CELL,) * 2, bool)
        for size, head in heads_in:
            alignment = align_to(size, head, convention, side // _CELL)
            beyond = ~_within((0, 0, *size), alignment)
            missing |= beyond
            heads |= _within(head.box, alignment) & ~beyond
        if not heads.any():
            return CropWindow(SIDE)
        made_up, seen = _summed(missing) / _CELLS**2, _summed(heads) / heads.sum()
        y, x = np.indices(made_up.shape)
        aside = np.hypot(y - (len(made_up) - 1) / 2, x - (len(made_up) - 1) / 2) / _CELLS
        cost = made_up + HEAD_LOSS_WEIGHT * (1 - seen) + OFF_CENTRE_WEIGHT * aside
        top, left = np.unravel_index(cost.argmin(), cost.shape)
        if cost[top, left] < least:
            best, least = CropWindow(side, int(left) * _CELL, int(top) * _CELL), cost[top, left]
        if least < MAX_EXTRAPOLATED:
            break
    return best


def _within(box: tuple[float, float, float, float], alignment: Alignment) -> _Mask:
    """[size, size]: the pixels of a crop that lie in a box of its photo."""
    middles = np.indices((alignment.size,) * 2)[::-1].reshape(2, -1) + 0.5
    x, y = alignment.inverse[:, :2] @ middles + alignment.inverse[:, 2:]
    inside: _Mask = (x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3])
    return inside.reshape(alignment.size, alignment.size)


def _summed(cells: _Mask) -> NDArray[np.float64]:
    """How many there are in the window at each place: [P, P]."""
    sums, n = np.pad(cells.cumsum(0).cumsum(1), ((1, 0), (1, 0))).astype(float), _CELLS
    windows: NDArray[np.float64] = sums[n:, n:] - sums[:-n, n:] - sums[n:, :-n] + sums[:-n, :-n]
    return windows
