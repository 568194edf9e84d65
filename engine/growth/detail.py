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
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.growth.eyes import blueness
from engine.growth.optical_flow import FLOW_SIDE, MATCHING_SIGMA, composed_flow
from engine.growth.warp import hair_band, hair_fade
from engine.images.filters import gaussian_blur, smoothstep
from engine.images.warping import enlarged, resize, resize_flow, upsample, warp
from engine.images.ycbcr import halved, rgb_to_ycbcr, to_levels, ycbcr_to_rgb
from engine.vision.cropping import CropWindow

APPEARANCE_SIGMA = 0.03  # of the picture's side, σ of the changes of looks that are taken from the network alone
NOISE_LEVEL = (
    0.06  # change of looks, of the range 2 of a picture, that is as likely the network's error as the age's doing
)
STRENGTH_SIGMA = 0.04  # of the picture's side, σ over which a change must be strong to be believed
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


class Growth(Protocol):
    """How a face grows. All is smooth, so that a side of few pixels tells it."""

    def flow(self, age: float, side: int) -> Tensor:
        """The way from each pixel at an age to today's: [1, 2, side, side] in px."""

    def coat_mask(self, age: float, side: int) -> Tensor:
        """What of the face at an age may change in looks: [1, 1, side, side] of 0..1."""

    def head_mask(self, side: int) -> Tensor:
        """Where strands of hair may fade: [1, 1, side, side] of 0..1."""

    def young_eyes(self, face: Tensor) -> Tensor:
        """What is added to the chroma of the eyes in youth, [1, 2, M, M], for today's face in luma and chroma."""


class WarpDetail:
    """Carries the detail of one photo along an edit whose motion is known (`engine.growth.warp`).

    Then the network has to tell only how the looks change, coat and light, which it draws too softly for more than the
    large: result(x) = photo(φ(x)) + smooth(Na(x) − N0(φ(x))), in the coat, which becomes softer besides. Eyes keep
    their looks but for their colour (`engine.growth.eyes`).
    All but the photo is smooth, in place and in age: a `plan` of few pixels says it, and lies between those of the ages
    around. The photo as a plan says comes in colours (`carried`) or, in half the time, as films keep it (`levels`).
    """

    def __init__(
        self,
        photo: Tensor,
        margin: int,
        now: Tensor,
        growth: Growth,
    ) -> None:
        """`photo` [1, 3, S + 2·margin, S + 2·margin] aligned, with a margin for what moves into the picture.

        `now` [1, 3, R, R] is the network's picture at age 0; both in -1..1.
        """
        self._side, self._now = photo.shape[-1] - 2 * margin, now
        self._growth = growth
        self._photo = photo.contiguous(memory_format=torch.channels_last)
        small = halved(photo)
        self._strands = hair_band(small, self._side // 2)  # at half the size it is as good
        rim = margin // 2
        face = rgb_to_ycbcr(small)[..., rim:-rim, rim:-rim]
        self._young_eyes = F.pad(growth.young_eyes(face), (rim, rim, rim, rim))
        self._margin = margin

    def frame(self, age: float, picture: Tensor) -> Tensor:
        """The photo at `age` [1, 3, S, S], where `picture` [1, 3, R, R] is what the network draws at that age."""
        return self.carried(self.plan(age, picture))

    def feathered(self, age: float, picture: Tensor) -> Tensor:
        """The same, but towards the border ever less is changed, and there nothing: [1, 3, S, S].

        So it fits into the photo without a seam, and no ear is seen twice, as where one picture fades into another.
        """
        plan = self.plan(age, picture)
        feathered = plan * _inside(plan.shape[-1], plan.device)
        feathered[:, 3] = plan[:, 3]  # eyes are far from it
        return self.carried(feathered)

    def plan(self, age: float, picture: Tensor) -> Tensor:
        """What is to be done at an age, [1, 7, R, R].

        Motion (in pictures), shares of the strands that have faded and of the eyes' change, change of looks.
        """
        side = picture.shape[-1]
        flow, coat_mask = self._growth.flow(age, side), self._growth.coat_mask(age, side)
        change = coat_mask * _smoothed_looks(picture - warp(self._now, flow))
        eyes = torch.full_like(coat_mask, blueness(age))
        fades = hair_fade(torch.tensor(age)).to(coat_mask) * coat_mask * self._growth.head_mask(side)
        return torch.cat([flow / side, fades, eyes, change], 1)

    def carried(self, plan: Tensor) -> Tensor:
        """The photo as a plan says: [1, 3, S, S]."""
        flow, change = self._looks(plan, plan[:, 4:], self._strands)
        change = change + ycbcr_to_rgb(warp(self._eyes(plan), flow, "bicubic"))
        return self._moved(self._photo, plan) + upsample(change, self._side)

    def in_planes(self, window: CropWindow) -> Callable[[Tensor], Tensor]:
        """What gives that of a plan which is seen in a window, as levels of a frame
        (`engine.images.ycbcr.to_levels`).
        """
        planes = rgb_to_ycbcr(self._photo)
        photo_luma, photo_chroma = planes[:, :1].clone(), halved(planes[:, 1:])  # so that the planes are not kept
        hair_band = rgb_to_ycbcr(self._strands)

        def levels(plan: Tensor) -> Tensor:
            flow, change = self._looks(plan, rgb_to_ycbcr(plan[:, 4:]), hair_band, window)
            luma = self._moved(photo_luma, plan, window) + upsample(change[:, :1], 2 * change.shape[-1])
            chroma = warp(photo_chroma + self._eyes(plan), flow, "bicubic", _corner(window, self._margin, 2))
            return to_levels(luma, chroma + change[:, 1:])

        return levels

    def _eyes(self, plan: Tensor) -> Tensor:
        return self._young_eyes * plan[:, 3:4, :1, :1]  # of the eyes' share, every pixel is the same

    def _moved(self, photo: Tensor, plan: Tensor, window: CropWindow | None = None) -> Tensor:
        flow = upsample(plan[:, :2] * self._side, self._side)
        return warp(photo, _seen(flow, window), "bicubic", _corner(window, self._margin))

    def _looks(
        self, plan: Tensor, change: Tensor, hair_band: Tensor, window: CropWindow | None = None
    ) -> tuple[Tensor, Tensor]:
        """At half the size of the photo: the motion, in px there, and the change of looks less the faded strands."""
        half = self._side // 2
        smooth = plan[:, :2] * half, plan[:, 2:3], change
        flow, fades, change = (_seen(upsample(part, half), window, 2) for part in smooth)
        faded_strands = warp(hair_band, flow, corner=_corner(window, self._margin, 2))
        return flow, torch.addcmul(change, fades, faded_strands, value=-1)


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


def _smoothed_looks(change: Tensor) -> Tensor:
    """What of a change of looks [N, 3, R, R] between two soft pictures can be trusted: the large and the clear.

    A faint change is shrunk towards none, a strong one stays (the Wiener filter's gain, with `NOISE_LEVEL` as the
    noise).
    """
    side = change.shape[-1]
    smooth = gaussian_blur(change, APPEARANCE_SIGMA * side)
    strength = gaussian_blur(smooth.square().mean(1, keepdim=True), STRENGTH_SIGMA * side)
    return smooth * (strength / (strength + NOISE_LEVEL**2))
