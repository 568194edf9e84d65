"""Aligns annotated photos like the drawn pets and keeps them in memory, to train on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.lab.annotations import AnnotatedPhoto, read_rgb
from engine.messages import Species
from engine.stylegan.encoder import Encoder
from engine.vision.alignment import FaceTemplate, align

ADULT, YOUNG, UNCLEAR = range(3)  # the age in a class of faces: classes are 3 · cat + age
CLASSES = 6
_ENCODED_AT_ONCE = 64  # faces; bounds the memory


@dataclass(slots=True)
class FaceDataset:
    """N aligned faces, their species and their ages."""

    faces: Tensor  # uint8 [N, 3, R, R]
    cats: Tensor  # bool [N]
    ages: Tensor  # [N]: 1 young, 0 adult or old, nan unclear

    def __len__(self) -> int:
        return len(self.faces)

    @property
    def classes(self) -> Tensor:
        """Species and age of every face: [N], 3 · cat + ADULT, YOUNG or UNCLEAR."""
        return 3 * self.cats.long() + self.ages.nan_to_num(UNCLEAR).long()

    def pictures(self, which: Tensor) -> Tensor:
        """The faces that `which` selects (indices or bool [N]): [M, 3, R, R] in -1..1."""
        return self.faces[which].float() / 127.5 - 1


@torch.no_grad()
def photo_latents(encoder: Encoder, dataset: FaceDataset) -> Tensor:
    """The encoder's w of every face: [N, w_dim]."""
    device = encoder.out.weight.device
    parts = torch.split(torch.arange(len(dataset)), _ENCODED_AT_ONCE)
    return torch.cat([encoder(dataset.pictures(part).to(device)) for part in parts])


def open_dataset(photos: Sequence[AnnotatedPhoto], resolution: int) -> FaceDataset:
    """Align the face of every photo at `resolution` px."""
    faces = []
    for photo in photos:
        aligned = align(read_rgb(photo.path), photo.head, FaceTemplate.STORYBOOK, resolution)
        faces.append(torch.from_numpy(aligned.crop.copy()).permute(2, 0, 1))
    cats = [photo.species is Species.CAT for photo in photos]
    ages = [math.nan if photo.young is None else float(photo.young) for photo in photos]
    return FaceDataset(torch.stack(faces), torch.tensor(cats), torch.tensor(ages))
