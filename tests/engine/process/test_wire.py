"""Every message survives the wire, in whatever pieces it arrives; everything else is refused."""

import re
import struct
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.messages import Answer, Failure, FailureKind, Progress, Recognise, Rejuvenate, Request, Species, Stage
from engine.process import wire
from engine.process.wire import Capacity, FrameReader, Hello, Message, WireError, Working, encode

finite = st.floats(allow_nan=False, allow_infinity=False)
st.register_type_strategy(float, finite)
st.register_type_strategy(int, st.integers(-(2**63), 2**63 - 1))
messages_of_any_kind = st.one_of(*(st.builds(kind) for kind in get_args(Message)))


def read(data: bytes) -> list[Message]:
    reader = FrameReader()
    received = list(reader.feed(data))
    reader.finish()
    return received


def frame(content: object) -> bytes:
    """A frame of these bytes, or of something else as MessagePack."""
    body = content if isinstance(content, bytes) else msgspec.msgpack.encode(content)
    return struct.pack(">I", len(body)) + body


def progress(**changes: Any) -> bytes:
    """A frame of a progress message with some fields of other values."""
    fields = {"id": "a", "stage": "filming", "fraction": 0.5} | changes
    return frame(["Progress", fields])


def test_all_requests_and_answers_can_be_sent() -> None:
    assert set(get_args(Request)) | set(get_args(Answer)) | {Hello, Working, Capacity} == set(get_args(Message))


@settings(deadline=None)
@given(st.lists(messages_of_any_kind, max_size=3), st.integers(1, 400))
def test_round_trip_in_pieces(sent: list[Message], piece: int) -> None:
    stream = b"".join(map(encode, sent))
    reader = FrameReader()
    received = [
        message for start in range(0, len(stream), piece) for message in reader.feed(stream[start : start + piece])
    ]
    reader.finish()
    assert received == sent


def test_photos_travel_as_they_are() -> None:
    photo = bytes(range(256)) * 4
    data = encode(Rejuvenate("a", photo, species=Species.CAT, baby_photo=photo[::-1]))
    assert photo in data
    assert len(data) < 2 * len(photo) + 400


@given(messages_of_any_kind, st.data())
def test_a_cut_off_message_is_noticed(message: Message, data: st.DataObject) -> None:
    whole = encode(message)
    reader = FrameReader()
    assert list(reader.feed(whole[: data.draw(st.integers(1, len(whole) - 1))])) == []
    with pytest.raises(WireError, match="in the middle of a message"):
        reader.finish()


@settings(deadline=None)
@given(messages_of_any_kind, st.data())
def test_a_damaged_message_never_raises_anything_else(message: Message, data: st.DataObject) -> None:
    damaged = bytearray(encode(message))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        for received in read(bytes(damaged)):
            assert type(received) in get_args(Message)
    except WireError:
        pass


@settings(deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_random_bytes_never_raise_anything_else(content: bytes, framed: bool) -> None:
    try:
        for received in read(frame(content) if framed else content):
            assert type(received) in get_args(Message)
    except WireError:
        pass


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (frame(["Sudo", {}]), "unknown type"),
        (frame([["Hello"], {}]), "a message[0] is not what it should be"),
        (frame(["Hello"]), "a message is not what it should be"),
        (frame(["Hello", {"version": "1"}]), "Hello.version is not what it should be"),
        (frame(["Hello", {"version": True}]), "Hello.version is not what it should be"),
        (frame(["Hello", [1]]), "Hello is not what it should be"),
        (frame(["Working", {}]), "Working is not what it should be"),
        (frame(["Working", {"ids": ["a", 1]}]), "Working.ids[1] is not what it should be"),
        (frame(["Recognise", {"id": "a", "photo": 0}]), "Recognise.photo is not what it should be"),
        (progress(stage="dreaming"), "Progress.stage is not what it should be"),
        (frame({}), "a message is not what it should be"),
        (frame(b"\xc1"), "cannot be read"),
        (frame(b"\x91" * 100_000), "a message"),
        (frame(b"\x92\xa7Working\x81\xa3ids\xdd\xff\xff\xff\xff"), "cannot be read"),
        (struct.pack(">I", wire.MAX_BODY_BYTES + 1), "larger than a frame may be"),
    ],
)
def test_what_is_no_message_is_refused_in_words(data: bytes, says: str) -> None:
    reader = FrameReader()
    with pytest.raises(WireError, match=re.escape(says)):
        list(reader.feed(data))
    with pytest.raises(WireError, match="broken frame before"):
        list(reader.feed(encode(Hello())))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), True, "1", None], ids=str)
def test_numbers_are_finite(number: object) -> None:
    with pytest.raises(WireError, match=r"Progress\.fraction is not"):
        read(progress(fraction=number))


def test_whole_numbers_are_taken_for_fractions() -> None:
    assert read(progress(fraction=1)) == [Progress("a", Stage.FILMING, 1.0)]


def test_what_does_not_fit_is_not_sent() -> None:
    with pytest.raises(wire.FrameTooLarge):
        encode(Recognise("a", bytes(wire.MAX_BODY_BYTES + 1)))
    with pytest.raises(WireError, match=r"Rejuvenate cannot be sent: Rejuvenate\.age"):
        encode(Rejuvenate("a", b"", age=float("nan")))
    with pytest.raises(WireError, match="Hello cannot be sent: OverflowError"):
        encode(Hello(2**64))
    with pytest.raises(WireError, match="Recognise cannot be sent: UnicodeEncodeError"):
        encode(Recognise("\ud800", b""))
    with pytest.raises(WireError, match=r"Failure cannot be sent: Failure\.reason"):
        encode(Failure("a", FailureKind.FAULT, 5))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content",
    [
        ["Failure", {"id": 5, "kind": "secret"}],
        ["Failure", {"id": "a", "kind": "secret", "reason": "b"}],
        ["Failure", {"id": "a", "kind": "x - at `$.secret`", "reason": "b"}],
        ["secret", {}],
        ["Reimagined", {"id": "a", "age": 1.0, "still": b"", "seconds": {"secret": "secret"}}],
        ["Hello", {"version": "secret"}],
    ],
    ids=str,
)
def test_errors_do_not_show_the_content(content: object) -> None:
    with pytest.raises(WireError) as caught:
        read(frame(content))
    assert "secret" not in str(caught.value)
