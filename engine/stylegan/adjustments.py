"""Combines adjustments, the changes to a network that make it one pet's: blends, warps, batches, converts them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from engine.images.warping import warp
from engine.stylegan.generator import Adjustments, FeatureOffset, LowRank


def blend(first: Adjustments, second: Adjustments, share: float) -> Adjustments:
    """The adjustments between `first` (share 0) and `second` (share 1), linear in the network's weights.

    Both are one pet's, for all samples.
    """
    if share <= 0 or share >= 1:
        return second if share >= 1 else first
    parts = [(first, 1 - share), (second, share)]
    return Adjustments(
        styles=_mixed(first.styles, second.styles, share),
        noises=_mixed(first.noises, second.noises, share),
        weights={
            name: _joined_weights([(one.weights[name], part) for one, part in parts if name in one.weights])
            for name in {**first.weights, **second.weights}
        },
        features={
            name: _joined_features([(one.features[name], part) for one, part in parts if name in one.features])
            for name in {**first.features, **second.features}
        },
    )


def _mixed(first: Mapping[str, Tensor], second: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    mixed = {name: (1 - share) * value for name, value in first.items()}
    for name, value in second.items():
        mixed[name] = mixed[name] + share * value if name in mixed else share * value
    return mixed


def _joined_weights(parts: list[tuple[LowRank, float]]) -> LowRank:
    """The weighted sum of low-rank changes, as one of all their ranks."""
    return LowRank(
        down=torch.cat([change.down for change, _ in parts], dim=-4),
        up=torch.cat([change.up * weight for change, weight in parts], dim=-1),
    )


def _joined_features(parts: list[tuple[FeatureOffset, float]]) -> FeatureOffset:
    return FeatureOffset(
        maps=torch.cat([offset.maps for offset, _ in parts], dim=-3),
        directions=torch.cat([offset.directions * weight for offset, weight in parts], dim=-1),
    )


def carried(adjustments: Adjustments, flow: Callable[[int], Tensor]) -> Adjustments:
    """The adjustments with those of feature maps warped along: `flow` (side) is as in `engine.images.warping.warp`.

    Its [1, 2, side, side] is the way from each pixel to the one it comes from, in px.
    """
    moved = {
        name: FeatureOffset(warp(offset.maps[None], flow(offset.maps.shape[-1]))[0], offset.directions)
        for name, offset in adjustments.features.items()
    }
    return replace(adjustments, features=moved)


def side_by_side(adjustments: Sequence[Adjustments], counts: Sequence[int]) -> Adjustments:
    """Several pets' adjustments, of the same layers and ranks, as one for a batch with `counts` pictures of each.

    They are those that searches make. The counts must be equal when convolutions are changed. Raises `ValueError` when
    features are changed: their maps are one pet's.
    """
    if any(one.features for one in adjustments):
        raise ValueError("changes to features go alone")
    if len(adjustments) == 1:
        return adjustments[0]

    def rows(parts: list[Tensor]) -> Tensor:
        return torch.cat([part.expand(n, *part.shape[1:]) for part, n in zip(parts, counts, strict=True)])

    first = adjustments[0]
    return Adjustments(
        styles={name: rows([one.styles[name][None] for one in adjustments]) for name in first.styles},
        noises={name: rows([one.noises[name][None, None] for one in adjustments]) for name in first.noises},
        weights={
            name: LowRank(
                torch.stack([one.weights[name].down for one in adjustments]),
                torch.stack([one.weights[name].up for one in adjustments]),
            )
            for name in first.weights
        },
    )


def converted(adjustments: Adjustments, change: Callable[[Tensor], Tensor]) -> Adjustments:
    """The adjustments with each tensor changed, for another device or precision."""
    return Adjustments(
        styles={name: change(value) for name, value in adjustments.styles.items()},
        noises={name: change(value) for name, value in adjustments.noises.items()},
        weights={name: LowRank(change(low.down), change(low.up)) for name, low in adjustments.weights.items()},
        features={
            name: FeatureOffset(change(offset.maps), change(offset.directions))
            for name, offset in adjustments.features.items()
        },
    )
