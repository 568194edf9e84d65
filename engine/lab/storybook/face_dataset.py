"""Real faces to train on: photos with hand-made marks, aligned like the drawn pets."""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from engine.growth.landmarks import Landmarks, landmarks_of
from engine.lab.recogniser.annotations import Marked, read_marks
from engine.vision.alignment import FaceTemplate, HeadPose, align

SMALLEST_EYE_DISTANCE = 20.0  # pixels in the photo; below, a crop shows no fur


def is_held_out(mark: Marked) -> bool:
    """Never trained on: a fixed tenth of all photos, by name, and those whose licence nobody recorded.

    The recogniser keeps another tenth. This one stays as the first weights had it, so that it stays unseen.
    """
    return not mark.licence_known or hashlib.sha256(mark.path.name.encode()).digest()[0] % 10 == 0


def training_faces(folder: Path) -> list[Marked]:
    """The faces of a folder to train on: both eyes and the nose seen, large enough, not held out."""
    return [mark for mark in usable_faces(folder) if not is_held_out(mark)]


def held_out_faces(folder: Path) -> list[Marked]:
    """The usable faces of a folder that were never trained on."""
    return [mark for mark in usable_faces(folder) if is_held_out(mark)]


def usable_faces(folder: Path) -> Iterator[Marked]:
    """The faces of a folder of marked photos that can be aligned, held out or not."""
    for mark in read_marks(folder):
        eyes = mark.head.left_eye, mark.head.right_eye
        if mark.head_pose is HeadPose.PROFILE or mark.head.nose is None or eyes[0] is None or eyes[1] is None:
            continue
        if math.dist(eyes[0], eyes[1]) >= SMALLEST_EYE_DISTANCE:
            yield mark


@dataclass(slots=True)
class FaceDataset:
    """Aligned faces with their marks on the face plane."""

    faces: Tensor  # uint8 [N, 3, R, R]
    marks: Landmarks
    ages: Tensor  # [N]: 1 young, 0 adult or old, nan unclear

    def __len__(self) -> int:
        return len(self.faces)


def open_dataset(marked: list[Marked], resolution: int) -> FaceDataset:
    """Align every face at `resolution`."""
    faces, heads = [], []
    for mark in marked:
        with Image.open(mark.path) as photo:
            aligned = align(photo.convert("RGB"), mark.head, FaceTemplate.STORYBOOK, resolution)
        faces.append(torch.from_numpy(aligned.crop.copy()).permute(2, 0, 1))
        heads.append((mark.head, aligned.alignment))
    ages = [math.nan if mark.young is None else float(mark.young) for mark in marked]
    return FaceDataset(
        torch.stack(faces),
        landmarks_of(heads, [mark.species for mark in marked]),
        torch.tensor(ages),
    )
