"""Make other media of a portrait: stories, loops, stickers, strips."""

import io
from collections.abc import Callable, Generator
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from PIL import Image
from torch import Tensor

from engine.images.tensors import to_pixels
from engine.messages import Exported, ExportText, Film, Medium, NamedAge
from engine.rendering.age_labels import AgeLabels
from engine.rendering.animations import animation
from engine.rendering.faces import PortraitFaces
from engine.rendering.film import FilmOptions, render_film
from engine.rendering.pictures import shown
from engine.rendering.portrait_renderer import PortraitRenderer, portrait_of
from engine.rendering.sticker import sticker
from engine.rendering.story import StoryPlan, story_film
from engine.rendering.strip import strip
from engine.rendering.wipe import wipe_film

LOOP = FilmOptions(duration_s=2.2, hold_s=0.2, keys=20, there_and_back=True)
VIDEO_NOTE = FilmOptions(duration_s=3.2, hold_s=0.6, keys=24, there_and_back=True)  # Telegram allows a minute


@dataclass(frozen=True, slots=True, eq=False)
class Exporter:
    """Makes media of one portrait; `age_vector` [num_ws, w_dim] is that of its breed.

    `features` measures pictures for the pace of films (`engine.rendering.film.space_evenly`).
    """

    faces: PortraitFaces
    age_vector: Tensor
    features: Callable[[Tensor], Tensor]
    pool: Executor | None = None

    def make(self, medium: Medium, age: float, text: ExportText) -> Generator[float, None, Exported]:
        """Make one medium at `age`; yield the share that is done, 0..1. The answer belongs to no request yet."""
        film: Film | None = None
        match medium:
            case Medium.STICKER:
                file = self._sticker(age)
            case Medium.STRIP:
                file = self._strip(text)
            case Medium.STORY:
                film = yield from self._story(age, text)
            case Medium.WIPE:
                film = yield from self._wipe(age, text)
            case Medium.VIDEO_NOTE:
                film = yield from self._film(age, VIDEO_NOTE)
            case Medium.LOOP:
                film = yield from self._film(age, LOOP, text)
            case Medium.GIF | Medium.WEBP:
                loop = yield from self._film(age, LOOP, text)
                file = animation(loop.mp4, medium)
        if film is not None:
            size = film.width, film.height
            return Exported("", medium, film.mp4, *size, film.thumbnail, film.duration_s, film.frames)
        return Exported("", medium, file, *Image.open(io.BytesIO(file)).size)

    def _portrait(self, age: float, large: bool = False) -> PortraitRenderer:
        return portrait_of(self.faces, self.age_vector, age, large=large)

    def _film(self, age: float, options: FilmOptions, text: ExportText | None = None) -> Generator[float, None, Film]:
        labels = AgeLabels(text.ages) if text and self.faces.baby is None else None
        source = self._portrait(age).film_source()
        return (yield from render_film(source, self.features, options, self.pool, labels))

    def _sticker(self, age: float) -> bytes:
        portrait = self._foretold._portrait(age, large=True)
        face = to_pixels(portrait.at(age))
        pet = self.faces.pet
        return sticker(face, pet.alignment(pet.photo, len(face)), pet.head, pet.photo.size)

    @property
    def _foretold(self) -> "Exporter":
        """The same without a baby photo: as today's photo foretells it."""
        return replace(self, faces=replace(self.faces, baby=None))

    def _strip(self, text: ExportText) -> bytes:
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
        return strip(pictures, text)

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


def _labels(age: float, text: ExportText) -> tuple[str, str]:
    """The words below the other age's picture and below today's."""
    return (text.now, text.then) if age < 0 else (text.then, text.now)
