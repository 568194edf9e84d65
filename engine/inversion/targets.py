"""What a search aims at."""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.stylegan.perceptual import PerceptualDistance


class Target:
    """The target at every resolution asked for, with its features, computed in `dtype` like those held against them."""

    def __init__(self, target: Tensor, extractor: PerceptualDistance, dtype: torch.dtype) -> None:
        self._target = target
        self._extractor, self._dtype = extractor, dtype
        self._kept: dict[int, tuple[list[Tensor], Tensor]] = {}

    def _picture(self, resolution: int) -> Tensor:
        """[1, 3, R, R]."""
        if self._target.shape[-1] == resolution:
            return self._target
        mode = "area" if self._target.shape[-1] > resolution else "bicubic"
        return F.interpolate(self._target, (resolution, resolution), mode=mode)

    def _at(self, resolution: int) -> tuple[list[Tensor], Tensor]:
        """The picture's pyramid and features [1, F]."""
        if resolution not in self._kept:
            with torch.no_grad():
                picture = self._picture(resolution)
                self._kept[resolution] = _pyramid(picture), self._extractor.features(picture, self._dtype)
        return self._kept[resolution]

    def distance(self, features: Tensor, resolution: int) -> Tensor:
        """The perceptual distance of a picture with these features [1, F]."""
        return (features - self._at(resolution)[1]).square().sum()

    def pixel_loss(self, picture: Tensor, resolution: int) -> Tensor:
        """L1 over a pyramid."""
        levels = zip(_pyramid(picture), self._at(resolution)[0], strict=True)
        return torch.stack([F.l1_loss(ours, theirs) for ours, theirs in levels]).mean()


def _pyramid(picture: Tensor) -> list[Tensor]:
    """The picture, at half the size and at a quarter."""
    half = F.avg_pool2d(picture, 2)
    return [picture, half, F.avg_pool2d(half, 2)]
