"""Draws rows of labelled pictures, all of one size."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

LABEL_HEIGHT = 40  # px
GAP = 10  # px between pictures

_FONT_SIZE = 26  # px


def draw_grid(pictures: Sequence[tuple[str, Image.Image]], side: int, columns: int) -> Image.Image:
    """A white sheet of pictures with a label above each, every one drawn anew at `side` × `side` px."""
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * (side + GAP) - GAP, rows * (side + LABEL_HEIGHT + GAP) - GAP), (255, 255, 255))
    drawing, font = ImageDraw.Draw(sheet), ImageFont.load_default(_FONT_SIZE)
    for place, (label, picture) in enumerate(pictures):
        x, y = place % columns * (side + GAP), place // columns * (side + LABEL_HEIGHT + GAP)
        drawing.text((x + 8, y + 4), label, fill="black", font=font)
        shown = picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
        sheet.paste(shown, (x, y + LABEL_HEIGHT))
    return sheet
