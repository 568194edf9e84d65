"""Draw a sheet of faces, found and aligned as the storybook network expects them.

    python -m engine.lab.recogniser.face_sheet --photos PHOTOS HEADS --out FILE [--free]

With --free, only photos that may be shown anywhere (Unsplash, CC0, public domain, CC BY); their credits are printed.
"""

import argparse
import sys
from pathlib import Path

from PIL import Image, ImageDraw

from engine.lab.recogniser.annotations import Marked, read_marks
from engine.vision.alignment import FaceTemplate, align
from engine.vision.face_detection import find_heads

COLUMNS, ROWS, SIDE = 6, 4, 160

_FREE = ("Unsplash", "CC0", "Public Domain", "CC BY 4.0", "CC BY 2.0", "MIT-CMU")


def free(marked: Marked) -> bool:
    """Whether the photo's licence lets us show it anywhere, with credit."""
    return any(name in marked.licence for name in _FREE) and "BY-SA" not in marked.licence


def draw_sheet(photos: list[Marked]) -> Image.Image:
    """The first COLUMNS × ROWS photos, each found, marked and cut out by ourselves."""
    sheet = Image.new("RGB", (COLUMNS * SIDE, ROWS * SIDE), "white")
    for align_to, marked in enumerate(photos[: COLUMNS * ROWS]):
        with Image.open(marked.path) as opened:
            photo = opened.convert("RGB")
        heads = find_heads(photo)
        crop, alignment = align(photo, heads[0] if heads else None, FaceTemplate.STORYBOOK, SIDE)
        picture = Image.fromarray(crop)
        drawing = ImageDraw.Draw(picture)
        for point in (heads[0].left_eye, heads[0].right_eye, heads[0].nose) if heads else ():
            if point is not None:
                x, y = alignment.to_crop(point)
                drawing.ellipse((x - 2, y - 2, x + 2, y + 2), outline="lime")
        sheet.paste(picture, (align_to % COLUMNS * SIDE, align_to // COLUMNS * SIDE))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw a sheet of faces found and aligned.")
    parser.add_argument("--photos", type=Path, nargs="+", required=True, help="folders with faces.tsv and SOURCES.tsv")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--free", action="store_true", help="only photos that may be shown anywhere")
    asked = parser.parse_args()
    marks = [marked for folder in asked.photos for marked in read_marks(folder)]
    # Those never trained on first; a free sheet may have to take others after them.
    chosen = [m for m in marks if m.held_out and (free(m) or not asked.free)]
    if asked.free:
        chosen += [m for m in marks if not m.held_out and free(m)]
    draw_sheet(chosen).save(asked.out, quality=88)
    for marked in chosen[: COLUMNS * ROWS]:
        kept = "kept" if marked.held_out else "trained on"
        sys.stdout.write(f"{marked.path.name}\t{marked.licence}\t{kept}\n")


if __name__ == "__main__":
    main()
