"""Converts pictures to YCbCr 4:2:0, as films store them: a full plane of luma, two of chroma at half the size.

A frame then has half the bytes of its RGB, and ffmpeg has nothing to convert (ITU-R BT.709, limited range).
"""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Frame = NDArray[np.uint8]  # [H·W·3/2]: the planes Y, Cb and Cr, one after the other

_LUMA = (0.2126, 0.7152, 0.0722)  # shares of red, green and blue in luma (BT.709)
_LUMA_RANGE = (16.0, 235.0)  # levels of the darkest and the lightest luma
_CHROMA_RANGE = (16.0, 240.0)  # levels of the least and the most chroma


def rgb_to_ycbcr(picture: Tensor) -> Tensor:
    """Red, green and blue [1, 3, H, W] as Y, Cb and Cr, all in -1..1 where the colours are."""
    return (_matrix(picture.device) @ picture[0].flatten(1)).view_as(picture)


def to_levels(luma: Tensor, chroma: Tensor) -> Tensor:
    """Y [1, 1, H, W] and, at half the size, Cb and Cr [1, 2, H/2, W/2] as levels [H·W·3/2], float32 on the CPU.

    What is out of range is cut off. Levels are not rounded yet, so that frames can be cross-faded first.
    """
    parts = (_in_range(luma, *_LUMA_RANGE), _in_range(chroma, *_CHROMA_RANGE))
    return torch.cat([part.flatten() for part in parts]).cpu()


def to_frame(levels: Tensor) -> Frame:
    """Levels as `to_levels` gives them, rounded."""
    frame: Frame = (levels + 0.5).to(torch.uint8).numpy()
    return frame


def _in_range(plane: Tensor, least: float, most: float) -> Tensor:
    """-1..1 as least..most."""
    return (plane.detach().float() * ((most - least) / 2) + (most + least) / 2).clamp(least, most)


@cache
def _matrix(device: torch.device) -> Tensor:
    """[3, 3]: red, green and blue to Y, Cb and Cr, all -1..1."""
    luma = torch.tensor(_LUMA)
    red, _, blue = torch.eye(3)
    rows = [luma, *((colour - luma) / (2 * (1 - luma @ colour)) for colour in (blue, red))]
    return torch.stack(rows).to(device)


def luma_of(colour: Tensor) -> Tensor:
    """The luma [N, 1, H, W] of RGB [N, 3, H, W], on the same scale."""
    return (colour * colour.new_tensor(_LUMA)[:, None, None]).sum(1, keepdim=True)
