"""What Telegram makes of a picture: a JPEG in several sizes, turned upright, without its metadata."""

import io
from dataclasses import dataclass

import pillow_heif
from PIL import Image, ImageOps, UnidentifiedImageError

from bot.playground.errors import ApiError, bad_request

PHOTO_MAX_BYTES = 10 * 1024 * 1024
PHOTO_MAX_SIDES = 10_000  # width + height
PHONE_MAX_SIDES = 25_000  # what we are willing to decode for a person
PHOTO_MAX_RATIO = 20
PHOTO_SIDES = (90, 320, 800, 1280)
THUMBNAIL_SIDE = 320
THUMBNAIL_MAX_BYTES = 200 * 1024

pillow_heif.register_heif_opener()


@dataclass(frozen=True, slots=True)
class Jpeg:
    body: bytes
    width: int
    height: int


def photo_sizes(data: bytes, from_phone: bool = False) -> list[Jpeg]:
    """The sizes of a photo, smallest first, none larger than the photo; raises Telegram's refusals.

    A phone makes its photo small before it sends it, so the limits on what a bot uploads do not hold there.
    """
    if len(data) > PHOTO_MAX_BYTES and not from_phone:
        raise bad_request(
            f"file of size {len(data)} bytes is too big for a photo; the maximum size is {PHOTO_MAX_BYTES} bytes"
        )
    picture = _decode(data, PHONE_MAX_SIDES if from_phone else PHOTO_MAX_SIDES)
    longest = max(picture.size)
    return [_jpeg(picture, side) for side in PHOTO_SIDES if side < longest] + (
        [_jpeg(picture, longest)] if longest <= PHOTO_SIDES[-1] else []
    )


def thumbnail(data: bytes) -> Jpeg | None:
    """A small JPEG of a picture file, or None where it is not one that can be shown."""
    try:
        return _jpeg(_decode(data, PHONE_MAX_SIDES), THUMBNAIL_SIDE)
    except ApiError:
        return None


def given_thumbnail(data: bytes) -> Jpeg | None:
    """The thumbnail a bot sends along. Telegram ignores one that breaks its rules, and so it is None here."""
    if len(data) > THUMBNAIL_MAX_BYTES:
        return None
    try:
        with Image.open(io.BytesIO(data)) as picture:
            fits = picture.format == "JPEG" and max(picture.size) <= THUMBNAIL_SIDE
            return Jpeg(data, *picture.size) if fits else None
    except (UnidentifiedImageError, OSError):
        return None


def _decode(data: bytes, max_sides: int) -> Image.Image:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            width, height = picture.size
            if width + height > max_sides or max(width, height) > PHOTO_MAX_RATIO * min(width, height):
                raise bad_request("PHOTO_INVALID_DIMENSIONS")
            upright = ImageOps.exif_transpose(picture)
            if upright.mode in {"RGBA", "LA", "PA", "P"}:
                upright = upright.convert("RGBA")
                ground = Image.new("RGBA", upright.size, "white")
                upright = Image.alpha_composite(ground, upright)
            return upright.convert("RGB")
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError, Image.DecompressionBombError, Warning):
        raise bad_request("IMAGE_PROCESS_FAILED") from None


def _jpeg(picture: Image.Image, side: int) -> Jpeg:
    scale = side / max(picture.size)
    if scale < 1:
        picture = picture.resize(
            (max(1, round(picture.width * scale)), max(1, round(picture.height * scale))), Image.Resampling.LANCZOS
        )
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=87, optimize=True)
    return Jpeg(out.getvalue(), picture.width, picture.height)
