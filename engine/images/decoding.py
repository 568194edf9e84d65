"""Decodes a file's bytes, whoever sent them, into an upright sRGB picture.

Names and declared types are never trusted: the first bytes decide. A file is refused by its header when the decoded
picture would be too large, so that no small file takes much memory.
"""

import io
import struct
import threading
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from pillow_heif import register_heif_opener

from engine.errors import PhotoError, PhotoReason
from engine.images.formats import sniff
from engine.images.repair import breaks_off, ended_jpeg, largest_preview, plain_png

MAX_BYTES = 20 * 1024 * 1024  # what Telegram lets a bot download
MAX_PIXELS = 50_000_000  # a 48-megapixel phone photo passes; decoded it is 150 to 200 MB
MAX_JPEG_PIXELS = 125_000_000  # JPEG alone can be decoded at a fraction of its size, so 108 megapixels pass
# Pixels times scans of a JPEG: a dozen scans of the largest, more than cameras and sites write.
MAX_SCANNED = 1_500_000_000
MAX_RATIO = 20  # long side over short side; such a photo shows no face, and Telegram refuses it
MIN_SIDE = 64  # px
WORKING_SIDE = 2048  # px; larger finds heads farther back in a group photo, and is slower to paste back

BACKDROP = (233, 230, 225)  # behind transparent pictures: a soft warm grey, like a photographer's paper

# TIFF tags: 50706 (DNG), 254 of TIFF 6.0, whose first bit says that a picture is a smaller copy of another.
_DNG_VERSION, _SUBFILE_TYPE, _REDUCED = 50706, 254, 1

register_heif_opener(thumbnails=False)

# Pillow's warnings about odd files are silenced while decoding, and the list of warning filters belongs to the whole
# process. One photo at a time bounds the memory, too.
_one_at_a_time = threading.Lock()


def full_size(data: bytes, image: Image.Image) -> tuple[int, int]:
    """Width and height of the photo in `data` as people see it; `image` is what `decode` made of it, or smaller."""
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data, kind = _repaired(data, sniff(data) or "")
        with Image.open(io.BytesIO(data), formats=[kind]) as stored:
            width, height = stored.size
    return (width, height) if (width > height) == (image.width > image.height) else (height, width)


def decode(data: bytes, which: str = "photo") -> Image.Image:
    """The picture in `data` as people see it: RGB, sRGB, upright, at most `WORKING_SIDE` px on its long side.

    JPEG, PNG, GIF, WebP, HEIC, AVIF, TIFF, PSD and BMP are read, of animations the first frame. Transparent
    parts show `BACKDROP`; of raw photos the largest preview is taken. What does not matter may be wrong: an end marker
    missing, a comment too long. A picture that breaks off is refused: half a face makes a sad portrait.
    Raises `PhotoError`, which carries `which`, if the file cannot be used.
    """
    if len(data) > MAX_BYTES:
        raise PhotoError(PhotoReason.TOO_LARGE, which)
    kind = sniff(data)
    if kind is None:
        raise PhotoError(PhotoReason.NOT_AN_IMAGE, which)
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            data, kind = _repaired(data, kind)
            if kind == "WEBP":
                _check_size(_webp_size(data), MAX_PIXELS, which)  # Pillow allocates its canvas on opening
            with Image.open(io.BytesIO(data), formats=[kind]) as image:
                _check_size(image.size, MAX_JPEG_PIXELS if kind == "JPEG" else MAX_PIXELS, which)
                if kind == "JPEG":
                    _check_scans(data, image.size, which)
                    if breaks_off(data):
                        raise PhotoError(PhotoReason.UNREADABLE, which)
                return _developed(image)
        except PhotoError:
            raise
        except (Image.DecompressionBombError, MemoryError):
            raise PhotoError(PhotoReason.TOO_LARGE, which) from None
        except Exception:  # Pillow's parsers raise nearly every type of exception on broken bytes
            raise PhotoError(PhotoReason.UNREADABLE, which) from None


def _repaired(data: bytes, kind: str) -> tuple[bytes, str]:
    """The file as decoders read it, and its kind; a raw photo becomes its largest preview."""
    if kind == "TIFF" and _is_raw(data) and (preview := largest_preview(data)) is not None:
        data, kind = preview, "JPEG"
    if kind == "JPEG":
        return ended_jpeg(data), kind
    return (plain_png(data) if kind == "PNG" else data), kind


