"""Encodes messages as bytes for a socket, and decodes them: length-prefixed MessagePack, nothing pickled.

    frame = length of the body (4 bytes, big endian) · body
    body  = MessagePack [class name, {field: value, …}]; pictures, films and states as raw bytes

Both ends know the dataclasses of `engine.messages`; msgspec checks every field against its annotation. A frame that
does not fit is refused with a `WireError` that names the place, never the content.

Each side first sends `Hello`; a peer that speaks another version is refused.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

import msgspec

from engine.messages import Answer, Request

VERSION = 5
MAX_BODY_BYTES = 96 << 20  # two of the largest photos, or a film with its state, with room to spare

_PREFIX = struct.Struct(">I")
_PLACE = re.compile(r" - at `\$([\w.\[\]]*)`$")  # how msgspec ends an error's text; what is before it may quote values


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
    """The engine is about to work on these requests: if it dies now, one of them is to blame."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many portraits the engine wants at once, from now on; none while there is nothing that could make them."""

    portraits: int


Message = Request | Answer | Hello | Working | Capacity


class _Envelope(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    name: str
    message: msgspec.Raw


_ENVELOPE = msgspec.msgpack.Decoder(_Envelope)
_DECODERS: dict[str, msgspec.msgpack.Decoder[Any]] = {
    kind.__name__: msgspec.msgpack.Decoder(kind) for kind in get_args(Message)
}


def encode(message: Message) -> bytes:
    """The frame of one message. Raises `FrameTooLarge`, or `WireError` for what the other side would refuse (NaN)."""
    name = type(message).__name__
    try:
        body = msgspec.msgpack.encode((name, message))
    except (TypeError, ValueError, OverflowError) as error:
        raise WireError(f"{name} cannot be sent: {type(error).__name__}") from None
    _check_length(len(body))
    try:
        _decode(body)
    except WireError as error:
        raise WireError(f"{name} cannot be sent: {error}") from None
    return _PREFIX.pack(len(body)) + body


def decode(frame: bytes) -> Message:
    """The message of one whole frame. Raises `WireError`."""
    reader = FrameReader()
    message = next(reader.feed(frame), None)
    reader.finish()
    if message is None:
        raise WireError("the frame has no message")
    return message


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
        (length,) = _PREFIX.unpack_from(self._buffer)
        _check_length(length)
        end = _PREFIX.size + length
        if len(self._buffer) < end:
            return None
        with memoryview(self._buffer) as view:
            body = bytes(view[_PREFIX.size : end])
        del self._buffer[:end]
        return _decode(body)


def _check_length(body: int) -> None:
    if body > MAX_BODY_BYTES:
        raise FrameTooLarge(f"a message of {body} bytes is larger than a frame may be")


def _decode(body: bytes) -> Message:
    name = "a message"
    try:
        envelope = _ENVELOPE.decode(body)
        if envelope.name not in _DECODERS:
            raise WireError("a message of an unknown type")
        name = envelope.name
        message: Message = _DECODERS[name].decode(envelope.message)
    except msgspec.ValidationError as error:
        place = _PLACE.search(str(error))
        raise WireError(f"{name}{place[1] if place else ''} is not what it should be") from None
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise WireError(f"{name} cannot be read: {type(error).__name__}") from None
    return message
