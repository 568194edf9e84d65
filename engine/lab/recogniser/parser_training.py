"""Trains the head parser on faces whose parts were marked by hand."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageOps
from torch import Tensor, nn

from engine.lab.recogniser.augmentation import STORED_SIDE, degraded
from engine.lab.recogniser.face_training import (
    FaceTrainingOptions,
    Targets,
    feature_samples,
    map_entropy,
    train_network,
)
from engine.lab.recogniser.part_annotations import Floats, MarkedParts
from engine.messages import Species
from engine.vision.alignment import EYE_DISTANCE, EYE_HEIGHT
from engine.vision.efficientnet import load_efficientnet
from engine.vision.face_detection import to_tensor
from engine.vision.face_models import mean_points
from engine.vision.geometry import resample, similarity
from engine.vision.head_parsing import (
    COATS,
    EARS,
    LANDMARKS,
    MIRRORED,
    MUZZLES,
    SIDE,
    STRIDE,
    HeadParser,
    load_head_parser,
)

_CELLS = SIDE // STRIDE
_EYE_UNIT = EYE_DISTANCE * SIDE  # px between the eyes of a frontal face
_MASK_WEIGHT = 3.0
_MISS_WEIGHT = 15.0
_DRAWN_SHARE = 0.15  # of the pictures, that show drawn pets


@dataclass(frozen=True, slots=True)
class PartPicture:
    """A crop as the parser sees it, and what is in it."""

    picture: Image.Image
    landmarks: Floats  # [24, 2] px, NaN where hidden
    outline: Floats  # [K, 2] px, K = 0 where it was not marked
    face: MarkedParts


def train_parser(
    parser: HeadParser,
    faces: Sequence[MarkedParts],
    drawn: Sequence[MarkedParts],
    options: FaceTrainingOptions,
    pictures: int,
) -> dict[str, Tensor]:
    """Train on the faces no copy of whose photo is kept for testing, and on drawn pets.

    Return the parser's weights in float16.
    """
    kept = {face.photo for face in faces if face.held_out}
    taught = [face for face in faces if face.photo not in kept]
    counts = Counter((face.species, face.age) for face in taught)
    # Young dogs are few: faces of a rare kind come more often, by the root of how rare they are.
    balanced = [face for face in taught for _ in range(_repeats(counts, face))]
    times = max(1, round(len(drawn) / len(balanced) * (1 - _DRAWN_SHARE) / _DRAWN_SHARE)) if drawn else 1
    samples = feature_samples(part_picture, part_targets, [*(balanced * times), *drawn], pictures, 4, options)
    return train_network(parser, parser_loss, samples, pictures, options)


def halfway(before: HeadParser, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The mean of a parser's weights and those that it had after further training, in float16.

    It has learnt most of what is new, and forgotten nothing of what was known (Wortsman et al. 2022, "Robust
    fine-tuning of zero-shot models").
    """
    old = before.state_dict()
    return {
        name: ((old[name].float() + new.float()) / 2).half() if new.is_floating_point() else new
        for name, new in weights.items()
    }


def _repeats(counts: Counter[tuple[Species, str]], face: MarkedParts) -> int:
    return max(1, round(math.sqrt(max(counts.values()) / counts[face.species, face.age])))


def part_picture(faces: list[MarkedParts], random: Random) -> PartPicture:
    """One face about where the alignment puts it, turned, mirrored and degraded."""
    face = random.choice(faces)
    photo, shrunk = _photo(face.path)
    turn = random.uniform(-0.45, 0.45) if random.random() < 0.3 else random.gauss(0, 0.08)
    scale = math.exp(random.gauss(0, 0.14))
    aim = [SIDE / 2 + random.gauss(0, 0.03) * SIDE, EYE_HEIGHT * SIDE + random.gauss(0, 0.03) * SIDE]
    picture = _aligned(face, photo, shrunk, turn, scale, aim)
    if random.random() < 0.5:
        picture = _mirrored(picture)
    return PartPicture(degraded(picture.picture, random), picture.landmarks, picture.outline, face)


def plain_picture(face: MarkedParts) -> PartPicture:
    """The face as the alignment puts it."""
    return _aligned(face, *_photo(face.path), 0.0, 1.0, [SIDE / 2, EYE_HEIGHT * SIDE])


def _aligned(
    face: MarkedParts, photo: Image.Image, shrunk: float, turn: float, scale: float, aim: Sequence[float]
) -> PartPicture:
    left, right = face.eye_centres * shrunk
    across = right - left
    middle = (left + right) / 2
    angle = math.atan2(across[1], across[0]) + turn
    matrix = similarity(tuple(middle), angle, scale * _EYE_UNIT / float(np.hypot(*across)), (aim[0], aim[1]))

    def moved(points: Floats) -> Floats:
        there: Floats = points * shrunk @ matrix[:, :2].T + matrix[:, 2]
        return there

    return PartPicture(resample(photo, matrix, SIDE), moved(face.landmarks), moved(face.outline), face)


