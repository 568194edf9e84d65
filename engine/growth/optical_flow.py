"""Optical flow between two soft pictures, by regularised least squares from coarse to fine."""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.images.filters import gaussian_blur
from engine.images.warping import resize, warp

FLOW_SIDE = 128  # px, the resolution at which motion is measured; sharp to a fraction of a pixel
COARSEST = 32  # px, where the search starts
ITERATIONS = 5  # of least squares at each resolution
SMOOTHNESS = 0.02  # pull to the motion around, against contrasts of unit variance
MATCHING_SIGMA = 2.0  # px, σ of the windows over which motion is constant
SMOOTHING_SIGMA = 3.7  # px, σ of the motion around
CONTRAST_SIGMA = 0.1  # of the picture's side, σ of what a contrast is a contrast to
HUBER_SCALE = 0.3  # a contrast off by more than this is rather a change of looks than a motion


def estimate_flow(moved: Tensor, still: Tensor) -> Tensor:
    """The motion [N, 2, H, W] in px (x, y) so that `moved`(p) looks like `still`(p + motion(p)).

    Both [N, 3, H, W] in -1..1, H = W. Coarse to fine: motions up to about an eighth of the picture are found.
    """
    return refine(moved, still, torch.zeros_like(moved[:, :2]))


def composed_flow(chain: Tensor, now: int) -> Tensor:
    """[K, 2, M, M]: from each picture of the chain to picture `now`."""
    count = len(chain)
    others = [i for i in range(count) if i != now]
    flow = torch.zeros_like(chain[:, :2])
    if not others:
        return flow
    towards = [i - 1 if i > now else i + 1 for i in others]
    steps = dict(zip(others, estimate_flow(chain[others], chain[towards]), strict=True))
    for i in sorted(others, key=lambda i: abs(i - now)):
        nearer = i - 1 if i > now else i + 1
        flow[i] = steps[i] + warp(flow[nearer][None], steps[i][None])[0]
    flow[others] = refine(chain[others], chain[now][None].expand(len(others), -1, -1, -1), flow[others], False)
    return flow


def refine(moved: Tensor, still: Tensor, flow: Tensor, from_coarse: bool = True) -> Tensor:
    """`flow` improved by least squares, at rising resolutions or at the full one only."""
    sides = [flow.shape[-1]]
    while from_coarse and sides[0] // 2 >= COARSEST:
        sides.insert(0, sides[0] // 2)
    for side in sides:
        ours, theirs = _contrasts(resize(moved, side)), _contrasts(resize(still, side))
        flow = _resize_flow(flow, side)
        for _ in range(ITERATIONS):
            flow = _round(ours, theirs, flow)
    return flow


def _round(ours: Tensor, theirs: Tensor, flow: Tensor) -> Tensor:
    """One round of robust, regularised least squares for the whole motion."""
    seen = warp(theirs, flow)
    off = seen - ours
    down, across = _slopes((seen + ours) / 2)
    trust = (off.square().mean(1, keepdim=True) + HUBER_SCALE**2).rsqrt() * HUBER_SCALE
    known = across * flow[:, :1] + down * flow[:, 1:] - off
    products = (across * across, across * down, down * down, across * known, down * known)
    sums = torch.stack([product.sum(1, keepdim=True) for product in products])
    xx, xy, yy, x, y = gaussian_blur(sums * trust, MATCHING_SIGMA).unbind()
    around = gaussian_blur(flow, SMOOTHING_SIGMA)
    xx, yy = xx + SMOOTHNESS, yy + SMOOTHNESS
    x, y = x + SMOOTHNESS * around[:, :1], y + SMOOTHNESS * around[:, 1:]
    determinant = xx * yy - xy * xy
    return torch.cat([yy * x - xy * y, xx * y - xy * x], 1) / determinant


def _contrasts(pictures: Tensor) -> Tensor:
    """[N, 3, H, W]: light and two opponent colours, less their surroundings, at about unit variance each picture."""
    red, green, blue = pictures[:, 0:1], pictures[:, 1:2], pictures[:, 2:3]
    light = 0.3 * red + 0.6 * green + 0.1 * blue
    opponents = torch.cat([light, red - green, 0.5 * (red + green) - blue], dim=1)
    contrast = opponents - gaussian_blur(opponents, CONTRAST_SIGMA * pictures.shape[-1])
    strength = contrast[:, :1].square().mean((2, 3), keepdim=True).sqrt()
    return contrast / (strength + 0.02)


def _slopes(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Central differences down and across, the border repeated."""
    padded = F.pad(pictures, (1, 1, 1, 1), mode="replicate")
    down = (padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]) / 2
    across = (padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]) / 2
    return down, across


def _resize_flow(flow: Tensor, side: int) -> Tensor:
    return resize(flow, side) * (side / flow.shape[-1])
