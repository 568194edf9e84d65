"""A photo at other ages: its own pixels moved along the growth of its face."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.growth.coat import younger_coat
from engine.growth.eyes import mend_flash, younger_eyes
from engine.growth.face_growth import FaceGrowth
from engine.images.filters import fine_blur, smooth_ramp, smoothstep
from engine.images.matting import continued, widened
from engine.images.warping import upsample, warp, without_folds
from engine.images.ycbcr import halved, rgb_to_ycbcr, to_levels
from engine.messages import Species
from engine.vision.cropping import CropWindow

_PLAN_SIDE = 64  # px, in which a plan tells a flow: it is smooth
_SIGMAS = (0.0024, 0.008)  # of the crop's side: what is finer than the first is single hairs, than the second wrinkles
# Shares of both that young fur lacks, chosen by eye: of what is finest, marked young animals have a third less than
# adults in the sharpest photos, and a twentieth less in those of usual sharpness.
_SOFTER = {Species.DOG: (0.22, 0.16), Species.CAT: (0.28, 0.16)}
_PLATE_MARGIN = 0.012  # of the crop's side, around the head, that is continued behind it too: fur has no sharp edge
_WITH_HEAD = 0.02  # of it, that moves along with the head
_LOOKS_FROM = 0.3  # age from which on eyes and fur begin to look young
MASK_EXPONENT = 5  # exponent of the superellipse |x|^p + |y|^p over which a face is changed: nearly a square
FEATHER_FROM = 0.55  # from where on it changes less, as a share of half its side


class WarpDetail:
    """Shows one photo at other ages by moving its own pixels along the growth of its face.

    Today's photo is prepared once: eyes that a flash made glow are mended, what changes in eyes and fur is known. An
    age then is one smooth flow (a `plan` of few pixels, which lies between those of the ages around) and how much of
    these changes is there: result(x) = (photo + share · change)(x + flow(x)).
    """

    def __init__(self, photo: Tensor, margin: int, growth: FaceGrowth) -> None:
        """`photo` [1, 3, S + 2·margin, S + 2·margin] aligned, -1..1, with a margin for what moves into the picture."""
        self._side, self._margin = photo.shape[-1] - 2 * margin, margin
        self._growth = growth
        self._photo = mend_flash(photo, growth, margin).contiguous(memory_format=torch.channels_last)
        eyes = younger_eyes(self._photo, growth, margin)
        coarse = F.pad(growth.head_mask(self._side), (margin,) * 4, mode="replicate").to(photo)
        self._head = widened(coarse, _WITH_HEAD)
        coat = younger_coat(self._photo, growth, margin)
        eyes = eyes if coat is None else eyes + coat
        young = self._photo + eyes
        soft, softer = (fine_blur(young, sigma * self._side) for sigma in _SIGMAS)
        finest, fine = _SOFTER[growth.species]
        self._change = eyes - growth.strength * coarse * (finest * (young - soft) + fine * (soft - softer))
        self._behind = continued(self._photo, widened(coarse, _PLATE_MARGIN))
        self._body = growth.body(_PLAN_SIDE).to(photo)

    def frame(self, age: float) -> Tensor:
        """The photo at `age`: [1, 3, S, S] in -1..1."""
        return self.carried(self.plan(age), age)

    def feathered(self, age: float) -> Tensor:
        """The same, but towards the border ever less is moved, and there nothing: [1, 3, S, S].

        So it fits into the photo without a seam.
        """
        plan = self.plan(age) * _PLAN_SIDE
        return self.carried(without_folds(plan * _inside(_PLAN_SIDE, plan.device)) / _PLAN_SIDE, age)

    def plan(self, age: float) -> Tensor:
        """Where the pixels at an age come from, [1, 2, _PLAN_SIDE, _PLAN_SIDE], in shares of the crop's side."""
        return self._growth.flow(age, _PLAN_SIDE).to(self._photo) / _PLAN_SIDE

    def carried(self, plan: Tensor, age: float) -> Tensor:
        """The photo as a plan says, with the looks of an age: [1, 3, S, S]."""
        looks = torch.add(self._photo, self._change, alpha=younger_share(age))
        head = self._moved(torch.cat([looks, self._head], 1), plan)
        return torch.lerp(self._moved(self._behind, plan * self._body), head[:, :3], head[:, 3:])

    def in_planes(self, window: CropWindow) -> Callable[[Tensor, float], Tensor]:
        """What gives that of a plan and an age which is seen in a window, as levels of a frame (`ycbcr.to_levels`)."""
        photo, change, behind = (rgb_to_ycbcr(part) for part in (self._photo, self._change, self._behind))
        fine = [torch.cat([photo[:, :1], self._head], 1), change[:, :1].clone(), behind[:, :1].clone()]
        half = [torch.cat([halved(photo[:, 1:]), halved(self._head)], 1), *(halved(p[:, 1:]) for p in (change, behind))]

        def composed(parts: list[Tensor], plan: Tensor, share: float, shrunk: int) -> Tensor:
            shown, change, behind = parts
            looks = torch.cat([torch.add(shown[:, :-1], change, alpha=share), shown[:, -1:]], 1)
            head = self._moved(looks, plan, window, shrunk)
            return torch.lerp(self._moved(behind, plan * self._body, window, shrunk), head[:, :-1], head[:, -1:])

        def levels(plan: Tensor, age: float) -> Tensor:
            share = younger_share(age)
            return to_levels(composed(fine, plan, share, 1), composed(half, plan, share, 2))

        return levels

    def _moved(self, photo: Tensor, plan: Tensor, window: CropWindow | None = None, shrunk: int = 1) -> Tensor:
        side = self._side // shrunk
        flow = upsample(plan * side, side)
        return warp(photo, _seen(flow, window, shrunk), "bicubic", _corner(window, self._margin, shrunk))


def younger_share(age: float) -> float:
    """How much of what changes in eyes and fur until eight weeks is there at `age`, 0..1: most of it comes late."""
    return smooth_ramp(age, _LOOKS_FROM, 1.0)


def _seen(face: Tensor, window: CropWindow | None, shrunk: int = 1) -> Tensor:
    return window.of(face, shrunk) if window else face


def _corner(window: CropWindow | None, margin: int = 0, shrunk: int = 1) -> tuple[int, int] | None:
    """Where a window begins in a face with a margin."""
    return window and ((margin + window.left) // shrunk, (margin + window.top) // shrunk)


def _inside(side: int, device: torch.device) -> Tensor:
    """[side, side]: 1 over the face, falling to 0 at the picture's border."""
    across = (((torch.arange(side, device=device) + 0.5) / side * 2 - 1).abs()) ** MASK_EXPONENT
    reach = (across[:, None] + across[None, :]) ** (1 / MASK_EXPONENT)
    share = ((1 - reach) / (1 - FEATHER_FROM)).clamp(0, 1)
    return smoothstep(share)
