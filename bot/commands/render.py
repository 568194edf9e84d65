"""`throwback render PHOTO…`: writes pictures, films and more of photos as files; no chat."""

import argparse
import asyncio
import tempfile
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bot.commands.numbers import whole_number
from bot.commands.output import PHOTO_STATUS, USAGE_STATUS, CommandError, emit, explain, say
from bot.commands.photo_files import read_photo
from bot.commands.recognise import breed_records, rounded
from bot.commands.rendered_files import (
    LOOP_FORMATS,
    PICTURE_FORMATS,
    USUAL,
    FileWishes,
    Output,
    photos_in,
    stems_of,
)
from bot.portraits.breed_names import breed_name, match_breed
from bot.portraits.engine_results import card_words, export_words
from bot.texts import words_for
from engine import (
    BREEDS,
    EngineClient,
    EngineError,
    NamedAge,
    OperatorError,
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
_MAX_AGE = 3.0  # multiples of the age vector, younger or older; beyond it networks draw no pets any more
_AT_ONCE = 2  # photos worked on at the same time; more are not quicker on a small machine, and come later one by one
_MOST_LETTERS = 255  # of a file's name that can be one; of a longer one there is no photo
_SURE = 0.5  # probability from which a breed that nobody named is told as it is


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="a picture file, or a folder of them")
    parser.add_argument("--breed", type=_breed, help="the breed, if you know it: a name such as samoyed")
    parser.add_argument("--name", default="", help="the pet's name, for the title")
    parser.add_argument("--baby", type=Path, metavar="PHOTO", help="a photo from back then; the film begins there")
    parser.add_argument(
        "--age",
        type=_age,
        default=1.0,
        help="8w (default), 4m, 1y, 0 as it is, old; or a number: 1 is eight weeks, negative older",
    )
    parser.add_argument(
        "--head", type=whole_number(1), default=1, help="which head, where there are several; 1 is the foremost"
    )
    parser.add_argument("--anyway", action="store_true", help="try even where no pet or no face can be seen")
    parser.add_argument("--network", default="", help="a network from `throwback networks list`")
    parser.add_argument("--story", action="store_true", help="also a film of 1080 x 1920 px for stories")
    parser.add_argument("--loop", action="store_true", help="also a moving picture that leads there and back")
    parser.add_argument(
        "--only", action="append", choices=list(Output), metavar="KIND", help=f"only this: {', '.join(Output)}; repeat"
    )
    parser.add_argument("--size", type=whole_number(64, 10_000), default=0, help="longer side of pictures at most, px")
    formats = tuple(dict.fromkeys((*PICTURE_FORMATS, *LOOP_FORMATS)))
    parser.add_argument(
        "--format", choices=formats, default="", help="of pictures: jpg (default), png, webp; of loops: gif, webp, mp4"
    )
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where the files go (default: here)")
    parser.add_argument("--open", action="store_true", help="open what was made")
    parser.add_argument("--json", action="store_true", help="what was made, one JSON object a photo on standard output")


def run(args: argparse.Namespace) -> int:
    try:
        return asyncio.run(_render(args))
    except CommandError as error:
        failure = error
    except PhotoError as error:
        failure = explain(error, str(args.baby))
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
    photos = photos_in(args.photos)
    if args.baby and len(photos) > 1:
        raise CommandError("--baby is for one photo: it is one pet's", USAGE_STATUS, "usage")
    baby = read_photo(args.baby, "baby_photo") if args.baby else None
    outputs = tuple(dict.fromkeys([*(args.only or USUAL), *_added(args)]))
    wishes = FileWishes(tuple(map(Output, outputs)), args.out, args.format, args.size)
    stems = stems_of(photos)
    if len(photos) == 1:
        read_photo(photos[0])  # one that is not there is said before anything is loaded
    _check_folder(wishes, [stem for stem in stems.values() if len(stem) <= _MOST_LETTERS])
    async with EngineClient(engine_settings()) as engine:
        if args.network and args.network not in (here := (await engine.describe()).networks):
            sentence = f"there is no network {args.network!r} here; there is: {', '.join(here) or 'none'}"
            raise CommandError(sentence, USAGE_STATUS, "unknown_network")
        batch = _Batch(args, wishes, engine, baby)
        failures = await batch.run(stems)
    if args.open:
        for path in batch.paths:
            webbrowser.open(path.resolve().as_uri())
    if len(photos) == 1 and failures:
        raise failures[0]
    if len(photos) > 1:
        say(f"{len(photos) - len(failures)} of {len(photos)} photos done.")
        for failure in failures:
            say(f"  not done: {failure}")
    return max((failure.status for failure in failures), default=0)


def _added(args: argparse.Namespace) -> list[Output]:
    return [output for output, wanted in ((Output.STORY, args.story), (Output.LOOP, args.loop)) if wanted]


def _check_folder(wishes: FileWishes, stems: list[str]) -> None:
    """See that all names can be written into the folder: better now than after the work. Raises OSError."""
    wishes.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=wishes.folder):
        for path in (wishes.path(stem, output) for stem in stems for output in wishes.outputs):
            with suppress(FileNotFoundError):
                path.lstat()
                path.open("ab").close()  # a folder, or a file of somebody else's


