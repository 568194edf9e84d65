"""`throwback recognise PHOTO…`: prints species, breeds and heads; no chat."""

import argparse
import asyncio
from pathlib import Path
from typing import Any

from bot.commands.output import CommandError, emit, explain, say
from bot.commands.photo_files import read_photo
from bot.portraits.breed_names import breed_name
from engine import BreedGuess, EngineClient, EngineError, Head, Recognition, engine_settings

_BREEDS_SHOWN = 3  # to people; JSON has all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="a picture file")
    parser.add_argument("--json", action="store_true", help="one JSON object a photo on standard output, in order")


def run(args: argparse.Namespace) -> int:
    return asyncio.run(_recognise(args.photos, args.json))


async def _recognise(photos: list[Path], as_json: bool) -> int:
    statuses = []
    async with EngineClient(engine_settings()) as engine:
        for photo in photos:
            record, words, status = await _recognise_one(engine, photo)
            statuses.append(status)
            if as_json:
                emit(record)
            else:
                say(words)
    # A photo that cannot be read has its error in its own line; the others' results stay good.
    return min(statuses)


async def _recognise_one(engine: EngineClient, photo: Path) -> tuple[dict[str, Any], str, int]:
    """Return a photo's record for JSON, its sentence for people, and its exit status."""
    try:
        found = await engine.recognise(read_photo(photo))
    except (CommandError, EngineError) as error:
        failure = explain(error, str(photo)) if isinstance(error, EngineError) else error
        return {"file": str(photo), "error": failure.code, "message": str(failure)}, str(failure), failure.status
    return _record(photo, found), f"{photo}: {_words(found)}", 0


def _record(photo: Path, found: Recognition) -> dict[str, Any]:
    return {
        "file": str(photo),
        "pet": found.pet,
        "species": found.species,
        "breeds": breed_records(found.breeds),
        "heads": [_head(head) for head in found.heads],
        "width": found.width,
        "height": found.height,
    }


def breed_records(breeds: tuple[BreedGuess, ...]) -> list[dict[str, Any]]:
    """Return breeds for JSON, most likely first."""
    return [{"name": guess.breed, "probability": round(guess.probability, 4)} for guess in breeds]


def _head(head: Head) -> dict[str, Any]:
    return {
        "box": rounded(head.box),
        "left_eye": head.left_eye and rounded(head.left_eye),
        "right_eye": head.right_eye and rounded(head.right_eye),
        "nose": head.nose and rounded(head.nose),
        "score": round(head.score, 4),
    }


def rounded(pixels: tuple[float, ...]) -> list[float]:
    """Round to a hundredth of a pixel."""
    return [round(pixel, 2) for pixel in pixels]


def _words(found: Recognition) -> str:
    if not found.pet:
        return "no dog or cat"
    breeds = ", ".join(
        f"{breed_name(guess.breed, 'en')} {guess.probability:.0%}" for guess in found.breeds[:_BREEDS_SHOWN]
    )
    heads = {0: "no head found", 1: "one head"}.get(len(found.heads), f"{len(found.heads)} heads")
    return f"{found.species}, {breeds or 'breed unknown'}; {heads}"
