"""`throwback render PHOTO`: writes one photo's picture, film and card as files; no chat."""

import argparse
import asyncio
import math
import sys
import tempfile
from contextlib import suppress
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bot.commands.numbers import whole_number
from bot.commands.output import USAGE_STATUS, CommandError, emit, explain, say
from bot.commands.photo_files import read_photo
from bot.commands.recognise import breed_records, rounded
from bot.portraits.breed_names import breed_name, match_breed
from bot.texts import words_for
from engine import (
    BREEDS,
    CardText,
    EngineClient,
    EngineError,
    PhotoError,
    Progress,
    Rejuvenate,
    Rejuvenation,
    Stage,
    engine_settings,
)

_STAGE_WORDS = {
    Stage.QUEUED: "waiting",
    Stage.ALIGNING: "finding the face",
    Stage.PROJECTING: "searching the likeness",
    Stage.LOCKING: "locking the identity",
    Stage.FILMING: "filming",
}
_BAR_WIDTH = 24  # characters
_MAX_AGE = 3.0  # multiples of the age vector, younger or older; beyond it networks draw no pets any more


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photo", type=Path, metavar="PHOTO", help="a picture file")
    parser.add_argument("--breed", type=_breed, help="the breed, if you know it: a name such as samoyed")
    parser.add_argument("--baby", type=Path, metavar="PHOTO", help="a photo from back then; the film begins there")
    parser.add_argument("--age", type=_age, default=1.0, help="1 puppy or kitten (default), 0 as it is, negative older")
    parser.add_argument(
        "--head", type=whole_number(1), default=1, help="which head, where there are several; 1 is the foremost"
    )
    parser.add_argument("--anyway", action="store_true", help="try even where no pet or no face can be seen")
    parser.add_argument("--network", default="", help="a network from `throwback networks list`")
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where the files go (default: here)")
    parser.add_argument("--json", action="store_true", help="what was made, as a JSON object on standard output")


def run(args: argparse.Namespace) -> int:
    try:
        return asyncio.run(_render(args))
    except CommandError as error:
        failure = error
    except PhotoError as error:
        failure = explain(error, str(args.baby if error.which == "baby_photo" else args.photo))
    except EngineError as error:
        failure = explain(error)
    except OSError as error:
        failure = CommandError(
            f"{error.filename or args.out}: {error.strerror or 'cannot be written to'}", code="not_written"
        )
    if args.json:
        emit({"error": failure.code, "message": str(failure)})
    raise failure


async def _render(args: argparse.Namespace) -> int:
    photo = read_photo(args.photo)
    baby_photo = read_photo(args.baby, "baby_photo") if args.baby else None
    _check_folder(args.out, args.photo.stem)
    request = Rejuvenate(
        id=args.photo.stem,
        photo=photo,
        breed=args.breed or "",
        baby_photo=baby_photo,
        age=args.age,
        head=args.head - 1,
        network=args.network,
        anyway=args.anyway,
        card=_card(args.breed or "", args.age),
    )
    async with EngineClient(engine_settings()) as engine:
        if args.network and args.network not in (here := (await engine.describe()).networks):
            sentence = f"there is no network {args.network!r} here; there is: {', '.join(here) or 'none'}"
            raise CommandError(sentence, USAGE_STATUS, "unknown_network")
        with ProgressLine() as line:
            made = await engine.rejuvenate(request, line.show)
    record = _write(made, args.out, args.photo.stem)
    if args.json:
        emit(record)
    breed = f", {BREEDS[made.breed].name}" if made.breed in BREEDS else ""
    say(f"{made.species}{breed}; {made.network} on {made.device}, {made.seconds.get('total', 0.0):.1f} s")
    for kind in ("still", "film", "card", "whole"):
        if kind in record:
            say(f"{kind}: {record[kind]}")
    return 0


def _check_folder(folder: Path, stem: str) -> None:
    """See that the longest name can be written into the folder: better now than after the work. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder), suppress(FileNotFoundError):
        (folder / f"{stem}-still.jpg").lstat()


def _card(breed: str, age: float) -> CardText:
    """Return the words under the two pictures, the younger first; the engine adds the breed where there is no title."""
    words = words_for("en")
    then, now = ("now", "grown") if age < 0 else ("then", "now")
    return CardText(
        title=breed_name(breed, "en") if breed else "",
        then=words(f"card.{then}"),
        now=words(f"card.{now}"),
        footer=words("card.footer", date=words.date(date.today())),
    )


def _write(made: Rejuvenation, folder: Path, stem: str) -> dict[str, Any]:
    """Write the results into `folder`; return what `--json` shows."""
    folder.mkdir(parents=True, exist_ok=True)
    results = {"still": made.still, "film": made.film.mp4, "card": made.card, "whole": made.whole}
    paths: dict[str, str] = {}
    for kind, data in results.items():
        if data is not None:
            path = folder / f"{stem}-{kind}.{'mp4' if kind == 'film' else 'jpg'}"
            path.write_bytes(data)
            paths[kind] = str(path)
    return paths | {
        "species": made.species,
        "breed": made.breed,
        "breeds": breed_records(made.breeds),
        "head": rounded(made.head.box) if made.head else None,
        "network": made.network,
        "device": made.device,
        "distance": made.distance,
        "steps": made.steps,
        "seconds": {stage: round(seconds, 3) for stage, seconds in made.seconds.items()},
        "frames": made.film.frames,
        "duration_s": made.film.duration_s,
        "width": made.film.width,
        "height": made.film.height,
    }


def _breed(typed: str) -> str:
    if typed in BREEDS:
        return typed
    if not (near := match_breed(typed, "en")):
        raise argparse.ArgumentTypeError(f"no breed is called anything like {typed!r}")
    return near[0]


def _age(text: str) -> float:
    try:
        age = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    if not -_MAX_AGE <= age <= _MAX_AGE:  # NaN is refused too
        raise argparse.ArgumentTypeError(f"must be between -{_MAX_AGE:g} and {_MAX_AGE:g}")
    return age


class ProgressLine:
    """Shows on one line of a terminal how far the portrait is; nothing where stderr is no terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def show(self, progress: Progress) -> None:
        if self._shown:
            sys.stderr.write(f"\r\x1b[K{progress_words(progress)}")
            sys.stderr.flush()


def progress_words(progress: Progress) -> str:
    """Return a line such as ``[#####-------------------]  22 %  searching the likeness, 9 s to go``."""
    done = round(progress.fraction * _BAR_WIDTH)
    left = "" if progress.eta_s is None else f", {math.ceil(progress.eta_s)} s to go"
    return f"[{'#' * done}{'-' * (_BAR_WIDTH - done)}] {progress.fraction:4.0%}  {_STAGE_WORDS[progress.stage]}{left}"
