"""Compares made pictures with wanted ones: the loss of training."""

from functools import cache
from types import EllipsisType

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.growth.face_plane import face_plane
from engine.vision.efficientnet import load_efficientnet

FEATURES_SIDE = 128  # px, of the largest picture that goes through EfficientNet-Lite0 as it is; larger costs more time
BACKGROUND_WEIGHT = 0.35  # of the corners, where the head counts 1; more spends a small network on backgrounds


def picture_loss(made: Tensor, wanted: Tensor, features_weight: float) -> Tensor:
    """The mean over the batch of [N, 3, R, R] against [N, 3, R, R].

    L1, its gradients and its pyramid, and EfficientNet-Lite0 features at strides 2 to 16. What is beside the head
    counts less: a network this small has better things to learn than backgrounds.
    """
    made, wanted = (
        (x * _importance(x.shape[-1], x.device).to(x.dtype)).contiguous(memory_format=torch.channels_last)
        for x in (made, wanted)
    )
    loss = made.new_zeros(())
    a, b = made, wanted
    for level in range(4):
        loss = loss + F.l1_loss(a, b) * (1.0 if level == 0 else 0.5)
        if level < 2:
            loss = loss + F.l1_loss(a.diff(dim=-1), b.diff(dim=-1)) + F.l1_loss(a.diff(dim=-2), b.diff(dim=-2))
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    if made.shape[-1] <= FEATURES_SIDE:
        return loss + _features_loss(made, wanted, features_weight)
    # Larger pictures are looked at as a whole and in one part, which is cheaper than at full size.
    shrink = made.shape[-1] // FEATURES_SIDE
    whole = _features_loss(F.avg_pool2d(made, shrink), F.avg_pool2d(wanted, shrink), features_weight)
    square = random_square(made.shape[-1])
    return loss + 0.5 * whole + 0.5 * _features_loss(made[square], wanted[square], features_weight)


def _features_loss(made: Tensor, wanted: Tensor, weight: float) -> Tensor:
    net = load_efficientnet(str(made.device))
    with torch.no_grad():
        truth = net.features(wanted, deepest=16)
    loss = made.new_zeros(())
    for ours, theirs in zip(net.features(made, deepest=16), truth, strict=True):
        scale = theirs.square().mean(dim=(0, 2, 3), keepdim=True).add(1e-6).rsqrt()
        loss = loss + weight * F.l1_loss(ours * scale, theirs * scale) * 0.25
    return loss


def random_square(side: int) -> tuple[EllipsisType, slice, slice]:
    """A random square of pictures of this side, of what goes through EfficientNet-Lite0 as it is."""
    y, x = torch.randint(0, max(side - FEATURES_SIDE, 0) + 1, (2,)).tolist()
    return ..., slice(y, y + FEATURES_SIDE), slice(x, x + FEATURES_SIDE)


@cache
def _importance(resolution: int, device: torch.device) -> Tensor:
    """[R, R]: 1 over the head, falling to `BACKGROUND_WEIGHT` at the corners."""
    x, y = face_plane(resolution, device).unbind(dim=-1)
    return BACKGROUND_WEIGHT + (1 - BACKGROUND_WEIGHT) * torch.sigmoid(3 * (2.1 - torch.hypot(x, y - 0.2)))
