"""Fit the model of growth to faces marked by hand: how do young heads of a kind differ from adult ones?

A robust ridge regression of every coordinate on the kind of head (ears, muzzle, coat), the stage, and both together.
Kinds and the growth of single kinds are shrunk towards the species' mean, the latter strongly: half the young dogs are
of one breed, and no breed stands for all.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from engine.growth.growth_model import PROPORTIONS, RAYS, RAYS_FROM, SPECIES, GrowthModel, proportions
from engine.lab.recogniser.part_annotations import Floats, MarkedParts
from engine.vision.head_parsing import LANDMARKS, MIRRORED

_KIND_PENALTY = 2.0  # in faces: a kind of which there are two is half believed
_GROWTH_PENALTY = 12.0  # the same for the growth of a single kind
_STAGE_PENALTY = 0.5
_MOST_TURNED = 0.22  # eye distances that a nose may lie aside
_HUBER = 1.5  # times the median deviation: beyond it a face counts less
_STAGES = {"baby": 0, "young": 1, "adult": 2, "old": 2}
_MUZZLE_AGES = (("young",), ("baby",), ("adult", "old"))
_NOSE = [LANDMARKS.index(f"nose_{side}") for side in ("left", "right", "top", "bottom")]
_ONLY_CLOSED = ("chin", "mouth_left", "mouth_right")  # an open mouth says nothing of growth


def fit_growth(faces: Sequence[MarkedParts]) -> tuple[GrowthModel, dict[str, Counter[str]]]:
    """The model, and how many faces each species' kinds and stages rest on."""
    parts, counts = [], {}
    for species in SPECIES:
        own = [face for face in faces if face.species is species and _usable(face)]
        counts[species.value] = Counter(face.age for face in own)
        counts[species.value].update(kind for face in own for kind in _kinds(face))
        parts.append(_regression(own))
    reach = torch.tensor([muzzle_reach([face for face in faces if face.species is species]) for species in SPECIES])
    mean, baby, young, spread = (torch.stack([torch.from_numpy(part[i]).float() for part in parts]) for i in range(4))
    return GrowthModel(mean=mean, young=young, baby=baby, spread=spread, reach=reach), counts


def save_growth(model: GrowthModel, file: Path) -> None:
    """Write the model to a safetensors file."""
    save_file({field.name: getattr(model, field.name) for field in fields(model)}, file)


def muzzle_reach(faces: Sequence[MarkedParts]) -> tuple[float, float]:
    """How far muzzles stand out from the face at four months and at eight weeks, in shares of adults', at most 1.

    The more a face is turned, the farther aside lies its nose, and the longer the muzzle, the faster it goes there. By
    how much a face is turned is seen from its cheeks, one of which is farther from the eyes than the other. Both are
    uncertain, and so the slope is that of the reduced major axis (Ricker 1973).
    """
    young, baby, adult = (_slope_of_noses([f for f in faces if f.age in ages]) for ages in _MUZZLE_AGES)
    return min(1.0, young / adult), min(1.0, baby / adult)


def _slope_of_noses(faces: Sequence[MarkedParts]) -> float:
    """By how many eye distances noses lie aside, for each unit by which one cheek's distance exceeds the other's."""
    nose, left, right = (
        np.array([face.on_plane(face.landmarks[part])[:, 0].mean() for face in faces])
        for part in (_NOSE, [LANDMARKS.index("cheek_left")], [LANDMARKS.index("cheek_right")])
    )
    turned = (np.abs(left) - np.abs(right)) / (np.abs(left) + np.abs(right))
    known = ~np.isnan(nose) & ~np.isnan(turned)
    return float(np.sqrt((nose[known] ** 2).sum() / (turned[known] ** 2).sum()))


def symmetrical_shape(face: MarkedParts) -> tuple[Floats, Floats]:
    """The landmarks [24, 2] and the outline's radii [RAYS] on the face plane, the mean of the face and its mirror
    image.
    """
    landmarks = face.on_plane(face.landmarks)
    mirrored = landmarks[list(MIRRORED)] * np.array([-1.0, 1.0])
    both = np.stack([landmarks, mirrored])
    known = ~np.isnan(both)
    shape = np.where(known, both, 0).sum(0) / np.maximum(known.sum(0), 1)
    shape[known.sum(0) == 0] = np.nan
    rays = outline_radii(face.on_plane(face.outline)) if len(face.outline) > 7 else np.full(RAYS, np.nan)
    return shape, (rays + rays[(-np.arange(RAYS)) % RAYS]) / 2


