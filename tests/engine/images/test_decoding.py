"""Photos as people send them: turned, transparent, in odd modes, huge, broken, or no photos at all."""

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from engine.errors import PhotoError, PhotoReason
from engine.images.decoding import BACKDROP, MAX_BYTES, WORKING_SIDE, decode
from engine.images.formats import sniff
from engine.images.jpeg import MAX_JPEG_BYTES, encode_jpeg
from tests.shared import SHARED, needs_shared

AWKWARD = SHARED / "photos" / "awkward"


def corners(width: int = 160, height: int = 96) -> Image.Image:
    """Red and green above, blue and white below, so that every turn and mirror image can be told."""
    image = Image.new("RGB", (width, height), "white")
    image.paste((220, 30, 30), (0, 0, width // 2, height // 2))
    image.paste((30, 200, 30), (width // 2, 0, width, height // 2))
    image.paste((30, 30, 220), (0, height // 2, width // 2, height))
    return image


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8))


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def png_header(width: int, height: int, depth: int = 1, colour: int = 0) -> bytes:
    """A PNG that says it is this large and hardly contains anything."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def assert_shows_corners(image: Image.Image, tolerance: int = 40) -> None:
    assert image.mode == "RGB"
    assert image.width > image.height
    near, far = image.width // 4, image.width * 3 // 4
    top, bottom = image.height // 4, image.height * 3 // 4
    for align_to, colour in {
        (near, top): (220, 30, 30),
        (far, top): (30, 200, 30),
        (near, bottom): (30, 30, 220),
        (far, bottom): (255, 255, 255),
    }.items():
        seen = image.getpixel(align_to)
        assert isinstance(seen, tuple)
        assert max(abs(a - b) for a, b in zip(seen, colour, strict=True)) < tolerance, (align_to, seen)


def reason_of(data: bytes) -> PhotoReason:
    with pytest.raises(PhotoError) as caught:
        decode(data, "baby_photo")
    assert caught.value.which == "baby_photo"
    return caught.value.reason


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIF", "TIFF", "BMP"])
def test_every_format_is_told_by_its_bytes_and_read(kind: str) -> None:
    data = saved(corners(), kind)
    assert sniff(data) == kind
    assert_shows_corners(decode(data))


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "CMYK", "I;16"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    deep = Image.fromarray(np.asarray(corners().convert("L")).astype(np.uint16) * 257)
    image = deep if mode == "I;16" else corners().quantize(8) if mode == "P" else corners().convert(mode)
    decoded = decode(saved(image, "TIFF" if mode == "CMYK" else "PNG"))
    assert decoded.mode == "RGB"
    expected = corners() if mode in ("P", "RGBA", "CMYK") else corners().convert("1" if mode == "1" else "L")
    difference = np.asarray(decoded, np.int32) - np.asarray(expected.convert("RGB"), np.int32)
    assert np.abs(difference).max() <= 3


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stand_upright(kind: str, orientation: int) -> None:
    undo = [None, None, 0, 3, 1, 5, 2, 6, 4][orientation]  # the transposition the camera made
    stored = corners() if undo is None else corners().transpose(Image.Transpose(undo))
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert_shows_corners(decode(saved(stored, kind, exif=exif)))


def test_a_turned_heic_stands_upright() -> None:
    heif = pillow_heif.from_pillow(corners().transpose(Image.Transpose.ROTATE_90))
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    heif.save(out, exif=exif.tobytes(), quality=90)
    assert_shows_corners(decode(out.getvalue()))


def test_broken_metadata_does_not_matter() -> None:
    assert_shows_corners(decode(saved(corners(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")))
    assert_shows_corners(decode(saved(corners(), "JPEG", icc_profile=b"not a profile" * 20)))


def test_an_embedded_profile_is_honoured() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert_shows_corners(decode(saved(corners(), "PNG", icc_profile=srgb)), tolerance=4)


def test_transparency_shows_the_backdrop() -> None:
    cutout = corners().convert("RGBA")
    cutout.putalpha(Image.new("L", cutout.size, 0))
    assert decode(saved(cutout, "PNG")).getpixel((5, 5)) == BACKDROP
    palette = corners().convert("P")
    index = palette.getpixel((5, 5))
    assert decode(saved(palette, "PNG", transparency=index)).getpixel((5, 5)) == BACKDROP


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_animations_the_first_frame_is_taken(kind: str) -> None:
    others = [Image.new("RGB", corners().size, shade) for shade in ("black", "grey")]
    assert_shows_corners(decode(saved(corners(), kind, save_all=True, append_images=others)))


def test_large_pictures_come_back_at_working_size() -> None:
    decoded = decode(saved(corners(6000, 3000), "JPEG"))
    assert decoded.size == (WORKING_SIDE, WORKING_SIDE // 2)
    assert_shows_corners(decoded)


def test_what_is_no_picture_is_told_from_a_broken_one() -> None:
    assert reason_of(b"<!DOCTYPE html><html>") is PhotoReason.NOT_AN_IMAGE
    assert reason_of(b"") is PhotoReason.NOT_AN_IMAGE
    assert reason_of(b"\0\0\0\x18ftypisom\0\0\0\0isommp42") is PhotoReason.NOT_AN_IMAGE
    assert reason_of(b"\xff\xd8\xff\xe0 and nothing more") is PhotoReason.UNREADABLE
    assert reason_of(b"RIFF\0\0\0\0WEBP") is PhotoReason.UNREADABLE


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF", "BMP"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.8])
def test_a_picture_cut_off_is_unreadable(kind: str, share: float) -> None:
    data = saved(noise(400, 300), kind)
    assert reason_of(data[: int(len(data) * share)]) is PhotoReason.UNREADABLE


def test_a_png_damaged_inside_is_unreadable() -> None:
    data = bytearray(saved(noise(200, 200), "PNG"))
    data[len(data) // 2 : len(data) // 2 + 400] = bytes(400)
    assert reason_of(bytes(data)) is PhotoReason.UNREADABLE


def test_small_and_thin_pictures_are_too_small() -> None:
    assert reason_of(saved(noise(24, 36), "PNG")) is PhotoReason.TOO_SMALL
    assert reason_of(saved(Image.new("L", (1, 1)), "PNG")) is PhotoReason.TOO_SMALL
    assert reason_of(saved(noise(2000, 80), "PNG")) is PhotoReason.TOO_SMALL


def webp_header(width: int, height: int) -> bytes:
    body = b"\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + body


BOMBS: dict[str, Callable[[], bytes]] = {
    "1-bit PNG": lambda: png_header(40_000, 40_000),
    "PNG below Pillow's own limit": lambda: png_header(12_000, 12_000, depth=8, colour=2),
    "GIF": lambda: b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0) + b",\0\0\0\0\xff\xff\xff\xff\0\2\0;",
    "WebP": lambda: webp_header(16_383, 16_383),
    "bytes": lambda: b"\xff\xd8\xff" + bytes(MAX_BYTES),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_are_refused_from_their_header(bomb: str) -> None:
    assert reason_of(BOMBS[bomb]()) is PhotoReason.TOO_LARGE


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    plain = saved(Image.new("L", (2000, 2000), 128), "JPEG", progressive=True)
    last = plain.rindex(b"\xff\xda")
    assert decode(plain).size == (2000, 2000)
    assert reason_of(plain[:last] + plain[last:-2] * 1000 + plain[-2:]) is PhotoReason.TOO_LARGE


WEIGH = """
import resource, sys
from engine.images.decoding import decode
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
size = decode(sys.stdin.buffer.read()).size
print(size[0], (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) // 1024)
"""


@pytest.mark.parametrize(
    ("kind", "size", "most_mb"), [("PNG", (7000, 7000), 450), ("JPEG", (12_000, 9000), 120), ("GIF", (7000, 7000), 450)]
)
def test_the_largest_pictures_take_bounded_memory(kind: str, size: tuple[int, int], most_mb: int) -> None:
    image = Image.new("RGBA" if kind == "PNG" else "L", size, 128)
    done = subprocess.run(
        [sys.executable, "-c", WEIGH], input=saved(image, kind, compress_level=1), capture_output=True, check=True
    )
    width, grown_mb = map(int, done.stdout.split())
    assert width == WORKING_SIDE
    assert grown_mb < most_mb


def test_jpegs_leave_without_metadata_and_fit_telegram() -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    decoded = decode(saved(corners(), "JPEG", exif=exif, comment=b"from home"))
    again = Image.open(io.BytesIO(encode_jpeg(decoded)))
    assert again.format == "JPEG"
    assert not again.getexif()
    assert not {"exif", "comment", "icc_profile"} & set(again.info)
    assert_shows_corners(again)
    assert len(encode_jpeg(noise(WORKING_SIDE, WORKING_SIDE), quality=100)) <= MAX_JPEG_BYTES


REFUSED = {
    "bomb_pillow.gif": PhotoReason.TOO_LARGE,
    "bomb_pillow.ico": PhotoReason.NOT_AN_IMAGE,
    "corrupt_broken.png": PhotoReason.UNREADABLE,
    "corrupt_broken_data_stream.png": PhotoReason.UNREADABLE,
    "corrupt_html_named.jpg": PhotoReason.NOT_AN_IMAGE,
    "derived_bomb_1bit_40000.png": PhotoReason.TOO_LARGE,
    "derived_tiny_24.jpg": PhotoReason.TOO_SMALL,
    "derived_truncated_50pct.jpg": PhotoReason.UNREADABLE,
    "derived_truncated_header.jpg": PhotoReason.UNREADABLE,
    "heic_corrupted.heic": PhotoReason.UNREADABLE,
    "heic_truncated.heic": PhotoReason.TOO_SMALL,  # it decodes, to 16 px
    "tiny_1x1.png": PhotoReason.TOO_SMALL,
}


@needs_shared
def test_every_awkward_file_is_read_or_refused_for_the_right_reason() -> None:
    seen = {}
    for path in sorted(AWKWARD.iterdir()):
        try:
            decoded = decode(path.read_bytes())
        except PhotoError as error:
            seen[path.name] = error.reason
        else:
            assert decoded.mode == "RGB"
            assert max(decoded.size) <= WORKING_SIDE
    assert seen == REFUSED
