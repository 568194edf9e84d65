"""Makes of a picture what Telegram makes: JPEGs in several sizes, upright, without metadata."""

import io
from dataclasses import dataclass

import pillow_heif
from PIL import Image, ImageOps, UnidentifiedImageError

from bot.playground.errors import ApiError, bad_request

PHOTO_MAX_BYTES = 10 * 1024 * 1024  # bytes a bot may upload as a photo; Telegram's limit
PHOTO_MAX_SIDES = 10_000  # pixels, width + height; Telegram's limit for bots
PHONE_MAX_SIDES = 25_000  # pixels, width + height; ours for a user's picture, which larger would fill the memory
PHOTO_MAX_RATIO = 20  # longer side over shorter; Telegram's limit
PHOTO_SIDES = (90, 320, 800, 1280)  # pixels of the longer side; the sizes that Telegram makes
THUMBNAIL_SIDE = 320  # pixels of the longer side; Telegram's limit
THUMBNAIL_MAX_BYTES = 200 * 1024  # bytes; Telegram's limit
_JPEG_QUALITY = 87  # percent; our guess at Telegram's; larger makes larger files

# What Pillow raises for a file that it cannot decode.
UNDECODABLE = (OSError, SyntaxError, ValueError, EOFError, MemoryError, Image.DecompressionBombError, Warning)

pillow_heif.register_heif_opener()


@dataclass(frozen=True, slots=True)
class Jpeg:
    """The bytes of a JPEG and its sides in pixels."""

    body: bytes
    width: int
    height: int


def photo_sizes(data: bytes, from_phone: bool = False) -> list[Jpeg]:
    """Return the sizes of a photo, smallest first, none larger than the photo; raises Telegram's refusals.

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
    """Return a small JPEG of a picture file, or None where it cannot be decoded."""
    try:
        return _jpeg(_decode(data, PHONE_MAX_SIDES), THUMBNAIL_SIDE)
    except ApiError:
        return None


def given_thumbnail(data: bytes) -> Jpeg | None:
    """Return a bot's own thumbnail, or None where it breaks Telegram's rules: Telegram ignores such a one."""
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
                background = Image.new("RGBA", upright.size, "white")
                upright = Image.alpha_composite(background, upright)
            return upright.convert("RGB")
    except UNDECODABLE:
        raise bad_request("IMAGE_PROCESS_FAILED") from None


def _jpeg(picture: Image.Image, side: int) -> Jpeg:
    scale = side / max(picture.size)
    if scale < 1:
        picture = picture.resize(
            (max(1, round(picture.width * scale)), max(1, round(picture.height * scale))), Image.Resampling.LANCZOS
        )
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return Jpeg(out.getvalue(), picture.width, picture.height)
