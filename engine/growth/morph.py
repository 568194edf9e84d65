"""The way between two photos of one animal: shape and texture change together, feature upon feature.

Both heads are moved, by thin-plate splines through their landmarks and outlines, to the shape between them; there their
textures are mixed. What is finer than a nose is mixed so that its contrast stays: a plain cross-fade would blur it.
The worse the heads lie on each other, seen from different sides, the shorter both are seen together, and the farther
from the middle, which is left to the better photo. Where they lie well, judges prefer a change that takes most of the
way.
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
from engine.images.filters import fine_blur, gaussian_blur, smooth_ramp, smoothstep
from engine.images.matting import continued, widened
from engine.images.warping import stretches, upsample, warp
from engine.vision.alignment import EYE_DISTANCE
from engine.vision.head_parsing import LANDMARKS

_GRID = 64  # cells of the flows
# Of the spline, squared eye distances. The softest is taken that makes nothing more than _MOST_STRETCHED times as long,
# nor as short: heads that look different ways, or whose parts were found in wrong places, would be torn.
_STIFFNESSES = tuple(0.01 * 2.0**step for step in range(10))
_MOST_STRETCHED = 2.0
# Of heads that lie badly on each other, and well: how far from the middle of the way the texture is half changed, and
# the share of the way before and after that in which it changes. Judges preferred a change over most of the way to one
# that leaves the middle to one photo, in 14 of 17 films; those were of the softest splines alone.
_TURNS, _CHANGES = (0.2, 0.0), (0.14, 0.3)
_OVERLAP = (0.68, 0.8)  # of both heads, over all that either covers: up to where they lie badly, and from where well
_ASIDE = (0.25, 0.5)  # eye distances, by which one nose lies farther aside: from where on they lie badly, and wholly so
_MASK = 128  # px, at which the overlap is measured
_FINE_SIGMA = 2.0  # px: what is finer tells how crisp a photo is
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
        self._stiffness, middle = self._soft_enough()
        fit = _fit(young_growth, now_growth, middle)
        young_stays = _worth(young, young_growth) > _worth(now, now_growth)
        turn = 0.5 + (1 if young_stays else -1) * (_TURNS[0] + (_TURNS[1] - _TURNS[0]) * fit)
        change = _CHANGES[0] + (_CHANGES[1] - _CHANGES[0]) * fit
        self._from, self._to = turn - change, turn + change
        low, high = _CHEST
        down = face_plane(self._side)[:, :1, 1].to(now)
        self._above = 1 - smoothstep(((down - low) / (high - low)).clamp(0, 1))  # [S, 1]

    def at(self, share: float) -> Tensor:
        """The pet at `share` of the way, 0 the young photo and 1 today's: [1, 3, S, S] in -1..1."""
        flows = self._flows(share)
        mixed = smooth_ramp(share, self._from, self._to)
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
        flows = self._plan(share, self._stiffness).to(self._device) * (self._side / _GRID)
        return upsample(flows[:1], self._side), upsample(flows[1:], self._side)

    def _plan(self, share: float, stiffness: float) -> Tensor:
        """From each cell of the picture to where it is in the young photo and in today's: [2, 2, _GRID, _GRID]."""
        young, now = self._points
        here = torch.lerp(young, now, share)
        moves = torch.stack([young - here, now - here])
        spread = thin_plate(here.expand(2, -1, -1), moves, face_plane(_GRID), stiffness)
        return spread.permute(0, 3, 1, 2) * (EYE_DISTANCE * _GRID)

    def _soft_enough(self) -> tuple[float, Tensor]:
        """The least stiffness that tears neither photo in the middle of the way, where both are moved far; its plan."""
        for stiffness in _STIFFNESSES:
            middle = self._plan(0.5, stiffness)
            least, most = stretches(middle)
            if least * _MOST_STRETCHED >= 1 and most <= _MOST_STRETCHED:
                break
        return stiffness, middle


def _fit(young: FaceGrowth, now: FaceGrowth, middle: Tensor) -> float:
    """0..1: how well both heads lie on each other in the middle of the way, moved as its plan says."""
    masks = torch.cat([face.head_mask(_MASK) for face in (young, now)])
    heads = warp(masks, upsample(middle * (_MASK / _GRID), _MASK))
    overlap = float(heads.amin(0).sum() / heads.amax(0).sum().clamp(min=1e-6))
    nose = [LANDMARKS.index(f"nose_{side}") for side in ("left", "right")]
    aside = float((young.landmarks[nose, 0].mean() - now.landmarks[nose, 0].mean()).abs())
    return smooth_ramp(overlap, *_OVERLAP) * (1 - smooth_ramp(aside, *_ASIDE))


def _worth(photo: Tensor, growth: FaceGrowth) -> float:
    """How much a photo is worth being seen long: how crisp its head is, and less with closed eyes."""
    head = growth.head_mask(photo.shape[-1]).to(photo)
    fine = (photo - fine_blur(photo, _FINE_SIGMA)).square().mean(1, keepdim=True)
    return float((fine * head).sum().div(head.sum() + 1).sqrt()) * growth.parsed.eyes_open


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
