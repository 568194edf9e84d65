"""The engine process's end of the socket: blocking; several threads may send."""

import socket
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from engine.process.wire import VERSION, FrameReader, Hello, Message, WireError, encode

_READ_BYTES = 1 << 18


class ServerConnection:
    """Greets the client on entering; iterating yields its messages until it closes the socket."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._sending = threading.Lock()

    @classmethod
    def inherited(cls, descriptor: int) -> Self:
        """The connection on a socket that this process has inherited under this file descriptor."""
        return cls(socket.socket(fileno=descriptor))

    def __enter__(self) -> Self:
        self._socket.setblocking(True)
        self.send(Hello())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def send(self, message: Message) -> None:
        """Send one message. A client that is gone is no error: `__iter__` notices it and ends.

        Raises `WireError` for a message that no frame can carry.
        """
        frame = encode(message)
        with self._sending:
            try:
                self._socket.sendall(frame)
            except OSError:
                return

    def __iter__(self) -> Iterator[Message]:
        """Yield the client's messages. Raises `WireError` for what is none, and for a client of another version."""
        reader = FrameReader()
        greeted = False
        while data := self._receive():
            for message in reader.feed(data):
                if isinstance(message, Hello):
                    if message.version != VERSION:
                        raise WireError(f"the other side speaks version {message.version}, not {VERSION}")
                    greeted = True
                elif greeted:
                    yield message
                else:
                    raise WireError("the other side did not greet")
        reader.finish()

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(_READ_BYTES)
        except ConnectionError:
            return b""