def _mirrored(picture: PartPicture) -> PartPicture:
    def flipped(points: Floats) -> Floats:
        there: Floats = points * np.array([-1.0, 1.0]) + np.array([SIDE, 0.0])
        return there

    landmarks = flipped(picture.landmarks)[list(MIRRORED)]
    return PartPicture(ImageOps.mirror(picture.picture), landmarks, flipped(picture.outline), picture.face)


@lru_cache(maxsize=1000)
def _photo(path: Path) -> tuple[Image.Image, float]:
    """The photo, at most STORED_SIDE px, and what it was shrunk by."""
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    shrunk = min(1.0, STORED_SIDE / max(image.size))
    return image.resize((round(image.width * shrunk), round(image.height * shrunk))), shrunk


def part_targets(drawn: PartPicture) -> Targets:
    """Landmarks [24, 2] in 0..1 and which are seen, mask [h, w] and whether it is known, facts and which are known."""
    points = torch.from_numpy(drawn.landmarks / SIDE).float()
    seen = (~points.isnan().any(1)) & (points.nan_to_num(-1) > 0.005).all(1) & (points.nan_to_num(2) < 0.995).all(1)
    mask = Image.new("L", (SIDE, SIDE))
    if len(drawn.outline) > 7:
        ImageDraw.Draw(mask).polygon([tuple(point) for point in drawn.outline], fill=255)
    face = drawn.face
    chosen = ((face.ears, EARS), (face.muzzle, MUZZLES), (face.coat, COATS))
    kinds = [float(value == one) for value, values in chosen for one in values]
    known = [float(value is not None) for value, values in chosen for _ in values]
    facts = [float(face.mouth_open), float(face.eyes == "open"), float(face.flash), float(face.age == "baby")]
    return {
        "points": points.nan_to_num(0),
        "seen": seen.float(),
        "mask": torch.from_numpy(np.asarray(mask.resize((_CELLS, _CELLS), Image.Resampling.BOX), np.float32) / 255),
        "outlined": torch.tensor(float(len(drawn.outline) > 7)),
        "facts": torch.tensor(kinds + facts),
        "known": torch.tensor(known + [1.0] * len(facts)),
    }


def parser_loss(parser: nn.Module, features: list[Tensor], wanted: Targets) -> Tensor:
    """Cross entropy to Gaussians and the means' distance for landmarks; cross entropy and Dice for the mask; facts."""
    maps, mask, facts, visible = parser(features)
    seen, points = wanted["seen"], wanted["points"]
    entropy = map_entropy(maps, points)
    unit = 1 / EYE_DISTANCE
    miss = F.smooth_l1_loss(mean_points(maps) * unit, points * unit, beta=0.03, reduction="none").sum(2)
    landmarks = ((entropy + _MISS_WEIGHT * miss) * seen).sum() / seen.sum().clamp(min=1)
    truth, outlined = wanted["mask"][:, None], wanted["outlined"]
    cross = F.binary_cross_entropy_with_logits(mask, truth, reduction="none").mean((1, 2, 3))
    chance = mask.sigmoid()
    dice = 1 - (2 * (chance * truth).sum((1, 2, 3)) + 1) / ((chance + truth).sum((1, 2, 3)) + 1)
    outline = ((4 * cross + dice) * outlined).sum() / outlined.sum().clamp(min=1)
    known = wanted["known"]
    doubts = F.binary_cross_entropy_with_logits(facts, wanted["facts"], reduction="none")
    hidden = F.binary_cross_entropy_with_logits(visible, seen)
    return torch.as_tensor(landmarks + _MASK_WEIGHT * outline + (doubts * known).sum() / known.sum() + hidden)


@torch.no_grad()
def measure_parser(faces: Sequence[MarkedParts]) -> dict[str, float]:
    """Measure the parser on faces held out from training, under every name of their photos.

    Median errors of landmarks in eye distances by part, IoU of the mask, the share of kinds that are right.
    """
    taught = {face.photo for face in faces if not face.held_out}
    kept = [face for face in faces if face.photo not in taught]
    parser, backbone = load_head_parser(), load_efficientnet()
    errors: dict[str, list[float]] = {}
    overlaps, right = [], []
    for face in kept:
        drawn = plain_picture(face)
        wanted = part_targets(drawn)
        maps, mask, facts, _ = parser(backbone.features(to_tensor([drawn.picture]))[::-1][:4])
        off = ((mean_points(maps)[0] - wanted["points"]) / EYE_DISTANCE).norm(dim=1)
        for index, name in enumerate(LANDMARKS):
            if wanted["seen"][index]:
                errors.setdefault(name.split("_")[0], []).append(float(off[index]))
        if wanted["outlined"]:
            inside, truth = mask[0, 0] > 0, wanted["mask"] > 0.5
            overlaps.append(float((inside & truth).sum() / (inside | truth).sum().clamp(min=1)))
        for part in (slice(0, 3), slice(3, 6), slice(6, 9)):
            if wanted["known"][part][0]:
                right.append(float(facts[0, part].argmax() == wanted["facts"][part].argmax()))
    found = {part: round(float(np.median(values)), 4) for part, values in errors.items()}
    return found | {"iou": round(float(np.mean(overlaps)), 4), "kinds": round(float(np.mean(right)), 4), "n": len(kept)}
