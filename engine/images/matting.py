"""Cutting a subject out of a picture softly, and continuing what is behind it."""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.images.filters import gaussian_blur

_SIDE = 128  # px, at which masks are worked on


def widened(mask: Tensor, margin: float) -> Tensor:
    """The mask [1, 1, S, S] of 0..1 grown by `margin` of its side, its edge as soft as that."""
    small = F.interpolate(mask, (_SIDE, _SIDE), mode="area")  # a mask has nothing finer to show
    reach = max(1, round(margin * _SIDE))
    grown = gaussian_blur(F.max_pool2d(small, 4 * reach + 1, stride=1, padding=2 * reach), reach)
    return F.interpolate(grown, mask.shape[-2:], mode="bilinear", align_corners=False)


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
