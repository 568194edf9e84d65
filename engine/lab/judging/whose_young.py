"""Whose puppy? One result and five adults that look alike: is the right one found?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.errors import OperatorError
from engine.images.pixels import Pixels
from engine.lab.annotations import AnnotatedPhoto, series_of, usable_faces
from engine.lab.judging.intervals import share_of
from engine.lab.judging.judges_answers import (
    begin_sheets,
    by_species,
    draw_grid,
    entry,
    read_answers,
    read_key,
    write_key,
)
from engine.lab.judging.rendered_results import FACE_SIDE, RenderedResult, aligned_face, read_picture, results_of
from engine.messages import Species
from engine.vision.head_parsing import parse_head

KIND = "whose"
ADULTS = 5  # of a sheet

_GREY = (128, 128, 128)
_BACKGROUND = 0.25  # probability of the head below which nothing is shown; from 1 less that, all is
_MIDDLE = slice(FACE_SIDE // 4, 3 * FACE_SIDE // 4)  # rows and columns of the coat that is compared
_CELLS = 4  # a side, whose mean colours are compared: markings count, not hairs


class WhoseAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of the adults a judge takes for the same animal."""

    i: str
    own: Annotated[int, msgspec.Meta(ge=1, le=ADULTS)]
    why: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class AdultFace:
    """An adult that could be the one."""

    name: str  # of the photo, without suffix
    species: Species
    breed: str  # slug, "" where unknown
    face: Pixels  # [FACE_SIDE, FACE_SIDE, 3]

    @property
    def coat(self) -> NDArray[np.float64]:
        """[_CELLS, _CELLS, 3]: mean colours of the middle of the face, 0..255."""
        middle = self.face[_MIDDLE, _MIDDLE].astype(float)
        side = len(middle) // _CELLS
        cells: NDArray[np.float64] = middle.reshape(_CELLS, side, _CELLS, side, 3).mean((1, 3))
        return cells


def adult_faces(folders: Sequence[Path]) -> list[AdultFace]:
    """The annotated adults of these folders that can be aligned."""
    return [_of_photo(photo) for folder in folders for photo in usable_faces(folder) if photo.young is False]


def choose_others(own: AdultFace, adults: Sequence[AdultFace]) -> list[AdultFace]:
    """Four other animals of the same species: of the same breed first, then those of the most similar colours.

    Fewer where there are no more. Where the breed is unknown, colours alone count.
    """
    coat, animals = own.coat, {series_of(own.name)}
    others = [adult for adult in adults if adult.species is own.species]
    others.sort(
        key=lambda one: (not own.breed or one.breed != own.breed, float(np.abs(one.coat - coat).mean()), one.name)
    )
    chosen: list[AdultFace] = []
    for other in others:
        if series_of(other.name) not in animals and len(chosen) < ADULTS - 1:
            chosen.append(other)
            animals.add(series_of(other.name))
    return chosen


def prepare_whose(results: Path, adults: Sequence[AdultFace], out: Path, key: Path, count: int, seed: int) -> int:
    """Draw `count` sheets at most, each with a young face and five adults, and return their number.

    What is beside the heads is grey: no background gives the right one away. Raises `OperatorError` where no result
    has enough adults of its species.
    """
    chosen = sorted(results_of(results), key=lambda result: result.name)
    random = Random(seed)
    random.shuffle(chosen)
    sheets = []
    for result in chosen[:count]:
        own = AdultFace(result.name, result.species, result.breed, result.adult_face(results))
        others = choose_others(own, adults)
        if len(others) == ADULTS - 1:
            sheets.append((result, own, others))
    if not sheets:
        raise OperatorError(f"no result has {ADULTS - 1} other adults of its species")
    places = [i % ADULTS for i in range(len(sheets))]
    random.shuffle(places)
    begin_sheets(out, KIND)
    entries = {}
    for i, ((result, own, others), place) in enumerate(zip(sheets, places, strict=True)):
        number = f"{i:02d}"
        random.shuffle(others)
        shown = [*others[:place], own, *others[place:]]
        pictures = [("young", result.young_face(results)), *((str(n), one.face) for n, one in enumerate(shown, 1))]
        drawn = [(label, head_on_grey(face)) for label, face in pictures]
        draw_grid(drawn, FACE_SIDE, (ADULTS + 1) // 2).save(out / f"{number}.png")
        entries[number] = _entry(result, shown, place)
    write_key(key, KIND, seed, entries)
    return len(entries)


def head_on_grey(face: Pixels) -> Image.Image:
    """The head of an aligned face on grey, as the head parser sees its outline."""
    head = parse_head(Image.fromarray(face), None).mask
    mask = Image.fromarray(((head - _BACKGROUND) / (1 - 2 * _BACKGROUND) * 255).clip(0, 255).astype(np.uint8))
    ground = Image.new("RGB", (FACE_SIDE, FACE_SIDE), _GREY)
    ground.paste(Image.fromarray(face), (0, 0), mask.resize(ground.size, Image.Resampling.BICUBIC))
    return ground


def score_whose(answers: Sequence[Path], key: Path) -> dict[str, Any]:
    """The share of answers that name the right adult, as one object for JSON. Guessing has 0.2."""
    entries = read_key(key, KIND)
    said = [(answer, entry(entries, answer.i)) for judge in read_answers(answers, WhoseAnswer) for answer in judge]
    return {
        "answers": len(said),
        "right": _right(said),
        "by_species": by_species(said, lambda one: str(one[1]["species"]), _right),
        "wrong": [
            {"i": answer.i, "own": known["adults"][known["own"] - 1], "taken": known["adults"][answer.own - 1]}
            for answer, known in said
            if answer.own != known["own"]
        ],
        "unanswered": sorted(set(entries) - {answer.i for answer, _ in said}),
    }


def _right(said: Sequence[tuple[WhoseAnswer, dict[str, Any]]]) -> dict[str, Any]:
    return share_of([answer.own == known["own"] for answer, known in said])


def _entry(result: RenderedResult, shown: Sequence[AdultFace], place: int) -> dict[str, Any]:
    same = sum(bool(result.breed) and one.breed == result.breed for one in shown) - bool(result.breed)
    return {
        "own": place + 1,
        "species": result.species.value,
        "breed": result.breed,
        "others_of_the_breed": same,
        "adults": [one.name for one in shown],
    }


def _of_photo(photo: AnnotatedPhoto) -> AdultFace:
    return AdultFace(photo.path.stem, photo.species, photo.breed, aligned_face(read_picture(photo.path), photo.head))
