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
from engine.growth.warp import faded, strands
from engine.images.filters import smoothed, smoothstep
from engine.images.ycbcr import halved, in_colours, in_luma_and_chroma, to_levels
from engine.vision.cropping import CropWindow

MOTION_SIDE = 128  # px, the resolution at which motion is measured; sharp to a fraction of a pixel
COARSEST = 32  # px, where the search starts
ROUNDS = 5  # of least squares at each resolution
SMOOTHNESS = 0.02  # pull to the motion around, against contrasts of unit variance
WINDOW = 2.0  # px, σ of the windows over which motion is constant
AROUND = 3.7  # px, σ of the motion around
SURROUNDINGS = 0.1  # of the picture's side, σ of what a contrast is a contrast to
ROBUST = 0.3  # a contrast off by more than this is rather a change of looks than a motion
LOOKS = 0.03  # of the picture's side, σ of the changes of looks that are taken from the network alone
FAINT = 0.06  # change of looks, of the range 2 of a picture, that is as likely the network's error as the age's doing
AMID = 0.04  # of the picture's side, σ over which a change must be strong to be believed
SQUARE = 5  # exponent of the superellipse |x|^p + |y|^p over which a face is changed: nearly a square
SETTLING = 0.55  # from where on it changes less, as a share of half its side
CHANGED = 0.18  # change of looks, of the range 2 of a picture, at which the detail has faded to 1/e


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
        self.motion = _composed_motion(_resized(chain, min(MOTION_SIDE, chain.shape[-1])), self.ages.index(0.0))

    def frame(self, age: float, picture: Tensor) -> Tensor:
        """The photo at `age` [1, 3, S, S], where `picture` [1, 3, R, R] is what the network draws at that age.

        Ages beyond the chain are carried like its end. At age 0 it is the photo.
        """
        return enlarged(picture, self.photo.shape[-1]) + self.fine(age, picture)

    def fine(self, age: float, picture: Tensor, window: CropWindow | None = None) -> Tensor:
        """What of that the picture, `enlarged`, lacks; only what is seen in the window, if there is one."""
        motion = self._motion_at(age)
        side = self.photo.shape[-1]
        looks = picture - sampled(self.now, spread_motion(motion, picture.shape[-1]))
        change = smoothed(looks.square().mean(1, keepdim=True), WINDOW).sqrt()
        kept = torch.exp(-((change / (2 * CHANGED)) ** 2))
        ways, kept = (_seen(smooth, window) for smooth in (spread_motion(motion, side), _spread(kept, side)))
        return kept * sampled(self.detail, ways, "bicubic", _corner(window))

    def _motion_at(self, age: float) -> Tensor:
        """[1, 2, M, M], between the two ages of the chain around `age`."""
        after = next((i for i, known in enumerate(self.ages) if known >= age), len(self.ages) - 1)
        before = max(after - 1, 0)
        gap = self.ages[after] - self.ages[before]
        share = min(max((age - self.ages[before]) / gap, 0.0), 1.0) if gap else 1.0
        return torch.lerp(self.motion[before], self.motion[after], share)[None]


