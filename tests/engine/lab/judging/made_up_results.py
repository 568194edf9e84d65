"""Folders of results as `judge render` leaves them, with drawn pets instead of portraits."""

import csv
from collections.abc import Sequence
from pathlib import Path

import msgspec
import torch
from PIL import Image

from engine.images.tensors import to_pixels
from engine.lab.drawn_pets.parameters import BREEDS, at_age, sample_pets
from engine.lab.drawn_pets.renderer import heads_of, render
from engine.lab.judging.rendered_results import INDEX, Kinds, RenderedResult
from engine.messages import Species
from tests.engine.lab.drawn_photos import write_photos

SIDE = 128  # px of the pictures


def write_results(
    folder: Path, breeds: Sequence[str], seed: int = 0, colour: str | None = None
) -> list[RenderedResult]:
    """A result for one pet of each breed; with `colour`, all stills are of it."""
    folder.mkdir(parents=True)
    names = list(breeds)
    pets = sample_pets(names, torch.Generator().manual_seed(seed))
    adults, young = render(pets, SIDE), render(at_age(pets, names, torch.ones(len(names))), SIDE)
    results = []
    for i, breed in enumerate(names):
        name = f"{breed}_{seed}"
        before, after = (Image.fromarray(to_pixels(pictures[i : i + 1])) for pictures in (adults, young))
        photo = folder / f"{name}-photo.png"
        for picture, path in ((before, photo), (before, f"{name}-today.jpg"), (after, f"{name}-whole.jpg")):
            picture.save(folder / path)
        (after if colour is None else Image.new("RGB", (SIDE, SIDE), colour)).save(folder / f"{name}.jpg")
        species = Species.CAT if BREEDS[breed].cat else Species.DOG
        head, kinds = heads_of(pets, SIDE)[i], Kinds("standing", "middle", "short")
        results.append(RenderedResult(name, str(photo), species, breed, kinds, head, ()))
    (folder / INDEX).write_bytes(b"".join(msgspec.json.encode(result) + b"\n" for result in results))
    return results


def write_unseen(folder: Path, breeds: list[str], young: bool = False, seeds: Sequence[int] = (0,)) -> None:
    """Annotated photos of unrecorded licence, which no training takes."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        write_photos(folder, breeds, young=young, seed=seed, more=(folder / "faces.tsv").exists())
    table = folder / "SOURCES.tsv"
    with table.open(encoding="utf-8", newline="") as lines:
        rows = [[cell.replace("CC0", "Wikimedia Commons") for cell in row] for row in csv.reader(lines, delimiter="\t")]
    with table.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines, delimiter="\t").writerows(rows)
