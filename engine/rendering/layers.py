"""Lay pictures over each other in the planes of a film's frames: quick, as nothing is converted twice.

Frames are YCbCr 4:2:0 (`engine.images.ycbcr`). A layer is converted once, and then pasted where it is wanted.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from PIL import Image

from engine.images.tensors import to_tensor
from engine.images.ycbcr import Frame, to_frame
from engine.rendering.video import as_levels

Planes = tuple[Image.Image, Image.Image, Image.Image]  # Y, and at half the size Cb and Cr


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A picture of even sides that can be pasted into frames, with soft edges."""

    planes: Planes
    alpha: tuple[Image.Image, Image.Image]  # masks, of full and of half the size

    @classmethod
    def of(cls, picture: Image.Image) -> Self:
        """Take an RGBA picture; a row or column is added where a side is odd."""
        width, height = picture.width + picture.width % 2, picture.height + picture.height % 2
        even = picture if picture.size == (width, height) else picture.crop((0, 0, width, height))
        alpha = even.getchannel("A")
        return cls(planes_of(to_frame_of(even), width, height), (alpha, alpha.reduce(2)))

    @property
    def size(self) -> tuple[int, int]:
        return self.planes[0].size


class FrameCanvas:
    """A frame that is being laid out."""

    def __init__(self, planes: Planes) -> None:
        self._planes = planes

    @classmethod
    def of(cls, picture: Image.Image) -> Self:
        """Begin with an RGB picture of even sides."""
        return cls(planes_of(to_frame_of(picture), *picture.size))

    def copy(self) -> "FrameCanvas":
        y, cb, cr = (plane.copy() for plane in self._planes)
        return FrameCanvas((y, cb, cr))

    def paste(self, layer: Layer, left: float, top: float, opacity: float = 1.0) -> None:
        """Lay a layer over the frame with its corner there; what lies outside is cut off."""
        if opacity <= 0:
            return
        full, half = layer.alpha
        if opacity < 1:
            full, half = (mask.point([round(value * opacity) for value in range(256)]) for mask in (full, half))
        # Colours lie on whole pairs of pixels; half a pixel of colour aside is not seen.
        x, y = round(left), round(top)
        luma, *chroma = self._planes
        luma.paste(layer.planes[0], (x, y), full)
        for plane, part in zip(chroma, layer.planes[1:], strict=True):
            plane.paste(part, (x // 2, y // 2), half)

    def frame(self) -> Frame:
        """What is laid out, as it goes to the encoder."""
        return np.concatenate([np.asarray(plane).reshape(-1) for plane in self._planes])


def to_frame_of(picture: Image.Image) -> Frame:
    """An RGB or RGBA picture of even sides as a frame; transparency is not looked at."""
    return to_frame(as_levels(to_tensor(np.array(picture.convert("RGB"))), picture.size))


def planes_of(frame: Frame, width: int, height: int) -> Planes:
    """The planes of a frame of `width` x `height` px, as pictures of their own."""
    luma, chroma = width * height, width * height // 4
    y, cb, cr = np.split(frame, [luma, luma + chroma])
    half = height // 2, width // 2
    return (
        Image.fromarray(y.reshape(height, width)),
        Image.fromarray(cb.reshape(half)),
        Image.fromarray(cr.reshape(half)),
    )
