"""The picture that a search approaches."""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.stylegan.perceptual import PerceptualDistance


class Target:
    """A picture with its features at every resolution, computed in `dtype` like those they are compared with."""

    def __init__(self, target: Tensor, extractor: PerceptualDistance, dtype: torch.dtype) -> None:
        self._target = target
        self._extractor, self._dtype = extractor, dtype
        self._kept: dict[int, tuple[list[Tensor], Tensor]] = {}

    def _at(self, resolution: int) -> tuple[list[Tensor], Tensor]:
        """The picture's pyramid and features [1, F]."""
        if resolution not in self._kept:
            with torch.no_grad():
                picture = resized(self._target, resolution)
                self._kept[resolution] = _pyramid(picture), self._extractor.features(picture, self._dtype)
        return self._kept[resolution]

    def distance(self, features: Tensor, resolution: int) -> Tensor:
        """Perceptual distance, [], to a picture with the features [1, F]."""
        return (features - self._at(resolution)[1]).square().sum()

    def pixel_loss(self, picture: Tensor, resolution: int) -> Tensor:
        """Mean L1 distance to a picture [1, 3, R, R] at three sizes."""
        levels = zip(_pyramid(picture), self._at(resolution)[0], strict=True)
        return torch.stack([F.l1_loss(ours, theirs) for ours, theirs in levels]).mean()


def resized(pictures: Tensor, side: int) -> Tensor:
    """Pictures [N, 3, R, R] at another size: averaged when shrinking, bicubic when growing."""
    if pictures.shape[-1] == side:
        return pictures
    return F.interpolate(pictures, (side, side), mode="area" if pictures.shape[-1] > side else "bicubic")


def _pyramid(picture: Tensor) -> list[Tensor]:
    """The picture at full, half and quarter size."""
    half = F.avg_pool2d(picture, 2)
    return [picture, half, F.avg_pool2d(half, 2)]
