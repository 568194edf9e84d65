"""Draw the strip: a pet at five ages side by side, to be printed at 10 x 15 cm and hung on the fridge."""

from collections.abc import Mapping

from PIL import Image, ImageDraw

from engine.images.jpeg import encode_jpeg
from engine.messages import ExportText, NamedAge
from engine.rendering.lettering import fitted
from engine.rendering.paper import INK, SOFT_INK, TAPES, Paws, lay_taped, paper, photo_print

WIDTH, HEIGHT = 1772, 1181  # px, 15 x 10 cm at DPI
DPI = 300
PHOTO = 328  # px, the side of each picture
_SPACING = 321  # px from one print to the next
_MIDDLE = 676  # px, where the prints' middles are, up and down
_STAGGER = 52  # px, by which they are higher and lower by turns
_TILTS = (-2.4, 1.6, -1.1, 2.0, -1.8)  # degrees
_LETTERING = 1.4  # of the labels against those of a card: they are read from farther away
_MARGIN = 120  # px at the sides without words; photo printers cut a little off
_PAWS: Paws = ((96, 1064, -28), (190, 1108, 12), (1578, 104, 24), (1682, 66, 60))


def strip(pictures: Mapping[NamedAge, Image.Image], text: ExportText) -> bytes:
    """The strip as a JPEG that knows its size on paper: the pictures by age, youngest left, with the words of `text`.

    The pictures are cut to squares. Below each stand what the age is called and, where it is known, the date.
    """
    sheet = paper(WIDTH, HEIGHT, _PAWS).copy()
    draw = ImageDraw.Draw(sheet)
    title = fitted(text.title, 116, 56, WIDTH - 2 * _MARGIN - 260)
    title.draw(draw, WIDTH / 2, 190 if text.subtitle else 216, INK)
    fitted(text.subtitle, 48, 30, WIDTH - 2 * _MARGIN - 260).draw(draw, WIDTH / 2, 270, SOFT_INK)
    dated = any(text.dates.values())
    for index, age in enumerate(age for age in NamedAge if age in pictures):
        note = text.dates.get(age, "") or (" " if dated else "")
        picture = photo_print(pictures[age], PHOTO, text.ages.get(age, ""), note, _LETTERING)
        across = WIDTH / 2 + (index - (len(pictures) - 1) / 2) * _SPACING
        middle = _MIDDLE + _STAGGER * (1 if index % 2 else -1)
        tilt, colour = _TILTS[index % len(_TILTS)], TAPES[index % len(TAPES)]
        lay_taped(sheet, picture, (across, middle), tilt, colour, PHOTO / 600, tape_scale=0.62)
    fitted(text.footer, 38, 26, WIDTH - 2 * _MARGIN - 300).draw(draw, WIDTH / 2, HEIGHT - 74, SOFT_INK)
    return encode_jpeg(sheet, dpi=DPI)
