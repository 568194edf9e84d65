"""Previews of a search for those who wait."""

import time

from PIL import Image
from torch import Tensor

from engine.images.jpeg import encode_jpeg
from engine.images.tensors import to_pixels
from engine.vision.cropping import CropWindow

_INTERVAL_S = 1.5  # between two previews; each costs a message to be edited
_FIRST_AFTER_S = 0.7  # before the first, so that something is to be seen in it
_SIDE = 320  # px
_QUALITY = 80  # of the JPEG


class Previews:
    """Makes small JPEGs of what is drawn, no more often than somebody wants to look."""

    def __init__(self, window: CropWindow) -> None:
        """`window` is the part of the aligned face to show."""
        self._window = window
        self._next_at = time.monotonic() + _FIRST_AFTER_S

    def at_once(self, drawn: Tensor) -> bytes | None:
        """The picture [1, 3, R, R] in -1..1 at once: it is a good guess."""
        self._next_at = 0.0
        return self.when_due(drawn)

    def when_due(self, drawn: Tensor) -> bytes | None:
        """The picture [1, 3, R, R] in -1..1, when it is time for one."""
        if time.monotonic() < self._next_at:
            return None
        self._next_at = time.monotonic() + _INTERVAL_S
        shown = Image.fromarray(to_pixels(drawn))
        shown = shown.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC, self._window.box(drawn.shape[-1]))
        return encode_jpeg(shown, _QUALITY)
