"""Measure finding and recognising on the photos that were kept out of training.

    python -m engine.lab.recogniser.measure --photos PHOTOS HEADS --petless FILE…

Prints one JSON object.
"""

import argparse
import json
import math
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from PIL import Image

from engine.breeds import BREEDS
from engine.lab.recogniser.annotations import Marked, read_marks
from engine.messages import Box, Head
from engine.vision.alignment import HeadPose
from engine.vision.face_detection import overlap
from engine.vision.geometry import head_size
from engine.vision.recognition import Recognised, recognise

_BESIDE = 480  # pixels, the height of two photos put beside each other


@dataclass(frozen=True, slots=True)
class Report:
    """Shares are 0..1; distances are over the marked head's size √(w·h)."""

    photos: int
    petless: int
    pets_missed: float  # of the pets, "no pet"
    petless_right: float  # of the pictures without a pet, "no pet"
    species_right: float  # of the pets recognised as pets
    breed_first: float  # of the photos whose breed is listed: the likeliest
    breed_first_three: float
    heads_half: float  # the most prominent head overlaps the marked one by half at least
    mean_overlap: float  # intersection over union
    points_near: float  # of eyes and noses on frontal and three-quarter views: within 8 %
    photos_near: float  # of those photos: all their points are
    median_miss: float
    pairs_found: float  # two photos beside each other: both heads found, and nothing else
    median_seconds: float  # of one recognition
    notes: tuple[str, ...]  # which photos went wrong, and how


def measure(photos: list[Marked], petless: list[Path]) -> Report:
    """Recognise every photo; `petless` are pictures without a dog or a cat."""
    seen, seconds, notes = [], [], []
    for marked in photos:
        image = _opened(marked.path)
        begun = time.monotonic()
        seen.append(recognise(image))
        seconds.append(time.monotonic() - begun)
    pairs = list(zip(photos, seen, strict=True))
    overlaps = [overlap(found.heads[0].box, marked.head.box) if found.heads else 0.0 for marked, found in pairs]
    notes += [f"{m.path.name}: overlap {o:.2f}" for m, o in zip(photos, overlaps, strict=True) if o < 0.5]
    facing = [(marked, found) for marked, found in pairs if marked.head_pose is not HeadPose.PROFILE]
    misses = [_misses(marked.head, found.heads[0] if found.heads else None) for marked, found in facing]
    for (marked, _), far in zip(facing, misses, strict=True):
        if max(far, default=0.0) > 0.08:
            notes.append(f"{marked.path.name}: a point misses by {max(far):.2f}")
    points = [miss for far in misses for miss in far]
    notes += [f"{marked.path.name}: no pet ({found.pet_probability:.2f})" for marked, found in pairs if not found.pet]
    pets = [(marked, found) for marked, found in pairs if found.pet]
    notes += [f"{marked.path.name}: {found.species}" for marked, found in pets if found.species is not marked.species]
    named = [(marked, found) for marked, found in pairs if _told(marked)]
    for marked, found in named:
        if not _among(marked, found, 3):
            notes.append(f"{marked.path.name}: {[guess.breed for guess in found.breeds[:3]]}")
    empty = [recognise(_opened(path)) for path in petless]
    for path, found in zip(petless, empty, strict=True):
        if found.pet:
            notes.append(f"{path.name}: a pet ({found.pet_probability:.2f}) {found.breeds[0].breed}")
    beside = [_both_found(one, other) for one, other in pairwise(photos)]
    return Report(
        photos=len(photos),
        petless=len(petless),
        pets_missed=1 - len(pets) / len(photos),
        petless_right=_share([not found.pet for found in empty]),
        species_right=_share([found.species is marked.species for marked, found in pets]),
        breed_first=_share([_among(marked, found, 1) for marked, found in named]),
        breed_first_three=_share([_among(marked, found, 3) for marked, found in named]),
        heads_half=_share([o >= 0.5 for o in overlaps]),
        mean_overlap=statistics.fmean(overlaps),
        points_near=_share([miss <= 0.08 for miss in points]),
        photos_near=_share([max(far, default=0.0) <= 0.08 for far in misses]),
        median_miss=statistics.median(points),
        pairs_found=_share(beside),
        median_seconds=statistics.median(seconds),
        notes=tuple(notes),
    )


def _told(marked: Marked) -> bool:
    return bool(marked.breed) and not marked.breed.startswith("mixed") and marked.breed in BREEDS


def _among(marked: Marked, found: Recognised, first: int) -> bool:
    return marked.breed in [guess.breed for guess in found.breeds[:first]]


def _misses(truth: Head, found: Head | None) -> list[float]:
    """How far each marked point was missed, over the head's size; infinity where none was given."""
    far = []
    for name in ("left_eye", "right_eye", "nose"):
        wanted, got = getattr(truth, name), getattr(found, name) if found else None
        if wanted is not None:
            far.append(math.dist(wanted, got) / head_size(truth) if got is not None else math.inf)
    return far


def _both_found(one: Marked, other: Marked) -> bool:
    """Put two photos beside each other: are the two heads found, and no third?"""
    images = [_opened(marked.path) for marked in (one, other)]
    scales = [_BESIDE / image.height for image in images]
    images = [image.resize((round(image.width * s), _BESIDE)) for image, s in zip(images, scales, strict=True)]
    joined = Image.new("RGB", (sum(image.width for image in images), _BESIDE))
    joined.paste(images[0], (0, 0))
    joined.paste(images[1], (images[0].width, 0))
    boxes = [
        _scaled(marked.head.box, scale, left)
        for marked, scale, left in zip((one, other), scales, (0, images[0].width), strict=True)
    ]
    found = recognise(joined).heads
    return len(found) == 2 and all(any(overlap(head.box, box) >= 0.5 for head in found) for box in boxes)


def _scaled(box: Box, scale: float, left: float) -> Box:
    return box[0] * scale + left, box[1] * scale, box[2] * scale + left, box[3] * scale


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as opened:
        return opened.convert("RGB")


def _share(hits: list[bool]) -> float:
    return sum(hits) / len(hits) if hits else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure finding and recognising on the photos kept for that.")
    parser.add_argument("--photos", type=Path, nargs="+", required=True, help="folders with faces.tsv and SOURCES.tsv")
    parser.add_argument("--petless", type=Path, nargs="*", default=[], help="pictures without a dog or a cat")
    asked = parser.parse_args()
    photos = [marked for folder in asked.photos for marked in read_marks(folder) if marked.held_out]
    sys.stdout.write(json.dumps(asdict(measure(photos, asked.petless)), indent=1) + "\n")


if __name__ == "__main__":
    main()
