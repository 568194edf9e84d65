"""Warps pictures along a flow, and resizes pictures and flows."""

import torch
import torch.nn.functional as F
from torch import Tensor


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
