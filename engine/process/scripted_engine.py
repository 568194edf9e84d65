"""An engine process that answers at once: real messages, tiny real pictures, no network behind them.

    python -m engine.process.scripted_engine --fd N

It measures the bot without the engine's time (`throwback bench bot`) and rehearses what is hard to bring about with
the real one. What a request gets is written behind its photo's last byte, where no picture reader looks: see
`scripted_photo` and `Script`. Without a script, a photo shows a Samoyed and gets its picture and film.
"""

import argparse
import hashlib
import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from enum import StrEnum
from functools import cache
from pathlib import Path

import imageio_ffmpeg
from PIL import Image, ImageDraw

from engine.messages import (
    Answer,
    BreedGuess,
    Cancel,
    Combine,
    Combined,
    Describe,
    Description,
    Export,
    Exported,
    Failure,
    FailureKind,
    Film,
    Forget,
    Forgotten,
    Head,
    HeadGuess,
    HeadQuality,
    Medium,
    PhotoIssue,
    Progress,
    Recognise,
    Recognition,
    Reimagine,
    Reimagined,
    Rejuvenate,
    Rejuvenation,
    Species,
    Stage,
)
from engine.process.server_connection import ServerConnection
from engine.process.wire import Message, Working

_MARK = b"\nscript:"
_SIZE = 64
_STICKER_SIDE = 512  # px, of which Telegram wants exactly so many
_SLOW_STAGE_S = 0.25  # s that each of the four stages of slow work takes
_OLD = b" of earlier weights"  # at the end of a latent
_SECONDS = {"aligning": 0.0, "projecting": 0.0, "locking": 0.0, "filming": 0.0, "total": 0.0}


class Script(StrEnum):
    """What a photo's requests get."""

    PLAIN = ""  # the usual answer, at once
    CAT = "cat"  # recognised as a tabby cat
    TWO_HEADS = "two_heads"  # two dogs in the photo
    DOG_AND_CAT = "dog_and_cat"  # a Samoyed, and a tabby cat to its right
    NO_PET = "no_pet"  # recognition finds no pet; rejuvenation fails unless told to try anyway
    NO_FACE = "no_face"  # recognised, but rejuvenation finds no face unless told to try anyway
    DARK = "dark"  # a Samoyed in the dark: a usable face of little quality
    NOT_AN_IMAGE = "not_an_image"  # every request fails with that reason
    FAULT = "fault"  # rejuvenation fails with a fault of ours
    SLOW = "slow"  # the usual answer, after a second's work
    HOLD = "hold"  # rejuvenation reports progress and waits: until cancelled, or until the next Describe
    DIE = "die"  # the process dies of it
    OTHER_WEIGHTS = "other_weights"  # its latent is one of earlier weights, and another age gives one of today's


def scripted_photo(script: Script = Script.PLAIN, shade: int = 200) -> bytes:
    """A small grey JPEG that makes the scripted engine act out `script`; another `shade` makes another file."""
    return _jpeg(shade) + _MARK + script.value.encode()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m engine.process.scripted_engine")
    parser.add_argument("--fd", type=int, required=True)
    with ServerConnection.inherited(parser.parse_args().fd) as connection:
        actor = _Actor(connection)
        for message in connection:
            actor.take(message)
    return 0


class _Actor:
    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._held: dict[str, Rejuvenate] = {}

    def take(self, message: Message) -> None:
        match message:
            case Cancel(target=target):
                if self._held.pop(target, None):
                    self._connection.send(Failure(target, FailureKind.CANCELLED, "cancelled"))
            case Describe(id=id_):
                self._connection.send(Description(id_, "cpu", ("scripted",), "none", ()))
                for held in self._held.values():
                    self._connection.send(_rejuvenation(held))
                self._held.clear()
            case Recognise():
                self._begin(message)
                self._connection.send(_recognition(message))
            case Rejuvenate():
                self._begin(message)
                self._rejuvenate(message)
            case Reimagine():
                self._connection.send(_reimagined(message))
            case Export():
                self._connection.send(_exported(message))
            case Combine():
                self._connection.send(Combined(message.id, _jpeg(110), _jpeg(120) if message.card else None))
            case Forget(id=id_, photos=photos):
                self._connection.send(Forgotten(id_, len(photos)))

    def _begin(self, request: Recognise | Rejuvenate) -> None:
        if _script(request.photo) is Script.DIE:
            self._connection.send(Working((request.id,)))
            os.kill(os.getpid(), signal.SIGKILL)

    def _rejuvenate(self, request: Rejuvenate) -> None:
        hold = _script(request.photo) is Script.HOLD
        stages = [Stage.ALIGNING, Stage.PROJECTING] if hold else [stage for stage in Stage if stage != Stage.QUEUED]
        slow = _script(request.photo) is Script.SLOW
        self._connection.send(Progress(request.id, Stage.QUEUED, 0.0, position=1 if hold else 0))
        self._connection.send(Working((request.id,) if slow else ()))
        for count, stage in enumerate(stages):
            preview = _jpeg(150) if stage is Stage.PROJECTING else None
            self._connection.send(Progress(request.id, stage, count / 4, eta_s=4.0 - count, preview=preview))
            time.sleep(_SLOW_STAGE_S if slow else 0.0)
        if hold:
            self._held[request.id] = request
        else:
            self._connection.send(_rejuvenation(request))
            self._connection.send(Working(()))


def _script(photo: bytes) -> Script:
    return Script(photo.rpartition(_MARK)[2].decode()) if _MARK in photo else Script.PLAIN


