"""Make the story film: nine seconds upright, made to be posted where the family is.

Title and today's print; then and now; the way between, as a picture on paper that changes; a last page with the ages.
Nothing that matters lies where the apps put their own buttons. Prints slide in and out over one sheet of paper, so most
frames are pasted, not drawn.
"""

import contextlib
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

from engine.images.pixels import Pixels
from engine.images.tensors import to_pixels
from engine.images.ycbcr import Frame
from engine.messages import ExportText, Film, NamedAge
from engine.rendering.age_labels import AgeLabels, share_seen
from engine.rendering.film import FilmOptions, FilmSource, between, encode_film, key_ages, positions
from engine.rendering.large_portrait import LARGE_SIDE
from engine.rendering.layers import FrameCanvas, Layer, planes_of
from engine.rendering.lettering import fitted
from engine.rendering.paper import (
    INK,
    SOFT_INK,
    TAPES,
    Paws,
    coloured,
    paper,
    photo_print,
    picture_corner,
    picture_mask,
    shadow_margin,
    tape,
    turned,
    with_shadow,
)
from engine.rendering.video import as_levels
from engine.step_runner import result_of
from engine.threads import prefetch

WIDTH, HEIGHT = 1080, 1920  # px
FPS = 25
WAY = FilmOptions(FPS, duration_s=3.3, hold_s=0.4, easing=0.3, keys=20)
_TITLE_S, _BOTH_S, _YOUNG_S, _LAST_S = 1.2, 1.1, 0.4, 1.5  # s of rest: title, then and now, the young face, last page
_SLIDE_S = 0.5
PICTURE = LARGE_SIDE  # px, side of the picture whose way is shown
_MIDDLE = (WIDTH / 2, 1040.0)  # of its print
_PAIR = 470  # px, side of today and of the other age
_PAIR_AT = ((322.0, 830.0), (758.0, 1276.0))  # the middles of today and the other age
_PAGE = 364  # px, side of the pictures on the last page
_PAGE_AT = ((300.0, 766.0), (780.0, 766.0), (300.0, 1258.0), (780.0, 1258.0))
_LETTERING = 1.35  # of the small prints' labels against those of a card: phones are small
_TILTS = (-2.2, 1.8, 1.5, -1.6)  # degrees
_PAWS: Paws = ((120, 1480, -28), (212, 1440, 12), (880, 196, 24), (964, 154, 60))
_TITLE_WIDTH = WIDTH - 200  # px
_TITLE_AT, _SUBTITLE_AT, _FOOTER_AT = 410, 478, 1564  # px, where the letters stand

_Scene = list[tuple[Layer, float, float]]  # layers, and where their corners lie


@dataclass(frozen=True, slots=True, eq=False)
class StoryPlan:
    """What a story tells, in ages that its film's source can show."""

    today: float
    today_label: str
    other: float
    other_label: str
    ages: tuple[NamedAge, ...]  # for the last page; with fewer than three, it shows today and the other age


def story_film(
    plan: StoryPlan,
    source: FilmSource,
    features: Callable[[Tensor], Tensor],
    text: ExportText,
    pool: Executor | None = None,
) -> Generator[float, None, Film]:
    """Render the story with the way that `source` leads; yield the share that is done, and return the film.

    In a `pool`, the pictures of the way are made a little ahead. Raises `EngineFault` if ffmpeg fails.
    """
    sheet, book = _titled(text), _Pictures(source, plan, text)
    frames = _frames(FrameCanvas.of(sheet), book, _Way(source, features, text, pool))
    rests = sum(round(FPS * seconds) for seconds in (_TITLE_S, _BOTH_S, _YOUNG_S, _LAST_S))
    count = rests + 3 * round(FPS * _SLIDE_S) + len(positions(WAY))
    cover = _cover(sheet, book)
    return (yield from encode_film(frames, count, WIDTH, HEIGHT, FPS, cover, "superfast", crf=19))


class _Pictures:
    """The pictures that are not part of the way, made once and when they are needed: meanwhile others are encoded."""

    def __init__(self, source: FilmSource, plan: StoryPlan, text: ExportText) -> None:
        self.plan, self.text = plan, text
        self.at = cache(lambda age: Image.fromarray(to_pixels(source.show(age))))


