"""Where results lie among pictures, in features that nothing here was trained or searched with.

They are EfficientNet-Lite1's, the same as those of `engine.lab.judging.kid`, whose kernel distance is taken too.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.lab.judging.kid import load_lite1

_LOOKED_AT = 128  # px: pictures of 64 are enlarged to it, or the deepest features would be two pixels wide
_AT_ONCE = 50


@torch.no_grad()
def fingerprints(pictures: Tensor) -> Tensor:
    """Pooled features [N, 1280] of pictures [N, 3, R, R] in -1..1. Raises `OperatorError` without the weights."""
    network = load_lite1()
    rows = []
    for some in torch.split(pictures.cpu(), _AT_ONCE):
        large = F.interpolate(some, (_LOOKED_AT, _LOOKED_AT), mode="bilinear", align_corners=False)
        maps: Tensor = network.forward_features(large * (127.5 / 128) + 0.5 / 128)  # type: ignore[operator]
        rows.append(maps.mean(dim=(2, 3)))
    return torch.cat(rows)


def own_nearest(results: Tensor, candidates: Tensor) -> float:
    """Of how many results [N, D] the nearest of the candidates [N, D] is their own, by the angle between features."""
    ours, theirs = (F.normalize(x - candidates.mean(dim=0), dim=1) for x in (results, candidates))
    nearest = (ours @ theirs.t()).argmax(dim=1)
    return float((nearest == torch.arange(len(results), device=results.device)).float().mean())
