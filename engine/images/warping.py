"""Warps pictures along a flow, and resizes pictures and flows."""

import torch
import torch.nn.functional as F
from torch import Tensor

_LEAST_AREA = 0.1  # of a pixel: what a flow squeezes further looks creased
_BOTH = (slice(None, -1), slice(1, None))  # neighbours in a row or column


def warp(pictures: Tensor, flow: Tensor, mode: str = "bilinear", corner: tuple[float, float] | None = None) -> Tensor:
    """`pictures` [N or 1, C, H, W] sampled at p + `flow`(p), in px; beyond the border its edge continues.

    A flow [N, 2, h, w] of fewer pixels is that of a part of the pictures, whose upper left `corner` is (x, y) in px, by
    default of their middle.
    """
    count, _, rows, columns = flow.shape
    height, width = pictures.shape[2:]
    left, top = corner or ((width - columns) / 2, (height - rows) / 2)
    y = torch.arange(rows, device=flow.device, dtype=flow.dtype)[:, None] + (0.5 + top)
    x = torch.arange(columns, device=flow.device, dtype=flow.dtype)[None, :] + (0.5 + left)
    places = torch.stack([(x + flow[:, 0]) * (2 / width) - 1, (y + flow[:, 1]) * (2 / height) - 1], dim=-1)
    pictures = pictures.expand(count, -1, -1, -1)
    return F.grid_sample(pictures, places, mode=mode, padding_mode="border", align_corners=False)


def without_folds(flow: Tensor) -> Tensor:
    """`flow` [1, 2, H, W] in its own px, so much less of it that no part of a picture is turned over by `warp`.

    A flow that folds nothing over, and squeezes no area below _LEAST_AREA, stays as it is.
    """
    across, down = flow[0].diff(dim=2), flow[0].diff(dim=1)
    # What lies between four pixels is turned over first at one of its corners.
    corners = [(across[:, row], down[:, :, column]) for row in _BOTH for column in _BOTH]
    (xx, yx), (xy, yy) = (torch.stack(slopes, 1) for slopes in zip(*corners, strict=True))
    trace, determinant = xx + yy, xx * yy - yx * xy
    # An area becomes 1 + share · trace + share² · determinant times as large; where is that _LEAST_AREA first?
    lost = 1 - _LEAST_AREA
    discriminant = trace.square() - 4 * determinant * lost
    slope = discriminant.clamp(min=0).sqrt() - trace
    share = torch.where((discriminant >= 0) & (slope > 0), 2 * lost / slope.clamp(min=1e-6), torch.ones_like(slope))
    return flow * share.amin().clamp(max=1)


def enlarged(picture: Tensor, side: int) -> Tensor:
    """A picture [1, 3, R, R] as a `FlowDetail` adds its detail to it: [1, 3, side, side]."""
    return resize(picture.contiguous(), side)  # plane by plane, which takes two thirds of the time on a CPU


def resize(pictures: Tensor, side: int) -> Tensor:
    if pictures.shape[-1] == side:
        return pictures
    return F.interpolate(pictures, size=(side, side), mode="bicubic", antialias=pictures.shape[-1] > side)


def upsample(smooth: Tensor, side: int) -> Tensor:
    """Upsample a smooth field bilinearly; bicubic would look the same and be slower."""
    if smooth.shape[1] > 2:  # on a CPU, more channels are faster in channels-last memory, and fewer are not
        smooth = smooth.contiguous(memory_format=torch.channels_last)
    return F.interpolate(smooth, size=(side, side), mode="bilinear")


def resize_flow(flow: Tensor, side: int) -> Tensor:
    """A flow [N, 2, M, M] in px, as that of pictures of `side` px: [N, 2, side, side]."""
    return upsample(flow * (side / flow.shape[-1]), side)