class _Way:
    """The way between, in a print."""

    def __init__(
        self, source: FilmSource, features: Callable[[Tensor], Tensor], text: ExportText, pool: Executor | None
    ) -> None:
        self._source, self._features, self._pool = source, features, pool
        self._labels = AgeLabels(text.ages)
        self._words: dict[str, Layer] = {}

    @cached_property
    def _keys(self) -> list[float]:
        return result_of(key_ages(self._source, self._features, WAY.keys))

    def scene(self, end: int) -> _Scene:
        """The print at the first (0) or the last (-1) age, with what the age is called."""
        picture = Image.fromarray(to_pixels(self._source.show(self._keys[end])))
        return [*_printed(picture, PICTURE, "", _MIDDLE), *self._label(self._labels.nearest(self._keys[end]))]

    def frames(self, ground: FrameCanvas) -> Iterator[Frame]:
        """Yield the frames: the picture in its print, which lies on `ground`, and the age below it."""
        at, corner = positions(WAY), _picture_at(PICTURE, _MIDDLE)
        ages = np.interp(at, np.linspace(0, 1, len(self._keys)), self._keys)
        words = [self._labels.nearest(float(age)) for age in ages]
        mask = picture_mask(PICTURE)
        keys = prefetch(lambda age: as_levels(self._source.show(age), (PICTURE, PICTURE)), self._keys, self._pool)
        with contextlib.closing(keys):
            for index, picture in enumerate(between(keys, len(self._keys), at)):
                page = ground.copy()
                page.paste(Layer(planes_of(picture, PICTURE, PICTURE), mask), *corner)
                for layer, left, top in self._label(words[index]):
                    page.paste(layer, left, top, share_seen(words, index))
                yield page.frame()

    def _label(self, word: str) -> _Scene:
        """The word below the picture."""
        if not word:
            return []
        if word not in self._words:
            self._words[word] = Layer.of(_letters(word, 66, 40, PICTURE - 40, INK))
        layer = self._words[word]
        return [(layer, _MIDDLE[0] - layer.size[0] / 2, _picture_at(PICTURE, _MIDDLE)[1] + PICTURE + 20)]


def _frames(ground: FrameCanvas, book: _Pictures, way: _Way) -> Iterator[Frame]:
    title = _printed(book.at(book.plan.today), PICTURE, book.plan.today_label, _MIDDLE)
    yield from _rest(ground, title, _TITLE_S)
    both = _both(book)
    yield from _slide(ground, title, both)
    yield from _rest(ground, both, _BOTH_S)
    start = way.scene(0)
    yield from _slide(ground, both, start)
    bare = ground.copy()
    _paste(bare, start[:2])
    yield from way.frames(bare)
    end = way.scene(-1)
    yield from _rest(ground, end, _YOUNG_S)
    last = _last_page(book)
    yield from _slide(ground, end, last)
    yield from _rest(ground, last, _LAST_S)


def _rest(ground: FrameCanvas, scene: _Scene, seconds: float) -> Iterator[Frame]:
    page = ground.copy()
    _paste(page, scene)
    frame = page.frame()
    for _ in range(round(seconds * FPS)):
        yield frame


def _slide(ground: FrameCanvas, before: _Scene, after: _Scene) -> Iterator[Frame]:
    """One scene leaves to the left while the next comes in from the right."""
    count = round(_SLIDE_S * FPS)
    for index in range(count):
        share = _eased((index + 1) / (count + 1))
        page = ground.copy()
        _paste(page, before, -share * WIDTH * 1.1)
        _paste(page, after, (1 - share) * WIDTH * 1.1)
        yield page.frame()


def _paste(page: FrameCanvas, scene: _Scene, aside: float = 0.0) -> None:
    for layer, left, top in scene:
        page.paste(layer, left + aside, top)


def _eased(share: float) -> float:
    return share**3 * (share * (share * 6 - 15) + 10)


