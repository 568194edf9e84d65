"""The way between two photos of one animal: shape and texture change together, feature upon feature.

Both heads are moved, by thin-plate splines through their landmarks and outlines, to the shape between them; there their
textures are mixed. What is finer than a nose is mixed so that its contrast stays: a plain cross-fade would blur it.
Where only one of the two has head, such as an ear that hangs in one photo and stands in the other, it is not mixed with
what is behind the other: it goes, or comes, while what is behind both continues there.
Image morphing after Beier and Neely (1992), with the bands of Burt and Adelson (1983).
"""

import math

import torch
from torch import Tensor

from engine.growth.face_growth import FaceGrowth
from engine.growth.face_plane import face_plane
from engine.growth.thin_plate import thin_plate
from engine.images.filters import gaussian_blur, smooth_ramp, smoothstep
from engine.images.matting import continued, widened
from engine.images.warping import upsample, warp
from engine.vision.alignment import EYE_DISTANCE

_GRID = 64  # cells of the flows
_STIFFNESS = 0.01  # of the spline, squared eye distances
_FROM, _TO = 0.2, 0.8  # share of the way at which the texture begins to change, and has changed
_BAND_SIGMA = 0.012  # of the crop's side: what is finer keeps its contrast
_FUR = 0.012  # of the crop's side, by which fur goes beyond the head's mask
# Share of a head, from which on it is there where the other photo has none, and over how much of it that changes: above
# a half, so that in the middle neither is.
_THERE_FROM, _THERE_OVER = 0.6, 0.3
_APART = (0.2, 0.85)  # difference of both masks, from where to where only one has head
_CHEST = (0.7, 1.1)  # y on the face plane, from where to where what is behind a head is its own body
_NO_HEAD = 0.02  # share of a head that is none
_ENDS = 0.1  # share mixed, below which the photo itself is shown


class _PhotoBands:
    """A photo in parts, each [1, C, S, S] in -1..1."""

    def __init__(self, photo: Tensor, growth: FaceGrowth) -> None:
        soft = gaussian_blur(photo, _BAND_SIGMA * photo.shape[-1])
        head = growth.head_mask(photo.shape[-1]).to(photo)
        self._bands = torch.cat([soft, photo - soft], 1)
        self._behind = torch.cat([continued(photo, widened(head, _FUR)), head], 1)

    def bands(self, flow: Tensor) -> list[Tensor]:
        """What is soft, and what is finer, along a flow [1, 2, S, S] in px."""
        return list(torch.split(warp(self._bands, flow, "bicubic"), 3, 1))

    def behind(self, flow: Tensor) -> list[Tensor]:
        """The photo without its head, and where that is, 0..1, along a flow."""
        return list(torch.split(warp(self._behind, flow), [3, 1], 1))


class FaceMorph:
    """Mixes the aligned photos of one pet, young and today, both [1, 3, S, S] in -1..1."""

    def __init__(self, young: Tensor, young_growth: FaceGrowth, now: Tensor, now_growth: FaceGrowth) -> None:
        self._young, self._now = _PhotoBands(young, young_growth), _PhotoBands(now, now_growth)
        self._points = _common_points(young_growth, now_growth)
        self._side, self._device = now.shape[-1], now.device
        low, high = _CHEST
        down = face_plane(self._side)[:, :1, 1].to(now)
        self._above = 1 - smoothstep(((down - low) / (high - low)).clamp(0, 1))  # [S, 1]

    def at(self, share: float) -> Tensor:
        """The pet at `share` of the way, 0 the young photo and 1 today's: [1, 3, S, S] in -1..1."""
        flows = self._flows(share)
        mixed = smooth_ramp(share, _FROM, _TO)
        if not 0 < mixed < 1:
            return self._blended(flows, torch.full_like(flows[0][:, :1], mixed))
        of_now, behind, seen = self._apart(flows, mixed)
        return torch.lerp(self._blended(flows, of_now), behind, seen)

    def _blended(self, flows: tuple[Tensor, Tensor], of_now: Tensor) -> Tensor:
        """Both photos, of today's so much as `of_now` [1, 1, S, S] says: [1, 3, S, S]."""
        (young, young_fine), (now, now_fine) = self._young.bands(flows[0]), self._now.bands(flows[1])
        angle = of_now * (math.pi / 2)
        return torch.lerp(young, now, of_now) + young_fine * angle.cos() + now_fine * angle.sin()

    def _apart(self, flows: tuple[Tensor, Tensor], mixed: float) -> tuple[Tensor, Tensor, Tensor]:
        """What becomes of places where only one photo has head, when today's has a share `mixed`.

        Today's share in each place, what is behind both heads, and where that is seen: [1, 1 or 3, S, S].
        """
        (young_behind, young), (now_behind, now) = self._young.behind(flows[0]), self._now.behind(flows[1])
        low, high = _APART
        apart = widened(smoothstep((((young - now).abs() - low) / (high - low)).clamp(0, 1)), _FUR)
        apart = apart * self._above * smooth_ramp(min(mixed, 1 - mixed), 0.0, _ENDS)
        outline = torch.lerp(young, now, mixed)
        there = smoothstep(((outline - _THERE_FROM) / _THERE_OVER + 0.5).clamp(0, 1))
        headed = mixed * (now + _NO_HEAD) / (outline + _NO_HEAD)
        of_now = torch.lerp(torch.full_like(apart, mixed), headed, apart)
        return of_now, torch.lerp(young_behind, now_behind, mixed), apart * (1 - there)

    def _flows(self, share: float) -> tuple[Tensor, Tensor]:
        """From each pixel of the picture to where it is in both photos: [1, 2, S, S] px."""
        young, now = self._points
        here = torch.lerp(young, now, share)
        moves = torch.stack([young - here, now - here])
        spread = thin_plate(here.expand(2, -1, -1), moves, face_plane(_GRID), _STIFFNESS)
        flows = spread.permute(0, 3, 1, 2).to(self._device) * (EYE_DISTANCE * self._side)
        return upsample(flows[:1], self._side), upsample(flows[1:], self._side)


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
