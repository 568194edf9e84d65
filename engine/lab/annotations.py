"""Reads photos annotated by hand: heads, eyes, noses, breeds and ages; says which of them no training may see.

A folder of annotated photos holds `faces.tsv` (head box, eyes, nose, view, age) and `SOURCES.tsv` (licence, breed).
Coordinates are pixels of the photo, x to the right, y down; left and right are the viewer's.
"""

import csv
import hashlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from engine.breeds import BREEDS
from engine.errors import OperatorError
from engine.messages import Head, Point, Species
from engine.vision.alignment import HeadPose

SMALLEST_EYE_DISTANCE = 20.0  # px in the photo; a face whose eyes are closer shows no fur to learn from
TEST_SHARE = 10  # one photo in so many is kept for testing

_UNRECORDED = "Wikimedia Commons"  # licences that nobody wrote down: good for testing, not for training
_FREE = ("Unsplash", "CC0", "Public Domain", "CC BY 4.0", "CC BY 2.0", "MIT-CMU")

# Names in the tables that are not a slug once spaces are underscores and remarks are gone.
_SLUGS = {
    "british_shorthair/russian_blue_type": "",
    "beagle_mix": "mixed_dog",
    "border_collie,_blue_merle": "border_collie",
    "cattle_dog": "australian_cattle_dog",
    "cavalier": "cavalier_king_charles_spaniel",
    "corgi": "welsh_corgi",
    "english_cocker_spaniel": "cocker_spaniel",
    "german_shepherd_dog": "german_shepherd",
    "german_shorthaired": "german_shorthaired_pointer",
    "labrador": "labrador_retriever",
    "labrador_type,_black": "labrador_retriever",
    "long-haired_dachshund": "dachshund",
    "nova_scotia_duck_tolling_retriever_type": "nova_scotia_duck_tolling_retriever",
    "pembroke_welsh_corgi": "welsh_corgi",
    "petit_basset_griffon_vendéen": "petit_basset_griffon_vendeen",
    "poodle_(miniature)": "poodle",
    "poodle_(toy)": "poodle",
    "russell_terrier": "jack_russell_terrier",
    "wheaten_terrier": "soft_coated_wheaten_terrier",
    "working_kelpie": "kelpie",
}


@dataclass(frozen=True, slots=True)
class AnnotatedPhoto:
    """A photo whose most prominent head was annotated by hand."""

    path: Path
    head: Head
    species: Species
    head_pose: HeadPose
    breed: str  # slug, "" where unknown
    young: bool | None  # None where nobody could tell
    licence: str
    held_out: bool  # no training of the recogniser sees it

    @property
    def licence_known(self) -> bool:
        return not self.licence.startswith(_UNRECORDED)

    @property
    def may_be_shown(self) -> bool:
        """Whether the licence allows showing the photo anywhere, with credit."""
        return any(name in self.licence for name in _FREE) and "BY-SA" not in self.licence

    @property
    def held_out_from_storybook(self) -> bool:
        """Whether storybook never trains on it: a fixed tenth of all photos, by name, and unrecorded licences.

        The recogniser holds out another tenth. This one is that of the first weights, so that it stays unseen.
        """
        return not self.licence_known or in_storybook_test_share(self.path)


@dataclass(frozen=True, slots=True)
class PhotoSource:
    """What `SOURCES.tsv` says of a photo."""

    breed: str  # slug, "" where unknown
    licence: str


def read_annotations(folder: Path) -> list[AnnotatedPhoto]:
    """Every annotated photo of a folder, in the order of its `faces.tsv`.

    Raises `OperatorError` where a table is missing.
    """
    sources = read_sources(folder)
    return [_annotated(folder, row, sources[_name(row["file"])]) for row in _table(folder / "faces.tsv")]


def read_sources(folder: Path) -> dict[str, PhotoSource]:
    """Where the photos of a folder come from, by the names of their files.

    Raises `OperatorError` where the table is missing.
    """
    rows = _table(folder / "SOURCES.tsv")
    return {_name(row["file"]): PhotoSource(_slug(row["breed"]), row["licence"]) for row in rows}


def usable_faces(folder: Path) -> Iterator[AnnotatedPhoto]:
    """The photos of a folder whose face can be aligned (both eyes and the nose seen, large enough), held out or not."""
    for photo in read_annotations(folder):
        left, right = photo.head.left_eye, photo.head.right_eye
        if photo.head_pose is HeadPose.PROFILE or photo.head.nose is None or left is None or right is None:
            continue
        if math.dist(left, right) >= SMALLEST_EYE_DISTANCE:
            yield photo


def training_faces(folder: Path) -> list[AnnotatedPhoto]:
    """The usable faces of a folder that storybook trains on."""
    return [photo for photo in usable_faces(folder) if not photo.held_out_from_storybook]


def held_out_faces(folder: Path) -> list[AnnotatedPhoto]:
    """The usable faces of a folder that storybook never trains on."""
    return [photo for photo in usable_faces(folder) if photo.held_out_from_storybook]


def read_rgb(path: Path) -> Image.Image:
    """A picture as it is stored, RGB."""
    with Image.open(path) as opened:
        return opened.convert("RGB")


def _annotated(folder: Path, row: dict[str, str], source: PhotoSource) -> AnnotatedPhoto:
    path = folder / row["file"]
    if not path.exists():
        path = folder / "images" / row["file"]
    x0, y0, x1, y1 = (float(row[f"head_{side}"]) for side in ("xmin", "ymin", "xmax", "ymax"))
    head = Head((x0, y0, x1, y1), _point(row, "left_eye"), _point(row, "right_eye"), _point(row, "nose"), 1.0)
    return AnnotatedPhoto(
        path,
        head,
        Species(row["species"]),
        HeadPose(row["view"]),
        source.breed,
        {"young": True, "adult": False, "old": False}.get(row["age"]),
        source.licence,
        source.licence.startswith(_UNRECORDED) or in_test_share(path.stem),
    )


def in_test_share(stem: str) -> bool:
    """Whether this photo is kept for testing: decided by its name, so that the choice never moves.

    The series of one animal (``dog5_00``, ``dreambooth_dog5_04``) stay together.
    """
    return hashlib.sha256(series_of(stem).encode()).digest()[0] < 256 // TEST_SHARE


def in_storybook_test_share(path: Path) -> bool:
    """Whether storybook never trains on this photo: decided by its name, so that the choice never moves."""
    return hashlib.sha256(path.name.encode()).digest()[0] % TEST_SHARE == 0


def series_of(stem: str) -> str:
    """What photos of one animal have in common in their names, or the whole name of a photo by itself."""
    series = re.fullmatch(r"(?:\w+__)?(?:dreambooth_)?((?:dog|cat)\d*)_\d+", stem)
    return series[1] if series else stem


def _slug(written: str) -> str:
    plain = written.removesuffix(" (by eye)").lower().replace(" ", "_")
    slug = _SLUGS.get(plain, plain)
    return slug if slug in BREEDS else ""


def _point(row: dict[str, str], name: str) -> Point | None:
    x, y = row[f"{name}_x"], row[f"{name}_y"]
    return (float(x), float(y)) if x not in ("", "-") else None


def _name(file: str) -> str:
    return file.rsplit("/", 1)[-1]


def _table(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise OperatorError(f"there is no {path.name} in {path.parent}")
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))
