"""Cutting a subject out of a picture softly, and continuing what is behind it."""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.images.filters import gaussian_blur, smooth_ramp

_SIDE = 128  # px, at which masks are worked on
_ALIKE = 3e-4  # variance of colours, of which no line is drawn through them
_INSIDE = (0.92, 1.0)  # of a mask's mean around a place, from which on that may be, and is surely, inside
_HAZE = 0.1  # of what a line tells, that it tells of anything


def widened(mask: Tensor, margin: float) -> Tensor:
    """The mask [1, 1, S, S] of 0..1 grown by `margin` of its side, its edge as soft as that."""
    small = F.interpolate(mask, (_SIDE, _SIDE), mode="area")  # a mask has nothing finer to show
    reach = max(1, round(margin * _SIDE))
    grown = gaussian_blur(F.max_pool2d(small, 4 * reach + 1, stride=1, padding=2 * reach), reach)
    return F.interpolate(grown, mask.shape[-2:], mode="bilinear", align_corners=False)


def cut_out(picture: Tensor, mask: Tensor, reach: float) -> Tensor:
    """How much of each pixel of `picture` [1, 3, S, S] shows what a rough mask [1, 1, R, R] is of: [1, 1, S, S].

    All in 0..1. A guided filter (He et al. 2010): within `reach` px of the mask, what it covers is told from what it
    does not by a line through their colours, and where these are alike, the mask is only softened.
    """
    small = F.interpolate(picture, mask.shape[-2:], mode="area")
    both = torch.cat([mask, mask * small, small], 1)
    products = (small[:, :, None] * small[:, None]).flatten(1, 2)
    means = _mean(torch.cat([both, products], 1), reach)[0].flatten(1)
    covered, with_colour, colour, spread = means[:1], means[1:4], means[4:7], means[7:]
    spread = spread.T.reshape(-1, 3, 3) - colour.T[:, :, None] * colour.T[:, None]
    slope = torch.linalg.solve(spread + _ALIKE * torch.eye(3).to(spread), (with_colour - covered * colour).T)
    level = covered[0] - (slope * colour.T).sum(1)
    line = torch.cat([slope.T, level[None]]).reshape(1, 4, *mask.shape[-2:])
    surely = smooth_ramp(covered.reshape(mask.shape), *_INSIDE)
    line, surely = (
        F.interpolate(part, picture.shape[-2:], mode="bilinear", align_corners=False)
        for part in (_mean(line, reach), surely)
    )
    told = (line[:, :3] * picture).sum(1, keepdim=True) + line[:, 3:]
    return torch.maximum(((told - _HAZE) / (1 - _HAZE)).clamp(max=1), surely)


def _mean(values: Tensor, sigma: float) -> Tensor:
    """The mean around each place, none of it from beyond the border."""
    return gaussian_blur(values, sigma) / gaussian_blur(torch.ones_like(values[:, :1]), sigma)


def continued(picture: Tensor, mask: Tensor) -> Tensor:
    """The picture [1, 3, S, S] with what lies around the mask [1, 1, S, S] continued over it, from coarse to fine.

    Pull and push over a pyramid (Gortler et al. 1996): far from the mask's edge only large things go on.
    """
    known = (1 - 1.25 * mask).clamp(0, 1)
    return picture * known + _pulled(picture * known, known) * (1 - known)


def _pulled(weighted: Tensor, weight: Tensor) -> Tensor:
    """The weighted picture's mean around every place that has none."""
    side = weighted.shape[-1]
    if side <= 2:
        return weighted.sum((2, 3), keepdim=True) / weight.sum((2, 3), keepdim=True).clamp(min=1e-6)
    coarse, coarse_weight = F.avg_pool2d(weighted, 2, ceil_mode=True), F.avg_pool2d(weight, 2, ceil_mode=True)
    filled = _pulled(coarse, coarse_weight)
    trust = (coarse_weight * 4).clamp(0, 1)
    there = torch.where(coarse_weight > 1e-6, coarse / coarse_weight.clamp(min=1e-6), filled)
    mixed = torch.lerp(filled.expand_as(there), there, trust)
    return F.interpolate(mixed, (side, side), mode="bilinear", align_corners=False)
