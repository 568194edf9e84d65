"""Reads sticker files as Telegram takes them: static pictures, WEBP or PNG, 512 pixels on the longer side."""

import io

from PIL import Image

from bot.playground.errors import bad_request
from bot.playground.photo_sizes import UNDECODABLE

STICKER_SIDE = 512  # pixels; Telegram's only length of a sticker's longer side
STICKER_MAX_BYTES = 512 * 1024  # bytes of a static sticker; Telegram's limit


def sticker_sides(body: bytes) -> tuple[int, int]:
    """Return width and height of a sticker in pixels; raises 400 for a file that phones would not show as one.

    The real service takes other files too, but shows them as documents.
    """
    if len(body) > STICKER_MAX_BYTES:
        raise bad_request("STICKER_FILE_TOO_BIG")
    try:
        with Image.open(io.BytesIO(body)) as picture:
            if picture.format != "WEBP" or getattr(picture, "is_animated", False):
                raise bad_request("not a static WEBP; phones would show it as a file")
            picture.load()
            sides = picture.size
    except UNDECODABLE:
        raise bad_request("STICKER_FILE_INVALID") from None
    if max(sides) != STICKER_SIDE:
        raise bad_request("STICKER_PNG_DIMENSIONS")
    return sides


def png_as_webp(body: bytes) -> bytes:
    """Return a PNG as the WEBP that Telegram makes of it for a set, and anything else as it is."""
    if not body.startswith(b"\x89PNG"):
        return body
    if len(body) > STICKER_MAX_BYTES:
        raise bad_request("STICKER_FILE_TOO_BIG")
    out = io.BytesIO()
    try:
        with Image.open(io.BytesIO(body)) as picture:
            if max(picture.size) != STICKER_SIDE:
                raise bad_request("STICKER_PNG_DIMENSIONS")
            picture.convert("RGBA").save(out, "WEBP", lossless=True)
    except UNDECODABLE:
        raise bad_request("STICKER_PNG_NOPNG") from None
    return out.getvalue()
