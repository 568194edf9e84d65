"""Writes folders of annotated photos: drawn pets, saved as if they were photographed."""

import csv
from pathlib import Path

import torch
from PIL import Image

from engine.images.tensors import to_pixels
from engine.lab.drawn_pets.parameters import BREEDS, at_age, sample_pets
from engine.lab.drawn_pets.renderer import heads_of, render


def write_photos(folder: Path, breeds: list[str], young: bool = False, seed: int = 0, more: bool = False) -> None:
    """A photo of one pet of each breed; `more` adds them to those that are there."""
    pets = sample_pets(breeds, torch.Generator().manual_seed(seed))
    age = "young" if young else "adult"
    if young:
        pets = at_age(pets, breeds, torch.ones(len(breeds)))
    faces: list[list[object]] = []
    sources: list[list[object]] = []
    for breed, picture, head in zip(breeds, render(pets, 200), heads_of(pets, 200), strict=True):
        name = f"{breed}_{age}_{seed}.png"
        Image.fromarray(to_pixels(picture[None])).save(folder / name)
        (left, right), nose = (head.left_eye, head.right_eye), head.nose
        marks = [*head.box, *(left or ()), *(right or ()), *(nose or ())]
        species = "cat" if BREEDS[breed].cat else "dog"
        faces.append([name, 200, 200, species, *(round(mark, 1) for mark in marks), "frontal", age, ""])
        sources.append([name, "ours", name, "", "CC0", breed])
    places = [f"{part}_{axis}" for part in ("left_eye", "right_eye", "nose") for axis in "xy"]
    box = ["head_xmin", "head_ymin", "head_xmax", "head_ymax"]
    columns = ["file", "width", "height", "species", *box, *places, "view", "age", "note"]
    _table(folder / "faces.tsv", columns, faces, more)
    _table(folder / "SOURCES.tsv", ["file", "repo", "path", "commit", "licence", "breed"], sources, more)


def _table(path: Path, names: list[str], rows: list[list[object]], more: bool) -> None:
    with path.open("a" if more else "w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t").writerows(rows if more else [names, *rows])
