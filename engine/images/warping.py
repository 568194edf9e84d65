"""Warps pictures along a flow, and resizes pictures and flows."""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.images.filters import gaussian_blur

_LEAST_AREA = 0.1  # of a pixel: what a flow squeezes further looks creased
_NEAR = 4  # px of a flow, around a crease, that are smoothed; most flows have 64
_ROUNDS = 40  # of smoothing at most


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
    """`flow` [1, 2, H, W] in its own px, so much smoother where it is needed that `warp` turns no part over.

    A flow that folds nothing over, and squeezes no area below _LEAST_AREA, stays as it is.
    """
    for _ in range(_ROUNDS):
        squeezed = (_areas(flow) < _LEAST_AREA).to(flow)
        if not squeezed.any():
            return flow
        near = gaussian_blur(F.max_pool2d(squeezed, 2 * _NEAR + 1, 1, _NEAR), _NEAR / 2)
        flow = torch.lerp(flow, gaussian_blur(flow, _NEAR / 2), near)
    return torch.zeros_like(flow)


def _areas(flow: Tensor) -> Tensor:
    """[1, 1, H, W]: what becomes of the area right of and below each pixel, at its most squeezed corner."""
    across, down = flow[0].diff(dim=2), flow[0].diff(dim=1)
    first, last = slice(None, -1), slice(1, None)
    corners = [(across[:, row], down[:, :, column]) for row in (first, last) for column in (first, last)]
    (xx, yx), (xy, yy) = (torch.stack(slopes, 1) for slopes in zip(*corners, strict=True))
    areas = ((1 + xx) * (1 + yy) - yx * xy).amin(0)
    return F.pad(areas[None, None], (0, 1, 0, 1), mode="replicate")


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