class Growth(Protocol):
    """How a face grows. All is smooth, so that a side of few pixels tells it."""

    def motion(self, age: float, side: int) -> Tensor:
        """The way from each pixel at an age to today's: [1, 2, side, side] in px."""

    def coat(self, age: float, side: int) -> Tensor:
        """What of the face at an age may change in looks: [1, 1, side, side] of 0..1."""

    def on_head(self, side: int) -> Tensor:
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
        self._strands = strands(small, self._side // 2)  # at half the size it is as good
        rim = margin // 2
        face = in_luma_and_chroma(small)[..., rim:-rim, rim:-rim]
        self._young_eyes = F.pad(growth.young_eyes(face), (rim, rim, rim, rim))
        self._margin = margin

    def frame(self, age: float, picture: Tensor) -> Tensor:
        """The photo at `age` [1, 3, S, S], where `picture` [1, 3, R, R] is what the network draws at that age."""
        return self.carried(self.plan(age, picture))

    def settled(self, age: float, picture: Tensor) -> Tensor:
        """The same, but towards the border ever less is changed, and there nothing: [1, 3, S, S].

        So it fits into the photo without a seam, and no ear is seen twice, as where one picture fades into another.
        """
        plan = self.plan(age, picture)
        settled = plan * _inside(plan.shape[-1], plan.device)
        settled[:, 3] = plan[:, 3]  # eyes are far from it
        return self.carried(settled)

    def plan(self, age: float, picture: Tensor) -> Tensor:
        """What is to be done at an age, [1, 7, R, R].

        Motion (in pictures), shares of the strands that have faded and of the eyes' change, change of looks.
        """
        side = picture.shape[-1]
        motion, coat = self._growth.motion(age, side), self._growth.coat(age, side)
        change = coat * _smoothed_looks(picture - sampled(self._now, motion))
        eyes = torch.full_like(coat, blueness(age))
        fades = faded(torch.tensor(age)).to(coat) * coat * self._growth.on_head(side)
        return torch.cat([motion / side, fades, eyes, change], 1)

    def carried(self, plan: Tensor) -> Tensor:
        """The photo as a plan says: [1, 3, S, S]."""
        motion, change = self._looks(plan, plan[:, 4:], self._strands)
        change = change + in_colours(sampled(self._eyes(plan), motion, "bicubic"))
        return self._moved(self._photo, plan) + _spread(change, self._side)

    def in_planes(self, window: CropWindow) -> Callable[[Tensor], Tensor]:
        """What gives that of a plan which is seen in a window, as levels of a frame
        (`engine.images.ycbcr.to_levels`).
        """
        planes = in_luma_and_chroma(self._photo)
        photo_luma, photo_chroma = planes[:, :1].clone(), halved(planes[:, 1:])  # so that the planes are not kept
        strands = in_luma_and_chroma(self._strands)

        def levels(plan: Tensor) -> Tensor:
            motion, change = self._looks(plan, in_luma_and_chroma(plan[:, 4:]), strands, window)
            luma = self._moved(photo_luma, plan, window) + _spread(change[:, :1], 2 * change.shape[-1])
            chroma = sampled(photo_chroma + self._eyes(plan), motion, "bicubic", _corner(window, self._margin, 2))
            return to_levels(luma, chroma + change[:, 1:])

        return levels

    def _eyes(self, plan: Tensor) -> Tensor:
        return self._young_eyes * plan[:, 3:4, :1, :1]  # of the eyes' share, every pixel is the same

    def _moved(self, photo: Tensor, plan: Tensor, window: CropWindow | None = None) -> Tensor:
        motion = _spread(plan[:, :2] * self._side, self._side)
        return sampled(photo, _seen(motion, window), "bicubic", _corner(window, self._margin))

    def _looks(
        self, plan: Tensor, change: Tensor, strands: Tensor, window: CropWindow | None = None
    ) -> tuple[Tensor, Tensor]:
        """At half the size of the photo: the motion, in px there, and the change of looks less the faded strands."""
        half = self._side // 2
        smooth = plan[:, :2] * half, plan[:, 2:3], change
        motion, fades, change = (_seen(_spread(part, half), window, 2) for part in smooth)
        faded_strands = sampled(strands, motion, corner=_corner(window, self._margin, 2))
        return motion, torch.addcmul(change, fades, faded_strands, value=-1)


def _seen(face: Tensor, window: CropWindow | None, shrunk: int = 1) -> Tensor:
    return window.of(face, shrunk) if window else face


def _corner(window: CropWindow | None, margin: int = 0, shrunk: int = 1) -> tuple[int, int] | None:
    """Where a window begins in a face with a margin."""
    return window and ((margin + window.left) // shrunk, (margin + window.top) // shrunk)


def _inside(side: int, device: torch.device) -> Tensor:
    """[side, side]: 1 over the face, falling to 0 at the picture's border."""
    across = (((torch.arange(side, device=device) + 0.5) / side * 2 - 1).abs()) ** SQUARE
    reach = (across[:, None] + across[None, :]) ** (1 / SQUARE)
    share = ((1 - reach) / (1 - SETTLING)).clamp(0, 1)
    return smoothstep(share)


def _smoothed_looks(change: Tensor) -> Tensor:
    """What of a change of looks [N, 3, R, R] between two soft pictures can be trusted: the large and the clear.

    A faint change is shrunk towards none, a strong one stays (the Wiener filter's gain, with `FAINT` as the noise).
    """
    side = change.shape[-1]
    smooth = smoothed(change, LOOKS * side)
    strength = smoothed(smooth.square().mean(1, keepdim=True), AMID * side)
    return smooth * (strength / (strength + FAINT**2))


def find_motion(moved: Tensor, still: Tensor) -> Tensor:
    """The motion [N, 2, H, W] in px (x, y) so that `moved`(p) looks like `still`(p + motion(p)).

    Both [N, 3, H, W] in -1..1, H = W. Coarse to fine: motions up to about an eighth of the picture are found.
    """
    return _refined(moved, still, torch.zeros_like(moved[:, :2]))


def sampled(
    pictures: Tensor, motion: Tensor, mode: str = "bilinear", corner: tuple[float, float] | None = None
) -> Tensor:
    """`pictures` [N or 1, C, H, W] looked up at p + `motion`(p); beyond the border its edge goes on.

    A motion [N, 2, h, w] of fewer pixels is that of the part of the pictures with its upper left `corner` (x, y) in px,
    or of their middle.
    """
    count, _, rows, columns = motion.shape
    height, width = pictures.shape[2:]
    left, top = corner or ((width - columns) / 2, (height - rows) / 2)
    y = torch.arange(rows, device=motion.device, dtype=motion.dtype)[:, None] + (0.5 + top)
    x = torch.arange(columns, device=motion.device, dtype=motion.dtype)[None, :] + (0.5 + left)
    places = torch.stack([(x + motion[:, 0]) * (2 / width) - 1, (y + motion[:, 1]) * (2 / height) - 1], dim=-1)
    pictures = pictures.expand(count, -1, -1, -1)
    return F.grid_sample(pictures, places, mode=mode, padding_mode="border", align_corners=False)


def _composed_motion(chain: Tensor, now: int) -> Tensor:
    """[K, 2, M, M]: from each picture of the chain to picture `now`."""
    count = len(chain)
    others = [i for i in range(count) if i != now]
    motion = torch.zeros_like(chain[:, :2])
    if not others:
        return motion
    towards = [i - 1 if i > now else i + 1 for i in others]
    steps = dict(zip(others, find_motion(chain[others], chain[towards]), strict=True))
    for i in sorted(others, key=lambda i: abs(i - now)):
        nearer = i - 1 if i > now else i + 1
        motion[i] = steps[i] + sampled(motion[nearer][None], steps[i][None])[0]
    motion[others] = _refined(chain[others], chain[now][None].expand(len(others), -1, -1, -1), motion[others], False)
    return motion


def _refined(moved: Tensor, still: Tensor, motion: Tensor, from_coarse: bool = True) -> Tensor:
    """`motion` improved by least squares, at rising resolutions or at the full one only."""
    sides = [motion.shape[-1]]
    while from_coarse and sides[0] // 2 >= COARSEST:
        sides.insert(0, sides[0] // 2)
    for side in sides:
        ours, theirs = _contrasts(_resized(moved, side)), _contrasts(_resized(still, side))
        motion = _resized_motion(motion, side)
        for _ in range(ROUNDS):
            motion = _round(ours, theirs, motion)
    return motion


def _round(ours: Tensor, theirs: Tensor, motion: Tensor) -> Tensor:
    """One round of robust, regularised least squares for the whole motion."""
    seen = sampled(theirs, motion)
    off = seen - ours
    down, across = _slopes((seen + ours) / 2)
    trust = (off.square().mean(1, keepdim=True) + ROBUST**2).rsqrt() * ROBUST
    known = across * motion[:, :1] + down * motion[:, 1:] - off
    products = (across * across, across * down, down * down, across * known, down * known)
    sums = torch.stack([product.sum(1, keepdim=True) for product in products])
    xx, xy, yy, x, y = smoothed(sums * trust, WINDOW).unbind()
    around = smoothed(motion, AROUND)
    xx, yy = xx + SMOOTHNESS, yy + SMOOTHNESS
    x, y = x + SMOOTHNESS * around[:, :1], y + SMOOTHNESS * around[:, 1:]
    determinant = xx * yy - xy * xy
    return torch.cat([yy * x - xy * y, xx * y - xy * x], 1) / determinant


def _contrasts(pictures: Tensor) -> Tensor:
    """[N, 3, H, W]: light and two opponent colours, less their surroundings, at about unit variance each picture."""
    red, green, blue = pictures[:, 0:1], pictures[:, 1:2], pictures[:, 2:3]
    light = 0.3 * red + 0.6 * green + 0.1 * blue
    opponents = torch.cat([light, red - green, 0.5 * (red + green) - blue], dim=1)
    contrast = opponents - smoothed(opponents, SURROUNDINGS * pictures.shape[-1])
    strength = contrast[:, :1].square().mean((2, 3), keepdim=True).sqrt()
    return contrast / (strength + 0.02)


def _slopes(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Central differences down and across, the border repeated."""
    padded = F.pad(pictures, (1, 1, 1, 1), mode="replicate")
    down = (padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]) / 2
    across = (padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]) / 2
    return down, across


def enlarged(picture: Tensor, side: int) -> Tensor:
    """A picture [1, 3, R, R] as a `FlowDetail` adds its detail to it: [1, 3, side, side]."""
    return _resized(picture.contiguous(), side)  # plane by plane, which takes two thirds of the time on a CPU


def _resized(pictures: Tensor, side: int) -> Tensor:
    if pictures.shape[-1] == side:
        return pictures
    return F.interpolate(pictures, size=(side, side), mode="bicubic", antialias=pictures.shape[-1] > side)


def _spread(smooth: Tensor, side: int) -> Tensor:
    """What is smooth, enlarged in the plainest way, which is as good and quicker."""
    if smooth.shape[1] > 2:  # on a CPU, more channels go faster side by side, and fewer do not
        smooth = smooth.contiguous(memory_format=torch.channels_last)
    return F.interpolate(smooth, size=(side, side), mode="bilinear")


def spread_motion(motion: Tensor, side: int) -> Tensor:
    """A motion [N, 2, M, M] in px, that of pictures of `side` px: [N, 2, side, side]."""
    return _spread(motion * (side / motion.shape[-1]), side)


def _resized_motion(motion: Tensor, side: int) -> Tensor:
    return _resized(motion, side) * (side / motion.shape[-1])
