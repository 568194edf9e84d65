"""Frames from the middle of films from baby photos: is it an animal, is it a double picture, how good is it?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Annotated, Any

import msgspec

from engine.lab.judging.film_frames import MIDDLE_PERCENT, SHARP_FROM, films_of
from engine.lab.judging.intervals import share_of
from engine.lab.judging.judges_answers import (
    answers_by_number,
    begin_sheets,
    by_species,
    draw_grid,
    read_key,
    told,
    write_key,
)

KIND = "frames"
SIDE = 512  # px of a frame


class FrameAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a judge says of one frame."""

    i: str
    animal: bool
    double: bool
    good: Annotated[float, msgspec.Meta(ge=0, le=3)]
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Verdict:
    """All that was said of one frame, with what was measured of it."""

    i: str
    name: str
    results: str  # its folder
    species: str
    animal: bool  # more than half of the judges say so
    double: bool  # half of the judges or more say so
    good: float  # their mean
    one_head: bool
    sharp: bool
    why: tuple[str, ...]

    @property
    def right(self) -> bool:
        """An animal, no double picture, one head, and sharp."""
        return self.animal and not self.double and self.one_head and self.sharp


def prepare_frames(folders: Sequence[Path], out: Path, key: Path, seed: int, percent: int = MIDDLE_PERCENT) -> int:
    """Draw a sheet for a frame of every film in these folders, in an order that `seed` chooses: that at `percent`.

    The frame is shown alone: beside both photos, a judge would see what it is meant to be. Return the number of sheets.
    Raises `OperatorError` where a folder has no films.
    """
    films = [(folder, film) for folder in folders for film in films_of(folder)]
    Random(seed).shuffle(films)
    begin_sheets(out, KIND)
    entries = {}
    for i, (folder, film) in enumerate(films):
        number = f"{i:02d}"
        draw_grid([(number, film.picture(folder, percent))], SIDE, 1).save(out / f"{number}.png")
        frame = film.frame(percent)
        known = {"results": str(folder), "name": film.name, "species": film.species.value}
        entries[number] = known | {"percent": percent, "heads": frame.heads, "sharpness": frame.sharpness}
    write_key(key, KIND, seed, entries)
    return len(entries)


def score_frames(answers: Sequence[Path], key: Path) -> dict[str, Any]:
    """How many frames are animals, double pictures, and how good, by folder of films, as one object for JSON.

    A frame that several judges saw counts once.
    """
    entries = read_key(key, KIND)
    by_frame = answers_by_number(answers, FrameAnswer, entries)
    verdicts = [_verdict(i, said, entries[i]) for i, said in by_frame.items()]
    folders = sorted({known["results"] for known in entries.values()})
    return {
        "results": {folder: _of_folder([one for one in verdicts if one.results == folder]) for folder in folders},
        "unanswered": sorted(set(entries) - set(by_frame)),
    }


def _verdict(i: str, said: Sequence[FrameAnswer], known: dict[str, Any]) -> _Verdict:
    return _Verdict(
        i,
        known["name"],
        known["results"],
        known["species"],
        2 * sum(answer.animal for answer in said) > len(said),
        2 * sum(answer.double for answer in said) >= len(said),
        sum(answer.good for answer in said) / len(said),
        known["heads"] == 1,
        known["sharpness"] >= SHARP_FROM,
        tuple(answer.why for answer in said if answer.why),
    )


def _of_folder(verdicts: list[_Verdict]) -> dict[str, Any]:
    return {
        **_summary(verdicts),
        "by_species": by_species(verdicts, lambda one: one.species, _summary),
        "wrong": [told(one) for one in verdicts if not one.right],
    }


def _summary(verdicts: list[_Verdict]) -> dict[str, Any]:
    return {
        "frames": len(verdicts),
        "animal": share_of([one.animal for one in verdicts]),
        "double": share_of([one.double for one in verdicts]),
        "good": round(sum(one.good for one in verdicts) / len(verdicts), 3) if verdicts else 0.0,
        "one_head": share_of([one.one_head for one in verdicts]),
        "sharp": share_of([one.sharp for one in verdicts]),
        "right": share_of([one.right for one in verdicts]),
    }