def _recognition(request: Recognise) -> Answer:
    script = _script(request.photo)
    if script is Script.NOT_AN_IMAGE:
        return Failure(request.id, FailureKind.PHOTO, "not_an_image")
    if script is Script.NO_PET:
        return Recognition(request.id, False, None, (), (), 640, 480)
    species, breeds = _found(script)
    shown = {Script.TWO_HEADS: (script, script), Script.DOG_AND_CAT: (script, Script.CAT)}.get(script)
    if shown is None:
        one = (_head(320.0),)
        return Recognition(request.id, True, species, breeds, one, 640, 480, qualities=(_quality(script),))
    heads, guesses = (_head(200.0), _head(420.0)), tuple(HeadGuess(*_found(one)) for one in shown)
    qualities = (_quality(script),) * 2
    return Recognition(request.id, True, species, breeds, heads, 640, 480, guesses, qualities, numbered=_jpeg(130))


def _quality(script: Script) -> HeadQuality:
    match script:
        case Script.NO_FACE:
            return HeadQuality(usable=False, quality=0.1, issues=(PhotoIssue.TURNED,))
        case Script.DARK:
            return HeadQuality(usable=True, quality=0.3, issues=(PhotoIssue.DARK,))
        case _:
            return HeadQuality(usable=True, quality=0.9)


def _found(script: Script) -> tuple[Species, tuple[BreedGuess, ...]]:
    if script is Script.CAT:
        return Species.CAT, (BreedGuess("tabby", 0.8), BreedGuess("persian", 0.1))
    return Species.DOG, (BreedGuess("samoyed", 0.9), BreedGuess("pomeranian", 0.05), BreedGuess("japanese_spitz", 0.01))


def _head(x: float) -> Head:
    return Head((x - 80, 100, x + 80, 260), (x - 30, 160), (x + 30, 160), (x, 200), 0.99)


def _rejuvenation(request: Rejuvenate) -> Answer:
    script = _script(request.photo)
    if script is Script.NOT_AN_IMAGE or (script in (Script.NO_PET, Script.NO_FACE) and not request.anyway):
        return Failure(request.id, FailureKind.PHOTO, script.value)
    if request.baby_photo and _script(request.baby_photo) is Script.NOT_AN_IMAGE:
        return Failure(request.id, FailureKind.PHOTO, "not_an_image", "baby_photo")
    if script is Script.FAULT:
        return Failure(request.id, FailureKind.FAULT, "ZeroDivisionError")
    species, breeds = _found(script)
    return Rejuvenation(
        id=request.id,
        still=_jpeg(100),
        whole=_jpeg(110),
        card=_jpeg(120) if request.card else None,
        film=_film(),
        latent=hashlib.sha256(request.photo).digest() + (_OLD if script is Script.OTHER_WEIGHTS else b""),
        species=request.species or species,
        breed=request.breed or breeds[0].breed,
        breeds=breeds,
        head=_head(320.0),
        network="scripted",
        device="cpu",
        distance=0.1,
        steps=1,
        seconds=_SECONDS,
    )


def _reimagined(request: Reimagine) -> Answer:
    return Reimagined(
        id=request.id,
        age=request.age,
        still=_jpeg(round(100 - 20 * max(-4.0, min(4.0, request.age)))),
        whole=_jpeg(110),
        card=_jpeg(120) if request.card else None,
        film=_film() if request.film else None,
        seconds={"filming": 0.0, "total": 0.0},
        latent=_renewed(request.latent),
    )


def _exported(request: Export) -> Exported:
    latent = _renewed(request.latent)
    match request.medium:
        case Medium.STICKER:
            return Exported(request.id, request.medium, _sticker(), _STICKER_SIDE, _STICKER_SIDE, latent=latent)
        case Medium.STRIP:
            return Exported(request.id, request.medium, _jpeg(140), _SIZE, _SIZE, latent=latent)
        case Medium.GIF | Medium.WEBP:
            return Exported(request.id, request.medium, _animation(request.medium), _SIZE, _SIZE, latent=latent)
        case _:
            film = _film()
            measures = (film.width, film.height, film.thumbnail, film.duration_s, film.frames)
            return Exported(request.id, request.medium, film.mp4, *measures, latent=latent)


def _renewed(latent: bytes) -> bytes | None:
    """The latent of today's weights, where this one is of earlier ones."""
    return latent.removesuffix(_OLD) if latent.endswith(_OLD) else None


@cache
def _sticker() -> bytes:
    """A disc on a transparent ground."""
    picture = Image.new("RGBA", (_STICKER_SIDE,) * 2)
    ImageDraw.Draw(picture).ellipse((0, 0, _STICKER_SIDE - 1, _STICKER_SIDE - 1), fill=(200, 180, 160, 255))
    stream = io.BytesIO()
    picture.save(stream, "WEBP")
    return stream.getvalue()


@cache
def _animation(medium: Medium) -> bytes:
    """Two frames of grey, as a GIF or a WebP."""
    stream = io.BytesIO()
    one, other = (Image.new("L", (_SIZE, _SIZE), shade) for shade in (100, 200))
    one.save(stream, medium.name, save_all=True, append_images=[other], duration=100, loop=0)
    return stream.getvalue()


@cache
def _jpeg(shade: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (_SIZE, _SIZE), (shade, shade, shade)).save(stream, "JPEG")
    return stream.getvalue()


@cache
def _film() -> Film:
    """Two tenths of a second of grey, made once a process."""
    frames, rate = 6, 30
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        source = ["-f", "lavfi", "-i", f"color=gray:size={_SIZE}x{_SIZE}:rate={rate}", "-frames:v", str(frames)]
        encoding = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *source, *encoding, str(path)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)  # noqa: S603 - the list is ours entirely
        return Film(path.read_bytes(), _jpeg(100), _SIZE, _SIZE, frames / rate, frames)


if __name__ == "__main__":
    sys.exit(main())
