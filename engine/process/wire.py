"""Messages as bytes on a socket: length-prefixed frames, nothing pickled.

    frame  = header length (4 bytes, big endian) · body length (4 bytes) · header · body
    header = JSON {"type": class name, "fields": {…}, "blobs": [length, …]}
    body   = the blobs one after the other

Every `bytes` field travels as a blob; its place in the fields holds the blob's index. Both ends know the
dataclasses of `engine.messages`, and a frame is held against their annotations field by field: whatever does not
fit is refused with a `WireError` that names the type and the field, never the content.

Each side first sends `Hello`; a peer that speaks another version is refused.
"""

import json
import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from engine.messages import Answer, Request

VERSION = 2
MAX_HEADER_BYTES = 1 << 20
MAX_BODY_BYTES = 96 << 20  # two of the largest photos, or a film with its latent, with room to spare

_PREFIX = struct.Struct(">II")


class WireError(Exception):
    """The bytes are no message of ours; the connection cannot be used any further."""


class FrameTooLarge(WireError):
    """The message is larger than a frame may be."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message in either direction."""

    version: int = VERSION


@dataclass(frozen=True, slots=True)
class Working:
    """The engine is about to work on these requests: should it die now, they are what it died of."""

    ids: tuple[str, ...]


Message = Request | Answer | Hello | Working

_TYPES: dict[str, type] = {kind.__name__: kind for kind in get_args(Message)}


def encode(message: Message) -> bytes:
    """The frame of one message. Raises `FrameTooLarge`, or `WireError` for what JSON cannot carry (NaN)."""
    blobs: list[bytes] = []
    packed = _pack(message, blobs)
    try:
        header = json.dumps(
            {"type": type(message).__name__, "fields": packed, "blobs": [len(blob) for blob in blobs]},
            separators=(",", ":"),
            allow_nan=False,
        ).encode()
    except (TypeError, ValueError) as error:
        raise WireError(f"{type(message).__name__} cannot be sent: {type(error).__name__}") from None
    body_length = sum(map(len, blobs))
    _check_lengths(len(header), body_length)
    return b"".join((_PREFIX.pack(len(header), body_length), header, *blobs))


class FrameReader:
    """Turns the bytes of a connection, in whatever pieces they arrive, into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._broken = False

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take `data` and yield the messages it completes. Raises `WireError`; nothing can be read after that."""
        if self._broken:
            raise WireError("the connection sent a broken frame before")
        self._buffer += data
        try:
            while (message := self._next()) is not None:
                yield message
        except WireError:
            self._broken = True
            self._buffer.clear()
            raise

    def finish(self) -> None:
        """Say that the connection ended. Raises `WireError` when it ended within a frame."""
        if self._buffer:
            raise WireError("the connection ended in the middle of a message")

    def _next(self) -> Message | None:
        if len(self._buffer) < _PREFIX.size:
            return None
        header_length, body_length = _PREFIX.unpack_from(self._buffer)
        _check_lengths(header_length, body_length)
        start = _PREFIX.size + header_length
        end = start + body_length
        if len(self._buffer) < end:
            return None
        with memoryview(self._buffer) as view:
            header, body = bytes(view[_PREFIX.size : start]), bytes(view[start:end])
        del self._buffer[:end]
        return _decode(header, body)


def _check_lengths(header: int, body: int) -> None:
    if header > MAX_HEADER_BYTES or body > MAX_BODY_BYTES:
        raise FrameTooLarge(f"a message of {header} + {body} bytes is larger than a frame may be")


def _pack(value: Any, blobs: list[bytes]) -> Any:
    """`value` as JSON knows it, its bytes moved to `blobs`."""
    if isinstance(value, bytes):
        blobs.append(value)
        return len(blobs) - 1
    if is_dataclass(value):
        return {field.name: _pack(getattr(value, field.name), blobs) for field in fields(value)}
    if isinstance(value, tuple):
        return [_pack(item, blobs) for item in value]
    if isinstance(value, Enum):
        return value.value
    return value


