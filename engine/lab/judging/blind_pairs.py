"""Blind pairs: which of two engines' results would you send to the family?"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal

import msgspec

from engine.lab.judging.intervals import share_of
from engine.lab.judging.judges_answers import (
    answers_by_number,
    begin_sheets,
    by_species,
    draw_grid,
    read_key,
    write_key,
)
from engine.lab.judging.rendered_results import common_results, read_picture

KIND = "pairs"
SIDE = 512  # px of a picture

Letter = Literal["A", "B"]
_Degree = Annotated[float, msgspec.Meta(ge=0, le=3)]


class Degrees(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A degree, 0 to 3, for each of both pictures."""

    A: _Degree
    B: _Degree


class PairAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a judge says of one sheet."""

    i: str
    send: Literal["A", "B", "neither"]
    uncanny: tuple[Letter, ...]
    younger: Degrees
    same_pet: Degrees
    why: str = ""


class _Sheet(msgspec.Struct, frozen=True):
    """All that was said of one sheet, in terms of the engines."""

    i: str
    name: str
    species: str
    sent: str  # "new", "old" or "neither": what most judges said, "neither" where they are divided
    uncanny: frozenset[str]  # the engines whose result more than half of the judges call uncanny
    younger: dict[str, float]  # by engine, the mean of the judges
    same_pet: dict[str, float]
    why: tuple[str, ...]


def prepare_pairs(old: Path, new: Path, out: Path, key: Path, seed: int) -> int:
    """Draw a sheet for each result that both folders have: today's photo, A and B. Return their number.

    On half of the sheets, chosen by `seed`, the new one is A. Both are drawn alike, whatever their sizes were.
    """
    results = sorted(common_results(old, new), key=lambda result: result.name)
    random = Random(seed)
    random.shuffle(results)
    letters = [("A", "B")[i % 2] for i in range(len(results))]
    random.shuffle(letters)
    begin_sheets(out, KIND)
    entries = {}
    for i, (result, letter) in enumerate(zip(results, letters, strict=True)):
        number = f"{i:02d}"
        stills = {"new": result.still(new), "old": read_picture(old / f"{result.name}.jpg")}
        a, b = ("new", "old") if letter == "A" else ("old", "new")
        pictures = [("photo today", result.today(new)), ("A", stills[a]), ("B", stills[b])]
        draw_grid(pictures, SIDE, len(pictures)).save(out / f"{number}.png")
        entries[number] = {"name": result.name, "species": result.species.value, "new": letter}
    write_key(key, KIND, seed, entries)
    return len(entries)


def score_pairs(answers: Sequence[Path], key: Path) -> dict[str, Any]:
    """How often the new one is sent, and what else the judges say, as one object for JSON.

    A sheet that several judges saw counts once.
    """
    entries = read_key(key, KIND)
    by_sheet = answers_by_number(answers, PairAnswer, entries)
    sheets = [_sheet(i, said, entries[i]) for i, said in by_sheet.items()]
    return {
        **_summary(sheets),
        "by_species": by_species(sheets, lambda sheet: sheet.species, _summary),
        "old_preferred": [_told(sheet) for sheet in sheets if sheet.sent == "old"],
        "neither_preferred": [_told(sheet) for sheet in sheets if sheet.sent == "neither"],
        "new_uncanny": [_told(sheet) for sheet in sheets if "new" in sheet.uncanny],
        "unanswered": sorted(set(entries) - set(by_sheet)),
    }


def _sheet(i: str, said: Sequence[PairAnswer], known: Mapping[str, Any]) -> _Sheet:
    new: Letter = known["new"]
    old: Letter = "B" if new == "A" else "A"
    engine = {new: "new", old: "old", "neither": "neither"}
    (most, times), *others = Counter(engine[answer.send] for answer in said).most_common()
    divided = bool(others) and others[0][1] == times
    uncanny = Counter(engine[letter] for answer in said for letter in set(answer.uncanny))
    return _Sheet(
        i,
        known["name"],
        known["species"],
        "neither" if divided else most,
        frozenset(name for name, count in uncanny.items() if 2 * count > len(said)),
        {engine[letter]: _mean([getattr(answer.younger, letter) for answer in said]) for letter in (new, old)},
        {engine[letter]: _mean([getattr(answer.same_pet, letter) for answer in said]) for letter in (new, old)},
        tuple(answer.why for answer in said if answer.why),
    )


def _summary(sheets: Sequence[_Sheet]) -> dict[str, Any]:
    engines = ("new", "old")
    return {
        "sheets": len(sheets),
        "sent": {one: share_of([sheet.sent == one for sheet in sheets]) for one in (*engines, "neither")},
        "uncanny": {one: share_of([one in sheet.uncanny for sheet in sheets]) for one in engines},
        "younger": {one: _mean([sheet.younger[one] for sheet in sheets]) for one in engines},
        "same_pet": {one: _mean([sheet.same_pet[one] for sheet in sheets]) for one in engines},
    }


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 3) if values else 0.0


def _told(sheet: _Sheet) -> dict[str, Any]:
    return {"i": sheet.i, "name": sheet.name, "why": list(sheet.why)}
