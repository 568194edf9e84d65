"""Encodes pictures as JPEG."""

import io

from PIL import Image

from engine.errors import EngineFault

MAX_JPEG_BYTES = 10 * 1000 * 1000  # what Telegram takes as a photo

_FULL_COLOUR_FROM = 90  # quality from which colours have full resolution: red collars and pink noses bleed otherwise
_QUALITY_STEP = 10  # by which the quality falls until the file is small enough


def encode_jpeg(image: Image.Image, quality: int = 92, dpi: int = 0) -> bytes:
    """`image` as a JPEG of at most `MAX_JPEG_BYTES`, without any metadata (photos tell where people live).

    With `dpi`, in pixels per inch, it tells its size on paper.
    """
    plain = image.convert("RGB")
    plain.info.clear()
    while quality > 0:
        out = io.BytesIO()
        subsampling = 0 if quality >= _FULL_COLOUR_FROM else 2
        plain.save(out, "JPEG", quality=quality, subsampling=subsampling, exif=b"", dpi=(dpi, dpi))
        if out.tell() <= MAX_JPEG_BYTES:
            return out.getvalue()
        quality -= _QUALITY_STEP
    raise EngineFault("a picture too large for a JPEG of 10 MB")
