"""Draw the then-and-now card: two prints on paper, to be passed round the family; of several pets, two of each."""

from collections.abc import Sequence

from PIL import Image, ImageDraw

from engine.images.jpeg import encode_jpeg
from engine.messages import CardText
from engine.rendering.lettering import drawable, fitted
from engine.rendering.paper import INK, PAPER, SOFT_INK, TAPES, Paws, lay_taped, paper, photo_print, print_height

WIDTH, HEIGHT = 1480, 1060  # px; Telegram shows photos of up to 1280 px, and more looks sharp when enlarged
PHOTO = 600  # px, the side of each picture on the card
PICTURE_GAP = 0.025  # of a picture's width, between two pictures side by side
_HEAD, _FOOT = 152, 92  # px of paper above and below the prints
_SPACING = 48  # px between two prints, at the size of a card's
_TILTS = (-2.3, 1.7, -1.4, 2.1)  # degrees


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

    Words that do not fit are set smaller and then shortened; a word that no font can draw is left out,
    and of a title of such words alone the other one stands there.
    """
    card = _sheet(HEIGHT, text)
    for picture, label, index in ((young, text.then, 0), (now, text.now, 1)):
        centre = WIDTH / 2 + (-352, 352)[index], 562.0
        _lay(card, photo_print(picture, PHOTO, label), centre, index)
    return encode_jpeg(card)


def family_card(pets: Sequence[tuple[Image.Image, Image.Image]], text: CardText) -> bytes:
    """The card of several pets as a JPEG: their young pictures in a row, today's below, with the words of `text`.

    `pets` are pairs of a young picture and one of today, each cut to a square.
    """
    side = min(PHOTO, round((WIDTH - 88) / len(pets) / (1 + (56 + _SPACING) / PHOTO)))
    scale = side / PHOTO
    row = print_height(side) + round((_SPACING + 14) * scale)
    card = _sheet(_HEAD + 2 * row + _FOOT + 10, text)
    column = side * (1 + (56 + _SPACING) / PHOTO)
    for below, label in enumerate((text.then, text.now)):
        for beside, pet in enumerate(pets):
            centre = WIDTH / 2 + (beside - (len(pets) - 1) / 2) * column, _HEAD + 8 + (below + 0.5) * row
            _lay(card, photo_print(pet[below], side, label), centre, below * len(pets) + beside, scale)
    return encode_jpeg(card)


def _sheet(height: int, text: CardText) -> Image.Image:
    """Paper with title and footer."""
    paws: Paws = ((70, height - 100, -28), (168, height - 56, 12), (1322, 92, 24), (1410, 60, 60))
    card = paper(WIDTH, height, paws).copy()
    draw = ImageDraw.Draw(card)
    title = fitted(text.title if drawable(text.title) else text.otherwise, 84, 44, WIDTH - 430)
    title.draw(draw, WIDTH / 2, 98 + title.size / 3, INK)
    fitted(text.footer, 32, 22, WIDTH - 430).draw(draw, WIDTH / 2, height - 40, SOFT_INK)
    return card


def _lay(card: Image.Image, picture: Image.Image, centre: tuple[float, float], index: int, scale: float = 1.0) -> None:
    tilt, colour = _TILTS[index % len(_TILTS)], TAPES[index % len(TAPES)]
    lay_taped(card, picture, centre, tilt, colour, scale, scale)
