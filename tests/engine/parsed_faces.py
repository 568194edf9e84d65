"""Heads with known parts, as the head parser would tell them: it was not trained on drawn pets."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from engine.growth.growth_model import RAYS, RAYS_FROM, SPECIES, load_growth_model
from engine.messages import Head, Species
from engine.vision.alignment import EYE_DISTANCE, EYE_HEIGHT, Alignment, FaceTemplate, align_to
from engine.vision.geometry import similarity
from engine.vision.head_parsing import LANDMARKS, SIDE, STRIDE, ParsedHead

Floats = NDArray[np.float64]

# The right halves of two adults, on the face plane.
_DOG = {
    "eye_right_inner": (0.36, 0.02),
    "eye_right_outer": (0.64, -0.01),
    "eye_right_top": (0.5, -0.11),
    "eye_right_bottom": (0.5, 0.1),
    "ear_right_outer": (0.92, -0.15),
    "ear_right_tip": (1.22, 0.9),
    "ear_right_inner": (0.8, -0.68),
    "nose_right": (0.26, 0.62),
    "nose_top": (0.0, 0.44),
    "nose_bottom": (0.0, 0.84),
    "mouth_right": (0.38, 1.16),
    "chin": (0.0, 1.4),
    "cheek_right": (0.93, 0.5),
    "crown": (0.0, -0.9),
}
_CAT = {
    "eye_right_inner": (0.3, 0.09),
    "eye_right_outer": (0.7, -0.09),
    "eye_right_top": (0.54, -0.15),
    "eye_right_bottom": (0.46, 0.15),
    "ear_right_outer": (1.1, -0.45),
    "ear_right_tip": (1.2, -1.5),
    "ear_right_inner": (0.5, -0.95),
    "nose_right": (0.17, 0.55),
    "nose_top": (0.0, 0.5),
    "nose_bottom": (0.0, 0.75),
    "mouth_right": (0.26, 0.9),
    "chin": (0.0, 1.1),
    "cheek_right": (1.1, 0.4),
    "crown": (0.0, -1.0),
}
_OUTLINES = {  # right halves, from above downwards
    Species.DOG: [(0, -0.9), (0.5, -0.88), (0.85, -0.8), (1.3, 0.2), (1.25, 0.95), (0.95, 0.7), (0.6, 1.2), (0, 1.42)],
    Species.CAT: [(0, -1), (0.5, -0.95), (1.2, -1.5), (1.15, -0.4), (1.12, 0.4), (0.8, 0.9), (0.3, 1.12), (0, 1.14)],
}
_KINDS = {  # ears, muzzle, coat: standing, folded, hanging; twice short, middle, long
    Species.DOG: (0, 0, 1, 0, 1, 0, 1, 0, 0),
    Species.CAT: (1, 0, 0, 0, 1, 0, 1, 0, 0),
}


def adult(species: Species, alignment: Alignment | None = None) -> ParsedHead:
    """A plausible adult, a dog with hanging or a cat with standing ears, awake, frontal, its mouth closed.

    `alignment` says where the face lies in its photo; by default the photo is the crop.
    """
    right = _DOG if species is Species.DOG else _CAT
    half = np.array(_OUTLINES[species], float)
    outline = np.concatenate([half, (half * (-1, 1))[-2:0:-1]])
    return parsed_face([_mirrored(right, name) for name in LANDMARKS], outline, _KINDS[species], alignment)


def adult_of(photo: Image.Image, head: Head, species: Species) -> ParsedHead:
    """The same, where `head` lies in its photo."""
    return adult(species, align_to(photo.size, head, FaceTemplate.STORYBOOK, SIDE))


def mean_adult(species: Species, kinds: tuple[float, ...]) -> ParsedHead:
    """The mean adult of a kind, as the model of growth has it."""
    mean = torch.tensor([1.0, *kinds]) @ load_growth_model().mean[SPECIES.index(species)]
    angles = np.linspace(0, 2 * np.pi, RAYS, endpoint=False)
    ways = np.stack([np.sin(angles), -np.cos(angles)], -1)
    outline = np.array(RAYS_FROM) + ways * mean[-RAYS:, None].numpy()
    return parsed_face(mean[:-RAYS].view(-1, 2).tolist(), outline, kinds)


def parsed_face(
    landmarks: list[list[float]] | list[tuple[float, float]],
    outline: Floats,
    kinds: tuple[float, ...],
    alignment: Alignment | None = None,
) -> ParsedHead:
    """A head of known landmarks [24, 2] and outline [K, 2] on the face plane."""
    shown = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(shown).polygon([tuple(point) for point in in_crop(outline, SIDE)], fill=255)
    mask = np.asarray(shown.resize((SIDE // STRIDE,) * 2, Image.Resampling.BOX), np.float32) / 255
    return ParsedHead(
        alignment or Alignment(similarity((0.0, 0.0), 0.0, 1.0, (0.0, 0.0)), SIDE),
        in_crop(np.array(landmarks), SIDE).astype(np.float32),
        np.ones(len(LANDMARKS), np.float32),
        mask.astype(np.float32),
        np.array(kinds, np.float32),
        mouth_open=0.0,
        eyes_open=1.0,
        flash=0.0,
        baby=0.0,
    )


def with_facts(
    parsed: ParsedHead, mouth_open: float = 0.0, eyes_open: float = 1.0, flash: float = 0.0, baby: float = 0.0
) -> ParsedHead:
    """The same head of which the parser is so sure of this."""
    return replace(parsed, mouth_open=mouth_open, eyes_open=eyes_open, flash=flash, baby=baby)


def turned(parsed: ParsedHead, aside: float) -> ParsedHead:
    """The same head with its nose, mouth and chin `aside`, in eye distances."""
    landmarks = parsed.landmarks.copy()
    front = [name.startswith(("nose", "mouth", "chin")) for name in LANDMARKS]
    landmarks[front, 0] += aside * EYE_DISTANCE * SIDE
    return replace(parsed, landmarks=landmarks)


def in_crop(points: Floats, side: int) -> Floats:
    """Points [..., 2] of the face plane in px of a crop of `side` px."""
    there: Floats = points * (EYE_DISTANCE * side) + np.array([0.5, EYE_HEIGHT]) * side
    return there


def _mirrored(right: dict[str, tuple[float, float]], name: str) -> tuple[float, float]:
    if "left" not in name:
        return right[name]
    x, y = right[name.replace("left", "right")]
    return -x, y