def outline_radii(outline: Floats) -> Floats:
    """How far the outline [K, 2] lies from RAYS_FROM in each of the RAYS directions; NaN where it does not."""
    start, end = outline - np.array(RAYS_FROM), np.roll(outline, -1, 0) - np.array(RAYS_FROM)
    edge = end - start
    angles = np.linspace(0, 2 * np.pi, RAYS, endpoint=False)
    ways = np.stack([np.sin(angles), -np.cos(angles)], -1)
    cross = ways[:, None, 0] * edge[None, :, 1] - ways[:, None, 1] * edge[None, :, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        along = (start[:, 0] * edge[:, 1] - start[:, 1] * edge[:, 0])[None] / cross
        share = (start[None, :, 0] * ways[:, None, 1] - start[None, :, 1] * ways[:, None, 0]) / cross
    hits = np.where((share >= 0) & (share <= 1) & (along > 0), along, np.nan)
    radii: Floats = np.where(np.isnan(hits).all(1), np.nan, np.nan_to_num(hits, nan=0.0).max(1))
    return radii


def _kinds(face: MarkedParts) -> list[str]:
    """What it is counted as: "hanging ears, adult" and the like."""
    known = {"ears": face.ears, "muzzle": face.muzzle, "coat": face.coat}
    return [f"{value} {part}, {face.age}" for part, value in known.items() if value is not None]


def _usable(face: MarkedParts) -> bool:
    middle = face.on_plane(face.landmarks[_NOSE]).mean(0)
    return face.frontal and not np.isnan(middle).any() and abs(middle[0]) < _MOST_TURNED and middle[1] > 0.2


def _regression(faces: Sequence[MarkedParts]) -> tuple[Floats, Floats, Floats, Floats]:
    """[10, P] adults, [10, P] to babies, [10, P] to four months, [2, 8] spread of the young."""
    kinds = np.array([face.kinds for face in faces])
    stages = np.array([[_STAGES[face.age] == stage for stage in (0, 1)] for face in faces], float)
    design = np.concatenate([kinds, kinds * stages[:, :1], kinds * stages[:, 1:]], 1)
    width = kinds.shape[1]
    penalty = np.concatenate(
        [[0.0], np.full(width - 1, _KIND_PENALTY), *2 * [[_STAGE_PENALTY], np.full(width - 1, _GROWTH_PENALTY)]]
    )
    shapes = [symmetrical_shape(face) for face in faces]
    targets = np.array([np.concatenate([landmarks.ravel(), rays]) for landmarks, rays in shapes])
    closed = np.array([not face.mouth_open for face in faces])
    awake = np.array([face.eyes == "open" for face in faces])
    fitted = np.zeros((design.shape[1], targets.shape[1]))
    for column in range(targets.shape[1]):
        name = LANDMARKS[column // 2] if column < 2 * len(LANDMARKS) else ""
        known = ~np.isnan(targets[:, column])
        known &= closed if name in _ONLY_CLOSED else True
        known &= awake if name.startswith("eye") else True
        fitted[:, column] = _robust(design[known], targets[known, column], penalty)
    mean, baby, young = np.split(fitted, 3)
    return mean, baby, young, _spread(faces, shapes, kinds, mean + baby)


def _robust(design: Floats, target: Floats, penalty: Floats) -> Floats:
    """Ridge regression with Huber's weights."""
    weights: Floats = np.ones(len(target))
    for _ in range(5):
        weighted = design * weights[:, None]
        solved = np.linalg.solve(weighted.T @ design + np.diag(penalty + 1e-6), weighted.T @ target)
        found: Floats = np.asarray(solved, np.float64)
        off = np.abs(target - design @ found)
        weights = np.minimum(1.0, _HUBER * float(np.median(off)) / np.maximum(off, 1e-9))
    return found


def _spread(
    faces: Sequence[MarkedParts], shapes: Sequence[tuple[Floats, Floats]], kinds: Floats, young: Floats
) -> Floats:
    """[2, 8]: 5th and 95th percentile of young animals' proportions around those of the mean baby of their kind."""
    off = []
    for face, (landmarks, _), kind in zip(faces, shapes, kinds, strict=True):
        if face.age not in ("baby", "young"):
            continue
        own = proportions(torch.from_numpy(landmarks)).numpy().copy()
        own[:2] = own[:2] if face.eyes == "open" else np.nan
        own[4] = np.nan if face.mouth_open else own[4]
        usual = (kind @ young)[:-RAYS].reshape(-1, 2)
        off.append(own - proportions(torch.from_numpy(usual)).numpy())
    percentiles: Floats = np.nanpercentile(np.array(off), [5, 95], axis=0).astype(np.float64)
    if percentiles.shape[1] != len(PROPORTIONS):
        raise ValueError("a proportion has no range")
    return percentiles
