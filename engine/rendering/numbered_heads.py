"""Show which head of a photo is number 1, 2, …: each in a box with its number."""

from collections.abc import Sequence

from PIL import Image, ImageDraw

from engine.images.jpeg import encode_jpeg
from engine.messages import Head
from engine.rendering.lettering import fitted
from engine.rendering.paper import INK, PRINT, TAPES

SIDE = 1280  # px, of the longer side at most: what Telegram shows
_LINE = 0.006  # of the longer side, the width of a box's line
_DISC = 0.075  # of it, the largest disc of a number
_DISC_OF_HEAD = 0.5  # of a head's width, the largest disc too
_TIMES = 2  # by which boxes are drawn larger, so that they are smooth


def numbered_heads(photo: Image.Image, heads: Sequence[Head]) -> bytes:
    """The photo, small enough to be sent, with a numbered box around each of the `heads`, as a JPEG."""
    scale = min(1.0, SIDE / max(photo.size))
    shown = photo.convert("RGB").resize([max(1, round(side * scale)) for side in photo.size], Image.Resampling.LANCZOS)
    large = max(shown.size)
    for number, head in reversed(list(enumerate(heads, 1))):  # the foremost lies above
        box = tuple(side * scale for side in head.box)
        _frame(shown, box, max(3, round(_LINE * large)), TAPES[(number - 1) % len(TAPES)])
        _number(shown, box, number, max(24, min(_DISC * large, _DISC_OF_HEAD * (box[2] - box[0]))))
    return encode_jpeg(shown, quality=88)


def _frame(shown: Image.Image, box: tuple[float, ...], line: int, colour: tuple[int, int, int]) -> None:
    """A rounded frame of `colour`, with a thin white edge that shows on every ground."""
    mask = Image.new("L", [side * _TIMES for side in shown.size])
    large = [side * _TIMES for side in box]
    radius = 0.12 * min(large[2] - large[0], large[3] - large[1])
    for width, fill in ((line + 4, PRINT), (line, colour)):
        ImageDraw.Draw(mask).rectangle((0, 0, *mask.size), fill=0)
        ImageDraw.Draw(mask).rounded_rectangle(large, radius, outline=255, width=width * _TIMES)
        shown.paste(fill, (0, 0), mask.resize(shown.size, Image.Resampling.LANCZOS))


def _number(shown: Image.Image, box: tuple[float, ...], number: int, size: float) -> None:
    """A disc with the number on the box's upper left corner, within the photo."""
    disc = Image.new("L", (round(size) * 4,) * 2)
    ImageDraw.Draw(disc).ellipse((0, 0, disc.width - 1, disc.height - 1), fill=255)
    disc = disc.resize((round(size),) * 2, Image.Resampling.LANCZOS)
    left, top = (
        round(min(max(at - size / 3, 2), max(2, limit - size - 2)))
        for at, limit in zip(box[:2], shown.size, strict=True)
    )
    shown.paste(PRINT, (left, top), disc)
    line = fitted(str(number), round(size * 0.66), 12, size)
    line.draw(ImageDraw.Draw(shown), left + size / 2, top + size * 0.73, INK)
