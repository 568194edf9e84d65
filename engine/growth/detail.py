"""A photo at other ages: its own pixels moved along the growth of its face."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.growth.coat import younger_coat
from engine.growth.eyes import mend_flash, younger_eyes
from engine.growth.face_growth import FaceGrowth
from engine.images.filters import fine_blur, smooth_ramp, smoothstep
from engine.images.matting import continued, widened
from engine.images.warping import warp_smoothly, without_folds
from engine.images.ycbcr import rgb_to_ycbcr, to_levels
from engine.messages import Species
from engine.vision.cropping import CropWindow

Ages = TypeVar("Ages", float, Tensor)

_PLAN_SIDE = 64  # px, in which a plan tells a flow: it is smooth
_SIGMAS = (0.0024, 0.008)  # of the crop's side: what is finer than the first is single hairs, than the second wrinkles
# Shares of both that young fur lacks, chosen by eye: of what is finest, marked young animals have a third less than
# adults in the sharpest photos, and a twentieth less in those of usual sharpness.
SOFTER = {Species.DOG: (0.22, 0.16), Species.CAT: (0.28, 0.16)}
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
        self._side, self._growth = photo.shape[-1] - 2 * margin, growth
        today = mend_flash(photo, growth, margin).contiguous(memory_format=torch.channels_last)
        eyes = younger_eyes(today, growth, margin)
        coarse = F.pad(growth.head_mask(self._side), (margin,) * 4, mode="replicate").to(photo)
        head = widened(coarse, _WITH_HEAD)
        coat = younger_coat(today, growth, margin)
        eyes = eyes if coat is None else eyes + coat.change
        young = today + eyes
        soft, softer = (fine_blur(young, sigma * self._side) for sigma in _SIGMAS)
        finest, fine = SOFTER[growth.species]
        change = eyes - growth.strength * coarse * (finest * (young - soft) + fine * (soft - softer))
        plate = widened(coarse, _PLATE_MARGIN)
        body = continued(coat.change, plate) if coat is not None and coat.of_body else None
        behind = continued(today, plate)
        self._layers = _Layers(torch.cat([today, head], 1), F.pad(change, (0, 0, 0, 0, 0, 1)), behind, body)
        self._body = growth.body(_PLAN_SIDE).to(photo)
        moving = self._body.amax((0, 1, 3)).nonzero()
        # Share of the side, above which nothing moves behind the head: a row of the plan reaches to the rows beside it.
        self._moves_from = (float(moving[0]) - 0.5) / _PLAN_SIDE if len(moving) else 1.0

    @property
    def nbytes(self) -> int:
        """The memory that it takes."""
        return self._layers.nbytes

    def frame(self, age: float) -> Tensor:
        """The photo at `age`: [1, 3, S, S] in -1..1."""
        return self.carried(self.plan(age), age)

    def feathered(self, age: float) -> Tensor:
        """The same, but towards the border ever less is moved, and there nothing: [1, 3, S, S].

        So it fits into the photo without a seam.
        """
        plan, whole = self.plan(age) * _PLAN_SIDE, range(self._side)
        plan = without_folds(plan * _inside(_PLAN_SIDE, plan.device)) / _PLAN_SIDE
        return self._moved(self._layers.feathered(self._side), plan, age, whole, whole)

    def plan(self, age: float) -> Tensor:
        """Where the pixels at an age come from, [1, 2, _PLAN_SIDE, _PLAN_SIDE], in shares of the crop's side."""
        return self._growth.flow(age, _PLAN_SIDE).to(self._body) / _PLAN_SIDE

    def carried(self, plan: Tensor, age: float, window: CropWindow | None = None) -> Tensor:
        """The photo as a plan says, with the looks of an age: [1, 3, S, S], or what of it is seen in a window."""
        whole = range(self._side)
        rows, columns = (whole, whole) if window is None else (window.rows(), window.columns())
        return self._moved(self._layers, plan, age, rows, columns)

    def in_planes(self, window: CropWindow) -> Callable[[Tensor, float], Tensor]:
        """What gives that of a plan and an age which is seen in a window, as levels of a frame (`ycbcr.to_levels`)."""
        planes = self._layers.mapped(rgb_to_ycbcr)
        fine, half = planes.mapped(lambda part: part[:, :1]), planes.mapped(lambda part: part[:, 1:]).shrunk(2)

        def levels(plan: Tensor, age: float) -> Tensor:
            luma = self._moved(fine, plan, age, window.rows(), window.columns())
            return to_levels(luma, self._moved(half, plan, age, window.rows(2), window.columns(2), 2))

        return levels

    def small(self, window: CropWindow, times: int) -> Callable[[Tensor, float], Tensor]:
        """What gives that of a plan and an age which is seen in a window, so many times smaller: [1, 3, s, s]."""
        layers = self._layers.shrunk(times)
        return lambda plan, age: self._moved(layers, plan, age, window.rows(times), window.columns(times), times)

    def _moved(
        self, layers: "_Layers", plan: Tensor, age: float, rows: range, columns: range, shrunk: int = 1
    ) -> Tensor:
        """Rows and columns of the layers, `shrunk` so many times, as a plan says, with the looks of an age."""
        side = self._side // shrunk
        head = warp_smoothly(layers.at(age), plan, side, rows, columns)
        still = range(rows.start, min(max(rows.start, int(self._moves_from * side)), rows.stop))
        moving = range(still.stop, rows.stop)
        whole = layers.behind_at(age)
        margin = (whole.shape[-1] - side) // 2
        top, left = margin + rows.start, margin + columns.start
        behind = whole[..., top : top + len(still), left : left + len(columns)]
        if moving:
            behind = torch.cat([behind, warp_smoothly(whole, plan * self._body, side, moving, columns)], 2)
        return torch.lerp(behind, head[:, :-1], head[:, -1:])