def _decode(header: bytes, body: bytes) -> Message:
    try:
        envelope = json.loads(header)
        name, packed, lengths = envelope["type"], envelope["fields"], envelope["blobs"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise WireError("a message's header is not what it should be") from None
    kind = _TYPES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise WireError("a message of an unknown type")
    message: Message = _unpacker(kind)(packed, _split(body, lengths), kind.__name__)
    return message


def _split(body: bytes, lengths: Any) -> list[bytes]:
    if not isinstance(lengths, list) or any(type(length) is not int or length < 0 for length in lengths):
        raise WireError("a message's blobs have no proper lengths")
    if sum(lengths) != len(body):
        raise WireError("a message's blobs do not fill its body")
    blobs, start = [], 0
    for length in lengths:
        blobs.append(body[start : start + length])
        start += length
    return blobs


_Unpack = Callable[[Any, list[bytes], str], Any]


@cache
def _unpacker(kind: Any) -> _Unpack:
    """The function (packed value, blobs, place) → value of the annotation `kind`; it raises `WireError`."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is UnionType:
        unpack = _optional(arguments)
    elif origin is tuple:
        unpack = _tuple_of_any_length(arguments[0]) if arguments[-1] is Ellipsis else _tuple_of(arguments)
    elif origin is dict:
        unpack = _dictionary(arguments[1])
    elif is_dataclass(kind):
        unpack = _dataclass(kind)
    elif issubclass(kind, Enum):
        unpack = _member_of(kind)
    else:
        unpack = {bytes: _blob, float: _number}.get(kind) or _plain(kind)
    return unpack


def _optional(arguments: tuple[Any, ...]) -> _Unpack:
    (inner,) = (argument for argument in arguments if argument is not NoneType)
    unpack = _unpacker(inner)
    return lambda value, blobs, place: None if value is None else unpack(value, blobs, place)


def _tuple_of_any_length(item: Any) -> _Unpack:
    unpack = _unpacker(item)
    return lambda value, blobs, place: tuple(unpack(one, blobs, place) for one in _expect(list, value, place))


def _tuple_of(items: tuple[Any, ...]) -> _Unpack:
    unpackers = [_unpacker(item) for item in items]

    def unpack(value: Any, blobs: list[bytes], place: str) -> Any:
        if len(_expect(list, value, place)) != len(unpackers):
            raise WireError(f"{place} has the wrong length")
        return tuple(one(item, blobs, place) for one, item in zip(unpackers, value, strict=True))

    return unpack


def _dictionary(item: Any) -> _Unpack:
    unpack = _unpacker(item)
    return lambda value, blobs, place: {
        key: unpack(one, blobs, place) for key, one in _expect(dict, value, place).items()
    }


def _dataclass(kind: Any) -> _Unpack:
    hints = get_type_hints(kind)
    unpackers = {field.name: _unpacker(hints[field.name]) for field in fields(kind)}

    def unpack(value: Any, blobs: list[bytes], place: str) -> Any:
        if _expect(dict, value, place).keys() != unpackers.keys():
            raise WireError(f"{place} has not the fields it should have")
        return kind(**{name: one(value[name], blobs, f"{place}.{name}") for name, one in unpackers.items()})

    return unpack


def _blob(value: Any, blobs: list[bytes], place: str) -> bytes:
    if type(value) is not int or not 0 <= value < len(blobs):
        raise WireError(f"{place} points to no blob")
    return blobs[value]


def _member_of(kind: type[Enum]) -> _Unpack:
    def unpack(value: Any, blobs: list[bytes], place: str) -> Enum:
        try:
            return kind(value)
        except ValueError:
            raise WireError(f"{place} is no {kind.__name__}") from None

    return unpack


def _number(value: Any, blobs: list[bytes], place: str) -> float:
    if type(value) is int and abs(value) < 1 << 53:
        return float(value)
    if not math.isfinite(_expect(float, value, place)):
        raise WireError(f"{place} is no finite number")
    return float(value)


def _plain(kind: type) -> _Unpack:
    return lambda value, blobs, place: _expect(kind, value, place)


def _expect(kind: type, value: Any, place: str) -> Any:
    if type(value) is not kind:
        raise WireError(f"{place} is no {kind.__name__}")
    return value
