"""How well real photos come out: what can be measured where no truth is known.

Whether the result looks younger is asked of a reader of age (`engine.storybook.reading`), which learned it from
hand-labelled faces, and of the proportions between the marks that are found in it; whether it is still the same animal,
of EfficientNet-Lite0: among the results and all photos, is a result nearest to its own photo?
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from engine import photos
from engine.alignment import Pixels, View, view
from engine.breeds import BREEDS
from engine.errors import PhotoError
from engine.faces import find_faces
from engine.features import load_efficientnet
from engine.generator import UNADJUSTED
from engine.messages import Head, Species
from engine.networks import Network
from engine.networks.store import EMBEDDED
from engine.perceptual import PerceptualDistance
from engine.pixels import to_tensor
from engine.recognition import recognise
from engine.storybook.portrayed import portrayed
from engine.storybook.reading import AgeReader, load_reader

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".avif"}
_LARGEST = 1024  # px; a portrait is 512, so more is only slower


@dataclass(frozen=True, slots=True)
class PhotoResult:
    """One photo made young. `fingerprints` are EfficientNet-Lite0's pooled features of unit length, [1280]."""

    file: Path
    unlocked: float  # perceptual distance between the aligned photo and its projection
    reconstruction: float  # the same after the identity lock
    youth: tuple[float, float]  # log odds that it looks young: of the photo, of the result
    muzzle: tuple[float, float] | None  # eyes to nose over the distance between the eyes: of the photo, of the result
    fingerprints: tuple[Tensor, Tensor]  # of the photo, of the result

    @property
    def younger(self) -> bool:
        return self.youth[1] > self.youth[0]

    @property
    def shorter(self) -> bool:
        return self.muzzle is None or self.muzzle[1] < self.muzzle[0]


def judge_photos(
    folder: Path, network: Network, extractor: PerceptualDistance, count: int | None = None
) -> Iterator[PhotoResult]:
    """Make the pets of a folder's photos young, those that face the camera and do not look young already."""
    reader = load_reader(EMBEDDED)
    done = 0
    for file in sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES):
        if done == count:
            return
        try:
            image = photos.decode(file.read_bytes())
        except PhotoError:
            continue
        image.thumbnail((_LARGEST, _LARGEST))
        seen = recognise(image)
        if not seen.pet or seen.species is None or not seen.faces or view(seen.heads[0]) is View.PROFILE:
            continue
        if seen.faces[0].youth > 0.5:
            continue
        breed = seen.breeds[0].breed if seen.breeds else ""
        yield _judged(file, image, seen.heads[0], seen.species, breed, network, extractor, reader)
        done += 1


def same_pet_share(results: list[PhotoResult]) -> float:
    """Of how many results the own photo is the nearest of all photos."""
    before = torch.stack([result.fingerprints[0] for result in results])
    after = torch.stack([result.fingerprints[1] for result in results])
    nearest = (after @ before.t()).argmax(dim=1)
    return float((nearest == torch.arange(len(results))).float().mean())


def _judged(
    file: Path,
    image: Image.Image,
    head: Head,
    species: Species,
    breed: str,
    network: Network,
    extractor: PerceptualDistance,
    reader: AgeReader,
) -> PhotoResult:
    breed = breed if breed in BREEDS and BREEDS[breed].species is species else ""
    sitting, portrait = portrayed(image, head, species, breed, network, extractor)
    distances = sitting.distance_with(UNADJUSTED), sitting.distance_with(sitting.locked())
    young = portrait.still()
    muzzles = [_muzzle(pixels) for pixels in (portrait.now, young)]
    muzzle = (muzzles[0], muzzles[1]) if muzzles[0] is not None and muzzles[1] is not None else None
    youth = (float(reader.both_ways(to_tensor(portrait.now))), float(reader.both_ways(to_tensor(young))))
    prints = (_fingerprint(portrait.now), _fingerprint(young))
    return PhotoResult(file, *distances, youth, muzzle, prints)


def _muzzle(pixels: Pixels) -> float | None:
    """From between the eyes to the nose, over the distance between the eyes."""
    faces = find_faces(Image.fromarray(pixels))
    if not faces:
        return None
    head = faces[0].head
    if head.left_eye is None or head.right_eye is None or head.nose is None:
        return None
    (left_x, left_y), (right_x, right_y) = head.left_eye, head.right_eye
    between = ((left_x + right_x) / 2, (left_y + right_y) / 2)
    return math.dist(between, head.nose) / max(math.dist(head.left_eye, head.right_eye), 1.0)


@torch.no_grad()
def _fingerprint(pixels: Pixels) -> Tensor:
    net = load_efficientnet()
    pooled = net.pooled(net.features(torch.nn.functional.interpolate(to_tensor(pixels), 224, mode="area"))[-1])[0]
    unit: Tensor = pooled / pooled.norm()
    return unit
