"""Aligns annotated photos like the drawn pets and keeps them in memory, to train on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.lab.annotations import AnnotatedPhoto, read_rgb
from engine.lab.drawn_pets.landmarks import Landmarks, landmarks_of
from engine.vision.alignment import FaceTemplate, align


@dataclass(slots=True)
class FaceDataset:
    """N aligned faces, their landmarks on the face plane and their ages."""

    faces: Tensor  # uint8 [N, 3, R, R]
    landmarks: Landmarks
    ages: Tensor  # [N]: 1 young, 0 adult or old, nan unclear

    def __len__(self) -> int:
        return len(self.faces)

    def pictures(self, which: Tensor) -> Tensor:
        """The faces that `which` selects (indices or bool [N]): [M, 3, R, R] in -1..1."""
        return self.faces[which].float() / 127.5 - 1


def open_dataset(photos: Sequence[AnnotatedPhoto], resolution: int) -> FaceDataset:
    """Align the face of every photo at `resolution` px."""
    faces, heads = [], []
    for photo in photos:
        aligned = align(read_rgb(photo.path), photo.head, FaceTemplate.STORYBOOK, resolution)
        faces.append(torch.from_numpy(aligned.crop.copy()).permute(2, 0, 1))
        heads.append((photo.head, aligned.alignment))
    ages = [math.nan if photo.young is None else float(photo.young) for photo in photos]
    return FaceDataset(torch.stack(faces), landmarks_of(heads, [photo.species for photo in photos]), torch.tensor(ages))
