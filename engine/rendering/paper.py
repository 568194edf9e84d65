"""Draw photographic prints on warm paper: what cards, strips and stories are laid out with."""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from engine.rendering.lettering import fitted

# Colours, RGB.
PAPER = (250, 243, 232)  # cream, behind everything
PRINT = (255, 253, 249)  # the white of a print's border
INK = (74, 52, 40)  # title and labels
SOFT_INK = (150, 121, 100)  # what is said beside them
TAPES = ((231, 196, 160), (190, 206, 188))  # apricot and sage
_PAW = (238, 226, 208)  # the trail of paws, hardly darker than the paper
_EDGE = (228, 220, 210)  # around a picture, where a bright sky would melt into the border
_SHADOW = (92, 62, 40)

_SIDE = 600  # px, of the picture for which the following are
_BORDER, _LIP = 28, 104  # px of white around a picture, and below it, where the label stands
_ROUNDING = 14  # px, radius of a print's corners
_LABEL, _LEAST_LABEL = 50, 28  # px, size of the letters, and of words that would not fit
_NOTE = 30  # px, of what is said below the label
_TAPE = (150, 42)  # px

Paws = tuple[tuple[int, int, int], ...]  # x and y of the middle in px, and how far it is turned, in degrees


@lru_cache(maxsize=4)
def paper(width: int, height: int, paws: Paws, paw_size: int = 62) -> Image.Image:
    """Warm paper, a little lighter in the middle, with a faint grain and a trail of paws. To be copied."""
    y, x = np.linspace(-1, 1, height, dtype=np.float32)[:, None], np.linspace(-1, 1, width, dtype=np.float32)
    light = 1.012 - 0.045 * (x * x + y * y) / 2
    grain = 0.006 * np.random.default_rng(7).standard_normal((height, width), np.float32)
    shade = (light + grain)[..., None] * np.asarray(PAPER, np.float32)
    sheet = Image.fromarray(shade.clip(0, 255).round().astype(np.uint8))
    for left, top, turn in paws:
        paw = _paw(paw_size).rotate(turn, Image.Resampling.BICUBIC, expand=True)
        sheet.paste(_PAW, (left - paw.width // 2, top - paw.height // 2), paw)
    return sheet


def photo_print(picture: Image.Image, side: int, label: str, note: str = "", lettering: float = 1.0) -> Image.Image:
    """`picture`, cut to a square of `side` px, as a photographic print with its label below, RGBA.

    A `note` is said below the label, smaller. `lettering` makes the words, and the room for them, larger.
    """
    scale, words = side / _SIDE, side / _SIDE * lettering
    border, rounding = round(_BORDER * scale), max(4, round(_ROUNDING * scale))
    lip = round((_LIP + (_NOTE if note else 0)) * words)
    width, height = side + 2 * border, side + border + lip
    sheet = Image.new("RGB", (width, height), PRINT)
    square = ImageOps.fit(picture.convert("RGB"), (side, side), Image.Resampling.LANCZOS)
    sheet.paste(_EDGE, (border - 1, border - 1), rounded(side + 2, side + 2, rounding - 3))
    sheet.paste(square, (border, border), rounded(side, side, max(1, rounding - 4)))
    draw, middle = ImageDraw.Draw(sheet), side + border + round(_LIP * words * 0.5)
    line = fitted(label, round(_LABEL * words), round(_LEAST_LABEL * words), side - 20 * scale)
    line.draw(draw, width / 2, middle + 18 * words, INK)
    if note:
        said = fitted(note, round(_NOTE * words), round(_NOTE * words * 0.7), side - 20 * scale)
        said.draw(draw, width / 2, middle + (18 + 1.4 * _NOTE) * words, SOFT_INK)
    sheet.putalpha(rounded(width, height, rounding))
    # A clear rim gives the turned edge something to blend with.
    return ImageOps.expand(sheet, 2, (*PRINT, 0))


def picture_corner(side: int) -> tuple[int, int]:
    """Where the picture of `side` px begins in its print."""
    at = round(_BORDER * side / _SIDE) + 2
    return at, at


def picture_mask(side: int) -> tuple[Image.Image, Image.Image]:
    """The mask of the picture of `side` px in its print, of full and of half the size."""
    mask = rounded(side, side, max(1, round(_ROUNDING * side / _SIDE) - 4))
    return mask, mask.reduce(2)


def print_height(side: int) -> int:
    """The height in px of a print without a note, whose picture has `side` px."""
    return side + round(_BORDER * side / _SIDE) + round(_LIP * side / _SIDE) + 4


def turned(picture: Image.Image, degrees: float) -> Image.Image:
    """An RGBA picture turned anticlockwise, on a sheet as large as that needs."""
    return picture.rotate(degrees, Image.Resampling.BICUBIC, expand=True) if degrees else picture


def lay(sheet: Image.Image, picture: Image.Image, centre: tuple[float, float], scale: float = 1.0) -> None:
    """Lay an RGBA print on the sheet, centred, over a near sharp shadow and a far soft one.

    `scale` is that of the shadow: the size of the print against that of a card.
    """
    left, top = round(centre[0] - picture.width / 2), round(centre[1] - picture.height / 2)
    margin = round(80 * scale)
    box = (left - margin, top - margin, left + picture.width + margin, top + picture.height + margin)
    cast = shadow(picture, margin, scale)
    if sheet.mode == "RGBA":
        sheet.alpha_composite(coloured(cast, _SHADOW), (box[0], box[1]))
        sheet.alpha_composite(picture, (left, top))
    else:
        sheet.paste(_SHADOW, (box[0], box[1]), cast)
        sheet.paste(picture, (left, top), picture)


def lay_taped(
    sheet: Image.Image,
    picture: Image.Image,
    centre: tuple[float, float],
    tilt: float,
    colour: tuple[int, int, int],
    scale: float,
    tape_scale: float,
) -> None:
    """Lay a print on the sheet as `lay` does, turned by `tilt` degrees, and tape it."""
    lay(sheet, turned(picture, tilt), centre, scale)
    strip = turned(tape(colour, tape_scale), -tilt * 1.6)
    top = centre[1] - picture.height / 2 - strip.height / 2
    sheet.paste(strip, (round(centre[0] - strip.width / 2), round(top)), strip)


def with_shadow(picture: Image.Image, scale: float = 1.0) -> Image.Image:
    """An RGBA print with its shadow, on a transparent sheet with a margin of `shadow_margin`."""
    margin = shadow_margin(scale)
    sheet = coloured(shadow(picture, margin, scale), _SHADOW)
    sheet.alpha_composite(picture, (margin, margin))
    return sheet


def shadow_margin(scale: float) -> int:
    """How far shadows reach, in px."""
    return 2 * round(40 * scale)


def shadow(picture: Image.Image, margin: int, scale: float) -> Image.Image:
    """The mask of the shadow that an RGBA print casts, `margin` px wider on all sides."""
    size = picture.width + 2 * margin, picture.height + 2 * margin
    whole = Image.new("L", size)
    for drop, blur, strength in ((4, 4, 0.16), (16, 22, 0.26)):
        cast = Image.new("L", size)
        cast.paste(picture.getchannel("A"), (margin, margin + round(drop * scale)))
        cast = cast.filter(ImageFilter.GaussianBlur(blur * scale))
        whole = ImageChops.lighter(whole, cast.point(lambda value, part=strength: int(value * part)))
    return whole


def tape(colour: tuple[int, int, int], scale: float = 1.0) -> Image.Image:
    """A strip of paper tape, seen through a little, RGBA."""
    width, height = (round(side * scale) for side in _TAPE)
    strip = Image.new("RGBA", (width, height), (*colour, 0))
    strip.paste((*colour, 205), (2, 2, width - 2, height - 2))
    return strip


def rounded(width: int, height: int, radius: int) -> Image.Image:
    """A mask of `width` x `height` px whose corners are rounded, smooth at their edges."""
    disc = Image.new("L", (radius * 8, radius * 8))
    ImageDraw.Draw(disc).ellipse((0, 0, radius * 8 - 1, radius * 8 - 1), fill=255)
    disc = disc.resize((radius * 2, radius * 2), Image.Resampling.LANCZOS)
    mask = Image.new("L", (width, height), 255)
    for left, right, x in ((0, radius, 0), (radius, 2 * radius, width - radius)):
        for top, bottom, y in ((0, radius, 0), (radius, 2 * radius, height - radius)):
            mask.paste(disc.crop((left, top, right, bottom)), (x, y))
    return mask


def coloured(mask: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    """One colour where the mask says, RGBA."""
    layer = Image.new("RGBA", mask.size, (*colour, 0))
    layer.putalpha(mask)
    return layer


def _paw(size: int) -> Image.Image:
    """A paw as a mask of `size` px."""
    mask = Image.new("L", (size * 4, size * 4))
    draw = ImageDraw.Draw(mask)
    for x, y, width, height in (
        (0.5, 0.68, 0.26, 0.21),
        (0.14, 0.45, 0.1, 0.13),
        (0.36, 0.22, 0.11, 0.15),
        (0.64, 0.22, 0.11, 0.15),
        (0.86, 0.45, 0.1, 0.13),
    ):
        box = [(x - width) * size * 4, (y - height) * size * 4, (x + width) * size * 4, (y + height) * size * 4]
        draw.ellipse(box, fill=255)
    return mask.resize((size, size), Image.Resampling.LANCZOS)