@dataclass(frozen=True, slots=True, eq=False)
class _Layers:
    """A photo in parts, each [1, C, S, S]; the last channel of the first two is that of the head's mask."""

    today: Tensor  # with the mask, 0..1
    change: Tensor  # what is added to it until eight weeks
    behind: Tensor  # the photo without its head
    body: Tensor | None = None  # what is added to that until eight weeks, where the coat of the body changes

    @property
    def nbytes(self) -> int:
        """The memory that they take."""
        parts = (self.today, self.change, self.behind, self.body)
        return sum(part.nbytes for part in parts if part is not None)

    def at(self, age: float) -> Tensor:
        """Today's photo with the looks of an age, and the mask."""
        share = younger_share(age)
        return torch.add(self.today, self.change, alpha=share) if share else self.today

    def behind_at(self, age: float) -> Tensor:
        """What is behind the head, with the coat of an age."""
        share = younger_share(age)
        return self.behind if self.body is None or not share else torch.add(self.behind, self.body, alpha=share)

    def feathered(self, side: int) -> "_Layers":
        """The same, but towards the border of the crop of `side` px the body keeps ever more of its colour."""
        if self.body is None:
            return self
        margin = (self.body.shape[-1] - side) // 2
        return replace(self, body=self.body * F.pad(_inside(side, self.body.device), (margin,) * 4))

    def mapped(self, change: Callable[[Tensor], Tensor]) -> "_Layers":
        """The same in other colours."""
        today, changed = (torch.cat([change(part[:, :-1]), part[:, -1:]], 1) for part in (self.today, self.change))
        body = None if self.body is None else change(self.body).contiguous()
        return _Layers(today, changed, change(self.behind).contiguous(), body)

    def shrunk(self, times: int) -> "_Layers":
        """The same, so many times smaller."""
        today, change, behind = (F.avg_pool2d(part, times) for part in (self.today, self.change, self.behind))
        return _Layers(today, change, behind, None if self.body is None else F.avg_pool2d(self.body, times))


def younger_share(age: Ages) -> Ages:
    """How much of what changes in eyes and fur until eight weeks is there at `age`, 0..1: most of it comes late."""
    return smooth_ramp(age, _LOOKS_FROM, 1.0)


def _inside(side: int, device: torch.device) -> Tensor:
    """[side, side]: 1 over the face, falling to 0 at the picture's border."""
    across = (((torch.arange(side, device=device) + 0.5) / side * 2 - 1).abs()) ** MASK_EXPONENT
    reach = (across[:, None] + across[None, :]) ** (1 / MASK_EXPONENT)
    share = ((1 - reach) / (1 - FEATHER_FROM)).clamp(0, 1)
    return smoothstep(share)
