"""Cutting a subject out of a picture softly, and continuing what is behind it."""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.images.filters import gaussian_blur


def widened(mask: Tensor, margin: float) -> Tensor:
    """The mask [1, 1, S, S] of 0..1 grown by `margin` px, its edge as soft as that."""
    reach = max(1, round(margin))
    return gaussian_blur(F.max_pool2d(mask, 4 * reach + 1, stride=1, padding=2 * reach), reach)


def continued(picture: Tensor, mask: Tensor, margin: float) -> Tensor:
    """The picture [1, 3, S, S] with what lies around the mask [1, 1, S, S] continued over it, from coarse to fine.

    `margin` px around the mask are continued over too. Pull and push over a pyramid (Gortler et al. 1996): far from the
    mask's edge only large things go on.
    """
    reach = max(1, round(margin))
    grown = F.max_pool2d(mask, 2 * reach + 1, stride=1, padding=reach)
    known = (1 - 1.25 * grown).clamp(0, 1)
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
