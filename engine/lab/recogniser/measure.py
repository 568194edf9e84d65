"""Measures how well heads, landmarks, species and breeds are found, on photos held out from training."""

import math
import statistics
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

from engine.breeds import BREEDS
from engine.lab.annotations import AnnotatedPhoto, read_rgb
from engine.messages import Box, Head
from engine.vision.alignment import HeadPose
from engine.vision.face_detection import overlap
from engine.vision.geometry import head_size
from engine.vision.recognition import Recognised, recognise

PAIR_HEIGHT = 480  # px, of two photos put beside each other
NEAR = 0.08  # of the head's size; a point that is nearer to its annotation counts as found


def measure(photos: list[AnnotatedPhoto], petless: list[Path]) -> dict[str, Any]:
    """Recognise every photo and compare with its annotations; `petless` are pictures without a dog or a cat.

    Shares are 0..1; distances are over the annotated head's size √(w·h). `notes` say which photos went wrong, and how.
    """
    seen, seconds, notes = [], [], []
    for photo in tqdm(photos, desc="photos", disable=None):
        image = read_rgb(photo.path)
        begun = time.monotonic()
        seen.append(recognise(image))
        seconds.append(time.monotonic() - begun)
    pairs = list(zip(photos, seen, strict=True))
    overlaps = [overlap(found.heads[0].box, photo.head.box) if found.heads else 0.0 for photo, found in pairs]
    notes += [f"{m.path.name}: overlap {o:.2f}" for m, o in zip(photos, overlaps, strict=True) if o < 0.5]
    facing = [(photo, found) for photo, found in pairs if photo.head_pose is not HeadPose.PROFILE]
    misses = [_misses(photo.head, found.heads[0] if found.heads else None) for photo, found in facing]
    for (photo, _), far in zip(facing, misses, strict=True):
        if max(far, default=0.0) > NEAR:
            notes.append(f"{photo.path.name}: a point misses by {max(far):.2f}")
    points = [miss for far in misses for miss in far]
    notes += [f"{photo.path.name}: no pet ({found.pet_probability:.2f})" for photo, found in pairs if not found.pet]
    pets = [(photo, found) for photo, found in pairs if found.pet]
    notes += [f"{photo.path.name}: {found.species}" for photo, found in pets if found.species is not photo.species]
    named = [(photo, found) for photo, found in pairs if _breed_known(photo)]
    for photo, found in named:
        if not _among(photo, found, 3):
            notes.append(f"{photo.path.name}: {[guess.breed for guess in found.breeds[:3]]}")
    empty = [recognise(read_rgb(path)) for path in petless]
    for path, found in zip(petless, empty, strict=True):
        if found.pet:
            notes.append(f"{path.name}: a pet ({found.pet_probability:.2f}) {found.breeds[0].breed}")
    pairs_right = [_pair_found(one, other) for one, other in pairwise(photos)]
    return {
        "photos": len(photos),
        "petless": len(petless),
        "pets_missed": 1 - len(pets) / len(photos),  # of the pets, "no pet"
        "petless_right": _share([not found.pet for found in empty]),  # of the pictures without a pet, "no pet"
        "species_right": _share([found.species is photo.species for photo, found in pets]),  # of those taken for pets
        "breed_first": _share([_among(photo, found, 1) for photo, found in named]),  # of listed breeds: the likeliest
        "breed_first_three": _share([_among(photo, found, 3) for photo, found in named]),
        "heads_half": _share([o >= 0.5 for o in overlaps]),  # most prominent heads that overlap by half at least
        "mean_overlap": statistics.fmean(overlaps),  # intersection over union
        "points_near": _share([miss <= NEAR for miss in points]),  # eyes and noses on all views but profiles
        "photos_near": _share([max(far, default=0.0) <= NEAR for far in misses]),  # of those photos: all their points
        "median_miss": statistics.median(points),
        "pairs_found": _share(pairs_right),  # two photos beside each other: both heads found, and nothing else
        "median_seconds": statistics.median(seconds),  # of one recognition
        "notes": notes,
    }


def _breed_known(photo: AnnotatedPhoto) -> bool:
    return bool(photo.breed) and not photo.breed.startswith("mixed") and photo.breed in BREEDS


def _among(photo: AnnotatedPhoto, found: Recognised, first: int) -> bool:
    return photo.breed in [guess.breed for guess in found.breeds[:first]]


def _misses(truth: Head, found: Head | None) -> list[float]:
    """Distance of each point from its annotation, over the head's size; infinity where none was found."""
    far = []
    for name in ("left_eye", "right_eye", "nose"):
        wanted, got = getattr(truth, name), getattr(found, name) if found else None
        if wanted is not None:
            far.append(math.dist(wanted, got) / head_size(truth) if got is not None else math.inf)
    return far


def _pair_found(one: AnnotatedPhoto, other: AnnotatedPhoto) -> bool:
    """Whether of two photos put beside each other both heads are found, and no third."""
    images = [read_rgb(photo.path) for photo in (one, other)]
    scales = [PAIR_HEIGHT / image.height for image in images]
    images = [image.resize((round(image.width * s), PAIR_HEIGHT)) for image, s in zip(images, scales, strict=True)]
    joined = Image.new("RGB", (sum(image.width for image in images), PAIR_HEIGHT))
    joined.paste(images[0], (0, 0))
    joined.paste(images[1], (images[0].width, 0))
    boxes = [
        _scaled(photo.head.box, scale, left)
        for photo, scale, left in zip((one, other), scales, (0, images[0].width), strict=True)
    ]
    found = recognise(joined).heads
    return len(found) == 2 and all(any(overlap(head.box, box) >= 0.5 for head in found) for box in boxes)


def _scaled(box: Box, scale: float, left: float) -> Box:
    return box[0] * scale + left, box[1] * scale, box[2] * scale + left, box[3] * scale


def _share(hits: list[bool]) -> float:
    return sum(hits) / len(hits) if hits else 0.0
