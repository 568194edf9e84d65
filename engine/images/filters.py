"""Blurs square pictures, and steps smoothly."""

from functools import lru_cache
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

_Shares = TypeVar("_Shares", float, Tensor, NDArray[np.float32])


def gaussian_blur(values: Tensor, sigma: float) -> Tensor:
    """`values` [..., M, M] blurred with a Gaussian of `sigma` px; beyond the border there is nothing."""
    # Two products with a matrix are several times as fast on a CPU as convolutions or pooling.
    weights = _averaging(values.shape[-1], sigma, values.device, values.dtype)
    smooth: Tensor = weights @ values @ weights.T
    return smooth


def fine_blur(pictures: Tensor, sigma: float) -> Tensor:
    """Pictures [N, C, H, W] blurred with Gaussian weights of `sigma` px, a few at most; borders repeat."""
    reach = max(1, round(3 * sigma))
    offsets = torch.arange(-reach, reach + 1, dtype=pictures.dtype, device=pictures.device)
    weights = torch.exp(-0.5 * (offsets / sigma).square())
    kernel = (weights / weights.sum()).expand(pictures.shape[1], 1, -1)
    padded = F.pad(pictures, (reach,) * 4, mode="replicate")
    down = F.conv2d(padded, kernel[..., None], groups=pictures.shape[1])
    return F.conv2d(down, kernel[:, :, None], groups=pictures.shape[1])


def smoothstep(share: _Shares) -> _Shares:
    """Map 0..1 to 0..1, with a slope of 0 at both ends (3x² − 2x³)."""
    return share * share * (3 - 2 * share)


def smooth_ramp(value: _Shares, low: float, high: float) -> _Shares:
    """Rise smoothly from 0 at `low` to 1 at `high`; beyond them it stays there."""
    share = (value - low) / (high - low)
    return smoothstep(min(max(share, 0.0), 1.0) if isinstance(share, float) else share.clip(0, 1))


@lru_cache(maxsize=32)
def _averaging(side: int, sigma: float, device: torch.device, dtype: torch.dtype) -> Tensor:
    """[side, side], whose rows are the weights of a Gaussian average around each place."""
    place = torch.arange(side, dtype=torch.float32)
    weights = torch.exp(-(((place[:, None] - place[None, :]) / sigma) ** 2) / 2)
    weights[weights < 1e-6] = 0.0  # smaller ones would become denormal numbers, which are slow
    return (weights / weights.sum(dim=1, keepdim=True)).to(device, dtype)
