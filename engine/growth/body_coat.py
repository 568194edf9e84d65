"""Where the coat of the body is, below a head of which only a mask is known.

What is below the head, of a colour and grain like its coat's and not like those of what is beside the head, and hangs
together with it.
"""

from math import isqrt, prod

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.images.filters import fine_blur, gaussian_blur, smooth_ramp
from engine.images.ycbcr import luma_of, rgb_to_ycbcr

_GRAINS = (0.004, 0.01, 0.025)  # contrast of hairs or grass, between which bins of grain lie
_GRAIN_OF = 2.0  # px, over which it is told
_BINS = (len(_GRAINS) + 1, 8, 20, 20)  # of grain, of luma, which is another one in every shadow, and of chroma
_CHROMA = 2.0  # of their range, that the bins of chroma cover, is one over this: coats and backgrounds are not bright
_SMOOTH = 2.0  # px, what is finer is grain
_RARE = 5e-4  # share of a coat, less than which lies in a bin that is none of its own
_LIKE_COAT = (0.45, 0.7)  # probability of being coat, from which on a place may be, and is surely so
_SPREAD_SIDE = 96  # px, in which the body is followed down from the head
_SPREAD_STEPS = 60
# Share of what is under the chin that is like the head's coat, from which on all of it may be, and surely is, coat.
_TRUSTED_THROAT = (0.3, 0.8)
_EDGE = (0.4, 1.0)  # of the mask so far, from where to where it rises again: rather fur stays than background changes
_SOFT = 1.2  # px of the picture, over which the edge of the body is soft


def body_coat(picture: Tensor, head: Tensor, throat: Tensor, below: Tensor, beside: Tensor) -> Tensor:
    """[1, 1, R, R] 0..1: where the coat is, as far as it hangs together with the head's.

    `picture` [1, 3, R, R] in 0..1. All others [1, 1, R, R] in 0..1: `head`, `throat` right under the chin, `below`
    where a body can be, and `beside` where there is background.
    """
    cells, throat = _cells(picture), throat * (1 - head)
    coat, background = _frequencies(cells, head), _frequencies(cells, beside)
    alike = _like_coat(cells, coat, background)
    # A chest may be of another colour than the head, where what is under the chin is no cushion.
    chest = _covered(throat, alike) * _frequencies(cells, throat)
    alike = _like_coat(cells, coat + chest, background) * below
    start = torch.maximum(head, torch.minimum(throat, alike))  # under a collar too
    connected = gaussian_blur(_connected(start, alike), _SOFT)
    # A chest of which only patches are told from what is behind it stays as it is.
    return smooth_ramp(connected, *_EDGE) * below * _covered(throat, connected)


def _covered(throat: Tensor, coat: Tensor) -> float:
    """0..1: whether what is under the chin is coat."""
    return smooth_ramp(float((coat * throat).sum() / throat.sum().clamp(min=1e-6)), *_TRUSTED_THROAT)


def _like_coat(cells: Tensor, coat: Tensor, background: Tensor) -> Tensor:
    """[1, 1, R, R]: how surely places are of the coat, from how frequent their bins are in coat and background."""
    likely: Tensor = (coat / (coat + background + _RARE))[cells].reshape(1, 1, isqrt(len(cells)), -1)
    return smooth_ramp(gaussian_blur(likely, _SOFT), *_LIKE_COAT)


def _cells(picture: Tensor) -> Tensor:
    """[R · R]: the number of the bin that each place lies in, by its grain and its colour."""
    _, lumas, chromas, _ = _BINS
    colour = fine_blur(picture, _SMOOTH)
    grain = fine_blur(luma_of(picture - colour).abs(), _GRAIN_OF)
    luma, blue, red = rgb_to_ycbcr(colour)[0].flatten(1)
    rough = torch.bucketize(grain.flatten(), grain.new_tensor(_GRAINS))
    bright = (luma * lumas).long().clamp(0, lumas - 1)
    bluish, reddish = (((0.5 + _CHROMA * part) * chromas).long().clamp(0, chromas - 1) for part in (blue, red))
    at: Tensor = ((rough * lumas + bright) * chromas + bluish) * chromas + reddish
    return at


def _frequencies(cells: Tensor, weights: Tensor) -> Tensor:
    """How frequent each bin is where the weights [1, 1, R, R] are; those of like colours count in part."""
    counts = torch.bincount(cells, weights.flatten(), minlength=prod(_BINS)).float().reshape(_BINS)
    smooth = F.avg_pool3d(counts[:, None], 3, stride=1, padding=1)
    return smooth.flatten() / smooth.sum().clamp(min=1e-6)


def _connected(start: Tensor, passable: Tensor) -> Tensor:
    """[1, 1, R, R]: what of `passable` hangs together with `start`, as far as the narrowest place lets through."""
    side = start.shape[-1]
    reached, small = (F.interpolate(part, (_SPREAD_SIDE,) * 2, mode="area") for part in (start, passable))
    for _ in range(_SPREAD_STEPS):
        reached = torch.maximum(reached, torch.minimum(F.max_pool2d(reached, 3, stride=1, padding=1), small))
    return torch.minimum(F.interpolate(reached, (side, side), mode="bilinear", align_corners=False), passable)
