"""The way between two photos of one animal: shape and texture change together, feature upon feature.

Both heads are moved, by thin-plate splines through their landmarks and outlines, to the shape between them; there their
textures are mixed. What is finer than a nose is mixed so that its contrast stays: a plain cross-fade would blur it.
Image morphing after Beier and Neely (1992), with the bands of Burt and Adelson (1983).
"""

import math

import torch
from torch import Tensor

from engine.growth.face_growth import FaceGrowth
from engine.growth.face_plane import face_plane
from engine.growth.thin_plate import thin_plate
from engine.images.filters import gaussian_blur, smooth_ramp
from engine.images.warping import upsample, warp
from engine.vision.alignment import EYE_DISTANCE

_GRID = 64  # cells of the flows
_STIFFNESS = 0.01  # of the spline, squared eye distances
_FROM, _TO = 0.2, 0.8  # share of the way at which the texture begins to change, and has changed
_BAND_SIGMA = 0.012  # of the crop's side: what is finer keeps its contrast


class FaceMorph:
    """Mixes the aligned photos of one pet, young and today, both [1, 3, S, S] in -1..1."""

    def __init__(self, young: Tensor, young_growth: FaceGrowth, now: Tensor, now_growth: FaceGrowth) -> None:
        self._young, self._now = _bands(young), _bands(now)
        self._points = _common_points(young_growth, now_growth)
        self._side = now.shape[-1]

    def at(self, share: float) -> Tensor:
        """The pet at `share` of the way, 0 the young photo and 1 today's: [1, 3, S, S] in -1..1."""
        young, now = self._flows(share)
        mixed = smooth_ramp(share, _FROM, _TO)
        angle = mixed * math.pi / 2
        soft = torch.lerp(warp(self._young[0], young, "bicubic"), warp(self._now[0], now, "bicubic"), mixed)
        fine = warp(self._young[1], young, "bicubic") * math.cos(angle) + warp(self._now[1], now, "bicubic") * math.sin(
            angle
        )
        return soft + fine

    def _flows(self, share: float) -> tuple[Tensor, Tensor]:
        """From each pixel of the picture to where it is in both photos: [1, 2, S, S] px."""
        young, now = self._points
        here = torch.lerp(young, now, share)
        moves = torch.stack([young - here, now - here])
        spread = thin_plate(here.expand(2, -1, -1), moves, face_plane(_GRID), _STIFFNESS)
        flows = spread.permute(0, 3, 1, 2).to(self._now[0]) * (EYE_DISTANCE * self._side)
        return upsample(flows[:1], self._side), upsample(flows[1:], self._side)


def _bands(photo: Tensor) -> tuple[Tensor, Tensor]:
    """What of a photo is soft, and what is fine."""
    soft = gaussian_blur(photo, _BAND_SIGMA * photo.shape[-1])
    return soft, photo - soft


def _common_points(young: FaceGrowth, now: FaceGrowth) -> tuple[Tensor, Tensor]:
    """Points [P, 2] that both faces have, on the face plane: landmarks, outline, and the rim of the crop."""
    both = young.seen & now.seen
    rays = (young.outline[0][:, 0] > 0) & (now.outline[0][:, 0] > 0)
    found = []
    for face in (young, now):
        landmarks, outline = face.landmarks[both], face.outline_points[rays]
        found.append((landmarks, outline))
    apart = (torch.cdist(found[0][1], found[0][0]) > FaceGrowth.NEAR).all(1)
    apart &= (torch.cdist(found[1][1], found[1][0]) > FaceGrowth.NEAR).all(1)
    rim = FaceGrowth.rim()
    first, second = (torch.cat([landmarks, outline[apart], rim]) for landmarks, outline in found)
    return first, second
