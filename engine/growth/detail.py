"""The photo's own detail carried along the motion of the edit.

The generator draws softer than a camera. So its pictures are used for what they know, how the face changes, and the
photo for what it knows, each hair. With N0 the network's picture at age 0 and Na at age a, both enlarged, and φ
the motion seen between them,

    result(x) = Na(x) + c(x) · (photo − N0)(φ(x)),

which is the photo itself at age 0 and moves away from it continuously; c fades the detail where the looks have
changed so much that it no longer belongs. The motion is found between neighbouring ages, where it is small,
composed along the chain and refined once from end to end: iterated least squares over small windows with a pull to
the motion around (after Lucas and Kanade 1981, and Bruhn, Weickert and Schnörr, "Lucas/Kanade Meets Horn/Schunck",
2005), from coarse to fine, on contrasts rather than colours, as colours drift.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.growth.eyes import mend_flash, younger_eyes
from engine.growth.face_growth import FaceGrowth
from engine.growth.optical_flow import FLOW_SIDE, MATCHING_SIGMA, composed_flow
from engine.images.filters import gaussian_blur, smoothstep
from engine.images.warping import enlarged, resize, resize_flow, upsample, warp, without_folds
from engine.images.ycbcr import halved, rgb_to_ycbcr, to_levels
from engine.vision.cropping import CropWindow

_PLAN_SIDE = 64  # px, in which a plan tells a flow: it is smooth
_FINEST_SIGMA = 0.0024  # of the crop's side: what is finer is fur and noise
# Share of it that young fur lacks, chosen by eye: marked young animals have a third less than adults in the sharpest
# photos, and a twentieth less in those of usual sharpness.
_SOFTER = 0.18
_LOOKS_FROM = 0.3  # age from which on eyes and fur begin to look young
MASK_EXPONENT = 5  # exponent of the superellipse |x|^p + |y|^p over which a face is changed: nearly a square
FEATHER_FROM = 0.55  # from where on it changes less, as a share of half its side
FADE_SCALE = 0.18  # change of looks, of the range 2 of a picture, at which the detail has faded to 1/e


class FlowDetail:
    """Carries the detail of one photo along an edit whose motion is seen in the network's pictures.

    Not bound to a device; keeps its inputs' dtype.
    """

    def __init__(self, photo: Tensor, chain: Tensor, ages: Sequence[float]) -> None:
        """`photo` [1, 3, S, S] aligned; `chain` [K, 3, R, R] the network's pictures at the K `ages`.

        Pictures are in -1..1, ages rise, and 0 is among them. The closer the ages, the surer the motion: 8 to 20
        for a whole life are plenty.
        """
        self.ages = list(ages)
        if len(self.ages) != len(chain) or sorted(set(self.ages)) != self.ages or 0.0 not in self.ages:
            raise ValueError("the ages must rise, belong to the chain, and contain 0")
        self.photo = photo
        self.now = chain[self.ages.index(0.0)][None]
        self.detail = photo - enlarged(self.now, photo.shape[-1])
        self.flow = composed_flow(resize(chain, min(FLOW_SIDE, chain.shape[-1])), self.ages.index(0.0))

    def frame(self, age: float, picture: Tensor) -> Tensor:
        """The photo at `age` [1, 3, S, S], where `picture` [1, 3, R, R] is what the network draws at that age.

        Ages beyond the chain are carried like its end. At age 0 it is the photo.
        """
        return enlarged(picture, self.photo.shape[-1]) + self.residual(age, picture)

    def residual(self, age: float, picture: Tensor, window: CropWindow | None = None) -> Tensor:
        """What of that the picture, `enlarged`, lacks; only what is seen in the window, if there is one."""
        flow = self._motion_at(age)
        side = self.photo.shape[-1]
        looks = picture - warp(self.now, resize_flow(flow, picture.shape[-1]))
        change = gaussian_blur(looks.square().mean(1, keepdim=True), MATCHING_SIGMA).sqrt()
        kept = torch.exp(-((change / (2 * FADE_SCALE)) ** 2))
        ways, kept = (_seen(smooth, window) for smooth in (resize_flow(flow, side), upsample(kept, side)))
        return kept * warp(self.detail, ways, "bicubic", _corner(window))

    def _motion_at(self, age: float) -> Tensor:
        """[1, 2, M, M], between the two ages of the chain around `age`."""
        after = next((i for i, known in enumerate(self.ages) if known >= age), len(self.ages) - 1)
        before = max(after - 1, 0)
        gap = self.ages[after] - self.ages[before]
        share = min(max((age - self.ages[before]) / gap, 0.0), 1.0) if gap else 1.0
        return torch.lerp(self.flow[before], self.flow[after], share)[None]


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
        head = F.pad(growth.head_mask(self._side), (margin,) * 4, mode="replicate").to(photo)
        finest = self._photo - gaussian_blur(self._photo, _FINEST_SIGMA * self._side)
        self._change = eyes - _SOFTER * growth.strength * head * finest

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
        return self._moved(looks, plan)

    def in_planes(self, window: CropWindow) -> Callable[[Tensor, float], Tensor]:
        """What gives that of a plan and an age which is seen in a window, as levels of a frame (`ycbcr.to_levels`)."""
        photo, change = rgb_to_ycbcr(self._photo), rgb_to_ycbcr(self._change)
        luma, chroma = photo[:, :1].clone(), halved(photo[:, 1:])
        luma_change, chroma_change = change[:, :1].clone(), halved(change[:, 1:])

        def levels(plan: Tensor, age: float) -> Tensor:
            share = younger_share(age)
            moved = self._moved(torch.add(luma, luma_change, alpha=share), plan, window)
            flow = _seen(upsample(plan * (self._side // 2), self._side // 2), window, 2)
            colours = torch.add(chroma, chroma_change, alpha=share)
            return to_levels(moved, warp(colours, flow, "bicubic", _corner(window, self._margin, 2)))

        return levels

    def _moved(self, photo: Tensor, plan: Tensor, window: CropWindow | None = None) -> Tensor:
        flow = upsample(plan * self._side, self._side)
        return warp(photo, _seen(flow, window), "bicubic", _corner(window, self._margin))


def younger_share(age: float) -> float:
    """How much of what changes in eyes and fur until eight weeks is there at `age`, 0..1: most of it comes late."""
    return smoothstep(min(max((age - _LOOKS_FROM) / (1 - _LOOKS_FROM), 0.0), 1.0))


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
