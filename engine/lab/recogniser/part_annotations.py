"""Faces whose parts were marked by hand: landmarks, outline of the head, and what kind of head it is.

`parts.jsonl` beside this module has a line a face. Its photos lie where `faces.tsv` of a marked folder says; the marks
are in pixels of these photos. They were made on magnified pictures and looked at twice.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.lab.annotations import in_test_share
from engine.messages import Species
from engine.vision.head_parsing import COATS, EARS, LANDMARKS, MUZZLES

Floats = NDArray[np.float64]

_PREFIX = re.compile(r"^(ox_|\w+?__\w+?__)")
_EYES = tuple(slice(start, start + 4) for start in (0, 4))  # of the landmarks


@dataclass(frozen=True, slots=True, eq=False)
class MarkedParts:
    """One face, marked by hand."""

    path: Path
    species: Species
    frontal: bool
    age: str  # "baby" (to about three months), "young", "adult" or "old", by eye
    ears: str | None  # of EARS; None where it cannot be told
    muzzle: str | None  # of MUZZLES
    coat: str | None  # of COATS
    mouth_open: bool
    eyes: str  # "open", "narrowed", "closed" or "hidden"
    flash: bool
    landmarks: Floats  # [24, 2] px, NaN where hidden
    outline: Floats  # [K, 2] px, clockwise; K = 0 where it was not marked
    eye_centres: Floats  # [2, 2] px, left and right in the picture
    held_out: bool  # no network is trained on it: it is kept for testing, or nobody recorded its licence

    @property
    def photo(self) -> str:
        """The photo's own name: copies of one photo lie in several folders, under names with other beginnings."""
        return _PREFIX.sub("", self.path.stem)

    @property
    def kinds(self) -> Floats:
        """[10]: 1, then one-hot ears, muzzle and coat."""
        chosen = [[1.0]]
        for value, values in ((self.ears, EARS), (self.muzzle, MUZZLES), (self.coat, COATS)):
            chosen.append([float(value == one) for one in values])
        return np.concatenate(chosen)

    def on_plane(self, points: Floats) -> Floats:
        """Points [..., 2] of the photo on the face plane, whose unit is the distance between the eyes."""
        left, right = self.eye_centres
        across = right - left
        unit = np.hypot(*across)
        cos, sin = across / unit
        turned: Floats = (points - (left + right) / 2) @ np.array([[cos, -sin], [sin, cos]]) / unit
        return turned


def read_parts(folders: Sequence[Path]) -> list[MarkedParts]:
    """The faces whose photos lie in one of these folders, or in `images` there, and both eyes of which are known."""
    lines = files("engine.lab.recogniser").joinpath("parts.jsonl").read_text("utf-8").splitlines()
    faces = [json.loads(line) for line in lines]
    return [_face(path, face) for face in faces if (path := _photo(folders, face["file"])) is not None]


def _photo(folders: Sequence[Path], file: str) -> Path | None:
    paths = [folder / place / file for folder in folders for place in ("", "images")]
    return next((path for path in paths if path.exists()), None)


def _face(path: Path, stored: dict[str, Any]) -> MarkedParts:
    landmarks = np.array([stored["points"].get(name) or (np.nan, np.nan) for name in LANDMARKS])
    marked = np.stack([landmarks[eye].mean(0) for eye in _EYES])
    return MarkedParts(
        path=path,
        species=Species(stored["species"]),
        frontal=stored["view"] == "frontal",
        age=stored["age"],
        ears=stored["ears"],
        muzzle=stored["muzzle"],
        coat=stored["coat"],
        mouth_open=stored["mouth"] == "open",
        eyes=stored["eyes"],
        flash=stored["flash"],
        landmarks=landmarks,
        outline=np.array(stored["outline"], float).reshape(-1, 2),
        held_out=not stored["licence_known"] or in_test_share(path.stem),
        eye_centres=np.where(np.isnan(marked), np.array(stored["eyes_at"], float), marked),
    )
