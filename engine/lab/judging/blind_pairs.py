"""Blind pairs: which of two engines' results would you send to the family?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from engine.lab.judging.judges_answers import (
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
from engine.lab.judging.rendered_results import common_results, read_picture

KIND = "pairs"
SIDE = 512  # px of a picture


class PairAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a judge says of one sheet."""

    i: str
    send: Choice
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
    begin_sheets(out, KIND)
    entries = {}
    for i, (result, letters) in enumerate(zip(results, mixed_letters(len(results), random), strict=True)):
        number = f"{i:02d}"
        stills = {"new": result.still(new), "old": read_picture(old / f"{result.name}.jpg")}
        pictures = [("photo today", result.today(new)), *letters.lettered(stills)]
        draw_grid(pictures, SIDE, len(pictures)).save(out / f"{number}.png")
        entries[number] = {"name": result.name, "species": result.species.value, "new": letters.new}
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
        "old_preferred": [told(sheet) for sheet in sheets if sheet.sent == "old"],
        "neither_preferred": [told(sheet) for sheet in sheets if sheet.sent == "neither"],
        "new_uncanny": [told(sheet) for sheet in sheets if "new" in sheet.uncanny],
        "unanswered": sorted(set(entries) - set(by_sheet)),
    }


def _sheet(i: str, said: Sequence[PairAnswer], known: Mapping[str, Any]) -> _Sheet:
    letters = Letters(known["new"])
    uncanny = letters.named(answer.uncanny for answer in said)
    return _Sheet(
        i,
        known["name"],
        known["species"],
        letters.preferred(answer.send for answer in said),
        frozenset(name for name, count in uncanny.items() if 2 * count > len(said)),
        letters.means([answer.younger for answer in said]),
        letters.means([answer.same_pet for answer in said]),
        tuple(answer.why for answer in said if answer.why),
    )


def _summary(sheets: Sequence[_Sheet]) -> dict[str, Any]:
    return {
        "sheets": len(sheets),
        "sent": shares_preferred([sheet.sent for sheet in sheets]),
        "uncanny": shares_named([sheet.uncanny for sheet in sheets]),
        "younger": mean_degrees([sheet.younger for sheet in sheets]),
        "same_pet": mean_degrees([sheet.same_pet for sheet in sheets]),
    }