def _is_raw(data: bytes) -> bool:
    """Whether a TIFF file is a raw photo: a DNG, or one whose first picture is marked as a thumbnail."""
    with Image.open(io.BytesIO(data), formats=["TIFF"]) as image:
        tags = image.getexif()  # of TIFF files, all tags of the first picture
        return _DNG_VERSION in tags or bool(tags.get(_SUBFILE_TYPE, 0) & _REDUCED)


def _check_size(size: tuple[int, int], most_pixels: int, which: str) -> None:
    short, long = sorted(size)
    if short * long > most_pixels:
        raise PhotoError(PhotoReason.TOO_LARGE, which)
    if short < MIN_SIDE or long > short * MAX_RATIO:
        raise PhotoError(PhotoReason.TOO_SMALL, which)


def _check_scans(data: bytes, size: tuple[int, int], which: str) -> None:
    """A progressive JPEG goes over all its pixels with each scan, and a scan may have hardly any bytes."""
    # In coded data 0xFF is followed by other bytes only; in metadata a few may look like it, which does not matter.
    scans = data.count(b"\xff\xda")
    if scans * size[0] * size[1] > MAX_SCANNED:
        raise PhotoError(PhotoReason.TOO_LARGE, which)


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height from a WebP file's first chunk (RFC 9649)."""
    chunk, body = data[12:16], data[20:30]
    if chunk == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack("<HH", body[6:10])
    return width & 0x3FFF, height & 0x3FFF


def _developed(image: Image.Image) -> Image.Image:
    """`image`, opened but not yet decoded, as `decode` promises it. The order keeps the large copies few."""
    profile = image.info.get("icc_profile")
    scale = min(1.0, WORKING_SIDE / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    image.draft(None, size)  # JPEG decodes at 1/2, 1/4 or 1/8, never below `size`; other formats ignore it
    plain = _eight_bit(image)
    orientation = _orientation(image)  # after decoding: on PNG it would decode, and hide what goes wrong there
    if plain.size != size:
        plain = plain.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    if profile:
        plain = _srgb(plain, profile)
    if plain.mode in ("LA", "RGBA"):
        cutout = plain.convert("RGBA")
        plain = Image.new("RGB", size, BACKDROP)
        plain.paste(cutout, mask=cutout.getchannel("A"))
    plain = plain.convert("RGB")
    plain.info.clear()
    return plain if orientation is None else plain.transpose(orientation)


# EXIF 2.32, tag 0x0112: how the stored picture must be turned to stand upright.
_ORIENTATION_TAG = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _orientation(image: Image.Image) -> Image.Transpose | None:
    try:
        return _TURNS.get(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # broken metadata is no reason to refuse a good picture
        return None


def _eight_bit(image: Image.Image) -> Image.Image:
    """`image` decoded, in a mode of 8 bits a channel that can be resized: L, LA, RGB, RGBA or CMYK."""
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep_grey(np.asarray(image))
    if "transparency" in image.info or image.mode in ("PA", "La", "RGBa"):
        return image.convert("RGBA")
    if image.mode in ("L", "LA", "RGB", "RGBA", "CMYK"):
        image.load()
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _from_deep_grey(values: NDArray[Any]) -> Image.Image:
    """Grey of 16 or 32 bits, or floating point, as 8 bits.

    16 bits are taken at their full range if they use its upper half and stretched from least to most if not
    (scanners and cameras store 10 or 12 bits in 16).
    """
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 255 and values.dtype.kind != "f":
        return Image.fromarray(values.astype(np.uint8))
    if values.dtype == np.uint16 and high > 0x7FFF:
        return Image.fromarray((values >> 8).astype(np.uint8))
    stretched = (values.astype(np.float32) - low) * (255 / max(high - low, 1e-6))
    return Image.fromarray(stretched.astype(np.uint8))


def _srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """`image` taken from its embedded colour profile to sRGB; unchanged if the profile is broken or does not fit."""
    if image.mode in ("L", "LA"):  # grey profiles say little more than gamma
        return image
    colours = image.convert("RGB") if image.mode == "RGBA" else image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        turned = ImageCms.profileToProfile(colours, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return image
    if turned is None:  # only when turned in place, which it is not
        return image
    if image.mode == "RGBA":
        turned.putalpha(image.getchannel("A"))
    return turned
