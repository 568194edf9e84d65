"""Every message survives the wire, in whatever pieces it arrives; everything else is refused."""

import json
import struct
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.messages import Answer, Recognise, Rejuvenate, Request, Species
from engine.process import wire
from engine.process.wire import FrameReader, Hello, Message, WireError, Working, encode

finite = st.floats(allow_nan=False, allow_infinity=False)
st.register_type_strategy(float, finite)
messages_of_any_kind = st.one_of(*(st.builds(kind) for kind in get_args(Message)))


def read(data: bytes) -> list[Message]:
    reader = FrameReader()
    received = list(reader.feed(data))
    reader.finish()
    return received


def frame(header: object, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack(">II", len(text), len(body)) + text + body


def test_all_requests_and_answers_can_be_sent() -> None:
    assert set(get_args(Request)) | set(get_args(Answer)) | {Hello, Working} == set(get_args(Message))


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


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (frame({"type": "Sudo", "fields": {}, "blobs": []}), "unknown type"),
        (frame({"type": ["Hello"], "fields": {}, "blobs": []}), "unknown type"),
        (frame({"type": "Hello", "fields": {"version": "1"}, "blobs": []}), r"Hello\.version is no int"),
        (frame({"type": "Hello", "fields": {"version": True}, "blobs": []}), r"Hello\.version is no int"),
        (frame({"type": "Hello", "fields": {}, "blobs": []}), "Hello has not the fields"),
        (frame({"type": "Hello", "fields": {"version": 1, "x": 1}, "blobs": []}), "Hello has not the fields"),
        (frame({"type": "Working", "fields": {"ids": [1]}, "blobs": []}), r"Working\.ids is no str"),
        (frame({"type": "Recognise", "fields": {"id": "a", "photo": 0}, "blobs": []}), r"photo points to no blob"),
        (frame({"type": "Recognise", "fields": {"id": "a", "photo": 0}, "blobs": [3]}, b"ab"), "do not fill"),
        (frame({"type": "Recognise", "fields": {"id": "a", "photo": 0}, "blobs": [-1]}, b"ab"), "no proper lengths"),
        (frame(b"not JSON"), "header"),
        (frame(b"[" * 100_000), "header"),
        (frame([]), "header"),
        (struct.pack(">II", wire.MAX_HEADER_BYTES + 1, 0), "larger than a frame may be"),
        (struct.pack(">II", 0, wire.MAX_BODY_BYTES + 1), "larger than a frame may be"),
    ],
)
def test_what_is_no_message_is_refused_in_words(data: bytes, says: str) -> None:
    reader = FrameReader()
    with pytest.raises(WireError, match=says):
        list(reader.feed(data))
    with pytest.raises(WireError, match="broken frame before"):
        list(reader.feed(encode(Hello())))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", str(10**400), "true", '"1"', "null"])
def test_numbers_are_finite(number: str) -> None:
    fields = '{"id":"a","stage":"filming","fraction":' + number + ',"eta_s":null,"position":0,"preview":null}'
    with pytest.raises(WireError, match="fraction"):
        read(frame(b'{"type":"Progress","blobs":[],"fields":' + fields.encode() + b"}"))


def test_what_does_not_fit_is_not_sent() -> None:
    with pytest.raises(wire.FrameTooLarge):
        encode(Recognise("a", bytes(wire.MAX_BODY_BYTES + 1)))
    with pytest.raises(WireError, match="Rejuvenate cannot be sent"):
        encode(Rejuvenate("a", b"", age=float("nan")))


def test_errors_do_not_show_the_content() -> None:
    data = frame({"type": "Failure", "fields": {"id": 5, "kind": "secret"}, "blobs": []})
    with pytest.raises(WireError) as caught:
        read(data)
    assert "secret" not in str(caught.value)
