"""Make the wipe film: today's picture slides over that of the other age, and back."""

from collections.abc import Generator, Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from engine.images.filters import smoothstep
from engine.images.ycbcr import Frame
from engine.messages import Film
from engine.rendering.age_labels import label
from engine.rendering.film import encode_film
from engine.rendering.layers import FrameCanvas, Layer, planes_of
from engine.rendering.paper import PRINT, coloured

FPS = 30
LEAST_SIDE = 720  # px; smaller pictures are enlarged, so that their words are sharp
_REST_S, _SLIDE_S = 0.9, 1.7  # s that either picture is seen, and that one slides
_BAR = 6  # px, the white line between both
_HANDLE = 62  # px, the disc on it
_CORNER = 0.035  # of the side, from the words to the film's border


def wipe_film(
    other: Image.Image, today: Image.Image, other_label: str, today_label: str
) -> Generator[float, None, Film]:
    """Render the film of two square pictures, each with its word in a corner.

    Yields the share that is done, 0..1. It ends as it began, so it can be shown again and again.
    """
    side = max(LEAST_SIDE, today.width)
    side += side % 2
    under, over = (picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS) for picture in (other, today))
    below = _named(under, other_label, right=True)
    above = _named(over, today_label, right=False)
    ways = [_eased(share) for share in np.arange(1, FPS * _SLIDE_S) / (FPS * _SLIDE_S)]
    rest = round(_REST_S * FPS)
    places = [0.0] * (rest // 2) + ways + [1.0] * rest + ways[::-1] + [0.0] * (rest - rest // 2)
    half = under.copy()
    half.paste(over.crop((0, 0, side // 2, side)))
    frames = _frames(below, above, places, side)
    return (yield from encode_film(frames, len(places), side, side, FPS, np.asarray(half)))


def _frames(below: Frame, above: Frame, places: list[float], side: int) -> Iterator[Frame]:
    """Both pictures at each place of the line between them, 0 left of the film, 1 right of it."""
    line = Layer.of(_line(side))
    width = line.size[0]
    last, frame = -1.0, below
    for place in places:
        if place != last:
            last = place
            x = 2 * round((place * (side + width) - width / 2) / 2)
            canvas = FrameCanvas(planes_of(_joined(above, below, min(max(x, 0), side), side), side, side))
            canvas.paste(line, x - width // 2, 0)
            frame = canvas.frame()
        yield frame


def _joined(left: Frame, right: Frame, x: int, side: int) -> Frame:
    """One frame left of `x` px, which is even, and the other right of it."""
    joined = right.copy()
    luma = side * side
    joined[:luma].reshape(side, side)[:, :x] = left[:luma].reshape(side, side)[:, :x]
    joined[luma:].reshape(side, side // 2)[:, : x // 2] = left[luma:].reshape(side, side // 2)[:, : x // 2]
    return joined


def _named(picture: Image.Image, word: str, right: bool) -> Frame:
    """A picture as a frame, with a word in a lower corner."""
    side = picture.width
    canvas = FrameCanvas.of(picture)
    if word:
        slip, corner = label(word, side), round(_CORNER * side)
        canvas.paste(slip, side - corner - slip.size[0] if right else corner, side - corner - slip.size[1])
    return canvas.frame()


def _line(side: int) -> Image.Image:
    """The white line between the pictures with a disc on it, RGBA, over a soft shadow."""
    width = _HANDLE + 24
    mask = Image.new("L", (width, side))
    draw = ImageDraw.Draw(mask)
    draw.rectangle(((width - _BAR) // 2, 0, (width + _BAR) // 2 - 1, side), fill=255)
    disc = Image.new("L", (_HANDLE * 4,) * 2)
    ImageDraw.Draw(disc).ellipse((0, 0, _HANDLE * 4 - 1, _HANDLE * 4 - 1), fill=255)
    disc = disc.resize((_HANDLE, _HANDLE), Image.Resampling.LANCZOS)
    mask.paste(disc, ((width - _HANDLE) // 2, (side - _HANDLE) // 2), disc)
    shadow = mask.filter(ImageFilter.GaussianBlur(5)).point(lambda value: value // 3)
    line = coloured(shadow, (60, 45, 35))
    line.paste((*PRINT, 255), (0, 0), mask)
    arrows = ImageDraw.Draw(line)
    middle, centre = side / 2, width / 2
    for way in (-1, 1):
        tip, back = centre + way * 20, centre + way * 10
        arrows.line([(back, middle - 9), (tip, middle), (back, middle + 9)], fill=(120, 96, 78, 255), width=4)
    return line


def _eased(share: float) -> float:
    return smoothstep(smoothstep(float(share)) * 0.5 + float(share) * 0.5)
