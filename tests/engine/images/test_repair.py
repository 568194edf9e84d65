"""Whole pictures are read whatever is wrong with what does not matter; half ones are refused whatever they end in."""

import io
import struct
import time
import zlib
from random import Random

import numpy as np
import pytest
from PIL import Image

from engine.errors import PhotoError, PhotoReason
from engine.images.decoding import WORKING_SIDE, decode
from engine.images.repair import breaks_off, ended_jpeg, plain_png
from tests.shared import SHARED

CASES = SHARED / "cases"
MUTATIONS = 2_000
SECONDS_EACH = 2.0


def scenery(width: int = 320, height: int = 240) -> Image.Image:
    """Something with edges and noise everywhere, so that whatever is missing is seen."""
    noise = np.random.default_rng(5).integers(0, 60, (height, width, 3))
    y, x = np.mgrid[:height, :width]
    waves = 100 + 60 * np.sin(x / 9)[..., None] + 40 * np.cos(y / 7)[..., None]
    return Image.fromarray((waves + noise).clip(0, 255).astype(np.uint8))


def saved(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    scenery().save(file, kind, **options)
    return file.getvalue()


def difference(first: Image.Image, second: Image.Image) -> float:
    return float(np.abs(np.asarray(first, float) - np.asarray(second, float)).mean())


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_without_its_end_marker_is_read(progressive: bool) -> None:
    whole = saved("JPEG", quality=85, progressive=progressive)
    for cut in (whole[:-2], whole[:-1], whole + b"appended film", whole[:-2] + b"\0" * 7):
        assert difference(decode(cut), decode(whole)) == 0


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.35, 0.6, 0.9])
@pytest.mark.parametrize("tail", [b"", b"\xff\xd9", b"\0\0\xff\xd9"])
def test_a_jpeg_that_breaks_off_is_refused_whatever_it_ends_in(progressive: bool, share: float, tail: bytes) -> None:
    whole = saved("JPEG", quality=85, progressive=progressive)
    with pytest.raises(PhotoError) as refused:
        decode(whole[: int(len(whole) * share)] + tail)
    assert refused.value.reason is PhotoReason.UNREADABLE


def test_a_jpeg_with_another_in_it_ends_where_itself_ends() -> None:
    thumbnail = saved("JPEG", quality=20)
    exif = Image.Exif()
    exif[0x010E] = "described"
    whole = saved("JPEG", quality=85, exif=exif.tobytes())
    inside = b"\xff\xe2" + struct.pack(">H", len(thumbnail) + 2) + thumbnail  # a thumbnail in an application segment
    nested = whole[:2] + inside + whole[2:]
    assert ended_jpeg(nested + b"tail") == nested
    assert not breaks_off(ended_jpeg(nested[:-2]))


def chunk(kind: bytes, body: bytes, checksum: int | None = None) -> bytes:
    sum_ = zlib.crc32(kind + body) if checksum is None else checksum
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", sum_)


@pytest.mark.parametrize(
    "needless",
    [
        chunk(b"zTXt", b"comment\0\0" + zlib.compress(b"a" * 3_000_000)),
        chunk(b"tEXt", b"comment\0" + b"a" * 1_500_000),
        chunk(b"iCCP", b"profile\0\0" + zlib.compress(b"a" * 3_000_000)),
        chunk(b"tEXt", b"comment\0wrong", checksum=7),
        chunk(b"tIME", b"\0", checksum=7),
    ],
)
def test_a_png_with_something_needless_in_it_is_read(needless: bytes) -> None:
    whole = saved("PNG")
    header_end = whole.index(b"IDAT") - 4
    odd = whole[:header_end] + needless + whole[header_end:]
    assert difference(decode(odd), decode(whole)) == 0
    assert difference(decode(whole[:-12]), decode(whole)) == 0  # its end marker is missing


def test_a_png_keeps_what_changes_its_looks() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = saved("PNG", exif=exif.tobytes())
    assert decode(turned).size == (240, 320)
    assert plain_png(turned) == turned
    with pytest.raises(PhotoError):
        decode(turned[: len(turned) // 2])


def test_orientation_from_xmp_is_known() -> None:
    packet = b'<x:xmpmeta><rdf:RDF><rdf:Description tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    whole = saved("JPEG", xmp=packet)
    assert decode(whole).size == (240, 320)


def test_of_a_raw_photo_the_largest_preview_is_taken() -> None:
    small, large = io.BytesIO(), io.BytesIO()
    scenery(64, 48).save(small, "TIFF", tiffinfo={254: 1})
    scenery(640, 480).save(large, "JPEG", quality=90)
    photo = decode(small.getvalue() + large.getvalue())
    assert photo.size == (640, 480)
    assert difference(photo, scenery(640, 480)) < 12


@pytest.mark.skipif(not CASES.exists(), reason="needs the shared cases")
def test_the_shared_cases_come_out_right() -> None:
    for file in ("no_end_marker.jpg", "png_text_2mb.png"):
        assert min(decode((CASES / file).read_bytes()).size) > 64
    with pytest.raises(PhotoError):
        decode((CASES / "half_with_end_marker.jpg").read_bytes())


def mutated(data: bytes, random: Random) -> bytes:
    """A file with flipped bits, a part cut out, doubled or moved."""
    changed = bytearray(data)
    kind = random.randrange(4)
    at, length = random.randrange(len(data)), random.randrange(1, 400)
    if kind == 0:
        for _ in range(random.randrange(1, 12)):
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    elif kind == 1:
        del changed[at : at + length]
    elif kind == 2:
        changed[at:at] = changed[at : at + length]
    else:
        part = changed[at : at + length]
        del changed[at : at + length]
        to = random.randrange(len(changed) + 1)
        changed[to:to] = part
    return bytes(changed)


def test_mutated_files_are_read_or_refused_in_words_and_quickly() -> None:
    random = Random(11)
    kinds = [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("GIF", {}),
        ("WEBP", {}),
        ("TIFF", {}),
        ("BMP", {}),
    ]
    files = [saved(kind, **options) for kind, options in kinds] + [saved("HEIF"), saved("AVIF")]
    for number in range(MUTATIONS):
        begun = time.monotonic()
        try:
            image = decode(mutated(files[number % len(files)], random))
            assert max(image.size) <= WORKING_SIDE
            assert image.mode == "RGB"
        except PhotoError as refused:
            assert refused.reason in PhotoReason
        assert time.monotonic() - begun < SECONDS_EACH
