"""Warps pictures along a flow, and resizes pictures and flows."""

from functools import lru_cache

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
    x = _places(columns, width, left, flow)[None, :]
    y = _places(rows, height, top, flow)[:, None]
    # Plane by plane: on a CPU, to lay them side by side takes as long as the sampling.
    places = torch.stack([torch.add(x, flow[:, 0], alpha=2 / width), torch.add(y, flow[:, 1], alpha=2 / height)], 1)
    return _sampled(pictures.expand(count, -1, -1, -1), places, mode)


def warp_smoothly(pictures: Tensor, plan: Tensor, side: int, rows: range, columns: range) -> Tensor:
    """Rows and columns of a face of `side` px, moved along a smooth flow: [1, C, len(rows), len(columns)].

    `pictures` [1, C, side + 2 · margin, side + 2 · margin] are sampled bicubically at p + flow(p). The flow, in shares
    of the side, is `plan` [1, 2, P, P] between whose places it rises evenly, as `upsample` has it.
    """
    whole, cells = pictures.shape[-1], plan.shape[-1]
    margin, scale = (whole - side) // 2, 2 * side / whole
    across = _between(cells, side, columns, plan.device, plan.dtype).T
    down = _between(cells, side, rows, plan.device, plan.dtype) @ plan[0]
    x = _places(len(columns), whole, margin + columns.start, plan)[None, :].expand(len(rows), -1)
    y = _places(len(rows), whole, margin + rows.start, plan)[:, None].expand(-1, len(columns))
    places = torch.empty(1, 2, len(rows), len(columns), device=plan.device, dtype=plan.dtype)
    # Products of matrices take an eighth of the time of upsampling the whole flow and adding the places to it.
    torch.addmm(x, down[0], across, alpha=scale, out=places[0, 0])
    torch.addmm(y, down[1], across, alpha=scale, out=places[0, 1])
    return _sampled(pictures, places, "bicubic")


def _sampled(pictures: Tensor, places: Tensor, mode: str) -> Tensor:
    """`pictures` at `places` [N, 2, H, W], x and y in -1..1 of their width and height."""
    grid = places.permute(0, 2, 3, 1)
    return F.grid_sample(pictures, grid, mode=mode, padding_mode="border", align_corners=False)


def _places(count: int, length: int, start: float, like: Tensor) -> Tensor:
    """[count]: the middles of pixels from `start` on, in -1..1 of a picture `length` px long."""
    return (torch.arange(count, device=like.device, dtype=like.dtype) + (0.5 + start)) * (2 / length) - 1


@lru_cache(maxsize=64)
def _between(cells: int, side: int, seen: range, device: torch.device, dtype: torch.dtype) -> Tensor:
    """[len(seen), cells]: the shares of `cells` in each of the pixels seen of `side`, bilinearly."""
    at = ((torch.arange(seen.start, seen.stop) + 0.5) * (cells / side) - 0.5).clamp(0, cells - 1)
    near = 1 - (at[:, None] - torch.arange(cells)).abs()
    return near.clamp(min=0).to(device, dtype)


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


def stretches(flow: Tensor) -> tuple[float, float]:
    """The least and the greatest factor at which `warp` steps through the pictures along a flow [N, 2, H, W].

    The flow is in its own px. Below 1 what is drawn is stretched by the reciprocal, above 1 it is squeezed; less than 0
    means that it is turned over somewhere.
    """
    across, down = flow[:, :, :-1].diff(dim=3), flow[..., :-1].diff(dim=2)
    xx, yx, xy, yy = 1 + across[:, 0], across[:, 1], down[:, 0], 1 + down[:, 1]
    # The singular values of the Jacobian: their squares have the sum of its squares and the product of its determinant.
    squares, area = xx.square() + yx.square() + xy.square() + yy.square(), xx * yy - xy * yx
    apart = (squares.square() - 4 * area.square()).clamp(min=0).sqrt()
    least, most = ((squares - apart).clamp(min=0) / 2).sqrt() * area.sign(), ((squares + apart) / 2).sqrt()
    return float(least.min()), float(most.max())


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