def _titled(text: ExportText) -> Image.Image:
    """The paper with name and breed."""
    sheet = paper(WIDTH, HEIGHT, _PAWS, 72).copy()
    draw = ImageDraw.Draw(sheet)
    title = fitted(text.title, 128, 60, _TITLE_WIDTH)
    title.draw(draw, WIDTH / 2, _TITLE_AT if text.subtitle else (_TITLE_AT + _SUBTITLE_AT) / 2, INK)
    fitted(text.subtitle, 52, 32, _TITLE_WIDTH).draw(draw, WIDTH / 2, _SUBTITLE_AT, SOFT_INK)
    return sheet


def _both(book: _Pictures) -> _Scene:
    today, other = _PAIR_AT
    return [
        *_printed(book.at(book.plan.today), _PAIR, book.plan.today_label, today, _TILTS[0], _LETTERING, TAPES[1]),
        *_printed(book.at(book.plan.other), _PAIR, book.plan.other_label, other, _TILTS[1], _LETTERING),
    ]


def _last_page(book: _Pictures) -> _Scene:
    """The ages as on a page of an album, and where it was made."""
    footer = Layer.of(_letters(book.text.footer, 40, 26, _TITLE_WIDTH, SOFT_INK))
    said = (footer, (WIDTH - footer.size[0]) / 2, _FOOTER_AT - footer.size[1] * 0.7)
    if len(book.plan.ages) < 3:
        return [*_both(book), said]
    scene: _Scene = []
    for index, age in enumerate(book.plan.ages[: len(_PAGE_AT)]):
        where = _PAGE_AT[index], _TILTS[index], _LETTERING, TAPES[index % 2]
        scene += _printed(book.at(age.age), _PAGE, book.text.ages.get(age, ""), *where)
    return [*scene, said]


def _printed(
    picture: Image.Image,
    side: int,
    label: str,
    middle: tuple[float, float],
    tilt: float = 0.0,
    lettering: float = 1.0,
    taped: tuple[int, int, int] = TAPES[0],
) -> _Scene:
    """A print, whose middle lies there, and its tape."""
    scale = side / 600
    sheet = with_shadow(turned(photo_print(picture, side, label, "", lettering), tilt), scale)
    layer, strip = Layer.of(sheet), Layer.of(turned(tape(taped, max(0.8, scale)), -1.6 * tilt - 1.2))
    left, top = _corner(sheet.size, middle)
    edge = top + shadow_margin(scale)
    return [(layer, left, top), (strip, middle[0] - strip.size[0] / 2, edge - strip.size[1] / 2)]


def _corner(size: tuple[int, int], middle: tuple[float, float]) -> tuple[int, int]:
    """Where a sheet begins that lies there; even, as colours lie on pairs of pixels."""
    left, top = (2 * round((at - length / 2) / 2) for at, length in zip(middle, size, strict=True))
    return left, top


@cache
def _picture_at(side: int, middle: tuple[float, float]) -> tuple[int, int]:
    """Where the picture in a straight print begins, whose middle lies there."""
    margin = shadow_margin(side / 600)
    blank = photo_print(Image.new("RGB", (1, 1)), side, "")
    left, top = _corner((blank.width + 2 * margin, blank.height + 2 * margin), middle)
    across, down = picture_corner(side)
    return left + margin + across, top + margin + down


def _letters(text: str, size: int, least: int, width: float, colour: tuple[int, int, int]) -> Image.Image:
    """A line of text on a transparent sheet, RGBA."""
    line = fitted(text, size, least, width)
    sheet = Image.new("L", (max(2, round(line.width) + 8), round(line.size * 1.5)))
    line.draw(ImageDraw.Draw(sheet), sheet.width / 2, line.size * 1.05, 255)
    return coloured(sheet, colour)


def _cover(sheet: Image.Image, book: _Pictures) -> Pixels:
    """The first page, for the thumbnail."""
    picture = with_shadow(photo_print(book.at(book.plan.today), PICTURE, book.plan.today_label), PICTURE / 600)
    cover = sheet.copy()
    cover.paste(picture, _corner(picture.size, _MIDDLE), picture)
    return np.asarray(cover)