class _Batch:
    def __init__(self, args: argparse.Namespace, wishes: FileWishes, engine: EngineClient, baby: bytes | None) -> None:
        self._args, self._wishes, self._engine, self._baby = args, wishes, engine, baby
        self.paths: list[Path] = []
        self._done: dict[Path, float] = {}
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def run(self, stems: dict[Path, str]) -> list[CommandError]:
        """Work on all photos; return what went wrong with some. Raises what would go wrong with all."""
        with tqdm(
            total=100 * len(stems), disable=None, leave=False, bar_format="{percentage:3.0f}%|{bar:24}| {desc}"
        ) as bar:
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(self._one(photo, stem, bar)) for photo, stem in stems.items()]
            except* (OperatorError, OSError) as errors:
                raise errors.exceptions[0] from None
        return [failure for task in tasks if (failure := task.result())]

    async def _one(self, photo: Path, stem: str, bar: "tqdm[Any]") -> CommandError | None:
        async with self._free:
            try:
                record, words = await self._made(photo, stem, bar)
            except CommandError as error:
                return self._failed(photo, error)
            except PhotoError as error:
                return self._failed(
                    photo, explain(error, str(self._args.baby if error.which == "baby_photo" else photo))
                )
            except OperatorError:
                raise
            except EngineError as error:
                return self._failed(photo, explain(error))
            finally:
                self._advance(bar, photo, 1.0)
            if self._args.json:
                emit(record)
            with tqdm.external_write_mode():
                for line in words:
                    say(line)
            return None

    def _failed(self, photo: Path, failure: CommandError) -> CommandError:
        """Tell programs at once which photo cannot be used; people are told at the end."""
        if self._args.json and len(self._args.photos) > 1:
            emit({"file": str(photo), "error": failure.code, "message": str(failure)})
        return failure

    async def _made(self, photo: Path, stem: str, bar: "tqdm[Any]") -> tuple[dict[str, Any], list[str]]:
        """Make one photo's files; return what JSON and what people are told."""
        args, data = self._args, read_photo(photo)
        if args.head > 1:
            await self._check_head(photo, data)
        words = words_for("en")
        title = args.name or (breed_name(args.breed, "en") if args.breed else "")
        request = Rejuvenate(
            id=stem,
            photo=data,
            breed=args.breed or "",
            baby_photo=self._baby,
            age=args.age,
            head=args.head - 1,
            network=args.network,
            anyway=args.anyway,
            card=card_words(words, title, args.age),
        )

        def show(progress: Progress) -> None:
            self._advance(bar, photo, progress.fraction * 0.95, _STAGE_WORDS[progress.stage])

        made = await self._engine.rejuvenate(request, show)
        self._advance(bar, photo, 0.95, "writing")
        sure = args.breed or (made.breed if _is_sure(made) else "")
        called = breed_name(sure, "en") if sure else ""
        exported = export_words(words, card_words(words, args.name or called, args.age), called if args.name else "")
        paths = await self._wishes.write(stem, made, self._engine, args.age, exported)
        self.paths += [Path(path) for path in paths.values()]
        breed = f", {'' if sure else 'perhaps '}{BREEDS[made.breed].name}" if made.breed in BREEDS else ""
        said = f"{made.species}{breed}; {made.network} on {made.device}, {made.seconds.get('total', 0.0):.1f} s"
        lines = [said if len(self._args.photos) == 1 and photo == self._args.photos[0] else f"{photo}: {said}"]
        return {"file": str(photo)} | paths | _facts(made), [
            *lines,
            *(f"{kind}: {path}" for kind, path in paths.items()),
        ]

    async def _check_head(self, photo: Path, data: bytes) -> None:
        count = len((await self._engine.recognise(data)).heads)
        if self._args.head > count > 0:
            there = "is one head" if count == 1 else f"are {count} heads"
            raise CommandError(f"{photo}: there {there} in it, so no --head {self._args.head}", PHOTO_STATUS, "no_head")

    def _advance(self, bar: "tqdm[Any]", photo: Path, share: float, doing: str = "") -> None:
        """Move the bar to where this photo is, and name it."""
        before = self._done.get(photo, 0.0)
        self._done[photo] = max(before, share)
        if doing:
            bar.set_description_str(f"{photo.name}: {doing}", refresh=False)
        bar.update(100 * (self._done[photo] - before))


def _is_sure(made: Rejuvenation) -> bool:
    return any(guess.breed == made.breed and guess.probability >= _SURE for guess in made.breeds)


def _facts(made: Rejuvenation) -> dict[str, Any]:
    """What programs are told of a portrait."""
    return {
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
    if text in set(NamedAge):
        return NamedAge(text).age
    try:
        age = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither {', '.join(NamedAge)} nor a number") from None
    if not -_MAX_AGE <= age <= _MAX_AGE:  # NaN is refused too
        raise argparse.ArgumentTypeError(f"must be between -{_MAX_AGE:g} and {_MAX_AGE:g}")
    return age
