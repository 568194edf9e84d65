"""Draw the then-and-now card: two prints on paper, to be passed round the family."""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from engine.images.jpeg import encode_jpeg
from engine.messages import CardText
from engine.rendering.lettering import fitted

WIDTH, HEIGHT = 1480, 1060  # px; Telegram shows photos of up to 1280 px, and more looks sharp when enlarged
PHOTO = 600  # px, the side of each picture on the card
BORDER, LIP = 28, 104  # px of white around a picture, and below it, where the label stands
ROUNDING = 14  # px, radius of a print's corners
PICTURE_GAP = 0.025  # of a picture's width, between two pictures side by side

# Colours, RGB.
PAPER = (250, 243, 232)  # cream, behind everything
PRINT = (255, 253, 249)  # the white of a print's border
INK = (74, 52, 40)  # title and labels
SOFT_INK = (150, 121, 100)  # footer
TAPES = ((231, 196, 160), (190, 206, 188))  # apricot and sage, over the left and the right print
PAW = (238, 226, 208)  # the trail of paws, hardly darker than the paper


def side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    """Two square pictures beside each other at the size of the larger one, with a strip of paper between."""
    side = max(left.width, right.width)
    left, right = (
        one.resize((side, side), Image.Resampling.LANCZOS) if one.width < side else one for one in (left, right)
    )
    gap = round(left.width * PICTURE_GAP)
    sheet = Image.new("RGB", (left.width + gap + right.width, left.height), PAPER)
    sheet.paste(left, (0, 0))
    sheet.paste(right, (left.width + gap, 0))
    return sheet


def then_and_now(young: Image.Image, now: Image.Image, text: CardText) -> bytes:
    """The card as a JPEG: `young` left, `now` right, each cut to a square, with the words of `text`.

    Words that do not fit are set smaller and then shortened; a word that no font can draw is left out.
    """
    card = _paper().copy()
    draw = ImageDraw.Draw(card)
    title = fitted(text.title, 84, 44, WIDTH - 430)
    title.draw(draw, WIDTH / 2, 98 + title.size / 3, INK)
    prints = (
        (_print(young, text.then), -2.3, TAPES[0], WIDTH / 2 - 352),
        (_print(now, text.now), 1.7, TAPES[1], WIDTH / 2 + 352),
    )
    for picture, tilt, tape, centre in prints:
        _lay(card, picture.rotate(tilt, Image.Resampling.BICUBIC, expand=True), (centre, 562))
        strip = _tape(tape).rotate(-tilt * 1.6, Image.Resampling.BICUBIC, expand=True)
        card.paste(strip, (round(centre - strip.width / 2), 562 - 366 - strip.height // 2 - 4), strip)
    fitted(text.footer, 32, 22, WIDTH - 430).draw(ImageDraw.Draw(card), WIDTH / 2, HEIGHT - 40, SOFT_INK)
    return encode_jpeg(card)


@lru_cache(maxsize=1)
def _paper() -> Image.Image:
    """Warm paper, a little lighter in the middle, with a faint grain and a trail of paws."""
    y, x = np.linspace(-1, 1, HEIGHT, dtype=np.float32)[:, None], np.linspace(-1, 1, WIDTH, dtype=np.float32)
    light = 1.012 - 0.045 * (x * x + y * y) / 2
    grain = 0.006 * np.random.default_rng(7).standard_normal((HEIGHT, WIDTH), np.float32)
    shade = (light + grain)[..., None] * np.asarray(PAPER, np.float32)
    paper = Image.fromarray(shade.clip(0, 255).round().astype(np.uint8))
    for place, size, turn in (((70, 960), 62, -28), ((168, 1004), 62, 12), ((1322, 92), 62, 24), ((1410, 60), 62, 60)):
        paw = _paw(size).rotate(turn, Image.Resampling.BICUBIC, expand=True)
        paper.paste(PAW, (place[0] - paw.width // 2, place[1] - paw.height // 2), paw)
    return paper


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


def _print(picture: Image.Image, label: str) -> Image.Image:
    """`picture` as a photographic print with its label below, RGBA."""
    width, height = PHOTO + 2 * BORDER, PHOTO + BORDER + LIP
    sheet = Image.new("RGB", (width, height), PRINT)
    square = ImageOps.fit(picture.convert("RGB"), (PHOTO, PHOTO), Image.Resampling.LANCZOS)
    edge = _rounded(PHOTO + 2, PHOTO + 2, ROUNDING - 3)
    sheet.paste((228, 220, 210), (BORDER - 1, BORDER - 1), edge)  # where a bright sky would melt into the border
    sheet.paste(square, (BORDER, BORDER), _rounded(PHOTO, PHOTO, ROUNDING - 4))
    line = fitted(label, 50, 28, PHOTO - 20)
    line.draw(ImageDraw.Draw(sheet), width / 2, PHOTO + BORDER + LIP * 0.5 + 18, INK)
    sheet.putalpha(_rounded(width, height, ROUNDING))
    # A clear rim gives the turned edge something to blend with.
    return ImageOps.expand(sheet, 2, (*PRINT, 0))


def _rounded(width: int, height: int, radius: int) -> Image.Image:
    """A mask of `width` x `height` px whose corners are rounded, smooth at their edges."""
    disc = Image.new("L", (radius * 8, radius * 8))
    ImageDraw.Draw(disc).ellipse((0, 0, radius * 8 - 1, radius * 8 - 1), fill=255)
    disc = disc.resize((radius * 2, radius * 2), Image.Resampling.LANCZOS)
    mask = Image.new("L", (width, height), 255)
    for left, right, x in ((0, radius, 0), (radius, 2 * radius, width - radius)):
        for top, bottom, y in ((0, radius, 0), (radius, 2 * radius, height - radius)):
            mask.paste(disc.crop((left, top, right, bottom)), (x, y))
    return mask


def _lay(card: Image.Image, picture: Image.Image, centre: tuple[float, float]) -> None:
    """Lays an RGBA print on the card, centred, over a near sharp shadow and a far soft one."""
    left, top = round(centre[0] - picture.width / 2), round(centre[1] - picture.height / 2)
    shadow = Image.new("L", card.size)
    for drop, blur, strength in ((4, 4, 0.16), (16, 22, 0.26)):
        cast = Image.new("L", card.size)
        cast.paste(picture.getchannel("A"), (left, top + drop))
        cast = cast.filter(ImageFilter.GaussianBlur(blur)).point(lambda value, part=strength: int(value * part))
        shadow = ImageChops.lighter(shadow, cast)
    card.paste((92, 62, 40), (0, 0), shadow)
    card.paste(picture, (left, top), picture)


def _tape(colour: tuple[int, int, int]) -> Image.Image:
    """A strip of paper tape, seen through a little, RGBA."""
    tape = Image.new("RGBA", (150, 42), (*colour, 0))
    tape.paste((*colour, 205), (2, 2, 148, 40))
    return tape
