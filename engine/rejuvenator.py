"""The engine within this process: a photo in, pictures and a film out.

Importing this loads no torch; making a `Rejuvenator` does.
"""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TypeVar

from PIL import Image, ImageOps

from engine import settings
from engine.breeds import BREEDS
from engine.messages import (
    Answer,
    CardText,
    Export,
    Exported,
    ExportText,
    Medium,
    NamedAge,
    Progress,
    Recognise,
    Recognition,
    Reimagine,
    Reimagined,
    Rejuvenate,
    Rejuvenation,
    Request,
)
from engine.process.eta import ProgressEstimator
from engine.process.jobs import JobStep

Photo = str | os.PathLike[str] | bytes | Image.Image  # a file's path, its bytes in any picture format, or the picture

_CARD = CardText(title="", then="Then", now="Now", footer="")  # without a title, the breed is named

_TEXT = ExportText(
    then="Then",
    now="Now",
    ages=dict(zip(NamedAge, ("8 weeks", "4 months", "1 year", "Today", "Old"), strict=True)),
)

_Wanted = TypeVar("_Wanted", bound=Answer)


@dataclass(frozen=True, slots=True, eq=False)
class Rejuvenated:
    """A pet at another age. All pictures are RGB."""

    still: Image.Image  # the face, square; with a baby photo, the true puppy or kitten to the left of it
    film: bytes  # MP4 (H.264), from today to the age or, with a baby photo, from there to today
    card: Image.Image  # then and now, on paper
    whole: Image.Image  # the photo with the face of the other age in it
    state: bytes  # for `Rejuvenator.at_age`; holds the photos


class Rejuvenator:
    """Makes dogs and cats in photos younger or older.

    Calls from several threads wait for each other. Errors are those of `engine.errors`: a `PhotoError` says why a photo
    cannot be used, an `OperatorError` what this machine lacks.
    """

    def __init__(self, device: str = "auto", home: str | os.PathLike[str] | None = None, network: str = "") -> None:
        """Load the networks, which takes seconds.

        `device` is ``auto``, ``cpu`` or ``cuda``. `home` is the data folder, with pulled networks, learned ages and the
        cache; without it, that of the other commands (THROWBACK_HOME). `network` is the name of a network to prefer.
        """
        from engine.pipeline import Pipeline  # noqa: PLC0415 - loads torch

        folder = settings.from_environment().home if home is None else Path(home)
        self._pipeline = Pipeline(settings.EngineSettings(folder, device, network))
        self._lock = Lock()

    def recognise(self, photo: Photo) -> Recognition:
        """Find the heads in a photo, the species and the likely breeds."""
        return self._answer(Recognise("", _encoded(photo)), Recognition)

    def rejuvenate(
        self,
        photo: Photo,
        breed: str | None = None,
        age: float = 1.0,
        baby: Photo | None = None,
        *,
        card: CardText = _CARD,
        on_progress: Callable[[Progress], object] | None = None,
    ) -> Rejuvenated:
        """Show the most prominent pet of a photo at another age.

        `age` is 0 for today, 1 for eight weeks old, and below 0 for older. `breed` is one of `engine.BREEDS`; without
        it, the breed is recognised. With a photo of the pet as a baby, the film leads from there to today.
        `on_progress` is called after each step, now and then with a preview.
        """
        if breed is not None and breed not in BREEDS:
            raise ValueError(f"{breed!r} is not among the breeds in engine.BREEDS")
        young = None if baby is None else _encoded(baby)
        if breed and not card.title:
            card = replace(card, title=BREEDS[breed].name)
        request = Rejuvenate("", _encoded(photo), breed=breed or "", baby_photo=young, age=age, card=card)
        answer = self._answer(request, Rejuvenation, on_progress)
        return _rejuvenated(answer, answer.latent)

    def at_age(
        self,
        state: bytes,
        age: float,
        *,
        card: CardText = _CARD,
        on_progress: Callable[[Progress], object] | None = None,
    ) -> Rejuvenated:
        """Show a pet from its `Rejuvenated.state` at yet another age, without a new search."""
        answer = self._answer(Reimagine("", state, age, card=card), Reimagined, on_progress)
        return _rejuvenated(answer, answer.latent or state)

    def export(
        self,
        state: bytes,
        medium: Medium | str,
        age: float = 1.0,
        text: ExportText = _TEXT,
        *,
        on_progress: Callable[[Progress], object] | None = None,
    ) -> bytes:
        """Make another medium of a pet from its `Rejuvenated.state`; returns the file, of the kind that `Medium` says.

        `medium` may be its name, such as ``"sticker"``. `text` holds the words, in any of the languages that the fonts
        know; without a title, the breed is named.
        """
        return self._answer(Export("", state, Medium(medium), age, text), Exported, on_progress).file

    def _answer(
        self, request: Request, kind: type[_Wanted], on_progress: Callable[[Progress], object] | None = None
    ) -> _Wanted:
        estimator = ProgressEstimator(None)

        def report(step: JobStep) -> None:
            if on_progress is not None:
                estimator.advance(step.stage, step.share, 0.0)
                on_progress(Progress("", step.stage, estimator.fraction, preview=step.preview))

        with self._lock:
            answer = self._pipeline.answer(request, report)
        if not isinstance(answer, kind):
            raise TypeError(f"{type(answer).__name__} instead of {kind.__name__}")
        return answer


def _encoded(photo: Photo) -> bytes:
    if isinstance(photo, bytes):
        return photo
    if not isinstance(photo, Image.Image):
        return Path(photo).read_bytes()
    upright, stream = ImageOps.exif_transpose(photo), io.BytesIO()
    mode = "RGBA" if upright.has_transparency_data else "RGB"
    upright.convert(mode).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def _rejuvenated(answer: Rejuvenation | Reimagined, state: bytes) -> Rejuvenated:
    if answer.film is None or answer.card is None or answer.whole is None:
        raise TypeError("film, card and whole photo were asked for")
    jpegs = answer.still, answer.card, answer.whole
    still, card, whole = (Image.open(io.BytesIO(jpeg)).convert("RGB") for jpeg in jpegs)
    return Rejuvenated(still, answer.film.mp4, card, whole, state)
