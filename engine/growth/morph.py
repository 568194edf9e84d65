"""The way between two photos of one animal: its shape changes all the way, its texture once.

Both heads are moved, by thin-plate splines through their landmarks and outlines, to the shape between them. There a
picture shows the texture of one photo: two over each other look like two animals, however well they fit. At one moment
today's texture takes the place of the young one's, in the head first, all of it at once, and from there outwards; the
moment leaves the middle of the way to the better photo. Coarse colours change meanwhile, so that both textures have the
same where they meet. Image morphing after Beier and Neely (1992).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.growth.face_growth import FaceGrowth
from engine.growth.face_plane import face_plane
from engine.growth.thin_plate import thin_plate
from engine.images.filters import fine_blur, gaussian_blur, smooth_ramp, smoothstep
from engine.images.warping import stretches, upsample, warp
from engine.vision.alignment import EYE_DISTANCE

_GRID = 64  # cells of the flows, and of coarse colours
_MASK = 128  # px, at which masks are worked on
# Of the spline, squared eye distances. The softest is taken that makes nothing more than _MOST_STRETCHED times as long,
# nor as short: heads that look different ways, or whose parts were found in wrong places, would be torn.
_STIFFNESSES = tuple(0.01 * 2.0**step for step in range(10))
_MOST_STRETCHED = 2.0
_TO_BORDER = 0.4  # share of the way to the crop's border, from farther than which nothing comes: beyond it are streaks
# Share of the way at which today's texture is half-way over the picture, where it is to be shown in the middle of the
# way and where not; and the share that its spreading takes.
_EARLY, _LATE = 0.34, 0.66
_SPREADING = 0.3
_SLOW_START = 1.5  # exponent of the spreading: the head, where it begins, is looked at most
_MIDDLE, _RADIUS = (0.0, 0.25), 1.25  # of a face, on the face plane
_HEAD = 0.7  # radii, at which all of the head changes: none is of both photos
_HEAD_EDGE = 0.03  # of the crop's side, over which the head ends
# Radii over which one texture fades into the other, in the head and outside it, where a ring would be seen.
_FRONT, _OUTER_FRONT = 0.4, 1.0
_COARSE_SIGMA = 0.13  # of the crop's side: coarse colours have no features that could be seen twice
_COLOURING = 0.32  # share of the way before and after the texture's change in which colours change
_FINE_SIGMA = 2.0  # px: what is finer tells how crisp a photo is, and keeps its contrast


class FaceMorph:
    """Leads from the young photo of a pet to today's, both aligned, [1, 3, S, S] in -1..1."""

    def __init__(self, young: Tensor, young_growth: FaceGrowth, now: Tensor, now_growth: FaceGrowth) -> None:
        self._side = now.shape[-1]
        self._young, self._now = _with_fine(young), _with_fine(now)
        young_first = _worth(self._young, young_growth) > _worth(self._now, now_growth)
        self._turn = _LATE if young_first else _EARLY
        self._coarse = torch.cat([_coarse(young), _coarse(now)])
        self._points = _common_points(young_growth, now_growth)
        self._stiffness = self._soft_enough()
        radius = self._radius(young_growth, now_growth)
        front = _FRONT + (_OUTER_FRONT - _FRONT) * smooth_ramp(radius, _HEAD, 2 * _HEAD)
        self._begins, self._ends = radius - front / 2, radius + front / 2  # [1, 1, S, S], of the change in each place

    def at(self, share: float) -> Tensor:
        """The pet at `share` of the way, 0 the young photo and 1 today's: [1, 3, S, S] in -1..1."""
        plan = self._plan(share, self._stiffness).to(self._coarse)
        towards, recoloured = warp(self._coarse, plan), self._recoloured(share)
        colours = upsample(towards[1:] - towards[:1], self._side)
        flow = upsample(plan * (self._side / _GRID), self._side)
        done = (share - self._turn) / _SPREADING + 0.5
        if done <= 0:
            return warp(self._young[:, :3], flow[:1], "bicubic") + recoloured * colours
        if done >= 1:
            return warp(self._now[:, :3], flow[1:], "bicubic") + (recoloured - 1) * colours
        young, young_fine = torch.split(warp(self._young, flow[:1], "bicubic"), 3, 1)
        now, now_fine = torch.split(warp(self._now, flow[1:], "bicubic"), 3, 1)
        of_now = self._of_now(done)
        mixed = torch.lerp(young, now, of_now) + (recoloured - of_now) * colours
        # What is fine differs in both: mixed like the rest, it would lose contrast, which is seen as blur.
        angle = of_now * (math.pi / 2)
        return mixed + (angle.cos() - 1 + of_now) * young_fine + (angle.sin() - of_now) * now_fine

    def _recoloured(self, share: float) -> float:
        """How far coarse colours have changed, 0..1."""
        return smooth_ramp(share, self._turn - _COLOURING, self._turn + _COLOURING)

    def _radius(self, young: FaceGrowth, now: FaceGrowth) -> Tensor:
        """[1, 1, S, S]: how far from the middle of the face a place is, all of both heads being near."""
        masks = torch.cat([face.head_mask(_MASK) for face in (young, now)])
        plan = self._plan(self._turn, self._stiffness)
        heads = warp(masks, upsample(plan * (_MASK / _GRID), _MASK)).amax(0, keepdim=True)
        away = ((face_plane(_MASK) - torch.tensor(_MIDDLE)) / _RADIUS).norm(dim=-1).clamp(min=_HEAD)
        near = (2 * gaussian_blur(heads, _HEAD_EDGE * _MASK)).clamp(max=1)  # 1 up to the edge, tips of ears included
        radius = torch.lerp(away, torch.full_like(away, _HEAD), near)
        return upsample(radius, self._side).to(self._coarse)

    def _of_now(self, done: float) -> Tensor:
        """Today's share in each place, [1, 1, S, S], where its texture has spread so far as `done`, 0..1, says."""
        first, last = float(self._begins.min()), float(self._ends.max())
        front = first + done**_SLOW_START * (last - first)
        passed: Tensor = (front - self._begins) / (self._ends - self._begins)
        return smoothstep(passed.clamp(0, 1))

    def _plan(self, share: float, stiffness: float) -> Tensor:
        """From each cell of the picture to where it is in the young photo and in today's: [2, 2, _GRID, _GRID]."""
        young, now = self._points
        here = torch.lerp(young, now, share)
        moves = torch.stack([young - here, now - here])
        spread = thin_plate(here.expand(2, -1, -1), moves, face_plane(_GRID), stiffness)
        plan = spread.permute(0, 3, 1, 2) * (EYE_DISTANCE * _GRID)
        before = (torch.arange(_GRID) + 0.5) * _TO_BORDER
        left_and_above = torch.stack([before.expand(_GRID, -1), before[:, None].expand(-1, _GRID)])
        return plan.clamp(-left_and_above, left_and_above.flip(1, 2))

    def _soft_enough(self) -> float:
        """The least stiffness at which neither photo is torn when the texture changes, when both are moved far."""
        for stiffness in _STIFFNESSES:
            least, most = stretches(self._plan(self._turn, stiffness))
            if least * _MOST_STRETCHED >= 1 and most <= _MOST_STRETCHED:
                return stiffness
        return _STIFFNESSES[-1]


def _with_fine(photo: Tensor) -> Tensor:
    """[1, 6, S, S]: a photo, and what in it is fine."""
    return torch.cat([photo, photo - fine_blur(photo, _FINE_SIGMA)], 1)


def _worth(photo: Tensor, growth: FaceGrowth) -> float:
    """How much a photo `_with_fine` is worth being seen long: how crisp its head is, and less with closed eyes."""
    head = growth.head_mask(photo.shape[-1]).to(photo)
    crisp = (photo[:, 3:].square().mean(1, keepdim=True) * head).sum().div(head.sum() + 1).sqrt()
    return float(crisp) * growth.parsed.eyes_open


def _coarse(photo: Tensor) -> Tensor:
    """[1, 3, _GRID, _GRID]: the coarse colours of a photo."""
    return gaussian_blur(F.interpolate(photo, (_GRID, _GRID), mode="area"), _COARSE_SIGMA * _GRID)


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
