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

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.growth.optical_flow import FLOW_SIDE, MATCHING_SIGMA, composed_flow
from engine.images.filters import gaussian_blur
from engine.images.warping import enlarged, resize, resize_flow, upsample, warp
from engine.vision.cropping import CropWindow

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
        ways, kept = resize_flow(flow, side), upsample(kept, side)
        if window is None:
            return kept * warp(self.detail, ways, "bicubic")
        return window.of(kept) * warp(self.detail, window.of(ways), "bicubic", (window.left, window.top))

    def _motion_at(self, age: float) -> Tensor:
        """[1, 2, M, M], between the two ages of the chain around `age`."""
        after = next((i for i, known in enumerate(self.ages) if known >= age), len(self.ages) - 1)
        before = max(after - 1, 0)
        gap = self.ages[after] - self.ages[before]
        share = min(max((age - self.ages[before]) / gap, 0.0), 1.0) if gap else 1.0
        return torch.lerp(self.flow[before], self.flow[after], share)[None]
