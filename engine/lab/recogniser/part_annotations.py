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

from engine.lab.annotations import SMALLEST_EYE_DISTANCE, in_storybook_test_share, in_test_share
from engine.messages import Head, Species
from engine.vision.head_parsing import COATS, EARS, LANDMARKS, MUZZLES

Floats = NDArray[np.float64]

_PREFIX = re.compile(r"^(ox_|\w+?__\w+?__)")
_EYES = tuple(slice(start, start + 4) for start in (0, 4))  # of the landmarks
_NOSE = [i for i, name in enumerate(LANDMARKS) if name.startswith("nose_")]
_YOUNG = ("baby", "young")


@dataclass(frozen=True, slots=True, eq=False)
class MarkedParts:
    """One face whose parts are marked, by hand or because it was drawn."""

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
        return photo_name(self.path)

    @property
    def held_out_from_storybook(self) -> bool:
        """Whether storybook never trains on it."""
        return self.held_out or in_storybook_test_share(self.path)

    @property
    def looks_young(self) -> bool:
        return self.age in _YOUNG

    @property
    def head(self) -> Head | None:
        """The head that the marks describe, in px; None where eyes or nose do not suffice to align it."""
        left, right = self.eye_centres
        nose = self.landmarks[_NOSE].mean(0)
        if np.isnan(nose).any() or np.hypot(*(right - left)) < SMALLEST_EYE_DISTANCE:
            return None
        points = np.concatenate([self.outline, self.landmarks[~np.isnan(self.landmarks).any(1)]])
        (x0, y0), (x1, y1) = points.min(0).tolist(), points.max(0).tolist()
        eyes = (float(left[0]), float(left[1])), (float(right[0]), float(right[1]))
        return Head((x0, y0, x1, y1), *eyes, (float(nose[0]), float(nose[1])), 1.0)

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


def photo_name(path: Path) -> str:
    """A photo's own name: copies of one photo lie in several folders, under names with other beginnings."""
    return _PREFIX.sub("", path.stem)


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
