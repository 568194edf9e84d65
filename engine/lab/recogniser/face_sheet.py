"""Draws a sheet of faces, found and aligned as the storybook network expects them."""

from collections.abc import Sequence

from PIL import Image, ImageDraw

from engine.lab.annotations import AnnotatedPhoto, read_rgb
from engine.vision.alignment import FaceTemplate, align
from engine.vision.face_detection import find_heads

COLUMNS, ROWS = 6, 4
SIDE = 160  # px of a face


def choose_photos(photos: Sequence[AnnotatedPhoto], may_be_shown: bool) -> list[AnnotatedPhoto]:
    """The photos for a sheet, those never trained on first; `may_be_shown` takes only what may be shown anywhere.

    Without it, photos that were trained on are left out. A sheet that may be shown has to take some of them.
    """
    held_out = [photo for photo in photos if photo.held_out and (photo.may_be_shown or not may_be_shown)]
    trained_on = [photo for photo in photos if may_be_shown and not photo.held_out and photo.may_be_shown]
    return (held_out + trained_on)[: COLUMNS * ROWS]


def draw_sheet(photos: Sequence[AnnotatedPhoto]) -> Image.Image:
    """Find, align and crop the most prominent face of each photo; COLUMNS × ROWS photos at most."""
    sheet = Image.new("RGB", (COLUMNS * SIDE, ROWS * SIDE), "white")
    for place, annotated in enumerate(photos[: COLUMNS * ROWS]):
        photo = read_rgb(annotated.path)
        heads = find_heads(photo)
        crop, alignment = align(photo, heads[0] if heads else None, FaceTemplate.STORYBOOK, SIDE)
        picture = Image.fromarray(crop)
        drawing = ImageDraw.Draw(picture)
        for point in (heads[0].left_eye, heads[0].right_eye, heads[0].nose) if heads else ():
            if point is not None:
                x, y = alignment.to_crop(point)
                drawing.ellipse((x - 2, y - 2, x + 2, y + 2), outline="lime")
        sheet.paste(picture, (place % COLUMNS * SIDE, place // COLUMNS * SIDE))
    return sheet
