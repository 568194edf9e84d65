"""The photos marked by hand: heads, eyes, noses, breeds and ages, and which of them are kept for testing.

A folder of marked photos holds `faces.tsv` (head box, eyes, nose, view, age) and `SOURCES.tsv` (licence, breed).
"""

import csv
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from engine.breeds import BREEDS
from engine.errors import EngineFault
from engine.messages import Head, Point, Species
from engine.vision.alignment import HeadPose

_UNRECORDED = "Wikimedia Commons"  # licences that nobody wrote down: good for testing, not for training

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
class Marked:
    """A photo whose most prominent head was marked by hand."""

    path: Path
    head: Head
    species: Species
    head_pose: HeadPose
    breed: str  # slug, "" where unknown
    young: bool | None  # None where nobody could tell
    licence: str
    held_out: bool  # never trained on

    @property
    def licence_known(self) -> bool:
        return not self.licence.startswith(_UNRECORDED)


def read_marks(folder: Path) -> list[Marked]:
    """Every marked photo of a folder, in the order of its `faces.tsv`.

    Raises `EngineFault` where a table is missing.
    """
    source_points = {_name(row["file"]): row for row in _table(folder / "SOURCES.tsv")}
    return [_marked(folder, row, source_points[_name(row["file"])]) for row in _table(folder / "faces.tsv")]


def _marked(folder: Path, row: dict[str, str], source: dict[str, str]) -> Marked:
    path = folder / row["file"]
    if not path.exists():
        path = folder / "images" / row["file"]
    x0, y0, x1, y1 = (float(row[f"head_{side}"]) for side in ("xmin", "ymin", "xmax", "ymax"))
    head = Head((x0, y0, x1, y1), _point(row, "left_eye"), _point(row, "right_eye"), _point(row, "nose"), 1.0)
    return Marked(
        path,
        head,
        Species(row["species"]),
        HeadPose(row["view"]),
        _slug(source["breed"]),
        {"young": True, "adult": False, "old": False}.get(row["age"]),
        source["licence"],
        source["licence"].startswith(_UNRECORDED) or _kept(path.stem),
    )


def _kept(stem: str) -> bool:
    """Whether this photo is in the tenth kept for testing: by its name, so that the choice never moves.

    The series of one animal (``dog5_00``, ``dreambooth_dog5_04``) stay together.
    """
    series = re.fullmatch(r"(?:\w+__)?(?:dreambooth_)?((?:dog|cat)\d*)_\d+", stem)
    key = series[1] if series else stem
    return hashlib.sha256(key.encode()).digest()[0] < 256 // 10


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
        raise EngineFault(f"there is no {path.name} in {path.parent}")
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))
