"""Brings files into a form that decoders read, where only what does not matter is wrong with them.

A JPEG file without its end marker, a PNG file with an oversized comment or a wrong checksum in one show their whole
picture elsewhere, so they are to show it here. A file whose picture breaks off is told from them.
"""

import io
import zlib
from contextlib import suppress

from PIL import Image, ImageChops

_END = b"\xff\xd9"  # of a JPEG file
_STARTS_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_IN_SCANS = (0x00, *range(0xD0, 0xD8))  # what may follow 0xFF in coded data: a byte that is no marker, restarts
_ALONE = (0x01, *range(0xD0, 0xD9))  # markers without a length
_PROBE = bytes(range(1, 255)) * 24  # coded data that says something else than silence
_PROBE_SIDE = 256  # px, at least, at which two decodings are compared

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_PNG_PICTURE = (b"IHDR", b"PLTE", b"IDAT")  # wrong ones are wrong pictures
_PNG_LOOKS = (b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"eXIf", b"iTXt")  # colours, and how it is turned (XMP)
_MOST_OF_A_CHUNK = 1 << 20  # bytes of those, unpacked: beyond it they are no profile, but a bomb or a mistake


def ended_jpeg(data: bytes) -> bytes:
    """A JPEG file up to and with its end marker, which is added where it is missing. What follows it is left out."""
    return data[: _jpeg_end(data)] + _END


def breaks_off(jpeg: bytes) -> bool:
    """Whether the picture of a JPEG file, as `ended_jpeg` gives it, ends before its last pixel.

    Decoders fill what is missing with grey and say nothing. But while a pixel is missing, they read on: other bytes
    before the end marker make another picture. After the last pixel they make none.
    """
    plain, probed = _small(jpeg), _small(jpeg.removesuffix(_END) + _PROBE + _END)
    return ImageChops.difference(plain, probed).getbbox() is not None


def _small(jpeg: bytes) -> Image.Image:
    with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
        image.draft(None, (_PROBE_SIDE, _PROBE_SIDE))
        return image.convert("RGB")


def _jpeg_end(data: bytes) -> int:
    """Where the end marker is, or would have to be: after the last byte."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:  # not where a marker should be: decoders look for the next one
            at = _next_marker(data, at)
            continue
        marker = data[at + 1]
        if marker == _END_OF_IMAGE:
            return at
        if marker in _ALONE or marker == 0xFF:
            at += 1 if marker == 0xFF else 2
            continue
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _STARTS_OF_SCAN:
            at = _next_marker(data, at)
    return len(data) - 2 if data.endswith(_END) else len(data)


def _next_marker(data: bytes, at: int) -> int:
    """The first marker at or after `at` that is not part of coded data; the file's end without one."""
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        if data[at + 1] not in (*_IN_SCANS, 0xFF):
            return at
        at += 1
    return len(data)


def plain_png(data: bytes) -> bytes:
    """A PNG file with nothing in it but its picture and what changes its looks.

    Comments go, and so do profiles and such whose checksum is wrong or which unpack to more than a megabyte.
    """
    parts, at = [_PNG], len(_PNG)
    while at + 8 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        chunk = data[at : at + 12 + length]
        if kind == b"IEND":
            break
        if kind in _PNG_PICTURE or (kind in _PNG_LOOKS and _is_sound(kind, chunk)):
            parts.append(chunk)
        at += len(chunk)
    return b"".join([*parts, _PNG_END])


def _is_sound(kind: bytes, chunk: bytes) -> bool:
    body, checksum = chunk[8:-4], chunk[-4:]
    if zlib.crc32(kind + body) != int.from_bytes(checksum, "big") or len(body) > _MOST_OF_A_CHUNK:
        return False
    if kind not in (b"iCCP", b"iTXt"):
        return True
    unpacker = zlib.decompressobj()
    with suppress(zlib.error):  # what is not packed is no bomb
        packed = body[body.index(b"\0") + 2 :] if kind == b"iCCP" else body.partition(b"\0")[2][4:]
        unpacker.decompress(packed, _MOST_OF_A_CHUNK)
    return not unpacker.unconsumed_tail


def largest_preview(raw: bytes) -> bytes | None:
    """The largest JPEG picture inside a raw photo (DNG and others built like TIFF); None without one."""
    best, most = None, 0
    at = raw.find(b"\xff\xd8\xff")
    while at >= 0:
        with suppress(Exception), Image.open(io.BytesIO(raw[at:]), formats=["JPEG"]) as image:
            if image.width * image.height > most:
                best, most = at, image.width * image.height
        at = raw.find(b"\xff\xd8\xff", at + 3)
    return None if best is None else raw[best:]
