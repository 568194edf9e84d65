"""Measures results of real photos, whose true young self nobody knows.

Whether a result is younger is said by its proportions, as the head parser finds them in the finished picture: how many
lie in the range of young animals of its kind, compared with the photo's? The age classifier
(`engine.lab.evaluation.age_classifier`), which learned from hand-labelled faces, is asked besides; it also goes by coat
and light. Whether it is still the same animal is said by EfficientNet-Lite0: of all photos, the given others too, is
its own photo the nearest to a result?
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from engine.breeds import BREEDS
from engine.errors import PhotoError
from engine.growth.face_growth import FaceGrowth
from engine.growth.growth_model import proportions
from engine.images import decoding
from engine.images.pixels import Pixels
from engine.images.tensors import to_tensor
from engine.lab.annotations import held_out_faces
from engine.lab.evaluation.age_classifier import AgeClassifier, load_classifier
from engine.lab.evaluation.single_face import make_portrait
from engine.messages import Head, Species
from engine.stylegan.generator import UNADJUSTED
from engine.stylegan.perceptual import PerceptualDistance
from engine.stylegan.store import EMBEDDED, Network
from engine.vision.alignment import HeadPose, align, head_pose
from engine.vision.cropping import SIDE
from engine.vision.efficientnet import load_efficientnet
from engine.vision.face_detection import find_heads
from engine.vision.head_parsing import parse_head
from engine.vision.recognition import recognise

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".avif"}
LARGEST_SIDE = 1024  # px; a portrait is 512, so more is only slower


@dataclass(frozen=True, slots=True)
class PhotoResult:
    """One photo made young. `fingerprints` are EfficientNet-Lite0's pooled features of unit length, [1280]."""

    file: Path
    untuned: float  # perceptual distance between the aligned photo and its projection
    reconstruction: float  # the same after the tuning
    youth: tuple[float, float]  # log odds that it looks young: of the photo, of the result
    young: tuple[float, float] | None  # share of proportions within the range of young animals: photo's, result's
    fingerprints: tuple[Tensor, Tensor]  # of the photo, of the result

    @property
    def younger(self) -> bool:
        return self.youth[1] > self.youth[0]


@dataclass(frozen=True, slots=True)
class _Adult:
    """A photo of a pet that faces the camera and does not look young already."""

    file: Path
    image: Image.Image
    head: Head
    species: Species
    breed: str  # slug, "" where unknown


def photo_files(folders: Sequence[Path], held_out: bool = False) -> list[Path]:
    """The photos in these folders, each once; with `held_out`, of annotated folders those that training never saw.

    Raises `OperatorError` where annotations are wanted and missing.
    """
    if held_out:
        found = [photo.path for folder in folders for photo in held_out_faces(folder)]
    else:
        found = [
            path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix.lower() in PHOTO_SUFFIXES
        ]
    return list({path.resolve(): path for path in found}.values())


def measure_photos(
    files: Iterable[Path], network: Network, extractor: PerceptualDistance, count: int | None = None
) -> Iterator[PhotoResult]:
    """Make the pets of photos young, those that face the camera and do not look young already; `count` at most."""
    classifier = load_classifier(EMBEDDED)
    for adult in islice(_adults(files), count):
        yield _measure_photo(adult, network, extractor, classifier)


def other_fingerprints(
    files: Iterable[Path], network: Network, count: int, besides: Collection[Path] = ()
) -> list[Tensor]:
    """Fingerprints [1280] of `count` more photos at most, chosen like those that are measured, without those `besides`.

    The hashes of their names say which come first, so that all folders and breeds are among them.
    """
    known = {file.resolve() for file in besides}
    mixed = sorted(files, key=lambda file: hashlib.sha256(file.name.encode()).digest())
    adults = _adults(file for file in mixed if file.resolve() not in known)
    return [_fingerprint_of(adult, network) for adult in islice(adults, count)]


def same_pet_share(results: Sequence[PhotoResult], others: Sequence[Tensor] = ()) -> float:
    """The share of results whose own photo is the nearest of all, those of `other_fingerprints` among them."""
    before = torch.stack([*(result.fingerprints[0] for result in results), *others])
    after = torch.stack([result.fingerprints[1] for result in results])
    nearest = (after @ before.t()).argmax(dim=1)
    return float((nearest == torch.arange(len(results))).float().mean())


def _adults(files: Iterable[Path]) -> Iterator[_Adult]:
    for file in files:
        try:
            image = decoding.decode(file.read_bytes())
        except PhotoError:
            continue
        image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
        seen = recognise(image)
        if not seen.pet or seen.species is None or not seen.faces or head_pose(seen.heads[0]) is HeadPose.PROFILE:
            continue
        if seen.faces[0].youth > 0.5:
            continue
        breed = seen.breeds[0].breed if seen.breeds else ""
        known = breed in BREEDS and BREEDS[breed].species is seen.species
        yield _Adult(file, image, seen.heads[0], seen.species, breed if known else "")


def _measure_photo(
    adult: _Adult, network: Network, extractor: PerceptualDistance, classifier: AgeClassifier
) -> PhotoResult:
    inversion, portrait = make_portrait(adult.image, adult.head, adult.species, adult.breed, network, extractor)
    distances = inversion.distance_with(UNADJUSTED), inversion.distance_with(inversion.tuned())
    young = portrait.still()
    faces = [_growth(pixels, adult.species) for pixels in (portrait.now, young)]
    before, after = (float(classifier.with_mirror_images(to_tensor(pixels))) for pixels in (portrait.now, young))
    prints = (_fingerprint_of(adult, network), _fingerprint(young))
    return PhotoResult(adult.file, *distances, (before, after), _young_shares(*faces), prints)


def _fingerprint_of(adult: _Adult, network: Network) -> Tensor:
    return _fingerprint(align(adult.image, adult.head, network.template, SIDE).crop)


def _growth(pixels: Pixels, species: Species) -> FaceGrowth | None:
    """The face in a picture; None where none is found."""
    image = Image.fromarray(pixels)
    heads = find_heads(image)
    return FaceGrowth(parse_head(image, heads[0]), species) if heads else None


def _young_shares(photo: FaceGrowth | None, result: FaceGrowth | None) -> tuple[float, float] | None:
    """The share of either face's proportions in the range of young animals of the photo's kind."""
    if photo is None or result is None:
        return None
    lower, upper = photo.young_range
    found = (proportions(face.landmarks) for face in (photo, result))
    before, after = (float(((lower <= one) & (one <= upper)).float().mean()) for one in found)
    return before, after


@torch.no_grad()
def _fingerprint(pixels: Pixels) -> Tensor:
    net = load_efficientnet()
    pooled = net.pooled(net.features(torch.nn.functional.interpolate(to_tensor(pixels), 224, mode="area"))[-1])[0]
    unit: Tensor = pooled / pooled.norm()
    return unit
