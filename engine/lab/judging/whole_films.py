"""Whole films from baby photos, as strips: which of two engines' films is preferred, and does one animal grow in it?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from PIL import Image

from engine.errors import OperatorError
from engine.lab.judging.film_frames import BabyFilm, films_of
from engine.lab.judging.judges_answers import (
    GAP,
    answers_by_number,
    begin_sheets,
    by_species,
    draw_grid,
    read_key,
    told,
    write_key,
)
from engine.lab.judging.old_and_new import (
    Choice,
    Degrees,
    Letter,
    Letters,
    mean_degrees,
    mixed_letters,
    shares_named,
    shares_preferred,
)

KIND = "films"
SIDE = 256  # px of a frame
COLUMNS = 6  # frames in a row


class FilmAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a judge says of one sheet."""

    i: str
    prefer: Choice
    double: tuple[Letter, ...]
    grows: Degrees
    why: str = ""


@dataclass(frozen=True, slots=True)
class _JudgedFilm:
    """All that was said of one sheet, in terms of the engines."""

    i: str
    name: str
    species: str
    preferred: str  # "new", "old" or "neither": what most judges said, "neither" where they are divided
    double: frozenset[str]  # the engines in whose film half of the judges or more see a double picture
    grows: dict[str, float]  # by engine, the mean of the judges
    why: tuple[str, ...]


def prepare_films(old: Path, new: Path, out: Path, key: Path, seed: int) -> int:
    """Draw a sheet for each film that both folders have: its frames as A, and below them as B. Return their number.

    On half of the sheets, chosen by `seed`, the new one is A. Raises `OperatorError` where the folders have no film in
    common.
    """
    films = _common_films(old, new)
    random = Random(seed)
    random.shuffle(films)
    begin_sheets(out, KIND)
    entries = {}
    for i, (film, letters) in enumerate(zip(films, mixed_letters(len(films), random), strict=True)):
        number = f"{i:02d}"
        strips = letters.lettered({"new": film.strip(new), "old": film.strip(old)})
        _drawn(strips).save(out / f"{number}.png")
        entries[number] = {"name": film.name, "species": film.species.value, "new": letters.new}
    write_key(key, KIND, seed, entries)
    return len(entries)


def score_films(answers: Sequence[Path], key: Path) -> dict[str, Any]:
    """How often the new film is preferred, and what else the judges say, as one object for JSON.

    A sheet that several judges saw counts once.
    """
    entries = read_key(key, KIND)
    by_sheet = answers_by_number(answers, FilmAnswer, entries)
    sheets = [_sheet(i, said, entries[i]) for i, said in by_sheet.items()]
    return {
        **_summary(sheets),
        "by_species": by_species(sheets, lambda sheet: sheet.species, _summary),
        "old_preferred": [told(sheet) for sheet in sheets if sheet.preferred == "old"],
        "neither_preferred": [told(sheet) for sheet in sheets if sheet.preferred == "neither"],
        "new_double": [told(sheet) for sheet in sheets if "new" in sheet.double],
        "unanswered": sorted(set(entries) - set(by_sheet)),
    }


def _common_films(old: Path, new: Path) -> list[BabyFilm]:
    names = {film.name for film in films_of(old)}
    common = [film for film in films_of(new) if film.name in names]
    if not common:
        raise OperatorError(f"{old} and {new} have no film in common")
    return common


def _drawn(strips: Sequence[tuple[str, Sequence[Image.Image]]]) -> Image.Image:
    """The strips below each other, each frame with its strip's letter and its number."""
    grids = [
        draw_grid([(f"{letter} {place}", frame) for place, frame in enumerate(frames, 1)], SIDE, COLUMNS)
        for letter, frames in strips
    ]
    height = sum(grid.height + GAP for grid in grids) - GAP
    sheet = Image.new("RGB", (max(grid.width for grid in grids), height), (255, 255, 255))
    top = 0
    for grid in grids:
        sheet.paste(grid, (0, top))
        top += grid.height + GAP
    return sheet


def _sheet(i: str, said: Sequence[FilmAnswer], known: dict[str, Any]) -> _JudgedFilm:
    letters = Letters(known["new"])
    double = letters.named(answer.double for answer in said)
    return _JudgedFilm(
        i,
        known["name"],
        known["species"],
        letters.preferred(answer.prefer for answer in said),
        frozenset(name for name, count in double.items() if 2 * count >= len(said)),
        letters.means([answer.grows for answer in said]),
        tuple(answer.why for answer in said if answer.why),
    )


def _summary(sheets: Sequence[_JudgedFilm]) -> dict[str, Any]:
    return {
        "sheets": len(sheets),
        "preferred": shares_preferred([sheet.preferred for sheet in sheets]),
        "double": shares_named([sheet.double for sheet in sheets]),
        "grows": mean_degrees([sheet.grows for sheet in sheets]),
    }
