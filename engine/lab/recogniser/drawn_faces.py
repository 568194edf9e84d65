"""Drawn pets as faces whose parts are marked: where they lie is known from what the pets are drawn from."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from engine.images.tensors import to_pixels
from engine.lab.drawn_pets.anatomy import Anatomy
from engine.lab.drawn_pets.parameters import BREEDS, INDEX, at_age, sample_pets
from engine.lab.drawn_pets.pet_growth import moved
from engine.lab.drawn_pets.renderer import render
from engine.lab.recogniser.part_annotations import Floats, MarkedParts
from engine.messages import Species
from engine.vision.alignment import EYE_DISTANCE, EYE_HEIGHT
from engine.vision.head_parsing import COATS, EARS, MUZZLES, SIDE

_AT_ONCE = 14  # pets that are drawn
_OUTLINE = 96  # points of an outline
_ADULT_SHARE = 0.5  # of the pets; the others are of any age down to eight weeks
_AGES = ((0.85, "baby"), (0.4, "young"))  # from which age on they count as that
_SURE = 0.7  # share of a kind, from which on a pet is called so
_MOUTH_OPEN = 0.5  # how much of the tongue is seen then


def draw_marked_pets(folder: Path, count: int, seed: int) -> list[MarkedParts]:
    """Draw pets of every breed and of many ages into `folder`; return their faces."""
    random = torch.Generator().manual_seed(seed)
    names = [name for name, _ in zip(list(BREEDS) * (count // len(BREEDS) + 1), range(count), strict=False)]
    faces: list[MarkedParts] = []
    for start in range(0, count, _AT_ONCE):
        breeds = names[start : start + _AT_ONCE]
        grown = torch.rand(len(breeds), generator=random) < _ADULT_SHARE
        ages = torch.where(grown, 0.0, torch.rand(len(breeds), generator=random))
        pets = at_age(sample_pets(breeds, random), breeds, ages)
        paths = [folder / f"{start + i}.png" for i in range(len(breeds))]
        for path, picture in zip(paths, render(pets, SIDE), strict=True):
            Image.fromarray(to_pixels(picture[None])).save(path)
        faces += _faces(pets, paths)
    return faces


def _faces(pets: Tensor, paths: Sequence[Path]) -> list[MarkedParts]:
    anatomy, ages = Anatomy(pets), pets[:, INDEX["age"]]
    today = anatomy.landmarks()
    there = moved(torch.cat([today, anatomy.outline(_OUTLINE)], dim=1), anatomy, ages)
    places = (there * (EYE_DISTANCE * SIDE) + torch.tensor([SIDE / 2, EYE_HEIGHT * SIDE])).double().numpy()
    tongues = torch.sigmoid(8 * anatomy["tongue"]).flatten()
    return [
        _face(path, pet, marks[: today.shape[1]], marks[today.shape[1] :], kinds, float(tongue) > _MOUTH_OPEN)
        for path, pet, marks, kinds, tongue in zip(paths, pets, places, anatomy.kinds(), tongues, strict=True)
    ]


def _face(path: Path, pet: Tensor, landmarks: Floats, outline: Floats, kinds: Tensor, mouth_open: bool) -> MarkedParts:
    ears, muzzle, coat = (
        names[int(part.argmax())] if float(part.max()) > _SURE else None
        for part, names in zip(kinds.view(3, 3), (EARS, MUZZLES, COATS), strict=True)
    )
    return MarkedParts(
        path=path,
        species=Species.CAT if pet[INDEX["cat"]] > 0 else Species.DOG,
        frontal=True,
        age=next((name for age, name in _AGES if pet[INDEX["age"]] > age), "adult"),
        ears=ears,
        muzzle=muzzle,
        coat=coat,
        mouth_open=mouth_open,
        eyes="open",
        flash=False,
        landmarks=landmarks,
        outline=outline,
        eye_centres=np.stack([landmarks[:4].mean(0), landmarks[4:8].mean(0)]),
        held_out=False,
    )
