"""Make other media of a portrait: stories, loops, stickers, strips."""

import io
from collections.abc import Callable, Generator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import NamedTuple

from PIL import Image
from torch import Tensor

from engine.images.tensors import to_pixels
from engine.messages import ExportText, Film, Medium, NamedAge
from engine.rendering import strip as strips
from engine.rendering.age_labels import AgeLabels
from engine.rendering.animations import animation
from engine.rendering.faces import PortraitFaces
from engine.rendering.film import FilmOptions, render_film
from engine.rendering.pictures import shown
from engine.rendering.portrait_renderer import PortraitRenderer, portrait_of
from engine.rendering.sticker import sticker
from engine.rendering.story import StoryPlan, story_film
from engine.rendering.wipe import wipe_film

LOOP = FilmOptions(duration_s=2.2, hold_s=0.2, keys=20, there_and_back=True)
VIDEO_NOTE = FilmOptions(duration_s=3.2, hold_s=0.6, keys=24, there_and_back=True)  # Telegram allows a minute


class MediumFile(NamedTuple):
    """A file, its size in px, and for a film what Telegram asks for."""

    file: bytes
    width: int
    height: int
    thumbnail: bytes | None = None
    duration_s: float = 0.0
    frames: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Exporter:
    """Makes media of one portrait; `age_vector` [num_ws, w_dim] is that of its breed.

    `features` measures pictures for the pace of films (`engine.rendering.film.space_evenly`).
    """

    faces: PortraitFaces
    age_vector: Tensor
    features: Callable[[Tensor], Tensor]
    pool: Executor | None = None

    def make(self, medium: Medium, age: float, text: ExportText) -> Generator[float, None, MediumFile]:
        """Make one medium at `age`; yield the share that is done, 0..1."""
        match medium:
            case Medium.STICKER:
                made = self._sticker(age)
            case Medium.STRIP:
                made = self._strip(text)
            case Medium.STORY:
                made = _of_film((yield from self._story(age, text)))
            case Medium.WIPE:
                made = _of_film((yield from self._wipe(age, text)))
            case Medium.VIDEO_NOTE:
                made = _of_film((yield from self._film(age, VIDEO_NOTE)))
            case Medium.LOOP | Medium.GIF | Medium.WEBP:
                film = yield from self._film(age, LOOP, text)
                made = _of_film(film) if medium is Medium.LOOP else _of_animation(animation(film.mp4, medium))
        return made

    def _portrait(self, age: float, large: bool = False) -> PortraitRenderer:
        return portrait_of(self.faces, self.age_vector, age, large=large)

    def _film(self, age: float, options: FilmOptions, text: ExportText | None = None) -> Generator[float, None, Film]:
        labels = AgeLabels(text.ages) if text and self.faces.baby is None else None
        source = self._portrait(age).film_source()
        return (yield from render_film(source, self.features, options, self.pool, labels))

    def _sticker(self, age: float) -> MediumFile:
        portrait = self._foretold._portrait(age, large=True)
        face = to_pixels(portrait.at(age))
        pet = self.faces.pet
        file = sticker(face, pet.alignment(pet.photo, len(face)), pet.head, pet.photo.size)
        return MediumFile(file, *_picture_size(file))

    @property
    def _foretold(self) -> "Exporter":
        """The same without a baby photo: as today's photo foretells it."""
        return replace(self, faces=replace(self.faces, baby=None))

    def _strip(self, text: ExportText) -> MediumFile:
        """Five ages as today's photo foretells them; of a true baby photo, that is the youngest."""
        pictures: dict[NamedAge, Image.Image] = {}
        for end in (NamedAge.EIGHT_WEEKS, NamedAge.OLD):
            portrait = self._foretold._portrait(end.age)
            pictures |= {
                age: shown(portrait, to_pixels(portrait.at(age.age))) for age in NamedAge if age.age * end.age >= 0
            }
        if self.faces.baby is not None and (true := self._portrait(1.0)).then is not None:
            pictures[NamedAge.EIGHT_WEEKS] = shown(true, true.then)
            text = replace(text, ages=text.ages | {NamedAge.EIGHT_WEEKS: text.then})
        return MediumFile(strips.strip(pictures, text), strips.WIDTH, strips.HEIGHT)

    def _wipe(self, age: float, text: ExportText) -> Generator[float, None, Film]:
        show = self._portrait(age, large=True).film_source().show
        other, today = (Image.fromarray(to_pixels(show(at))) for at in (self._other(age), 0.0))
        return (yield from wipe_film(other, today, *_labels(age, text)))

    def _story(self, age: float, text: ExportText) -> Generator[float, None, Film]:
        source = self._portrait(age, large=True).film_source()
        other_label, today_label = _labels(age, text)
        ages: tuple[NamedAge, ...] = ()
        if self.faces.baby is None:
            ages = tuple(one for one in text.ages if min(0.0, age) <= one.age <= max(0.0, age))
        else:
            text = replace(text, ages={})
        plan = StoryPlan(0.0, today_label, self._other(age), other_label, ages)
        return (yield from story_film(plan, source, self.features, text, self.pool))

    def _other(self, age: float) -> float:
        """The other end of the film: with a baby photo, that is 1 for the day of it."""
        return age if self.faces.baby is None else 1.0


def _picture_size(file: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(file)) as picture:
        return picture.size


def _of_film(film: Film) -> MediumFile:
    return MediumFile(film.mp4, film.width, film.height, film.thumbnail, film.duration_s, film.frames)


def _of_animation(file: bytes) -> MediumFile:
    return MediumFile(file, *_picture_size(file))


def _labels(age: float, text: ExportText) -> tuple[str, str]:
    """The words below the other age's picture and below today's."""
    return (text.now, text.then) if age < 0 else (text.then, text.now)
