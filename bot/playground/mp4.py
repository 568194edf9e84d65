"""Reads from an MP4 file (ISO 14496-12) what decides whether a phone can stream it."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_CONTAINER_BOXES = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl"})
_H264_CODECS = frozenset({b"avc1", b"avc3"})


@dataclass(frozen=True, slots=True)
class Mp4:
    """`codec` is the first video track's; `width` and `height` are in pixels.

    `streamable` means that the index comes before the pictures.
    """

    codec: str
    width: int
    height: int
    duration_s: float
    streamable: bool

    @property
    def h264(self) -> bool:
        return self.codec.encode() in _H264_CODECS


def read_mp4(data: bytes) -> Mp4 | None:
    """Return what the file says of its film; None where it is not an MP4 with a video track."""
    try:
        top = [kind for kind, _, _ in _boxes(data, 0, len(data))]
        if b"ftyp" not in top or b"moov" not in top or b"mdat" not in top:
            return None
        return _read(data, top.index(b"moov") < top.index(b"mdat"))
    except (struct.error, IndexError, ZeroDivisionError):
        return None


def _read(data: bytes, streamable: bool) -> Mp4 | None:
    duration_s = 0.0
    codec, width, height = "", 0, 0
    track = (0, 0)
    for kind, start, _ in _leaves(data, 0, len(data)):
        if kind == b"mvhd":
            timescale, duration = (
                struct.unpack_from(">IQ", data, start + 20)
                if data[start] == 1
                else struct.unpack_from(">II", data, start + 12)
            )
            duration_s = duration / timescale
        elif kind == b"tkhd":
            at = start + (88 if data[start] == 1 else 76)
            track = tuple(side >> 16 for side in struct.unpack_from(">II", data, at))
        elif kind == b"stsd":
            sample = data[start + 12 : start + 16]
            if not codec and track[0]:  # a sound track has no width
                codec = sample.decode("ascii", "replace")
                width, height = track
    return Mp4(codec, width, height, duration_s, streamable) if codec else None


def _leaves(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    for kind, inner, after in _boxes(data, start, end):
        if kind in _CONTAINER_BOXES:
            yield from _leaves(data, inner, after)
        else:
            yield kind, inner, after


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield each box as its kind, the offset of its content, and the offset of its end, in bytes."""
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        header = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start + 8)
            header = 16
        elif size == 0:
            size = end - start
        if size < header or start + size > end:
            return
        yield kind, start + header, start + size
        start += size
